//! What people decided in Mattermost: kept in the store, and a source of settings.

use std::{collections::BTreeMap, fmt};

use serde::{Deserialize, Serialize};
use serde_json::{Map, Value, json};
use shared::LicenceId;

use crate::{
    command::Place,
    licence::LicenceKey,
    store::{Store, StoreError},
};

/// Where it is kept.
const NAME: &str = "decided in mattermost";
/// Of one licence: the one that counts, and the one before it while i-Reserve still uses that.
const KEYS_OF_ONE: usize = 2;
/// Others may decide at the same moment; each time one of us gets on.
const TRIES: usize = 16;

/// Everything that people decided.
#[derive(Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default)]
pub(in crate::app) struct Decisions {
    /// Newest first.
    licence_keys: Vec<String>,
    channels: Vec<Chosen>,
}

/// Where a licence's conversations and notifications go.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
struct Chosen {
    licence: LicenceId,
    #[serde(flatten)]
    place: Place,
}

impl Decisions {
    /// What cannot be read is logged and not used: everything else goes on without it.
    ///
    /// # Errors
    /// When the store does not say.
    pub(in crate::app) async fn kept(store: &Store) -> Result<Self, StoreError> {
        let text = store.kept(NAME).await?;
        Ok(read(text.as_deref()).unwrap_or_else(|error| {
            tracing::error!(%error, "what people decided is not used");
            Self::default()
        }))
    }

    /// Changes what is kept, whoever else does so too.
    ///
    /// # Errors
    /// When the store does not confirm it, or holds what cannot be read: that is not to be overwritten.
    pub(super) async fn change(
        store: &Store,
        change: impl Fn(&mut Self),
    ) -> Result<Self, StoreError> {
        for _ in 0..TRIES {
            let before = store.kept(NAME).await?;
            let mut decisions = read(before.as_deref())?;
            change(&mut decisions);
            let text = serde_json::to_string(&decisions).expect("decisions are plain data");
            if store.keep(NAME, &text, before.as_deref()).await? {
                return Ok(decisions);
            }
        }
        Err(StoreError::Unavailable {
            reason: "what people decide is being changed by too many at once".to_owned(),
        })
    }

    /// This licence has this key and this channel now.
    pub(super) fn connect(&mut self, key: &LicenceKey, place: Place) {
        let (licence, text) = (key.licence().clone(), key.expose_text());
        self.licence_keys.retain(|kept| *kept != text);
        self.licence_keys.insert(0, text);
        let mut own = 0;
        self.licence_keys.retain(|kept| {
            let is_own = LicenceKey::parse(kept).is_ok_and(|kept| *kept.licence() == licence);
            own += usize::from(is_own);
            !is_own || own <= KEYS_OF_ONE
        });
        self.channels.retain(|chosen| chosen.licence != licence);
        self.channels.push(Chosen { licence, place });
    }

    pub(super) fn places(&self) -> BTreeMap<LicenceId, Place> {
        self.channels
            .iter()
            .map(|chosen| (chosen.licence.clone(), chosen.place.clone()))
            .collect()
    }

    /// As a source of settings: the channel is a licence's default, for every type of notification too.
    pub(super) fn settings(&self) -> Map<String, Value> {
        let licences: Vec<Value> = self
            .channels
            .iter()
            .map(|chosen| {
                let (licence, place) = (chosen.licence.as_str(), &chosen.place);
                let channel = place.channel_id.as_str();
                json!({"id": licence, "team": place.team, "channel": channel, "notifications": {"*": channel}})
            })
            .collect();
        let mut settings = Map::new();
        if !self.licence_keys.is_empty() {
            settings.insert("licence_keys".to_owned(), json!(self.licence_keys));
        }
        if !licences.is_empty() {
            settings.insert("licence".to_owned(), Value::Array(licences));
        }
        settings
    }
}

fn read(text: Option<&str>) -> Result<Decisions, StoreError> {
    let Some(text) = text else {
        return Ok(Decisions::default());
    };
    // serde's words would repeat what stands there.
    serde_json::from_str(text).map_err(|error| {
        StoreError::Damaged(format!("what people decided, at column {}", error.column()))
    })
}

/// Licence keys are secrets.
impl fmt::Debug for Decisions {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(
            f,
            "Decisions({} keys, {:?})",
            self.licence_keys.len(),
            self.channels
        )
    }
}

#[cfg(test)]
mod tests {
    use shared::ChannelId;

    use super::*;

    fn key(licence: &str, byte: u8) -> LicenceKey {
        LicenceKey::make(licence, "acme.i-reserve.net", [byte; 32]).unwrap()
    }

    fn place(letter: &str) -> Place {
        Place {
            team_id: "t".repeat(26),
            team: "support".into(),
            channel_id: ChannelId::new(letter.repeat(26)).unwrap(),
            channel: "balie".into(),
            public: true,
        }
    }

    #[test]
    fn the_newest_key_of_a_licence_counts_first_and_the_third_is_forgotten() {
        let mut decisions = Decisions::default();
        for byte in 1..=3 {
            decisions.connect(&key("acme", byte), place("c"));
            decisions.connect(&key("other", byte), place("d"));
        }
        let acme: Vec<String> = decisions
            .licence_keys
            .iter()
            .filter(|key| key.starts_with("ir1.acme."))
            .cloned()
            .collect();
        assert_eq!(
            acme,
            [key("acme", 3).expose_text(), key("acme", 2).expose_text()]
        );
        assert_eq!(decisions.licence_keys.len(), 4);
        assert!(!format!("{decisions:?}").contains("ir1"));
    }

    #[test]
    fn what_was_decided_becomes_a_licence_with_channel_and_notifications() {
        let mut decisions = Decisions::default();
        decisions.connect(&key("acme", 1), place("c"));
        decisions.connect(&key("acme", 1), place("e"));
        let settings = crate::config::Settings::from_toml(
            "plugin.pairing_secret = \"a-pairing-secret-of-32-bytes-or-more\"",
        )
        .with_mattermost(&decisions.settings());
        let resolved = settings.resolve_leaving_out().unwrap();
        assert_eq!(resolved.left_out, []);
        let [licence] = resolved.config.licences.as_slice() else {
            panic!("one licence");
        };
        let channel = crate::licence::Channel::parse(&"e".repeat(26)).unwrap();
        assert_eq!(licence.channel.as_ref(), Some(&channel));
        assert_eq!(licence.notifications["*"], channel);
        assert_eq!(licence.keys.len(), 1);
    }

    #[test]
    fn an_empty_store_decided_nothing_and_an_unreadable_one_is_not_overwritten() {
        assert_eq!(read(None).unwrap(), Decisions::default());
        assert!(matches!(read(Some("[1]")), Err(StoreError::Damaged(_))));
        assert!(Decisions::default().settings().is_empty());
    }
}
