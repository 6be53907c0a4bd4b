//! Reading what scripts answer. Everything is text in the order in which the script names it; empty stands for nothing.

use std::str::FromStr;

use redis::Value;
use shared::{ChannelId, EventId, LicenceId, PostId, Timestamp};

use crate::{
    record::{
        Card, Claim, Content, Direction, Doubt, Fence, KnownPost, Lane, LaneKey, Mapping,
        PostState, ReplyMark, State, Status,
    },
    store::StoreError,
};

/// The parts of an answer, taken one by one.
pub(super) struct Reader(std::vec::IntoIter<Value>);

impl Reader {
    pub(super) fn new(value: Value) -> Result<Self, StoreError> {
        match value {
            Value::Array(values) => Ok(Self(values.into_iter())),
            // What Lua calls an empty table.
            Value::Nil => Ok(Self(Vec::new().into_iter())),
            other => Err(unexpected(&other)),
        }
    }

    pub(super) fn is_empty(&self) -> bool {
        self.0.len() == 0
    }

    pub(super) fn value(&mut self) -> Result<Value, StoreError> {
        self.0
            .next()
            .ok_or_else(|| StoreError::Damaged("redis answered less than was asked for".into()))
    }

    pub(super) fn list(&mut self) -> Result<Self, StoreError> {
        Self::new(self.value()?)
    }

    pub(super) fn bytes(&mut self) -> Result<Vec<u8>, StoreError> {
        bytes(self.value()?)
    }

    pub(super) fn text(&mut self) -> Result<String, StoreError> {
        String::from_utf8(self.bytes()?).map_err(damaged)
    }

    /// Nothing where it is empty.
    pub(super) fn maybe(&mut self) -> Result<Option<String>, StoreError> {
        Ok(Some(self.text()?).filter(|text| !text.is_empty()))
    }

    pub(super) fn parse<T: FromStr<Err: std::fmt::Display>>(&mut self) -> Result<T, StoreError> {
        parse(&self.text()?)
    }

    pub(super) fn parse_maybe<T: FromStr<Err: std::fmt::Display>>(
        &mut self,
    ) -> Result<Option<T>, StoreError> {
        self.maybe()?.map(|text| parse(&text)).transpose()
    }

    pub(super) fn time(&mut self) -> Result<Timestamp, StoreError> {
        Ok(Timestamp::from_millis(self.parse()?))
    }

    pub(super) fn time_maybe(&mut self) -> Result<Option<Timestamp>, StoreError> {
        Ok(self.parse_maybe()?.map(Timestamp::from_millis))
    }

    pub(super) fn direction(&mut self) -> Result<Direction, StoreError> {
        let name = self.text()?;
        Direction::from_name(&name).ok_or(StoreError::Damaged(name))
    }

    pub(super) fn rest(self) -> std::vec::IntoIter<Value> {
        self.0
    }
}

pub(super) fn bytes(value: Value) -> Result<Vec<u8>, StoreError> {
    match value {
        Value::BulkString(bytes) => Ok(bytes),
        Value::SimpleString(text) => Ok(text.into_bytes()),
        Value::Int(number) => Ok(number.to_string().into_bytes()),
        Value::Double(number) => Ok(number.to_string().into_bytes()),
        Value::Nil => Ok(Vec::new()),
        Value::Okay => Ok(b"OK".to_vec()),
        other => Err(unexpected(&other)),
    }
}

pub(super) fn text(value: Value) -> Result<String, StoreError> {
    String::from_utf8(bytes(value)?).map_err(damaged)
}

pub(super) fn number(value: Value) -> Result<u64, StoreError> {
    parse(&text(value)?)
}

pub(super) fn parse<T: FromStr<Err: std::fmt::Display>>(text: &str) -> Result<T, StoreError> {
    text.parse()
        .map_err(|error| StoreError::Damaged(format!("{text:?} {error}")))
}

pub(super) fn damaged(error: impl std::fmt::Display) -> StoreError {
    StoreError::Damaged(error.to_string())
}

fn unexpected(value: &Value) -> StoreError {
    let kind = match value {
        Value::Array(_) => "a list",
        Value::Map(_) => "a map",
        _ => "something else",
    };
    StoreError::Damaged(format!(
        "redis answered {kind} where something else was expected"
    ))
}

/// The answer of a worker's script, behind its first word: it may be fenced, or its claim may have ended.
pub(super) fn outcome(
    value: Value,
    ours: Fence,
    event: Option<&EventId>,
) -> Result<Reader, StoreError> {
    let mut reader = Reader::new(value)?;
    match (reader.text()?.as_str(), event) {
        ("ok", _) => Ok(reader),
        ("fenced", _) => Err(StoreError::Fenced {
            ours,
            theirs: Fence(reader.parse()?),
        }),
        ("ended", Some(event)) => Err(StoreError::Ended {
            event: event.clone(),
        }),
        (other, _) => Err(StoreError::Damaged(format!("redis answered {other:?}"))),
    }
}

