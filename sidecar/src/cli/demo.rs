//! `demo`: both directions, with simulators of Mattermost and i-Reserve.

use clap::Args;

use super::Failure;

#[derive(Debug, Args)]
pub(super) struct Options {
    /// Port of the page that shows both sides; without it a free one, which is printed.
    #[arg(long, value_name = "N")]
    pub(super) port: Option<u16>,
    /// Plays one conversation, prints it, and ends well only if every message arrived on the other side.
    #[arg(long)]
    pub(super) once: bool,
}

pub(super) fn run(options: &Options) -> Result<(), Failure> {
    let what = if options.once {
        "one conversation"
    } else {
        "a page"
    };
    let port = options.port.unwrap_or(0);
    Err(Failure::Said(format!(
        "the demonstration ({what}, port {port}) is not part of this build"
    )))
}
