//! Leasing the lanes, claiming their heads, and the steps inside one attempt.

use std::sync::atomic::Ordering;

use rusqlite::{Connection, OptionalExtension as _};
use shared::Timestamp;

use super::{
    Embedded,
    rows::{self, LaneRow, seq_of},
    writer::{Haste, alone},
};
use crate::{
    record::{Claim, Fence, Moment, Posted, Queue, Root, Step},
    store::{Claimed, Lease, StoreError},
};

impl Embedded {
    /// One process, so the lanes are its own until it ends. Everything in flight before is doubtful now.
    pub(in crate::store) async fn lease(&self, now: Timestamp) -> Result<Lease, StoreError> {
        self.writer
            .run(move |connection, _| {
                alone(connection, |connection| {
                    take_over(connection, now)?;
                    let fence = fence(connection)?.0 + 1;
                    connection.execute(
                        "INSERT OR REPLACE INTO meta (key, value) VALUES ('fence', ?1)",
                        [seq_of(fence)],
                    )?;
                    Ok(Lease::Held {
                        fence: Fence(fence),
                        life: None,
                    })
                })
            })
            .await
    }

    pub(in crate::store) async fn release(&self, ours: Fence) -> Result<(), StoreError> {
        self.writer
            .run(move |connection, _| alone(connection, |connection| check(connection, ours)))
            .await
    }

    pub(in crate::store) async fn claim(
        &self,
        ours: Fence,
        queue: &Queue,
        max: usize,
        now: Moment,
    ) -> Result<Claimed, StoreError> {
        let queue = queue.to_string();
        let claimed = self
            .writer
            .run_with(self.haste(), move |connection, counters| {
                counters.asked(now.steady.as_millis());
                alone(connection, |connection| {
                    check(connection, ours)?;
                    let due = due(connection, &queue, max, now.steady)?;
                    let claims = due
                        .into_iter()
                        .map(|lane| begin(connection, ours, lane, None, now))
                        .collect::<Result<Vec<_>, _>>()?;
                    Ok(Claimed {
                        claims: claims.into_iter().flatten().collect(),
                        next_due: next_due(connection, &queue)?,
                    })
                })
            })
            .await?;
        let crowded = claimed.claims.len() == max;
        self.crowded.store(crowded, Ordering::Relaxed);
        Ok(claimed)
    }

    /// More lanes were due than could be claimed: whoever comes next finds work without hurry.
    pub(super) fn haste(&self) -> Haste {
        match self.crowded.load(Ordering::Relaxed) {
            true => Haste::CanWait,
            false => Haste::Now,
        }
    }

    pub(in crate::store) async fn step(
        &self,
        claim: &Claim,
        step: Step,
        look_from: Option<Timestamp>,
        now: Timestamp,
    ) -> Result<Claim, StoreError> {
        self.within(claim, move |connection, claim, row| {
            connection
                .prepare_cached(
                    // Another step is another post, so nothing of it is in doubt yet.
                    "UPDATE event SET look_from = ?3,
                         first_started = CASE WHEN step = ?2 THEN COALESCE(first_started, ?4) ELSE ?4 END,
                         doubt = CASE WHEN step = ?2 THEN doubt ELSE 'none' END,
                         last_ended = CASE WHEN step = ?2 THEN last_ended END,
                         step = ?2
                     WHERE seq = ?1",
                )?
                .execute((
                    seq_of(claim.seq),
                    step.to_string(),
                    look_from.map(Timestamp::as_millis),
                    now.as_millis(),
                ))?;
            rows::claim(connection, claim.fence, row, seq_of(claim.seq))
        })
        .await
    }

    pub(in crate::store) async fn renew(
        &self,
        claim: &Claim,
        now: Timestamp,
    ) -> Result<Claim, StoreError> {
        self.within(claim, move |connection, claim, row| {
            note_next(connection, claim, claim.step, claim.look_from, now)?;
            rows::claim(connection, claim.fence, row, seq_of(claim.seq))
        })
        .await
    }

