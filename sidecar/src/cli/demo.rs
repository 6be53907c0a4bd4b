//! `demo`: a visitor's chat, this program at work and the team's thread, with simulators of Mattermost and i-Reserve.
//!
//! The simulators know no sidecar, so they are handed a way to start one. Each life of it has a thread and a runtime of its own:
//! dropping that runtime drops every task where it stands, which is as near to `kill -9` as one process can come to itself.
//! What a kill leaves to the next life is thus what a real one leaves: a store without a clean stop, and heads in doubt.

use std::{io, time::Duration};

use clap::Args;
use simulators::demo::{self, Act, Ending, Life, Start, StartError, Step, Work};
use tokio::sync::{broadcast, mpsc, oneshot};
use tokio_util::sync::CancellationToken;

use super::{Failure, runtime, say, serve::start_logging};
use crate::{
    app::App,
    clock::Clock,
    config::{Config, Format, Level, Log, Mistakes, Settings},
    delivery::poster::{How, Progress, What},
    record, telemetry,
};

/// What still runs when the demonstration is over gets this long.
const LAST_MOMENT: Duration = Duration::from_secs(2);
/// Steps that an onlooker may lag behind.
const STEPS: usize = 1_024;

#[derive(Debug, Args)]
pub(super) struct Options {
    /// Port of the page that shows both sides; without it a free one, which is printed.
    #[arg(long, value_name = "N")]
    port: Option<u16>,
    /// Plays one conversation, prints it, and ends well only if every message arrived on the other side.
    #[arg(long)]
    once: bool,
}

pub(super) fn run(options: &Options) -> Result<(), Failure> {
    // An outage is part of the play, and no news for whoever looks on.
    let log = Log {
        level: Level::Error,
        format: Format::Auto,
    };
    start_logging(log, &Clock::system())?;
    let start = Start::new(|settings| Box::pin(live(settings)));
    let runtime = runtime()?;
    let shown = runtime.block_on(async {
        if !options.once {
            return demo::page(start, options.port.unwrap_or(0), stopped(), say)
                .await
                .map_err(|error| Failure::said(&error));
        }
        tokio::select! {
            played = demo::once(start, say) => played.map_err(|error| Failure::said(&error)),
            () = stopped() => Err(Failure::Said("stopped before its end".to_owned())),
        }
    });
    runtime.shutdown_timeout(LAST_MOMENT);
    shown
}

/// Starts one life and waits until it listens.
async fn live(settings: String) -> Result<Life, StartError> {
    let settings = Settings::from_toml(&settings);
    let config = settings
        .resolve()
        .map_err(|Mistakes(mistakes)| {
            let mistakes: Vec<String> = mistakes.iter().map(ToString::to_string).collect();
            StartError(mistakes.join("; "))
        })?
        .config;
    let failed = |error: io::Error| StartError(error.to_string());
    let runtime = tokio::runtime::Builder::new_current_thread()
        .enable_all()
        .build()
        .map_err(failed)?;
    let (tell, told) = oneshot::channel();
    let (end, ending) = oneshot::channel();
    let (has_ended, ended) = oneshot::channel();
    std::thread::Builder::new()
        .name("sidecar".to_owned())
        .spawn(move || {
            runtime.block_on(work(&settings, &config, tell, ending));
            drop(runtime);
            // Nobody waits when the demonstration itself is over.
            let _ = has_ended.send(());
        })
        .map_err(failed)?;
    let (address, steps) = told
        .await
        .map_err(|_| StartError("it ended before it began".to_owned()))??;
    Ok(Life {
        address,
        steps,
        end,
        ended,
    })
}

type Begun = Result<(std::net::SocketAddr, mpsc::Receiver<Step>), StartError>;

/// From the start to an end in order, or to the moment of a kill.
async fn work(
    settings: &Settings,
    config: &Config,
    tell: oneshot::Sender<Begun>,
    ending: oneshot::Receiver<Ending>,
) {
    let app = match Box::pin(App::start(settings, config, Clock::system())).await {
        Ok(app) => app,
        Err(error) => {
            let _ = tell.send(Err(StartError(telemetry::chain(&error).to_string())));
            return;
        }
    };
    let (steps, seen) = mpsc::channel(STEPS);
    let progress = app.progress();
    if tell.send(Ok((app.public(), seen))).is_err() {
        return;
    }
    let stop = CancellationToken::new();
    let running = app.run(stop.clone());
    let watching = relay(progress, steps);
    let killed = async {
        match ending.await {
            Ok(Ending::Stop) => {
                stop.cancel();
                std::future::pending().await
            }
            Ok(Ending::Kill) | Err(_) => {}
        }
    };
    tokio::select! {
        ended = running => if let Err(error) = ended {
            tracing::error!(error = %telemetry::chain(&error), "the sidecar ended");
        },
        () = watching => {}
        () = killed => {}
    }
}

/// Tells what happens for as long as there is a sidecar; whoever is too slow misses something.
async fn relay(mut progress: broadcast::Receiver<Progress>, steps: mpsc::Sender<Step>) {
    loop {
        match progress.recv().await {
            // Nobody looks on any more: the work goes on.
            Ok(progress) => drop(steps.send(step(progress)).await),
            Err(broadcast::error::RecvError::Lagged(_)) => {}
            Err(broadcast::error::RecvError::Closed) => std::future::pending().await,
        }
    }
}

fn step(progress: Progress) -> Step {
    let work = match progress.what {
        What::Tried { step, attempt } => Work::Tried {
            act: match progress.lane.direction {
                record::Direction::ChatToThread => act(step),
                record::Direction::ThreadToChat => Act::Reply,
            },
            attempt,
        },
        What::Delivered { after } => Work::Delivered { after },
        What::Failed { how, reason } => Work::Failed {
            how: outcome(how),
            reason,
        },
        What::Parked { reason } => Work::Parked { reason },
    };
    Step {
        event: progress.event.to_string(),
        work,
    }
}

const fn act(step: record::Step) -> Act {
    match step {
        record::Step::Root(generation) => Act::Card(generation),
        record::Step::Part(part) => Act::Part(part),
        record::Step::Withdrawn => Act::Withdrawn,
        record::Step::Parked => Act::Placeholder,
        record::Step::Change => Act::Change,
    }
}

const fn outcome(how: How) -> demo::How {
    match how {
        How::NotSent => demo::How::NotSent,
        How::InDoubt => demo::How::InDoubt,
        How::Paused => demo::How::Paused,
        How::Blocked => demo::How::Blocked,
        How::Refused => demo::How::Refused,
    }
}

/// Until somebody wants an end. Without signals: until the process is ended.
async fn stopped() {
    if let Err(error) = super::serve::signalled().await {
        tracing::error!(error = %error, "signals cannot be heard");
        std::future::pending::<()>().await;
    }
}
