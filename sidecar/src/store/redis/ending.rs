//! How an attempt ends: brought over, tried again later, or parked.

use redis::Value;

use super::{
    Redis,
    accepting::event_args,
    claiming::{ours, post_args},
    keys,
    reply::{self, Reader},
    script::{Argument as _, Call, Script},
};
use crate::{
    record::{Card, Claim, Content, Doubt, NewEvent, Posted},
    store::{Delivered, Park, Retry, StoreError},
};

impl Redis {
    pub(in crate::store) async fn delivered(
        &self,
        claim: &Claim,
        end: &Delivered,
    ) -> Result<Option<Claim>, StoreError> {
        let post = end
            .post
            .as_ref()
            .filter(|post| claim.step.creates() && !is_root(claim, post));
        let partition = keys::partition_of(&claim.lane);
        let call = ours(Script::Delivered, claim)
            .arg(partition)
            .arg(self.remember_ms())
            .arg(keys::event(&claim.lane.licence, &claim.event))
            .arg(end.now)
            .arg(end.go_on)
            .arg(card_json(end.wanted.as_ref())?)
            .args(post_args(claim, post, end.now))
            .args(sequel_args(&end.sequels));
        let mut answer = self.end(call, claim).await?;
        let next = reply::claim_maybe(answer.value()?, claim.fence)?;
        self.ended(claim, answer, end.wanted.is_some(), &end.sequels)?;
        Ok(next)
    }

    pub(in crate::store) async fn retry(
        &self,
        claim: &Claim,
        retry: &Retry,
    ) -> Result<(), StoreError> {
        let doubt = match retry.doubt {
            Doubt::None => None,
            doubt => Some(doubt.name()),
        };
        let channel = retry.blocked.as_ref().and_then(Option::as_ref);
        let call = ours(Script::Retry, claim)
            .arg(retry.due)
            .arg(&*retry.reason)
            .arg(doubt)
            .arg(retry.refused)
            .arg(retry.first_started)
            .arg(retry.last_ended)
            .arg(retry.blocked.is_some())
            .arg(channel.map(shared::ChannelId::as_str));
        self.end(call, claim).await?;
        let queue = keys::queue(&claim.queue);
        let partition = keys::partition_of(&claim.lane);
        self.0.hints.due(&queue, partition, retry.due);
        Ok(())
    }

    pub(in crate::store) async fn park(
        &self,
        claim: &Claim,
        park: &Park,
    ) -> Result<(), StoreError> {
        let placeholder = park.placeholder.as_ref().map(Content::to_bytes);
        let call = ours(Script::Park, claim)
            .arg(keys::partition_of(&claim.lane))
            .arg(self.remember_ms())
            .arg(keys::event(&claim.lane.licence, &claim.event))
            .arg(park.now)
            .arg(&*park.reason)
            .arg(placeholder)
            .arg(card_json(park.wanted.as_ref())?)
            .args(sequel_args(&park.sequels));
        let answer = self.end(call, claim).await?;
        self.ended(claim, answer, park.wanted.is_some(), &park.sequels)
    }

    async fn end(&self, call: Call, claim: &Claim) -> Result<Reader, StoreError> {
        let answer: Value = self.0.link.call(call).await?;
        reply::outcome(answer, claim.fence, Some(&claim.event))
    }

    /// Notes in memory what an end has changed: when its lane is due, what waits, what is wanted.
    fn ended(
        &self,
        claim: &Claim,
        mut answer: Reader,
        wanted: bool,
        sequels: &[NewEvent],
    ) -> Result<(), StoreError> {
        let partition = keys::partition_of(&claim.lane);
        if let Some(due) = answer.time_maybe()? {
            let queue = keys::queue(&claim.queue);
            self.0.hints.due(&queue, partition, due);
        }
        self.counted(&claim.lane.licence, answer.parse()?);
        if wanted {
            self.0.hints.touched(partition);
        }
        for sequel in sequels {
            let due = sequel.hold_until.unwrap_or(sequel.accepted_at);
            let queue = keys::queue(&sequel.queue);
            self.0.hints.due(&queue, partition, due);
        }
        Ok(())
    }
}

/// `conversation.started` ends with the root that [`Redis::opened`] has recorded already.
fn is_root(claim: &Claim, post: &Posted) -> bool {
    let root = claim.mapping.as_ref();
    root.is_some_and(|mapping| mapping.root_id == post.post_id)
}

fn card_json(card: Option<&Card>) -> Result<Option<String>, StoreError> {
    card.map(serde_json::to_string)
        .transpose()
        .map_err(reply::damaged)
}

fn sequel_args(sequels: &[NewEvent]) -> Vec<Vec<u8>> {
    let count = std::iter::once(sequels.len().into_bytes());
    count
        .chain(sequels.iter().flat_map(|one| event_args(one, None)))
        .collect()
}
