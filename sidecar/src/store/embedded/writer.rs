//! One thread owns a connection; callers send it jobs. For writes it takes whatever is queued into one transaction: one sync,
//! then all answers (group commit). Jobs that can wait are given a moment for others to come; one that cannot takes them with it.
//!
//! An answer is given after its commit and never before. A job that fails alone is undone by its savepoint. A commit that
//! fails because the disk is full is undone and answered as unavailable; any other failed commit means that the state of the
//! file is unknown, so the thread ends and says so through `broken`: never sync the same file again hoping for better.

use std::{
    sync::{Arc, mpsc},
    time::{Duration, Instant},
};

use rusqlite::{Connection, ErrorCode};
use tokio::sync::{oneshot, watch};

use super::files;
use crate::store::StoreError;

/// At most so many jobs share one sync.
const BATCH: usize = 256;
/// So long jobs that can wait do so. Measured against a real server on the same two cores: syncs and the pages of commits were a
/// quarter of what a reply costs us, and are shared by several replies then.
const GATHER: Duration = Duration::from_millis(30);

/// Counts that would be slow to ask for, kept by the thread that changes them.
pub(super) type Counters = super::counters::Counters;

type Answer = Box<dyn FnOnce(Result<(), StoreError>) + Send>;
type Work = Box<dyn FnOnce(&Connection, &mut Counters) -> Answer + Send>;

/// Whether somebody waits for the answer of a job, or it may wait for others to share its sync.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Haste {
    Now,
    CanWait,
}

struct Job {
    haste: Haste,
    work: Work,
}

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
        self.run_with(Haste::Now, job).await
    }

    /// The same, where the answer may take [`GATHER`] longer.
    pub(super) async fn run_with<T: Send + 'static>(
        &self,
        haste: Haste,
        job: impl FnOnce(&Connection, &mut Counters) -> Result<T, StoreError> + Send + 'static,
    ) -> Result<T, StoreError> {
        let (tell, told) = oneshot::channel();
        let work: Work = Box::new(move |connection, counters| {
            let result = job(connection, counters);
            Box::new(move |committed| {
                // A caller that left has no use for the answer; the effect stands all the same.
                drop(tell.send(committed.and(result)));
            })
        });
        let job = Job { haste, work };
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
            (first.work)(&connection, &mut counters)(Ok(()));
            continue;
        }
        if let Err(error) = batch(&connection, &mut counters, gather(first, queue)) {
            broken.send_replace(Some(error.to_string()));
            return;
        }
    }
}

/// What shares a transaction with the first job.
#[expect(
    clippy::disallowed_methods,
    reason = "a thread of its own waits here, and no clock of the runtime reaches it"
)]
fn gather(first: Job, queue: &mpsc::Receiver<Job>) -> Vec<Job> {
    let until = Instant::now() + GATHER;
    let mut jobs = vec![first];
    while jobs.len() < BATCH && jobs.iter().all(|job| job.haste == Haste::CanWait) {
        match queue.recv_timeout(until.saturating_duration_since(Instant::now())) {
            Ok(job) => jobs.push(job),
            // The time is over, or nobody is left who could send more.
            Err(_) => break,
        }
    }
    let more = BATCH - jobs.len();
    jobs.extend(queue.try_iter().take(more));
    jobs
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
        .map(|job| (job.work)(connection, counters))
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

#[cfg(test)]
mod tests {
    use super::*;

    fn job(haste: Haste) -> Job {
        let work: Work = Box::new(|_, _| Box::new(|_| {}));
        Job { haste, work }
    }

    fn gathered(first: Haste, queued: &[Haste]) -> usize {
        let (jobs, queue) = mpsc::channel();
        for haste in queued {
            jobs.send(job(*haste)).unwrap();
        }
        gather(job(first), &queue).len()
    }

    #[test]
    fn a_job_in_haste_takes_with_it_what_is_queued() {
        assert_eq!(gathered(Haste::Now, &[]), 1);
        assert_eq!(gathered(Haste::Now, &[Haste::CanWait, Haste::Now]), 3);
    }

    #[test]
    fn jobs_that_can_wait_go_with_the_first_that_cannot() {
        let queued = [Haste::CanWait, Haste::Now, Haste::CanWait];
        assert_eq!(gathered(Haste::CanWait, &queued), 4);
    }

    #[test]
    fn jobs_that_can_wait_go_by_themselves_after_a_moment() {
        // The sender stands, so more could come: only the time ends the wait.
        let (jobs, queue) = mpsc::channel();
        jobs.send(job(Haste::CanWait)).unwrap();
        assert_eq!(gather(job(Haste::CanWait), &queue).len(), 2);
    }

    #[test]
    fn no_more_jobs_share_a_sync_than_its_bound() {
        assert_eq!(gathered(Haste::CanWait, &[Haste::CanWait; 300]), BATCH);
        assert_eq!(gathered(Haste::Now, &[Haste::CanWait; 300]), BATCH);
    }
}
