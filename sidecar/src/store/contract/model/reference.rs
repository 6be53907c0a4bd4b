//! The reference: lanes as vectors, and the rules in their plainest form.

use std::collections::BTreeMap;

use super::super::*;

/// One event in a lane, or its placeholder.
#[derive(Debug, Clone, PartialEq)]
pub(super) struct Waiting {
    pub(super) event: String,
    /// Order of acceptance; a placeholder comes right behind its event.
    pub(super) order: u64,
    pub(super) placeholder: bool,
    pub(super) step: Step,
    pub(super) attempts: u32,
    pub(super) refused: u32,
    pub(super) doubt: Doubt,
    pub(super) first_started: Option<Timestamp>,
    pub(super) last_ended: Option<Timestamp>,
    pub(super) hold_until: Option<Timestamp>,
    pub(super) reason: Option<String>,
    pub(super) blocked_since: Option<Timestamp>,
}

/// A lane: the first that waits is its head.
#[derive(Debug, Clone, Default, PartialEq)]
pub(super) struct Row {
    pub(super) waiting: Vec<Waiting>,
    /// An attempt at the head has begun, so nothing goes before it.
    pub(super) begun: bool,
    pub(super) flying: bool,
    pub(super) due: Option<Timestamp>,
}

#[derive(Debug, Clone)]
pub(super) struct Known {
    /// Also names the conversation, as what i-Reserve sends does.
    pub(super) content: String,
    pub(super) state: State,
    pub(super) attempts: u32,
}

#[derive(Debug, Default)]
pub(super) struct Reference {
    pub(super) lanes: BTreeMap<String, Row>,
    pub(super) parked: Vec<(String, Waiting)>,
    pub(super) known: BTreeMap<String, Known>,
    pub(super) order: u64,
}

impl Reference {
    pub(super) fn accept(
        &mut self,
        event: &str,
        lane: &str,
        content: &str,
        hold: Option<Timestamp>,
    ) -> &'static str {
        if let Some(known) = self.known.get(event) {
            return if known.content == content {
                "duplicate"
            } else {
                "conflict"
            };
        }
        let known = Known {
            content: content.to_owned(),
            state: State::Accepted,
            attempts: 0,
        };
        self.known.insert(event.to_owned(), known);
        self.order += 2;
        let row = self.lanes.entry(lane.to_owned()).or_default();
        row.waiting
            .push(fresh(event, self.order, false, Step::Part(0), hold));
        if !row.flying && row.due.is_none() {
            row.due = Some(hold.unwrap_or_else(|| at(0)));
        }
        "new"
    }

    pub(super) fn begin(&mut self, lane: &str, now: Timestamp) -> Waiting {
        let row = self.row(lane);
        (row.begun, row.flying, row.due) = (true, true, None);
        let head = &mut row.waiting[0];
        head.attempts += 1;
        head.first_started = head.first_started.or(Some(now));
        head.clone()
    }

    pub(super) fn rest(&mut self, lane: &str, now: Timestamp) {
        let row = self.row(lane);
        (row.begun, row.flying) = (false, false);
        row.due = row
            .waiting
            .first()
            .map(|next| next.hold_until.map_or(now, |hold| hold.max(now)));
    }

    pub(super) fn deliver(&mut self, lane: &str, now: Timestamp) {
        let head = self.row(lane).waiting.remove(0);
        if !head.placeholder {
            self.settle(&head, State::Delivered);
        }
        self.rest(lane, now);
    }

    pub(super) fn park(&mut self, lane: &str, placeholder: bool, now: Timestamp) {
        let head = self.row(lane).waiting.remove(0);
        if !head.placeholder {
            self.settle(&head, State::Parked);
            if placeholder {
                let stands = fresh(&head.event, head.order + 1, true, Step::Parked, None);
                let waiting = &mut self.row(lane).waiting;
                // In its place among what waits: what was replayed behind its event may be older.
                let older = waiting
                    .iter()
                    .take_while(|other| other.order < stands.order)
                    .count();
                waiting.insert(older, stands);
            }
            self.parked.push((lane.to_owned(), head));
        }
        self.rest(lane, now);
    }

    pub(super) fn settle(&mut self, head: &Waiting, state: State) {
        let known = self.known.get_mut(&head.event).unwrap();
        (known.state, known.attempts) = (state, head.attempts);
    }

    pub(super) fn replay(&mut self, one: Option<&str>, now: Timestamp) -> u64 {
        let (mut chosen, left): (Vec<_>, Vec<_>) = self
            .parked
            .drain(..)
            .partition(|(_, parked)| one.is_none_or(|one| parked.event == one));
        self.parked = left;
        chosen.sort_by_key(|(_, parked)| parked.order);
        for (lane, parked) in &chosen {
            self.known.get_mut(&parked.event).unwrap().state = State::Accepted;
            let row = self.row(lane);
            row.waiting
                .retain(|other| other.order != parked.order + 1 || other.attempts > 0);
            let first = usize::from(row.begun);
            let behind = row
                .waiting
                .iter()
                .skip(first)
                .take_while(|other| other.order < parked.order)
                .count();
            let anew = fresh(
                &parked.event,
                parked.order,
                false,
                parked.step,
                parked.hold_until,
            );
            row.waiting.insert(first + behind, anew);
            if !row.flying {
                row.due = Some(row.due.map_or(now, |due| due.min(now)));
            }
        }
        chosen.len() as u64
    }

    pub(super) fn crash(&mut self, now: Timestamp) {
        for row in self.lanes.values_mut().filter(|row| row.flying) {
            (row.flying, row.due) = (false, Some(Timestamp::from_millis(0)));
            row.waiting[0].doubt = Doubt::Open;
            row.waiting[0].last_ended = Some(now);
        }
    }

    pub(super) fn row(&mut self, lane: &str) -> &mut Row {
        self.lanes.entry(lane.to_owned()).or_default()
    }

    /// What the status of an event must say.
    pub(super) fn status(&self, event: &str) -> Option<(State, u32, Option<String>)> {
        let known = self.known.get(event)?;
        let waiting = self.lanes.values().flat_map(|row| &row.waiting);
        let in_lane = waiting
            .into_iter()
            .find(|one| one.event == event && !one.placeholder);
        let parked = self.parked.iter().find(|(_, one)| one.event == event);
        Some(match (in_lane, parked) {
            (Some(one), _) => {
                let state = if one.reason.is_some() {
                    State::Retrying
                } else {
                    known.state
                };
                (state, one.attempts, one.reason.clone())
            }
            (None, Some(_)) => (
                known.state,
                known.attempts,
                Some("refused three times".into()),
            ),
            (None, None) => (known.state, known.attempts, None),
        })
    }
}

fn fresh(
    event: &str,
    order: u64,
    placeholder: bool,
    step: Step,
    hold_until: Option<Timestamp>,
) -> Waiting {
    Waiting {
        event: event.to_owned(),
        order,
        placeholder,
        step,
        attempts: 0,
        refused: 0,
        doubt: Doubt::None,
        first_started: None,
        last_ended: None,
        hold_until,
        reason: None,
        blocked_since: None,
    }
}
