//! Waiting for what has no bell: asked again until the answer is there.

use std::time::Duration;

use tokio::time::{Instant, sleep};

/// How often whoever cannot call us is asked.
const AGAIN: Duration = Duration::from_millis(40);

/// Asks until there is an answer.
///
/// # Panics
/// With what was waited for, when there is none within `patience`.
pub(crate) async fn asked<T>(
    what: &str,
    patience: Duration,
    mut ask: impl AsyncFnMut() -> Result<T, String>,
) -> T {
    let end = Instant::now() + patience;
    loop {
        match ask().await {
            Ok(found) => return found,
            Err(seen) if Instant::now() > end => {
                panic!(
                    "waited {} s in vain until {what}\n{seen}",
                    patience.as_secs()
                )
            }
            Err(_) => sleep(AGAIN).await,
        }
    }
}
