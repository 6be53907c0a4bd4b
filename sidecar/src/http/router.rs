//! Which call: one enum, one match.

use std::net::IpAddr;

use http::{Method, Request};
use hyper::body::Incoming;
use shared::pairing;
use tokio::time::Instant;

use super::{
    Answer,
    problem::Problem,
    routes::{
        event::Events,
        ops::{Change, Ops},
        plugin::{Call, Plugin},
    },
};
use crate::metrics::Metrics;

/// The routes of one listener.
#[derive(Debug)]
pub struct Router {
    door: Door,
    /// Absent: the plugin's paths lead nowhere.
    plugin: Option<Plugin>,
    metrics: Metrics,
}

#[derive(Debug)]
enum Door {
    Public(Events),
    Admin(Ops),
}

/// What can be asked for.
#[derive(Debug, Clone, PartialEq, Eq)]
enum Route {
    /// Take these events.
    Events,
    /// What became of this one; not yet known to be an id.
    Event(String),
    Plugin(Call),
    Health,
    Ready,
    Metrics,
    Status,
    Failed,
    Change(Change),
}

/// Why a path and a method lead nowhere.
#[derive(Debug, PartialEq, Eq)]
enum Missed {
    Path,
    /// The path is known; these methods are taken.
    Method(&'static str),
}

const GET: &str = "GET, HEAD";
const POST: &str = "POST";
const PUT: &str = "PUT";

impl Router {
    /// What parties outside ask.
    #[must_use]
    pub fn public(events: Events, metrics: Metrics) -> Self {
        Self {
            door: Door::Public(events),
            plugin: None,
            metrics,
        }
    }

    /// The same with what the plugin asks.
    #[must_use]
    pub fn with_plugin(self, plugin: Plugin) -> Self {
        Self {
            plugin: Some(plugin),
            ..self
        }
    }

    /// Health, metrics, parked deliveries.
    #[must_use]
    pub fn admin(ops: Ops, metrics: Metrics) -> Self {
        Self {
            door: Door::Admin(ops),
            plugin: None,
            metrics,
        }
    }

    pub(super) async fn answer(&self, request: &mut Request<Incoming>, peer: IpAddr) -> Answer {
        let began = Instant::now();
        let (name, answer) = match self.find(request.method(), request.uri().path()) {
            Ok(route) => (route.name(), self.take(route, request, peer).await),
            Err(Missed::Path) => ("none", Err(Problem::not_found())),
            Err(Missed::Method(allow)) => ("none", Err(Problem::method(allow))),
        };
        let answer = answer.unwrap_or_else(Problem::into_answer);
        self.metrics
            .answered(name, answer.status().as_u16(), began.elapsed());
        answer
    }

    /// Resolves when nothing that a caller began and left is still going on.
    pub(super) async fn at_rest(&self) {
        if let Door::Public(events) = &self.door {
            events.at_rest().await;
        }
    }

    /// A request that was refused before anybody asked where it leads.
    pub(super) fn refuse(&self, problem: Problem) -> Answer {
        let answer = problem.into_answer();
        self.metrics
            .answered("none", answer.status().as_u16(), std::time::Duration::ZERO);
        answer
    }

    fn find(&self, method: &Method, path: &str) -> Result<Route, Missed> {
        match plugin_call(path).filter(|_| self.plugin.is_some()) {
            Some((call, allow)) if allow.split(", ").any(|taken| taken == method.as_str()) => {
                Ok(Route::Plugin(call))
            }
            Some((_, allow)) => Err(Missed::Method(allow)),
            None => self.door.find(method, path),
        }
    }

