//! What i-Reserve received: every request as it came, and what it made of them.

use std::collections::{BTreeMap, HashMap, HashSet};
use std::fmt::Write as _;
use std::time::Duration;

use bytes::Bytes;
use http::HeaderMap;
use serde_json::Value;

use super::files::Served;
use super::says::Says;
use super::sign::{webhook_key, webhook_signature};

/// How far a message's timestamp may be from now (Standard Webhooks).
const TOLERANCE_SECONDS: i64 = 300;

/// Whether a request was a proper Standard Webhooks message.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Verdict {
    /// Signed with one of the secrets, of now, and JSON.
    Valid,
    /// `webhook-id`, `webhook-timestamp` or `webhook-signature` is missing, doubled or empty.
    NoHeaders,
    /// The timestamp is no number, or too far from now.
    Stale,
    /// None of the signatures fits.
    WrongSignature,
    /// The body is no JSON object with `type`, `timestamp` and `data`, or the id has a dot.
    Malformed,
}

/// One request to the webhook.
#[derive(Debug, Clone)]
pub struct Delivery {
    /// Since the start.
    pub at: Duration,
    /// `webhook-id`.
    pub id: String,
    /// `webhook-timestamp`.
    pub timestamp: String,
    /// How many signatures it carried.
    pub signatures: usize,
    /// What the check said.
    pub verdict: Verdict,
    /// Whether this id had been taken before.
    pub known: bool,
    /// The body as it came.
    pub body: Bytes,
    /// What was answered.
    pub said: Says,
}

/// An event that was taken, once per `webhook-id`, in the order of taking.
#[derive(Debug, Clone, PartialEq)]
pub struct Taken {
    /// `webhook-id`.
    pub id: String,
    /// `reply.created` and so on.
    pub kind: String,
    /// `data.conversation_id`; empty where there is none.
    pub conversation_id: String,
    /// The whole `data`.
    pub data: Value,
    /// The whole body.
    pub body: Value,
}

/// A reply as a visitor sees it after everything that was taken.
#[derive(Debug, Clone, PartialEq)]
pub struct Reply {
    /// `reply_id`.
    pub id: String,
    /// The last text.
    pub text: String,
    /// Whether it was taken back.
    pub deleted: bool,
    /// The `data` of its last creation or update.
    pub data: Value,
}

/// A link in a reply that was followed.
#[derive(Debug, Clone)]
pub struct Fetched {
    /// `webhook-id` of the event that named it.
    pub event_id: String,
    /// The file's name as given.
    pub name: String,
    /// The link.
    pub url: String,
    /// Status; none without an answer.
    pub status: Option<u16>,
    /// Headers of the answer.
    pub headers: HeaderMap,
    /// Its bytes.
    pub bytes: Bytes,
}

/// A question for a user by e-mail.
#[derive(Debug, Clone)]
pub struct LookedUp {
    /// Since the start.
    pub at: Duration,
    /// As asked.
    pub email: String,
    /// `Authorization` as it came; empty without.
    pub authorization: String,
}

/// The state of one i-Reserve.
#[derive(Debug, Default)]
pub struct Inbox {
    pub(super) secrets: Vec<String>,
    pub(super) users: HashMap<String, (String, String)>,
    pub(super) files: BTreeMap<String, Served>,
    pub(super) follows_links: bool,
    pub(super) connected: Option<Value>,
    deliveries: Vec<Delivery>,
    taken: Vec<Taken>,
    known: HashSet<String>,
    pub(super) fetched: Vec<Fetched>,
    pub(super) lookups: Vec<LookedUp>,
    pub(super) file_requests: BTreeMap<String, u64>,
}

impl Inbox {
    /// Every request to the webhook, in order of arrival.
    #[must_use]
    pub fn deliveries(&self) -> &[Delivery] {
        &self.deliveries
    }

    /// Requests that were no proper messages. A test that did not provoke them should find none.
    pub fn improper(&self) -> impl Iterator<Item = &Delivery> {
        self.deliveries
            .iter()
            .filter(|delivery| delivery.verdict != Verdict::Valid)
    }

    /// Everything taken, in order.
    #[must_use]
    pub fn taken(&self) -> &[Taken] {
        &self.taken
    }

    /// What was taken of one conversation, in order.
    #[must_use]
    pub fn events_of(&self, conversation_id: &str) -> Vec<&Taken> {
        self.taken
            .iter()
            .filter(|taken| taken.conversation_id == conversation_id)
            .collect()
    }

    /// The replies of one conversation in order of their creation, each in its last state.
    #[must_use]
    pub fn replies(&self, conversation_id: &str) -> Vec<Reply> {
        let mut replies: Vec<Reply> = Vec::new();
        for taken in self.events_of(conversation_id) {
            let id = taken.data["reply_id"].as_str().unwrap_or_default();
            let place = replies.iter().position(|reply| reply.id == id);
            match (taken.kind.as_str(), place) {
                ("reply.created" | "reply.updated", place) => {
                    let text = taken.data["text"].as_str().unwrap_or_default().to_owned();
                    let reply = Reply {
                        id: id.to_owned(),
                        text,
                        deleted: false,
                        data: taken.data.clone(),
                    };
                    match place {
                        Some(place) => replies[place] = reply,
                        None => replies.push(reply),
                    }
                }
                ("reply.deleted", Some(place)) => replies[place].deleted = true,
                _ => {}
            }
        }
        replies
    }

