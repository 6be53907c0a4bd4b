//! Reading and writing the columns that several operations share.

use std::str::FromStr;

use rusqlite::{Connection, OptionalExtension as _, Row};
use shared::{ChannelId, EventId, LicenceId, PostId, Timestamp};

use crate::{
    record::{
        Card, Claim, Content, Direction, Doubt, Fence, KnownPost, Lane, LaneKey, Mapping,
        PostState, Step,
    },
    store::StoreError,
};

/// The integer that stands for a conversation, subject or type; made when missing.
pub(super) fn name_of(
    connection: &Connection,
    licence: &LicenceId,
    key: &LaneKey,
) -> Result<i64, StoreError> {
    if let Some(id) = find_name(connection, licence, key)? {
        return Ok(id);
    }
    connection
        .prepare_cached("INSERT INTO name (licence, key) VALUES (?1, ?2)")?
        .execute((licence.as_str(), key.to_string()))?;
    Ok(connection.last_insert_rowid())
}

pub(super) fn find_name(
    connection: &Connection,
    licence: &LicenceId,
    key: &LaneKey,
) -> Result<Option<i64>, StoreError> {
    Ok(connection
        .prepare_cached("SELECT id FROM name WHERE licence = ?1 AND key = ?2")?
        .query_row((licence.as_str(), key.to_string()), |row| row.get(0))
        .optional()?)
}

/// A lane's row: its id, and what it is.
pub(super) struct LaneRow {
    pub(super) id: i64,
    pub(super) name: i64,
    pub(super) lane: Lane,
}

pub(super) fn lane_row(connection: &Connection, id: i64) -> Result<LaneRow, StoreError> {
    let (name, direction, licence, key): (i64, String, String, String) = connection
        .prepare_cached(
            "SELECT lane.name, lane.direction, name.licence, name.key
             FROM lane JOIN name ON name.id = lane.name WHERE lane.id = ?1",
        )?
        .query_row([id], |row| {
            Ok((row.get(0)?, row.get(1)?, row.get(2)?, row.get(3)?))
        })?;
    Ok(LaneRow {
        id,
        name,
        lane: lane(licence, &key, direction)?,
    })
}

pub(super) fn lane_id(connection: &Connection, lane: &Lane) -> Result<Option<i64>, StoreError> {
    Ok(connection
        .prepare_cached(
            "SELECT lane.id FROM lane JOIN name ON name.id = lane.name
             WHERE name.licence = ?1 AND name.key = ?2 AND lane.direction = ?3",
        )?
        .query_row(
            (
                lane.licence.as_str(),
                lane.key.to_string(),
                lane.direction.name(),
            ),
            |row| row.get(0),
        )
        .optional()?)
}

pub(super) fn lane(licence: String, key: &str, direction: String) -> Result<Lane, StoreError> {
    Ok(Lane {
        licence: read(licence)?,
        key: key.parse().map_err(damaged)?,
        direction: Direction::from_name(&direction).ok_or(StoreError::Damaged(direction))?,
    })
}

/// The claim of the head that is in flight in this lane.
pub(super) fn claim(
    connection: &Connection,
    fence: Fence,
    row: &LaneRow,
    seq: i64,
) -> Result<Claim, StoreError> {
    let mut claim = connection
        .prepare_cached(
            "SELECT lane.queue, event.event_id, event.kind, event.payload, event.accepted_at, event.step, event.doubt,
                    event.refused, event.attempts, event.first_started, event.last_ended, event.look_from
             FROM event JOIN lane ON lane.id = event.lane WHERE event.seq = ?1",
        )?
        .query_row([seq], |found| {
            Ok((
                [found.get::<_, String>(0)?, found.get(1)?, found.get(2)?, found.get(5)?, found.get(6)?],
                found.get::<_, Vec<u8>>(3)?,
                [found.get::<_, Option<i64>>(4)?, found.get(9)?, found.get(10)?, found.get(11)?],
                [found.get::<_, u32>(7)?, found.get(8)?],
            ))
        })
        .map_err(StoreError::from)
        .and_then(|([queue, event, kind, step, doubt], payload, [accepted, first, last, look], [refused, attempts])| {
            Ok(Claim {
                fence,
                queue: queue.parse().map_err(damaged)?,
                lane: row.lane.clone(),
                seq: u64::try_from(seq).unwrap_or_default(),
                event: read(event)?,
                kind,
                content: Content::from_bytes(&payload).map_err(damaged)?,
                accepted_at: Timestamp::from_millis(accepted.unwrap_or_default()),
                step: step.parse().map_err(damaged)?,
                doubt: Doubt::from_name(&doubt).ok_or(StoreError::Damaged(doubt))?,
                refused,
                attempts,
                first_started: first.map(Timestamp::from_millis),
                last_ended: last.map(Timestamp::from_millis),
                look_from: look.map(Timestamp::from_millis),
                mapping: None,
                card: None,
                wanted: None,
                opening: None,
                target: Vec::new(),
                target_parked: false,
            })
        })?;
    if row.lane.key.conversation().is_some() {
        (claim.mapping, claim.card) = conversation(connection, row.name)?;
    }
    if claim.mapping.is_none() || matches!(claim.step, Step::Root(_)) {
        claim.opening = opening(connection, row.id, seq)?;
    }
    if claim.kind == "message.updated" || claim.kind == "message.deleted" {
        target(connection, row, &mut claim)?;
    }
    Ok(claim)
}

