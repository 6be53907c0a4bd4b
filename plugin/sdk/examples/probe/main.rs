//! A plugin that does everything once, and misbehaves when asked to. The conformance tests load it into Mattermost's own plugin
//! environment; it is no use on a server.
//!
//! Paths: `/hello`, `/echo` (piece by piece), `/collect` (at most 16 MiB, answered at once), `/ignore` (the body), `/glance` (asks
//! for the body and does not wait for it), `/part?BYTES` (reads so much of the body), `/big?BYTES`, `/pieces`, `/panic`, `/abort`,
//! `/bad`, `/api` (every call of the API once, one line for each result), `/many` (400 calls at once). Commands: `ok` (with everything an answer may have), `plain`, `fail`, `panic`, `heard` (which hooks came).

mod every_call;
mod samples;

use std::collections::BTreeMap;
use std::process::ExitCode;
use std::sync::{Mutex, PoisonError};

use futures_util::FutureExt;
use futures_util::future::join_all;
use mattermost_plugin::gob::Value;
use mattermost_plugin::model::{CommandArgs, CommandResponse, FileData, Post, Reaction};
use mattermost_plugin::{
    Api, AppError, Body, Call, Error, Failure, Hook, Hooks, Origin, ResponseWriter, TooLarge, serve,
};

const COLLECTED: usize = 16 * 1024 * 1024;

#[derive(Default)]
struct Probe {
    heard: Mutex<BTreeMap<String, u64>>,
}

fn main() -> ExitCode {
    serve(Probe::default())
}

impl Probe {
    /// Notes that a hook came, and with what.
    fn hear(&self, what: impl Into<String>) {
        *self
            .heard
            .lock()
            .unwrap_or_else(PoisonError::into_inner)
            .entry(what.into())
            .or_default() += 1;
    }

    fn heard(&self) -> String {
        let heard = self.heard.lock().unwrap_or_else(PoisonError::into_inner);
        heard
            .iter()
            .map(|(what, times)| format!("{what} {times}\n"))
            .collect()
    }
}

impl Hooks for Probe {
    const HOOKS: &'static [Hook] = &[
        Hook::OnDeactivate,
        Hook::OnConfigurationChange,
        Hook::ExecuteCommand,
        Hook::ServeHTTP,
        Hook::MessageHasBeenPosted,
        Hook::MessageHasBeenUpdated,
        Hook::MessageHasBeenDeleted,
        Hook::ReactionHasBeenAdded,
        Hook::ReactionHasBeenRemoved,
        Hook::GenerateSupportData,
    ];

    async fn on_activate(&self, api: Api) -> Result<(), Failure> {
        let settings = api.load_plugin_configuration().await?;
        let settings = String::from_utf8_lossy(&settings);
        if settings.contains("\"refuse\":true") {
            return Err(Failure::new("the settings say that this plugin refuses"));
        }
        if settings.contains("\"abort\":true") {
            std::process::abort();
        }
        api.register_command(samples::command()).await?;
        tracing::info!(
            hooks = Self::HOOKS.len(),
            "the probe is active, \"quoted\" and {{braced}}"
        );
        Ok(())
    }

    async fn on_deactivate(&self, api: Api) -> Result<(), Failure> {
        Ok(api.kv_set("deactivated", b"yes".to_vec()).await?)
    }

    async fn on_configuration_change(&self, _: Api) -> Result<(), Failure> {
        self.hear("OnConfigurationChange");
        Ok(())
    }

    async fn execute_command(
        &self,
        call: Call,
        args: CommandArgs,
    ) -> Result<CommandResponse, AppError> {
        match args.command.split(' ').nth(1) {
            Some("heard") => Ok(CommandResponse::ephemeral(self.heard())),
            Some("panic") => panic!("{{\"@message\":5}}"),
            Some("plain") => Ok(CommandResponse::ephemeral(format!(
                "{} in {} for {}",
                args.command, args.channel_id, args.user_id
            ))),
            Some("fail") => Err(AppError::new("probe.fail", "As you wish.", 418)),
            _ => Ok(CommandResponse {
                text: format!(
                    "{} in {} for {}",
                    args.command, args.channel_id, args.user_id
                ),
                props: BTreeMap::from([("request".into(), Value::from(call.context.request_id))]),
                attachments: vec![samples::attachment()],
                ..CommandResponse::ephemeral("")
            }),
        }
    }

    async fn message_has_been_posted(&self, _: Call, post: Post) {
        let attachments = post
            .props
            .get("attachments")
            .and_then(Value::as_list)
            .map_or(0, <[Value]>::len);
        let nested = post
            .props
            .get("nested")
            .and_then(|nested| nested.get("n"))
            .and_then(Value::as_f64);
        self.hear(format!(
            "posted {} attachments {attachments} nested {nested:?}",
            post.id
        ));
    }

    async fn message_has_been_updated(&self, _: Call, new: Post, old: Post) {
        self.hear(format!("updated {} {}", new.id, new.message != old.message));
    }

    async fn message_has_been_deleted(&self, _: Call, post: Post) {
        self.hear(format!("deleted {}", post.id));
    }

    async fn reaction_has_been_added(&self, _: Call, reaction: Reaction) {
        self.hear(format!(
            "added {} {}",
            reaction.post_id, reaction.emoji_name
        ));
    }

    async fn reaction_has_been_removed(&self, _: Call, reaction: Reaction) {
        self.hear(format!(
            "removed {} {}",
            reaction.post_id, reaction.emoji_name
        ));
    }

    async fn generate_support_data(&self, _: Call) -> Result<Vec<FileData>, Failure> {
        Ok(vec![FileData {
            name: "heard.txt".into(),
            body: self.heard().into_bytes(),
        }])
    }

    async fn serve_http(
        &self,
        call: Call,
        mut request: http::Request<Body>,
        response: &mut ResponseWriter,
    ) -> Result<(), Error> {
        let answer = http::Response::builder()
            .header("Content-Type", "text/plain")
            .header("X-Probe", "1");
        let path = request.uri().path().to_owned();
        match path.as_str() {
            "/echo" => {
                let answer = answer.status(201).body(()).expect("plain parts");
                let mut writer = response.start(&answer).await?;
                while let Some(piece) = request.body_mut().next().await? {
                    writer.write(&piece).await?;
                }
                writer.flush().await
            }
            "/collect" => match request.into_body().collect(COLLECTED).await {
                Ok(body) => response.send(answer.body(body).expect("plain parts")).await,
                Err(error @ TooLarge::Limit(_)) => {
                    let refusal = answer.status(413).body(error.to_string());
                    response.send(refusal.expect("plain parts")).await
                }
                Err(TooLarge::Read(error)) => Err(error.into()),
            },
            "/pieces" => {
                let mut writer = response
                    .start(&answer.body(()).expect("plain parts"))
                    .await?;
                writer.write(b"one").await?;
                writer.write(b"two").await
            }
            "/panic" => panic!("as asked"),
            "/abort" => std::process::abort(),
            "/bad" => Err(Error::Empty("nothing".into())),
            _ => {
                let (status, text) = text(&path, &call, request).await;
                response
                    .send(answer.status(status).body(text).expect("plain parts"))
                    .await
            }
        }
    }
}

