//! How an attempt ends: brought over, tried again later, or parked.

use rusqlite::Connection;
use shared::Timestamp;

use super::{
    Embedded,
    accept::append_sequel,
    claim::{begin, begun_after, check, is_current, is_placeholder, lane_of, learn},
    counters::Counters,
    files,
    rows::{self, LaneRow, seq_of},
    writer::{Haste, alone},
};
use crate::{
    record::{Card, Claim, Content, NewEvent, Step},
    store::{Delivered, Park, Retry, StoreError},
};

impl Embedded {
    pub(in crate::store) async fn delivered(
        &self,
        claim: &Claim,
        end: &Delivered,
    ) -> Result<Option<Claim>, StoreError> {
        let end = end.clone();
        let haste = match end.go_on {
            true => Haste::Now,
            false => self.haste(),
        };
        self.ending(
            haste,
            claim,
            move |connection, counters, claim, row, store| {
                if !is_current(connection, row, claim)? {
                    return match end.go_on {
                        true => begun_after(connection, row, claim),
                        false => Ok(None),
                    };
                }
                if let Some(post) = &end.post
                    && claim.step.creates()
                    && !is_root(claim, post)
                {
                    learn(connection, row, claim, post, end.now.wall)?;
                }
                if !is_placeholder(claim) {
                    complete(connection, row, claim, "delivered")?;
                }
                want(connection, row.name, end.wanted.as_ref())?;
                super::pulled::mark(connection, end.mark.as_ref())?;
                store.erase(connection, counters, claim)?;
                counters.remove(&row.lane.licence, row.lane.direction, 1);
                store.append_all(connection, counters, &end.sequels, end.now.wall)?;
                go_on(connection, claim, row, &end)
            },
        )
        .await
    }

    pub(in crate::store) async fn retry(
        &self,
        claim: &Claim,
        retry: &Retry,
    ) -> Result<(), StoreError> {
        let retry = retry.clone();
        let ended = self.within(claim, move |connection, claim, row| {
            let blocked = retry.blocked.as_ref();
            connection
                .prepare_cached(
                    "UPDATE event SET reason = ?2, doubt = ?3, refused = ?4, first_started = ?5, last_ended = ?6,
                         blocked_since = CASE WHEN ?7 THEN COALESCE(blocked_since, ?8) END, blocked_channel = ?9
                     WHERE seq = ?1",
                )?
                .execute((
                    seq_of(claim.seq),
                    &retry.reason,
                    retry.doubt.name(),
                    retry.refused,
                    retry.first_started.map(Timestamp::as_millis),
                    retry.last_ended.map(Timestamp::as_millis),
                    blocked.is_some(),
                    retry.last_ended.map(Timestamp::as_millis),
                    blocked.and_then(Option::as_ref).map(shared::ChannelId::as_str),
                ))?;
            connection
                .prepare_cached("UPDATE lane SET flying = 0, due = ?2 WHERE id = ?1")?
                .execute((row.id, retry.due.as_millis()))?;
            Ok(())
        });
        match ended.await {
            Err(StoreError::Ended { .. }) => Ok(()),
            other => other,
        }
    }

    pub(in crate::store) async fn park(
        &self,
        claim: &Claim,
        park: &Park,
    ) -> Result<(), StoreError> {
        let park = park.clone();
        self.ending(
            Haste::Now,
            claim,
            move |connection, counters, claim, row, store| {
                if !is_current(connection, row, claim)? {
                    return Ok(());
                }
                if is_placeholder(claim) {
                    // What only stands for something parked is not parked itself.
                    store.erase(connection, counters, claim)?;
                    counters.remove(&row.lane.licence, row.lane.direction, 1);
                } else {
                    set_aside(connection, claim, &park)?;
                    complete(connection, row, claim, "parked")?;
                    match &park.placeholder {
                        Some(content) => replace(connection, row, claim, content, &park)?,
                        None => counters.remove(&row.lane.licence, row.lane.direction, 1),
                    }
                }
                want(connection, row.name, park.wanted.as_ref())?;
                super::pulled::mark(connection, park.mark.as_ref())?;
                store.append_all(connection, counters, &park.sequels, park.now.wall)?;
                rest(connection, row, park.now.steady)
            },
        )
        .await
    }

