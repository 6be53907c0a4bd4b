//! `ireserve-sidecar`: the service and its tools.

use std::{env, ffi::OsString, process::ExitCode};

use sidecar::cli::{self, Ended, Start};

fn main() -> ExitCode {
    let text = |text: OsString| text.to_string_lossy().into_owned();
    let environment = env::vars_os()
        .map(|(name, value)| (text(name), text(value)))
        .collect();
    cli::run(env::args_os(), environment, serve)
}

async fn serve(start: Start) -> Ended {
    let config = &start.resolved.config;
    Ok(sidecar::app::serve(&start.settings, config, start.clock, start.stop).await?)
}
