//! From a call on the wire to a method of [`Hooks`], and back.

use std::panic::AssertUnwindSafe;
use std::sync::{Arc, OnceLock};

use futures_util::FutureExt;
use gob::Gob;
use tokio::sync::watch;
use yamux::Stream;

use super::{Call, Context, Hook, Hooks};
use crate::api::Api;
use crate::broker::Broker;
use crate::error::{AppError, Failure};
use crate::http::{self, ServeHttpArgs};
use crate::model::{CommandArgs, CommandResponse, Post, Reaction};
use crate::rpc::letters::{One, Three, Two};
use crate::rpc::server::{Answer, Service, Work};

gob::record! {
    #[derive(Debug, Clone, Default, PartialEq)]
    pub(crate) struct OnActivateArgs as "Z_OnActivateArgs" {
        pub(crate) api: u32 as "APIMuxId",
        /// The database, for plugins written in Go. Mattermost 6 and newer.
        pub(crate) driver: u32 as "DriverMuxId",
    }
}

#[derive(Debug)]
pub(crate) struct HookService<H> {
    hooks: H,
    broker: Arc<Broker>,
    /// The way to the server, once it was activated; the log waits for it, too.
    api: watch::Sender<Option<Api>>,
    /// Never used. Left undialled, the server would wait for it and log that it was not.
    driver: OnceLock<Stream>,
}

impl<H: Hooks> HookService<H> {
    pub(crate) const fn new(
        hooks: H,
        broker: Arc<Broker>,
        api: watch::Sender<Option<Api>>,
    ) -> Self {
        Self {
            hooks,
            broker,
            api,
            driver: OnceLock::new(),
        }
    }

    async fn activate(&self, args: OnActivateArgs) -> Result<(), Failure> {
        let driver = async {
            if args.driver == 0 {
                None
            } else {
                self.broker.dial(args.driver).await.ok()
            }
        };
        let (api, driver) = tokio::join!(self.broker.dial(args.api), driver);
        let api = Api::new(api?);
        if let Some(driver) = driver {
            // A second activation would be the server's mistake; its stream is dropped.
            let _ = self.driver.set(driver);
        }
        self.api.send_replace(Some(api.clone()));
        self.hooks.on_activate(api).await
    }

    fn api(&self) -> Result<Api, String> {
        self.api
            .borrow()
            .clone()
            .ok_or_else(|| "plugin: not active yet".into())
    }

    fn call(&self, context: Context) -> Result<Call, String> {
        Ok(Call {
            api: self.api()?,
            context,
        })
    }
}

/// Answers with the value, whatever type it has.
fn answer<T: Gob + Send>(value: T) -> Result<Box<dyn Answer>, String> {
    Ok(Box::new(value))
}

/// A result of Go's type `error`.
fn failure(result: Result<(), Failure>) -> Result<Box<dyn Answer>, String> {
    answer(One { a: result.err() })
}

type About<T> = Two<Context, T>;

impl<H: Hooks> Service for HookService<H> {
    fn take(
        self: &Arc<Self>,
        method: &str,
        decoder: &mut gob::Decoder,
    ) -> Result<Option<Work>, gob::Error> {
        let this = Arc::clone(self);
        let Some(name) = method.strip_prefix("Plugin.") else {
            decoder.skip()?;
            return Ok(None);
        };
        let work: Work = match name {
            "Implemented" => {
                decoder.skip()?;
                let names: Vec<String> =
                    H::HOOKS.iter().map(|hook| hook.name().to_owned()).collect();
                Box::pin(async { answer(names) })
            }
            "OnActivate" => {
                let args: OnActivateArgs = decoder.decode()?;
                Box::pin(async move {
                    // An error in the RPC itself would be taken for a success.
                    let panicked = Failure::new("the plugin panicked while it was activated");
                    let done = AssertUnwindSafe(this.activate(args)).catch_unwind().await;
                    failure(done.unwrap_or(Err(panicked)))
                })
            }
            _ => match H::HOOKS.iter().find(|hook| hook.name() == name) {
                Some(hook) => this.take_hook(*hook, decoder)?,
                None => {
                    decoder.skip()?;
                    return Ok(None);
                }
            },
        };
        Ok(Some(work))
    }
}

