//! Small kept things, forgetting what has outlived its time, and the end.

use std::{collections::HashSet, time::Duration};

use rusqlite::{Connection, OptionalExtension as _};
use shared::Timestamp;

use super::{Embedded, counters::Counters, files, writer::alone};
use crate::store::StoreError;

const DAY: Duration = Duration::from_secs(24 * 3600);
/// Parked events are kept so long for people to decide.
const PARKED: Duration = Duration::from_secs(90 * 24 * 3600);
/// Known posts are kept so long after their thread's last activity.
const POSTS: Duration = Duration::from_secs(30 * 24 * 3600);
/// Mappings and cards are kept so long after their last activity.
const MAPPINGS: Duration = Duration::from_secs(365 * 24 * 3600);
/// Conversations that were silent for so long, unless something of theirs waits or is parked: it needs its thread.
const FORGOTTEN: &str = "SELECT name FROM conversation WHERE active_at < ?1 AND NOT EXISTS (
     SELECT 1 FROM lane JOIN event ON event.lane = lane.id WHERE lane.name = conversation.name) LIMIT ?2";

impl Embedded {
    pub(in crate::store) async fn keep(
        &self,
        name: &str,
        value: &str,
        before: Option<&str>,
    ) -> Result<bool, StoreError> {
        let (name, value, before) = (name.to_owned(), value.to_owned(), before.map(str::to_owned));
        self.writer
            .run(move |connection, _| {
                alone(connection, |connection| {
                    let stands = find(connection, &name)?;
                    if stands.as_ref() == Some(&value) {
                        return Ok(true);
                    }
                    if stands != before {
                        return Ok(false);
                    }
                    connection
                        .prepare_cached(
                            "INSERT OR REPLACE INTO kept (name, value) VALUES (?1, ?2)",
                        )?
                        .execute((&name, &value))?;
                    Ok(true)
                })
            })
            .await
    }

    pub(in crate::store) async fn kept(&self, name: &str) -> Result<Option<String>, StoreError> {
        let name = name.to_owned();
        self.reader
            .run(move |connection, _| find(connection, &name))
            .await
    }

    pub(in crate::store) async fn purge(
        &self,
        max: usize,
        now: Timestamp,
    ) -> Result<u64, StoreError> {
        let store = self.clone();
        self.writer
            .run(move |connection, counters| {
                let before = counters.clone();
                let max = i64::try_from(max).unwrap_or(i64::MAX);
                let done = alone(connection, |connection| {
                    let gone = store.forget(connection, counters, max, now)?;
                    let orphans = store
                        .sweep_files(&named(connection)?, now)
                        .unwrap_or_default();
                    Ok(gone + orphans)
                });
                if done.is_err() {
                    *counters = before;
                }
                done
            })
            .await
    }

    fn forget(
        &self,
        connection: &Connection,
        counters: &mut Counters,
        max: i64,
        now: Timestamp,
    ) -> Result<u64, StoreError> {
        let before = |age: Duration| (now - age).as_millis();
        let mut gone = 0;
        gone += connection.execute(
            "DELETE FROM dedup WHERE (licence, event_id) IN (
                 SELECT licence, event_id FROM dedup WHERE expires < ?1 AND state <> 'accepted' LIMIT ?2)",
            (now.as_millis(), max),
        )?;
        let mut parked = connection.prepare_cached(
            "DELETE FROM event WHERE seq IN (SELECT seq FROM event WHERE parked_at < ?1 LIMIT ?2) RETURNING files",
        )?;
        let names =
            parked.query_map((before(PARKED), max), |row| row.get::<_, Option<String>>(0))?;
        for files in names {
            gone += 1;
            if let Some(files) = files? {
                counters.erase(files::paths(&self.folder, &files));
            }
        }
        gone += connection.execute(
            "DELETE FROM post WHERE post_id IN (
                 SELECT post.post_id FROM conversation JOIN post ON post.name = conversation.name
                 WHERE conversation.active_at BETWEEN ?1 AND ?2 LIMIT ?3)",
            (before(POSTS + DAY * 7), before(POSTS), max),
        )?;
        gone += connection.execute(
            "DELETE FROM former WHERE root_id IN (SELECT root_id FROM former WHERE active_at < ?1 LIMIT ?2)",
            (before(MAPPINGS), max),
        )?;
        gone += connection.execute(
            &format!("DELETE FROM post WHERE name IN ({FORGOTTEN})"),
            (before(MAPPINGS), max),
        )?;
        gone += connection.execute(
            &format!("DELETE FROM conversation WHERE name IN ({FORGOTTEN})"),
            (before(MAPPINGS), max),
        )?;
        Ok(gone as u64)
    }

    /// Erased texts leave the log, and with it the disk.
    pub(in crate::store) async fn idle(&self) -> Result<(), StoreError> {
        self.outside_a_transaction("PRAGMA wal_checkpoint(TRUNCATE)")
            .await
    }

    pub(in crate::store) async fn stop(&self) -> Result<(), StoreError> {
        self.idle().await
    }

    async fn outside_a_transaction(&self, statement: &'static str) -> Result<(), StoreError> {
        self.writer
            .run(move |connection, _| {
                // The writer has opened a transaction for its batch; a checkpoint needs none.
                connection.execute_batch("COMMIT")?;
                let done = connection.query_row(statement, [], |_| Ok(())).optional();
                connection.execute_batch("BEGIN IMMEDIATE")?;
                Ok(done.map(|_| ())?)
            })
            .await
    }
}

fn find(connection: &Connection, name: &str) -> Result<Option<String>, StoreError> {
    Ok(connection
        .prepare_cached("SELECT value FROM kept WHERE name = ?1")?
        .query_row([name], |row| row.get(0))
        .optional()?)
}

fn named(connection: &Connection) -> Result<HashSet<String>, StoreError> {
    let mut query = connection.prepare_cached("SELECT files FROM event WHERE files IS NOT NULL")?;
    let rows = query.query_map([], |row| row.get::<_, String>(0))?;
    let mut names = HashSet::new();
    for row in rows {
        names.extend(row?.lines().map(str::to_owned));
    }
    Ok(names)
}
