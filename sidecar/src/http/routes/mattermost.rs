//! What Mattermost's outgoing webhook says: that there is a new post. Good for a hint and nothing else.
//!
//! Mattermost ignores the status and posts any JSON with `text` or `attachments` into the channel, so every answer is `{}`. Nothing of
//! the body is believed but ids that look like ids; they are put into the set of hints, and the answer does not wait for more.

use std::{
    net::IpAddr,
    sync::{Mutex, PoisonError},
    time::Duration,
};

use bytes::Bytes;
use http::{HeaderValue, Request, StatusCode, header};
use hyper::body::Incoming;
use serde::Deserialize;
use serde_json::Value;
use shared::{PostId, UserId};
use tokio::sync::watch;

use super::typed;
use crate::{
    auth::{
        Slowing,
        webhook::{self, WebhookRefused},
    },
    clock::Clock,
    command::measure::Heard,
    http::{
        Answer,
        body::{self, Budget},
        limits::Limits,
    },
    licence::Current,
    metrics::HintSource,
    puller::hints::{Happened, Hint, Hints},
};

/// A message has 16,383 characters; form-encoded, with everything around it, that reaches 200 KiB.
const MOST: usize = 512 * 1024;

/// The plugin puts its configuration seconds after the start.
const NOT_YET: HeaderValue = HeaderValue::from_static("5");

/// What the webhook's route needs.
#[derive(Debug)]
pub struct HookWiring {
    pub licences: Current,
    pub clock: Clock,
    pub hints: Hints,
    /// Our own bot, as far as it is known: what it posts comes back as a call.
    pub bot: watch::Receiver<Option<UserId>>,
    /// Notes when each licence's webhook called last.
    pub calls: Heard,
    pub limits: Limits,
    /// Shared with all other bodies, as memory is.
    pub budget: Budget,
}

/// The webhook's route.
#[derive(Debug)]
pub struct Hook {
    wiring: HookWiring,
    /// Held for one count, never across an await.
    slowing: Mutex<Slowing>,
}

/// How a call is written; the settings of the webhook decide.
enum Form {
    Json,
    UrlEncoded,
}

/// What is used of a call.
#[derive(Debug, Default, PartialEq, Eq)]
struct Call {
    token: String,
    post: Option<PostId>,
    user: Option<UserId>,
}

impl Hook {
    #[must_use]
    pub fn new(wiring: HookWiring) -> Self {
        Self {
            wiring,
            slowing: Mutex::default(),
        }
    }

    /// `POST /v1/hooks/mattermost`: 200, 401, 413, 415 or 503, and `{}` in every case. May be dropped at any point.
    pub(in crate::http) async fn hear(
        &self,
        request: &mut Request<Incoming>,
        peer: IpAddr,
    ) -> Answer {
        let form = match body::media_type(request.headers()).as_deref() {
            Some("application/json") => Form::Json,
            Some("application/x-www-form-urlencoded") => Form::UrlEncoded,
            _ => return empty(StatusCode::UNSUPPORTED_MEDIA_TYPE),
        };
        let (budget, limits) = (&self.wiring.budget, &self.wiring.limits);
        let held = match body::whole(request, MOST, budget, limits).await {
            Ok(held) => held,
            Err(problem) => return empty(problem.status()),
        };
        let call = match form {
            Form::Json => Call::from_json(&held.bytes),
            Form::UrlEncoded => Call::from_form(&held.bytes),
        };
        drop(held);
        let caller = match webhook::verify(&call.token, &self.wiring.licences.snapshot()) {
            Ok(caller) => caller,
            Err(WebhookRefused::NotYet) => {
                let mut answer = empty(StatusCode::SERVICE_UNAVAILABLE);
                answer.headers_mut().insert(header::RETRY_AFTER, NOT_YET);
                return answer;
            }
            Err(WebhookRefused::Unknown) => {
                tokio::time::sleep(self.slowed(peer)).await;
                return empty(StatusCode::UNAUTHORIZED);
            }
        };
        self.wiring
            .calls
            .from(caller.licence(), self.wiring.clock.now());
        if let Some(hint) = self.hint(call) {
            self.wiring.hints.heard(HintSource::Webhook, [hint]);
        }
        empty(StatusCode::OK)
    }

