//! Mattermost's REST API v4, as far as we need it, and what its answers mean.
//!
//! | word | meaning |
//! |---|---|
//! | account | an address and the token of our bot there; it may be replaced while we run |
//! | fault | what an answer other than a good one means for us: [`Fault`] |
//! | pace | how fast we may ask, learned from the server's own headers |
//!
//! Guarantees: every call is made once, within its deadline and the server's pace; every answer is read up to a limit and into
//! types that hold only what we read; an answer of any other shape is a fault, never a panic. Texts of faults carry a status and
//! an error id, never a message.
//!
//! Not here: `since=` (it forgets silently), `PUT /posts/{id}` (it wipes our mark on 9.11), searching, and everything that
//! needs a role beyond that of a plain bot.

mod channel;
mod error;
mod file;
pub mod outlet;
mod pace;
mod post;
mod read;
mod socket;
mod thread;
mod user;

use std::{
    sync::{Arc, PoisonError, RwLock},
    time::Duration,
};

use bytes::Bytes;
use http::{HeaderMap, HeaderValue, Method, StatusCode, header};
use secrecy::{ExposeSecret, SecretString};
use serde::{Serialize, de::DeserializeOwned};
use shared::UserId;
use tokio::{sync::OnceCell, time::Instant};
use url::Url;

use crate::{
    client::{Answer, Body, CallError, Client, Request, Streamed, Unread},
    delivery::outlet::Reason,
};

pub use channel::{Around, Channel, ChannelKind, ChannelPage, Team};
pub use error::Fault;
pub use file::{FileId, FileInfo};
pub use post::{NewPost, Patch, Post, Props};
pub use socket::{Heard, Socket, SocketError, Told};
pub use thread::{Place, ThreadPage};
pub use user::{Limits, Me, User, Version};

/// A POST that Mattermost does not answer within this time is in doubt. With 20 s for repeats it stays below the 30 s for which
/// the server remembers a `pending_post_id`.
const WRITE: Duration = Duration::from_secs(8);
const READ: Duration = Duration::from_secs(10);
/// Mattermost ends a transfer after 300 s itself.
const TRANSFER: Duration = Duration::from_secs(290);

/// One post and small things. Its message has at most 16,383 characters, its props 800,000 on 11.x; a peer that sends more
/// would fill our memory.
const ONE: usize = 4 * 1024 * 1024;
/// Lists of up to 200 posts or 1,000 users.
const MANY: usize = 16 * 1024 * 1024;

/// One Mattermost server, as our bot. Shared by everybody who talks to it, so that all keep one pace.
#[derive(Debug)]
pub struct Mattermost {
    client: Client,
    pace: pace::Pace,
    /// Never held across an await.
    account: RwLock<Option<Arc<Account>>>,
}

#[derive(Debug)]
struct Account {
    base: Url,
    token: SecretString,
    /// Asked once per account: ids never change.
    me: OnceCell<Me>,
}

/// One call: what is asked, and how much may come back.
struct Ask {
    method: Method,
    path: Vec<String>,
    query: Vec<(&'static str, String)>,
    body: Option<Bytes>,
    limit: usize,
    deadline: Duration,
}

impl Mattermost {
    /// Knows no account yet: every call is *not sent* until [`Self::connect`].
    #[must_use]
    pub fn new(client: Client) -> Self {
        Self {
            client,
            pace: pace::Pace::default(),
            account: RwLock::new(None),
        }
    }

    /// From now on this account counts. Calls that run keep theirs.
    pub fn connect(&self, url: Url, token: SecretString) {
        if self.url().as_ref() != Some(&url) {
            self.pace.forget();
        }
        let account = Account {
            base: url,
            token,
            me: OnceCell::new(),
        };
        *self.account.write().unwrap_or_else(PoisonError::into_inner) = Some(Arc::new(account));
    }

    /// The server's address as the settings name it.
    #[must_use]
    pub fn url(&self) -> Option<Url> {
        self.account().ok().map(|account| account.base.clone())
    }

    /// Our bot. Asked once per account.
    ///
    /// # Errors
    /// When Mattermost does not say.
    pub async fn me(&self) -> Result<Me, Fault> {
        let account = self.account()?;
        account
            .me
            .get_or_try_init(|| self.fetch_me())
            .await
            .cloned()
    }

    /// The user id by which our own posts are told from all others.
    ///
    /// # Errors
    /// When Mattermost does not say.
    pub async fn bot(&self) -> Result<UserId, Fault> {
        self.me().await.map(|me| me.id)
    }

    fn account(&self) -> Result<Arc<Account>, Fault> {
        let account = self.account.read().unwrap_or_else(PoisonError::into_inner);
        account
            .clone()
            .ok_or_else(|| Fault::NotSent(Reason::new("no mattermost account is known yet")))
    }

    /// The answer's body as what it should be.
    async fn call<T: DeserializeOwned>(&self, ask: Ask) -> Result<T, Fault> {
        let answer = self.exchange(ask).await?;
        serde_json::from_slice(&answer.body).map_err(|_| {
            let status = answer.status.as_u16();
            Fault::Open(Reason::answered(
                status,
                format!(
                    "mattermost answered {status} with a body that {}",
                    Unread::Strange
                ),
            ))
        })
    }

