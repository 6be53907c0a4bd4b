//! Pushing events to a sidecar, as i-Reserve does it.

use std::time::Duration;

use bytes::Bytes;
use http::{Method, StatusCode};
use serde_json::Value;

use super::event::Ids;
use super::sign::{Claims, jwt_hs256};
use crate::client::{Answered, CallError, Client};
use crate::clock::wall_millis;

/// The pause before a repeat when the answer names none.
const PAUSE: Duration = Duration::from_millis(100);

/// A file in a multipart request.
#[derive(Debug, Clone)]
pub struct FilePart {
    /// The name by which an attachment's `part` means it.
    pub part: String,
    /// The file's own name.
    pub name: String,
    /// What it is said to be.
    pub content_type: String,
    /// Its bytes.
    pub bytes: Bytes,
}

/// One licence's way into a sidecar. Clones share their connections.
#[derive(Debug, Clone)]
pub struct Sender {
    client: Client,
    base: String,
    licence: String,
    kid: Option<String>,
    secret: Vec<u8>,
    /// The header that carries the token.
    proof: &'static str,
    ids: std::sync::Arc<Ids>,
}

impl Sender {
    /// For the sidecar at `base` (`http://127.0.0.1:8070`, or a plugin's address with its path), as `licence` with its HS256 secret.
    #[must_use]
    pub fn new(base: &str, licence: &str, secret: &str) -> Self {
        Self {
            client: Client::default(),
            base: base.trim_end_matches('/').to_owned(),
            licence: licence.to_owned(),
            kid: None,
            secret: secret.as_bytes().to_vec(),
            proof: "authorization",
            ids: std::sync::Arc::default(),
        }
    }

    /// The same with a key id in its tokens.
    #[must_use]
    pub fn with_kid(self, kid: &str) -> Self {
        Self {
            kid: Some(kid.to_owned()),
            ..self
        }
    }

    /// The same with its tokens in `X-Ireserve-Authorization`, which nobody on the way takes for his own.
    #[must_use]
    pub fn with_a_header_of_its_own(self) -> Self {
        Self {
            proof: "x-ireserve-authorization",
            ..self
        }
    }

    /// The same towards another address, as after a restart on another port.
    #[must_use]
    pub fn towards(&self, base: &str) -> Self {
        Self {
            base: base.trim_end_matches('/').to_owned(),
            ..self.clone()
        }
    }

    /// The same with a deadline for each call.
    #[must_use]
    pub fn with_deadline(self, within: Duration) -> Self {
        Self {
            client: Client::with_deadline(within),
            ..self
        }
    }

    /// A fresh id with a prefix, for events and conversations.
    #[must_use]
    pub fn id(&self, prefix: &str) -> String {
        self.ids.next(prefix)
    }

    /// A token that is valid now.
    #[must_use]
    pub fn token(&self) -> String {
        self.token_of(&Claims::of_licence(&self.licence, wall_millis() / 1_000))
    }

    /// A token with these claims, signed with this licence's secret.
    #[must_use]
    pub fn token_of(&self, claims: &Claims) -> String {
        jwt_hs256(&self.secret, self.kid.as_deref(), claims)
    }

    /// Sends one event, or an array of them, once.
    ///
    /// # Errors
    /// When there is no answer at all.
    pub async fn send(&self, events: &Value) -> Result<Answered, CallError> {
        self.send_with(events, &[]).await
    }

    /// Sends and waits up to so many seconds for the outcome (`Prefer: wait`).
    ///
    /// # Errors
    /// When there is no answer at all.
    pub async fn send_and_wait(&self, events: &Value, seconds: u32) -> Result<Answered, CallError> {
        self.send_with(events, &[("prefer", &format!("wait={seconds}"))])
            .await
    }

    /// Sends with further headers.
    ///
    /// # Errors
    /// When there is no answer at all.
    pub async fn send_with(
        &self,
        events: &Value,
        headers: &[(&str, &str)],
    ) -> Result<Answered, CallError> {
        self.post("application/json", events.to_string().into(), headers)
            .await
    }

