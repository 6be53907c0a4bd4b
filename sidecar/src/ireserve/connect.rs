//! Connecting: we tell i-Reserve that we are there and how it reaches us, and hear what it can do.
//!
//! `integration.connected` is no reply and has no lane: one try at the start and after each change of a licence's settings or of our
//! address, and again every hour until it is taken. Nothing depends on it but what people are offered.

use std::{
    collections::HashMap,
    hash::{BuildHasher, Hasher, RandomState},
    sync::{Arc, Mutex, MutexGuard, PoisonError},
    time::Duration,
};

use serde::{Deserialize, Serialize};
use shared::LicenceId;
use tokio::time::Instant;
use tokio_util::sync::CancellationToken;
use url::Url;

use super::{
    Parts,
    body::{self, Said},
    call::{self, Answered},
};
use crate::{
    delivery::outlet::Reason,
    licence::{Ireserve, Licence},
};

/// Until it is taken.
const AGAIN: Duration = Duration::from_secs(3600);

/// What we can do for i-Reserve, in its words.
const ABILITIES: [&str; 3] = ["edits", "deletes", "test"];

/// Names and types that an answer may list. A peer that names more would fill our memory.
const MOST: usize = 200;

/// What i-Reserve says of itself. What it leaves out is unknown.
#[derive(Debug, Clone, PartialEq, Eq, Default, Deserialize)]
#[serde(default)]
pub struct Introduction {
    pub name: Option<String>,
    pub language: Option<String>,
    pub departments: Vec<String>,
    pub notification_types: Vec<String>,
    /// `edits`, `deletes`, `actions`, `test`; unknown: nothing is declined.
    pub abilities: Option<Vec<String>>,
}

/// Why it did not take our word.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum ConnectError {
    /// The settings are not complete; people have to act.
    #[error("{0}")]
    Incomplete(Reason),
    #[error("{0}")]
    NotTaken(Reason),
}

/// What is known of the connection of each licence. A clone knows the same.
#[derive(Debug, Clone, Default)]
pub struct Connections(Arc<Mutex<HashMap<LicenceId, Connection>>>); // plain: held for a copy, never across an await

#[derive(Debug, Clone)]
struct Connection {
    /// With what it was tried.
    with: (Ireserve, Url),
    introduction: Option<Introduction>,
    /// Not before then; nothing: it was taken.
    again: Option<Instant>,
}

#[derive(Serialize)]
struct Connected<'a> {
    licence: &'a LicenceId,
    events_url: Url,
    version: &'static str,
    abilities: [&'static str; 3],
    #[serde(skip_serializing_if = "std::ops::Not::not")]
    test: bool,
}

/// Tells i-Reserve once, and hears what it says. A test is shown to nobody there.
///
/// # Errors
/// Why it did not take it.
pub async fn introduce(
    parts: &Parts,
    licence: &Licence,
    test: bool,
) -> Result<Introduction, ConnectError> {
    let url = call::target(licence).map_err(ConnectError::Incomplete)?;
    let public = parts.addresses.borrow().public.clone();
    let now = (parts.now)();
    let said = Said {
        r#type: "integration.connected",
        timestamp: now,
        data: Connected {
            licence: &licence.id,
            events_url: body::below(&public, &["v1", "events"]),
            version: env!("CARGO_PKG_VERSION"),
            abilities: ABILITIES,
            test,
        },
    };
    let id = format!("connect:{}", random());
    let answered = call::post(&parts.client, licence, url, &id, said.to_bytes(), now)
        .await
        .map_err(|error| ConnectError::Incomplete(Reason::new(error.to_string())))?;
    match answered {
        Answered::Taken(body) => Ok(Introduction::read(&body)),
        Answered::Gone(reason)
        | Answered::NotAccepted(reason)
        | Answered::Refused(reason)
        | Answered::Later { reason, .. }
        | Answered::NotSent(reason)
        | Answered::Unanswered(reason) => Err(ConnectError::NotTaken(reason)),
    }
}

