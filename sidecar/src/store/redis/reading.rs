//! Questions that change nothing, and the small things that are kept.

use std::{
    collections::{BTreeMap, HashMap},
    sync::PoisonError,
    time::Duration,
};

use redis::{Pipeline, Value};
use shared::{ChannelId, ConversationId, EventId, LicenceId, PostId, Timestamp};
use tokio::time::Instant;

use super::{
    Redis, keys,
    reply::{self, Reader},
    script::{Call, Script},
    setting,
};
use crate::{
    record::{Blocked, LaneKey, Mapping, Totals, partition},
    store::{Health, StoreError},
};

/// How long a count is good enough for back-pressure. What this process does itself is added at once.
const COUNTED: Duration = Duration::from_secs(1);

/// How many events wait, of each licence in both directions.
#[derive(Debug)]
pub(super) struct Counts {
    at: Instant,
    waiting: HashMap<LicenceId, u64>,
}

impl Counts {
    fn of(&self, licence: &LicenceId) -> (u64, u64) {
        let own = self.waiting.get(licence).copied().unwrap_or_default();
        (own, self.waiting.values().sum())
    }
}

impl Redis {
    pub(in crate::store) async fn status(
        &self,
        licence: &LicenceId,
        event: &EventId,
    ) -> Result<Option<crate::record::Status>, StoreError> {
        let id = keys::event(licence, event);
        let place = setting::one(&self.0.link, "GET", &[&keys::index(&id)]).await?;
        let place = reply::text(place)?;
        let Some((partition, _)) = place.split_once(':') else {
            return Ok(None);
        };
        let call = Call::new(Script::Status, reply::parse(partition)?).arg(id);
        reply::status(self.0.link.call(call).await?, event)
    }

    /// One line for each cause, since it began.
    pub(in crate::store) async fn blocked(&self) -> Result<Vec<Blocked>, StoreError> {
        const MOST: usize = 1000;
        let mut pipeline = Pipeline::new();
        for partition in 0..keys::PARTITIONS {
            let key = format!("{}blocked", keys::prefix(partition));
            pipeline.cmd("HVALS").arg(key);
        }
        let mut causes: BTreeMap<[String; 3], i64> = BTreeMap::new();
        for answer in self.0.link.query(&pipeline).await? {
            let mut lanes = Reader::new(answer)?;
            while !lanes.is_empty() {
                let [licence, channel, reason, since]: [String; 4] =
                    serde_json::from_str(&lanes.text()?).map_err(reply::damaged)?;
                let since = reply::parse(&since)?;
                let first = causes.entry([licence, channel, reason]).or_insert(since);
                *first = since.min(*first);
            }
        }
        let mut blocked = causes
            .into_iter()
            .map(|([licence, channel, reason], since)| {
                Ok(Blocked {
                    licence: reply::parse(&licence)?,
                    channel_id: match channel.is_empty() {
                        true => None,
                        false => Some(reply::parse::<ChannelId>(&channel)?),
                    },
                    reason,
                    since: Timestamp::from_millis(since),
                })
            })
            .collect::<Result<Vec<_>, StoreError>>()?;
        blocked.sort_by_key(|one| one.since);
        blocked.truncate(MOST);
        Ok(blocked)
    }

    pub(in crate::store) async fn totals(&self) -> Result<Vec<Totals>, StoreError> {
        let calls: Vec<Call> = (0..keys::PARTITIONS)
            .map(|partition| Call::new(Script::Totals, partition))
            .collect();
        let mut sums = BTreeMap::new();
        for answer in self.0.link.all(&calls).await? {
            for row in Reader::new(answer)?.rest() {
                let mut row = Reader::new(row)?;
                let (licence, direction) = reply::share(&row.text()?)?;
                let key = (licence.clone(), direction);
                let sum: &mut Totals = sums.entry(key).or_insert_with(|| Totals {
                    licence,
                    direction,
                    waiting: 0,
                    parked: 0,
                    oldest_accepted_at: None,
                });
                sum.waiting += row.parse::<u64>()?;
                sum.parked += row.parse::<u64>()?;
                let oldest = [sum.oldest_accepted_at, row.time_maybe()?];
                sum.oldest_accepted_at = oldest.into_iter().flatten().min();
            }
        }
        Ok(sums.into_values().collect())
    }

