//! Accepting: first where an event id lies, then its dedup mark, payload and place in the lane in one script for each partition.
//!
//! An id that lies there with other content is a conflict, whatever partition it would go to now, and no script runs for it. An id
//! that is noted without its script having run (we died in between) is simply new when it is repeated.

use std::{collections::BTreeMap, time::Duration};

use redis::{Pipeline, Value};

use super::{
    Redis, keys,
    reply::{self, Reader},
    script::{Argument as _, Call, Script},
};
use crate::{
    record::{Acceptance, NewEvent},
    store::StoreError,
};

/// An id is found as long as its event can wait, however short `remember` is.
const INDEX: Duration = Duration::from_secs(8 * 24 * 3600);
/// Conversations that others forget while we accept into them ask for a number again, once.
const ROUNDS: usize = 3;

/// An event whose id is free, or ours already.
struct Candidate<'a> {
    at: usize,
    event: &'a NewEvent,
    number: Option<u64>,
}

impl Redis {
    pub(in crate::store) async fn accept(
        &self,
        events: Vec<NewEvent>,
    ) -> Result<Vec<Acceptance>, StoreError> {
        let mut answers = vec![None; events.len()];
        let mut partitions: BTreeMap<u8, Vec<Candidate<'_>>> = BTreeMap::new();
        for (at, known) in self.note_ids(&events).await?.into_iter().enumerate() {
            match known {
                None => answers[at] = Some(Acceptance::Conflict),
                Some(has_number) => {
                    let event = &events[at];
                    let number = has_number.then_some(0);
                    let row = partitions
                        .entry(keys::partition_of(&event.lane))
                        .or_default();
                    row.push(Candidate { at, event, number });
                }
            }
        }
        for _ in 0..ROUNDS {
            if partitions.is_empty() {
                break;
            }
            self.number(&mut partitions).await?;
            self.judge(&mut partitions, &mut answers).await?;
        }
        answers
            .into_iter()
            .collect::<Option<_>>()
            .ok_or_else(|| StoreError::Unavailable {
                reason: "a conversation was forgotten again and again".into(),
            })
    }

    /// Notes where each id lies. Nothing: elsewhere with other content; else whether its conversation has a number.
    async fn note_ids(&self, events: &[NewEvent]) -> Result<Vec<Option<bool>>, StoreError> {
        if events.is_empty() {
            return Ok(Vec::new());
        }
        let mut pipeline = Pipeline::new();
        for event in events {
            let partition = keys::partition_of(&event.lane);
            let name = keys::name(&event.lane.licence, &event.lane.key);
            pipeline.add_command(self.note(event));
            pipeline
                .cmd("HEXISTS")
                .arg(keys::conversation(partition, &name))
                .arg("number");
        }
        let mut found = self.0.link.query(&pipeline).await?.into_iter();
        let mut known = Vec::new();
        for event in events {
            let before = reply::text(found.next().unwrap_or(Value::Nil))?;
            let has_number = reply::number(found.next().unwrap_or(Value::Int(0)))? == 1;
            let ours = place(keys::partition_of(&event.lane), event);
            known.push((before.is_empty() || before == ours).then_some(has_number));
        }
        Ok(known)
    }

    /// Notes where an id lies, unless it lies somewhere already; that is the answer.
    pub(super) fn note(&self, event: &NewEvent) -> redis::Cmd {
        let ttl = self.0.remember.max(INDEX).as_millis();
        let mut set = redis::cmd("SET");
        set.arg(keys::index(&keys::event(&event.lane.licence, &event.id)))
            .arg(place(keys::partition_of(&event.lane), event))
            .arg("NX")
            .arg("GET")
            .arg("PX")
            .arg(u64::try_from(ttl).unwrap_or(u64::MAX));
        set
    }

