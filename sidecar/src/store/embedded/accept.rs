//! Accepting: dedup mark, payload and place in the lane in one write.

use rusqlite::{Connection, OptionalExtension as _};
use shared::LicenceId;

use super::{Embedded, counters::Counters, read, rows, writer::alone};
use crate::{
    record::{Acceptance, NewEvent},
    store::StoreError,
};

impl Embedded {
    pub(in crate::store) async fn accept(
        &self,
        events: Vec<NewEvent>,
    ) -> Result<Vec<Acceptance>, StoreError> {
        let remember = self.clone();
        self.writer
            .run(move |connection, counters| {
                let before = counters.clone();
                let accepted = alone(connection, |connection| {
                    events
                        .iter()
                        .map(|event| {
                            judge(
                                connection,
                                counters,
                                event,
                                remember.expires(event.accepted_at),
                            )
                        })
                        .collect()
                });
                if accepted.is_err() {
                    *counters = before;
                }
                accepted
            })
            .await
    }
}

fn judge(
    connection: &Connection,
    counters: &mut Counters,
    event: &NewEvent,
    expires: i64,
) -> Result<Acceptance, StoreError> {
    let licence = &event.lane.licence;
    let known: Option<Vec<u8>> = connection
        .prepare_cached("SELECT body_hash FROM dedup WHERE licence = ?1 AND event_id = ?2")?
        .query_row((licence.as_str(), event.id.as_str()), |row| row.get(0))
        .optional()?;
    if let Some(hash) = known {
        if hash != event.hash.0 {
            return Ok(Acceptance::Conflict);
        }
        let status = read::status(connection, licence, &event.id)?;
        return Ok(status.map_or(Acceptance::Conflict, Acceptance::Duplicate));
    }
    append(connection, counters, event, expires).map(|seq| Acceptance::New { seq })
}

/// Puts what an end posts elsewhere last into its lane. One that is known stands there or was brought over already: an event
/// that is parked for the second time does not tell its author twice.
pub(super) fn append_sequel(
    connection: &Connection,
    counters: &mut Counters,
    sequel: &NewEvent,
    expires: i64,
) -> Result<(), StoreError> {
    let known = connection
        .prepare_cached("SELECT 1 FROM dedup WHERE licence = ?1 AND event_id = ?2")?
        .exists((sequel.lane.licence.as_str(), sequel.id.as_str()))?;
    if !known {
        append(connection, counters, sequel, expires)?;
    }
    Ok(())
}

/// Puts an event last into its lane, with its dedup mark.
pub(super) fn append(
    connection: &Connection,
    counters: &mut Counters,
    event: &NewEvent,
    expires: i64,
) -> Result<u64, StoreError> {
    let seq = next_seq(connection)?;
    let state = if event.done { "delivered" } else { "accepted" };
    connection
        .prepare_cached(
            "INSERT INTO dedup (licence, event_id, seq, kind, body_hash, state, accepted_at, expires)
             VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8)",
        )?
        .execute((
            event.lane.licence.as_str(),
            event.id.as_str(),
            seq,
            &event.kind,
            event.hash.0,
            state,
            event.accepted_at.as_millis(),
            expires,
        ))?;
    if !event.done {
        let due = event.hold_until.map_or_else(
            || counters.due(event.accepted_at.as_millis()),
            shared::Timestamp::as_millis,
        );
        enqueue(connection, event, seq, due)?;
        counters.add(&event.lane.licence, event.lane.direction, 1);
    }
    Ok(u64::try_from(seq).unwrap_or_default())
}

fn enqueue(
    connection: &Connection,
    event: &NewEvent,
    seq: i64,
    due: i64,
) -> Result<(), StoreError> {
    let name = rows::name_of(connection, &event.lane.licence, &event.lane.key)?;
    if event.lane.key.conversation().is_some() {
        ensure_conversation(
            connection,
            &event.lane.licence,
            name,
            event.accepted_at.as_millis(),
        )?;
    }
    // A lane that already waits, or whose head is in flight, keeps its time.
    let lane: i64 = connection
        .prepare_cached(
            "INSERT INTO lane (name, direction, queue, due) VALUES (?1, ?2, ?3, ?4)
             ON CONFLICT (name, direction) DO UPDATE SET
                 due = CASE WHEN flying = 1 THEN due ELSE COALESCE(due, excluded.due) END
             RETURNING id",
        )?
        .query_row(
            (
                name,
                event.lane.direction.name(),
                event.queue.to_string(),
                due,
            ),
            |row| row.get(0),
        )?;
    let files = (!event.files.is_empty()).then(|| event.files.join("\n"));
    connection
        .prepare_cached(
            "INSERT INTO event (seq, lane, event_id, kind, payload, files, accepted_at, hold_until, message_id, step)
             VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9, ?10)",
        )?
        .execute((
            seq,
            lane,
            event.id.as_str(),
            &event.kind,
            event.content.to_bytes(),
            files,
            event.accepted_at.as_millis(),
            event.hold_until.map(shared::Timestamp::as_millis),
            event.message_id.as_ref().map(shared::MessageId::as_str),
            event.step.to_string(),
        ))?;
    Ok(())
}

/// The first event of a conversation gives it its number. A number is never used twice.
pub(super) fn ensure_conversation(
    connection: &Connection,
    licence: &LicenceId,
    name: i64,
    now: i64,
) -> Result<(), StoreError> {
    if connection
        .prepare_cached("SELECT 1 FROM conversation WHERE name = ?1")?
        .exists([name])?
    {
        return Ok(());
    }
    let number = count_up(connection, &format!("number:{licence}"), 1)?;
    connection
        .prepare_cached(
            "INSERT INTO conversation (name, licence, number, active_at) VALUES (?1, ?2, ?3, ?4)",
        )?
        .execute((name, licence.as_str(), number, now))?;
    Ok(())
}

/// Even numbers only: the odd one behind each belongs to its placeholder.
fn next_seq(connection: &Connection) -> Result<i64, StoreError> {
    count_up(connection, "seq", 2)
}

fn count_up(connection: &Connection, key: &str, by: i64) -> Result<i64, StoreError> {
    Ok(connection
        .prepare_cached(
            "INSERT INTO meta (key, value) VALUES (?1, ?2)
             ON CONFLICT (key) DO UPDATE SET value = value + ?2 RETURNING value",
        )?
        .query_row((key, by), |row| row.get(0))?)
}
