//! The server behind `webhook_url`, `users_url` and the addresses of attachments.

use std::io;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use bytes::Bytes;
use futures_util::future::BoxFuture;
use http::{Method, Request, header};
use hyper::body::Incoming;
use serde_json::{Value, json};
use tokio_util::sync::CancellationToken;
use tokio_util::task::TaskTracker;
use url::form_urlencoded;

use super::files::Served;
use super::inbox::{Delivery, Fetched, Inbox, LookedUp, Taken, Verdict};
use super::says::Says;
use crate::answer::{self, Answer};
use crate::client::Client;
use crate::clock::Clock;
use crate::random::Random;
use crate::rules::{Rules, When};
use crate::server::{Cut, Door, Fuse, Server};
use crate::watched::{Late, PATIENCE, Watched};

/// The longest webhook body that is read.
const LONGEST_BODY: usize = 8 << 20;

/// A secret for licences in tests: `whsec_` and 32 bytes.
const FIRST_SECRET: &str = "whsec_c2VjcmV0IG9mIHRoZSBzaW11bGF0ZWQgaS1yZXNlcnY=";

/// A running simulated i-Reserve. Dropping it ends it.
#[derive(Debug)]
pub struct IReserve {
    inner: Arc<Inner>,
    server: Server,
}

#[derive(Debug)]
struct Inner {
    inbox: Watched<Inbox>,
    clock: Clock,
    random: Random,
    // A std mutex: one look per request, never across an await.
    rules: Mutex<Rules<Says>>,
    client: Client,
    tasks: TaskTracker,
    end: CancellationToken,
}

