//! The labels: one type for each set that belongs together, and closed enums for their values.

use std::fmt::Write as _;

use prometheus_client::encoding::{
    EncodeLabelSet, EncodeLabelValue, LabelSetEncoder, LabelValueEncoder,
};

macro_rules! closed {
    ($(#[$doc:meta])* $name:ident { $($variant:ident = $text:literal,)+ }) => {
        $(#[$doc])*
        #[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
        pub enum $name {
            $($variant,)+
        }

        impl $name {
            pub const ALL: [Self; [$($text),+].len()] = [$(Self::$variant),+];

            /// The label's value.
            #[must_use]
            pub const fn name(self) -> &'static str {
                match self {
                    $(Self::$variant => $text,)+
                }
            }
        }

        impl EncodeLabelValue for $name {
            fn encode(&self, encoder: &mut LabelValueEncoder<'_>) -> Result<(), std::fmt::Error> {
                encoder.write_str(self.name())
            }
        }
    };
}

closed! {
    /// Which way an event goes.
    Direction {
        ChatToThread = "chat_to_thread",
        ThreadToChat = "thread_to_chat",
    }
}
closed! {
    /// How an attempt, or an event, ended.
    Outcome {
        Delivered = "delivered",
        NotSent = "not_sent",
        InDoubt = "in_doubt",
        Paused = "paused",
        Blocked = "blocked",
        Refused = "refused",
        Parked = "parked",
    }
}
closed! {
    /// Who said that a thread may have changed.
    HintSource {
        Plugin = "plugin",
        Webhook = "webhook",
        Socket = "websocket",
        Sweep = "sweep",
    }
}
closed! {
    /// Which limit an event met.
    ShedReason {
        Rate = "rate",
        Backlog = "backlog",
        Store = "store",
    }
}
closed! {
    /// Whom we call.
    Dependency {
        Mattermost = "mattermost",
        Ireserve = "ireserve",
    }
}

#[derive(Debug, Clone, PartialEq, Eq, Hash, EncodeLabelSet)]
pub(super) struct Lane {
    licence: String,
    direction: Direction,
}

impl Lane {
    pub(super) fn new(licence: &str, direction: Direction) -> Self {
        Self {
            licence: licence.to_owned(),
            direction,
        }
    }
}

#[derive(Debug, Clone, PartialEq, Eq, Hash, EncodeLabelSet)]
pub(super) struct Ended {
    pub(super) licence: String,
    pub(super) direction: Direction,
    pub(super) outcome: Outcome,
}

#[derive(Debug, Clone, PartialEq, Eq, Hash, EncodeLabelSet)]
pub(super) struct Hinted {
    pub(super) source: HintSource,
}

#[derive(Debug, Clone, PartialEq, Eq, Hash, EncodeLabelSet)]
pub(super) struct Refused {
    pub(super) licence: String,
    pub(super) reason: ShedReason,
}

#[derive(Debug, Clone, PartialEq, Eq, Hash, EncodeLabelSet)]
pub(super) struct OfLicence {
    pub(super) licence: String,
}

#[derive(Debug, Clone, PartialEq, Eq, Hash, EncodeLabelSet)]
pub(super) struct Asked {
    pub(super) route: &'static str,
    pub(super) status: u16,
}

#[derive(Debug, Clone, PartialEq, Eq, Hash, EncodeLabelSet)]
pub(super) struct Stored {
    pub(super) operation: &'static str,
}

/// Written by hand: a label without a value is left out.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub(super) struct Broken {
    pub(super) dependency: Dependency,
    pub(super) licence: Option<String>,
}

impl EncodeLabelSet for Broken {
    fn encode(&self, encoder: &mut LabelSetEncoder<'_>) -> Result<(), std::fmt::Error> {
        let mut labels = vec![("dependency", self.dependency.name())];
        labels.extend(self.licence.as_deref().map(|licence| ("licence", licence)));
        labels.encode(encoder)
    }
}
