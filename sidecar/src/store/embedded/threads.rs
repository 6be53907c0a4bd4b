//! Threads: how far each root's replies have been taken in, and how far each channel has been swept.

use rusqlite::{Connection, OptionalExtension as _, Row};
use shared::{ChannelId, PostId, Timestamp};

use super::{
    Embedded,
    rows::{self, damaged, name_of},
    touch::conversation,
    writer::alone,
};
use crate::{
    record::{Anchor, Cursor, KnownPost, LaneKey, PostState, Posted, ReplyMark, Root, Thread},
    store::{Adopted, StoreError},
};

/// Columns of [`read`], in this order.
const THREAD: &str = "thread.root_id, thread.channel_id, thread.generation, thread.cursor_at, thread.cursor_post,
    thread.update_at, thread.reply_count, thread.active_at, name.licence, name.key, conversation.root_id, conversation.card";
const FROM: &str = "FROM thread JOIN name ON name.id = thread.name
    LEFT JOIN conversation ON conversation.name = thread.name";

impl Embedded {
    pub(in crate::store) async fn thread(
        &self,
        root: &PostId,
    ) -> Result<Option<Thread>, StoreError> {
        let root = root.clone();
        self.reader
            .run(move |connection, _| {
                let found = connection
                    .prepare_cached(&format!("SELECT {THREAD} {FROM} WHERE thread.root_id = ?1"))?
                    .query_row([root.as_str()], columns)
                    .optional()?;
                found.map(read).transpose()
            })
            .await
    }

    pub(in crate::store) async fn open_threads(
        &self,
        since: Timestamp,
        before: Option<(Timestamp, PostId)>,
        max: usize,
    ) -> Result<Vec<Thread>, StoreError> {
        self.reader
            .run(move |connection, _| {
                let mut query = connection.prepare_cached(&format!(
                    "SELECT {THREAD} {FROM}
                     WHERE thread.active_at >= ?1 AND (thread.active_at, thread.root_id) < (?2, ?3)
                     ORDER BY thread.active_at DESC, thread.root_id DESC LIMIT ?4"
                ))?;
                let (at, root) = match &before {
                    Some((at, root)) => (at.as_millis(), root.as_str()),
                    None => (i64::MAX, ""),
                };
                let max = i64::try_from(max).unwrap_or(i64::MAX);
                let rows = query.query_map((since.as_millis(), at, root, max), columns)?;
                rows.map(|row| read(row?)).collect()
            })
            .await
    }

    pub(in crate::store) async fn open_channels(
        &self,
        since: Timestamp,
    ) -> Result<Vec<ChannelId>, StoreError> {
        self.reader
            .run(move |connection, _| {
                // From one channel to the next, each by its index: there are few channels and many threads.
                let mut query = connection.prepare_cached(
                    "WITH RECURSIVE channel (id) AS (
                         SELECT MIN(channel_id) FROM thread
                         UNION ALL
                         SELECT (SELECT MIN(channel_id) FROM thread WHERE channel_id > channel.id)
                         FROM channel WHERE channel.id IS NOT NULL)
                     SELECT id FROM channel WHERE id IS NOT NULL
                         AND EXISTS (SELECT 1 FROM thread WHERE channel_id = channel.id AND active_at >= ?1)",
                )?;
                let rows = query.query_map([since.as_millis()], |row| row.get::<_, String>(0))?;
                rows.map(|row| rows::read(row?)).collect()
            })
            .await
    }

    pub(in crate::store) async fn anchor(
        &self,
        channel: &ChannelId,
    ) -> Result<Option<Anchor>, StoreError> {
        let channel = channel.clone();
        self.reader
            .run(move |connection, _| {
                let found: Option<(String, i64)> = connection
                    .prepare_cached("SELECT post_id, create_at FROM anchor WHERE channel_id = ?1")?
                    .query_row([channel.as_str()], |row| Ok((row.get(0)?, row.get(1)?)))
                    .optional()?;
                found
                    .map(|(post, at)| {
                        Ok(Anchor {
                            post: rows::read(post)?,
                            create_at: Timestamp::from_millis(at),
                        })
                    })
                    .transpose()
            })
            .await
    }

    pub(in crate::store) async fn swept(
        &self,
        channel: &ChannelId,
        anchor: &Anchor,
    ) -> Result<(), StoreError> {
        let (channel, anchor) = (channel.clone(), anchor.clone());
        self.writer
            .run(move |connection, _| {
                alone(connection, |connection| {
                    connection
                        .prepare_cached("INSERT OR REPLACE INTO anchor (channel_id, post_id, create_at) VALUES (?1, ?2, ?3)")?
                        .execute((channel.as_str(), anchor.post.as_str(), anchor.create_at.as_millis()))?;
                    Ok(())
                })
            })
            .await
    }

    pub(in crate::store) async fn known(
        &self,
        posts: &[PostId],
    ) -> Result<Vec<KnownPost>, StoreError> {
        let ids: Vec<&str> = posts.iter().map(PostId::as_str).collect();
        let ids = serde_json::to_string(&ids).map_err(damaged)?;
        self.reader
            .run(move |connection, _| {
                known(
                    connection,
                    "post_id IN (SELECT value FROM json_each(?1))",
                    &ids,
                )
            })
            .await
    }

    pub(in crate::store) async fn known_under(
        &self,
        root: &PostId,
    ) -> Result<Vec<KnownPost>, StoreError> {
        let root = root.to_string();
        self.reader
            .run(move |connection, _| known(connection, "root_id = ?1", &root))
            .await
    }

    pub(in crate::store) async fn adopt(&self, adopted: Adopted) -> Result<(), StoreError> {
        self.writer
            .run(move |connection, _| alone(connection, |connection| adopt(connection, &adopted)))
            .await
    }
}

