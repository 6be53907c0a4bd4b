//! Outgoing webhooks over REST: the plugin protocol has no call for them.

use std::time::Duration;

use ::http::{Method, Request, StatusCode, header};
use serde::{Deserialize, Serialize, de::DeserializeOwned};
use shared::pairing::Hidden;

use crate::http::{Base, Http, HttpError, chain};

const DEADLINE: Duration = Duration::from_secs(10);
/// Hooks of one page; the server gives at most 200.
const PAGE: usize = 200;
/// Pages that are read: a team with more hooks than that is not looked through to its end.
const MOST_PAGES: usize = 50;

/// A webhook as the server has it.
#[derive(Debug, Clone, Default, Deserialize)]
#[serde(default)]
pub(super) struct Hook {
    pub(super) id: String,
    pub(super) creator_id: String,
    pub(super) channel_id: String,
    pub(super) display_name: String,
    pub(super) callback_urls: Vec<String>,
    pub(super) token: Hidden,
}

/// A webhook to make.
#[derive(Debug, Serialize)]
pub(super) struct Wish<'a> {
    pub(super) team_id: &'a str,
    pub(super) channel_id: &'a str,
    pub(super) display_name: &'a str,
    pub(super) description: &'a str,
    pub(super) callback_urls: [&'a str; 1],
    pub(super) content_type: &'a str,
    pub(super) token: &'a Hidden,
}

/// Why the server did not do it.
#[derive(Debug, thiserror::Error)]
pub(super) enum RestError {
    #[error("the server refused: {id} ({status})")]
    Refused { status: StatusCode, id: String },
    #[error("the server cannot be reached: {}", chain(.0))]
    Http(#[from] HttpError),
    #[error("the server's answer cannot be read")]
    Garbled(#[from] serde_json::Error),
}

/// The server's REST interface, as the bot.
#[derive(Debug)]
pub(super) struct Rest<'a> {
    pub(super) http: &'a Http,
    pub(super) base: &'a Base,
    pub(super) token: &'a Hidden,
}

impl Rest<'_> {
    /// All webhooks of a team that the bot may see.
    pub(super) async fn hooks(&self, team: &str) -> Result<Vec<Hook>, RestError> {
        let mut all = Vec::new();
        for page in 0..MOST_PAGES {
            let path = format!("/api/v4/hooks/outgoing?team_id={team}&page={page}&per_page={PAGE}");
            let hooks: Vec<Hook> = self.call(Method::GET, &path, None).await?;
            let last = hooks.len() < PAGE;
            all.extend(hooks);
            if last {
                break;
            }
        }
        Ok(all)
    }

    pub(super) async fn create(&self, wish: &Wish<'_>) -> Result<Hook, RestError> {
        let body = serde_json::to_vec(wish)?;
        self.call(Method::POST, "/api/v4/hooks/outgoing", Some(body))
            .await
    }

    /// A webhook that is gone already is deleted.
    pub(super) async fn delete(&self, hook: &str) -> Result<(), RestError> {
        let path = format!("/api/v4/hooks/outgoing/{hook}");
        match self
            .call::<serde_json::Value>(Method::DELETE, &path, None)
            .await
        {
            Err(RestError::Refused { status, .. }) if status == StatusCode::NOT_FOUND => Ok(()),
            other => other.map(drop),
        }
    }

    async fn call<R: DeserializeOwned>(
        &self,
        method: Method,
        path: &str,
        body: Option<Vec<u8>>,
    ) -> Result<R, RestError> {
        let request = Request::builder()
            .method(method)
            .uri(path)
            .header(header::AUTHORIZATION, format!("Bearer {}", self.token.0))
            .header(header::CONTENT_TYPE, "application/json")
            .body(body.unwrap_or_default())
            .map_err(HttpError::Request)?;
        let (status, answer) = self.http.exchange(self.base, request, DEADLINE).await?;
        if !status.is_success() {
            #[derive(Default, Deserialize)]
            #[serde(default)]
            struct Said {
                id: String,
            }
            let said: Said = serde_json::from_slice(&answer).unwrap_or_default();
            return Err(RestError::Refused {
                status,
                id: said.id,
            });
        }
        Ok(serde_json::from_slice(&answer)?)
    }
}
