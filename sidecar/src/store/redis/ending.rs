//! How an attempt ends: brought over, tried again later, or parked.

use redis::Value;
use shared::PostId;

use super::{
    Redis,
    accepting::event_args,
    claiming::{ours, post_args, post_place},
    keys,
    reply::{self, Reader},
    script::{Argument as _, Call, Script},
};
use crate::{
    record::{Card, Claim, Content, Doubt, NewEvent, Posted, ReplyMark},
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
            .behind(post_place(claim, post))
            .behind(end.sequels.iter().map(|one| self.note(one)))
            .arg(partition)
            .arg(self.remember_ms())
            .arg(keys::event(&claim.lane.licence, &claim.event))
            .arg(end.now.steady)
            .arg(end.now.wall)
            .arg(end.go_on)
            .arg(card_json(end.wanted.as_ref())?)
            .args(mark_args(end.mark.as_ref()))
            .args(post_args(claim, post, end.now.wall))
            .args(sequel_args(&end.sequels));
        let mut answer = self.end(call, claim).await?;
        let next = reply::claim_maybe(answer.value()?, claim.fence)?;
        let touched = end.wanted.is_some() || end.mark.is_some();
        self.ended(claim, answer, touched, &end.sequels)?;
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
            .behind(park.sequels.iter().map(|one| self.note(one)))
            .arg(keys::partition_of(&claim.lane))
            .arg(self.remember_ms())
            .arg(keys::event(&claim.lane.licence, &claim.event))
            .arg(park.now.steady)
            .arg(park.now.wall)
            .arg(&*park.reason)
            .arg(placeholder)
            .arg(card_json(park.wanted.as_ref())?)
            .args(mark_args(park.mark.as_ref()))
            .args(sequel_args(&park.sequels));
        let answer = self.end(call, claim).await?;
        let touched = park.wanted.is_some() || park.mark.is_some();
        self.ended(claim, answer, touched, &park.sequels)
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
        touched: bool,
        sequels: &[NewEvent],
    ) -> Result<(), StoreError> {
        let partition = keys::partition_of(&claim.lane);
        if let Some(due) = answer.time_maybe()? {
            let queue = keys::queue(&claim.queue);
            self.0.hints.due(&queue, partition, due);
        }
        self.counted(&claim.lane.licence, answer.parse()?);
        if touched {
            self.0.hints.touched(partition);
        }
        if !sequels.is_empty() {
            self.0.hints.ask(partition);
        }
        Ok(())
    }
}

/// `conversation.started` ends with the root that [`Redis::opened`] has recorded already.
fn is_root(claim: &Claim, post: &Posted) -> bool {
    let root = claim.mapping.as_ref();
    root.is_some_and(|mapping| mapping.root_id == post.post_id)
}

pub(super) fn card_json(card: Option<&Card>) -> Result<Option<String>, StoreError> {
    card.map(serde_json::to_string)
        .transpose()
        .map_err(reply::damaged)
}

fn mark_args(mark: Option<&(PostId, ReplyMark)>) -> [Vec<u8>; 2] {
    [
        mark.map(|(post, _)| post.as_str()).into_bytes(),
        mark.map(|(_, mark)| mark.emoji()).into_bytes(),
    ]
}

fn sequel_args(sequels: &[NewEvent]) -> Vec<Vec<u8>> {
    let count = std::iter::once(sequels.len().into_bytes());
    count
        .chain(sequels.iter().flat_map(|one| event_args(one, None)))
        .collect()
}
