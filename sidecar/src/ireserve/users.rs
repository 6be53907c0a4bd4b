//! Colleagues: which i-Reserve user has a team member's e-mail address.
//!
//! Only good to know. Whoever cannot be found, for whatever reason, is delivered under his Mattermost name: a look-up is never an error
//! of a delivery, and takes at most [`DEADLINE`] of its time.

use std::{
    collections::HashMap,
    sync::{Arc, Mutex, PoisonError},
    time::Duration,
};

use http::{HeaderValue, Method, StatusCode, header};
use secrecy::ExposeSecret;
use serde::{Deserialize, Serialize};
use shared::LicenceId;
use tokio::{sync::OnceCell, time::Instant};
use url::Url;

use crate::{
    auth::token,
    client::{Client, Now, Request},
    licence::Licence,
};

/// A reply waits for it.
const DEADLINE: Duration = Duration::from_secs(3);
/// Two short texts.
const ANSWER: usize = 64 * 1024;
/// How long an answer counts: somebody; nobody; and that there was none, so that replies do not wait for each other's.
const SOMEBODY: Duration = Duration::from_secs(600);
const NOBODY: Duration = Duration::from_secs(60);
const NO_ANSWER: Duration = Duration::from_secs(10);
/// Team members of all licences. An i-Reserve cannot fill it, but a Mattermost with made-up addresses could.
const MOST: usize = 10_000;
/// No address is longer (RFC 5321, 4.5.3.1).
const LONGEST_ADDRESS: usize = 254;

/// A user of i-Reserve.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Colleague {
    pub id: String,
    pub name: String,
}

/// Looks colleagues up, and remembers them. A clone remembers the same.
#[derive(Debug, Clone)]
pub struct Users(Arc<Inner>);

struct Inner {
    client: Client,
    now: Now,
    /// Plain: held for one look-up in it, never across an await.
    known: Mutex<HashMap<Key, Known>>,
}

/// Settings that change ask anew.
type Key = (LicenceId, Url, String);

#[derive(Clone)]
struct Known {
    /// Several who ask at once are one question.
    answer: Arc<OnceCell<(Found, Instant)>>,
}

#[derive(Debug, Clone, PartialEq, Eq)]
enum Found {
    Somebody(Colleague),
    Nobody,
    Unknown,
}

impl Users {
    #[must_use]
    pub fn new(client: Client, now: Now) -> Self {
        Self(Arc::new(Inner {
            client,
            now,
            known: Mutex::default(),
        }))
    }

    /// The user with exactly this address, whatever its case. Nobody: there is none, or nobody can say.
    ///
    /// May be dropped at any point.
    pub async fn find(&self, licence: &Licence, email: &str) -> Option<Colleague> {
        let url = licence.ireserve.users_url.as_ref()?;
        let email = email.trim().to_lowercase();
        if email.is_empty() || email.len() > LONGEST_ADDRESS || !email.contains('@') {
            return None;
        }
        let known = self.known((licence.id.clone(), url.clone(), email.clone()));
        let (found, _) = known
            .answer
            .get_or_init(|| async {
                let found = self.0.ask(licence, url, &email).await;
                (found, Instant::now())
            })
            .await;
        match found {
            Found::Somebody(colleague) => Some(colleague.clone()),
            Found::Nobody | Found::Unknown => None,
        }
    }

    fn known(&self, key: Key) -> Known {
        let now = Instant::now();
        let mut known = self.0.known.lock().unwrap_or_else(PoisonError::into_inner);
        if known.len() >= MOST && !known.contains_key(&key) {
            known.retain(|_, entry| !entry.is_stale(now));
            if known.len() >= MOST {
                known.clear();
            }
        }
        let entry = known.entry(key).or_insert_with(Known::unasked);
        if entry.is_stale(now) {
            *entry = Known::unasked();
        }
        entry.clone()
    }
}

impl Known {
    fn unasked() -> Self {
        Self {
            answer: Arc::new(OnceCell::new()),
        }
    }

    fn is_stale(&self, now: Instant) -> bool {
        self.answer.get().is_some_and(|(found, at)| {
            let life = match found {
                Found::Somebody(_) => SOMEBODY,
                Found::Nobody => NOBODY,
                Found::Unknown => NO_ANSWER,
            };
            now.duration_since(*at) >= life
        })
    }
}

