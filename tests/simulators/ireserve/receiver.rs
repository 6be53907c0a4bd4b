//! The server behind `webhook_url`, `users_url` and the addresses of attachments.

use std::io;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use futures_util::future::BoxFuture;
use http::Request;
use hyper::body::Incoming;
use serde_json::Value;
use tokio_util::sync::CancellationToken;
use tokio_util::task::TaskTracker;

use super::files::Served;
use super::inbox::Inbox;
use super::says::Says;
use super::serving::call_name;
use crate::client::Client;
use crate::clock::Clock;
use crate::random::Random;
use crate::rules::{Rules, When};
use crate::server::{Door, Server};
use crate::watched::{Late, PATIENCE, Watched};

/// A secret for licences in tests: `whsec_` and 32 bytes.
const FIRST_SECRET: &str = "whsec_c2VjcmV0IG9mIHRoZSBzaW11bGF0ZWQgaS1yZXNlcnY=";

/// A running simulated i-Reserve. Dropping it ends it.
#[derive(Debug)]
pub struct IReserve {
    inner: Arc<Inner>,
    server: Server,
}

#[derive(Debug)]
pub(super) struct Inner {
    pub(super) inbox: Watched<Inbox>,
    pub(super) clock: Clock,
    pub(super) random: Random,
    // A std mutex: one look per request, never across an await.
    pub(super) rules: Mutex<Rules<Says>>,
    pub(super) client: Client,
    pub(super) tasks: TaskTracker,
    pub(super) end: CancellationToken,
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

    /// How long ago it started: the clock of [`Delivery::at`](super::Delivery::at).
    #[must_use]
    pub fn elapsed(&self) -> Duration {
        self.inner.clock.elapsed()
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
