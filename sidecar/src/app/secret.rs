//! The secret behind file links and buttons: from the settings, or made once and kept in the store, so that replicas share it.

use std::sync::Arc;

use secrecy::ExposeSecret;

use super::AppError;
use crate::{auth::link::LinkKey, clock::Clock, config::Config, store::Store};

/// Where it is kept.
const NAME: &str = "server.secret";

/// # Errors
/// When the store does not say, or does not confirm.
pub(super) async fn links(
    config: &Config,
    store: &Store,
    clock: &Clock,
) -> Result<Arc<LinkKey>, AppError> {
    if let Some(secret) = &config.server.secret {
        return Ok(Arc::new(LinkKey::new(secret.expose_secret())));
    }
    let kept = match store.kept(NAME).await? {
        Some(kept) => kept,
        None => made(store, clock).await?,
    };
    Ok(Arc::new(LinkKey::new(kept.as_bytes())))
}

/// Another replica may be first: then its secret counts.
async fn made(store: &Store, clock: &Clock) -> Result<String, AppError> {
    let bytes: [u8; 32] = clock.random();
    let text = bytes
        .iter()
        .map(|byte| format!("{byte:02x}"))
        .collect::<String>();
    if store.keep(NAME, &text, None).await? {
        return Ok(text);
    }
    Ok(store.kept(NAME).await?.unwrap_or(text))
}
