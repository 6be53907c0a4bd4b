//! A store in which a million conversations are mapped, made in a minute instead of an hour.
//!
//! The sidecar makes the database and brings one conversation into a thread. Then its rows are copied, each with ids of its own, by
//! SQL into the file: so every row looks as the sidecar writes it, and a table that changes makes this fail instead of lying. All
//! copies were last active between five weeks and eleven months ago: old enough that nobody looks for replies to roots that no
//! Mattermost has, and too young to be forgotten.

use std::path::{Path, PathBuf};
use std::time::Duration;

use rusqlite::types::Value;
use rusqlite::{Connection, params_from_iter};
use simulators::clock::Clock;
use simulators::mattermost::Mattermost;
use simulators::program::Settings;
use simulators::random::Random;
use tempfile::TempDir;
use tokio::sync::OnceCell;

use crate::Failure;
use crate::desk::{Desk, LICENCE};
use crate::report::progress;

const DAY_MS: i64 = 24 * 3_600_000;
/// When the copies were last active: milliseconds before now, the youngest and the oldest.
pub(crate) type Ages = (i64, i64);

/// Too old to be looked at.
const ASLEEP: Ages = (38 * DAY_MS, 330 * DAY_MS);
/// Open: the team may answer any of them.
pub(crate) const AWAKE: Ages = (60_000, 29 * DAY_MS);
/// The copies' conversations are numbered from here in their integer ids, far from what the sidecar gives itself.
const FIRST: i64 = 1_000;

/// The conversation whose rows are copied; no measurement speaks in it.
const TEMPLATE: usize = 1_000_000_000;

/// Which kind of id is made of a number.
#[derive(Debug, Clone, Copy)]
enum Id {
    Root = 1,
    Post = 2,
    Event = 3,
}

/// The store, made when it is first asked for. Removed when dropped.
#[derive(Debug)]
pub(crate) struct Mapped {
    conversations: u32,
    made: OnceCell<Made>,
}

#[derive(Debug)]
struct Made {
    folder: TempDir,
    file: PathBuf,
}

impl Mapped {
    pub(crate) fn of(conversations: u32) -> Self {
        Self {
            conversations,
            made: OnceCell::new(),
        }
    }

    pub(crate) const fn conversations(&self) -> u32 {
        self.conversations
    }

    /// A copy of it in this folder, for one sidecar.
    pub(crate) async fn copy(&self, folder: &Path) -> Result<PathBuf, Failure> {
        let made = self.made.get_or_try_init(|| self.make()).await?;
        let copy = folder.join("mapped.db");
        std::fs::copy(&made.file, &copy)?;
        Ok(copy)
    }

    async fn make(&self) -> Result<Made, Failure> {
        let folder = tempfile::tempdir()?;
        let file = folder.path().join("mapped.db");
        let mattermost = Mattermost::start().await?;
        let at = |settings: Settings| at(settings, &file);
        let mut desk = Desk::start(&mattermost.url(), &mattermost.furnish(), at).await?;
        desk.open(TEMPLATE..TEMPLATE + 1).await?;
        desk.sidecar.stop(Duration::from_secs(20)).await?;
        progress(&format!(
            "  writing a store of {} conversations",
            self.conversations
        ));
        let copies = i64::from(self.conversations);
        let path = file.clone();
        tokio::task::spawn_blocking(move || multiply(&path, copies, ASLEEP)).await??;
        progress(&format!(
            "  it has {} bytes",
            std::fs::metadata(&file)?.len()
        ));
        Ok(Made { folder, file })
    }
}

impl Drop for Made {
    fn drop(&mut self) {
        progress(&format!("  removing {}", self.folder.path().display()));
    }
}

/// The settings with their store in this file.
pub(crate) fn at(settings: Settings, file: &Path) -> Settings {
    settings.set("store.url", format!("sqlite:{}", file.display()))
}

/// Copies the only conversation of a store that nobody has open.
pub(crate) fn multiply(file: &Path, copies: i64, ages: Ages) -> Result<(), Failure> {
    let mut connection = Connection::open(file)?;
    // Nothing here has to survive a power cut.
    connection.execute_batch(
        "PRAGMA journal_mode = DELETE; PRAGMA synchronous = OFF; PRAGMA cache_size = -800000; PRAGMA foreign_keys = OFF;",
    )?;
    let transaction = connection.transaction()?;
    for (table, changed) in TABLES {
        copy_rows(&transaction, table, changed, copies, ages)?;
    }
    // What the sidecar counts on goes on behind the copies.
    for (key, by) in [
        (format!("number:{LICENCE}"), copies),
        ("seq".to_owned(), 2 * copies),
    ] {
        let counted = transaction.execute(
            "UPDATE meta SET value = value + ?2 WHERE key = ?1",
            (&key, by),
        )?;
        if counted != 1 {
            return Err(format!("the store has no counter `{key}`").into());
        }
    }
    // The first conversation may belong to a Mattermost that is gone: it is as old as the others.
    let old = now() - ages.0;
    transaction.execute(
        "UPDATE conversation SET active_at = MIN(active_at, ?1)",
        [old],
    )?;
    transaction.execute("UPDATE thread SET active_at = MIN(active_at, ?1)", [old])?;
    transaction.commit()?;
    connection.execute_batch("PRAGMA journal_mode = WAL")?;
    Ok(())
}

