//! The other end of the pipe, for tests: a server that speaks the protocol and answers from a script.
//!
//! It starts a plugin on a connection in memory (or as a process of its own), activates it, calls its hooks and answers its calls. What is not scripted is
//! answered as an old server would: the method does not exist. Paused time works, for there is no socket.

mod launch;
mod request;
mod script;

use std::sync::Arc;

use gob::Gob;
use tokio::io::{AsyncRead, AsyncWrite, duplex};
use tokio::task::JoinSet;
use yamux::{Config, Opener, Side, Stream};

use crate::broker::Broker;
use crate::error::{Error, Failure};
use crate::hooks::service::OnActivateArgs;
use crate::hooks::{Context, Hooks};
use crate::model::{CommandArgs, CommandResponse};
use crate::rpc::client::Client;
use crate::rpc::letters::{One, Two};
use crate::rpc::server;
use crate::{AppError, serve_connection};
use launch::Process;
use script::Script;

/// Bytes between the ends that may be under way.
const PIPE: usize = 64 * 1024;

/// A server with one plugin.
#[derive(Debug)]
pub struct Host {
    opener: Opener,
    broker: Arc<Broker>,
    control: Client,
    hooks: Client,
    script: Arc<Script>,
    plugin: JoinSet<Result<(), Error>>,
    tasks: JoinSet<()>,
    /// The streams for a plugin's output.
    _output: (Stream, Stream),
    process: Option<Process>,
}

impl Host {
    /// Starts a plugin and asks for its hooks. It is not activated yet.
    ///
    /// # Panics
    ///
    /// If the plugin does not go through the start as every server expects it.
    pub async fn start<H: Hooks>(hooks: H) -> Self {
        let (ours, theirs) = duplex(PIPE);
        let mut plugin = JoinSet::new();
        plugin.spawn(serve_connection(theirs, hooks));
        Self::meet(ours, plugin).await.expect("the plugin starts")
    }

    /// Goes through the server's part of the start on a connection, for instance with a plugin that is a process of its own.
    ///
    /// # Errors
    ///
    /// The plugin did something else than what servers expect.
    pub async fn connect<T>(connection: T) -> Result<Self, Error>
    where
        T: AsyncRead + AsyncWrite + Unpin + Send + 'static,
    {
        Self::meet(connection, JoinSet::new()).await
    }

    async fn meet<T>(connection: T, plugin: JoinSet<Result<(), Error>>) -> Result<Self, Error>
    where
        T: AsyncRead + AsyncWrite + Unpin + Send + 'static,
    {
        let (opener, acceptor, driver) =
            yamux::connect(connection, Side::Client, Config::default());
        let mut tasks = JoinSet::new();
        tasks.spawn(async {
            // How the session ended is what the calls under way report.
            let _ = driver.run().await;
        });
        let control = Client::new(opener.open().await?);
        let output = (opener.open().await?, opener.open().await?);
        let broker = Arc::new(Broker::new(opener.clone()));
        tasks.spawn(Arc::clone(&broker).run(acceptor));
        let number: u32 = control
            .call("Dispenser.Dispense", &String::from("hooks"))
            .await?;
        let hooks = Client::new(broker.dial(number).await?);
        let script = Arc::new(Script::default());
        Ok(Self {
            opener,
            broker,
            control,
            hooks,
            script,
            plugin,
            tasks,
            _output: output,
            process: None,
        })
    }

