//! Pulled: what one reading of a thread found becomes events, known posts and a cursor in one write.

use rusqlite::{Connection, OptionalExtension as _};
use shared::{EventId, PostId};

use super::{
    Embedded,
    accept::append,
    counters::Counters,
    finish::{rest, want},
    rows::{self, LaneRow},
    writer::alone,
};
use crate::{
    record::{Change, KnownPost, Lane, NewEvent, PostState, Pull, Pulled, ReplyMark},
    store::StoreError,
};

impl Embedded {
    pub(in crate::store) async fn pulled(&self, pull: Pull) -> Result<Pulled, StoreError> {
        let store = self.clone();
        self.writer
            .run(move |connection, counters| {
                let before = counters.clone();
                let done = alone(connection, |connection| {
                    store.take_in(connection, counters, &pull)
                });
                if done.is_err() {
                    *counters = before;
                }
                done
            })
            .await
    }

    fn take_in(
        &self,
        connection: &Connection,
        counters: &mut Counters,
        pull: &Pull,
    ) -> Result<Pulled, StoreError> {
        let Some(name) = advance(connection, pull)? else {
            return Ok(Pulled::Moved);
        };
        let mut new = 0;
        for change in &pull.changes {
            new += usize::from(self.change(connection, counters, change, pull)?);
        }
        for post in &pull.known {
            remember(connection, name, post)?;
        }
        want(connection, name, pull.card.as_ref())?;
        Ok(Pulled::Kept { new })
    }

    /// Says whether something is to be brought over that was not before.
    fn change(
        &self,
        connection: &Connection,
        counters: &mut Counters,
        change: &Change,
        pull: &Pull,
    ) -> Result<bool, StoreError> {
        match change {
            Change::Hold { held, lane, until } => {
                if let Some((lane, Waiting::Untried(seq))) = find_in(connection, lane, held)? {
                    hold(connection, lane, seq, until.as_millis())?;
                }
                Ok(false)
            }
            Change::Append(event) => self.once(connection, counters, event, pull),
            Change::Edit { held, edit, anew } => {
                match find(connection, held)? {
                    Waiting::Untried(seq) => {
                        connection
                            .prepare_cached("UPDATE event SET payload = ?2 WHERE seq = ?1")?
                            .execute((seq, held.content.to_bytes()))?;
                        connection
                        .prepare_cached("UPDATE dedup SET body_hash = ?3 WHERE licence = ?1 AND event_id = ?2")?
                        .execute((held.lane.licence.as_str(), held.id.as_str(), held.hash.0))?;
                        Ok(true)
                    }
                    Waiting::Parked(seq) => {
                        forget(connection, held, seq)?;
                        self.once(connection, counters, anew, pull)
                    }
                    Waiting::Nowhere => self.once(connection, counters, edit, pull),
                }
            }
            Change::Withdraw { held, deletion } => {
                let of_held = NewEvent {
                    id: held.clone(),
                    ..(**deletion).clone()
                };
                match find(connection, &of_held)? {
                    Waiting::Untried(seq) => {
                        forget(connection, &of_held, seq)?;
                        counters.remove(&of_held.lane.licence, of_held.lane.direction, 1);
                        if let Some(id) = rows::lane_id(connection, &of_held.lane)? {
                            release(connection, &rows::lane_row(connection, id)?, pull)?;
                        }
                        Ok(false)
                    }
                    Waiting::Parked(seq) => forget(connection, &of_held, seq).map(|()| false),
                    Waiting::Nowhere => self.once(connection, counters, deletion, pull),
                }
            }
        }
    }

    /// An event whose id is known has been taken in before.
    fn once(
        &self,
        connection: &Connection,
        counters: &mut Counters,
        event: &NewEvent,
        pull: &Pull,
    ) -> Result<bool, StoreError> {
        let known = connection
            .prepare_cached("SELECT 1 FROM dedup WHERE licence = ?1 AND event_id = ?2")?
            .exists((event.lane.licence.as_str(), event.id.as_str()))?;
        if !known {
            append(connection, counters, event, self.expires(pull.now.wall))?;
        }
        Ok(!known)
    }
}

/// Moves the cursor, if it is still where the reader believed it; says whose thread it is.
fn advance(connection: &Connection, pull: &Pull) -> Result<Option<i64>, StoreError> {
    Ok(connection
        .prepare_cached(
            "UPDATE thread SET cursor_at = ?4, cursor_post = ?5, update_at = ?6, reply_count = ?7,
                 active_at = CASE WHEN ?8 THEN ?9 ELSE active_at END
             WHERE root_id = ?1 AND cursor_at = ?2 AND cursor_post IS ?3 RETURNING name",
        )?
        .query_row(
            rusqlite::params![
                pull.root_id.as_str(),
                pull.before.create_at.as_millis(),
                pull.before.post.as_ref().map(PostId::as_str),
                pull.after.create_at.as_millis(),
                pull.after.post.as_ref().map(PostId::as_str),
                pull.seen.0,
                pull.seen.1,
                !pull.known.is_empty(),
                pull.now.wall.as_millis(),
            ],
            |row| row.get(0),
        )
        .optional()?)
}