    pub(in crate::store) async fn waiting(
        &self,
        licence: &LicenceId,
    ) -> Result<(u64, u64), StoreError> {
        if let Some(counts) = &*self.counts()
            && counts.at.elapsed() < COUNTED
        {
            return Ok(counts.of(licence));
        }
        let at = Instant::now();
        let mut waiting = HashMap::new();
        for total in self.totals().await? {
            *waiting.entry(total.licence).or_default() += total.waiting;
        }
        let counts = Counts { at, waiting };
        let found = counts.of(licence);
        *self.counts() = Some(counts);
        Ok(found)
    }

    /// So many more wait, or fewer.
    pub(super) fn counted(&self, licence: &LicenceId, more: i64) {
        if let Some(counts) = &mut *self.counts() {
            let own = counts.waiting.entry(licence.clone()).or_default();
            *own = own.saturating_add_signed(more);
        }
    }

    pub(super) fn count_anew(&self) {
        *self.counts() = None;
    }

    fn counts(&self) -> std::sync::MutexGuard<'_, Option<Counts>> {
        self.0.counts.lock().unwrap_or_else(PoisonError::into_inner)
    }

    pub(in crate::store) async fn mapping_of(
        &self,
        licence: &LicenceId,
        conversation: &ConversationId,
    ) -> Result<Option<Mapping>, StoreError> {
        let key = LaneKey::Conversation(conversation.clone());
        let name = keys::name(licence, &key);
        let thread = keys::conversation(partition(licence, &key), &name);
        let fields = ["generation", "root", "channel", "event", "replies", "last"];
        let args: Vec<&str> = std::iter::once(&*thread).chain(fields).collect();
        let mut found = Reader::new(setting::one(&self.0.link, "HMGET", &args).await?)?;
        let mut texts = <[String; 6]>::default();
        for text in &mut texts {
            *text = found.text()?;
        }
        reply::mapping(texts)
    }

    pub(in crate::store) async fn conversation_of(
        &self,
        root: &PostId,
    ) -> Result<Option<(LicenceId, ConversationId)>, StoreError> {
        let found = setting::one(&self.0.link, "GET", &[&keys::root(root)]).await?;
        let found = reply::text(found)?;
        let Some((licence, key)) = found.split_once('\n') else {
            return Ok(None);
        };
        Ok(Some((reply::parse(licence)?, reply::conversation_id(key)?)))
    }

    pub(in crate::store) async fn keep(
        &self,
        name: &str,
        value: &str,
        before: Option<&str>,
    ) -> Result<bool, StoreError> {
        let call = Call::on(Script::Keep, keys::KEPT.into())
            .arg(name)
            .arg(value)
            .arg(before.is_some())
            .arg(before);
        Ok(reply::number(self.0.link.call(call).await?)? == 1)
    }

    pub(in crate::store) async fn kept(&self, name: &str) -> Result<Option<String>, StoreError> {
        match setting::one(&self.0.link, "HGET", &[keys::KEPT, name]).await? {
            Value::Nil => Ok(None),
            value => reply::text(value).map(Some),
        }
    }

    /// The server makes itself small.
    pub(in crate::store) async fn idle(&self) -> Result<(), StoreError> {
        Ok(())
    }

    /// Everything is durable already, and the lanes were given back by [`Redis::release`].
    pub(in crate::store) async fn stop(&self) -> Result<(), StoreError> {
        Ok(())
    }

    /// A server that fails comes back, or another takes its place: there is nothing to restart for.
    pub(in crate::store) async fn broken(&self) -> String {
        std::future::pending().await
    }

    /// Free is what the server may still use, where it has a limit: beyond it every write is refused.
    pub(in crate::store) async fn health(&self) -> Result<Health, StoreError> {
        let info = setting::one(&self.0.link, "INFO", &["memory"]).await?;
        let info = reply::text(info)?;
        let number = |name| setting::field(&info, name).and_then(|value| value.parse::<u64>().ok());
        let used = number("used_memory").unwrap_or_default();
        let limit = number("maxmemory").filter(|limit| *limit > 0);
        Ok(Health {
            kind: "redis",
            ok: true,
            bytes: used,
            free_bytes: limit.map(|limit| limit.saturating_sub(used)),
            reserve_bytes: limit.map_or(0, |limit| (limit / 20).min(1 << 30)),
        })
    }
}