    /// Counts up for each conversation that has no number. Gaps are possible, a number is never used twice.
    async fn number(
        &self,
        partitions: &mut BTreeMap<u8, Vec<Candidate<'_>>>,
    ) -> Result<(), StoreError> {
        let mut new: BTreeMap<String, Vec<&mut Candidate<'_>>> = BTreeMap::new();
        let mut pipeline = Pipeline::new();
        for candidate in partitions.values_mut().flatten() {
            let lane = &candidate.event.lane;
            if candidate.number.is_some() || lane.key.conversation().is_none() {
                continue;
            }
            let same = new.entry(keys::name(&lane.licence, &lane.key)).or_default();
            same.push(candidate);
        }
        if new.is_empty() {
            return Ok(());
        }
        // In the order of their first event.
        let mut new: Vec<Vec<&mut Candidate<'_>>> = new.into_values().collect();
        new.sort_by_key(|same| same.iter().map(|candidate| candidate.at).min());
        for same in &new {
            let licence = &same[0].event.lane.licence;
            pipeline.cmd("INCR").arg(keys::counter(licence));
        }
        let numbers = self.0.link.query(&pipeline).await?;
        for (same, number) in new.into_iter().zip(numbers) {
            let number = reply::number(number)?;
            for candidate in same {
                candidate.number = Some(number);
            }
        }
        Ok(())
    }

    /// One script for each partition. Those that lack a number are left.
    async fn judge(
        &self,
        partitions: &mut BTreeMap<u8, Vec<Candidate<'_>>>,
        answers: &mut [Option<Acceptance>],
    ) -> Result<(), StoreError> {
        let calls: Vec<Call> = partitions
            .iter()
            .map(|(partition, candidates)| {
                let call = Call::new(Script::Accept, *partition)
                    .arg(*partition)
                    .arg(self.remember_ms())
                    .arg(&*self.0.name.incarnation)
                    .arg(candidates.len());
                let events = candidates.iter();
                call.args(events.flat_map(|one| event_args(one.event, one.number)))
            })
            .collect();
        let judged = self.0.link.all(&calls).await?;
        let mut left = BTreeMap::new();
        for ((partition, mut candidates), value) in
            std::mem::take(partitions).into_iter().zip(judged)
        {
            let mut reader = Reader::new(value)?;
            if reader.text()? == "number" {
                candidates.iter_mut().for_each(|one| one.number = None);
                left.insert(partition, candidates);
                continue;
            }
            for candidate in candidates {
                let answer = reader.list()?;
                answers[candidate.at] = Some(self.answer(partition, candidate.event, answer)?);
            }
        }
        *partitions = left;
        Ok(())
    }

    fn answer(
        &self,
        partition: u8,
        event: &NewEvent,
        mut answer: Reader,
    ) -> Result<Acceptance, StoreError> {
        match answer.text()?.as_str() {
            "new" => {
                let seq = answer.parse()?;
                if !event.done {
                    self.counted(&event.lane.licence, 1);
                }
                if let Some(due) = answer.time_maybe()? {
                    let queue = keys::queue(&event.queue);
                    self.0.hints.due(&queue, partition, due);
                }
                Ok(Acceptance::New { seq })
            }
            "duplicate" => {
                let status = reply::status(answer.value()?, &event.id)?;
                Ok(status.map_or(Acceptance::Conflict, Acceptance::Duplicate))
            }
            _ => Ok(Acceptance::Conflict),
        }
    }
}

/// What is noted of an id: where it lies, and its content.
fn place(partition: u8, event: &NewEvent) -> String {
    format!("{partition}:{}", keys::hex(&event.hash.0))
}

/// An event in the order in which `read_event` in the prelude reads it. Number 0: its conversation has one.
pub(super) fn event_args(event: &NewEvent, number: Option<u64>) -> Vec<Vec<u8>> {
    let lane = &event.lane;
    vec![
        keys::event(&lane.licence, &event.id).into_bytes(),
        event.id.as_str().into_bytes(),
        event.kind.as_str().into_bytes(),
        keys::hex(&event.hash.0).into_bytes(),
        keys::lane(lane).into_bytes(),
        keys::name(&lane.licence, &lane.key).into_bytes(),
        lane.licence.as_str().into_bytes(),
        lane.key.to_string().into_bytes(),
        lane.direction.name().into_bytes(),
        keys::share(&lane.licence, lane.direction).into_bytes(),
        event.queue.to_string().into_bytes(),
        keys::queue(&event.queue).into_bytes(),
        event.content.to_bytes(),
        event.accepted_at.into_bytes(),
        event.hold_until.into_bytes(),
        event
            .message_id
            .as_ref()
            .map(shared::MessageId::as_str)
            .into_bytes(),
        event.step.to_string().into_bytes(),
        event.done.into_bytes(),
        event.files.join("\n").into_bytes(),
        number.filter(|number| *number > 0).into_bytes(),
    ]
}
