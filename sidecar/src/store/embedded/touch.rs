//! Cards that do not show yet what the store knows.

use rusqlite::Connection;
use shared::ConversationId;

use super::{
    Embedded, rows,
    rows::{damaged, mapping_columns},
    writer::alone,
};
use crate::{
    record::{LaneKey, ReplyMark, Touch},
    store::StoreError,
};

impl Embedded {
    pub(in crate::store) async fn wanted(&self, max: usize) -> Result<Vec<Touch>, StoreError> {
        self.reader
            .run(move |connection, _| {
                let mut touches = live(connection, max)?;
                touches.extend(former(connection, max - touches.len())?);
                touches.extend(marks(connection, max - touches.len())?);
                Ok(touches)
            })
            .await
    }

    pub(in crate::store) async fn shown(&self, touch: &Touch) -> Result<(), StoreError> {
        let touch = touch.clone();
        self.writer
            .run(move |connection, _| {
                alone(connection, |connection| {
                    match &touch {
                        Touch::Card { root, version, continues_in: None, .. } => connection
                            .prepare_cached("UPDATE conversation SET card_shown = MAX(card_shown, ?2) WHERE root_id = ?1")?
                            .execute((root.root_id.as_str(), rows::seq_of(*version)))?,
                        Touch::Card { root, .. } => connection
                            .prepare_cached("UPDATE former SET touched = 1 WHERE root_id = ?1")?
                            .execute([root.root_id.as_str()])?,
                        Touch::Mark { post, wanted, .. } => connection
                            .prepare_cached("UPDATE post SET mark_shown = ?2 WHERE post_id = ?1")?
                            .execute((post.as_str(), wanted.map(ReplyMark::emoji)))?,
                    };
                    Ok(())
                })
            })
            .await
    }
}

fn marks(connection: &Connection, max: usize) -> Result<Vec<Touch>, StoreError> {
    let mut query = connection.prepare_cached(
        "SELECT post_id, mark, mark_shown FROM post WHERE mark IS NOT mark_shown LIMIT ?1",
    )?;
    let rows = query.query_map([i64::try_from(max).unwrap_or(i64::MAX)], |row| {
        Ok((
            row.get::<_, String>(0)?,
            row.get::<_, Option<String>>(1)?,
            row.get::<_, Option<String>>(2)?,
        ))
    })?;
    rows.map(|row| {
        let (post, wanted, shown) = row?;
        let read = |mark: Option<String>| mark.as_deref().and_then(ReplyMark::from_emoji);
        Ok(Touch::Mark {
            post: rows::read(post)?,
            wanted: read(wanted),
            shown: read(shown),
        })
    })
    .collect()
}

/// The index is named because SQLite would otherwise take the one on `root_id`, and with it every conversation there is, each second.
fn live(connection: &Connection, max: usize) -> Result<Vec<Touch>, StoreError> {
    cards(
        connection,
        max,
        "SELECT generation, root_id, channel_id, root_event, replies, last_create_at, conversation.licence, name.key,
                card, card_version, NULL
         FROM conversation INDEXED BY conversation_touch JOIN name ON name.id = conversation.name
         WHERE card_version > card_shown AND root_id IS NOT NULL LIMIT ?1",
    )
}

/// A root that another took over from gets the line that links forward, once.
fn former(connection: &Connection, max: usize) -> Result<Vec<Touch>, StoreError> {
    cards(
        connection,
        max,
        "SELECT former.generation, former.root_id, former.channel_id, former.root_event, former.replies,
                former.last_create_at, name.licence, name.key, card, card_version, conversation.root_id
         FROM former JOIN name ON name.id = former.name JOIN conversation ON conversation.name = former.name
         WHERE former.touched = 0 LIMIT ?1",
    )
}

fn cards(connection: &Connection, max: usize, query: &str) -> Result<Vec<Touch>, StoreError> {
    let mut query = connection.prepare_cached(query)?;
    let rows = query.query_map([i64::try_from(max).unwrap_or(i64::MAX)], |row| {
        let texts: (String, String, String) = (row.get(6)?, row.get(7)?, row.get(8)?);
        Ok((
            mapping_columns(row)?,
            texts,
            row.get::<_, i64>(9)?,
            row.get::<_, Option<String>>(10)?,
        ))
    })?;
    let mut touches = Vec::new();
    for row in rows {
        let (Some(root), (licence, key, card), version, continues_in) = row? else {
            continue;
        };
        touches.push(Touch::Card {
            licence: rows::read(licence)?,
            conversation: conversation(&key)?,
            root: root.read()?,
            card: serde_json::from_str(&card).map_err(damaged)?,
            version: u64::try_from(version).unwrap_or_default(),
            continues_in: continues_in.map(rows::read).transpose()?,
        });
    }
    Ok(touches)
}

pub(super) fn conversation(key: &str) -> Result<ConversationId, StoreError> {
    match key.parse().map_err(damaged)? {
        LaneKey::Conversation(id) => Ok(id),
        other => Err(StoreError::Damaged(format!("{other} is no conversation"))),
    }
}
