//! The embedded store: SQLite beside the sidecar, for one process.
//!
//! One thread writes (`writer`), one reads. Opened with WAL and `synchronous=FULL`, every pragma read back and asserted,
//! because a setting that silently did not take is a lost message at the next power cut. An exclusive lock file keeps a second
//! sidecar out. Files that came inside requests lie beside the database, one each, under random names.

mod accept;
mod claim;
mod counters;
mod files;
mod finish;
mod keep;
mod parked;
mod pulled;
mod read;
mod rows;
mod threads;
mod touch;
mod writer;

use std::{
    fs::{File, OpenOptions},
    os::unix::fs::{DirBuilderExt as _, OpenOptionsExt as _, PermissionsExt as _},
    path::{Path, PathBuf},
    sync::{Arc, atomic::AtomicBool},
    time::Duration,
};

use rusqlite::{Connection, OpenFlags, config::DbConfig};
use shared::Timestamp;

use self::{
    counters::Counters,
    writer::{Access, Worker},
};
use super::StoreError;

/// How the embedded store is opened.
#[derive(Debug, Clone)]
pub struct EmbeddedSettings {
    /// The database file; its folder is made when missing.
    pub path: PathBuf,
    /// How long event ids are remembered.
    pub remember: Duration,
    /// How long to wait for a predecessor that is still stopping.
    pub wait_for_lock: Duration,
}

/// SQLite, for one process. Cheap to clone.
#[derive(Debug, Clone)]
pub struct Embedded {
    writer: Worker,
    reader: Worker,
    folder: Arc<Path>,
    remember: Duration,
    /// Whether the last claim left lanes behind that are due.
    crowded: Arc<AtomicBool>,
    /// Held as long as any handle lives.
    _lock: Arc<Option<File>>,
}

