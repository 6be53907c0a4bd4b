//! What one customer of i-Reserve agreed: keys, language, channels. And all of them together, as a snapshot that can be swapped.
//!
//! | word | meaning |
//! |---|---|
//! | licence | the tenant: [`Licence`], looked up by its id in [`Licences`] |
//! | key | proves that a call comes from i-Reserve: [`Key`] |
//! | webhook token | what Mattermost's outgoing webhook shows, kept as a digest: [`TokenDigest`] |
//! | signing secret | signs what we send to i-Reserve: [`SigningSecret`] |
//! | licence key | one value that carries a whole connection: [`LicenceKey`] |
//!
//! Everything in here is right once it exists: the constructors are the only way in, and they say what is wrong. Reading settings is
//! not here, nor is any verification.

mod address;
mod key;
mod licence_key;
mod public_key;
mod secret;
mod team;

use std::{collections::BTreeMap, num::NonZeroU32, sync::Arc};

use shared::{ChannelId, Language, LicenceId, Zone};
use tokio::sync::watch;
use url::Url;

pub use address::{AddressError, is_loopback, outgoing};
pub use key::{Algorithm, Key, KeyError, Kid, Material};
pub use licence_key::{LicenceKey, LicenceKeyError};
pub use public_key::{PublicKey, PublicKeyError};
pub use secret::{SecretError, SigningSecret, TokenDigest};
pub use team::{ContactDetails, Team, WhoMayMap};

/// One customer, as agreed.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Licence {
    pub id: LicenceId,
    /// Of texts that a whole channel reads.
    pub language: Language,
    /// For times in channel texts.
    pub time_zone: Zone,
    /// Mattermost team, as it stands in addresses.
    pub team: Option<String>,
    /// Where conversations go that no department sends elsewhere. Without one their lanes wait.
    pub channel: Option<Channel>,
    pub mode: Mode,
    /// Events per second before 429; none is no limit.
    pub rate: Option<NonZeroU32>,
    /// Up to 3, all valid.
    pub webhook_tokens: Vec<TokenDigest>,
    /// 1 to 3, all valid.
    pub keys: Vec<Key>,
    pub attachments: Attachments,
    pub ireserve: Ireserve,
    /// Department to channel.
    pub departments: BTreeMap<String, Channel>,
    /// Notification type to channel; `*` is every other type.
    pub notifications: BTreeMap<String, Channel>,
}

/// A channel as settings name it.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub enum Channel {
    Id(ChannelId),
    /// As in addresses; to be looked up in the licence's team.
    Name(String),
}

impl Channel {
    /// 26 lower-case letters and digits are an id, all else a name. `None` when it can be neither.
    #[must_use]
    pub fn parse(text: &str) -> Option<Self> {
        let is_name = (1..=64).contains(&text.len())
            && text
                .bytes()
                .all(|b| b.is_ascii_lowercase() || b.is_ascii_digit() || b"_-.".contains(&b));
        match ChannelId::new(text) {
            Ok(id) => Some(Self::Id(id)),
            Err(_) => is_name.then(|| Self::Name(text.to_owned())),
        }
    }

    /// As it stood in the settings.
    #[must_use]
    pub fn as_str(&self) -> &str {
        match self {
            Self::Id(id) => id.as_str(),
            Self::Name(name) => name,
        }
    }
}

/// What of the team's posts may reach a visitor.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Default)]
pub enum Mode {
    /// Every reply that is no note.
    #[default]
    TwoWay,
    /// What starts with `>>`, or comes by command.
    AskFirst,
    /// Nothing.
    Alerts,
}

impl Mode {
    pub const ALL: [Self; 3] = [Self::TwoWay, Self::AskFirst, Self::Alerts];

    /// As settings spell it.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Self::TwoWay => "two-way",
            Self::AskFirst => "ask-first",
            Self::Alerts => "alerts",
        }
    }

    #[must_use]
    pub fn from_name(name: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|mode| mode.name() == name)
    }
}

/// Which files of events are fetched, and how big one may be.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Attachments {
    /// Host names, `*.` suffixes and literal addresses, lower case. Nothing else is ever fetched.
    pub fetch_hosts: Vec<String>,
    /// Of one file.
    pub max_bytes: u64,
}

/// i-Reserve's side of this licence.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Ireserve {
    /// Where replies and actions go. Without one they wait, with that reason.
    pub webhook_url: Option<Url>,
    /// Where colleagues are looked up by e-mail address.
    pub users_url: Option<Url>,
    /// Newest first, up to 2; all sign. Without one nothing is sent.
    pub secrets: Vec<SigningSecret>,
    /// Plain http to an address that is not loopback was allowed by name.
    pub dangerous_plain_http: bool,
}

