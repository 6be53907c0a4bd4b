//! One request: its fault, its caller, its work, its answer. The work runs to its end even when the caller leaves, as in the real
//! server; only a restart ends it.

use std::sync::Arc;
use std::time::Duration;

use bytes::Bytes;
use http::{HeaderMap, HeaderValue, Request, header};
use hyper::body::Incoming;
use serde_json::{Value, json};

use super::Inner;
use super::errors::Refusal;
use super::faults::{Ending, Fault, Passage};
use super::model::User;
use super::posts::{Begun, Wanted};
use super::route::{Call, Query, route};
use super::{files, socket};
use crate::answer::{self, Answer, Unread};
use crate::server::{Cut, Fuse};

/// What the limit of a body allows beyond the setting, as in the real server.
const BODY_MARGIN: usize = 512;

impl Inner {
    /// Answers one request.
    pub(super) async fn serve(self: Arc<Self>, request: Request<Incoming>) -> Result<Answer, Cut> {
        let path = request.uri().path().to_owned();
        let known = route(request.method(), &path);
        let name = known.as_ref().map_or("not simulated", |(name, _)| name);
        let user = self.state.look(|state| {
            bearer(request.headers())
                .ok_or_else(Refusal::session_expired)
                .and_then(|token| state.user_of_token(token))
        });
        let shown_path = request
            .uri()
            .path_and_query()
            .map_or("", |path| path.as_str())
            .trim_start_matches("/api/v4")
            .to_owned();
        let user_id = user
            .as_ref()
            .map_or_else(|_| String::new(), |user| user.id.clone());
        let number = self.state.change(|state| {
            state
                .log
                .begin(name, shown_path, user_id, self.clock.elapsed())
        });

        let fault = self.faults.decide(name);
        let fuse = request.extensions().get::<Fuse>().cloned();
        let result = self
            .clone()
            .serve_with(request, known, user, fault, fuse)
            .await;

        let (status, error_id) = match &result {
            Ok((answer, error_id)) => (Some(answer.status().as_u16()), error_id.clone()),
            Err(Cut) => (None, String::new()),
        };
        self.state.change(|state| {
            state
                .log
                .end(number, self.clock.elapsed(), status, error_id)
        });
        result.map(|(answer, _)| self.decorated(answer))
    }

