//! Questions that change nothing.

use rusqlite::{Connection, OptionalExtension as _};
use shared::{ConversationId, EventId, LicenceId, PostId, Timestamp};

use super::{Embedded, rows, touch};
use crate::{
    record::{Blocked, Direction, LaneKey, Mapping, State, Status, Totals},
    store::{Health, StoreError},
};

impl Embedded {
    pub(in crate::store) async fn status(
        &self,
        licence: &LicenceId,
        event: &EventId,
    ) -> Result<Option<Status>, StoreError> {
        let (licence, event) = (licence.clone(), event.clone());
        self.reader
            .run(move |connection, _| status(connection, &licence, &event))
            .await
    }

    pub(in crate::store) async fn blocked(&self) -> Result<Vec<Blocked>, StoreError> {
        self.reader
            .run(|connection, _| {
                let mut query = connection.prepare_cached(
                    "SELECT name.licence, event.blocked_channel, event.reason, MIN(event.blocked_since)
                     FROM event JOIN lane ON lane.id = event.lane JOIN name ON name.id = lane.name
                     WHERE event.blocked_since IS NOT NULL AND event.parked_at IS NULL
                     GROUP BY name.licence, event.blocked_channel, event.reason ORDER BY 4 LIMIT 1000",
                )?;
                let rows = query.query_map([], |row| {
                    Ok((row.get::<_, String>(0)?, row.get::<_, Option<String>>(1)?, row.get(2)?, row.get(3)?))
                })?;
                rows.map(|row| {
                    let (licence, channel, reason, since) = row?;
                    Ok(Blocked {
                        licence: rows::read(licence)?,
                        channel_id: channel.map(rows::read).transpose()?,
                        reason,
                        since: Timestamp::from_millis(since),
                    })
                })
                .collect()
            })
            .await
    }

    pub(in crate::store) async fn totals(&self) -> Result<Vec<Totals>, StoreError> {
        self.reader
            .run(|connection, _| {
                let mut query = connection.prepare_cached(
                    "SELECT name.licence, lane.direction, SUM(event.parked_at IS NULL), SUM(event.parked_at IS NOT NULL),
                            MIN(CASE WHEN event.parked_at IS NULL THEN event.accepted_at END)
                     FROM event JOIN lane ON lane.id = event.lane JOIN name ON name.id = lane.name
                     GROUP BY name.licence, lane.direction",
                )?;
                let rows = query.query_map([], |row| {
                    let texts: (String, String) = (row.get(0)?, row.get(1)?);
                    Ok((texts, row.get::<_, i64>(2)?, row.get::<_, i64>(3)?, row.get::<_, Option<i64>>(4)?))
                })?;
                rows.map(|row| {
                    let ((licence, direction), waiting, parked, oldest) = row?;
                    Ok(Totals {
                        licence: rows::read(licence)?,
                        direction: Direction::from_name(&direction).ok_or(StoreError::Damaged(direction))?,
                        waiting: u64::try_from(waiting).unwrap_or_default(),
                        parked: u64::try_from(parked).unwrap_or_default(),
                        oldest_accepted_at: oldest.map(Timestamp::from_millis),
                    })
                })
                .collect()
            })
            .await
    }

    pub(in crate::store) async fn waiting(
        &self,
        licence: &LicenceId,
    ) -> Result<(u64, u64), StoreError> {
        let licence = licence.clone();
        self.writer
            .run(move |_, counters| Ok(counters.of(&licence)))
            .await
    }

    pub(in crate::store) async fn mapping_of(
        &self,
        licence: &LicenceId,
        conversation: &ConversationId,
    ) -> Result<Option<Mapping>, StoreError> {
        let (licence, key) = (licence.clone(), LaneKey::Conversation(conversation.clone()));
        self.reader
            .run(
                move |connection, _| match rows::find_name(connection, &licence, &key)? {
                    Some(name) => Ok(rows::conversation(connection, name)?.0),
                    None => Ok(None),
                },
            )
            .await
    }