    pub(in crate::store) async fn opened(
        &self,
        claim: &Claim,
        root: &Root,
        now: Timestamp,
    ) -> Result<Claim, StoreError> {
        let root = root.clone();
        self.within(claim, move |connection, claim, row| {
            if !is_noted(connection, claim)? {
                return rows::claim(connection, claim.fence, row, seq_of(claim.seq));
            }
            retire(connection, row.name, root.generation)?;
            map(connection, row.name, claim, &root, now)?;
            super::threads::open(connection, row.name, &root, now)?;
            if is_placeholder(claim) {
                note_next(connection, claim, Step::Parked, None, now)?;
            } else {
                place_root(connection, row, claim, &root)?;
                note_next(connection, claim, Step::Part(0), None, now)?;
            }
            rows::claim(connection, claim.fence, row, seq_of(claim.seq))
        })
        .await
    }

    pub(in crate::store) async fn part_done(
        &self,
        claim: &Claim,
        post: &Posted,
        next: Step,
        now: Timestamp,
    ) -> Result<Claim, StoreError> {
        let post = post.clone();
        self.within(claim, move |connection, claim, row| {
            if !is_noted(connection, claim)? {
                return rows::claim(connection, claim.fence, row, seq_of(claim.seq));
            }
            learn(connection, row, claim, &post, now)?;
            note_next(connection, claim, next, None, now)?;
            rows::claim(connection, claim.fence, row, seq_of(claim.seq))
        })
        .await
    }

    /// One effect of the holder of a claim, while that is the attempt in flight.
    pub(super) async fn within<T: Send + 'static>(
        &self,
        claim: &Claim,
        work: impl FnOnce(&Connection, &Claim, &LaneRow) -> Result<T, StoreError> + Send + 'static,
    ) -> Result<T, StoreError> {
        let claim = claim.clone();
        self.writer
            .run(move |connection, _| {
                alone(connection, |connection| {
                    check(connection, claim.fence)?;
                    let row = lane_of(connection, &claim)?;
                    if !is_current(connection, &row, &claim)? {
                        return Err(StoreError::Ended { event: claim.event });
                    }
                    work(connection, &claim, &row)
                })
            })
            .await
    }
}

/// A stale fence changes nothing.
pub(super) fn check(connection: &Connection, ours: Fence) -> Result<(), StoreError> {
    let theirs = fence(connection)?;
    if ours == theirs {
        Ok(())
    } else {
        Err(StoreError::Fenced { ours, theirs })
    }
}

fn fence(connection: &Connection) -> Result<Fence, StoreError> {
    let fence: Option<i64> = connection
        .prepare_cached("SELECT value FROM meta WHERE key = 'fence'")?
        .query_row([], |row| row.get(0))
        .optional()?;
    Ok(Fence(
        u64::try_from(fence.unwrap_or_default()).unwrap_or_default(),
    ))
}

pub(super) fn lane_of(connection: &Connection, claim: &Claim) -> Result<LaneRow, StoreError> {
    let id = rows::lane_id(connection, &claim.lane)?;
    rows::lane_row(
        connection,
        id.ok_or_else(|| StoreError::Damaged(format!("lane {} is gone", claim.lane)))?,
    )
}

/// Whether the attempt of this claim is the one in flight. It no longer is once an operation has ended it; then a repeat of that
/// operation must not touch what began since.
pub(super) fn is_current(
    connection: &Connection,
    row: &LaneRow,
    claim: &Claim,
) -> Result<bool, StoreError> {
    Ok(connection
        .prepare_cached(
            "SELECT 1 FROM lane JOIN event ON event.seq = lane.head
             WHERE lane.id = ?1 AND lane.flying = 1 AND lane.head = ?2 AND event.attempts = ?3",
        )?
        .exists((row.id, seq_of(claim.seq), claim.attempts))?)
}

/// Whether the step of this claim is still the noted one. If not, the operation that ends it is being repeated.
fn is_noted(connection: &Connection, claim: &Claim) -> Result<bool, StoreError> {
    Ok(connection
        .prepare_cached("SELECT 1 FROM event WHERE seq = ?1 AND step = ?2")?
        .exists((seq_of(claim.seq), claim.step.to_string()))?)
}

/// The claim that the end of this one has begun, if that is what is in flight.
pub(super) fn begun_after(
    connection: &Connection,
    row: &LaneRow,
    claim: &Claim,
) -> Result<Option<Claim>, StoreError> {
    let seq: Option<i64> = connection
        .prepare_cached("SELECT head FROM lane WHERE id = ?1 AND flying = 1 AND after = ?2")?
        .query_row((row.id, seq_of(claim.seq)), |found| found.get(0))
        .optional()?;
    seq.map(|seq| rows::claim(connection, claim.fence, row, seq))
        .transpose()
}

