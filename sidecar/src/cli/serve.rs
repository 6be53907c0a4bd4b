//! `serve`: from settings to a running service, and from a signal or a let-go leash to its end.

use std::{
    error::Error,
    io::{self, BufRead, Read},
    sync::Arc,
    time::Duration,
};

use tokio_util::sync::CancellationToken;
use tracing::level_filters::LevelFilter;

use super::{Failure, resolve, runtime};
use crate::{
    clock::Clock,
    config::{Format, Level, Log, Resolved, Settings},
    telemetry::{self, Form},
};

/// A first line of `--managed` has a few hundred bytes; more is a peer that will never end.
const MOST_LINE_BYTES: u64 = 1024 * 1024;
/// What still runs on a plain thread when the service has ended gets this long.
const LAST_MOMENT: Duration = Duration::from_millis(1_500);
/// The plugin waits 7 s for all of us.
const LAST_MOMENT_MANAGED: Duration = Duration::from_millis(400);

/// What a service starts from.
#[derive(Debug)]
pub struct Start {
    /// To be resolved again when the plugin's or people's settings change.
    pub settings: Settings,
    pub resolved: Resolved,
    pub clock: Clock,
    /// Cancelled by SIGTERM or SIGINT, and when managed by the end of standard input.
    pub stop: CancellationToken,
}

/// How a service ended.
pub type Ended = Result<(), Box<dyn Error + Send + Sync>>;

pub(super) fn run(
    settings: Settings,
    managed: bool,
    serve: impl AsyncFnOnce(Start) -> Ended,
) -> Result<(), Failure> {
    let settings = if managed {
        let line = first_line(&mut io::stdin().lock()).map_err(|error| Failure::said(&error))?;
        settings.managed(&line)
    } else {
        settings
    };
    let clock = Clock::system();
    let resolved = match resolve(&settings) {
        Err(Failure::Configuration(mistakes)) if managed => return Err(logged(&mistakes, &clock)),
        resolved => resolved?,
    };
    start_logging(resolved.config.log, &clock)?;
    for warning in &resolved.warnings {
        tracing::warn!(setting.key = warning.key, "config: {warning}");
    }
    let stop = CancellationToken::new();
    if managed {
        cancel_at_end_of_input(stop.clone())?;
    }
    let start = Start {
        settings,
        resolved,
        clock,
        stop: stop.clone(),
    };
    let runtime = runtime()?;
    let ended = runtime.block_on(async {
        tokio::select! {
            ended = serve(start) => ended,
            failed = cancel_at_signal(stop) => Err(failed.into()),
        }
    });
    runtime.shutdown_timeout(if managed {
        LAST_MOMENT_MANAGED
    } else {
        LAST_MOMENT
    });
    ended.map_err(|error| {
        let error = telemetry::chain(&*error).to_string();
        tracing::error!(error, "the service ended: {error}");
        Failure::Reported(super::FAILED)
    })
}

pub(super) fn start_logging(log: Log, clock: &Clock) -> Result<(), Failure> {
    let level = match log.level {
        Level::Error => LevelFilter::ERROR,
        Level::Warn => LevelFilter::WARN,
        Level::Info => LevelFilter::INFO,
        Level::Debug => LevelFilter::DEBUG,
        Level::Trace => LevelFilter::TRACE,
    };
    let form = match log.format {
        Format::Auto => Form::Auto,
        Format::Text => Form::Text,
        Format::Json => Form::Json,
    };
    let clock = clock.clone();
    telemetry::init(level, form, Arc::new(move || clock.now()))
        .map_err(|error| Failure::said(&error))
}

/// The plugin passes our log on, and nothing else that we say.
fn logged(mistakes: &[crate::config::Mistake], clock: &Clock) -> Failure {
    let log = Log {
        level: Level::Info,
        format: Format::Json,
    };
    if let Err(failure) = start_logging(log, clock) {
        return failure;
    }
    for mistake in mistakes {
        tracing::error!(setting.key = mistake.key, "config: {mistake}");
    }
    Failure::Reported(super::WRONG_CONFIGURATION)
}

fn first_line(input: &mut impl BufRead) -> io::Result<String> {
    let mut line = String::new();
    input.take(MOST_LINE_BYTES).read_line(&mut line)?;
    Ok(line)
}

/// The leash: whoever started us holds the other end, and its death lets go too.
fn cancel_at_end_of_input(stop: CancellationToken) -> Result<(), Failure> {
    let wait = move || {
        let mut ignored = [0; 4096];
        while matches!(io::stdin().lock().read(&mut ignored), Ok(1..)) {}
        stop.cancel();
    };
    std::thread::Builder::new()
        .name("leash".to_owned())
        .spawn(wait)
        .map(drop)
        .map_err(|error| Failure::Said(format!("no thread can be started: {error}")))
}

/// Cancels at the first signal and then waits for ever: how long an orderly end may take is the service's business. It only returns when
/// signals cannot be listened to.
async fn cancel_at_signal(stop: CancellationToken) -> io::Error {
    if let Err(error) = signalled().await {
        return error;
    }
    tracing::info!("told to stop");
    stop.cancel();
    std::future::pending().await
}

#[cfg(unix)]
pub(super) async fn signalled() -> io::Result<()> {
    use tokio::signal::unix::{SignalKind, signal};
    let mut terminate = signal(SignalKind::terminate())?;
    let mut interrupt = signal(SignalKind::interrupt())?;
    tokio::select! {
        _ = terminate.recv() => {}
        _ = interrupt.recv() => {}
    }
    Ok(())
}

#[cfg(not(unix))]
pub(super) async fn signalled() -> io::Result<()> {
    tokio::signal::ctrl_c().await
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_first_line_is_read_and_no_more() {
        let mut input = io::Cursor::new(b"{\"a\":1}\nrest".to_vec());
        assert_eq!(first_line(&mut input).unwrap(), "{\"a\":1}\n");
        assert_eq!(input.position(), 8);
    }
}
