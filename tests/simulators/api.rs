//! Mattermost's v4 API as somebody with a token calls it; the same for a simulated and a real server.

use bytes::Bytes;
use http::Method;
use serde_json::Value;

use crate::client::{Answered, CallError, Client};

/// One caller. Clones share their connections.
#[derive(Debug, Clone)]
pub struct Api {
    client: Client,
    base: String,
    token: String,
}

impl Api {
    /// For the server at `url`, with a bearer token; an empty one is not sent.
    #[must_use]
    pub fn new(url: &str, token: &str) -> Self {
        Self {
            client: Client::default(),
            base: format!("{url}/api/v4"),
            token: token.to_owned(),
        }
    }

    /// The same server with another client, for other deadlines.
    #[must_use]
    pub fn with_client(self, client: Client) -> Self {
        Self { client, ..self }
    }

    /// `GET` of a path below `/api/v4`.
    ///
    /// # Errors
    /// When there is no answer.
    pub async fn get(&self, path: &str) -> Result<Answered, CallError> {
        self.call(Method::GET, path, &[], "").await
    }

    /// `POST` with a JSON body.
    ///
    /// # Errors
    /// When there is no answer.
    pub async fn post(&self, path: &str, body: &Value) -> Result<Answered, CallError> {
        self.call(
            Method::POST,
            path,
            &[("content-type", "application/json")],
            body.to_string(),
        )
        .await
    }

    /// `PUT` with a JSON body.
    ///
    /// # Errors
    /// When there is no answer.
    pub async fn put(&self, path: &str, body: &Value) -> Result<Answered, CallError> {
        self.call(
            Method::PUT,
            path,
            &[("content-type", "application/json")],
            body.to_string(),
        )
        .await
    }

    /// `DELETE`.
    ///
    /// # Errors
    /// When there is no answer.
    pub async fn delete(&self, path: &str) -> Result<Answered, CallError> {
        self.call(Method::DELETE, path, &[], "").await
    }

    /// Uploads one file into a channel as raw bytes. Its answer holds `file_infos`.
    ///
    /// # Errors
    /// When there is no answer.
    pub async fn upload(
        &self,
        channel_id: &str,
        name: &str,
        bytes: impl Into<Bytes>,
    ) -> Result<Answered, CallError> {
        let name: String = url::form_urlencoded::byte_serialize(name.as_bytes()).collect();
        let path = format!("/files?channel_id={channel_id}&filename={name}");
        self.call(
            Method::POST,
            &path,
            &[("content-type", "application/octet-stream")],
            bytes,
        )
        .await
    }

    /// Any call.
    ///
    /// # Errors
    /// When there is no answer.
    pub async fn call(
        &self,
        method: Method,
        path: &str,
        headers: &[(&str, &str)],
        body: impl Into<Bytes>,
    ) -> Result<Answered, CallError> {
        let authorization = format!("Bearer {}", self.token);
        let mut all = headers.to_vec();
        if !self.token.is_empty() {
            all.push(("authorization", &authorization));
        }
        self.client
            .call(method, &format!("{}{path}", self.base), &all, body)
            .await
    }
}
