//! Parked events: listed, put back, dropped.

use rusqlite::{Connection, types::Value};
use shared::Timestamp;

use super::{
    Embedded,
    counters::Counters,
    files, rows,
    rows::{LaneRow, seq_of},
    writer::alone,
};
use crate::{
    record::{Direction, Moment, Parked, Selection},
    store::{ParkedPage, StoreError},
};

impl Embedded {
    pub(in crate::store) async fn parked(
        &self,
        selection: &Selection,
        after: Option<u64>,
        limit: usize,
    ) -> Result<ParkedPage, StoreError> {
        let selection = selection.clone();
        self.reader
            .run(move |connection, _| page(connection, &selection, after, limit))
            .await
    }

    pub(in crate::store) async fn replay(
        &self,
        selection: &Selection,
        now: Moment,
    ) -> Result<u64, StoreError> {
        self.each(selection, move |connection, counters, lane, seq, _| {
            connection
                .prepare_cached("DELETE FROM event WHERE seq = ?1 + 1 AND attempts = 0")?
                .execute([seq])
                .map(|placeholders| counters.remove(&lane.lane.licence, lane.lane.direction, placeholders as u64))?;
            connection
                .prepare_cached(
                    "UPDATE event SET parked_at = NULL, reason = NULL, attempts = 0, accepted_at = ?2 WHERE seq = ?1",
                )?
                .execute((seq, now.wall.as_millis()))?;
            connection
                .prepare_cached(
                    "UPDATE dedup SET state = 'accepted' WHERE (licence, event_id) =
                         (?1, (SELECT event_id FROM event WHERE seq = ?2))",
                )?
                .execute((lane.lane.licence.as_str(), seq))?;
            connection
                .prepare_cached(
                    "UPDATE lane SET due = CASE WHEN flying = 1 THEN due ELSE MIN(COALESCE(due, ?2), ?2) END WHERE id = ?1",
                )?
                .execute((lane.id, now.steady.as_millis()))?;
            counters.add(&lane.lane.licence, lane.lane.direction, 1);
            Ok(())
        })
        .await
    }

    pub(in crate::store) async fn drop_parked(
        &self,
        selection: &Selection,
    ) -> Result<u64, StoreError> {
        self.each(selection, |connection, counters, lane, seq, store| {
            connection
                .prepare_cached(
                    "UPDATE dedup SET state = 'dropped' WHERE (licence, event_id) =
                         (?1, (SELECT event_id FROM event WHERE seq = ?2))",
                )?
                .execute((lane.lane.licence.as_str(), seq))?;
            let names: Option<String> = connection
                .prepare_cached("DELETE FROM event WHERE seq = ?1 RETURNING files")?
                .query_row([seq], |row| row.get(0))?;
            if let Some(names) = names {
                counters.erase(files::paths(&store.folder, &names));
            }
            Ok(())
        })
        .await
    }

    /// One effect over all selected parked events, oldest first. Says how many they were.
    async fn each(
        &self,
        selection: &Selection,
        work: impl Fn(&Connection, &mut Counters, &LaneRow, i64, &Self) -> Result<(), StoreError>
        + Send
        + 'static,
    ) -> Result<u64, StoreError> {
        let (selection, store) = (selection.clone(), self.clone());
        self.writer
            .run(move |connection, counters| {
                let before = counters.clone();
                let done = alone(connection, |connection| {
                    let chosen = page(connection, &selection, None, usize::MAX >> 1)?.items;
                    for parked in &chosen {
                        let seq = seq_of(parked.failed_id);
                        let lane: i64 = connection
                            .prepare_cached("SELECT lane FROM event WHERE seq = ?1")?
                            .query_row([seq], |row| row.get(0))?;
                        work(
                            connection,
                            counters,
                            &rows::lane_row(connection, lane)?,
                            seq,
                            &store,
                        )?;
                    }
                    Ok(chosen.len() as u64)
                });
                if done.is_err() {
                    *counters = before;
                }
                done
            })
            .await
    }
}

/// One page in order of acceptance; `next` is set while there may be more.
pub(super) fn page(
    connection: &Connection,
    selection: &Selection,
    after: Option<u64>,
    limit: usize,
) -> Result<ParkedPage, StoreError> {
    let ids = selection
        .failed_ids
        .as_ref()
        .map(|ids| serde_json::to_string(ids).unwrap_or_default());
    let key = selection
        .conversation_id
        .as_ref()
        .map(|id| format!("c:{id}"));
    let mut query = connection.prepare_cached(
        "SELECT event.seq, name.licence, lane.direction, name.key, event.event_id, event.kind, event.reason,
                event.attempts, event.accepted_at, event.parked_at
         FROM event JOIN lane ON lane.id = event.lane JOIN name ON name.id = lane.name
         WHERE event.parked_at IS NOT NULL AND event.seq > ?1
           AND (?2 IS NULL OR name.licence = ?2) AND (?3 IS NULL OR lane.direction = ?3)
           AND (?4 IS NULL OR name.key = ?4) AND (?5 IS NULL OR event.seq IN (SELECT value FROM json_each(?5)))
         ORDER BY event.seq LIMIT ?6",
    )?;
    let rows = query.query_map(
        (
            after.map_or(-1, seq_of),
            selection.licence.as_ref().map(shared::LicenceId::as_str),
            selection.direction.map(Direction::name),
            key,
            ids,
            i64::try_from(limit).unwrap_or(i64::MAX),
        ),
        |row| {
            let texts: [Value; 6] = [
                row.get(1)?,
                row.get(2)?,
                row.get(3)?,
                row.get(4)?,
                row.get(5)?,
                row.get(6)?,
            ];
            Ok((
                row.get::<_, i64>(0)?,
                texts,
                row.get::<_, u32>(7)?,
                row.get::<_, i64>(8)?,
                row.get::<_, i64>(9)?,
            ))
        },
    )?;
    let items = rows
        .map(|row| parked(row?))
        .collect::<Result<Vec<_>, _>>()?;
    let next = if items.len() == limit {
        items.last().map(|last| last.failed_id)
    } else {
        None
    };
    Ok(ParkedPage { items, next })
}

fn parked(
    (seq, [licence, direction, key, event, kind, reason], attempts, accepted, parked): (
        i64,
        [Value; 6],
        u32,
        i64,
        i64,
    ),
) -> Result<Parked, StoreError> {
    let lane = rows::lane(text(licence), &text(key), text(direction))?;
    Ok(Parked {
        failed_id: u64::try_from(seq).unwrap_or_default(),
        licence: lane.licence,
        direction: lane.direction,
        conversation_id: lane.key.conversation().cloned(),
        event_id: rows::read(text(event))?,
        kind: text(kind),
        reason: text(reason),
        attempts,
        accepted_at: Timestamp::from_millis(accepted),
        parked_at: Timestamp::from_millis(parked),
    })
}

fn text(value: Value) -> String {
    match value {
        Value::Text(text) => text,
        _ => String::new(),
    }
}