    async fn take(
        &self,
        route: Route,
        request: &mut Request<Incoming>,
        peer: IpAddr,
    ) -> Result<Answer, Problem> {
        match (&self.door, route) {
            (_, Route::Plugin(call)) => match &self.plugin {
                Some(plugin) => plugin.answer(call, request, peer).await,
                None => Err(Problem::not_found()),
            },
            (Door::Public(events), Route::Events) => events.take(request, peer).await,
            (Door::Public(events), Route::Event(id)) => {
                events.status(request.headers(), peer, &id).await
            }
            (Door::Admin(ops), Route::Health) => Ok(ops.health()),
            (Door::Admin(ops), Route::Ready) => Ok(ops.ready()),
            (Door::Admin(ops), Route::Metrics) => Ok(ops.metrics().await),
            (Door::Admin(ops), route) => {
                ops.admits(request.headers())?;
                match route {
                    Route::Status => Ok(ops.status().await),
                    Route::Failed => ops.failed(request.uri().query()).await,
                    Route::Change(change) => ops.change(request, peer, change).await,
                    _ => Err(Problem::not_found()),
                }
            }
            (Door::Public(_), _) => Err(Problem::not_found()),
        }
    }
}

impl Door {
    fn find(&self, method: &Method, path: &str) -> Result<Route, Missed> {
        let read = method == Method::GET || method == Method::HEAD;
        let post = method == Method::POST;
        let (route, taken, allow) = match (self, path) {
            (Self::Public(_), "/v1/events") => (Route::Events, post, POST),
            (Self::Public(_), path) => match path.strip_prefix("/v1/events/").and_then(segment) {
                Some(id) => (Route::Event(id), read, GET),
                None => return Err(Missed::Path),
            },
            (Self::Admin(_), "/healthz") => (Route::Health, read, GET),
            (Self::Admin(_), "/readyz") => (Route::Ready, read, GET),
            (Self::Admin(_), "/metrics") => (Route::Metrics, read, GET),
            (Self::Admin(_), "/v1/status") => (Route::Status, read, GET),
            (Self::Admin(_), "/v1/failed") => (Route::Failed, read, GET),
            (Self::Admin(_), "/v1/failed/retry") => (Route::Change(Change::Retry), post, POST),
            (Self::Admin(_), "/v1/failed/drop") => (Route::Change(Change::Drop), post, POST),
            _ => return Err(Missed::Path),
        };
        if taken {
            Ok(route)
        } else {
            Err(Missed::Method(allow))
        }
    }
}

impl Route {
    /// As metrics call it.
    const fn name(&self) -> &'static str {
        match self {
            Self::Events => "events",
            Self::Event(_) => "event",
            Self::Plugin(call) => call.name(),
            Self::Health => "healthz",
            Self::Ready => "readyz",
            Self::Metrics => "metrics",
            Self::Status => "status",
            Self::Failed => "failed",
            Self::Change(Change::Retry) => "failed_retry",
            Self::Change(Change::Drop) => "failed_drop",
        }
    }
}

/// The plugin's call behind a path, and the methods it takes.
fn plugin_call(path: &str) -> Option<(Call, &'static str)> {
    Some(match path {
        pairing::CONFIGURATION_PATH => (Call::Configuration, PUT),
        pairing::HINTS_PATH => (Call::Hints, POST),
        pairing::COMMANDS_PATH => (Call::Commands, POST),
        pairing::ACTIONS_PATH => (Call::Actions, POST),
        pairing::DIALOGS_PATH => (Call::Dialogs, POST),
        pairing::AUTOCOMPLETE_PATH => (Call::Autocomplete, POST),
        pairing::STATUS_PATH => (Call::Status, GET),
        _ => return None,
    })
}

/// One segment of a path, percent-decoded; a path that goes on, or that is no text, is none.
fn segment(path: &str) -> Option<String> {
    if path.is_empty() || path.contains('/') {
        return None;
    }
    let mut decoded = Vec::with_capacity(path.len());
    let mut bytes = path.bytes();
    while let Some(byte) = bytes.next() {
        decoded.push(match byte {
            b'%' => {
                let mut digit = || char::from(bytes.next()?).to_digit(16);
                u8::try_from(digit()? * 16 + digit()?).ok()?
            }
            byte => byte,
        });
    }
    String::from_utf8(decoded).ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_segment_is_decoded_or_none() {
        for (path, wanted) in [
            ("evt_1", Some("evt_1")),
            ("evt%3A1", Some("evt:1")),
            ("a%2Fb", Some("a/b")),
            ("", None),
            ("a/b", None),
            ("a%", None),
            ("a%4", None),
            ("a%zz", None),
            ("%ff", None),
        ] {
            assert_eq!(segment(path).as_deref(), wanted, "{path}");
        }
    }
}