impl IReserve {
    /// Starts one that takes everything, follows links, and knows nobody.
    ///
    /// # Errors
    /// When no loopback port is to be had.
    pub async fn start() -> io::Result<Self> {
        let mut inbox = Inbox::default();
        inbox.secrets.push(FIRST_SECRET.to_owned());
        inbox.follows_links = true;
        let inner = Arc::new(Inner {
            inbox: Watched::new(inbox),
            clock: Clock::start(),
            random: Random::fresh(),
            rules: Mutex::default(),
            client: Client::default(),
            tasks: TaskTracker::new(),
            end: CancellationToken::new(),
        });
        let serving = Arc::clone(&inner);
        let server = Server::start(Arc::new(
            move |request: Request<Incoming>| -> BoxFuture<'static, _> {
                Box::pin(Arc::clone(&serving).serve(request))
            },
        ))
        .await?;
        Ok(Self { inner, server })
    }

    /// `http://127.0.0.1:{port}`, without a slash at the end.
    #[must_use]
    pub fn url(&self) -> String {
        format!("http://{}", self.server.address())
    }

    /// `host:port`, as a licence key names it.
    #[must_use]
    pub fn host(&self) -> String {
        self.server.address().to_string()
    }

    /// For `licence.ireserve.webhook_url`.
    #[must_use]
    pub fn webhook_url(&self) -> String {
        format!("{}/mattermost/events", self.url())
    }

    /// For `licence.ireserve.users_url`.
    #[must_use]
    pub fn users_url(&self) -> String {
        format!("{}/mattermost/users", self.url())
    }

    /// The secret that a new i-Reserve expects, `whsec_…`.
    #[must_use]
    pub fn secret(&self) -> String {
        self.look(|inbox| inbox.secrets.first().cloned().unwrap_or_default())
    }

    /// Expects one of these secrets from now on.
    pub fn expect_secrets(&self, secrets: &[&str]) {
        self.inner.inbox.change(|inbox| {
            inbox.secrets = secrets.iter().map(|secret| (*secret).to_owned()).collect()
        });
    }

    /// Answers webhooks like this, when the rule is due; otherwise [`Says::Taken`]. `integration.connected` is left out: it comes
    /// when it likes, and would use up what a test meant for replies.
    pub fn says(&self, when: When, says: Says) {
        self.rules(|rules| rules.add("event *", when, says));
    }

    /// The same for one type alone: `reply.created`, `integration.connected`.
    pub fn says_to(&self, kind: &str, when: When, says: Says) {
        self.rules(|rules| rules.add(&call_name(kind), when, says));
    }

    /// Answers the look-up of users like this. What takes is answered truly.
    pub fn says_of_users(&self, when: When, says: Says) {
        self.rules(|rules| rules.add("GET /mattermost/users", when, says));
    }

    /// Takes everything again.
    pub fn heal(&self) {
        self.rules(Rules::clear);
    }

    /// Makes the random parts repeatable from here on.
    pub fn seed(&self, seed: u64) {
        self.inner.random.reseed(seed);
    }

    /// What a 2xx to `integration.connected` carries.
    pub fn introduces_itself(&self, body: Value) {
        self.inner
            .inbox
            .change(|inbox| inbox.connected = Some(body));
    }

    /// Whether the links of taken replies are followed; they are unless a test says no.
    pub fn follows_links(&self, follows: bool) {
        self.inner
            .inbox
            .change(|inbox| inbox.follows_links = follows);
    }

    /// Makes a user known by e-mail.
    pub fn knows(&self, email: &str, id: &str, name: &str) {
        self.inner.inbox.change(|inbox| {
            inbox
                .users
                .insert(email.to_owned(), (id.to_owned(), name.to_owned()))
        });
    }

    /// Serves a file, and tells its address. A name that exists is replaced.
    #[must_use]
    pub fn serves(&self, name: &str, served: Served) -> String {
        self.inner
            .inbox
            .change(|inbox| inbox.files.insert(name.to_owned(), served));
        format!("{}/files/{name}", self.url())
    }

    /// Moves its clock on; signatures of now become stale.
    pub fn advance(&self, by: Duration) {
        self.inner.clock.advance(by);
    }

    /// Shuts the front door, or opens it; every connection is cut. What was taken stays taken.
    ///
    /// # Errors
    /// When the port cannot be had again.
    pub async fn door(&self, door: Door) -> io::Result<()> {
        self.server.door(door).await
    }

    /// Looks at what was received.
    pub fn look<T>(&self, look: impl FnOnce(&Inbox) -> T) -> T {
        self.inner.inbox.look(look)
    }

    /// The texts a visitor sees in one conversation.
    #[must_use]
    pub fn texts(&self, conversation_id: &str) -> Vec<String> {
        self.look(|inbox| inbox.texts(conversation_id))
    }

    /// Waits until `look` finds something, at most [`PATIENCE`].
    ///
    /// # Panics
    /// With a picture of the state when it does not.
    pub async fn until<T>(&self, what: &str, look: impl FnMut(&Inbox) -> Option<T>) -> T {
        match self.within(PATIENCE, what, look).await {
            Ok(found) => found,
            Err(late) => panic!("{late}"),
        }
    }

    /// Waits until `look` finds something, at most so long.
    ///
    /// # Errors
    /// [`Late`] with a picture of the state.
    pub async fn within<T>(
        &self,
        patience: Duration,
        what: &str,
        look: impl FnMut(&Inbox) -> Option<T>,
    ) -> Result<T, Late> {
        self.inner
            .inbox
            .until(what, patience, look, Inbox::picture)
            .await
    }

    /// Ends it and waits for its tasks.
    pub async fn close(self) {
        self.inner.end.cancel();
        self.server.close().await;
        self.inner.tasks.close();
        self.inner.tasks.wait().await;
    }

    fn rules(&self, change: impl FnOnce(&mut Rules<Says>)) {
        change(
            &mut self
                .inner
                .rules
                .lock()
                .unwrap_or_else(PoisonError::into_inner),
        );
    }
}

impl Drop for IReserve {
    fn drop(&mut self) {
        self.inner.end.cancel();
    }
}

impl Inner {
    async fn serve(self: Arc<Self>, request: Request<Incoming>) -> Result<Answer, Cut> {
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
fn call_name(kind: &str) -> String {
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
