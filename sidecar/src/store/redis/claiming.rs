//! Claiming the heads of due lanes, and the steps inside one attempt.

use std::sync::atomic::Ordering;

use redis::Value;
use shared::{PostId, Timestamp};

use super::{
    Redis, keys,
    reply::{self, Reader},
    script::{Call, Script},
};
use crate::{
    record::{Claim, Fence, Lane, Moment, Posted, Queue, Root, Step},
    store::{Claimed, StoreError},
};

impl Redis {
    pub(in crate::store) async fn claim(
        &self,
        fence: Fence,
        queue: &Queue,
        max: usize,
        now: Moment,
    ) -> Result<Claimed, StoreError> {
        self.check(fence).await?;
        self.ask().await?;
        let short = keys::queue(queue);
        let mut claims = Vec::new();
        while claims.len() < max {
            let left = max - claims.len();
            let partitions = self.0.hints.take_due(&short, now.steady, left);
            if partitions.is_empty() {
                break;
            }
            // Each gets a fair part; what a full one still has is hinted at again.
            let each = left / partitions.len();
            match self.claim_in(fence, &short, &partitions, each, now).await {
                Ok(found) => claims.extend(found),
                // What is claimed is claimed; the fault will show again.
                Err(error) if claims.is_empty() => return Err(error),
                Err(_) => break,
            }
        }
        Ok(Claimed {
            claims,
            next_due: self.0.hints.next_due(&short),
        })
    }

    async fn claim_in(
        &self,
        fence: Fence,
        queue: &str,
        partitions: &[u8],
        each: usize,
        now: Moment,
    ) -> Result<Vec<Claim>, StoreError> {
        let calls: Vec<Call> = partitions
            .iter()
            .map(|partition| {
                Call::new(Script::Claim, *partition)
                    .arg(fence.0)
                    .arg(queue)
                    .arg(each)
                    .arg(now.steady)
                    .arg(now.wall)
            })
            .collect();
        let answers = match self.0.link.run(&calls).await {
            Ok(answers) => answers,
            Err(error) => {
                // Some may have been claimed, and nobody will ever work those.
                self.0.lost_claims.store(true, Ordering::Release);
                self.hint_again(queue, partitions, now.steady);
                return Err(error);
            }
        };
        let (mut claims, mut fault) = (Vec::new(), None);
        for (partition, answer) in partitions.iter().zip(answers) {
            match answer.and_then(|value| reply::outcome(value, fence, None)) {
                Ok(mut answer) => {
                    if let Some(due) = answer.time_maybe()? {
                        self.0.hints.due(queue, *partition, due);
                    }
                    claims.extend(self.read_claims(answer.list()?, fence));
                }
                Err(error) => {
                    self.hint_again(queue, &[*partition], now.steady);
                    fault = Some(error);
                }
            }
        }
        match fault {
            Some(error) if claims.is_empty() => Err(error),
            _ => Ok(claims),
        }
    }

    /// One that cannot be read must not take the others along. Its lane stands still, and the log says why.
    fn read_claims(&self, values: Reader, fence: Fence) -> Vec<Claim> {
        let mut claims = Vec::new();
        for value in values.rest() {
            match reply::claim(value, fence) {
                Ok(claim) => claims.push(claim),
                Err(error) => tracing::error!(error = %error, "a lane cannot be worked: {error}"),
            }
        }
        claims
    }

    fn hint_again(&self, queue: &str, partitions: &[u8], now: Timestamp) {
        for partition in partitions {
            self.0.hints.due(queue, *partition, now);
        }
    }

    /// Claims are refused while the lanes are not all ours: with nothing due no script would say so.
    async fn check(&self, ours: Fence) -> Result<(), StoreError> {
        if self.0.taken.load(Ordering::Acquire) == ours.0 {
            return Ok(());
        }
        let own = format!("{}own", keys::prefix(0));
        let theirs = super::setting::one(&self.0.link, "HGET", &[&own, "fence"]).await?;
        let theirs = match theirs {
            Value::Nil => Fence(0),
            value => Fence(reply::number(value)?),
        };
        if theirs == ours {
            return Ok(());
        }
        Err(StoreError::Fenced { ours, theirs })
    }

    /// Asks the partitions of which something is not known.
    pub(super) async fn ask(&self) -> Result<(), StoreError> {
        let partitions = self.0.hints.to_ask();
        let calls: Vec<Call> = partitions
            .iter()
            .map(|partition| Call::new(Script::Peek, *partition))
            .collect();
        let asked = self.0.link.all(&calls).await;
        if asked.is_err() {
            partitions.iter().for_each(|one| self.0.hints.ask(*one));
        }
        for (partition, answer) in partitions.into_iter().zip(asked?) {
            let mut answer = Reader::new(answer)?;
            if answer.parse::<u64>()? > 0 {
                self.0.hints.touched(partition);
            }
            let mut queues = answer.list()?;
            while !queues.is_empty() {
                let queue = queues.text()?;
                self.0.hints.due(&queue, partition, queues.time()?);
            }
        }
        Ok(())
    }

