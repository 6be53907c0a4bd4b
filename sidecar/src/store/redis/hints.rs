//! Which partitions may have something to do, kept in memory, so that looking at 64 of them costs nothing while nothing is due.
//!
//! A hint may be early but never missing: whoever makes a lane due or a post wanted in this process says so here, whoever does it
//! elsewhere publishes it, and every now and then all partitions are asked, in case a message was lost.

use std::{
    collections::HashMap,
    sync::{Mutex, MutexGuard, PoisonError},
    time::Duration,
};

use shared::Timestamp;
use tokio::time::Instant;

use super::keys::PARTITIONS;

/// How often all partitions are asked while published hints arrive, and while they may not.
const HEARING: Duration = Duration::from_secs(10);
const DEAF: Duration = Duration::from_secs(1);

/// Partitions, one bit each.
pub(super) type Set = u64;

#[derive(Debug)]
pub(super) struct Hints(Mutex<State>); // plain mutex: held for one look, never across an await

#[derive(Debug)]
struct State {
    /// By the short name of a queue: when the first lane of each partition is due.
    due: HashMap<String, [i64; PARTITIONS as usize]>,
    /// Where posts do not show yet what they should.
    touch: Set,
    /// What is to be asked before anything is concluded.
    unknown: Set,
    asked_all: Option<Instant>,
    hearing: bool,
}

/// Nothing is due.
const NEVER: i64 = i64::MAX;

impl Default for Hints {
    fn default() -> Self {
        Self(Mutex::new(State {
            due: HashMap::new(),
            touch: Set::MAX,
            unknown: Set::MAX,
            asked_all: None,
            hearing: false,
        }))
    }
}

impl Hints {
    /// The first lane of a queue may be due then.
    pub(super) fn due(&self, queue: &str, partition: u8, due: Timestamp) {
        let mut state = self.state();
        let row = state.row(queue);
        let known = &mut row[usize::from(partition)];
        *known = (*known).min(due.as_millis());
    }

    /// Something happened in a partition that is only known there.
    pub(super) fn ask(&self, partition: u8) {
        self.state().unknown |= 1 << (partition % PARTITIONS);
    }

    pub(super) fn ask_all(&self) {
        self.state().unknown = Set::MAX;
    }

    /// Whether messages of others arrive.
    pub(super) fn hearing(&self, hearing: bool) {
        self.state().hearing = hearing;
    }

    pub(super) fn touched(&self, partition: u8) {
        self.state().touch |= 1 << (partition % PARTITIONS);
    }

    /// The partitions that must be asked now. If that fails they are to be given back to [`Self::ask`].
    pub(super) fn to_ask(&self) -> Vec<u8> {
        let mut state = self.state();
        let every = if state.hearing { HEARING } else { DEAF };
        if state.asked_all.is_none_or(|asked| asked.elapsed() >= every) {
            state.unknown = Set::MAX;
        }
        if state.unknown == Set::MAX {
            state.asked_all = Some(Instant::now());
        }
        members(std::mem::take(&mut state.unknown))
    }

    /// The partitions where a queue may have something due, the oldest first. They count as having nothing until they are heard of.
    pub(super) fn take_due(&self, queue: &str, now: Timestamp, most: usize) -> Vec<u8> {
        let mut state = self.state();
        let row = state.row(queue);
        let mut due: Vec<u8> = (0..PARTITIONS)
            .filter(|partition| row[usize::from(*partition)] <= now.as_millis())
            .collect();
        due.sort_by_key(|partition| row[usize::from(*partition)]);
        due.truncate(most);
        for partition in &due {
            row[usize::from(*partition)] = NEVER;
        }
        due
    }

    pub(super) fn next_due(&self, queue: &str) -> Option<Timestamp> {
        let mut state = self.state();
        let next = state.row(queue).iter().copied().min();
        next.filter(|due| *due != NEVER).map(Timestamp::from_millis)
    }

    /// The partitions where a post may want a touch. They count as having none until they are heard of.
    pub(super) fn take_touched(&self) -> Vec<u8> {
        members(std::mem::take(&mut self.state().touch))
    }

    fn state(&self) -> MutexGuard<'_, State> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl State {
    fn row(&mut self, queue: &str) -> &mut [i64; PARTITIONS as usize] {
        if !self.due.contains_key(queue) {
            self.due
                .insert(queue.to_owned(), [NEVER; PARTITIONS as usize]);
        }
        self.due
            .get_mut(queue)
            .expect("it was put there a line before")
    }
}

fn members(set: Set) -> Vec<u8> {
    (0..PARTITIONS)
        .filter(|partition| set >> partition & 1 == 1)
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    const fn at(millis: i64) -> Timestamp {
        Timestamp::from_millis(millis)
    }

    #[tokio::test(start_paused = true)]
    async fn nothing_is_asked_twice_until_something_happens_or_time_has_passed() {
        let hints = Hints::default();
        hints.hearing(true);
        assert_eq!(hints.to_ask().len(), 64, "nothing is known at the start");
        assert!(hints.to_ask().is_empty());
        hints.ask(7);
        assert_eq!(hints.to_ask(), [7]);
        tokio::time::advance(HEARING).await;
        assert_eq!(hints.to_ask().len(), 64);
        hints.hearing(false);
        tokio::time::advance(DEAF).await;
        assert_eq!(hints.to_ask().len(), 64, "messages may have been lost");
    }

    #[test]
    fn the_oldest_are_looked_at_first_and_hints_that_come_meanwhile_stay() {
        let hints = Hints::default();
        hints.due("mm", 3, at(20));
        hints.due("mm", 5, at(10));
        hints.due("mm", 9, at(99));
        hints.due("other", 1, at(1));
        assert_eq!(hints.take_due("mm", at(50), 1), [5]);
        assert_eq!(hints.next_due("mm"), Some(at(20)));
        hints.due("mm", 5, at(40));
        hints.due("mm", 5, at(60));
        assert_eq!(hints.take_due("mm", at(50), 10), [3, 5]);
        assert_eq!(hints.next_due("mm"), Some(at(99)));
    }
}
