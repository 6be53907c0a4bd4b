//! Parked events: listed, put back, dropped, forgotten; and the cards that do not show yet what they should.

use std::time::Duration;

use redis::Value;
use shared::{PostId, Timestamp};

use super::{
    Redis, keys,
    reply::{self, Reader},
    script::{Argument as _, Call, Script},
};
use crate::{
    record::{LaneKey, Moment, Parked, ReplyMark, Selection, Touch},
    store::{ParkedPage, StoreError},
};

/// So many are put back or dropped by one script, which holds the server up while it runs.
const BITE: usize = 200;
/// Parked events are kept so long for people to decide.
const KEPT: Duration = Duration::from_secs(90 * 24 * 3600);
/// Roots are forgotten after so long without activity, as their mappings are.
const SILENT: Duration = Duration::from_secs(365 * 24 * 3600);

impl Redis {
    pub(in crate::store) async fn parked(
        &self,
        selection: &Selection,
        after: Option<u64>,
        limit: usize,
    ) -> Result<ParkedPage, StoreError> {
        let calls: Vec<Call> = partitions(selection)
            .map(|partition| {
                let call = Call::new(Script::Parked, partition);
                call.args(chosen(selection, partition, after, limit))
            })
            .collect();
        let mut items = Vec::new();
        for answer in self.0.link.all(&calls).await? {
            for row in Reader::new(answer)?.rest() {
                items.push(parked(Reader::new(row)?)?);
            }
        }
        items.sort_by_key(|one| one.failed_id);
        items.truncate(limit);
        let next = match items.len() == limit {
            true => items.last().map(|last| last.failed_id),
            false => None,
        };
        Ok(ParkedPage { items, next })
    }

    pub(in crate::store) async fn replay(
        &self,
        selection: &Selection,
        now: Moment,
    ) -> Result<u64, StoreError> {
        let replayed = self
            .each(selection, |partition| {
                Call::new(Script::Replay, partition)
                    .arg(partition)
                    .arg(&*self.0.name.incarnation)
                    .arg(now.steady)
                    .arg(now.wall)
            })
            .await;
        self.count_anew();
        replayed
    }

    pub(in crate::store) async fn drop_parked(
        &self,
        selection: &Selection,
    ) -> Result<u64, StoreError> {
        self.each(selection, |partition| {
            Call::new(Script::Drop, partition).arg(self.remember_ms())
        })
        .await
    }

    /// One effect over all selected parked events, in bites. If one fails, a repeat does what is left.
    async fn each(
        &self,
        selection: &Selection,
        call: impl Fn(u8) -> Call,
    ) -> Result<u64, StoreError> {
        let mut sum = 0;
        let mut left: Vec<u8> = partitions(selection).collect();
        while !left.is_empty() {
            let calls: Vec<Call> = left
                .iter()
                .map(|partition| call(*partition).args(chosen(selection, *partition, None, BITE)))
                .collect();
            let mut full = Vec::new();
            for (partition, answer) in left.into_iter().zip(self.0.link.all(&calls).await?) {
                let done = reply::number(answer)?;
                sum += done;
                if done > 0 {
                    self.0.hints.ask(partition);
                }
                if done >= BITE as u64 {
                    full.push(partition);
                }
            }
            left = full;
        }
        Ok(sum)
    }

    /// Dedup marks, mappings, known posts and orphaned files end by themselves.
    pub(in crate::store) async fn purge(
        &self,
        max: usize,
        now: Timestamp,
    ) -> Result<u64, StoreError> {
        let calls: Vec<Call> = (0..keys::PARTITIONS)
            .map(|partition| {
                Call::new(Script::Purge, partition)
                    .arg(max)
                    .arg(now - KEPT)
                    .arg(now - SILENT)
            })
            .collect();
        let gone = self.0.link.all(&calls).await?.into_iter();
        gone.map(reply::number).sum()
    }

    pub(in crate::store) async fn wanted(&self, max: usize) -> Result<Vec<Touch>, StoreError> {
        let partitions = self.0.hints.take_touched();
        let mut touches = Vec::new();
        for (at, partition) in partitions.iter().enumerate() {
            if touches.len() >= max {
                partitions[at..]
                    .iter()
                    .for_each(|one| self.0.hints.touched(*one));
                break;
            }
            let call = Call::new(Script::Wanted, *partition).arg(max - touches.len());
            let answer = self.0.link.call(call).await;
            if answer.is_err() {
                partitions[at..]
                    .iter()
                    .for_each(|one| self.0.hints.touched(*one));
            }
            for row in Reader::new(answer?)?.rest() {
                // They are wanted until they are shown.
                self.0.hints.touched(*partition);
                touches.extend(touch(Reader::new(row)?)?);
            }
        }
        Ok(touches)
    }