/// As `claim` in the prelude puts it together.
pub(super) fn claim(value: Value, fence: Fence) -> Result<Claim, StoreError> {
    let mut all = Reader::new(value)?;
    let seq = all.parse()?;
    let (mut row, mut event, known) = (all.list()?, all.list()?, all.list()?);
    let (opening, mut posts, target_parked) = (all.bytes()?, all.list()?, all.text()? == "1");
    let lane = Lane {
        licence: row.parse()?,
        key: row.parse()?,
        direction: row.direction()?,
    };
    let queue = row.parse()?;
    let (mapping, card) = match known.is_empty() {
        true => (None, None),
        false => conversation(known)?,
    };
    let mut target = Vec::new();
    while !posts.is_empty() {
        target.push(known_post(posts.parse()?, &posts.text()?)?);
    }
    target.sort_by_key(|post| (post.part, post.create_at, post.post_id.to_string()));
    Ok(Claim {
        fence,
        queue,
        lane,
        seq,
        event: event.parse()?,
        kind: event.text()?,
        content: Content::from_bytes(&event.bytes()?).map_err(damaged)?,
        accepted_at: event.time()?,
        step: event.parse()?,
        doubt: doubt(&event.text()?)?,
        refused: event.parse()?,
        attempts: event.parse()?,
        first_started: event.time_maybe()?,
        last_ended: event.time_maybe()?,
        look_from: event.time_maybe()?,
        mapping,
        card,
        wanted: None,
        opening: match opening.is_empty() {
            true => None,
            false => Some(Content::from_bytes(&opening).map_err(damaged)?),
        },
        target,
        target_parked,
    })
}

/// The claim, where there is one.
pub(super) fn claim_maybe(value: Value, fence: Fence) -> Result<Option<Claim>, StoreError> {
    match value {
        Value::Array(_) => claim(value, fence).map(Some),
        _ => Ok(None),
    }
}

fn doubt(name: &str) -> Result<Doubt, StoreError> {
    match name {
        "" => Ok(Doubt::None),
        name => Doubt::from_name(name).ok_or_else(|| StoreError::Damaged(name.into())),
    }
}

/// The live root and the card of a conversation.
pub(super) fn conversation(
    mut known: Reader,
) -> Result<(Option<Mapping>, Option<Card>), StoreError> {
    let root: [String; 6] = [
        known.text()?,
        known.text()?,
        known.text()?,
        known.text()?,
        known.text()?,
        known.text()?,
    ];
    let (card, number, started) = (known.maybe()?, known.maybe()?, known.time_maybe()?);
    let Some(number) = number else {
        return Ok((None, None));
    };
    let card = match card {
        Some(json) => serde_json::from_str(&json).map_err(damaged)?,
        None => Card::new(parse(&number)?, started.unwrap_or_default()),
    };
    Ok((mapping(root)?, Some(card)))
}

/// Generation, root, channel, event, replies, newest post; nothing where there is no root.
pub(super) fn mapping(
    [generation, root, channel, event, replies, last]: [String; 6],
) -> Result<Option<Mapping>, StoreError> {
    if root.is_empty() {
        return Ok(None);
    }
    Ok(Some(Mapping {
        generation: parse(&generation)?,
        root_id: parse::<PostId>(&root)?,
        channel_id: parse::<ChannelId>(&channel)?,
        event: parse::<EventId>(&event)?,
        replies: parse(&replies)?,
        last_create_at: Timestamp::from_millis(parse(&last)?),
    }))
}

pub(super) fn known_post(post_id: PostId, json: &str) -> Result<KnownPost, StoreError> {
    let [root, message, part, state, create, edit, sent, mark, _shown]: [String; 9] =
        serde_json::from_str(json).map_err(damaged)?;
    let message_id = match message.is_empty() {
        true => None,
        false => Some(parse(&message)?),
    };
    let sent_edit_at = match sent.is_empty() {
        true => None,
        false => Some(parse(&sent)?),
    };
    Ok(KnownPost {
        post_id,
        root_id: parse(&root)?,
        message_id,
        part: parse(&part)?,
        state: PostState::from_name(&state),
        create_at: Timestamp::from_millis(parse(&create)?),
        edit_at: parse(&edit)?,
        sent_edit_at,
        mark: ReplyMark::from_emoji(&mark),
    })
}

/// As `status` in the prelude puts it together; nothing where nothing is known.
pub(super) fn status(value: Value, id: &EventId) -> Result<Option<Status>, StoreError> {
    if !matches!(value, Value::Array(_)) {
        return Ok(None);
    }
    let mut known = Reader::new(value)?;
    let (kind, state, attempts) = (known.text()?, known.text()?, known.parse()?);
    let last_error = known.maybe()?;
    let state = State::from_name(&state).ok_or(StoreError::Damaged(state))?;
    let status = match state {
        State::Accepted if last_error.is_some() => State::Retrying,
        other => other,
    };
    Ok(Some(Status {
        id: id.clone(),
        kind,
        status,
        attempts,
        last_error,
        accepted_at: known.time()?,
        post_id: known.parse_maybe()?,
        root_id: known.parse_maybe()?,
        channel_id: known.parse_maybe()?,
        next_attempt_at: known.time_maybe()?,
    }))
}

/// A licence and a direction, as `lics` holds them.
pub(super) fn share(text: &str) -> Result<(LicenceId, Direction), StoreError> {
    let (licence, direction) = text.split_once('\n').unwrap_or((text, ""));
    let direction =
        Direction::from_name(direction).ok_or_else(|| StoreError::Damaged(direction.into()))?;
    Ok((parse(licence)?, direction))
}

/// The conversation that a lane key names.
pub(super) fn conversation_id(key: &str) -> Result<shared::ConversationId, StoreError> {
    match parse(key)? {
        LaneKey::Conversation(id) => Ok(id),
        other => Err(StoreError::Damaged(format!("{other} is no conversation"))),
    }
}
