//! Threads: what is known of posts, how far each root's replies have been taken in, and how far each channel has been swept.

use std::collections::BTreeMap;

use redis::{Pipeline, Value};
use shared::{ChannelId, PostId, Timestamp};

use super::{
    Redis,
    claiming::lead_back,
    keys,
    reply::{self, Reader},
    script::{Call, Script},
    setting,
};
use crate::{
    record::{Anchor, Cursor, Direction, KnownPost, Lane, LaneKey, Thread, partition},
    store::{Adopted, StoreError},
};

impl Redis {
    pub(in crate::store) async fn thread(
        &self,
        root: &PostId,
    ) -> Result<Option<Thread>, StoreError> {
        let Some((partition, name)) = self.owner_of(root).await? else {
            return Ok(None);
        };
        let call = Call::new(Script::Thread, partition)
            .arg(name)
            .arg(root.as_str());
        match self.0.link.call(call).await? {
            row @ Value::Array(_) => thread(Reader::new(row)?).map(Some),
            _ => Ok(None),
        }
    }

    pub(in crate::store) async fn open_threads(
        &self,
        since: Timestamp,
        before: Option<(Timestamp, PostId)>,
        max: usize,
    ) -> Result<Vec<Thread>, StoreError> {
        let (at, root) = before.unzip();
        let calls: Vec<Call> = (0..keys::PARTITIONS)
            .map(|partition| {
                Call::new(Script::Threads, partition)
                    .arg(since)
                    .arg(at)
                    .arg(root.as_ref().map(PostId::as_str))
                    .arg(max)
            })
            .collect();
        let mut threads = Vec::new();
        for answer in self.0.link.all(&calls).await? {
            for row in Reader::new(answer)?.rest() {
                threads.push(thread(Reader::new(row)?)?);
            }
        }
        threads.sort_by(|one, other| {
            let key = |thread: &Thread| (thread.active_at, thread.root_id.to_string());
            key(other).cmp(&key(one))
        });
        threads.truncate(max);
        Ok(threads)
    }

    pub(in crate::store) async fn open_channels(
        &self,
        since: Timestamp,
    ) -> Result<Vec<ChannelId>, StoreError> {
        let mut pipeline = Pipeline::new();
        for partition in 0..keys::PARTITIONS {
            pipeline
                .cmd("ZRANGEBYSCORE")
                .arg(format!("{}chan", keys::prefix(partition)))
                .arg(since.as_millis())
                .arg("+inf");
        }
        let mut channels = BTreeMap::new();
        for answer in self.0.link.query(&pipeline).await? {
            let mut found = Reader::new(answer)?;
            while !found.is_empty() {
                let channel: ChannelId = found.parse()?;
                channels.insert(channel.to_string(), channel);
            }
        }
        Ok(channels.into_values().collect())
    }

    pub(in crate::store) async fn anchor(
        &self,
        channel: &ChannelId,
    ) -> Result<Option<Anchor>, StoreError> {
        let found = setting::one(&self.0.link, "GET", &[&keys::anchor(channel)]).await?;
        let found = reply::text(found)?;
        let Some((post, create_at)) = found.split_once(' ') else {
            return Ok(None);
        };
        Ok(Some(Anchor {
            post: reply::parse(post)?,
            create_at: Timestamp::from_millis(reply::parse(create_at)?),
        }))
    }

    pub(in crate::store) async fn swept(
        &self,
        channel: &ChannelId,
        anchor: &Anchor,
    ) -> Result<(), StoreError> {
        let value = format!("{} {}", anchor.post, anchor.create_at.as_millis());
        setting::one(&self.0.link, "SET", &[&keys::anchor(channel), &value])
            .await
            .map(|_| ())
    }

    pub(in crate::store) async fn known(
        &self,
        posts: &[PostId],
    ) -> Result<Vec<KnownPost>, StoreError> {
        let mut places = Pipeline::new();
        for post in posts {
            places.cmd("GET").arg(keys::post(post));
        }
        let mut records = Pipeline::new();
        let mut asked = Vec::new();
        if !posts.is_empty() {
            for (post, place) in posts.iter().zip(self.0.link.query(&places).await?) {
                if let Some((partition, name)) = place_in(&reply::text(place)?)? {
                    let key = format!("{}k:{name}", keys::prefix(partition));
                    records.cmd("HGET").arg(key).arg(post.as_str());
                    asked.push(post);
                }
            }
        }
        if asked.is_empty() {
            return Ok(Vec::new());
        }
        let mut known = Vec::new();
        for (post, record) in asked.into_iter().zip(self.0.link.query(&records).await?) {
            let record = reply::text(record)?;
            if !record.is_empty() {
                known.push(reply::known_post(post.clone(), &record)?);
            }
        }
        Ok(known)
    }

