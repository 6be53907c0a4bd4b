//! The outlet to i-Reserve: one reply, edit or deletion as one signed call. One for each licence, because each has its own queue.
//!
//! Everything here is `change`: nothing needs a look, because what is repeated carries the same `webhook-id`, the id of the event, and
//! i-Reserve remembers it. What a body says is made at each attempt of what was stored; the colleague's name, links and signature are of
//! the attempt.

use std::{sync::Arc, time::Duration};

use http::Method;
use shared::LicenceId;
use tokio::time::Instant;

use super::{
    Addresses, Parts,
    absence::Absences,
    body::{self, Around},
    call::{self, Answered},
    gate::Gate,
    users::{Colleague, Users},
};
use crate::{
    client::Request,
    delivery::outlet::{Aim, Found, Outcome, Outlet, Reason, Shown},
    licence::Licence,
    record::{Claim, Content, Presence, Reply, ReplyChange, Step, Touch},
};

/// Whether somebody is there is known at once or not at all.
const PROBE: Duration = Duration::from_secs(5);

/// What the lanes of one licence post through.
#[derive(Debug)]
pub struct IreserveOutlet {
    licence: LicenceId,
    parts: Parts,
    users: Users,
    gate: Gate,
    absences: Absences,
}

/// What one attempt came to.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Sent {
    pub outcome: Outcome,
    /// Where the visitor is, if i-Reserve said so.
    pub visitor: Option<Presence>,
}

impl IreserveOutlet {
    /// `users` is shared by all licences.
    #[must_use]
    pub fn new(licence: LicenceId, parts: Parts, users: Users) -> Self {
        Self {
            licence,
            parts,
            users,
            gate: Gate::default(),
            absences: Absences::default(),
        }
    }

    /// One attempt, with what i-Reserve said of the visitor.
    pub async fn send(&self, claim: &Claim) -> Sent {
        match self.attempt(claim).await {
            Ok(answered) => Sent {
                visitor: answered.visitor(),
                outcome: answered.outcome(),
            },
            Err(outcome) => Sent {
                outcome,
                visitor: None,
            },
        }
    }

    async fn attempt(&self, claim: &Claim) -> Result<Answered, Outcome> {
        let reply = reply(claim)?;
        let licence = self.licence()?;
        let url = call::target(&licence).map_err(blocked)?;
        let turn = self.gate.turn(Instant::now()).ok_or_else(|| {
            Outcome::NotSent(Reason::new(
                "i-reserve fails at present, and another reply asks whether it is back",
            ))
        })?;
        let Addresses { public, .. } = self.parts.addresses.borrow().clone();
        let colleague = self.colleague(&licence, reply).await;
        let now = (self.parts.now)();
        let around = Around {
            licence: &licence,
            links: &self.parts.links,
            public: &public,
            now,
        };
        let body = body::of(reply, colleague, around);
        let id = claim.event.as_str();
        let answered = call::post(&self.parts.client, &licence, url, id, body, now)
            .await
            .map_err(|error| Outcome::Refused(Reason::new(error.to_string())))?;
        turn.came_to(&answered, &licence.ireserve, Instant::now());
        self.parts.refusals.note(&self.licence, &answered, now);
        Ok(answered)
    }

    /// A deletion says nothing of anybody.
    async fn colleague(&self, licence: &Licence, reply: &Reply) -> Option<Colleague> {
        if matches!(reply.what, ReplyChange::Deleted(_)) {
            return None;
        }
        self.users
            .find(licence, &reply.author.as_ref()?.email)
            .await
    }

    fn licence(&self) -> Result<Arc<Licence>, Outcome> {
        let licences = self.parts.licences.snapshot();
        licences.get(&self.licence).cloned().ok_or_else(|| {
            blocked(Reason::new(format!(
                "licence {} is not in the settings any more",
                self.licence
            )))
        })
    }

    /// Whether an attempt makes sense at all.
    fn ready(&self, claim: &Claim) -> Result<(), Outcome> {
        reply(claim)?;
        let licence = self.licence()?;
        call::target(&licence).map_err(blocked)?;
        match self.gate.shut(&licence.ireserve, Instant::now()) {
            Some(reason) => Err(blocked(reason)),
            None => Ok(()),
        }
    }
}

impl Outlet for IreserveOutlet {
    async fn aim(&self, claim: &Claim) -> Aim {
        match self.ready(claim) {
            Ok(()) => Aim::Step {
                step: Step::Change,
                look_from: claim.look_from,
            },
            Err(outcome) => Aim::End(Box::new(outcome)),
        }
    }

    /// Nothing is ever searched for there: a repeat is known by its id.
    async fn look(&self, _claim: &Claim) -> Found {
        Found::Absent
    }

    async fn post(&self, claim: &Claim) -> Outcome {
        let Sent { outcome, visitor } = self.send(claim).await;
        match (outcome, visitor, &claim.content) {
            (Outcome::Delivered { post: None }, Some(presence), Content::Reply(reply)) => {
                let returns = self.absences.note(&reply.conversation_id, presence);
                Outcome::Answered { presence, returns }
            }
            (outcome, ..) => outcome,
        }
    }

    /// Cards and marks stand in Mattermost, so none of them is this outlet's business.
    async fn show(&self, _touch: &Touch) -> Shown {
        Shown::Done
    }

    /// Whether a connection stands. Any answer counts, also a 404 or a 500: the question goes to the origin, because a webhook has no
    /// address that could be asked without posting something, and what the origin says of itself is nothing about the webhook. Where a
    /// connection stood at the last attempt there is nothing to ask at all. Whether the webhook takes replies again is found out by the
    /// head of one lane, while the others still wait.
    async fn probe(&self) -> Result<(), Reason> {
        if !self.gate.is_unreachable() {
            return Ok(());
        }
        let Ok(licence) = self.licence() else {
            return Ok(());
        };
        let Ok(url) = call::target(&licence) else {
            return Ok(());
        };
        let mut origin = url.clone();
        origin.set_path("/");
        origin.set_query(None);
        let asked = self
            .parts
            .client
            .open(Request::new(Method::HEAD, origin), PROBE)
            .await;
        match asked {
            Err(error) if error.is_unsent() => Err(Reason::new(error.to_string())),
            // Something is there, even if it does not like the question.
            Ok(_) | Err(_) => Ok(()),
        }
    }
}

fn reply(claim: &Claim) -> Result<&Reply, Outcome> {
    match &claim.content {
        Content::Reply(reply) => Ok(reply),
        Content::Event(_)
        | Content::Undelivered { .. }
        | Content::Away { .. }
        | Content::Placeholder { .. } => Err(Outcome::Refused(Reason::new(
            "only a reply leads to i-reserve",
        ))),
    }
}

const fn blocked(reason: Reason) -> Outcome {
    Outcome::Blocked {
        channel: None,
        reason,
    }
}

#[cfg(test)]
pub(super) mod tests;
