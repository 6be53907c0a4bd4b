//! The composition root: builds everything, owns every task, and knows the start and the stop order. The only module that sees
//! all rooms.
//!
//! Start: open the store and assert its settings, take the lease (everything in flight before is doubtful now), accept, claim.
//! Stop: not ready, no new claims and no new connections, what is in flight ends or stays doubtful, the lease is given back, the
//! store notes a clean stop.

mod alarm;
mod back;
mod build;
mod configure;
mod door;
mod ends;
mod upkeep;
mod watch;

use std::net::SocketAddr;

use tokio::sync::broadcast;
use tokio_util::{sync::CancellationToken, task::TaskTracker};

use crate::{
    clock::Clock,
    config::{Config, Settings},
    delivery::poster::Progress,
    http::{Listener, Readiness, Server},
    record::Fence,
    store::{OpenError, RedisOpenError, Store, StoreError},
};

use ends::Ends;

/// Why the service did not start, or did not end well.
#[derive(Debug, thiserror::Error)]
pub enum AppError {
    #[error("the store cannot be opened")]
    Store(#[from] OpenError),
    #[error("the store cannot be used")]
    Redis(#[from] RedisOpenError),
    #[error("the store does not answer")]
    Unanswered(#[from] StoreError),
    #[error("cannot listen on {address} (`{key}`)")]
    Listen {
        key: &'static str,
        address: SocketAddr,
        source: std::io::Error,
    },
    #[error("the HTTP client cannot be built")]
    Client(#[from] crate::client::BuildError),
    #[error("`attachments.fetch_hosts` of licence {licence} cannot be used")]
    Hosts {
        licence: shared::LicenceId,
        source: crate::client::vet::PatternError,
    },
    #[error("`plugin.pairing_secret` cannot be used")]
    Pairing(#[from] crate::licence::KeyError),
    /// Nothing of what was not confirmed may be believed: stop, restart, recover.
    #[error("the store can no longer be trusted: {0}")]
    Broken(String),
}

/// A service that listens and works.
#[derive(Debug)]
pub struct App {
    public: SocketAddr,
    admin: SocketAddr,
    store: Store,
    lease: crate::delivery::lease::Watch,
    readiness: tokio::sync::watch::Sender<Readiness>,
    progress: broadcast::Sender<Progress>,
    /// Ends everything that takes in or begins something.
    begin: CancellationToken,
    /// Ends what watches and tidies up.
    upkeep: CancellationToken,
    tasks: TaskTracker,
    in_flight: TaskTracker,
    ends: Ends,
}

impl App {
    /// Builds everything and starts to work; when this returns, requests are answered. `config` is what `settings` resolve to; they are
    /// resolved again when the plugin or people say something new.
    ///
    /// # Errors
    /// [`AppError`], each with what to do.
    pub async fn start(
        settings: &Settings,
        config: &Config,
        clock: Clock,
    ) -> Result<Self, AppError> {
        build::app(settings, config, clock).await
    }

    /// Where events come in: a real port also where 0 was asked for.
    #[must_use]
    pub const fn public(&self) -> SocketAddr {
        self.public
    }

    #[must_use]
    pub const fn admin(&self) -> SocketAddr {
        self.admin
    }

    /// What happens in the lanes from now on, for whoever looks on. Who is too slow misses something.
    #[must_use]
    pub fn progress(&self) -> broadcast::Receiver<Progress> {
        self.progress.subscribe()
    }

    /// Works until `stop`, then ends in order.
    ///
    /// # Errors
    /// When the store can no longer be trusted.
    pub async fn run(self, stop: CancellationToken) -> Result<(), AppError> {
        let broken = tokio::select! {
            () = stop.cancelled() => None,
            reason = self.store.broken() => Some(reason),
        };
        match broken {
            Some(reason) => Err(AppError::Broken(reason)),
            None => {
                self.end().await;
                Ok(())
            }
        }
    }

    async fn end(self) {
        tracing::info!("stopping");
        self.readiness.send_replace(Readiness::Draining);
        self.begin.cancel();
        self.in_flight.close();
        if tokio::time::timeout(self.ends.in_flight, self.in_flight.wait())
            .await
            .is_err()
        {
            tracing::warn!(
                deliveries.in_flight = self.in_flight.len(),
                "{} deliveries did not end in time; they are looked at before they are tried again",
                self.in_flight.len()
            );
        }
        self.upkeep.cancel();
        self.tasks.close();
        // The listeners drain within their own limit, counted from the same moment.
        if tokio::time::timeout(self.ends.rest, self.tasks.wait())
            .await
            .is_err()
        {
            tracing::warn!("some tasks did not end in time");
        }
        let fence = self.lease.borrow().map(|held| held.fence);
        if tokio::time::timeout(self.ends.store, self.give_back(fence))
            .await
            .is_err()
        {
            tracing::warn!("the store did not confirm the end in time");
        }
    }

    async fn give_back(&self, fence: Option<Fence>) {
        if let Some(fence) = fence
            && let Err(error) = self.store.release(fence).await
        {
            tracing::warn!(error = %error, "the lanes could not be given back");
        }
        match self.store.stop().await {
            Ok(()) => tracing::info!("stopped"),
            Err(error) => tracing::warn!(error = %error, "the store could not note a clean stop"),
        }
    }
}

/// Starts, announces, works until `stop`, and ends in order.
///
/// # Errors
/// [`AppError`]
pub async fn serve(
    settings: &Settings,
    config: &Config,
    clock: Clock,
    stop: CancellationToken,
) -> Result<(), AppError> {
    let app = Box::pin(App::start(settings, config, clock)).await?;
    tracing::info!("listening on {} (admin {})", app.public(), app.admin());
    app.run(stop).await
}

/// Serves one listener as a task with an owner.
fn listen(tasks: &TaskTracker, server: Server, listener: Listener, stop: &CancellationToken) {
    tasks.spawn(server.serve(listener, stop.clone()));
}