/// Tells every licence's i-Reserve when there is something new to tell, until cancelled.
pub async fn run(parts: Parts, connections: Connections, cancel: CancellationToken) {
    let (mut licences, mut addresses) = (parts.licences.clone(), parts.addresses.clone());
    loop {
        let again = round(&parts, &connections).await;
        let waiting = async {
            tokio::select! {
                // Who can change nothing any more leaves us with the hours.
                Some(_) = licences.changed() => {}
                Ok(()) = addresses.changed() => {}
                () = at(again) => {}
            }
        };
        if cancel.run_until_cancelled(waiting).await.is_none() {
            return;
        }
    }
}

/// Tells those that have to be told now. Says when the next one is due.
pub async fn round(parts: &Parts, connections: &Connections) -> Option<Instant> {
    let licences = parts.licences.snapshot();
    connections.keep(|id| licences.get(id).is_some());
    for licence in licences.iter() {
        let with = (
            licence.ireserve.clone(),
            parts.addresses.borrow().public.clone(),
        );
        if !connections.is_due(&licence.id, &with, Instant::now()) {
            continue;
        }
        let heard = introduce(parts, licence, false).await;
        match &heard {
            Ok(_) => {
                tracing::info!(licence.id = %licence.id, "i-reserve of licence {} knows that we are here", licence.id);
            }
            Err(ConnectError::Incomplete(reason)) => {
                tracing::debug!(licence.id = %licence.id, reason = %reason, "nobody is told that we are here");
            }
            Err(ConnectError::NotTaken(reason)) => {
                tracing::info!(licence.id = %licence.id, reason = %reason, "i-reserve of licence {} was not told that we are here; again in an hour", licence.id);
            }
        }
        connections.note(&licence.id, with, heard.ok(), Instant::now() + AGAIN);
    }
    connections.next_due()
}

impl Connections {
    /// What this licence's i-Reserve said last; nothing: it has not answered yet.
    #[must_use]
    pub fn introduction(&self, licence: &LicenceId) -> Option<Introduction> {
        self.all().get(licence)?.introduction.clone()
    }

    /// Whether it can do this. As long as it has not said so, it can.
    #[must_use]
    pub fn can(&self, licence: &LicenceId, ability: &str) -> bool {
        self.introduction(licence)
            .and_then(|introduction| introduction.abilities)
            .is_none_or(|abilities| abilities.iter().any(|known| known == ability))
    }

    fn is_due(&self, licence: &LicenceId, with: &(Ireserve, Url), now: Instant) -> bool {
        match self.all().get(licence) {
            None => true,
            Some(known) => known.with != *with || known.again.is_some_and(|again| again <= now),
        }
    }

    fn note(
        &self,
        licence: &LicenceId,
        with: (Ireserve, Url),
        heard: Option<Introduction>,
        again: Instant,
    ) {
        let mut all = self.all();
        let before = all.remove(licence).and_then(|known| known.introduction);
        let connection = Connection {
            with,
            again: heard.is_none().then_some(again),
            introduction: heard.or(before),
        };
        all.insert(licence.clone(), connection);
    }

    fn keep(&self, known: impl Fn(&LicenceId) -> bool) {
        self.all().retain(|licence, _| known(licence));
    }

    fn next_due(&self) -> Option<Instant> {
        self.all()
            .values()
            .filter_map(|connection| connection.again)
            .min()
    }

    fn all(&self) -> MutexGuard<'_, HashMap<LicenceId, Connection>> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Introduction {
    /// Whatever cannot be read is nothing said.
    fn read(body: &[u8]) -> Self {
        let mut read: Self = serde_json::from_slice(body).unwrap_or_default();
        let lists = [&mut read.departments, &mut read.notification_types];
        for list in lists.into_iter().chain(&mut read.abilities) {
            list.truncate(MOST);
            list.retain(|name| is_plain(name));
        }
        read.name = read.name.filter(|name| is_plain(name));
        read.language = read.language.filter(|language| is_plain(language));
        read
    }
}

/// People will read it.
fn is_plain(text: &str) -> bool {
    (1..=256).contains(&text.chars().count()) && !text.chars().any(char::is_control)
}