    /// The texts a visitor sees in one conversation: the replies that were not taken back.
    #[must_use]
    pub fn texts(&self, conversation_id: &str) -> Vec<String> {
        self.replies(conversation_id)
            .into_iter()
            .filter(|reply| !reply.deleted)
            .map(|reply| reply.text)
            .collect()
    }

    /// Links that were followed.
    #[must_use]
    pub fn fetched(&self) -> &[Fetched] {
        &self.fetched
    }

    /// Questions for users.
    #[must_use]
    pub fn lookups(&self) -> &[LookedUp] {
        &self.lookups
    }

    /// How often a served file was asked for.
    #[must_use]
    pub fn file_requests(&self, name: &str) -> u64 {
        self.file_requests.get(name).copied().unwrap_or(0)
    }

    /// A picture of the state for people whose test failed.
    #[must_use]
    pub fn picture(&self) -> String {
        let mut picture = String::from("i-Reserve has\n");
        for taken in self.taken.iter().rev().take(30).rev() {
            let text = taken.data["text"]
                .as_str()
                .unwrap_or_default()
                .chars()
                .take(80)
                .collect::<String>();
            let _ = writeln!(
                picture,
                "  {} {} of {:?}: {text:?}",
                taken.kind, taken.id, taken.conversation_id
            );
        }
        let _ = writeln!(
            picture,
            "  {} requests, the last ones:",
            self.deliveries.len()
        );
        for delivery in self.deliveries.iter().rev().take(12).rev() {
            let again = if delivery.known { ", known" } else { "" };
            let _ = writeln!(
                picture,
                "  {:>7} ms {} {:?}{again} -> {:?}",
                delivery.at.as_millis(),
                delivery.id,
                delivery.verdict,
                delivery.said
            );
        }
        picture
    }

    /// Judges a request by its headers and raw body; `now` in seconds since 1970.
    pub(super) fn judge(
        &self,
        headers: &HeaderMap,
        body: &[u8],
        now: i64,
    ) -> (Verdict, String, String, usize) {
        let one = |name: &str| {
            let mut values = headers.get_all(name).iter();
            let value = values
                .next()
                .and_then(|value| value.to_str().ok())
                .unwrap_or_default();
            if values.next().is_some() {
                String::new()
            } else {
                value.to_owned()
            }
        };
        let (id, timestamp, signature) = (
            one("webhook-id"),
            one("webhook-timestamp"),
            one("webhook-signature"),
        );
        let signatures: Vec<&str> = signature
            .split(' ')
            .filter(|signature| !signature.is_empty())
            .collect();
        let fits = |secret: &String| {
            webhook_key(secret).is_some_and(|key| {
                signatures.contains(&webhook_signature(&key, &id, &timestamp, body).as_str())
            })
        };
        let verdict = if id.is_empty() || timestamp.is_empty() || signatures.is_empty() {
            Verdict::NoHeaders
        } else if timestamp
            .parse::<i64>()
            .is_ok_and(|then| (now - then).abs() <= TOLERANCE_SECONDS)
        {
            match self.secrets.iter().any(fits) {
                false => Verdict::WrongSignature,
                true if is_well_formed(&id, body) => Verdict::Valid,
                true => Verdict::Malformed,
            }
        } else {
            Verdict::Stale
        };
        (verdict, id, timestamp, signatures.len())
    }

    /// Notes a request, and takes it when it is to be taken and new. Tells what was taken.
    pub(super) fn receive(&mut self, mut delivery: Delivery) -> Option<Taken> {
        delivery.known = self.known.contains(&delivery.id);
        let takes = delivery.verdict == Verdict::Valid && delivery.said.takes() && !delivery.known;
        let body: Value = serde_json::from_slice(&delivery.body).unwrap_or(Value::Null);
        let id = delivery.id.clone();
        self.deliveries.push(delivery);
        if !takes {
            return None;
        }
        self.known.insert(id.clone());
        let taken = Taken {
            id,
            kind: body["type"].as_str().unwrap_or_default().to_owned(),
            conversation_id: body["data"]["conversation_id"]
                .as_str()
                .unwrap_or_default()
                .to_owned(),
            data: body["data"].clone(),
            body,
        };
        self.taken.push(taken.clone());
        Some(taken)
    }

    /// Whether this id was taken before.
    pub(super) fn knows(&self, id: &str) -> bool {
        self.known.contains(id)
    }
}

fn is_well_formed(id: &str, body: &[u8]) -> bool {
    let body: Value = serde_json::from_slice(body).unwrap_or(Value::Null);
    !id.contains('.')
        && body["type"].is_string()
        && body["timestamp"].is_string()
        && body["data"].is_object()
}
