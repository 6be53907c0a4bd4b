//! The scripts, and a call of one. Payloads go in as arguments, never into a script's text.

use super::keys;

/// Each is one atomic effect, or one question, in one partition.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Script {
    Accept,
    Lease,
    Release,
    Claim,
    Peek,
    Step,
    Opened,
    PartDone,
    Delivered,
    Retry,
    Park,
    Replay,
    Drop,
    Parked,
    Purge,
    Wanted,
    Shown,
    Marked,
    Thread,
    Threads,
    Adopt,
    Pulled,
    Status,
    Totals,
    /// The one that belongs to no partition.
    Keep,
}

impl Script {
    pub(super) const ALL: [Self; 25] = [
        Self::Accept,
        Self::Lease,
        Self::Release,
        Self::Claim,
        Self::Peek,
        Self::Step,
        Self::Opened,
        Self::PartDone,
        Self::Delivered,
        Self::Retry,
        Self::Park,
        Self::Replay,
        Self::Drop,
        Self::Parked,
        Self::Purge,
        Self::Wanted,
        Self::Shown,
        Self::Marked,
        Self::Thread,
        Self::Threads,
        Self::Adopt,
        Self::Pulled,
        Self::Status,
        Self::Totals,
        Self::Keep,
    ];

    const fn text(self) -> &'static str {
        match self {
            Self::Accept => include_str!("accept.lua"),
            Self::Lease => include_str!("lease.lua"),
            Self::Release => include_str!("release.lua"),
            Self::Claim => include_str!("claim.lua"),
            Self::Peek => include_str!("peek.lua"),
            Self::Step => include_str!("step.lua"),
            Self::Opened => include_str!("opened.lua"),
            Self::PartDone => include_str!("part_done.lua"),
            Self::Delivered => include_str!("delivered.lua"),
            Self::Retry => include_str!("retry.lua"),
            Self::Park => include_str!("park.lua"),
            Self::Replay => include_str!("replay.lua"),
            Self::Drop => include_str!("drop.lua"),
            Self::Parked => include_str!("parked.lua"),
            Self::Purge => include_str!("purge.lua"),
            Self::Wanted => include_str!("wanted.lua"),
            Self::Shown => include_str!("shown.lua"),
            Self::Marked => include_str!("marked.lua"),
            Self::Thread => include_str!("thread.lua"),
            Self::Threads => include_str!("threads.lua"),
            Self::Adopt => include_str!("adopt.lua"),
            Self::Pulled => include_str!("pulled.lua"),
            Self::Status => include_str!("status.lua"),
            Self::Totals => include_str!("totals.lua"),
            Self::Keep => include_str!("keep.lua"),
        }
    }

    pub(super) fn code(self) -> String {
        match self {
            Self::Keep => self.text().to_owned(),
            _ => format!("{}\n{}", include_str!("prelude.lua"), self.text()),
        }
    }
}

/// One call, with its arguments in the order in which the script reads them.
#[derive(Debug)]
pub(super) struct Call {
    /// Sent before it in the same round trip.
    pub(super) before: Vec<redis::Cmd>,
    pub(super) script: Script,
    pub(super) key: String,
    pub(super) args: Vec<Vec<u8>>,
}

impl Call {
    pub(super) fn new(script: Script, partition: u8) -> Self {
        Self::on(script, keys::prefix(partition))
    }

    pub(super) const fn on(script: Script, key: String) -> Self {
        Self {
            before: Vec::new(),
            script,
            key,
            args: Vec::new(),
        }
    }

    /// Commands whose effect must be there before that of the script, and harms nobody without it.
    pub(super) fn behind(mut self, before: impl IntoIterator<Item = redis::Cmd>) -> Self {
        self.before.extend(before);
        self
    }

    pub(super) fn arg(mut self, arg: impl Argument) -> Self {
        self.args.push(arg.into_bytes());
        self
    }

    pub(super) fn args(mut self, args: impl IntoIterator<Item = Vec<u8>>) -> Self {
        self.args.extend(args);
        self
    }
}

/// What can be told a script; nothing is empty.
pub(super) trait Argument {
    fn into_bytes(self) -> Vec<u8>;
}

impl Argument for Vec<u8> {
    fn into_bytes(self) -> Vec<u8> {
        self
    }
}

impl Argument for String {
    fn into_bytes(self) -> Vec<u8> {
        Self::into_bytes(self)
    }
}

impl Argument for &str {
    fn into_bytes(self) -> Vec<u8> {
        self.as_bytes().to_vec()
    }
}

impl Argument for bool {
    fn into_bytes(self) -> Vec<u8> {
        vec![if self { b'1' } else { b'0' }]
    }
}

impl Argument for shared::Timestamp {
    fn into_bytes(self) -> Vec<u8> {
        self.as_millis().to_string().into_bytes()
    }
}

impl<T: Argument> Argument for Option<T> {
    fn into_bytes(self) -> Vec<u8> {
        self.map_or_else(Vec::new, T::into_bytes)
    }
}

macro_rules! numbers {
    ($($number:ty),*) => {
        $(impl Argument for $number {
            fn into_bytes(self) -> Vec<u8> {
                self.to_string().into_bytes()
            }
        })*
    };
}
numbers!(u8, u32, u64, usize, i64, u128);