    pub(in crate::store) async fn conversation_of(
        &self,
        root: &PostId,
    ) -> Result<Option<(LicenceId, ConversationId)>, StoreError> {
        let root = root.clone();
        self.reader
            .run(move |connection, _| {
                let found: Option<(String, String)> = connection
                    .prepare_cached(
                        "SELECT name.licence, name.key FROM name WHERE id = COALESCE(
                             (SELECT name FROM conversation WHERE root_id = ?1),
                             (SELECT name FROM former WHERE root_id = ?1))",
                    )?
                    .query_row([root.as_str()], |row| Ok((row.get(0)?, row.get(1)?)))
                    .optional()?;
                found
                    .map(|(licence, key)| Ok((rows::read(licence)?, touch::conversation(&key)?)))
                    .transpose()
            })
            .await
    }

    pub(in crate::store) async fn health(&self) -> Result<Health, StoreError> {
        let disk = rustix::fs::statvfs(&*self.folder).ok();
        let free = disk
            .as_ref()
            .map(|disk| disk.f_bavail.saturating_mul(disk.f_frsize));
        let whole = disk
            .as_ref()
            .map_or(0, |disk| disk.f_blocks.saturating_mul(disk.f_frsize));
        let (pages, size): (i64, i64) = self
            .reader
            .run(|connection, _| {
                let pages = connection.pragma_query_value(None, "page_count", |row| row.get(0))?;
                Ok((
                    pages,
                    connection.pragma_query_value(None, "page_size", |row| row.get(0))?,
                ))
            })
            .await?;
        Ok(Health {
            kind: "sqlite",
            ok: true,
            bytes: u64::try_from(pages.saturating_mul(size)).unwrap_or_default(),
            free_bytes: free,
            reserve_bytes: reserve(whole),
        })
    }
}

/// 1 GiB, or 5 % of a small disk, and never less than 256 MiB: below this nothing more is accepted, so that what was
/// accepted can still be finished.
const fn reserve(whole: u64) -> u64 {
    const GIB: u64 = 1 << 30;
    let twentieth = whole / 20;
    let wanted = if twentieth < GIB { twentieth } else { GIB };
    if wanted < GIB / 4 { GIB / 4 } else { wanted }
}

/// What is known of one event: its dedup mark, and its place in the lane while it has one. A head that a take-over made due has
/// no moment for its next attempt: that is now.
pub(super) fn status(
    connection: &Connection,
    licence: &LicenceId,
    event: &EventId,
) -> Result<Option<Status>, StoreError> {
    let found = connection
        .prepare_cached(
            "SELECT dedup.kind, dedup.state, COALESCE(event.attempts, dedup.attempts), event.reason, dedup.post_id,
                    dedup.root_id, dedup.channel_id, dedup.accepted_at,
                    CASE WHEN event.parked_at IS NULL AND lane.head = event.seq THEN NULLIF(lane.due, 0) END
             FROM dedup LEFT JOIN event ON event.seq = dedup.seq AND event.event_id = dedup.event_id
             LEFT JOIN lane ON lane.id = event.lane
             WHERE dedup.licence = ?1 AND dedup.event_id = ?2",
        )?
        .query_row((licence.as_str(), event.as_str()), |row| {
            let known: (String, String, u32) = (row.get(0)?, row.get(1)?, row.get(2)?);
            let places: [Option<String>; 4] = [row.get(3)?, row.get(4)?, row.get(5)?, row.get(6)?];
            Ok((known, places, row.get::<_, i64>(7)?, row.get::<_, Option<i64>>(8)?))
        })
        .optional()?;
    let Some(((kind, state, attempts), [reason, post, root, channel], accepted, due)) = found
    else {
        return Ok(None);
    };
    let stored = State::from_name(&state).ok_or(StoreError::Damaged(state))?;
    let status = if stored == State::Accepted && reason.is_some() {
        State::Retrying
    } else {
        stored
    };
    Ok(Some(Status {
        id: event.clone(),
        kind,
        status,
        attempts,
        last_error: reason,
        post_id: post.map(rows::read).transpose()?,
        root_id: root.map(rows::read).transpose()?,
        channel_id: channel.map(rows::read).transpose()?,
        accepted_at: Timestamp::from_millis(accepted),
        next_attempt_at: due.map(Timestamp::from_millis),
    }))
}