    /// What the call is a reason for; nothing where our own bot wrote, or no post is named.
    fn hint(&self, call: Call) -> Option<Hint> {
        let ours = call.user.is_some() && call.user == *self.wiring.bot.borrow();
        let post = call.post.filter(|_| !ours)?;
        Some(Hint {
            what: Happened::Posted,
            post,
            root: None,
        })
    }

    fn slowed(&self, peer: IpAddr) -> Duration {
        let mut slowing = self.slowing.lock().unwrap_or_else(PoisonError::into_inner);
        slowing.failed(peer, tokio::time::Instant::now().into_std())
    }
}

impl Call {
    /// What cannot be read names nobody and nothing.
    fn from_json(bytes: &Bytes) -> Self {
        #[derive(Deserialize)]
        struct Read {
            token: String,
            #[serde(default)]
            post_id: Value,
            #[serde(default)]
            user_id: Value,
        }
        let Ok(read) = serde_json::from_slice::<Read>(bytes) else {
            return Self::default();
        };
        Self {
            token: read.token,
            post: read.post_id.as_str().and_then(|id| PostId::new(id).ok()),
            user: read.user_id.as_str().and_then(|id| UserId::new(id).ok()),
        }
    }

    fn from_form(bytes: &Bytes) -> Self {
        let mut call = Self::default();
        let mut tokens = 0;
        for (key, value) in url::form_urlencoded::parse(bytes) {
            match key.as_ref() {
                "token" => {
                    tokens += 1;
                    call.token = value.into_owned();
                }
                "post_id" => call.post = PostId::new(value.as_ref()).ok(),
                "user_id" => call.user = UserId::new(value.as_ref()).ok(),
                _ => {}
            }
        }
        // Mattermost writes one; with two, others might have read the other.
        if tokens == 1 { call } else { Self::default() }
    }
}

fn empty(status: StatusCode) -> Answer {
    typed(status, "application/json", Bytes::from_static(b"{}"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_call_is_read_in_both_forms_and_whatever_looks_like_no_id_is_none() {
        let (post, user) = ("p".repeat(26), "u".repeat(26));
        let json = |text: &str| Call::from_json(&Bytes::copy_from_slice(text.as_bytes()));
        let form = |text: &str| Call::from_form(&Bytes::copy_from_slice(text.as_bytes()));
        let whole = Call {
            token: "t&k".into(),
            post: PostId::new(post.as_str()).ok(),
            user: UserId::new(user.as_str()).ok(),
        };
        let written = format!(
            r#"{{"token":"t\u0026k","timestamp":1,"post_id":"{post}","user_id":"{user}","text":"hi","file_ids":""}}"#
        );
        assert_eq!(json(&written), whole);
        let written =
            format!("token=t%26k&timestamp=1&post_id={post}&user_id={user}&text=h+i&file_ids=");
        assert_eq!(form(&written), whole);

        let token = Call {
            token: "t".into(),
            ..Call::default()
        };
        for text in [
            r#"{"token":"t"}"#,
            r#"{"token":"t","post_id":"../../etc/passwd","user_id":7}"#,
            r#"{"token":"t","post_id":["x"],"user_id":null}"#,
        ] {
            assert_eq!(json(text), token, "{text}");
        }
        assert_eq!(form("token=t&post_id=../x&user_id=%ff"), token);
        for text in [
            "",
            "[]",
            "{}",
            r#"{"token":7}"#,
            r#"{"token":"t","token":"t"}"#,
            "\u{0}",
        ] {
            assert_eq!(json(text), Call::default(), "{text}");
        }
        for text in ["", "&&", "post_id=x", "token=t&token=t"] {
            assert_eq!(form(text), Call::default(), "{text}");
        }
    }
}