    pub(in crate::store) async fn shown(&self, touch: &Touch) -> Result<(), StoreError> {
        let (licence, conversation, root, version, continues_in) = match touch {
            Touch::Card {
                licence,
                conversation,
                root,
                version,
                continues_in,
                ..
            } => (licence, conversation, root, version, continues_in),
            Touch::Mark { post, wanted, .. } => return self.marked(post, *wanted).await,
        };
        let key = LaneKey::Conversation(conversation.clone());
        let call = Call::new(Script::Shown, crate::record::partition(licence, &key))
            .arg(keys::name(licence, &key))
            .arg(root.root_id.as_str())
            .arg(*version)
            .arg(continues_in.is_some());
        self.0.link.call(call).await.map(|_| ())
    }
}

impl Redis {
    async fn marked(&self, post: &PostId, mark: Option<ReplyMark>) -> Result<(), StoreError> {
        let Some((partition, name)) = self.place_of(post).await? else {
            return Ok(());
        };
        let call = Call::new(Script::Marked, partition)
            .arg(name)
            .arg(post.as_str())
            .arg(mark.map(ReplyMark::emoji));
        self.0.link.call(call).await.map(|_| ())
    }
}

/// Where selected events can lie.
fn partitions(selection: &Selection) -> impl Iterator<Item = u8> + use<> {
    let only = match (&selection.licence, &selection.conversation_id) {
        (Some(licence), Some(conversation)) => {
            let key = LaneKey::Conversation(conversation.clone());
            Some(crate::record::partition(licence, &key))
        }
        _ => None,
    };
    let ids = selection.failed_ids.clone();
    (0..keys::PARTITIONS).filter(move |partition| {
        let here = |seq: &u64| keys::partition_of_seq(*seq) == *partition;
        only.is_none_or(|only| only == *partition)
            && ids.as_ref().is_none_or(|ids| ids.iter().any(here))
    })
}

/// A selection in one partition, as `select_parked` in the prelude reads it. Without ids their count is -1.
fn chosen(selection: &Selection, partition: u8, after: Option<u64>, limit: usize) -> Vec<Vec<u8>> {
    let key = selection.conversation_id.as_ref();
    let mut ids: Vec<u64> = selection.failed_ids.iter().flatten().copied().collect();
    ids.retain(|seq| keys::partition_of_seq(*seq) == partition);
    ids.sort_unstable();
    ids.dedup();
    let count = match selection.failed_ids {
        Some(_) => i64::try_from(ids.len()).unwrap_or(i64::MAX),
        None => -1,
    };
    let mut args = vec![
        after.unwrap_or(0).into_bytes(),
        limit.into_bytes(),
        selection
            .licence
            .as_ref()
            .map(shared::LicenceId::as_str)
            .into_bytes(),
        selection.direction.map(|one| one.name()).into_bytes(),
        key.map(|id| format!("c:{id}")).into_bytes(),
        count.into_bytes(),
    ];
    args.extend(ids.into_iter().map(u64::into_bytes));
    args
}

fn parked(mut row: Reader) -> Result<Parked, StoreError> {
    let failed_id = row.parse()?;
    let licence = row.parse()?;
    let key: LaneKey = row.parse()?;
    Ok(Parked {
        failed_id,
        licence,
        direction: row.direction()?,
        conversation_id: key.conversation().cloned(),
        event_id: row.parse()?,
        kind: row.text()?,
        reason: row.text()?,
        attempts: row.parse()?,
        accepted_at: row.time()?,
        parked_at: row.time()?,
    })
}

fn touch(mut row: Reader) -> Result<Option<Touch>, StoreError> {
    if row.text()? == "m" {
        let post = row.parse()?;
        let mark = |name: Option<String>| name.as_deref().and_then(ReplyMark::from_emoji);
        let (wanted, shown) = (mark(row.maybe()?), mark(row.maybe()?));
        return Ok(Some(Touch::Mark {
            post,
            wanted,
            shown,
        }));
    }
    let licence = row.parse()?;
    let conversation = reply::conversation_id(&row.text()?)?;
    let version = row.parse()?;
    let continues_in = row.parse_maybe()?;
    let root = [
        row.text()?,
        row.text()?,
        row.text()?,
        row.text()?,
        row.text()?,
        row.text()?,
    ];
    let card: Box<_> = serde_json::from_slice(&reply::bytes(row.value().unwrap_or(Value::Nil))?)
        .map_err(reply::damaged)?;
    Ok(reply::mapping(root)?.map(|root| Touch::Card {
        licence,
        conversation,
        root,
        card,
        version,
        continues_in,
    }))
}