impl<H: Hooks> HookService<H> {
    fn take_hook(
        self: Arc<Self>,
        hook: Hook,
        decoder: &mut gob::Decoder,
    ) -> Result<Work, gob::Error> {
        let this = self;
        Ok(match hook {
            Hook::OnDeactivate => {
                decoder.skip()?;
                Box::pin(async move { failure(this.hooks.on_deactivate(this.api()?).await) })
            }
            Hook::OnConfigurationChange => {
                decoder.skip()?;
                Box::pin(
                    async move { failure(this.hooks.on_configuration_change(this.api()?).await) },
                )
            }
            Hook::ExecuteCommand => execute_command(this, decoder)?,
            Hook::ServeHTTP => serve_http(this, decoder)?,
            Hook::GenerateSupportData => support_data(this, decoder)?,
            Hook::MessageHasBeenUpdated => {
                let Three { a, b, c }: Three<Context, Post, Post> = decoder.decode()?;
                Box::pin(async move {
                    this.hooks
                        .message_has_been_updated(this.call(a)?, b, c)
                        .await;
                    answer(())
                })
            }
            Hook::MessageHasBeenPosted => {
                hint(this, decoder, |this, call, post: Post| async move {
                    this.hooks.message_has_been_posted(call, post).await;
                })?
            }
            Hook::MessageHasBeenDeleted => {
                hint(this, decoder, |this, call, post: Post| async move {
                    this.hooks.message_has_been_deleted(call, post).await;
                })?
            }
            Hook::ReactionHasBeenAdded => {
                hint(this, decoder, |this, call, reaction: Reaction| async move {
                    this.hooks.reaction_has_been_added(call, reaction).await;
                })?
            }
            Hook::ReactionHasBeenRemoved => {
                hint(this, decoder, |this, call, reaction: Reaction| async move {
                    this.hooks.reaction_has_been_removed(call, reaction).await;
                })?
            }
        })
    }
}

fn execute_command<H: Hooks>(
    this: Arc<HookService<H>>,
    decoder: &mut gob::Decoder,
) -> Result<Work, gob::Error> {
    let Two { a, b }: About<CommandArgs> = decoder.decode()?;
    Ok(Box::pin(async move {
        let result: Result<CommandResponse, AppError> =
            this.hooks.execute_command(this.call(a)?, b).await;
        let (response, error) = match result {
            Ok(response) => (Some(response), None),
            Err(error) => (None, Some(error)),
        };
        answer(Two {
            a: response,
            b: error,
        })
    }))
}

/// Hundreds of these wait at the same time, so nothing is kept in here for longer than it is needed.
fn serve_http<H: Hooks>(
    this: Arc<HookService<H>>,
    decoder: &mut gob::Decoder,
) -> Result<Work, gob::Error> {
    let mut args: ServeHttpArgs = decoder.decode()?;
    let context = std::mem::take(&mut args.context);
    Ok(Box::pin(async move {
        // First of all: whatever becomes of the request, the server waits for both streams.
        let (request, mut response) = http::open(args, &this.broker)
            .await
            .map_err(|error| error.to_string())?;
        let done = match request {
            Some(request) => {
                let call = this.call(context)?;
                this.hooks.serve_http(call, request, &mut response).await
            }
            None => {
                let bad = ::http::Response::builder().status(400).body(Vec::new());
                response.send(bad.expect("a plain status")).await
            }
        };
        if let Err(error) = done {
            let begun = response.has_started();
            tracing::info!(%error, begun, "a request could not be answered to its end");
            return Err(format!("plugin: ServeHTTP: {error}"));
        }
        response.finish().await.map_err(|error| error.to_string())?;
        answer(())
    }))
}

