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
        file::Files,
        mattermost::Hook,
        ops::{Change, Ops},
        plugin::{Call, Plugin},
    },
};
use crate::metrics::Metrics;

/// The routes of one listener.
#[derive(Debug)]
pub struct Router {
    door: Door,
    metrics: Metrics,
}

#[derive(Debug)]
enum Door {
    Public(Box<Public>),
    Admin(Box<Ops>),
}

/// What parties outside ask. What was not given is not there: 404.
#[derive(Debug)]
struct Public {
    events: Events,
    hook: Option<Hook>,
    files: Option<Files>,
    plugin: Option<Plugin>,
}

/// What can be asked for.
#[derive(Debug, Clone, PartialEq, Eq)]
enum Route {
    /// Take these events.
    Events,
    /// What became of this one; not yet known to be an id.
    Event(String),
    Plugin(Call),
    /// Mattermost's outgoing webhook says that there is a new post.
    Hook,
    /// The attachment of a reply behind this token.
    File(String),
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
            door: Door::Public(Box::new(Public {
                events,
                hook: None,
                files: None,
                plugin: None,
            })),
            metrics,
        }
    }

    /// The same, which also listens to Mattermost's outgoing webhook.
    #[must_use]
    pub fn with_hook(mut self, hook: Hook) -> Self {
        if let Door::Public(public) = &mut self.door {
            public.hook = Some(hook);
        }
        self
    }

    /// The same, which also gives out the files of replies.
    #[must_use]
    pub fn with_files(mut self, files: Files) -> Self {
        if let Door::Public(public) = &mut self.door {
            public.files = Some(files);
        }
        self
    }

    /// The same with what the plugin asks.
    #[must_use]
    pub fn with_plugin(mut self, plugin: Plugin) -> Self {
        if let Door::Public(public) = &mut self.door {
            public.plugin = Some(plugin);
        }
        self
    }

    /// Health, metrics, parked deliveries.
    #[must_use]
    pub fn admin(ops: Ops, metrics: Metrics) -> Self {
        Self {
            door: Door::Admin(Box::new(ops)),
            metrics,
        }
    }

    pub(super) async fn answer(&self, request: &mut Request<Incoming>, peer: IpAddr) -> Answer {
        let began = Instant::now();
        let (name, answer) = match self.door.find(request.method(), request.uri().path()) {
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
        if let Door::Public(public) = &self.door {
            public.events.at_rest().await;
        }
    }

    /// A request that was refused before anybody asked where it leads.
    pub(super) fn refuse(&self, problem: Problem) -> Answer {
        let answer = problem.into_answer();
        self.metrics
            .answered("none", answer.status().as_u16(), std::time::Duration::ZERO);
        answer
    }

    async fn take(
        &self,
        route: Route,
        request: &mut Request<Incoming>,
        peer: IpAddr,
    ) -> Result<Answer, Problem> {
        match (&self.door, route) {
            (Door::Public(public), route) => public.take(route, request, peer).await,
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
        }
    }
}

impl Public {
    async fn take(
        &self,
        route: Route,
        request: &mut Request<Incoming>,
        peer: IpAddr,
    ) -> Result<Answer, Problem> {
        if let (Route::Plugin(call), Some(plugin)) = (&route, &self.plugin) {
            return plugin.answer(*call, request, peer).await;
        }
        match (route, &self.hook, &self.files) {
            (Route::Events, ..) => self.events.take(request, peer).await,
            (Route::Event(id), ..) => self.events.status(request.headers(), peer, &id).await,
            (Route::Hook, Some(hook), _) => Ok(hook.hear(request, peer).await),
            (Route::File(token), _, Some(files)) => {
                files
                    .give(request.method(), request.headers(), &token)
                    .await
            }
            _ => Err(Problem::not_found()),
        }
    }

    /// The paths below `/v1/` that are not fixed.
    fn find(&self, path: &str) -> Option<Route> {
        if let Some(id) = path.strip_prefix("/v1/events/") {
            return segment(id).map(Route::Event);
        }
        self.files.as_ref()?;
        path.strip_prefix("/v1/files/")
            .and_then(segment)
            .map(Route::File)
    }
}

impl Door {
    fn find(&self, method: &Method, path: &str) -> Result<Route, Missed> {
        if let Self::Public(public) = self
            && public.plugin.is_some()
            && let Some((call, allow)) = plugin_call(path)
        {
            let taken = allow.split(", ").any(|taken| taken == method.as_str());
            return taken
                .then_some(Route::Plugin(call))
                .ok_or(Missed::Method(allow));
        }
        let read = method == Method::GET || method == Method::HEAD;
        let post = method == Method::POST;
        let (route, taken, allow) = match (self, path) {
            (Self::Public(_), "/v1/events") => (Route::Events, post, POST),
            (Self::Public(public), "/v1/hooks/mattermost") if public.hook.is_some() => {
                (Route::Hook, post, POST)
            }
            (Self::Public(public), path) => match public.find(path) {
                Some(route) => (route, read, GET),
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
            Self::Hook => "hook",
            Self::File(_) => "file",
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
