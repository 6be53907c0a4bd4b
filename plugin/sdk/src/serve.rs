//! The life of a plugin process, in order: cookie, socket, line, session, hooks, goodbye.
//!
//! It ends when the server says `Quit` (and is answered), when the connection ends (a server that was killed says nothing), or
//! with SIGTERM. SIGINT is ignored: at a terminal it also reaches the server, which says goodbye itself.

use std::process::ExitCode;
use std::sync::Arc;
use std::time::Duration;

use tokio::io::{AsyncRead, AsyncWrite};
use tokio::net::UnixStream;
use tokio::signal::unix::{SignalKind, signal};
use tokio::sync::watch;
use tokio::task::JoinSet;
use tokio::time::timeout;
use tracing::Level;
use yamux::{Config, Side};

use crate::api::Api;
use crate::broker::Broker;
use crate::control;
use crate::error::Error;
use crate::handshake;
use crate::hooks::Hooks;
use crate::hooks::service::HookService;
use crate::log::{self, Lines};
use crate::rpc;

/// How long the last bytes may take. The server kills the process 2 s after its `Quit` was answered.
const GOODBYE: Duration = Duration::from_millis(500);

/// Runs a plugin until the server ends it. To be called first thing in `main`: the server waits 3 s for the handshake.
///
/// `tracing` events go to the server's log, unless a subscriber was set before; such a subscriber must not write to standard
/// output, nor JSON to standard error.
pub fn serve<H: Hooks>(hooks: H) -> ExitCode {
    let connection = match handshake::shake() {
        Ok(connection) => connection,
        Err(error) => {
            log::say_plainly(&chain(&error));
            return ExitCode::FAILURE;
        }
    };
    log::guard_panics();
    let (subscriber, lines) = log::channel();
    // An author who has set one already wants that one.
    let _ = tracing::subscriber::set_global_default(subscriber);
    let runtime = tokio::runtime::Builder::new_multi_thread()
        .worker_threads(H::THREADS.max(1))
        .enable_all()
        .build();
    let lived = runtime.map_err(Error::from).and_then(|runtime| {
        let lived = runtime.block_on(live(connection, hooks, lines));
        runtime.shutdown_timeout(GOODBYE);
        lived
    });
    match lived {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            log::say(Level::ERROR, &format!("the plugin ends: {}", chain(&error)));
            ExitCode::FAILURE
        }
    }
}

async fn live<H: Hooks>(
    connection: std::os::unix::net::UnixStream,
    hooks: H,
    lines: Lines,
) -> Result<(), Error> {
    connection.set_nonblocking(true)?;
    let connection = UnixStream::from_std(connection)?;
    let mut terminate = signal(SignalKind::terminate())?;
    let _interrupt = signal(SignalKind::interrupt())?;
    tokio::select! {
        ended = run(connection, hooks, Some(lines)) => ended,
        _ = terminate.recv() => Ok(()),
    }
}

/// Runs a plugin on a connection that exists already, until the server says goodbye. For tests and for hosts of another kind.
///
/// # Errors
///
/// The connection ended without goodbye.
pub async fn serve_connection<T, H>(connection: T, hooks: H) -> Result<(), Error>
where
    T: AsyncRead + AsyncWrite + Unpin + Send + 'static,
    H: Hooks,
{
    run(connection, hooks, None).await
}

async fn run<T, H>(connection: T, hooks: H, lines: Option<Lines>) -> Result<(), Error>
where
    T: AsyncRead + AsyncWrite + Unpin + Send + 'static,
    H: Hooks,
{
    // The server pings us; the end of the connection tells the rest, as both ends live on one machine.
    let config = Config {
        keep_alive: None,
        ..Config::default()
    };
    let (opener, mut acceptor, driver) = yamux::connect(connection, Side::Server, config);
    let mut session = JoinSet::new();
    session.spawn(driver.run());

    let mut accept = async || {
        acceptor
            .accept()
            .await
            .map_err(|error| Error::Gone(Some(std::io::Error::other(error))))
    };
    let control = accept().await?;
    // What is written to these two appears in the server's log. Nothing is; but they stay open, as the server expects.
    let _output = (accept().await?, accept().await?);

    let broker = Arc::new(Broker::new(opener.clone()));
    let (api, active) = watch::channel::<Option<Api>>(None);
    let service = Arc::new(HookService::new(hooks, Arc::clone(&broker), api));
    let mut tasks = JoinSet::new();
    tasks.spawn(Arc::clone(&broker).run(acceptor));
    if let Some(lines) = lines {
        tasks.spawn(lines.deliver(active));
    }
    let ended = control::serve(control, || {
        let number = broker.next_number();
        let (broker, service) = (Arc::clone(&broker), Arc::clone(&service));
        tasks.spawn(async move {
            let served = match broker.accept(number).await {
                Ok(stream) => rpc::server::serve(stream, service).await,
                Err(error) => Err(error),
            };
            match served {
                // The end of the connection is reported once, by the process.
                Ok(()) | Err(Error::Gone(_)) => {}
                Err(error) => {
                    tracing::error!(error = %chain(&error), "the hooks are not served any more")
                }
            }
        });
        number
    });
    let ended = ended.await;
    // The server closes the connection after its goodbye; if we did, it would log that its last frames were not sent.
    if timeout(GOODBYE, session.join_next()).await.is_err() {
        opener.close();
        // A connection that cannot be flushed is closed all the same.
        let _ = timeout(GOODBYE, session.join_next()).await;
    }
    ended
}

/// An error with its causes.
fn chain(error: &dyn std::error::Error) -> String {
    let causes = std::iter::successors(error.source(), |cause| cause.source());
    causes.fold(error.to_string(), |text, cause| format!("{text}: {cause}"))
}