    /// Any 2xx; everything else is a fault.
    async fn exchange(&self, ask: Ask) -> Result<Answer, Fault> {
        let deadline = ask.deadline;
        let limit = ask.limit;
        let streamed = self
            .open(
                ask.method,
                &ask.path,
                &ask.query,
                ask.body.into(),
                HeaderMap::new(),
                deadline,
            )
            .await?;
        Ok(streamed.whole(limit).await?)
    }

    /// The head of a good answer (2xx).
    async fn open(
        &self,
        method: Method,
        path: &[impl AsRef<str>],
        query: &[(&'static str, String)],
        body: Body,
        headers: HeaderMap,
        deadline: Duration,
    ) -> Result<Streamed, Fault> {
        let streamed = self
            .send(method, path, query, body, headers, deadline)
            .await?;
        if streamed.status.is_success() {
            return Ok(streamed);
        }
        Err(refusal(streamed).await)
    }

    /// The head of any answer, in its turn.
    async fn send(
        &self,
        method: Method,
        path: &[impl AsRef<str>],
        query: &[(&'static str, String)],
        body: Body,
        headers: HeaderMap,
        deadline: Duration,
    ) -> Result<Streamed, Fault> {
        let account = self.account()?;
        let mut request = Request::new(method, account.url(path, query)).body(body);
        request.headers = headers;
        if matches!(request.body, Body::Whole(_)) {
            request.headers.insert(
                header::CONTENT_TYPE,
                HeaderValue::from_static("application/json"),
            );
        }
        request
            .headers
            .insert(header::AUTHORIZATION, account.bearer()?);
        let turn = self.pace.turn().await.map_err(|wait| Fault::Limited {
            wait,
            reason: Reason::new("mattermost's rate limit leaves no room now"),
        })?;
        let streamed = self.client.open(request, deadline).await?;
        turn.learn(&streamed.headers, Instant::now());
        if streamed.status == StatusCode::TOO_MANY_REQUESTS {
            self.pace
                .rest(error::wait_of(streamed.retry_after), Instant::now());
        }
        Ok(streamed)
    }
}

/// What an answer that is no 2xx says. Errors of Mattermost are small; of anything larger the status alone counts.
async fn refusal(streamed: Streamed) -> Fault {
    let (status, retry_after) = (streamed.status, streamed.retry_after);
    let body = match streamed.whole(error::BODY).await {
        Ok(answer) => answer.body,
        Err(_) => Bytes::new(),
    };
    error::meaning(status, &body, retry_after)
}

impl Account {
    fn url(&self, path: &[impl AsRef<str>], query: &[(&'static str, String)]) -> Url {
        let mut url = self.base.clone();
        if let Ok(mut segments) = url.path_segments_mut() {
            segments.pop_if_empty().extend(["api", "v4"]).extend(path);
        }
        if !query.is_empty() {
            url.query_pairs_mut().extend_pairs(query);
        }
        url
    }

    fn bearer(&self) -> Result<HeaderValue, Fault> {
        let text = format!("Bearer {}", self.token.expose_secret());
        let mut value = HeaderValue::from_str(&text).map_err(|_| {
            Fault::TokenRefused(Reason::new(
                "the bot's token contains characters that no token has",
            ))
        })?;
        value.set_sensitive(true);
        Ok(value)
    }
}

impl Ask {
    fn get<const N: usize>(path: [&str; N]) -> Self {
        Self::of(Method::GET, path)
    }

    fn post<const N: usize>(path: [&str; N], body: &impl Serialize) -> Self {
        Self::of(Method::POST, path).json(body)
    }

    fn of<const N: usize>(method: Method, path: [&str; N]) -> Self {
        Self {
            deadline: if method == Method::GET { READ } else { WRITE },
            method,
            path: path.map(str::to_owned).into(),
            query: Vec::new(),
            body: None,
            limit: ONE,
        }
    }

    fn json(mut self, body: &impl Serialize) -> Self {
        let bytes = serde_json::to_vec(body).expect("plain data with text keys becomes JSON");
        self.body = Some(bytes.into());
        self
    }

    fn query(mut self, name: &'static str, value: impl Into<String>) -> Self {
        self.query.push((name, value.into()));
        self
    }

    const fn within(mut self, deadline: Duration) -> Self {
        self.deadline = deadline;
        self
    }

    const fn many(mut self) -> Self {
        self.limit = MANY;
        self
    }
}

impl From<Option<Bytes>> for Body {
    fn from(bytes: Option<Bytes>) -> Self {
        bytes.map_or(Self::Empty, Self::Whole)
    }
}

impl From<CallError> for Fault {
    fn from(error: CallError) -> Self {
        let reason = Reason {
            text: error.to_string(),
            status: error.status(),
        };
        if error.is_unsent() {
            Self::NotSent(reason)
        } else {
            Self::Open(reason)
        }
    }
}

#[cfg(test)]
mod hostile;