impl Licence {
    /// The first key that can sign as well as verify.
    #[must_use]
    pub fn shared_key(&self) -> Option<&Key> {
        self.keys
            .iter()
            .find(|key| matches!(key.material(), Material::Hs256(_)))
    }
}

#[cfg(test)]
impl Licence {
    /// For tests: agreed on nothing but its id.
    pub(crate) fn plain(id: &str) -> Self {
        Self {
            id: LicenceId::new(id).unwrap(),
            language: Language::En,
            time_zone: Zone::default(),
            team: None,
            channel: None,
            mode: Mode::TwoWay,
            rate: None,
            webhook_tokens: Vec::new(),
            keys: Vec::new(),
            attachments: Attachments {
                fetch_hosts: Vec::new(),
                max_bytes: 100_000_000,
            },
            ireserve: Ireserve::default(),
            departments: BTreeMap::new(),
            notifications: BTreeMap::new(),
        }
    }
}

/// All licences at one moment. Cheap to clone; who holds one sees no later change.
#[derive(Debug, Clone, Default)]
pub struct Licences {
    by_id: Arc<BTreeMap<LicenceId, Arc<Licence>>>,
    waiting: bool,
}

impl Licences {
    /// Of two licences with one id the later counts.
    #[must_use]
    pub fn new(licences: impl IntoIterator<Item = Licence>) -> Self {
        let by_id = licences
            .into_iter()
            .map(|licence| (licence.id.clone(), Arc::new(licence)))
            .collect();
        Self {
            by_id: Arc::new(by_id),
            waiting: false,
        }
    }

    /// The same licences, of a sidecar whose plugin has not put its configuration since the start: an unknown licence may still come.
    #[must_use]
    pub fn waiting_for_the_plugin(mut self) -> Self {
        self.waiting = true;
        self
    }

    /// Whether an unknown licence or token is to be answered "not yet" rather than "no".
    #[must_use]
    pub const fn is_waiting(&self) -> bool {
        self.waiting
    }

    #[must_use]
    pub fn get(&self, id: &LicenceId) -> Option<&Arc<Licence>> {
        self.by_id.get(id)
    }

    /// In the order of their ids.
    pub fn iter(&self) -> impl ExactSizeIterator<Item = &Arc<Licence>> {
        self.by_id.values()
    }

    #[must_use]
    pub fn len(&self) -> usize {
        self.by_id.len()
    }

    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.by_id.is_empty()
    }
}

/// The licences that count now, for everybody in one app. Whoever reads takes a snapshot; whoever must react waits for a change.
#[derive(Debug, Clone)]
pub struct Current(watch::Receiver<Licences>);

impl Current {
    /// The reader, and the sender by which new settings replace all licences at once.
    #[must_use]
    pub fn new(licences: Licences) -> (watch::Sender<Licences>, Self) {
        let (sender, receiver) = watch::channel(licences);
        (sender, Self(receiver))
    }

    /// The reader of a sender that is there already.
    #[must_use]
    pub fn of(sender: &watch::Sender<Licences>) -> Self {
        Self(sender.subscribe())
    }

    #[must_use]
    pub fn snapshot(&self) -> Licences {
        self.0.borrow().clone()
    }

    /// Waits until they were replaced since the last call; `None` when nobody can replace them any more.
    ///
    /// May be dropped at any point.
    pub async fn changed(&mut self) -> Option<Licences> {
        self.0.changed().await.ok()?;
        Some(self.0.borrow_and_update().clone())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_channel_is_an_id_a_name_or_nothing() {
        assert!(matches!(
            Channel::parse("abcdefghijklmnopqrstuvwxyz"),
            Some(Channel::Id(_))
        ));
        assert!(
            matches!(Channel::parse("webchat-sales"), Some(Channel::Name(name)) if name == "webchat-sales")
        );
        for bad in ["", "Web Chat", "~town-square", "a/b"] {
            assert_eq!(Channel::parse(bad), None, "{bad:?}");
        }
    }

    #[tokio::test]
    async fn a_snapshot_stays_what_it_was_when_licences_are_replaced() {
        let (sender, mut current) = Current::new(Licences::default().waiting_for_the_plugin());
        let before = current.snapshot();
        sender.send_replace(Licences::default());
        let after = current.changed().await.unwrap();
        assert!(before.is_waiting());
        assert!(!after.is_waiting());
        drop(sender);
        assert!(current.changed().await.is_none());
    }
}