impl Inner {
    async fn ask(&self, licence: &Licence, url: &Url, email: &str) -> Found {
        let mut url = url.clone();
        url.query_pairs_mut().append_pair("email", email);
        let mut request = Request::new(Method::GET, url)
            .header(header::ACCEPT, HeaderValue::from_static("application/json"));
        if let Some(token) = token::for_users_url(licence, (self.now)()) {
            let mut value = HeaderValue::from_str(&format!("Bearer {}", token.expose_secret()))
                .expect("a token is base64url and dots");
            value.set_sensitive(true);
            request = request.header(header::AUTHORIZATION, value);
        }
        let answer = match self.client.exchange(request, DEADLINE, ANSWER).await {
            Ok(answer) => answer,
            Err(error) => {
                tracing::debug!(licence.id = %licence.id, error = %error, "a colleague could not be looked up");
                return Found::Unknown;
            }
        };
        match answer.status {
            StatusCode::OK => read(&answer.body, email),
            StatusCode::NOT_FOUND => Found::Nobody,
            status => {
                tracing::debug!(licence.id = %licence.id, http.status = status.as_u16(), "a colleague could not be looked up");
                Found::Unknown
            }
        }
    }
}

/// Whatever is not plainly one user is not believed: his name would stand before a visitor.
fn read(body: &[u8], email: &str) -> Found {
    #[derive(Deserialize)]
    struct Answer {
        id: String,
        name: String,
        email: Option<String>,
    }
    let Ok(answer) = serde_json::from_slice::<Answer>(body) else {
        return Found::Unknown;
    };
    let another = answer
        .email
        .is_some_and(|theirs| theirs.trim().to_lowercase() != email);
    let name = answer.name.trim();
    let plain = shared::id::foreign(&answer.id)
        && (1..=256).contains(&name.chars().count())
        && !name.chars().any(char::is_control);
    if another || !plain {
        return Found::Unknown;
    }
    Found::Somebody(Colleague {
        id: answer.id,
        name: name.to_owned(),
    })
}

impl std::fmt::Debug for Inner {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Users").finish_non_exhaustive()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_one_plain_user_with_that_address_is_believed() {
        let anna = Found::Somebody(Colleague {
            id: "u_1".into(),
            name: "Anna de Boer".into(),
        });
        for (body, wanted) in [
            (r#"{"id":"u_1","name":"Anna de Boer"}"#, anna.clone()),
            (
                r#"{"id":"u_1","name":" Anna de Boer ","email":"ANNA@x.nl","more":1}"#,
                anna,
            ),
            (
                r#"{"id":"u_1","name":"Anna","email":"bob@x.nl"}"#,
                Found::Unknown,
            ),
            (r#"{"id":"u_1","name":""}"#, Found::Unknown),
            (r#"{"id":"","name":"Anna"}"#, Found::Unknown),
            (r#"{"id":"u_1","name":"An\nna"}"#, Found::Unknown),
            (r#"{"id":7,"name":"Anna"}"#, Found::Unknown),
            (r#"{"name":"Anna"}"#, Found::Unknown),
            (r#"[{"id":"u_1","name":"Anna"}]"#, Found::Unknown),
            ("<html>", Found::Unknown),
        ] {
            assert_eq!(read(body.as_bytes(), "anna@x.nl"), wanted, "{body}");
        }
    }

    #[tokio::test(start_paused = true)]
    async fn somebody_counts_for_ten_minutes_nobody_for_one_and_no_answer_for_ten_seconds() {
        let somebody = Found::Somebody(Colleague {
            id: "u_1".into(),
            name: "Anna".into(),
        });
        for (found, seconds) in [(somebody, 600), (Found::Nobody, 60), (Found::Unknown, 10)] {
            let known = Known::unasked();
            let now = Instant::now();
            assert!(
                !known.is_stale(now),
                "whoever is being asked for is not asked for again"
            );
            known.answer.set((found.clone(), now)).unwrap();
            assert!(
                !known.is_stale(now + Duration::from_secs(seconds - 1)),
                "{found:?}"
            );
            assert!(
                known.is_stale(now + Duration::from_secs(seconds)),
                "{found:?}"
            );
        }
    }

    #[tokio::test]
    async fn made_up_addresses_fill_no_memory() {
        let now: Now = Arc::new(shared::Timestamp::default);
        let users = Users::new(Client::new(Arc::clone(&now)).unwrap(), now);
        let url: Url = "http://127.0.0.1:1/users".parse().unwrap();
        let licence = LicenceId::new("acme").unwrap();
        for n in 0..=MOST {
            let _ = users.known((licence.clone(), url.clone(), format!("{n}@x.nl")));
        }
        assert!(users.0.known.lock().unwrap().len() <= MOST);
    }
}
