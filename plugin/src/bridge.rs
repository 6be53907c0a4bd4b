//! Which calls of the server concern us, and who in here answers them.

use std::sync::{Arc, OnceLock};

use ::http::Request;
use mattermost_plugin::{
    Api, AppError, Body, Call, Error, Failure, Hook, Hooks, ResponseWriter,
    model::{CommandArgs, CommandResponse, Post},
};
use shared::pairing::HintKind;

use crate::{
    desk::{Desk, Options},
    proxy,
};

/// The plugin.
#[derive(Debug, Default)]
pub struct Bridge {
    options: Options,
    /// Filled by the activation; a process is activated once.
    desk: OnceLock<Arc<Desk>>,
}

impl Bridge {
    /// With something else than the bundle has.
    #[must_use]
    pub fn new(options: Options) -> Self {
        Self {
            options,
            desk: OnceLock::new(),
        }
    }

    fn hear(&self, kind: HintKind, post: &Post) {
        if let Some(desk) = self.desk.get() {
            desk.gathered.hear(kind, post);
        }
    }
}

impl Hooks for Bridge {
    const HOOKS: &'static [Hook] = &[
        Hook::OnDeactivate,
        Hook::OnConfigurationChange,
        Hook::ExecuteCommand,
        Hook::ServeHTTP,
        Hook::MessageHasBeenPosted,
        Hook::MessageHasBeenUpdated,
        Hook::MessageHasBeenDeleted,
    ];

    /// Its hooks wait for the sidecar and compute nothing.
    const THREADS: usize = 1;

    async fn on_activate(&self, api: Api) -> Result<(), Failure> {
        let desk = Desk::open(api, self.options.clone()).await?;
        self.desk
            .set(Arc::new(desk))
            .map_err(|_| Failure::new("the plugin is active already"))
    }

    async fn on_deactivate(&self, _: Api) -> Result<(), Failure> {
        if let Some(desk) = self.desk.get() {
            desk.close().await;
        }
        Ok(())
    }

    /// It also comes before the activation, which reads everything itself.
    async fn on_configuration_change(&self, _: Api) -> Result<(), Failure> {
        match self.desk.get() {
            Some(desk) => desk.look_again().await,
            None => Ok(()),
        }
    }

    async fn execute_command(
        &self,
        _: Call,
        args: CommandArgs,
    ) -> Result<CommandResponse, AppError> {
        match self.desk.get() {
            Some(desk) => Ok(proxy::command::answer(desk, args).await),
            None => Err(AppError::new(
                "ireserve.inactive",
                "i-Reserve is starting. Try again in a few seconds.",
                503,
            )),
        }
    }

    async fn serve_http(
        &self,
        _: Call,
        request: Request<Body>,
        response: &mut ResponseWriter,
    ) -> Result<(), Error> {
        match self.desk.get() {
            Some(desk) => proxy::serve(desk, request, response).await,
            None => response.send(proxy::come_back()).await,
        }
    }

    async fn message_has_been_posted(&self, _: Call, post: Post) {
        self.hear(HintKind::Posted, &post);
    }

    async fn message_has_been_updated(&self, _: Call, new: Post, _: Post) {
        self.hear(HintKind::Edited, &new);
    }

    async fn message_has_been_deleted(&self, _: Call, post: Post) {
        self.hear(HintKind::Deleted, &post);
    }
}
