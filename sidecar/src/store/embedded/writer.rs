//! One thread owns a connection; callers send it jobs. For writes it takes whatever is queued into one transaction: one sync,
//! then all answers (group commit).
//!
//! An answer is given after its commit and never before. A job that fails alone is undone by its savepoint. A commit that
//! fails because the disk is full is undone and answered as unavailable; any other failed commit means that the state of the
//! file is unknown, so the thread ends and says so through `broken`: never sync the same file again hoping for better.

use std::sync::{Arc, mpsc};

use rusqlite::{Connection, ErrorCode};
use tokio::sync::{oneshot, watch};

use super::files;
use crate::store::StoreError;

/// At most so many jobs share one sync.
const BATCH: usize = 256;

/// Counts that would be slow to ask for, kept by the thread that changes them.
pub(super) type Counters = super::counters::Counters;

type Answer = Box<dyn FnOnce(Result<(), StoreError>) + Send>;
type Job = Box<dyn FnOnce(&Connection, &mut Counters) -> Answer + Send>;

/// The way to a thread that owns a connection, or (in tests with paused time) the connection itself.
#[derive(Clone)]
pub(super) struct Worker {
    kind: Kind,
    broken: watch::Sender<Option<String>>,
}

#[derive(Clone)]
enum Kind {
    Thread(mpsc::Sender<Job>),
    /// A plain mutex: held for the length of one job, never across an await.
    Inline(Arc<std::sync::Mutex<(Connection, Counters)>>),
}

impl std::fmt::Debug for Worker {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Worker").finish_non_exhaustive()
    }
}

/// Whether the jobs of a thread change anything.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(super) enum Access {
    Write,
    Read,
}

impl Worker {
    /// Starts the thread. It ends when the last handle is dropped.
    pub(super) fn spawn(
        connection: Connection,
        counters: Counters,
        access: Access,
    ) -> std::io::Result<Self> {
        let (jobs, queue) = mpsc::channel();
        let (broken, _) = watch::channel(None);
        let report = broken.clone();
        let name = if access == Access::Write {
            "store-writer"
        } else {
            "store-reader"
        };
        std::thread::Builder::new()
            .name(name.into())
            .spawn(move || run(connection, counters, access, &queue, &report))?;
        Ok(Self {
            kind: Kind::Thread(jobs),
            broken,
        })
    }

    /// Runs each job in the caller, each in its own transaction.
    pub(super) fn inline(connection: Connection, counters: Counters) -> Self {
        let (broken, _) = watch::channel(None);
        Self {
            kind: Kind::Inline(Arc::new(std::sync::Mutex::new((connection, counters)))),
            broken,
        }
    }

    /// Runs one job and answers once its effect is durable.
    pub(super) async fn run<T: Send + 'static>(
        &self,
        job: impl FnOnce(&Connection, &mut Counters) -> Result<T, StoreError> + Send + 'static,
    ) -> Result<T, StoreError> {
        let (tell, told) = oneshot::channel();
        let job: Job = Box::new(move |connection, counters| {
            let result = job(connection, counters);
            Box::new(move |committed| {
                // A caller that left has no use for the answer; the effect stands all the same.
                drop(tell.send(committed.and(result)));
            })
        });
        match &self.kind {
            Kind::Thread(jobs) => jobs.send(job).map_err(|_| gone())?,
            Kind::Inline(shared) => {
                let mut shared = shared.lock().map_err(|_| gone())?;
                let (connection, counters) = &mut *shared;
                batch(connection, counters, vec![job])?;
            }
        }
        told.await.map_err(|_| gone())?
    }

    pub(super) async fn broken(&self) -> String {
        let mut broken = self.broken.subscribe();
        let reason = broken.wait_for(Option::is_some).await;
        let reason = reason.ok().and_then(|reason| reason.clone());
        match reason {
            Some(reason) => reason,
            None => std::future::pending().await,
        }
    }
}

fn gone() -> StoreError {
    StoreError::Unavailable {
        reason: "its thread has ended".into(),
    }
}

fn run(
    connection: Connection,
    mut counters: Counters,
    access: Access,
    queue: &mpsc::Receiver<Job>,
    broken: &watch::Sender<Option<String>>,
) {
    while let Ok(first) = queue.recv() {
        if access == Access::Read {
            first(&connection, &mut counters)(Ok(()));
            continue;
        }
        let jobs = std::iter::once(first)
            .chain(queue.try_iter().take(BATCH - 1))
            .collect();
        if let Err(error) = batch(&connection, &mut counters, jobs) {
            broken.send_replace(Some(error.to_string()));
            return;
        }
    }
}

/// Runs the jobs in one transaction and answers them after its commit.
///
/// # Errors
/// When the file can no longer be trusted; nothing of the batch was acknowledged.
fn batch(
    connection: &Connection,
    counters: &mut Counters,
    jobs: Vec<Job>,
) -> Result<(), StoreError> {
    let before = counters.clone();
    if let Err(error) = say(connection, "BEGIN IMMEDIATE") {
        for job in jobs {
            drop(job);
        }
        return undone(&error);
    }
    let answers: Vec<Answer> = jobs
        .into_iter()
        .map(|job| job(connection, counters))
        .collect();
    match say(connection, "COMMIT") {
        Ok(()) => {
            files::remove(counters.take_erased());
            answers.into_iter().for_each(|answer| answer(Ok(())));
            Ok(())
        }
        Err(error) => {
            *counters = before;
            // After some failures SQLite has rolled back by itself; then this is an error and changes nothing.
            drop(connection.execute_batch("ROLLBACK"));
            for answer in answers {
                answer(Err(StoreError::Unavailable {
                    reason: error.to_string(),
                }));
            }
            undone(&error)
        }
    }
}

/// A full disk or a busy file is undone cleanly; after anything else nobody knows what the file holds.
fn undone(error: &rusqlite::Error) -> Result<(), StoreError> {
    match error.sqlite_error_code() {
        Some(ErrorCode::DiskFull | ErrorCode::DatabaseBusy | ErrorCode::DatabaseLocked) => Ok(()),
        _ => Err(StoreError::Unavailable {
            reason: format!("a write was not kept: {error}"),
        }),
    }
}

/// Runs `work` in a savepoint, so that a job that fails alone leaves nothing behind.
pub(super) fn alone<T>(
    connection: &Connection,
    work: impl FnOnce(&Connection) -> Result<T, StoreError>,
) -> Result<T, StoreError> {
    say(connection, "SAVEPOINT job")?;
    match work(connection) {
        Ok(value) => {
            say(connection, "RELEASE job")?;
            Ok(value)
        }
        Err(error) => {
            connection.execute_batch("ROLLBACK TO job; RELEASE job")?;
            Err(error)
        }
    }
}

/// One word of a transaction, parsed once.
fn say(connection: &Connection, word: &str) -> rusqlite::Result<()> {
    connection.prepare_cached(word)?.execute([]).map(|_| ())
}

impl From<rusqlite::Error> for StoreError {
    fn from(error: rusqlite::Error) -> Self {
        match error {
            rusqlite::Error::FromSqlConversionFailure(..)
            | rusqlite::Error::InvalidColumnType(..) => Self::Damaged(error.to_string()),
            other => Self::Unavailable {
                reason: other.to_string(),
            },
        }
    }
}