/// Why the store cannot be opened.
#[derive(Debug, thiserror::Error)]
pub enum OpenError {
    #[error("the folder {} of the store cannot be made", .0.display())]
    Folder(PathBuf, #[source] std::io::Error),
    #[error("{} is held by another sidecar: one process only uses an embedded store (stop the other one, or use Redis)", .0.display())]
    Locked(PathBuf),
    #[error("the lock file {} cannot be used", .0.display())]
    Lock(PathBuf, #[source] std::io::Error),
    #[error("{} lies on a network file system ({kind}), where SQLite can lose what it promised: use a local disk or Redis", folder.display())]
    Network { folder: PathBuf, kind: &'static str },
    #[error("SQLite {0} is older than 3.51.3, which repairs a loss of commits")]
    Library(String),
    #[error("the database cannot be opened")]
    Database(#[from] rusqlite::Error),
    #[error("the database does not keep `{name}`: asked for {asked}, it says {says}")]
    Pragma {
        name: &'static str,
        asked: String,
        says: String,
    },
    #[error(
        "the database was written by a later build (schema {found}, this build knows {known}): install that build again"
    )]
    Newer { found: i64, known: i64 },
    #[error("the store's thread cannot be started")]
    Thread(#[source] std::io::Error),
    #[error("the database cannot be read")]
    Read(#[source] StoreError),
}

/// Raised when the tables change.
const SCHEMA: i64 = 1;
/// What every connection must say of itself.
const PRAGMAS: [(&str, &str, &str); 6] = [
    ("journal_mode", "wal", "wal"),
    ("synchronous", "FULL", "2"),
    ("foreign_keys", "ON", "1"),
    ("cell_size_check", "ON", "1"),
    ("secure_delete", "ON", "1"),
    // What a savepoint would restore stays in memory: else each batch of some size makes and removes a file for it.
    ("temp_store", "MEMORY", "2"),
];
/// More than we have, on either connection.
const STATEMENTS: usize = 128;

impl Embedded {
    /// Opens or makes the database and its threads.
    ///
    /// # Errors
    /// [`OpenError`], each with what to do.
    pub async fn open(settings: &EmbeddedSettings) -> Result<Self, OpenError> {
        let folder = folder_of(&settings.path);
        make_private_folder(&folder)?;
        refuse_network(&folder)?;
        let lock = lock(
            &settings.path.with_extension("lock"),
            settings.wait_for_lock,
        )
        .await?;
        let mut connection = connect(&settings.path)?;
        assert_library()?;
        configure(&connection)?;
        prepare_schema(&mut connection)?;
        files::make_folder(&folder).map_err(|error| OpenError::Folder(folder.clone(), error))?;
        let counters = Counters::read(&connection).map_err(OpenError::Read)?;
        let reading = connect_to_read(&settings.path)?;
        Ok(Self {
            writer: Worker::spawn(connection, counters, Access::Write)
                .map_err(OpenError::Thread)?,
            reader: Worker::spawn(reading, Counters::default(), Access::Read)
                .map_err(OpenError::Thread)?,
            folder: folder.into(),
            remember: settings.remember,
            crowded: Arc::default(),
            _lock: Arc::new(Some(lock)),
        })
    }

    /// A store in memory whose jobs run in their caller, for tests with paused time. Nothing survives it.
    ///
    /// # Errors
    /// When SQLite cannot make it.
    pub fn in_memory(folder: &Path, remember: Duration) -> Result<Self, OpenError> {
        let mut connection = Connection::open_in_memory()?;
        prepare_schema(&mut connection)?;
        connection.execute_batch("PRAGMA foreign_keys = ON")?;
        files::make_folder(folder).map_err(|error| OpenError::Folder(folder.to_owned(), error))?;
        let writer = Worker::inline(connection, Counters::default());
        Ok(Self {
            reader: writer.clone(),
            writer,
            folder: folder.into(),
            remember,
            crowded: Arc::default(),
            _lock: Arc::new(None),
        })
    }

    pub(super) async fn broken(&self) -> String {
        self.writer.broken().await
    }

    /// One process uses it, so nobody else can ring.
    pub(super) async fn rung(&self) {
        std::future::pending().await
    }

    fn expires(&self, from: Timestamp) -> i64 {
        (from + self.remember).as_millis()
    }
}

fn folder_of(path: &Path) -> PathBuf {
    match path.parent() {
        Some(parent) if !parent.as_os_str().is_empty() => parent.to_owned(),
        _ => PathBuf::from("."),
    }
}

/// Messages lie in it, so nobody else may look.
fn make_private_folder(folder: &Path) -> Result<(), OpenError> {
    if folder.is_dir() {
        return Ok(());
    }
    std::fs::DirBuilder::new()
        .recursive(true)
        .mode(0o700)
        .create(folder)
        .map_err(|error| OpenError::Folder(folder.to_owned(), error))
}

/// File systems whose locks and syncs SQLite cannot rely on, by the numbers of statfs(2).
fn refuse_network(folder: &Path) -> Result<(), OpenError> {
    const NETWORK: [(i64, &str); 6] = [
        (0x6969, "nfs"),
        (0xFF53_4D42, "cifs"),
        (0xFE53_4D42, "smb2"),
        (0x517B, "smb"),
        (0x0102_1997, "9p"),
        (0x00C3_6400, "ceph"),
    ];
    const TMPFS: i64 = 0x0102_1994;
    let Ok(found) = rustix::fs::statfs(folder) else {
        return Ok(());
    };
    let kind = found.f_type;
    if let Some((_, name)) = NETWORK.into_iter().find(|(number, _)| *number == kind) {
        return Err(OpenError::Network {
            folder: folder.to_owned(),
            kind: name,
        });
    }
    if kind == TMPFS {
        tracing::warn!(store.folder = %folder.display(), "the store lies in memory (tmpfs): a restart of this machine empties it");
    }
    Ok(())
}

/// Waits a while for a predecessor, since a managed one may still be stopping.
async fn lock(path: &Path, wait: Duration) -> Result<File, OpenError> {
    let failed = |error| OpenError::Lock(path.to_owned(), error);
    let file = OpenOptions::new()
        .create(true)
        .truncate(false)
        .write(true)
        .mode(0o600)
        .open(path)
        .map_err(failed)?;
    let end = tokio::time::Instant::now() + wait;
    loop {
        match file.try_lock() {
            Ok(()) => return Ok(file),
            Err(std::fs::TryLockError::Error(error)) => return Err(failed(error)),
            Err(std::fs::TryLockError::WouldBlock) if tokio::time::Instant::now() >= end => {
                return Err(OpenError::Locked(path.to_owned()));
            }
            Err(std::fs::TryLockError::WouldBlock) => {
                tokio::time::sleep(Duration::from_millis(50)).await
            }
        }
    }
}

fn connect(path: &Path) -> Result<Connection, OpenError> {
    let connection = Connection::open(path)?;
    let private = std::fs::Permissions::from_mode(0o600);
    std::fs::set_permissions(path, private)
        .map_err(|error| OpenError::Folder(path.to_owned(), error))?;
    Ok(connection)
}

fn connect_to_read(path: &Path) -> Result<Connection, OpenError> {
    let connection = Connection::open_with_flags(
        path,
        OpenFlags::SQLITE_OPEN_READ_ONLY | OpenFlags::SQLITE_OPEN_NO_MUTEX,
    )?;
    connection.busy_timeout(Duration::from_secs(5))?;
    keep_plans(&connection)?;
    Ok(connection)
}

/// Statements are planned once. Without the guarantee SQLite plans one anew whenever another value is bound where a plan could
/// depend on it (<https://sqlite.org/queryplanner-ng.html#qpsg>): a fifth of all our processor time.
fn keep_plans(connection: &Connection) -> rusqlite::Result<()> {
    connection.set_prepared_statement_cache_capacity(STATEMENTS);
    connection.set_db_config(DbConfig::SQLITE_DBCONFIG_ENABLE_QPSG, true)?;
    Ok(())
}

fn assert_library() -> Result<(), OpenError> {
    if rusqlite::version_number() < 3_051_003 {
        return Err(OpenError::Library(rusqlite::version().to_owned()));
    }
    Ok(())
}

fn configure(connection: &Connection) -> Result<(), OpenError> {
    keep_plans(connection)?;
    for (name, asked, wanted) in PRAGMAS {
        connection.execute_batch(&format!("PRAGMA {name} = {asked}"))?;
        let says: rusqlite::types::Value =
            connection.pragma_query_value(None, name, |row| row.get(0))?;
        let says = match says {
            rusqlite::types::Value::Text(text) => text,
            rusqlite::types::Value::Integer(number) => number.to_string(),
            other => format!("{other:?}"),
        };
        if says != wanted {
            return Err(OpenError::Pragma {
                name,
                asked: asked.into(),
                says,
            });
        }
    }
    connection
        .execute_batch("PRAGMA wal_autocheckpoint = 4000; PRAGMA journal_size_limit = 67108864;")?;
    Ok(())
}

fn prepare_schema(connection: &mut Connection) -> Result<(), OpenError> {
    let found: i64 = connection.pragma_query_value(None, "user_version", |row| row.get(0))?;
    match found {
        SCHEMA => Ok(()),
        0 => {
            let transaction = connection.transaction()?;
            transaction.execute_batch(include_str!("embedded/schema.sql"))?;
            transaction.pragma_update(None, "user_version", SCHEMA)?;
            Ok(transaction.commit()?)
        }
        found => Err(OpenError::Newer {
            found,
            known: SCHEMA,
        }),
    }
}