/// A root that stands: its replies are taken in from here on.
pub(super) fn open(
    connection: &Connection,
    name: i64,
    root: &Root,
    now: Timestamp,
) -> Result<(), StoreError> {
    connection
        .prepare_cached(
            "INSERT OR IGNORE INTO thread (root_id, name, generation, channel_id, cursor_at, update_at, active_at)
             VALUES (?1, ?2, ?3, ?4, ?5, ?5, ?6)",
        )?
        .execute((
            root.post_id.as_str(),
            name,
            root.generation,
            root.channel_id.as_str(),
            root.create_at.as_millis(),
            now.as_millis(),
        ))?;
    Ok(())
}

/// A post of our own moves the pair that is expected of its root, so that nobody reads the thread because of it.
pub(super) fn moved(
    connection: &Connection,
    post: &Posted,
    now: Timestamp,
) -> Result<(), StoreError> {
    connection
        .prepare_cached(
            "UPDATE thread SET update_at = MAX(update_at, ?2), reply_count = reply_count + 1, active_at = ?3
             WHERE root_id = ?1",
        )?
        .execute((post.root_id.as_ref().map(PostId::as_str), post.create_at.as_millis(), now.as_millis()))?;
    Ok(())
}

fn adopt(connection: &Connection, adopted: &Adopted) -> Result<(), StoreError> {
    let key = LaneKey::Conversation(adopted.conversation.clone());
    let name = name_of(connection, &adopted.licence, &key)?;
    super::accept::ensure_conversation(
        connection,
        &adopted.licence,
        name,
        adopted.now.as_millis(),
    )?;
    connection
        .prepare_cached(
            "INSERT OR IGNORE INTO thread
                 (root_id, name, generation, channel_id, cursor_at, cursor_post, active_at)
             VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7)",
        )?
        .execute((
            adopted.root_id.as_str(),
            name,
            adopted.generation,
            adopted.channel_id.as_str(),
            adopted.cursor.create_at.as_millis(),
            adopted.cursor.post.as_ref().map(PostId::as_str),
            adopted.now.as_millis(),
        ))?;
    // Only a conversation without a root gets this one as its live root.
    connection
        .prepare_cached(
            "UPDATE conversation SET generation = ?2, root_id = ?3, channel_id = ?4, root_event = ?5, last_create_at = ?6
             WHERE name = ?1 AND root_id IS NULL",
        )?
        .execute((
            name,
            adopted.generation,
            adopted.root_id.as_str(),
            adopted.channel_id.as_str(),
            adopted.event.as_str(),
            adopted.create_at.as_millis(),
        ))?;
    Ok(())
}

struct Columns {
    texts: [Option<String>; 7],
    generation: u32,
    numbers: [i64; 4],
}

fn columns(row: &Row<'_>) -> rusqlite::Result<Columns> {
    Ok(Columns {
        texts: [
            row.get(0)?,
            row.get(1)?,
            row.get(4)?,
            row.get(8)?,
            row.get(9)?,
            row.get(10)?,
            row.get(11)?,
        ],
        generation: row.get(2)?,
        numbers: [row.get(3)?, row.get(5)?, row.get(6)?, row.get(7)?],
    })
}

fn read(columns: Columns) -> Result<Thread, StoreError> {
    let Columns {
        texts: [root, channel, cursor_post, licence, key, live, card],
        generation,
        numbers,
    } = columns;
    let [cursor_at, update_at, replies, active_at] = numbers;
    let root = root.unwrap_or_default();
    Ok(Thread {
        licence: rows::read(licence.unwrap_or_default())?,
        conversation: conversation(&key.unwrap_or_default())?,
        live: live.as_deref() == Some(root.as_str()),
        root_id: rows::read(root)?,
        channel_id: rows::read(channel.unwrap_or_default())?,
        generation,
        cursor: Cursor {
            create_at: Timestamp::from_millis(cursor_at),
            post: cursor_post.map(rows::read).transpose()?,
        },
        seen: (update_at, replies),
        active_at: Timestamp::from_millis(active_at),
        card: card
            .map(|json| serde_json::from_str(&json).map_err(damaged))
            .transpose()?,
    })
}

fn known(connection: &Connection, which: &str, value: &str) -> Result<Vec<KnownPost>, StoreError> {
    let mut query = connection.prepare_cached(&format!(
        "SELECT post_id, root_id, message_id, part, state, create_at, edit_at, sent_edit_at, mark FROM post WHERE {which}"
    ))?;
    let rows = query.query_map([value], |row| {
        let texts: [Option<String>; 5] = [
            row.get(0)?,
            row.get(1)?,
            row.get(2)?,
            row.get(4)?,
            row.get(8)?,
        ];
        Ok((
            texts,
            row.get::<_, u32>(3)?,
            row.get::<_, i64>(5)?,
            row.get::<_, i64>(6)?,
            row.get(7)?,
        ))
    })?;
    rows.map(|row| {
        let ([post, root, message, state, mark], part, create_at, edit_at, sent_edit_at) = row?;
        Ok(KnownPost {
            post_id: rows::read(post.unwrap_or_default())?,
            root_id: rows::read(root.unwrap_or_default())?,
            message_id: message.map(rows::read).transpose()?,
            part,
            state: PostState::from_name(&state.unwrap_or_default()),
            create_at: Timestamp::from_millis(create_at),
            edit_at,
            sent_edit_at,
            mark: mark.as_deref().and_then(ReplyMark::from_emoji),
        })
    })
    .collect()
}
