//! The sidecar's process: started, held on its leash, read, started again.
//!
//! It gets an empty environment (the server's holds its database password), streams and a working directory of its own, and one line on
//! standard input: store and pairing secret. The rest of that stream is the leash: when it ends, also because we died, the sidecar
//! drains and stops. Its standard error is read line by line and said again through the server's log, never copied: one JSON line of
//! the wrong shape there brings down the server. A child that held our own standard error would block our deactivation.

mod launch;
mod log;

use std::{path::PathBuf, sync::Arc, time::Duration};

use shared::pairing::Hidden;
use tokio::{
    sync::{mpsc, watch},
    time::{Instant, sleep, timeout},
};
use tokio_util::sync::CancellationToken;

use crate::{
    http::Base,
    sidecar::{Door, Paired, Why, new_secret},
};
use launch::Running;

/// Mattermost allows 10 s at its shutdown; the sidecar needs at most 6.
const LAST_MOMENT: Duration = Duration::from_secs(7);
const FIRST_PAUSE: Duration = Duration::from_secs(1);
const LONGEST_PAUSE: Duration = Duration::from_secs(60);
/// Whoever ran this long starts again from the first pause.
const HEALTHY: Duration = Duration::from_secs(60);

/// What to do.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Plan {
    Nothing(Why),
    External { base: Base, secret: Hidden },
    Managed(Managed),
}

/// A sidecar of our own.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Managed {
    pub(crate) program: PathBuf,
    /// Its working directory, 0700, made when it is not there.
    pub(crate) directory: PathBuf,
    /// May hold a password.
    pub(crate) store_url: Hidden,
}

/// Carries out the latest plan until it is told to stop, and says where the sidecar is.
#[derive(Debug)]
pub(crate) struct Supervisor {
    pub(crate) plan: watch::Receiver<Plan>,
    pub(crate) door: watch::Sender<Door>,
    pub(crate) stop: CancellationToken,
    /// Gets the number of each start that follows an unexpected end.
    pub(crate) restarts: mpsc::Sender<u32>,
}

/// What ended a sidecar's run.
enum Ended {
    Told,
    Itself(String),
}

impl Supervisor {
    pub(crate) async fn run(mut self) {
        loop {
            let plan = self.plan.borrow_and_update().clone();
            match plan {
                Plan::Nothing(why) => {
                    tracing::warn!("no sidecar is started: {why:?}");
                    self.door.send_replace(Door::Shut(why));
                    self.told().await;
                }
                Plan::External { base, secret } => {
                    tracing::info!("the sidecar is an external one at {base}");
                    self.door
                        .send_replace(Door::Open(Arc::new(Paired { base, secret })));
                    self.told().await;
                }
                Plan::Managed(managed) => self.keep(&managed).await,
            }
            if self.stop.is_cancelled() {
                return;
            }
        }
    }

    /// Returns when there is another plan, or none any more.
    async fn told(&mut self) {
        tokio::select! {
            () = self.stop.cancelled() => {}
            changed = self.plan.changed() => if changed.is_err() {
                self.stop.cancelled().await;
            },
        }
    }

    /// Keeps one sidecar running until told otherwise.
    async fn keep(&mut self, managed: &Managed) {
        let (mut pause, mut attempt) = (FIRST_PAUSE, 0);
        loop {
            self.door.send_replace(Door::Shut(Why::NotYet));
            let started = Instant::now();
            let why = match self.once(managed).await {
                Ok(Ended::Told) => return,
                Ok(Ended::Itself(reason)) => Why::Stopped(reason),
                Err(why) => why,
            };
            if started.elapsed() >= HEALTHY {
                (pause, attempt) = (FIRST_PAUSE, 0);
            }
            attempt += 1;
            tracing::error!(
                attempt,
                "the sidecar is not running and is started again in {} s: {why:?}",
                pause.as_secs()
            );
            self.door.send_replace(Door::Shut(why));
            // Whoever tells people may be behind; the next attempt has a number again.
            let _ = self.restarts.try_send(attempt);
            tokio::select! {
                () = sleep(pause) => {}
                () = self.told() => return,
            }
            pause = (pause * 2).min(LONGEST_PAUSE);
        }
    }

    async fn once(&mut self, managed: &Managed) -> Result<Ended, Why> {
        let secret = new_secret().map_err(|error| Why::Stopped(error.to_string()))?;
        let mut running = Running::start(managed, &secret).await?;
        loop {
            tokio::select! {
                heard = running.next() => match heard {
                    launch::Heard::Listening(base) => {
                        tracing::info!("the sidecar listens at {base}");
                        let paired = Paired { base, secret: secret.clone() };
                        self.door.send_replace(Door::Open(Arc::new(paired)));
                    }
                    launch::Heard::Ended(reason) => return Ok(Ended::Itself(reason)),
                },
                () = self.told() => {
                    self.door.send_replace(Door::Shut(Why::NotYet));
                    stop(running).await;
                    return Ok(Ended::Told);
                }
            }
        }
    }
}

/// Lets go of the leash, and kills whoever does not go.
async fn stop(mut running: Running) {
    running.let_go();
    let ended = async { while !matches!(running.next().await, launch::Heard::Ended(_)) {} };
    if timeout(LAST_MOMENT, ended).await.is_err() {
        tracing::warn!(
            "the sidecar did not stop within {} s and is killed",
            LAST_MOMENT.as_secs()
        );
        running.kill().await;
    }
}