/// The query, where it is a number.
fn number(request: &http::Request<Body>) -> usize {
    let query = request.uri().query();
    query.and_then(|text| text.parse().ok()).unwrap_or(0)
}

/// Answers in one piece. What was not read of the body is dropped before they are sent.
async fn text(path: &str, call: &Call, mut request: http::Request<Body>) -> (u16, Vec<u8>) {
    match path {
        "/glance" => match request.body_mut().next().now_or_never() {
            None => (202, Vec::new()),
            Some(_) => (200, Vec::new()),
        },
        "/part" => {
            let (wanted, mut read) = (number(&request), 0);
            while read < wanted
                && let Ok(Some(piece)) = request.body_mut().next().await
            {
                read += piece.len();
            }
            (200, read.to_string().into_bytes())
        }
        "/hello" => {
            let user = request
                .headers()
                .get("mattermost-user-id")
                .and_then(|user| user.to_str().ok());
            let origin = request
                .extensions()
                .get::<Origin>()
                .cloned()
                .unwrap_or_default();
            let host = request
                .headers()
                .get("host")
                .and_then(|host| host.to_str().ok())
                .unwrap_or("none");
            let text = format!(
                "{} {} user={} host={host} uri={} session={}",
                request.method(),
                request.uri(),
                user.unwrap_or("none"),
                origin.request_uri,
                call.context.session_id
            );
            (200, text.into_bytes())
        }
        "/ignore" => (202, Vec::new()),
        "/big" => {
            let bytes = 0..number(&request);
            let pattern = bytes.map(|place| u8::try_from(place % 251).unwrap_or_default());
            (200, pattern.collect())
        }
        "/api" => (200, every_call::everything(&call.api).await.into_bytes()),
        "/many" => {
            let users =
                join_all((0..400).map(|number| call.api.get_user(format!("user{number}")))).await;
            let own = users.iter().enumerate().filter(|(number, user)| {
                user.as_ref()
                    .is_ok_and(|user| user.username == format!("name{number}"))
            });
            (200, own.count().to_string().into_bytes())
        }
        _ => (404, Vec::new()),
    }
}
