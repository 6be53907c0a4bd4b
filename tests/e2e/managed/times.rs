//! How long each step took, for whoever reads the run.

use std::fmt::Write as _;
use std::time::Duration;

use tokio::time::Instant;

#[derive(Debug)]
pub(crate) struct Times {
    since: Instant,
    all: Vec<(&'static str, Duration)>,
}

impl Times {
    pub(crate) fn start() -> Self {
        Self {
            since: Instant::now(),
            all: Vec::new(),
        }
    }

    /// What comes now is measured from here.
    pub(crate) fn go(&mut self) {
        self.since = Instant::now();
    }

    /// This has just been reached.
    pub(crate) fn note(&mut self, step: &'static str) {
        self.all.push((step, self.since.elapsed()));
        self.go();
    }

    #[expect(clippy::print_stderr, reason = "the run is watched for these figures")]
    pub(crate) fn print(&self) {
        let mut told = String::new();
        for (step, took) in &self.all {
            let _ = writeln!(told, "  {:>7} ms  {step}", took.as_millis());
        }
        eprintln!("how long it took:\n{told}");
    }
}