/// Whatever was being tried may have happened. What creates nothing is simply tried again.
fn take_over(connection: &Connection, now: Timestamp) -> Result<(), StoreError> {
    connection.execute(
        "UPDATE event SET doubt = CASE WHEN step = 'change' THEN 'none' ELSE 'open' END, last_ended = ?1
         WHERE seq IN (SELECT head FROM lane WHERE flying = 1)",
        [now.as_millis()],
    )?;
    // Doubtful heads come first.
    connection.execute("UPDATE lane SET flying = 0, due = 0 WHERE flying = 1", [])?;
    Ok(())
}

fn due(
    connection: &Connection,
    queue: &str,
    max: usize,
    now: Timestamp,
) -> Result<Vec<i64>, StoreError> {
    let mut query = connection.prepare_cached(
        "SELECT id FROM lane WHERE queue = ?1 AND flying = 0 AND due <= ?2 ORDER BY due LIMIT ?3",
    )?;
    let rows = query.query_map(
        (
            queue,
            now.as_millis(),
            i64::try_from(max).unwrap_or(i64::MAX),
        ),
        |row| row.get(0),
    )?;
    Ok(rows.collect::<Result<_, _>>()?)
}

fn next_due(connection: &Connection, queue: &str) -> Result<Option<Timestamp>, StoreError> {
    let due: Option<i64> = connection
        .prepare_cached(
            "SELECT MIN(due) FROM lane WHERE queue = ?1 AND flying = 0 AND due IS NOT NULL",
        )?
        .query_row([queue], |row| row.get(0))?;
    Ok(due.map(Timestamp::from_millis))
}

/// Notes an attempt at the head of a lane. The head is what was begun before, else the oldest that waits.
pub(super) fn begin(
    connection: &Connection,
    ours: Fence,
    lane: i64,
    after: Option<i64>,
    now: Moment,
) -> Result<Option<Claim>, StoreError> {
    let Some(seq) = head(connection, lane)? else {
        connection
            .prepare_cached("UPDATE lane SET due = NULL, head = NULL, flying = 0 WHERE id = ?1")?
            .execute([lane])?;
        return Ok(None);
    };
    connection
        .prepare_cached(
            "UPDATE lane SET flying = 1, head = ?2, after = ?3, due = NULL WHERE id = ?1",
        )?
        .execute((lane, seq, after))?;
    connection
        .prepare_cached(
            "UPDATE event SET attempts = attempts + 1, first_started = COALESCE(first_started, ?2) WHERE seq = ?1",
        )?
        .execute((seq, now.wall.as_millis()))?;
    rows::claim(connection, ours, &rows::lane_row(connection, lane)?, seq).map(Some)
}

pub(super) fn head(connection: &Connection, lane: i64) -> Result<Option<i64>, StoreError> {
    Ok(connection
        .prepare_cached(
            "SELECT COALESCE(
                 (SELECT event.seq FROM event JOIN lane ON lane.head = event.seq
                  WHERE lane.id = ?1 AND event.parked_at IS NULL),
                 (SELECT MIN(seq) FROM event WHERE lane = ?1 AND parked_at IS NULL))",
        )?
        .query_row([lane], |row| row.get(0))?)
}

/// The next step of the same attempt: nothing of it is in doubt.
fn note_next(
    connection: &Connection,
    claim: &Claim,
    step: Step,
    look_from: Option<Timestamp>,
    now: Timestamp,
) -> Result<(), StoreError> {
    connection
        .prepare_cached(
            "UPDATE event SET step = ?2, doubt = 'none', first_started = ?3, last_ended = NULL, look_from = ?4
             WHERE seq = ?1",
        )?
        .execute((
            seq_of(claim.seq),
            step.to_string(),
            now.as_millis(),
            look_from.map(Timestamp::as_millis),
        ))?;
    Ok(())
}

/// The present root, if it is of an earlier generation, becomes a former one.
fn retire(connection: &Connection, name: i64, generation: u32) -> Result<(), StoreError> {
    connection
        .prepare_cached(
            "INSERT OR IGNORE INTO former
                 (root_id, name, generation, channel_id, root_event, replies, last_create_at, active_at)
             SELECT root_id, name, generation, channel_id, root_event, replies, last_create_at, active_at
             FROM conversation WHERE name = ?1 AND root_id IS NOT NULL AND generation < ?2",
        )?
        .execute((name, generation))?;
    Ok(())
}