    /// From now on the plugin's calls of this API method are answered by `respond`. Arguments and results are those of
    /// [`Api::call`](crate::Api::call).
    pub fn answer<A, R>(&self, method: &str, respond: impl Fn(A) -> R + Send + Sync + 'static)
    where
        A: Gob + 'static,
        R: Gob + Send + 'static,
    {
        self.script.answer(method, respond);
    }

    /// The API methods that the plugin has called so far, in order, with those that do not exist.
    #[must_use]
    pub fn calls(&self) -> Vec<String> {
        self.script.calls()
    }

    /// The hooks that the plugin implements.
    ///
    /// # Errors
    ///
    /// See [`Host::call`].
    pub async fn implemented(&self) -> Result<Vec<String>, Error> {
        self.call("Implemented", &()).await
    }

    /// Activates the plugin. The inner error is the plugin's own.
    ///
    /// # Errors
    ///
    /// See [`Host::call`].
    pub async fn activate(&mut self) -> Result<Result<(), Failure>, Error> {
        let (api, driver) = (self.broker.next_number(), self.broker.next_number());
        self.serve(api, Arc::clone(&self.script));
        self.serve(driver, Arc::new(Script::default()));
        let One { a }: One<Option<Failure>> = self
            .call("OnActivate", &OnActivateArgs { api, driver })
            .await?;
        Ok(a.map_or(Ok(()), Err))
    }

    fn serve<S: server::Service>(&mut self, number: u32, service: Arc<S>) {
        let broker = Arc::clone(&self.broker);
        self.tasks.spawn(async move {
            if let Ok(stream) = broker.accept(number).await {
                // The plugin's calls fail when this does.
                let _ = server::serve(stream, service).await;
            }
        });
    }

    /// Calls a hook by its name, with arguments as on the wire.
    ///
    /// # Errors
    ///
    /// The plugin has no such hook, refused the arguments, panicked, or is gone.
    pub async fn call<A: Gob, R: Gob + Send>(&self, hook: &str, arguments: &A) -> Result<R, Error> {
        self.hooks.call(&format!("Plugin.{hook}"), arguments).await
    }

    /// Lets a person use a command.
    ///
    /// # Errors
    ///
    /// See [`Host::call`]; [`Error::App`] is the plugin's own.
    pub async fn command(&self, args: CommandArgs) -> Result<CommandResponse, Error> {
        let arguments = Two {
            a: Context::default(),
            b: args,
        };
        let Two { a, b }: Two<Option<CommandResponse>, Option<AppError>> =
            self.call("ExecuteCommand", &arguments).await?;
        match b {
            Some(error) => Err(Error::App(error)),
            None => Ok(a.unwrap_or_default()),
        }
    }

    /// Lets something happen that a plugin only hears of: a hook with a context, one argument and no answer.
    ///
    /// # Errors
    ///
    /// See [`Host::call`].
    pub async fn tell<T: Gob + Default>(&self, hook: &str, about: T) -> Result<(), Error> {
        self.call(
            hook,
            &Two {
                a: Context::default(),
                b: about,
            },
        )
        .await
    }

    /// Asks whether the plugin is alive, as a server does every 30 s.
    ///
    /// # Errors
    ///
    /// It is not.
    pub async fn ping(&self) -> Result<(), Error> {
        self.control.call("Control.Ping", &true).await
    }

    /// Says goodbye, and waits for the end of a plugin that was started here.
    ///
    /// # Errors
    ///
    /// The plugin did not answer, or did not end in order and in time.
    pub async fn quit(mut self) -> Result<(), Error> {
        self.control.call::<_, ()>("Control.Quit", &true).await?;
        self.opener.close();
        if let Some(process) = self.process.take() {
            let status = process.end().await?;
            if !status.success() {
                return Err(Error::Refused {
                    method: "Control.Quit".into(),
                    reason: status.to_string(),
                });
            }
        }
        while let Some(ended) = self.plugin.join_next().await {
            ended.map_err(|panic| Error::Gone(Some(std::io::Error::other(panic))))??;
        }
        Ok(())
    }

    /// Disappears, as a server that is killed, and waits for the end of a plugin that was started here.
    ///
    /// # Errors
    ///
    /// What the plugin says to that.
    pub async fn vanish(mut self) -> Result<(), Error> {
        self.tasks.shutdown().await;
        if let Some(process) = self.process.take() {
            process.end().await?;
        }
        while let Some(ended) = self.plugin.join_next().await {
            ended.map_err(|panic| Error::Gone(Some(std::io::Error::other(panic))))??;
        }
        Ok(())
    }
}
