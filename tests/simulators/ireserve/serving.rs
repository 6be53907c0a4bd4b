//! How requests to i-Reserve are answered.

use std::sync::{Arc, PoisonError};

use bytes::Bytes;
use http::{Method, Request, header};
use hyper::body::Incoming;
use serde_json::{Value, json};
use url::form_urlencoded;

use super::files::Served;
use super::inbox::{Delivery, Fetched, Inbox, LookedUp, Taken, Verdict};
use super::receiver::Inner;
use super::says::Says;
use crate::answer::{self, Answer};
use crate::server::{Cut, Fuse};

/// The longest webhook body that is read.
const LONGEST_BODY: usize = 8 << 20;

impl Inner {
    pub(super) async fn serve(self: Arc<Self>, request: Request<Incoming>) -> Result<Answer, Cut> {
        let path = request.uri().path().to_owned();
        match (request.method(), path.as_str()) {
            (&Method::POST, "/mattermost/events") => self.webhook(request).await,
            (&Method::GET, "/mattermost/users") => self.user(request).await,
            (&Method::GET, path) if path.starts_with("/files/") => {
                Ok(self.file(&path["/files/".len()..]).await)
            }
            _ => Ok(answer::json(404, &json!({ "error": "no such address" }))),
        }
    }

    async fn webhook(self: Arc<Self>, request: Request<Incoming>) -> Result<Answer, Cut> {
        let fuse = request.extensions().get::<Fuse>().cloned();
        let (parts, body) = request.into_parts();
        let Ok(body) = answer::read(body, LONGEST_BODY).await else {
            return Err(Cut);
        };
        let kind = serde_json::from_slice::<Value>(&body).map_or_else(
            |_| String::new(),
            |body| body["type"].as_str().unwrap_or_default().to_owned(),
        );
        let asked_for = self.decide(&call_name(&kind));
        let taken = self.inbox.change(|inbox| {
            let (verdict, id, timestamp, signatures) =
                inbox.judge(&parts.headers, &body, self.clock.now() / 1_000);
            let said = match asked_for {
                Some(said) => said,
                None if verdict != Verdict::Valid => Says::Status(401),
                None => usual(inbox, &body),
            };
            let known = inbox.knows(&id);
            let delivery = Delivery {
                at: self.clock.elapsed(),
                id,
                timestamp,
                signatures,
                verdict,
                known,
                body,
                said: said.clone(),
            };
            (
                inbox.receive(delivery).filter(|_| inbox.follows_links),
                said,
            )
        });
        let (taken, said) = taken;
        if let Some(taken) = taken {
            self.follow(&taken);
        }
        self.speak(&said, fuse).await
    }

    async fn user(self: Arc<Self>, request: Request<Incoming>) -> Result<Answer, Cut> {
        let query = request.uri().query().unwrap_or_default();
        let email = form_urlencoded::parse(query.as_bytes())
            .find(|(key, _)| key == "email")
            .map_or_else(String::new, |(_, email)| email.into_owned());
        let authorization = request
            .headers()
            .get(header::AUTHORIZATION)
            .and_then(|value| value.to_str().ok())
            .unwrap_or_default()
            .to_owned();
        let found = self.inbox.change(|inbox| {
            inbox.lookups.push(LookedUp {
                at: self.clock.elapsed(),
                email: email.clone(),
                authorization,
            });
            inbox.users.get(&email).cloned()
        });
        let truth = || match found {
            Some((id, name)) => answer::json(200, &json!({ "id": id, "name": name })),
            None => answer::json(404, &json!({})),
        };
        match self.decide("GET /mattermost/users") {
            None | Some(Says::Taken) => Ok(truth()),
            Some(said) => {
                self.speak(&said, request.extensions().get::<Fuse>().cloned())
                    .await
            }
        }
    }

    async fn file(&self, name: &str) -> Answer {
        let served = self.inbox.change(|inbox| {
            *inbox.file_requests.entry(name.to_owned()).or_default() += 1;
            inbox.files.get(name).cloned()
        });
        served.unwrap_or(Served::Status(404)).answer().await
    }

    async fn speak(&self, said: &Says, fuse: Option<Fuse>) -> Result<Answer, Cut> {
        match (said.answer(), said) {
            (Some(answer), _) => Ok(answer),
            (None, Says::Hang) => std::future::pending().await,
            (None, Says::Reset) => {
                if let Some(fuse) = fuse {
                    fuse.blow();
                }
                Err(Cut)
            }
            (None, _) => Err(Cut),
        }
    }

    /// Fetches the attachments of a reply, as i-Reserve does before it shows them.
    fn follow(self: &Arc<Self>, taken: &Taken) {
        for attachment in taken.data["attachments"].as_array().into_iter().flatten() {
            let text = |key: &str| attachment[key].as_str().unwrap_or_default().to_owned();
            let (name, url, event_id) = (text("name"), text("url"), taken.id.clone());
            let inner = Arc::clone(self);
            let end = self.end.clone();
            self.tasks.spawn(end.run_until_cancelled_owned(async move {
                let answer = inner
                    .client
                    .call(Method::GET, &url, &[], Bytes::new())
                    .await
                    .ok();
                let (status, headers, bytes) = answer.map_or_else(Default::default, |answer| {
                    (Some(answer.status.as_u16()), answer.headers, answer.body)
                });
                inner.inbox.change(|inbox| {
                    inbox.fetched.push(Fetched {
                        event_id,
                        name,
                        url,
                        status,
                        headers,
                        bytes,
                    })
                });
            }));
        }
    }

    fn decide(&self, call: &str) -> Option<Says> {
        self.rules
            .lock()
            .unwrap_or_else(PoisonError::into_inner)
            .decide(call, &self.random)
    }
}

/// How rules name a webhook of this type.
pub(super) fn call_name(kind: &str) -> String {
    match kind {
        "integration.connected" => kind.to_owned(),
        _ => format!("event {kind}"),
    }
}

/// What is said when no test asked for anything else.
fn usual(inbox: &Inbox, body: &[u8]) -> Says {
    let body: Value = serde_json::from_slice(body).unwrap_or(Value::Null);
    match (&inbox.connected, body["type"].as_str()) {
        (Some(introduction), Some("integration.connected")) => {
            Says::TakenWith(introduction.clone())
        }
        _ => Says::Taken,
    }
}