/// The live root and the card of a conversation.
pub(super) fn conversation(
    connection: &Connection,
    name: i64,
) -> Result<(Option<Mapping>, Option<Card>), StoreError> {
    let found = connection
        .prepare_cached(
            "SELECT generation, root_id, channel_id, root_event, replies, last_create_at, card, number, active_at
             FROM conversation WHERE name = ?1",
        )?
        .query_row([name], |row| {
            let card = (row.get::<_, Option<String>>(6)?, row.get::<_, i64>(7)?, row.get::<_, i64>(8)?);
            Ok((mapping_columns(row)?, card))
        })
        .optional()?;
    let Some((mapping, (card, number, active_at))) = found else {
        return Ok((None, None));
    };
    let number = u64::try_from(number).unwrap_or_default();
    let card = match card {
        Some(json) => serde_json::from_str(&json).map_err(damaged)?,
        None => Card::new(number, Timestamp::from_millis(active_at)),
    };
    Ok((mapping.map(MappingColumns::read).transpose()?, Some(card)))
}

/// Columns `generation, root_id, channel_id, root_event, replies, last_create_at`, in this order.
pub(super) struct MappingColumns(u32, String, String, String, u32, i64);

pub(super) fn mapping_columns(row: &Row<'_>) -> rusqlite::Result<Option<MappingColumns>> {
    let Some(root) = row.get::<_, Option<String>>(1)? else {
        return Ok(None);
    };
    Ok(Some(MappingColumns(
        row.get(0)?,
        root,
        row.get(2)?,
        row.get(3)?,
        row.get(4)?,
        row.get(5)?,
    )))
}

impl MappingColumns {
    pub(super) fn read(self) -> Result<Mapping, StoreError> {
        let Self(generation, root, channel, event, replies, last_create_at) = self;
        Ok(Mapping {
            generation,
            root_id: read::<PostId>(root)?,
            channel_id: read::<ChannelId>(channel)?,
            event: read::<EventId>(event)?,
            replies,
            last_create_at: Timestamp::from_millis(last_create_at),
        })
    }
}

/// The first message among the head and the next five that wait: the card quotes its first line.
fn opening(connection: &Connection, lane: i64, head: i64) -> Result<Option<Content>, StoreError> {
    let payload: Option<Vec<u8>> = connection
        .prepare_cached(
            "SELECT payload FROM (SELECT seq, kind, payload FROM event
                 WHERE lane = ?1 AND parked_at IS NULL AND seq >= ?2 ORDER BY seq LIMIT 6)
             WHERE kind = 'message.created' AND (seq & 1) = 0 ORDER BY seq LIMIT 1",
        )?
        .query_row((lane, head), |row| row.get(0))
        .optional()?;
    payload
        .map(|bytes| Content::from_bytes(&bytes).map_err(damaged))
        .transpose()
}

/// The posts of the message that an edit or a deletion is about, and whether that message is parked.
fn target(connection: &Connection, row: &LaneRow, claim: &mut Claim) -> Result<(), StoreError> {
    let message: Option<String> = connection
        .prepare_cached("SELECT message_id FROM event WHERE seq = ?1")?
        .query_row([i64::try_from(claim.seq).unwrap_or_default()], |found| {
            found.get(0)
        })?;
    let Some(message) = message else {
        return Ok(());
    };
    claim.target_parked = connection
        .prepare_cached(
            "SELECT 1 FROM event WHERE lane = ?1 AND message_id = ?2 AND parked_at IS NOT NULL",
        )?
        .exists((row.id, &message))?;
    claim.target = known_posts(connection, row.name, &message)?;
    Ok(())
}

fn known_posts(
    connection: &Connection,
    name: i64,
    message: &str,
) -> Result<Vec<KnownPost>, StoreError> {
    let mut query = connection.prepare_cached(
        "SELECT post_id, root_id, part, state, create_at, edit_at, sent_edit_at FROM post
         WHERE name = ?1 AND message_id = ?2 ORDER BY part, create_at, post_id",
    )?;
    let rows = query.query_map((name, message), |row| {
        let ids: [String; 3] = [row.get(0)?, row.get(1)?, row.get(3)?];
        Ok((
            ids,
            row.get::<_, u32>(2)?,
            row.get::<_, i64>(4)?,
            row.get::<_, i64>(5)?,
            row.get(6)?,
        ))
    })?;
    rows.map(|row| {
        let ([post, root, state], part, create_at, edit_at, sent_edit_at) = row?;
        Ok(KnownPost {
            post_id: read(post)?,
            root_id: read(root)?,
            message_id: Some(read(message.to_owned())?),
            part,
            state: PostState::from_name(&state),
            create_at: Timestamp::from_millis(create_at),
            edit_at,
            sent_edit_at,
            mark: None,
        })
    })
    .collect()
}

/// An id as the store holds it.
pub(super) fn read<T: FromStr<Err: std::fmt::Display>>(text: String) -> Result<T, StoreError> {
    text.parse()
        .map_err(|error| StoreError::Damaged(format!("{text:?} {error}")))
}

pub(super) fn damaged(error: impl std::fmt::Display) -> StoreError {
    StoreError::Damaged(error.to_string())
}

pub(super) fn seq_of(seq: u64) -> i64 {
    i64::try_from(seq).unwrap_or(i64::MAX)
}
