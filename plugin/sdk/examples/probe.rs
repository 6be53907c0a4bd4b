//! A plugin that does everything once, and misbehaves when asked to. The conformance tests load it into Mattermost's own plugin
//! environment; it is no use on a server.
//!
//! Paths: `/hello`, `/echo` (piece by piece), `/collect` (at most 16 MiB, answered at once), `/ignore` (the body), `/big?BYTES`,
//! `/pieces`, `/panic`, `/abort`, `/bad`, `/api` (every call of the API once, one line for each result), `/many` (400 calls at
//! once). Commands: `ok` (with everything an answer may have), `plain`, `fail`, `panic`, `heard` (which hooks came).

use std::collections::BTreeMap;
use std::process::ExitCode;
use std::sync::{Mutex, PoisonError};

use futures_util::future::join_all;
use mattermost_plugin::gob::Value;
use mattermost_plugin::model::{
    ArgData, Attachment, AttachmentField, Autocomplete, AutocompleteArg, AutocompleteItem, Bot,
    BotPatch, Channel, Command, CommandArgs, CommandResponse, Dialog, DialogElement, DialogOption,
    DynamicListArg, FileData, Integration, KvSetOptions, OpenDialog, Post, PostAction, Reaction,
    StaticListArg, TextArg, UserAccessToken,
};
use mattermost_plugin::{
    Api, AppError, Body, Call, Error, Failure, Hook, Hooks, One, Origin, ResponseWriter, TooLarge,
    serve,
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
        api.register_command(command()).await?;
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
                attachments: vec![attachment()],
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
                let (status, text) = text(&path, &call, &request).await;
                response
                    .send(answer.status(status).body(text).expect("plain parts"))
                    .await
            }
        }
    }
}

