//! The demonstration behind `ireserve-sidecar demo`: a visitor's chat, a sidecar at work, and the team's thread, in one process.
//!
//! The cast: [`stage`] holds the simulators, the sidecar's life and everything that people can do; [`story`] is what was said, what
//! the sidecar did with it and what was seen on the other side; [`script`] plays one conversation with everything that goes wrong;
//! [`verdict`] judges the end: every event stands once, in order, in the visitor's own words, and every
//! reply has reached the visitor. [`transcript`] prints it, [`page`]
//! shows it live.
//!
//! The sidecar is a guest here: this package does not know it, so whoever calls brings a way to start one ([`Start`]) and may end
//! its life without warning.

mod markdown;
mod page;
mod picture;
mod post;
mod script;
mod settings;
mod sidecar;
mod stage;
mod story;
mod transcript;
mod verdict;
mod view;
mod words;

use std::time::Duration;

pub use sidecar::{Act, Ending, How, Life, Start, StartError, Step, Work};

use crate::watched::Late;
use stage::Stage;

/// A whole performance ends within this time, or something hangs.
const LONGEST: Duration = Duration::from_secs(90);

/// Why a demonstration did not end well.
#[derive(Debug, thiserror::Error)]
pub enum DemoError {
    /// No port, no folder.
    #[error("the stage cannot be set")]
    Stage(#[from] std::io::Error),
    /// The page cannot be had there.
    #[error("port {port} of the loopback cannot be listened on")]
    Port {
        /// The one that was asked for.
        port: u16,
        /// The cause.
        source: std::io::Error,
    },
    /// The sidecar did not start.
    #[error("the sidecar does not start")]
    Sidecar(#[from] StartError),
    /// Something that had to happen did not.
    #[error(transparent)]
    Late(#[from] Late),
    /// The performance did not end.
    #[error("the conversation did not end within {} s", LONGEST.as_secs())]
    Endless,
    /// What stands in Mattermost is not what was said.
    #[error("what stands in Mattermost is not what was said:\n{}", .0.join("\n"))]
    Mistakes(Vec<String>),
}

/// Plays one conversation, tells each line of the transcript, and ends well only if every event stands once and in order.
///
/// # Errors
/// See [`DemoError`].
pub async fn once(start: Start, mut tell: impl FnMut(&str)) -> Result<(), DemoError> {
    let stage = Stage::open(start).await?;
    tell(transcript::OPENING);
    let played = {
        let performance = script::play(&stage, shared::Language::En, script::Pace::Brisk);
        let bounded = async {
            tokio::time::timeout(LONGEST, performance)
                .await
                .unwrap_or(Err(DemoError::Endless))
        };
        transcript::live(&stage, bounded, &mut tell).await
    };
    for line in transcript::whole(&stage.story(Clone::clone)) {
        tell(&line);
    }
    stage.close().await;
    played?;
    tell(transcript::FINE);
    Ok(())
}

/// Shows the page on this port of the loopback (0: a free one) until `stop` is over. The address is told once.
///
/// # Errors
/// See [`DemoError`].
pub async fn page(
    start: Start,
    port: u16,
    stop: impl Future<Output = ()>,
    mut tell: impl FnMut(&str),
) -> Result<(), DemoError> {
    let stage = Stage::open(start).await?;
    let page = page::Page::open(stage, port)
        .await
        .map_err(|source| DemoError::Port { port, source })?;
    tell(&format!("open http://{}/", page.address()));
    stop.await;
    page.close().await;
    Ok(())
}