    /// One effect that ends a claim and may change what waits.
    async fn ending<T: Send + 'static>(
        &self,
        haste: Haste,
        claim: &Claim,
        work: impl FnOnce(&Connection, &mut Counters, &Claim, &LaneRow, &Self) -> Result<T, StoreError>
        + Send
        + 'static,
    ) -> Result<T, StoreError> {
        let (claim, store) = (claim.clone(), self.clone());
        self.writer
            .run_with(haste, move |connection, counters| {
                let before = counters.clone();
                let ended = alone(connection, |connection| {
                    check(connection, claim.fence)?;
                    work(
                        connection,
                        counters,
                        &claim,
                        &lane_of(connection, &claim)?,
                        &store,
                    )
                });
                if ended.is_err() {
                    *counters = before;
                }
                ended
            })
            .await
    }

    fn append_all(
        &self,
        connection: &Connection,
        counters: &mut Counters,
        sequels: &[NewEvent],
        now: Timestamp,
    ) -> Result<(), StoreError> {
        for sequel in sequels {
            append_sequel(connection, counters, sequel, self.expires(now))?;
        }
        Ok(())
    }

    /// The payload goes; its files follow once the deletion is durable.
    fn erase(
        &self,
        connection: &Connection,
        counters: &mut Counters,
        claim: &Claim,
    ) -> Result<(), StoreError> {
        let names: Option<String> = connection
            .prepare_cached("DELETE FROM event WHERE seq = ?1 RETURNING files")?
            .query_row([seq_of(claim.seq)], |row| row.get(0))?;
        if let Some(names) = names {
            counters.erase(files::paths(&self.folder, &names));
        }
        Ok(())
    }
}

/// `conversation.started` ends with the root that [`Embedded::opened`] has recorded already.
fn is_root(claim: &Claim, post: &crate::record::Posted) -> bool {
    claim
        .mapping
        .as_ref()
        .is_some_and(|mapping| mapping.root_id == post.post_id)
}

fn complete(
    connection: &Connection,
    row: &LaneRow,
    claim: &Claim,
    state: &str,
) -> Result<(), StoreError> {
    connection
        .prepare_cached(
            "UPDATE dedup SET state = ?3, attempts = ?4 WHERE licence = ?1 AND event_id = ?2",
        )?
        .execute((
            row.lane.licence.as_str(),
            claim.event.as_str(),
            state,
            claim.attempts,
        ))?;
    Ok(())
}

/// What the card shall show; nothing happens where it shows that already.
pub(super) fn want(
    connection: &Connection,
    name: i64,
    card: Option<&Card>,
) -> Result<(), StoreError> {
    let Some(card) = card else { return Ok(()) };
    let json = serde_json::to_string(card).map_err(rows::damaged)?;
    connection
        .prepare_cached(
            "UPDATE conversation SET card = ?2, card_version = card_version + 1 WHERE name = ?1 AND card IS NOT ?2",
        )?
        .execute((name, json))?;
    Ok(())
}

fn go_on(
    connection: &Connection,
    claim: &Claim,
    row: &LaneRow,
    end: &Delivered,
) -> Result<Option<Claim>, StoreError> {
    rest(connection, row, end.now.steady)?;
    if !end.go_on {
        return Ok(None);
    }
    let due: Option<i64> = connection
        .prepare_cached("SELECT due FROM lane WHERE id = ?1")?
        .query_row([row.id], |found| found.get(0))?;
    match due {
        Some(due) if due <= end.now.steady.as_millis() => {
            let after = Some(seq_of(claim.seq));
            begin(connection, claim.fence, row.id, after, end.now)
        }
        _ => Ok(None),
    }
}

/// The lane is nobody's now; due again as soon as its next event may leave.
pub(super) fn rest(
    connection: &Connection,
    row: &LaneRow,
    now: Timestamp,
) -> Result<(), StoreError> {
    connection
        .prepare_cached(
            "UPDATE lane SET flying = 0, head = NULL,
                 due = (SELECT MAX(COALESCE(hold_until, 0), ?2) FROM event
                        WHERE lane = ?1 AND parked_at IS NULL ORDER BY seq LIMIT 1)
             WHERE id = ?1",
        )?
        .execute((row.id, now.as_millis()))?;
    Ok(())
}

fn set_aside(connection: &Connection, claim: &Claim, park: &Park) -> Result<(), StoreError> {
    connection
        .prepare_cached(
            "UPDATE event SET parked_at = ?2, reason = ?3, doubt = 'none', refused = 0, first_started = NULL,
                 last_ended = NULL, blocked_since = NULL, blocked_channel = NULL
             WHERE seq = ?1",
        )?
        .execute((seq_of(claim.seq), park.now.wall.as_millis(), &park.reason))?;
    Ok(())
}

/// The placeholder stands where the parked event stood.
fn replace(
    connection: &Connection,
    row: &LaneRow,
    claim: &Claim,
    content: &Content,
    park: &Park,
) -> Result<(), StoreError> {
    connection
        .prepare_cached(
            "INSERT OR IGNORE INTO event (seq, lane, event_id, kind, payload, accepted_at, step)
             VALUES (?1, ?2, ?3, 'placeholder', ?4, ?5, ?6)",
        )?
        .execute((
            seq_of(claim.seq) + 1,
            row.id,
            claim.event.as_str(),
            content.to_bytes(),
            park.now.wall.as_millis(),
            Step::Parked.to_string(),
        ))?;
    Ok(())
}
