//! The sidecar as seen from here: whether it can be reached, and the calls it answers, signed and with a deadline.

mod token;

use std::{sync::Arc, time::Duration};

use ::http::{Method, Request, StatusCode, header};
use serde::{Serialize, de::DeserializeOwned};
use shared::pairing::{self, Hidden};
use tokio::sync::watch;

use crate::http::{Base, Http, HttpError, chain};

pub(crate) use token::{new_secret, random_word};

/// How long a signed call may take. Hooks wait for it, and people for hooks.
const DEADLINE: Duration = Duration::from_secs(5);

/// Whether there is a sidecar.
#[derive(Debug, Clone)]
pub(crate) enum Door {
    Shut(Why),
    Open(Arc<Paired>),
}

/// Why there is none.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Why {
    /// It is being started.
    NotYet,
    /// Several nodes, and no store that they could share.
    Cluster,
    /// External, and nobody said where.
    NoAddress,
    BadAddress,
    NoDirectory(String),
    /// It ended or could not be started, and will be started again.
    Stopped(String),
}

/// Where it listens, and what proves to it who we are.
#[derive(Debug)]
pub(crate) struct Paired {
    pub(crate) base: Base,
    pub(crate) secret: Hidden,
}

/// Why a call has no answer.
#[derive(Debug, thiserror::Error)]
pub(crate) enum AskError {
    #[error("there is no sidecar")]
    Shut(Why),
    #[error("the sidecar cannot be reached")]
    Http(#[from] HttpError),
    #[error("the sidecar answered {0}")]
    Refused(StatusCode),
    #[error("the sidecar's answer is not what it should be")]
    Garbled(#[source] serde_json::Error),
}

impl AskError {
    /// For people who set it up.
    pub(crate) fn reason(&self) -> String {
        match self {
            Self::Refused(StatusCode::UNAUTHORIZED) => {
                "it does not accept our pairing secret".to_owned()
            }
            Self::Refused(StatusCode::NOT_FOUND) => {
                "it has no pairing secret, or is no sidecar".to_owned()
            }
            other => chain(other),
        }
    }
}

/// Calls to the sidecar. Clones are the same.
#[derive(Debug, Clone)]
pub(crate) struct Sidecar {
    door: watch::Receiver<Door>,
    http: Http,
}

impl Sidecar {
    pub(crate) const fn new(door: watch::Receiver<Door>, http: Http) -> Self {
        Self { door, http }
    }

    pub(crate) fn door(&self) -> Door {
        self.door.borrow().clone()
    }

    /// Returns when the door has been opened or shut.
    pub(crate) async fn door_moved(&mut self) {
        if self.door.changed().await.is_err() {
            // Nobody moves it any more; the plugin is about to end.
            std::future::pending::<()>().await;
        }
    }

    pub(crate) const fn http(&self) -> &Http {
        &self.http
    }

    /// The base for requests that are passed on unsigned.
    pub(crate) fn base(&self) -> Result<Arc<Paired>, Why> {
        match self.door() {
            Door::Open(paired) => Ok(paired),
            Door::Shut(why) => Err(why),
        }
    }

    pub(crate) async fn status(&self) -> Result<pairing::Status, AskError> {
        self.ask(Method::GET, pairing::STATUS_PATH, None::<&()>, None)
            .await
    }

    pub(crate) async fn configure(
        &self,
        configuration: &pairing::Configuration,
    ) -> Result<pairing::ConfigurationAnswer, AskError> {
        self.ask(
            Method::PUT,
            pairing::CONFIGURATION_PATH,
            Some(configuration),
            None,
        )
        .await
    }

    pub(crate) async fn hint(&self, hints: &pairing::Hints) -> Result<(), AskError> {
        let _: serde_json::Value = self
            .ask(Method::POST, pairing::HINTS_PATH, Some(hints), None)
            .await?;
        Ok(())
    }

    /// What `user` asks, at one of the paths for people.
    pub(crate) async fn person_asks<T: Serialize, R: DeserializeOwned>(
        &self,
        path: &str,
        asked: &T,
        user: &str,
    ) -> Result<R, AskError> {
        self.ask(Method::POST, path, Some(asked), Some(user)).await
    }

    async fn ask<T: Serialize, R: DeserializeOwned>(
        &self,
        method: Method,
        path: &str,
        body: Option<&T>,
        user: Option<&str>,
    ) -> Result<R, AskError> {
        let paired = self.base().map_err(AskError::Shut)?;
        let token = token::sign(paired.secret.0.as_bytes(), token::now(), user);
        let mut request = Request::builder()
            .method(method)
            .uri(path)
            .header(header::AUTHORIZATION, format!("Bearer {token}"));
        let body = match body {
            None => Vec::new(),
            Some(body) => {
                request = request.header(header::CONTENT_TYPE, "application/json");
                serde_json::to_vec(body).map_err(AskError::Garbled)?
            }
        };
        let request = request.body(body).map_err(HttpError::Request)?;
        let (status, answer) = self.http.exchange(&paired.base, request, DEADLINE).await?;
        if !status.is_success() {
            return Err(AskError::Refused(status));
        }
        serde_json::from_slice(&answer).map_err(AskError::Garbled)
    }
}