enum Waiting {
    /// In its lane, and no attempt was ever made.
    Untried(i64),
    Parked(i64),
    Nowhere,
}

fn find(connection: &Connection, event: &NewEvent) -> Result<Waiting, StoreError> {
    Ok(find_in(connection, &event.lane, &event.id)?
        .map_or(Waiting::Nowhere, |(_, waiting)| waiting))
}

fn find_in(
    connection: &Connection,
    lane: &Lane,
    event: &EventId,
) -> Result<Option<(i64, Waiting)>, StoreError> {
    let Some(lane) = rows::lane_id(connection, lane)? else {
        return Ok(None);
    };
    let found: Option<(i64, i64, bool)> = connection
        .prepare_cached("SELECT seq, attempts, parked_at IS NOT NULL FROM event WHERE lane = ?1 AND event_id = ?2")?
        .query_row((lane, event.as_str()), |row| Ok((row.get(0)?, row.get(1)?, row.get(2)?)))
        .optional()?;
    let waiting = match found {
        Some((seq, _, true)) => Waiting::Parked(seq),
        Some((seq, 0, false)) => Waiting::Untried(seq),
        _ => Waiting::Nowhere,
    };
    Ok(Some((lane, waiting)))
}

fn hold(connection: &Connection, lane: i64, seq: i64, until: i64) -> Result<(), StoreError> {
    connection
        .prepare_cached(
            "UPDATE event SET hold_until = MAX(COALESCE(hold_until, 0), ?2) WHERE seq = ?1",
        )?
        .execute((seq, until))?;
    let head = super::claim::head(connection, lane)?;
    if head == Some(seq) {
        connection
            .prepare_cached("UPDATE lane SET due = MAX(due, ?2) WHERE id = ?1 AND flying = 0 AND due IS NOT NULL")?
            .execute((lane, until))?;
    }
    Ok(())
}

/// It is gone before anybody outside saw it.
fn forget(connection: &Connection, event: &NewEvent, seq: i64) -> Result<(), StoreError> {
    connection
        .prepare_cached("DELETE FROM event WHERE seq = ?1")?
        .execute([seq])?;
    let id: &EventId = &event.id;
    connection
        .prepare_cached("UPDATE dedup SET state = 'dropped' WHERE licence = ?1 AND event_id = ?2")?
        .execute((event.lane.licence.as_str(), id.as_str()))?;
    Ok(())
}

/// The lane waits for its next event, unless one is in flight.
fn release(connection: &Connection, row: &LaneRow, pull: &Pull) -> Result<(), StoreError> {
    let flying: bool = connection
        .prepare_cached("SELECT flying = 1 OR head IS NOT NULL FROM lane WHERE id = ?1")?
        .query_row([row.id], |found| found.get(0))?;
    if flying {
        Ok(())
    } else {
        rest(connection, row, pull.now.steady)
    }
}

fn remember(connection: &Connection, name: i64, post: &KnownPost) -> Result<(), StoreError> {
    connection
        .prepare_cached(
            "INSERT INTO post (post_id, name, root_id, message_id, part, state, create_at, edit_at, sent_edit_at, mark)
             VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9, ?10)
             ON CONFLICT (post_id) DO UPDATE SET
                 state = CASE WHEN state = 'ours' THEN state ELSE excluded.state END,
                 edit_at = excluded.edit_at, sent_edit_at = excluded.sent_edit_at,
                 mark = COALESCE(excluded.mark, mark)",
        )?
        .execute((
            post.post_id.as_str(),
            name,
            post.root_id.as_str(),
            post.message_id.as_ref().map(shared::MessageId::as_str),
            post.part,
            post.state.name(),
            post.create_at.as_millis(),
            post.edit_at,
            post.sent_edit_at,
            post.mark.map(ReplyMark::emoji),
        ))?;
    Ok(())
}

/// The mark that a reply shall carry. One that nobody knows any more carries none.
pub(super) fn mark(
    connection: &Connection,
    wanted: Option<&(PostId, ReplyMark)>,
) -> Result<(), StoreError> {
    let Some((post, mark)) = wanted else {
        return Ok(());
    };
    connection
        .prepare_cached("UPDATE post SET mark = ?2 WHERE post_id = ?1 AND state <> ?3")?
        .execute((post.as_str(), mark.emoji(), PostState::Ours.name()))?;
    Ok(())
}