    pub(in crate::store) async fn known_under(
        &self,
        root: &PostId,
    ) -> Result<Vec<KnownPost>, StoreError> {
        let Some((partition, name)) = self.owner_of(root).await? else {
            return Ok(Vec::new());
        };
        let key = format!("{}k:{name}", keys::prefix(partition));
        let found = setting::one(&self.0.link, "HGETALL", &[&key]).await?;
        let pairs: Vec<(String, String)> =
            redis::from_redis_value(found).map_err(reply::damaged)?;
        let mut known = Vec::new();
        for (post, record) in pairs {
            let post = reply::known_post(reply::parse(&post)?, &record)?;
            if post.root_id == *root {
                known.push(post);
            }
        }
        Ok(known)
    }

    pub(in crate::store) async fn adopt(&self, adopted: Adopted) -> Result<(), StoreError> {
        let lane = Lane {
            licence: adopted.licence.clone(),
            key: LaneKey::Conversation(adopted.conversation.clone()),
            direction: Direction::ChatToThread,
        };
        let (partition, name) = (
            keys::partition_of(&lane),
            keys::name(&lane.licence, &lane.key),
        );
        let thread = keys::conversation(partition, &name);
        let exists = setting::one(&self.0.link, "HEXISTS", &[&thread, "number"]).await?;
        let number = match reply::number(exists)? {
            0 => {
                let counter = keys::counter(&lane.licence);
                let number = setting::one(&self.0.link, "INCR", &[&counter]).await?;
                Some(reply::number(number)?)
            }
            _ => None,
        };
        let call = Call::new(Script::Adopt, partition)
            .behind([lead_back(&lane, &adopted.root_id)])
            .arg(name)
            .arg(lane.licence.as_str())
            .arg(lane.key.to_string())
            .arg(number)
            .arg(adopted.root_id.as_str())
            .arg(adopted.channel_id.as_str())
            .arg(adopted.generation)
            .arg(adopted.event.as_str())
            .arg(adopted.create_at)
            .arg(adopted.cursor.create_at)
            .arg(adopted.cursor.post.as_ref().map(PostId::as_str))
            .arg(adopted.now);
        self.0.link.call(call).await?;
        self.0.hints.touched(partition);
        Ok(())
    }

    /// Where the conversation of one of our roots lies.
    pub(super) async fn owner_of(&self, root: &PostId) -> Result<Option<(u8, String)>, StoreError> {
        let found = self.conversation_of(root).await?;
        Ok(found.map(|(licence, conversation)| {
            let key = LaneKey::Conversation(conversation);
            (partition(&licence, &key), keys::name(&licence, &key))
        }))
    }

    /// Where a known post lies.
    pub(super) async fn place_of(&self, post: &PostId) -> Result<Option<(u8, String)>, StoreError> {
        let place = setting::one(&self.0.link, "GET", &[&keys::post(post)]).await?;
        place_in(&reply::text(place)?)
    }
}

fn place_in(text: &str) -> Result<Option<(u8, String)>, StoreError> {
    match text.split_once(':') {
        Some((partition, name)) => Ok(Some((reply::parse(partition)?, name.to_owned()))),
        None => Ok(None),
    }
}

/// As `thread_row` in the prelude puts it together.
fn thread(mut row: Reader) -> Result<Thread, StoreError> {
    let licence = row.parse()?;
    let conversation = reply::conversation_id(&row.text()?)?;
    let (live, card, root) = (row.text()?, row.maybe()?, row.text()?);
    Ok(Thread {
        licence,
        conversation,
        live: live == root,
        root_id: reply::parse(&root)?,
        generation: row.parse()?,
        channel_id: row.parse()?,
        cursor: Cursor {
            create_at: row.time()?,
            post: row.parse_maybe()?,
        },
        seen: (row.parse()?, row.parse()?),
        active_at: row.time()?,
        card: card
            .map(|json| serde_json::from_str(&json).map_err(reply::damaged))
            .transpose()?,
    })
}
