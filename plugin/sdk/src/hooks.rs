//! What the server tells a plugin: one method per hook, all with empty defaults.
//!
//! Hooks arrive whenever the server pleases, many at once, and the server waits for their answers without any limit: a hook that
//! hangs hangs a person. Each runs on a task of its own, and one that panics is answered with an error. Take what may take long
//! elsewhere, or give it a deadline.

pub(crate) mod service;

use std::future::ready;

use crate::api::Api;
use crate::error::{AppError, Error, Failure};
use crate::http::{Body, ResponseWriter};
use crate::model::{CommandArgs, CommandResponse, FileData, Post, Reaction};

gob::record! {
    /// The request of a person in which something happened.
    #[derive(Debug, Clone, Default, PartialEq)]
    pub struct Context as "Context" {
        /// The session, if the person is logged in.
        pub session_id: String as "SessionId",
        /// The request, as the server's log names it.
        pub request_id: String as "RequestId",
        /// Where it came from. Older servers spell it differently.
        pub ip_address: String as "IPAddress" | "IpAddress",
        /// The languages the client prefers.
        pub accept_language: String as "AcceptLanguage",
        /// The client.
        pub user_agent: String as "UserAgent",
    }
}

/// What every hook gets: the way to the server, and the request in which it happened.
#[derive(Debug, Clone)]
pub struct Call {
    /// Calls to the server.
    pub api: Api,
    /// The request; empty where the server has none.
    pub context: Context,
}

macro_rules! hooks {
    ($($(#[$attribute:meta])* $hook:ident),* $(,)?) => {
        /// The hooks a plugin may ask for.
        #[derive(Clone, Copy, Debug, PartialEq, Eq)]
        pub enum Hook {
            $($(#[$attribute])* $hook,)*
        }

        impl Hook {
            /// The hook's name in Mattermost.
            #[must_use]
            pub const fn name(self) -> &'static str {
                match self {
                    $(Self::$hook => stringify!($hook),)*
                }
            }
        }
    };
}

hooks! {
    /// [`Hooks::on_deactivate`]
    OnDeactivate,
    /// [`Hooks::on_configuration_change`]
    OnConfigurationChange,
    /// [`Hooks::execute_command`]
    ExecuteCommand,
    /// [`Hooks::serve_http`]
    ServeHTTP,
    /// [`Hooks::message_has_been_posted`]
    MessageHasBeenPosted,
    /// [`Hooks::message_has_been_updated`]
    MessageHasBeenUpdated,
    /// [`Hooks::message_has_been_deleted`]
    MessageHasBeenDeleted,
    /// [`Hooks::reaction_has_been_added`]
    ReactionHasBeenAdded,
    /// [`Hooks::reaction_has_been_removed`]
    ReactionHasBeenRemoved,
    /// [`Hooks::generate_support_data`]
    GenerateSupportData,
}

/// A plugin.
///
/// Only the hooks in [`Hooks::HOOKS`] are called, and `on_activate` always. Names that a server does not know are ignored there,
/// so one list serves all versions.
pub trait Hooks: Send + Sync + 'static {
    /// The hooks that this plugin implements.
    const HOOKS: &'static [Hook];

    /// Threads that hooks and the connection share. With two, a hook that computes holds up neither the others nor the answer to the
    /// server's ping. One is quicker, because no call wakes a second thread up; it suits a plugin whose hooks only wait.
    const THREADS: usize = 2;

    /// The plugin begins. Commands must be registered here, and the configuration read: the server does not send it first.
    ///
    /// # Errors
    ///
    /// The plugin cannot work at all. It is ended, and the administrator reads the text.
    fn on_activate(&self, api: Api) -> impl Future<Output = Result<(), Failure>> + Send {
        let _ = api;
        ready(Ok(()))
    }

    /// The plugin is about to end: disabled, upgraded, or the server stops, which waits for at most 10 s.
    ///
    /// # Errors
    ///
    /// Written to the server's log.
    fn on_deactivate(&self, api: Api) -> impl Future<Output = Result<(), Failure>> + Send {
        let _ = api;
        ready(Ok(()))
    }

    /// Anything in the server's configuration has changed, not only what concerns this plugin.
    ///
    /// # Errors
    ///
    /// Written to the server's log.
    fn on_configuration_change(
        &self,
        api: Api,
    ) -> impl Future<Output = Result<(), Failure>> + Send {
        let _ = api;
        ready(Ok(()))
    }

    /// A person used a command that this plugin has registered.
    ///
    /// # Errors
    ///
    /// The person reads the message.
    fn execute_command(
        &self,
        call: Call,
        args: CommandArgs,
    ) -> impl Future<Output = Result<CommandResponse, AppError>> + Send {
        let _ = (call, args);
        ready(Ok(CommandResponse::default()))
    }

    /// A request below `/plugins/{id}`. The header `Mattermost-User-Id` is there when the person is logged in, and can be trusted;
    /// everything else must be checked here.
    ///
    /// # Errors
    ///
    /// The answer is a 500, unless it has begun.
    fn serve_http(
        &self,
        call: Call,
        request: http::Request<Body>,
        response: &mut ResponseWriter,
    ) -> impl Future<Output = Result<(), Error>> + Send {
        let _ = (call, request);
        async {
            response
                .send(
                    http::Response::builder()
                        .status(404)
                        .body(Vec::new())
                        .expect("a plain status"),
                )
                .await
        }
    }

    /// A post was stored; also one of this plugin itself. A hint: the hook can come twice, late, or not at all.
    fn message_has_been_posted(&self, call: Call, post: Post) -> impl Future<Output = ()> + Send {
        let _ = (call, post);
        ready(())
    }

    /// A post was changed.
    fn message_has_been_updated(
        &self,
        call: Call,
        new: Post,
        old: Post,
    ) -> impl Future<Output = ()> + Send {
        let _ = (call, new, old);
        ready(())
    }

    /// A post was deleted. Mattermost 9.1 and newer.
    fn message_has_been_deleted(&self, call: Call, post: Post) -> impl Future<Output = ()> + Send {
        let _ = (call, post);
        ready(())
    }

    /// Somebody reacted to a post.
    fn reaction_has_been_added(
        &self,
        call: Call,
        reaction: Reaction,
    ) -> impl Future<Output = ()> + Send {
        let _ = (call, reaction);
        ready(())
    }

    /// Somebody took a reaction back.
    fn reaction_has_been_removed(
        &self,
        call: Call,
        reaction: Reaction,
    ) -> impl Future<Output = ()> + Send {
        let _ = (call, reaction);
        ready(())
    }

    /// An administrator makes a support packet. Mattermost 9.8 and newer, with `support_packet` among the manifest's props.
    ///
    /// # Errors
    ///
    /// Written into the packet.
    fn generate_support_data(
        &self,
        call: Call,
    ) -> impl Future<Output = Result<Vec<FileData>, Failure>> + Send {
        let _ = call;
        ready(Ok(Vec::new()))
    }
}