/// A column's value in the `n`-th copy.
type Column = (&'static str, fn(i64, Ages) -> Value);

/// What is different in each copy, by table. Parents before children.
const TABLES: [(&str, &[Column]); 6] = [
    (
        "name",
        &[
            ("id", number),
            ("key", |n, _| Value::Text(format!("c:mapped-{n}"))),
        ],
    ),
    ("lane", &[("id", number), ("name", number)]),
    (
        "conversation",
        &[
            ("name", number),
            ("number", |n, _| Value::Integer(n + 2)),
            ("root_id", root),
            ("last_create_at", active),
            ("active_at", active),
        ],
    ),
    (
        "thread",
        &[
            ("root_id", root),
            ("name", number),
            ("cursor_at", active),
            ("update_at", active),
            ("reply_count", |_, _| Value::Integer(0)),
            ("active_at", active),
        ],
    ),
    (
        "dedup",
        &[
            ("event_id", event),
            ("seq", |n, _| Value::Integer(2 * (n + 2))),
            ("post_id", post),
            ("root_id", root),
        ],
    ),
    (
        "post",
        &[
            ("post_id", post),
            ("name", number),
            ("root_id", root),
            ("message_id", event),
            ("create_at", active),
        ],
    ),
];

fn number(n: i64, _: Ages) -> Value {
    Value::Integer(FIRST + n)
}

fn root(n: i64, _: Ages) -> Value {
    Value::Text(id(Id::Root, n))
}

fn post(n: i64, _: Ages) -> Value {
    Value::Text(id(Id::Post, n))
}

fn event(n: i64, _: Ages) -> Value {
    Value::Text(id(Id::Event, n))
}

fn active(n: i64, ages: Ages) -> Value {
    Value::Integer(active_at(n, ages))
}

/// Spread over the time between, in no order: the newest row is not the youngest conversation. Counted from this hour.
fn active_at(n: i64, (youngest, oldest): Ages) -> i64 {
    const HOUR_MS: i64 = 3_600_000;
    let age = youngest
        + n.wrapping_mul(7_919)
            .rem_euclid((oldest - youngest) / 1_000)
            * 1_000;
    now() / HOUR_MS * HOUR_MS - age
}

fn now() -> i64 {
    Clock::start().now()
}

/// The same id for the same number, wherever it is used.
fn id(kind: Id, n: i64) -> String {
    Random::seeded(((kind as u64) << 56) ^ n.unsigned_abs().wrapping_mul(0x2545_f491_4f6c_dd1d))
        .id()
}

/// The roots of all threads of a store, with the time at which each last changed.
pub(crate) fn roots(file: &Path) -> Result<Vec<(String, i64)>, Failure> {
    let connection = Connection::open(file)?;
    let mut query = connection.prepare("SELECT root_id, update_at FROM thread")?;
    let rows = query.query_map([], |row| Ok((row.get(0)?, row.get(1)?)))?;
    Ok(rows.collect::<Result<_, _>>()?)
}

fn copy_rows(
    connection: &Connection,
    table: &str,
    changed: &[Column],
    copies: i64,
    ages: Ages,
) -> Result<(), Failure> {
    let (columns, template) = first_row(connection, table)?;
    let mut places = Vec::with_capacity(changed.len());
    for (name, value) in changed {
        let place = columns.iter().position(|column| column == name);
        places.push((
            place.ok_or_else(|| format!("table `{table}` has no column `{name}`"))?,
            value,
        ));
    }
    let marks = vec!["?"; columns.len()].join(", ");
    let mut insert = connection.prepare(&format!(
        "INSERT INTO {table} ({}) VALUES ({marks})",
        columns.join(", ")
    ))?;
    let mut row = template;
    for n in 0..copies {
        for (place, value) in &places {
            row[*place] = value(n, ages);
        }
        insert.execute(params_from_iter(&row))?;
    }
    Ok(())
}

fn first_row(connection: &Connection, table: &str) -> Result<(Vec<String>, Vec<Value>), Failure> {
    let mut query = connection.prepare(&format!("SELECT * FROM {table} LIMIT 1"))?;
    let columns: Vec<String> = query.column_names().map(str::to_owned).collect();
    let count = columns.len();
    let row = query.query_row([], |row| {
        (0..count)
            .map(|at| row.get(at))
            .collect::<Result<Vec<Value>, _>>()
    })?;
    Ok((columns, row))
}