fn support_data<H: Hooks>(
    this: Arc<HookService<H>>,
    decoder: &mut gob::Decoder,
) -> Result<Work, gob::Error> {
    let One { a }: One<Context> = decoder.decode()?;
    Ok(Box::pin(async move {
        let (files, error) = match this.hooks.generate_support_data(this.call(a)?).await {
            Ok(files) => (files, None),
            Err(error) => (Vec::new(), Some(error)),
        };
        answer(Two { a: files, b: error })
    }))
}

/// A hook with one argument besides the context, and an empty answer.
fn hint<H, T, F>(
    this: Arc<HookService<H>>,
    decoder: &mut gob::Decoder,
    act: impl FnOnce(Arc<HookService<H>>, Call, T) -> F + Send + 'static,
) -> Result<Work, gob::Error>
where
    H: Hooks,
    T: Gob + Default + Send,
    F: Future<Output = ()> + Send,
{
    let Two { a, b }: About<T> = decoder.decode()?;
    Ok(Box::pin(async move {
        let call = this.call(a)?;
        act(this, call, b).await;
        answer(())
    }))
}

#[cfg(test)]
mod tests {
    use tokio::io::duplex;
    use yamux::{Config, Side};

    use super::*;
    use crate::rpc::Request;

    struct Everything;

    impl Hooks for Everything {
        const HOOKS: &'static [Hook] = &[
            Hook::OnDeactivate,
            Hook::OnConfigurationChange,
            Hook::ExecuteCommand,
            Hook::ServeHTTP,
            Hook::MessageHasBeenPosted,
            Hook::ReactionHasBeenAdded,
        ];
    }

    fn service() -> Arc<HookService<Everything>> {
        let (opener, _, _) = yamux::connect(duplex(1).0, Side::Server, Config::default());
        Arc::new(HookService::new(
            Everything,
            Arc::new(Broker::new(opener)),
            watch::channel(None).0,
        ))
    }

    const RECORDED: [(&str, &[u8]); 2] = [
        ("5.36.1", include_bytes!("../../tests/golden/go536.s7.host")),
        ("11.6", include_bytes!("../../tests/golden/go116.s7.host")),
    ];

    #[tokio::test]
    async fn every_recorded_call_of_the_oldest_and_a_new_server_is_taken() {
        for (version, bytes) in RECORDED {
            let mut decoder = gob::Decoder::new();
            decoder.feed(bytes);
            let mut taken = Vec::new();
            while let Ok(request) = decoder.decode::<Request>() {
                let work = service().take(&request.method, &mut decoder);
                assert!(
                    matches!(work, Ok(Some(_))),
                    "{version}: {} was not taken",
                    request.method
                );
                taken.push(request.method);
            }
            assert_eq!(taken.len(), 14, "{version}: {taken:?}");
        }
    }

    #[test]
    fn the_fields_of_recorded_calls_are_found_where_each_server_puts_them() {
        for (version, bytes) in RECORDED {
            let mut decoder = gob::Decoder::new();
            decoder.feed(bytes);
            let mut requests = Vec::new();
            let mut commands = Vec::new();
            while let Ok(request) = decoder.decode::<Request>() {
                match request.method.as_str() {
                    "Plugin.ExecuteCommand" => {
                        commands.push(decoder.decode::<About<CommandArgs>>().unwrap())
                    }
                    "Plugin.ServeHTTP" => requests.push(decoder.decode::<ServeHttpArgs>().unwrap()),
                    _ => decoder.skip().unwrap(),
                }
            }
            let texts: Vec<_> = commands
                .iter()
                .map(|command| command.b.command.as_str())
                .collect();
            assert_eq!(texts, ["/matrix hello world", "/matrix fail"], "{version}");
            assert!(
                !commands[0].a.ip_address.is_empty(),
                "{version}: its spelling of the address"
            );
            let first = &requests[0];
            assert_eq!(
                (first.request.method.as_str(), first.request.url.0.as_str()),
                ("GET", "/hello?x=1"),
                "{version}"
            );
            assert!(
                first.response > 0 && first.body > 0 && !first.request.header.is_empty(),
                "{version}"
            );
        }
    }
}
