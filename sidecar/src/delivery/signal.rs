//! Signals: that somebody types. One try, of use for ten seconds, never stored.

use std::future::Future;

use tokio::sync::mpsc;
use tokio_util::sync::CancellationToken;

use crate::{
    clock::Clock,
    record::{Mapping, Signal},
    store::Store,
};

/// Passes signs of typing on to the thread of their conversation, until cancelled. A conversation without one has nobody to tell.
pub async fn run<F: Future<Output = ()> + Send>(
    mut signals: mpsc::Receiver<Signal>,
    store: Store,
    clock: Clock,
    show: impl Fn(Mapping) -> F,
    cancel: CancellationToken,
) {
    while let Some(Some(signal)) = cancel.run_until_cancelled(signals.recv()).await {
        if clock.now() > signal.until {
            continue;
        }
        match store
            .mapping_of(&signal.licence, &signal.conversation)
            .await
        {
            Ok(Some(mapping)) => show(mapping).await,
            Ok(None) => {}
            Err(error) => tracing::debug!(error = %error, "a sign of typing was dropped"),
        }
    }
}
