//! What the writer knows besides its tables: how many events wait, because back-pressure asks at every request; by when lanes
//! are due; and which files go once the present transaction is durable. A transaction that fails sets all of it back.

use std::{collections::HashMap, path::PathBuf};

use rusqlite::Connection;
use shared::LicenceId;

use crate::{record::Direction, store::StoreError};

/// Events that wait, per licence and direction.
#[derive(Debug, Clone, Default)]
pub(super) struct Counters {
    waiting: HashMap<(LicenceId, Direction), u64>,
    all: u64,
    /// The latest moment at which somebody asked what is due, by the clock that never jumps.
    asked_at: Option<i64>,
    erased: Vec<PathBuf>,
}

impl Counters {
    /// Counts what waits at the start.
    pub(super) fn read(connection: &Connection) -> Result<Self, StoreError> {
        let mut counters = Self::default();
        let mut query = connection.prepare(
            "SELECT name.licence, lane.direction, SUM(waiting.events) FROM
                 (SELECT lane, COUNT(*) AS events FROM event WHERE parked_at IS NULL GROUP BY lane) AS waiting
             JOIN lane ON lane.id = waiting.lane JOIN name ON name.id = lane.name
             GROUP BY name.licence, lane.direction",
        )?;
        let rows = query.query_map([], |row| {
            Ok((
                row.get::<_, String>(0)?,
                row.get::<_, String>(1)?,
                row.get::<_, i64>(2)?,
            ))
        })?;
        for row in rows {
            let (licence, direction, events) = row?;
            let licence =
                LicenceId::new(licence).map_err(|error| StoreError::Damaged(error.to_string()))?;
            let direction =
                Direction::from_name(&direction).ok_or(StoreError::Damaged(direction))?;
            counters.add(
                &licence,
                direction,
                u64::try_from(events).unwrap_or_default(),
            );
        }
        Ok(counters)
    }

    pub(super) fn add(&mut self, licence: &LicenceId, direction: Direction, events: u64) {
        *self
            .waiting
            .entry((licence.clone(), direction))
            .or_default() += events;
        self.all += events;
    }

    pub(super) fn remove(&mut self, licence: &LicenceId, direction: Direction, events: u64) {
        let waiting = self
            .waiting
            .entry((licence.clone(), direction))
            .or_default();
        *waiting = waiting.saturating_sub(events);
        self.all = self.all.saturating_sub(events);
    }

    pub(super) fn asked(&mut self, at: i64) {
        self.asked_at = self.asked_at.max(Some(at));
    }

    /// When what is accepted at `wall` is due: a wall clock that runs ahead must not make it wait.
    pub(super) fn due(&self, wall: i64) -> i64 {
        self.asked_at.map_or(wall, |asked| wall.min(asked))
    }

    /// These files go with the commit; before it they may still be needed.
    pub(super) fn erase(&mut self, files: impl Iterator<Item = PathBuf>) {
        self.erased.extend(files);
    }

    pub(super) fn take_erased(&mut self) -> Vec<PathBuf> {
        std::mem::take(&mut self.erased)
    }

    /// Of one licence in both directions, and of all.
    pub(super) fn of(&self, licence: &LicenceId) -> (u64, u64) {
        let one = [Direction::ChatToThread, Direction::ThreadToChat];
        let waiting = |direction| {
            self.waiting
                .get(&(licence.clone(), direction))
                .copied()
                .unwrap_or(0)
        };
        (one.into_iter().map(waiting).sum(), self.all)
    }
}