fn map(
    connection: &Connection,
    name: i64,
    claim: &Claim,
    root: &Root,
    now: Timestamp,
) -> Result<(), StoreError> {
    let card = serde_json::to_string(&root.card).map_err(rows::damaged)?;
    connection
        .prepare_cached(
            "UPDATE conversation SET generation = ?2, root_id = ?3, channel_id = ?4, root_event = ?5, replies = 0,
                 last_create_at = ?6, active_at = ?7, card = ?8, card_version = card_version + 1,
                 card_shown = card_version + 1
             WHERE name = ?1 AND generation < ?2",
        )?
        .execute((
            name,
            root.generation,
            root.post_id.as_str(),
            root.channel_id.as_str(),
            claim.event.as_str(),
            root.create_at.as_millis(),
            now.as_millis(),
            card,
        ))?;
    Ok(())
}

/// Whether it only stands for the parked event whose number is one less. What becomes of it says nothing about that event.
pub(super) const fn is_placeholder(claim: &Claim) -> bool {
    claim.seq & 1 == 1
}

/// Where the event is to be found.
fn place_root(
    connection: &Connection,
    row: &LaneRow,
    claim: &Claim,
    root: &Root,
) -> Result<(), StoreError> {
    connection
        .prepare_cached(
            "UPDATE dedup SET root_id = ?3, channel_id = ?4, post_id = COALESCE(post_id, ?5)
             WHERE licence = ?1 AND event_id = ?2",
        )?
        .execute((
            row.lane.licence.as_str(),
            claim.event.as_str(),
            root.post_id.as_str(),
            root.channel_id.as_str(),
            // A conversation's start is the root itself.
            (claim.kind == "conversation.started").then(|| root.post_id.as_str()),
        ))?;
    Ok(())
}

fn place_post(
    connection: &Connection,
    row: &LaneRow,
    claim: &Claim,
    post: &Posted,
) -> Result<(), StoreError> {
    connection
        .prepare_cached(
            "UPDATE dedup SET post_id = COALESCE(post_id, ?3), root_id = COALESCE(?4, root_id), channel_id = ?5
             WHERE licence = ?1 AND event_id = ?2",
        )?
        .execute((
            row.lane.licence.as_str(),
            claim.event.as_str(),
            post.post_id.as_str(),
            post.root_id.as_ref().map(shared::PostId::as_str),
            post.channel_id.as_str(),
        ))?;
    Ok(())
}

/// A post of ours stands in a thread: it is known, and the thread's counters move.
pub(super) fn learn(
    connection: &Connection,
    row: &LaneRow,
    claim: &Claim,
    post: &Posted,
    now: Timestamp,
) -> Result<(), StoreError> {
    if !is_placeholder(claim) {
        place_post(connection, row, claim, post)?;
    }
    let Some(root) = post
        .root_id
        .as_ref()
        .filter(|_| row.lane.key.conversation().is_some())
    else {
        return Ok(());
    };
    let part = match claim.step {
        Step::Part(part) => part,
        // Beyond every part, so that an edit does not take them for text.
        Step::Root(_) | Step::Withdrawn | Step::Parked | Step::Change => {
            return count(connection, row, post, now);
        }
    };
    connection
        .prepare_cached(
            "INSERT OR IGNORE INTO post (post_id, name, root_id, message_id, part, state, create_at)
             VALUES (?1, ?2, ?3, (SELECT message_id FROM event WHERE seq = ?4), ?5, 'ours', ?6)",
        )?
        .execute((
            post.post_id.as_str(),
            row.name,
            root.as_str(),
            seq_of(claim.seq),
            part,
            post.create_at.as_millis(),
        ))?;
    count(connection, row, post, now)
}

fn count(
    connection: &Connection,
    row: &LaneRow,
    post: &Posted,
    now: Timestamp,
) -> Result<(), StoreError> {
    super::threads::moved(connection, post, now)?;
    connection
        .prepare_cached(
            "UPDATE conversation SET replies = replies + 1, last_create_at = MAX(last_create_at, ?3), active_at = ?4
             WHERE name = ?1 AND root_id = ?2",
        )?
        .execute((
            row.name,
            post.root_id.as_ref().map(shared::PostId::as_str),
            post.create_at.as_millis(),
            now.as_millis(),
        ))?;
    Ok(())
}