    /// Sends with files as `multipart/form-data`, `event` first.
    ///
    /// # Errors
    /// When there is no answer at all.
    pub async fn send_files(
        &self,
        events: &Value,
        files: &[FilePart],
    ) -> Result<Answered, CallError> {
        let boundary = "simulated-i-reserve-7d1f0c";
        let mut body = format!("--{boundary}\r\ncontent-disposition: form-data; name=\"event\"\r\ncontent-type: application/json\r\n\r\n{events}\r\n").into_bytes();
        for file in files {
            let head = format!(
                "--{boundary}\r\ncontent-disposition: form-data; name=\"{}\"; filename=\"{}\"\r\ncontent-type: {}\r\n\r\n",
                file.part, file.name, file.content_type
            );
            body.extend_from_slice(head.as_bytes());
            body.extend_from_slice(&file.bytes);
            body.extend_from_slice(b"\r\n");
        }
        body.extend_from_slice(format!("--{boundary}--\r\n").as_bytes());
        self.post(
            &format!("multipart/form-data; boundary={boundary}"),
            body.into(),
            &[],
        )
        .await
    }

    /// Sends any body, for tests of what must be refused.
    ///
    /// # Errors
    /// When there is no answer at all.
    pub async fn post(
        &self,
        content_type: &str,
        body: Bytes,
        headers: &[(&str, &str)],
    ) -> Result<Answered, CallError> {
        let authorization = format!("Bearer {}", self.token());
        let mut all = vec![
            (self.proof, authorization.as_str()),
            ("content-type", content_type),
        ];
        all.extend_from_slice(headers);
        self.client
            .call(
                Method::POST,
                &format!("{}/v1/events", self.base),
                &all,
                body,
            )
            .await
    }

    /// Sends with a token of the test's own making.
    ///
    /// # Errors
    /// When there is no answer at all.
    pub async fn send_as(&self, token: &str, events: &Value) -> Result<Answered, CallError> {
        let headers = [
            (self.proof, &*format!("Bearer {token}")),
            ("content-type", "application/json"),
        ];
        self.client
            .call(
                Method::POST,
                &format!("{}/v1/events", self.base),
                &headers,
                events.to_string(),
            )
            .await
    }

    /// Asks what became of an event.
    ///
    /// # Errors
    /// When there is no answer at all.
    pub async fn status(&self, event_id: &str) -> Result<Answered, CallError> {
        let authorization = format!("Bearer {}", self.token());
        self.client
            .call(
                Method::GET,
                &format!("{}/v1/events/{event_id}", self.base),
                &[(self.proof, &authorization)],
                "",
            )
            .await
    }

    /// Sends as i-Reserve must: the same id again after 429, 5xx, no answer, and any 4xx that is no `application/problem+json`,
    /// after the `Retry-After` that was asked for, until there is another answer or patience ends.
    ///
    /// # Errors
    /// The last failure, when patience ended without an answer.
    pub async fn deliver(&self, events: &Value, patience: Duration) -> Result<Answered, CallError> {
        let end = tokio::time::Instant::now() + patience;
        loop {
            let answer = self.send(events).await;
            let pause = match &answer {
                Ok(answer) if !is_to_be_repeated(answer) => return Ok(answer.clone()),
                Ok(answer) => answer
                    .header("retry-after")
                    .parse()
                    .map_or(PAUSE, Duration::from_secs),
                Err(_) => PAUSE,
            };
            if tokio::time::Instant::now() + pause > end {
                return answer;
            }
            tokio::time::sleep(pause).await;
        }
    }
}

fn is_to_be_repeated(answer: &Answered) -> bool {
    let ours = answer
        .header("content-type")
        .starts_with("application/problem+json");
    answer.status == StatusCode::TOO_MANY_REQUESTS
        || answer.status.is_server_error()
        || (answer.status.is_client_error() && !ours)
}
