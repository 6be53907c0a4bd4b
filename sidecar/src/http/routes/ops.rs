//! What operators and their tools ask, on the admin listener.
//!
//! Health, readiness and metrics are open and say nothing of what is inside. The rest asks for the admin token; without one it
//! trusts its host, and only that.

mod failed;
mod status;

use std::net::SocketAddr;

use http::{HeaderMap, StatusCode, header};
use secrecy::{ExposeSecret, SecretString};
use serde_json::json;
use shared::Timestamp;
use tokio::{sync::watch, time::Instant};

pub(in crate::http) use failed::Change;

use super::{json, typed};
use crate::{
    clock::Clock,
    command::measure::{Heard, Listening, MattermostState},
    delivery::wake::Wake,
    http::{Answer, body::Budget, limits::Limits, problem::Problem},
    licence::{Current, TokenDigest},
    metrics::{self, Depth, Metrics},
    record::{Direction, Totals},
    store::Store,
};

/// Whether requests should be sent here.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Readiness {
    Starting,
    Ready,
    /// Told to stop.
    Draining,
    /// The store cannot promise anything just now.
    Store {
        detail: String,
    },
}

/// What the admin routes need.
#[derive(Debug)]
pub struct Ops {
    pub readiness: watch::Receiver<Readiness>,
    pub mattermost: watch::Receiver<MattermostState>,
    pub listening: watch::Receiver<Listening>,
    pub store: Store,
    pub licences: Current,
    /// Events of i-Reserve.
    pub heard: Heard,
    /// Calls of Mattermost's outgoing webhooks.
    pub hooks: Heard,
    pub clock: Clock,
    pub metrics: Metrics,
    /// Rung when parked events are put back.
    pub wake: Wake,
    pub door: AdminDoor,
    pub started: Instant,
    pub limits: Limits,
    /// Shared with the other listener, as memory is.
    pub budget: Budget,
}

/// Who may ask for more than health and metrics.
#[derive(Debug, Clone, Copy)]
pub struct AdminDoor {
    token: Option<TokenDigest>,
    loopback: bool,
}

impl AdminDoor {
    /// `listener` is where the admin routes are asked; `token` what `server.admin_token` says.
    #[must_use]
    pub fn new(listener: SocketAddr, token: Option<&SecretString>) -> Self {
        Self {
            token: token.map(|token| TokenDigest::of(token.expose_secret())),
            loopback: listener.ip().to_canonical().is_loopback(),
        }
    }

    fn admits(&self, headers: &HeaderMap) -> Result<(), Problem> {
        let Some(token) = self.token else {
            return if self.loopback {
                Ok(())
            } else {
                Err(Problem::blank(
                    StatusCode::FORBIDDEN,
                    "set `server.admin_token_file` to ask for this on an address that is not loopback",
                ))
            };
        };
        let mut shown = headers.get_all(header::AUTHORIZATION).iter();
        let (Some(one), None) = (shown.next(), shown.next()) else {
            return Err(Problem::unauthorised("the admin token is needed"));
        };
        // Digests are compared: their bytes tell nothing about those of the token.
        let right = one
            .to_str()
            .ok()
            .and_then(|one| one.split_once(' '))
            .is_some_and(|(scheme, shown)| {
                scheme.eq_ignore_ascii_case("bearer") && TokenDigest::of(shown.trim()) == token
            });
        if right {
            Ok(())
        } else {
            Err(Problem::unauthorised("the admin token is needed"))
        }
    }
}

impl Ops {
    /// Whoever asks for more than health and metrics.
    ///
    /// 401 without the admin token where there is one; 403 where there is none and the address is not loopback.
    pub(in crate::http) fn admits(&self, headers: &HeaderMap) -> Result<(), Problem> {
        self.door.admits(headers)
    }

    /// The process lives and answers.
    pub(in crate::http) fn health(&self) -> Answer {
        json(StatusCode::OK, &json!({"status": "ok"}))
    }

    /// Mattermost or i-Reserve being down does not make us unready: what they cannot take waits here.
    pub(in crate::http) fn ready(&self) -> Answer {
        let (status, detail) = match &*self.readiness.borrow() {
            Readiness::Ready => return json(StatusCode::OK, &json!({"status": "ready"})),
            Readiness::Starting => ("starting", "not everything stands yet".to_owned()),
            Readiness::Draining => ("draining", "told to stop".to_owned()),
            Readiness::Store { detail } => ("store", detail.clone()),
        };
        json(
            StatusCode::SERVICE_UNAVAILABLE,
            &json!({"status": status, "detail": detail}),
        )
    }

    /// With what the store knows of its lanes; when it cannot say, without.
    pub(in crate::http) async fn metrics(&self) -> Answer {
        let licences = self.licences.snapshot();
        self.metrics
            .know(licences.iter().map(|licence| licence.id.as_str()));
        match self.store.totals().await {
            Ok(totals) => {
                let now = self.clock.now();
                let depths: Vec<Depth> = totals.iter().map(|totals| depth(totals, now)).collect();
                self.metrics.depths(&depths);
            }
            Err(error) => {
                tracing::warn!(%error, "metrics are told without the lanes, the store cannot answer");
                self.metrics.depths(&[]);
            }
        }
        typed(StatusCode::OK, metrics::CONTENT_TYPE, self.metrics.text())
    }
}

fn depth(totals: &Totals, now: Timestamp) -> Depth {
    Depth {
        licence: totals.licence.to_string(),
        direction: match totals.direction {
            Direction::ChatToThread => metrics::Direction::ChatToThread,
            Direction::ThreadToChat => metrics::Direction::ThreadToChat,
        },
        waiting: totals.waiting,
        parked: totals.parked,
        oldest: totals
            .oldest_accepted_at
            .map(|oldest| now.since(oldest))
            .unwrap_or_default(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_admin_token_is_asked_for_and_without_one_only_the_host_is_trusted() {
        let token = SecretString::from("0123456789abcdef");
        let (here, elsewhere): (SocketAddr, SocketAddr) = (
            "127.0.0.1:1".parse().unwrap(),
            "10.0.0.1:1".parse().unwrap(),
        );
        for (name, door, shown, wanted) in [
            ("host alone", AdminDoor::new(here, None), None, None),
            (
                "elsewhere",
                AdminDoor::new(elsewhere, None),
                None,
                Some(403),
            ),
            (
                "elsewhere with a token nobody set",
                AdminDoor::new(elsewhere, None),
                Some("Bearer x"),
                Some(403),
            ),
            (
                "none shown",
                AdminDoor::new(here, Some(&token)),
                None,
                Some(401),
            ),
            (
                "wrong",
                AdminDoor::new(here, Some(&token)),
                Some("Bearer 0123456789abcdeF"),
                Some(401),
            ),
            (
                "no bearer",
                AdminDoor::new(here, Some(&token)),
                Some("0123456789abcdef"),
                Some(401),
            ),
            (
                "right",
                AdminDoor::new(elsewhere, Some(&token)),
                Some("bearer 0123456789abcdef"),
                None,
            ),
        ] {
            let mut headers = HeaderMap::new();
            if let Some(shown) = shown {
                headers.insert(header::AUTHORIZATION, shown.parse().unwrap());
            }
            let refused = door
                .admits(&headers)
                .err()
                .map(|problem| problem.status().as_u16());
            assert_eq!(refused, wanted, "{name}");
        }
    }
}
