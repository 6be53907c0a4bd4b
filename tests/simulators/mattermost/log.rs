//! The request log: what came, when, and what was answered.

use std::collections::{BTreeMap, VecDeque};
use std::time::Duration;

/// How many requests the log keeps, against tests that run for hours. Counts go on.
const LENGTH: usize = 50_000;

/// One request as it was seen.
#[derive(Debug, Clone)]
pub struct Logged {
    /// Method and path with its variable parts named: `GET /posts/{id}`.
    pub call: &'static str,
    /// Path and query as they came, below `/api/v4`.
    pub path: String,
    /// Who asked; empty without a valid token.
    pub user_id: String,
    /// Since the server's start.
    pub at: Duration,
    /// Since the server's start; none while it runs, or when it was cut off.
    pub done: Option<Duration>,
    /// The status; none when there was no answer.
    pub status: Option<u16>,
    /// The error id of the answer; empty without one.
    pub error_id: String,
}

/// All requests since the start, the newest of them in full.
#[derive(Debug, Default)]
pub(super) struct Log {
    pub(super) requests: VecDeque<Logged>,
    pub(super) counts: BTreeMap<&'static str, u64>,
    begun: u64,
}

impl Log {
    /// Notes a request, and tells its number.
    pub(super) fn begin(
        &mut self,
        call: &'static str,
        path: String,
        user_id: String,
        at: Duration,
    ) -> u64 {
        *self.counts.entry(call).or_default() += 1;
        self.requests.push_back(Logged {
            call,
            path,
            user_id,
            at,
            done: None,
            status: None,
            error_id: String::new(),
        });
        if self.requests.len() > LENGTH {
            self.requests.pop_front();
        }
        self.begun += 1;
        self.begun
    }

    /// Notes what became of it; one that is no longer kept is only counted.
    pub(super) fn end(&mut self, number: u64, at: Duration, status: Option<u16>, error_id: String) {
        let from_end = usize::try_from(self.begun - number).unwrap_or(usize::MAX);
        let index = self
            .requests
            .len()
            .checked_sub(1)
            .and_then(|last| last.checked_sub(from_end));
        if let Some(logged) = index.and_then(|index| self.requests.get_mut(index)) {
            logged.done = Some(at);
            logged.status = status;
            logged.error_id = error_id;
        }
    }
}
