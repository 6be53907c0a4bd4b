//! The command line: what was asked for, done by the rooms below, and an exit status that says how it went.
//!
//! | status | means |
//! |---|---|
//! | 0 | fine |
//! | 1 | something failed |
//! | 2 | wrong use of the command |
//! | 64 | wrong configuration; every mistake was printed |
//!
//! What a command produces goes to standard output, what went wrong to standard error. Everything printed here is for whoever operates the
//! sidecar; secrets are printed only by `token`, whose whole purpose that is.

mod check;
#[cfg(feature = "demo")]
mod demo;
mod failed;
mod serve;
mod trial;

use std::{ffi::OsString, io::Write, path::PathBuf, process::ExitCode};

use clap::{Args, Parser, Subcommand};

use crate::{
    auth::token,
    config::{Mistake, Mistakes, Resolved, Settings},
};

pub use serve::{Ended, Start};

const FAILED: u8 = 1;
const WRONG_CONFIGURATION: u8 = 64;

/// Joins i-Reserve's web chat with Mattermost.
#[derive(Debug, Parser)]
#[command(name = "ireserve-sidecar", version)]
struct Arguments {
    #[command(subcommand)]
    command: Command,
}

#[derive(Debug, Subcommand)]
enum Command {
    /// Runs the service until it is told to stop.
    Serve {
        #[command(flatten)]
        settings: Source,
        /// Started by the plugin: settings come as one line of JSON on standard input, whose end means stop.
        #[arg(long)]
        managed: bool,
    },
    /// Shows both directions with simulators of Mattermost and i-Reserve, in a temporary directory.
    #[cfg(feature = "demo")]
    Demo(demo::Options),
    /// Prints a token that i-Reserve could use, or a new licence key.
    Token(trial::TokenOptions),
    /// Signs and posts example events.
    Send(trial::SendOptions),
    /// Tries everything that a working installation needs, and says what to mend.
    Check(check::Options),
    /// Parked deliveries of a running sidecar: list them, retry them, drop them.
    #[command(subcommand)]
    Failed(failed::Failed),
    /// Prints the settings that count, where they come from, and every mistake.
    Config {
        #[command(flatten)]
        settings: Source,
    },
}

/// Where settings come from besides the environment.
#[derive(Debug, Args)]
struct Source {
    /// A TOML file; without it the environment alone counts.
    #[arg(long = "config", value_name = "FILE")]
    file: Option<PathBuf>,
}

/// The environment, as whoever started us left it.
pub type Environment = Vec<(String, String)>;

/// Does what the arguments ask for. `serve` is the service itself: it runs until [`Start::stop`] is cancelled and everything is put away.
pub fn run(
    arguments: impl IntoIterator<Item = OsString>,
    environment: Environment,
    serve: impl AsyncFnOnce(Start) -> Ended,
) -> ExitCode {
    let arguments = match Arguments::try_parse_from(arguments) {
        Ok(arguments) => arguments,
        Err(error) => {
            // A closed stream changes nothing about the status.
            let _ = error.print();
            return ExitCode::from(u8::try_from(error.exit_code()).unwrap_or(2));
        }
    };
    let done = match arguments.command {
        Command::Serve { settings, managed } => {
            serve::run(settings.gather(environment), managed, serve)
        }
        #[cfg(feature = "demo")]
        Command::Demo(options) => demo::run(&options),
        Command::Token(options) => trial::token(&options, environment),
        Command::Send(options) => trial::send(&options, environment),
        Command::Check(options) => check::run(&options, environment),
        Command::Failed(command) => failed::run(&command, environment),
        Command::Config { settings } => print_settings(&settings.gather(environment)),
    };
    match done {
        Ok(()) => ExitCode::SUCCESS,
        Err(Failure::Configuration(mistakes)) => {
            for mistake in mistakes {
                complain(&format!("config: {mistake}"));
            }
            ExitCode::from(WRONG_CONFIGURATION)
        }
        Err(Failure::Reported(status)) => ExitCode::from(status),
        Err(Failure::Said(text)) => {
            complain(&text);
            ExitCode::from(FAILED)
        }
    }
}

/// Why a command did not do what it was asked for.
#[derive(Debug)]
enum Failure {
    /// Every mistake is printed; status 64.
    Configuration(Vec<Mistake>),
    /// All was said; only the status is left.
    Reported(u8),
    /// One sentence; status 1.
    Said(String),
}

impl Failure {
    fn said(error: &dyn std::error::Error) -> Self {
        Self::Said(crate::telemetry::chain(error).to_string())
    }
}

impl Source {
    fn gather(&self, environment: Environment) -> Settings {
        Settings::gather(self.file.as_deref(), environment)
    }
}

/// Settings that are right, keys included: whether a public key can verify at all is only seen by trying.
fn resolve(settings: &Settings) -> Result<Resolved, Failure> {
    let resolved = settings
        .resolve()
        .map_err(|Mistakes(mistakes)| Failure::Configuration(mistakes))?;
    let unusable = unusable_keys(&resolved);
    if unusable.is_empty() {
        Ok(resolved)
    } else {
        Err(Failure::Configuration(unusable))
    }
}

fn unusable_keys(resolved: &Resolved) -> Vec<Mistake> {
    let mut mistakes = Vec::new();
    for licence in &resolved.config.licences {
        for (number, key) in licence.keys.iter().enumerate() {
            if !token::is_usable(key) {
                mistakes.push(Mistake {
                    key: format!("licence.{}.keys.{number}.public_key", licence.id),
                    origin: None,
                    detail: "is no point of its curve".to_owned(),
                    fix: "give the public half as `openssl pkey -pubout` writes it".to_owned(),
                });
            }
        }
    }
    mistakes
}

/// One setting per line, then warnings, then mistakes: all of it is what was asked for.
fn print_settings(settings: &Settings) -> Result<(), Failure> {
    let (effective, mut mistakes, warnings) = settings.report();
    for setting in effective {
        say(&setting.to_string());
    }
    for warning in warnings {
        say(&format!("# warning: {warning}"));
    }
    if let Ok(resolved) = settings.resolve() {
        mistakes.extend(unusable_keys(&resolved));
    }
    for mistake in &mistakes {
        say(&format!("# mistake: {mistake}"));
    }
    if mistakes.is_empty() {
        Ok(())
    } else {
        Err(Failure::Reported(WRONG_CONFIGURATION))
    }
}

/// To standard output. Whoever reads only the first lines closes it early, which is no failure.
fn say(line: &str) {
    let _ = writeln!(std::io::stdout(), "{line}");
}

fn complain(line: &str) {
    let _ = writeln!(std::io::stderr(), "{line}");
}

/// The one runtime of the process. Two workers carry far more than one Mattermost takes.
fn runtime() -> Result<tokio::runtime::Runtime, Failure> {
    tokio::runtime::Builder::new_multi_thread()
        .worker_threads(2)
        .max_blocking_threads(8)
        .enable_all()
        .build()
        .map_err(|error| Failure::Said(format!("the runtime cannot start: {error}")))
}
