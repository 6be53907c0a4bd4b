//! Figures of the whole sidecar: the release executable, driven from outside as its users drive it.
//!
//! Each subject sets up what it needs, measures, and hands back lines for one table. Nothing is judged here: a goal stands beside
//! what was measured, because a machine that is busy with something else says nothing about the sidecar. What each figure means
//! and how it is taken: `docs/performance.md`. Called by `scripts/bench`.

use std::process::ExitCode;

mod accept;
mod attachment;
mod desk;
mod direct;
mod flat;
mod latency;
mod line;
mod load;
mod machine;
mod mapped;
mod memory;
mod open;
mod options;
mod posting;
mod process;
mod replies;
mod report;
mod stood;
mod talk;
mod tally;

use mapped::Mapped;
use options::{Options, Subject};
use report::Report;

/// Whatever keeps a figure from being taken. The only caller is a person, who reads it.
pub(crate) type Failure = Box<dyn std::error::Error + Send + Sync>;

#[tokio::main]
#[expect(
    clippy::print_stderr,
    reason = "what went wrong is for the person who measures"
)]
async fn main() -> ExitCode {
    let options = match Options::of(std::env::args().skip(1)) {
        Ok(options) => options,
        Err(wrong) => {
            eprintln!("{wrong}");
            return ExitCode::from(64);
        }
    };
    match measured(&options).await {
        Ok(()) => ExitCode::SUCCESS,
        Err(failure) => {
            eprintln!("no figure: {}", chain(&*failure));
            ExitCode::FAILURE
        }
    }
}

/// Takes every figure that was asked for. A subject that fails ends the run: the figures before it stand already.
async fn measured(options: &Options) -> Result<(), Failure> {
    let mut report = Report::begin(machine::described()?);
    let mapped = Mapped::of(options.mapped());
    for subject in &options.subjects {
        report.section(subject.name());
        let figures = match subject {
            Subject::Accept => accept::figures(options).await,
            Subject::Posting => posting::figures(options).await,
            Subject::Latency => latency::figures(options).await,
            Subject::Replies => replies::figures(options).await,
            Subject::Open => open::figures(options).await,
            Subject::Memory => memory::figures(options, &mapped).await,
            Subject::Flat => flat::figures(options, &mapped).await,
            Subject::Attachment => attachment::figures(options).await,
        };
        report.add(figures?);
    }
    report.end(machine::load()?);
    Ok(())
}

fn chain(failure: &dyn std::error::Error) -> String {
    let mut text = failure.to_string();
    let mut source = failure.source();
    while let Some(cause) = source {
        text = format!("{text}: {cause}");
        source = cause.source();
    }
    text
}