    pub(in crate::store) async fn step(
        &self,
        claim: &Claim,
        step: Step,
        look_from: Option<Timestamp>,
        now: Timestamp,
    ) -> Result<Claim, StoreError> {
        let call = ours(Script::Step, claim)
            .arg(step.to_string())
            .arg(look_from)
            .arg(false)
            .arg(now);
        self.stepped(call, claim).await
    }

    pub(in crate::store) async fn renew(
        &self,
        claim: &Claim,
        now: Timestamp,
    ) -> Result<Claim, StoreError> {
        let call = ours(Script::Step, claim)
            .arg(claim.step.to_string())
            .arg(claim.look_from)
            .arg(true)
            .arg(now);
        self.stepped(call, claim).await
    }

    pub(in crate::store) async fn opened(
        &self,
        claim: &Claim,
        root: &Root,
        now: Timestamp,
    ) -> Result<Claim, StoreError> {
        let card = serde_json::to_string(&root.card).map_err(reply::damaged)?;
        let call = ours(Script::Opened, claim)
            .behind([lead_back(&claim.lane, &root.post_id)])
            .arg(claim.step.to_string())
            .arg(root.generation)
            .arg(root.post_id.as_str())
            .arg(root.channel_id.as_str())
            .arg(root.create_at)
            .arg(card)
            .arg(claim.event.as_str())
            .arg(keys::event(&claim.lane.licence, &claim.event))
            .arg(claim.kind == "conversation.started")
            .arg(now);
        let partition = keys::partition_of(&claim.lane);
        // A former root gets its link forward.
        self.0.hints.touched(partition);
        self.stepped(call, claim).await
    }

    pub(in crate::store) async fn part_done(
        &self,
        claim: &Claim,
        post: &Posted,
        next: Step,
        now: Timestamp,
    ) -> Result<Claim, StoreError> {
        let call = ours(Script::PartDone, claim)
            .behind(post_place(claim, Some(post)))
            .arg(claim.step.to_string())
            .arg(next.to_string())
            .arg(now)
            .args(post_args(claim, Some(post), now));
        self.stepped(call, claim).await
    }

    async fn stepped(&self, call: Call, claim: &Claim) -> Result<Claim, StoreError> {
        let answer = self.0.link.call(call).await?;
        let mut answer = reply::outcome(answer, claim.fence, Some(&claim.event))?;
        reply::claim(answer.value()?, claim.fence)
    }
}

/// The root leads to its conversation. Sent before the mapping, so that no mapping is without it; the root stands already, and its
/// mark is this conversation's.
pub(super) fn lead_back(lane: &Lane, root: &PostId) -> redis::Cmd {
    const YEAR: u64 = 365 * 24 * 3600;
    let mut set = redis::cmd("SET");
    set.arg(keys::root(root))
        .arg(format!("{}\n{}", lane.licence, lane.key))
        .arg("EX")
        .arg(YEAR);
    set
}

/// Where a known post lies. Sent before the post is known there.
pub(super) fn lies_in(partition: u8, name: &str, post: &PostId) -> redis::Cmd {
    const MONTH: u64 = 30 * 24 * 3600;
    let mut set = redis::cmd("SET");
    set.arg(keys::post(post))
        .arg(format!("{partition}:{name}"))
        .arg("EX")
        .arg(MONTH);
    set
}

/// The same for a post that an attempt has created, if it will be known.
pub(super) fn post_place(claim: &Claim, post: Option<&Posted>) -> Option<redis::Cmd> {
    let post = post.filter(|post| post.root_id.is_some() && matches!(claim.step, Step::Part(_)))?;
    let name = keys::name(&claim.lane.licence, &claim.lane.key);
    let partition = keys::partition_of(&claim.lane);
    Some(lies_in(partition, &name, &post.post_id))
}

/// A call about a claim, as `read_claim` in the prelude reads it.
pub(super) fn ours(script: Script, claim: &Claim) -> Call {
    Call::new(script, keys::partition_of(&claim.lane))
        .arg(claim.fence.0)
        .arg(keys::lane(&claim.lane))
        .arg(claim.seq)
        .arg(claim.attempts)
}

/// A post that stands, as `learn` in the prelude reads it. Only texts are known by their part: an edit must not take another post
/// for one.
pub(super) fn post_args(claim: &Claim, post: Option<&Posted>, now: Timestamp) -> Vec<Vec<u8>> {
    use super::script::Argument as _;
    let part = match claim.step {
        Step::Part(part) => Some(part),
        Step::Root(_) | Step::Withdrawn | Step::Parked | Step::Change => None,
    };
    vec![
        post.map(|post| post.post_id.as_str()).into_bytes(),
        post.map(|post| post.channel_id.as_str()).into_bytes(),
        post.and_then(|post| post.root_id.as_ref())
            .map(PostId::as_str)
            .into_bytes(),
        post.map(|post| post.create_at).into_bytes(),
        part.into_bytes(),
        keys::event(&claim.lane.licence, &claim.event).into_bytes(),
        now.into_bytes(),
    ]
}
