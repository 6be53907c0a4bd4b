//! Every call of the API once.

use std::collections::BTreeMap;

use mattermost_plugin::gob::Value;
use mattermost_plugin::model::{
    Bot, BotPatch, Channel, Command, KvSetOptions, Post, UserAccessToken,
};
use mattermost_plugin::{Api, Error, One};

use crate::samples;

/// Each call of the API once, a line for each.
pub(crate) async fn everything(api: &Api) -> String {
    let mut lines = Lines::default();
    server(api, &mut lines).await;
    refusals(api, &mut lines).await;
    people(api, &mut lines).await;
    bots(api, &mut lines).await;
    rights(api, &mut lines).await;
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
    lines.done(
        "RegisterCommand",
        api.register_command(samples::command()).await,
    );
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
        api.open_interactive_dialog(samples::dialog()).await,
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
}

async fn refusals(api: &Api, lines: &mut Lines) {
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
}

async fn bots(api: &Api, lines: &mut Lines) {
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
}

async fn rights(api: &Api, lines: &mut Lines) {
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