async fn at(moment: Option<Instant>) {
    match moment {
        Some(moment) => tokio::time::sleep_until(moment).await,
        None => std::future::pending().await,
    }
}

/// Two calls must not have one id; nobody has to be kept from guessing it.
fn random() -> String {
    let half = || RandomState::new().build_hasher().finish();
    format!("{:016x}{:016x}", half(), half())
}

#[cfg(test)]
mod tests {
    use serde_json::json;
    use simulators::{When, ireserve::Says};

    use super::*;
    use crate::ireserve::outlet::tests::Desk;

    #[tokio::test]
    async fn i_reserve_is_told_at_the_start_and_after_each_change_and_what_it_says_is_kept() {
        let mut desk = Desk::open().await;
        desk.ireserve.introduces_itself(
            json!({ "name": "Bowling", "language": "nl", "departments": ["sales", "a\nb"],
            "notification_types": ["booking"], "abilities": ["edits"], "more": 1 }),
        );
        let connections = Connections::default();
        assert!(
            connections.can(&desk.licence.id, "actions"),
            "nothing was declined yet"
        );
        assert_eq!(round(desk.parts(), &connections).await, None);
        assert_eq!(
            round(desk.parts(), &connections).await,
            None,
            "once is enough"
        );

        let introduction = connections.introduction(&desk.licence.id).unwrap();
        assert_eq!(
            (introduction.name.as_deref(), &introduction.departments[..]),
            (Some("Bowling"), &["sales".to_owned()][..])
        );
        assert!(connections.can(&desk.licence.id, "edits"));
        assert!(!connections.can(&desk.licence.id, "actions"));
        let taken = desk.ireserve.look(|inbox| inbox.taken().to_vec());
        assert_eq!(taken.len(), 1);
        assert!(taken[0].id.starts_with("connect:"));
        assert_eq!(taken[0].kind, "integration.connected");
        assert_eq!(
            taken[0].data["events_url"],
            "https://chat.bowling.nl/plugins/nl.i-reserve.mattermost/v1/events"
        );
        assert_eq!(taken[0].data["version"], env!("CARGO_PKG_VERSION"));
        assert_eq!(taken[0].data.get("test"), None);

        desk.agree(|licence| licence.ireserve.users_url = None);
        round(desk.parts(), &connections).await;
        assert_eq!(desk.requests(), 2);
        introduce(desk.parts(), &desk.licence, true).await.unwrap();
        let test = desk
            .ireserve
            .look(|inbox| inbox.taken().last().cloned())
            .unwrap();
        assert_eq!(test.data["test"], true);
    }

    #[tokio::test]
    async fn who_does_not_take_it_is_told_again_in_an_hour_and_whoever_cannot_be_told_is_left_alone()
     {
        let mut desk = Desk::open().await;
        desk.ireserve
            .says_to("integration.connected", When::Always, Says::Status(404));
        let connections = Connections::default();
        let again = round(desk.parts(), &connections).await.unwrap();
        let minutes = (again - Instant::now()).as_secs_f64() / 60.0;
        assert!((59.0..=60.0).contains(&minutes), "{minutes}");
        assert_eq!(
            round(desk.parts(), &connections).await,
            Some(again),
            "not earlier"
        );
        assert_eq!(desk.requests(), 1);
        assert_eq!(connections.introduction(&desk.licence.id), None);

        desk.agree(|licence| licence.ireserve.secrets.clear());
        round(desk.parts(), &connections).await;
        assert_eq!(desk.requests(), 1, "nothing leaves unsigned");
    }

    #[test]
    fn garbage_is_an_introduction_that_says_nothing() {
        for body in [
            "",
            "[]",
            "<html>",
            r#"{"departments":7}"#,
            r#"{"name":"a\u0000b"}"#,
        ] {
            assert_eq!(
                Introduction::read(body.as_bytes()),
                Introduction::default(),
                "{body}"
            );
        }
        let many = json!({ "departments": vec!["x"; 1_000] }).to_string();
        assert_eq!(Introduction::read(many.as_bytes()).departments.len(), MOST);
    }
}