/// Answers that are there at once.
async fn text(path: &str, call: &Call, request: &http::Request<Body>) -> (u16, Vec<u8>) {
    match path {
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
            let bytes = request
                .uri()
                .query()
                .and_then(|bytes| bytes.parse().ok())
                .unwrap_or(0);
            (
                200,
                (0..bytes)
                    .map(|place: usize| u8::try_from(place % 251).unwrap_or_default())
                    .collect(),
            )
        }
        "/api" => (200, everything(&call.api).await.into_bytes()),
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

/// Each call of the API once, a line for each.
async fn everything(api: &Api) -> String {
    let mut lines = Lines::default();
    server(api, &mut lines).await;
    people(api, &mut lines).await;
    places(api, &mut lines).await;
    posts(api, &mut lines).await;
    keys(api, &mut lines).await;
    lines.0
}

#[derive(Default)]
struct Lines(String);

impl Lines {
    fn put<T>(&mut self, name: &str, result: Result<T, Error>, show: impl FnOnce(T) -> String) {
        let line = match result {
            Ok(value) => format!("{name} ok {}\n", show(value)),
            Err(error) => format!("{name} error {error}\n"),
        };
        self.0.push_str(&line);
    }

    fn done(&mut self, name: &str, result: Result<(), Error>) {
        self.put(name, result, |()| String::new());
    }
}

async fn server(api: &Api, lines: &mut Lines) {
    lines.put(
        "LoadPluginConfiguration",
        api.load_plugin_configuration().await,
        |json| String::from_utf8_lossy(&json).into_owned(),
    );
    lines.put("GetConfig", api.get_config().await, |config| {
        let site = config
            .at(&["ServiceSettings", "SiteURL"])
            .and_then(Value::as_str);
        site.unwrap_or("none").to_owned()
    });
    lines.put(
        "GetPluginConfig",
        api.get_plugin_config().await,
        |settings| {
            settings
                .get("key")
                .and_then(Value::as_str)
                .unwrap_or("none")
                .to_owned()
        },
    );
    let settings = BTreeMap::from([
        ("key".to_owned(), Value::from("value")),
        (
            "list".to_owned(),
            Value::list([Value::from(1.5), Value::from(true)]),
        ),
        ("map".to_owned(), Value::map([("inner", "x")])),
    ]);
    lines.done("SavePluginConfig", api.save_plugin_config(settings).await);
    lines.put("GetBundlePath", api.get_bundle_path().await, |path| path);
    lines.put(
        "GetServerVersion",
        api.get_server_version().await,
        |version| version,
    );
    lines.put("GetDiagnosticId", api.get_diagnostic_id().await, |id| id);
    lines.done("RegisterCommand", api.register_command(command()).await);
    let wrong = Command {
        trigger: "Wrong".into(),
        ..Command::default()
    };
    lines.done("RegisterCommand-refused", api.register_command(wrong).await);
    lines.done(
        "UnregisterCommand",
        api.unregister_command("", "probe").await,
    );
    lines.done(
        "OpenInteractiveDialog",
        api.open_interactive_dialog(dialog()).await,
    );
    let log = [("quoted", "\"x\"".to_owned()), ("number", "5".to_owned())];
    for level in [
        tracing::Level::DEBUG,
        tracing::Level::INFO,
        tracing::Level::WARN,
        tracing::Level::ERROR,
    ] {
        lines.done(
            &format!("Log-{level}"),
            api.log(level, "from the probe", &log).await,
        );
    }
    let unknown: Result<One<bool>, Error> = api.call("NoSuchMethod", &()).await;
    lines.put("NoSuchMethod", unknown, |_| String::new());
    let wrong: Result<One<bool>, Error> = api.call("GetUser", &One { a: 5_i64 }).await;
    lines.put("GetUser-wrong", wrong, |_| String::new());
}

async fn people(api: &Api, lines: &mut Lines) {
    lines.put("GetUser", api.get_user("uid").await, |user| {
        format!("{} {} {}", user.username, user.roles, user.locale)
    });
    lines.put("GetUser-unknown", api.get_user("nobody").await, |user| {
        user.username
    });
    lines.put(
        "GetUserByUsername",
        api.get_user_by_username("alice").await,
        |user| user.id,
    );
    lines.put(
        "GetUserByEmail",
        api.get_user_by_email("alice@example.org").await,
        |user| user.id,
    );
    lines.done(
        "SetProfileImage",
        api.set_profile_image("bid", vec![137; 300_000]).await,
    );
    let token = UserAccessToken {
        user_id: "bid".into(),
        description: "probe".into(),
        ..UserAccessToken::default()
    };
    lines.put(
        "CreateUserAccessToken",
        api.create_user_access_token(token).await,
        |token| token.token,
    );
    lines.done(
        "RevokeUserAccessToken",
        api.revoke_user_access_token("tid").await,
    );
    let bot = Bot {
        username: "probe".into(),
        display_name: "Probe".into(),
        ..Bot::default()
    };
    lines.put("CreateBot", api.create_bot(bot.clone()).await, |bot| {
        bot.user_id
    });
    lines.put("EnsureBotUser", api.ensure_bot_user(bot).await, |id| id);
    lines.put("GetBot", api.get_bot("bid", true).await, |bot| {
        format!("{} {}", bot.username, bot.delete_at)
    });
    let patch = BotPatch {
        display_name: Some("New".into()),
        ..BotPatch::default()
    };
    lines.put("PatchBot", api.patch_bot("bid", patch).await, |bot| {
        bot.display_name
    });
    lines.put(
        "UpdateBotActive",
        api.update_bot_active("bid", true).await,
        |bot| bot.username,
    );
    lines.put(
        "HasPermissionTo",
        api.has_permission_to("uid", "manage_system").await,
        |may| may.to_string(),
    );
    let team = api
        .has_permission_to_team("uid", "team", "manage_team")
        .await;
    lines.put("HasPermissionToTeam", team, |may| may.to_string());
    let channel = api
        .has_permission_to_channel("uid", "cid", "read_channel")
        .await;
    lines.put("HasPermissionToChannel", channel, |may| may.to_string());
}

async fn places(api: &Api, lines: &mut Lines) {
    lines.put("GetTeam", api.get_team("team").await, |team| team.name);
    lines.put(
        "GetTeamByName",
        api.get_team_by_name("desk").await,
        |team| team.id,
    );
    lines.put(
        "CreateTeamMember",
        api.create_team_member("team", "bid").await,
        |member| member.user_id,
    );
    lines.put(
        "GetTeamMember",
        api.get_team_member("team", "uid").await,
        |member| format!("{} {}", member.roles, member.scheme_admin),
    );
    let roles = api
        .update_team_member_roles("team", "bid", "team_user team_admin")
        .await;
    lines.put("UpdateTeamMemberRoles", roles, |member| member.roles);
    lines.put("GetChannel", api.get_channel("cid").await, |channel| {
        format!("{} {}", channel.name, channel.kind)
    });
    lines.put(
        "GetChannelByName",
        api.get_channel_by_name("team", "town", false).await,
        |channel| channel.id,
    );
    lines.put(
        "GetDirectChannel",
        api.get_direct_channel("uid", "bid").await,
        |channel| channel.kind,
    );
    let new = Channel {
        team_id: "team".into(),
        name: "new".into(),
        kind: "P".into(),
        ..Channel::default()
    };
    lines.put("CreateChannel", api.create_channel(new).await, |channel| {
        channel.id
    });
    lines.put(
        "AddChannelMember",
        api.add_channel_member("cid", "bid").await,
        |member| member.user_id,
    );
    lines.put(
        "AddUserToChannel",
        api.add_user_to_channel("cid", "bid", "uid").await,
        |member| member.channel_id,
    );
    lines.put(
        "GetChannelMember",
        api.get_channel_member("cid", "uid").await,
        |member| member.roles,
    );
}

async fn posts(api: &Api, lines: &mut Lines) {
    let nested = Value::map([
        (
            "list",
            Value::list([Value::from("a"), Value::from(true), Value::Nil]),
        ),
        ("n", 2.5.into()),
    ]);
    let post = Post {
        channel_id: "cid".into(),
        user_id: "bid".into(),
        message: "Grüße".into(),
        props: BTreeMap::from([("nested".to_owned(), nested)]),
        file_ids: vec!["f1".into(), "f2".into()],
        ..Post::default()
    };
    lines.put("CreatePost", api.create_post(post.clone()).await, |post| {
        format!("{} {}", post.id, post.message)
    });
    lines.put(
        "UpdatePost",
        api.update_post(Post {
            id: "pid".into(),
            ..post.clone()
        })
        .await,
        |post| post.id,
    );
    lines.put("GetPost", api.get_post("pid").await, |post| {
        post.message.len().to_string()
    });
    lines.put(
        "GetPostThread",
        api.get_post_thread("pid").await,
        |thread| format!("{} {}", thread.order.join(","), thread.posts.len()),
    );
    lines.put(
        "SendEphemeralPost",
        api.send_ephemeral_post("uid", post).await,
        |post| post.id,
    );
    lines.done("DeletePost", api.delete_post("pid").await);
    lines.done("DeletePost-refused", api.delete_post("nothing").await);
}

async fn keys(api: &Api, lines: &mut Lines) {
    lines.done("KVSet", api.kv_set("key", vec![0, 1, 255]).await);
    lines.put("KVGet", api.kv_get("key").await, |value| {
        format!("{value:?}")
    });
    lines.put("KVGet-missing", api.kv_get("missing").await, |value| {
        format!("{value:?}")
    });
    lines.put("KVGet-large", api.kv_get("large").await, |value| {
        value.len().to_string()
    });
    let once = KvSetOptions {
        atomic: true,
        old_value: vec![1],
        expire_in_seconds: 60,
    };
    lines.put(
        "KVSetWithOptions",
        api.kv_set_with_options("lock", vec![2], once).await,
        |set| set.to_string(),
    );
    lines.put("KVList", api.kv_list(0, 100).await, |keys| keys.join(","));
    lines.done("KVDelete", api.kv_delete("key").await);
}

/// A command with every kind of argument.
fn command() -> Command {
    let argument = |kind: &str, data| AutocompleteArg {
        kind: kind.into(),
        help_text: "an argument".into(),
        required: true,
        data: Some(data),
        ..AutocompleteArg::default()
    };
    let leaf = |trigger: &str, arguments| Autocomplete {
        trigger: trigger.into(),
        help_text: "a sub-command".into(),
        arguments,
        ..Autocomplete::default()
    };
    let item = AutocompleteItem {
        item: "one".into(),
        hint: "1".into(),
        help_text: "the first".into(),
    };
    let text = ArgData::Text(TextArg {
        hint: "[text]".into(),
        pattern: String::new(),
    });
    let list = ArgData::StaticList(StaticListArg { items: vec![item] });
    let fetched = ArgData::DynamicList(DynamicListArg {
        fetch_url: "lookup".into(),
    });
    Command {
        trigger: "probe".into(),
        auto_complete: true,
        auto_complete_desc: "does everything once".into(),
        display_name: "Probe".into(),
        autocomplete: Some(Autocomplete {
            role: "system_admin".into(),
            sub_commands: vec![
                leaf("say", vec![argument("TextInput", text)]),
                leaf("pick", vec![argument("StaticList", list)]),
                leaf("find", vec![argument("DynamicList", fetched)]),
            ],
            ..leaf("probe", Vec::new())
        }),
        ..Command::default()
    }
}

fn dialog() -> OpenDialog {
    let choice = DialogElement {
        name: "choice".into(),
        kind: "select".into(),
        optional: true,
        options: vec![DialogOption {
            text: "One".into(),
            value: "1".into(),
        }],
        ..DialogElement::default()
    };
    OpenDialog {
        trigger_id: "trigger".into(),
        url: "/plugins/probe/dialog".into(),
        dialog: Dialog {
            callback_id: "callback".into(),
            title: "Title".into(),
            elements: vec![
                DialogElement {
                    name: "text".into(),
                    kind: "text".into(),
                    max_length: 9,
                    ..choice.clone()
                },
                choice,
            ],
            state: "state".into(),
            ..Dialog::default()
        },
    }
}

fn attachment() -> Attachment {
    let integration = Integration {
        url: "/plugins/probe/action".into(),
        context: BTreeMap::from([("mac".to_owned(), Value::from("m"))]),
    };
    Attachment {
        text: "an attachment".into(),
        fields: vec![AttachmentField {
            title: "field".into(),
            value: Value::from("value"),
            short: true,
        }],
        actions: vec![PostAction {
            id: "take".into(),
            kind: "button".into(),
            name: "Take".into(),
            integration: Some(integration),
            ..PostAction::default()
        }],
        ..Attachment::default()
    }
}