    async fn serve_with(
        self: Arc<Self>,
        request: Request<Incoming>,
        known: Option<(&'static str, Call)>,
        user: Result<User, Refusal>,
        fault: Option<Fault>,
        fuse: Option<Fuse>,
    ) -> Result<(Answer, String), Cut> {
        tokio::time::sleep(self.faults.draw_latency()).await;
        let passage = self.faults.pass(self.clock.elapsed());
        let works = fault.as_ref().is_none_or(|fault| fault.works);
        let ending = fault
            .as_ref()
            .map_or(Ending::Answer, |fault| fault.ending.clone());
        let after = fault.as_ref().map_or(Duration::ZERO, |fault| fault.after);

        let worked = if passage.is_some_and(|passage| !passage.passes) {
            Err(limited(passage))
        } else if works {
            let inner = Arc::clone(&self);
            self.until_restart(async move {
                let (_, call) = known.ok_or_else(Refusal::no_such_path)?;
                inner.work(call, request, user, fault).await
            })
            .await?
        } else {
            Ok(answer::json(200, &Value::Null))
        };
        tokio::time::sleep(after).await;

        let refused = |refusal: &Refusal| {
            (
                refusal.answer(self.faults.is_hardened(), &self.random.id()),
                refusal.id.clone(),
            )
        };
        let (mut answer, error_id) = match ending {
            Ending::Answer => match worked {
                Ok(answer) => (answer, String::new()),
                Err(refusal) => refused(&refusal),
            },
            Ending::Refuse(refusal) => refused(&refusal),
            Ending::Garbage => (
                answer::bytes(200, "application/json", "{\"id\": <!doctype html>"),
                String::new(),
            ),
            Ending::Cut => return Err(Cut),
            Ending::Reset => {
                if let Some(fuse) = fuse {
                    fuse.blow();
                }
                return Err(Cut);
            }
            Ending::Hang => std::future::pending().await,
        };
        if let Some(passage) = passage {
            rate_headers(answer.headers_mut(), passage);
        }
        Ok((answer, error_id))
    }

    /// Does what was asked for.
    async fn work(
        self: Arc<Self>,
        call: Call,
        request: Request<Incoming>,
        user: Result<User, Refusal>,
        fault: Option<Fault>,
    ) -> Result<Answer, Refusal> {
        if call == Call::Socket {
            return socket::upgrade(&self, request);
        }
        let (parts, body) = request.into_parts();
        let query = Query::parse(parts.uri.query().unwrap_or_default());
        let user = match (&call, user) {
            (Call::Ping, _) => {
                return Ok(answer::json(
                    200,
                    &json!({ "status": "OK", "ActiveSearchBackend": "database" }),
                ));
            }
            (Call::ClientConfig, user) => {
                return Ok(answer::json(
                    200,
                    &self
                        .state
                        .look(|state| state.client_config(user.ok().as_ref())),
                ));
            }
            (_, user) => user?,
        };
        if call == Call::Upload {
            let (max, now) = (
                self.state.look(|state| state.settings.max_file_size),
                self.clock.now(),
            );
            let uploaded = files::receive(&parts.headers, &query, body, max).await?;
            self.wait_before(fault.as_ref()).await;
            return self
                .change(|state| state.upload(|| self.random.id(), now, &user, uploaded))
                .map(|infos| answer::json(201, &infos));
        }
        let body = self.read(body).await?;
        if call == Call::CreatePost {
            return self
                .create_post(&user, &body, fault.as_ref())
                .await
                .map(|post| answer::json(201, &post));
        }
        if call == Call::Malformed {
            return Err(Refusal::invalid_parameter());
        }
        self.wait_before(fault.as_ref()).await;
        self.reading(&call, &user, &query, &body, &parts)
            .unwrap_or_else(|| self.changing(&call, &user, &body))
    }

    async fn read(&self, body: Incoming) -> Result<Bytes, Refusal> {
        let (limit, version) = self
            .state
            .look(|state| (state.settings.max_payload, state.settings.version));
        answer::read(body, limit + BODY_MARGIN)
            .await
            .map_err(|unread| match unread {
                Unread::TooLong => Refusal::body_too_large(version),
                Unread::Broken => Refusal::invalid_body(),
            })
    }

    async fn wait_before(&self, fault: Option<&Fault>) {
        tokio::time::sleep(fault.map_or(Duration::ZERO, |fault| fault.before)).await;
    }

    async fn create_post(
        self: &Arc<Self>,
        user: &User,
        body: &[u8],
        fault: Option<&Fault>,
    ) -> Result<Value, Refusal> {
        let mut wanted = Wanted::parse(body)?;
        wanted.drops_files = fault.is_some_and(|fault| fault.drops_files);
        wanted.create_at = wanted.create_at.filter(|_| user.is_admin);
        let begun_at = self.clock.now();
        let begun = self.change(|state| {
            state.may_post(user, &wanted.channel_id)?;
            state.begin_post(begun_at, user, &wanted)
        })?;
        if let Begun::Duplicate(post) = begun {
            return Ok(json!(post));
        }
        self.wait_before(fault).await;
        let id = self.random.id();
        let stamped_early = fault.is_some_and(|fault| fault.stamped_early);
        self.change(|state| {
            let now = self.clock.now();
            let own = match (
                stamped_early,
                self.faults.takes_tie() && state.last_create_at > 0,
            ) {
                (true, _) => begun_at,
                (false, true) => state.last_create_at,
                (false, false) => now,
            };
            state.finish_post(id, now, wanted.create_at.unwrap_or(own), user, &wanted)
        })
        .map(|post| json!(post))
    }

    fn decorated(&self, mut answer: Answer) -> Answer {
        let version = self.state.look(|state| state.settings.version.number());
        let headers = answer.headers_mut();
        let mut set = |name: &'static str, value: String| {
            if let Ok(value) = HeaderValue::from_str(&value) {
                headers.insert(name, value);
            }
        };
        set("x-request-id", self.random.id());
        set(
            "x-version-id",
            format!("{version}.{version}.0123456789abcdef0123456789abcdef.false"),
        );
        answer
    }
}

/// The bearer token of a request. A session cookie beats the header, which is how a client with a cookie jar loses its rights.
fn bearer(headers: &HeaderMap) -> Option<&str> {
    let cookies = headers
        .get(header::COOKIE)
        .and_then(|value| value.to_str().ok())
        .unwrap_or_default();
    if let Some(token) = cookies
        .split(';')
        .find_map(|cookie| cookie.trim().strip_prefix("MMAUTHTOKEN="))
    {
        return Some(token);
    }
    let value = headers.get(header::AUTHORIZATION)?.to_str().ok()?;
    let (scheme, token) = value.split_once(' ')?;
    (scheme.eq_ignore_ascii_case("bearer") || scheme.eq_ignore_ascii_case("token"))
        .then_some(token.trim())
}

/// What the socket asks of its upgrade request.
pub(super) fn bearer_of(headers: &HeaderMap) -> Option<String> {
    bearer(headers).map(str::to_owned)
}

fn limited(passage: Option<Passage>) -> Refusal {
    let seconds = passage.map_or(1.0, |passage| passage.retry_after);
    Refusal::too_many(Some(&format!("{seconds:.0}")))
}

fn rate_headers(headers: &mut HeaderMap, passage: Passage) {
    let figures = [
        ("x-ratelimit-limit", passage.limit),
        ("x-ratelimit-remaining", passage.left),
        ("x-ratelimit-reset", passage.reset),
    ];
    for (name, figure) in figures {
        if let Ok(value) = HeaderValue::from_str(&format!("{figure:.0}")) {
            headers.insert(name, value);
        }
    }
}
