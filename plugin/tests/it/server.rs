//! A Mattermost server that has the plugin: people, a team, channels, and a key-value store that remembers.

use std::{
    collections::BTreeMap,
    path::Path,
    sync::{Arc, Mutex},
};

use ireserve_plugin::{Bridge, Options};
use mattermost_plugin::{
    AppError, Failure, One, Three, Two, gob,
    host::Host,
    model::{
        Bot, Channel, ChannelMember, Command, CommandArgs, KvSetOptions, OpenDialog, Permission,
        Post, Team, TeamMember, User, UserAccessToken,
    },
};
use serde_json::{Value, json};

pub(crate) const ALICE: &str = "alice00000000000000000000a";
pub(crate) const ADMIN: &str = "admin00000000000000000000a";
pub(crate) const BOT: &str = "bot0000000000000000000000a";
pub(crate) const TEAM: &str = "team0000000000000000000000";
pub(crate) const CHANNEL: &str = "channel0000000000000000000";

gob::record! {
    #[derive(Debug, Clone, Default, PartialEq)]
    struct ServiceSettings as "ServiceSettings" {
        site_url: Option<String> as "SiteURL",
        listen_address: Option<String> as "ListenAddress",
        allowed: Option<String> as "AllowedUntrustedInternalConnections",
    }
}
gob::record! {
    #[derive(Debug, Clone, Default, PartialEq)]
    struct FileSettings as "FileSettings" { directory: Option<String> as "Directory" }
}
gob::record! {
    #[derive(Debug, Clone, Default, PartialEq)]
    struct ClusterSettings as "ClusterSettings" { enable: Option<bool> as "Enable" }
}
gob::record! {
    #[derive(Debug, Clone, Default, PartialEq)]
    struct Config as "Config" {
        service: ServiceSettings as "ServiceSettings",
        files: FileSettings as "FileSettings",
        cluster: ClusterSettings as "ClusterSettings",
    }
}

/// What a test may change before or while the plugin runs.
#[derive(Debug)]
pub(crate) struct State {
    pub(crate) console: Value,
    pub(crate) version: String,
    pub(crate) cluster: bool,
    pub(crate) listen: String,
    pub(crate) files: String,
    pub(crate) kept: BTreeMap<String, Vec<u8>>,
    pub(crate) users: Vec<User>,
    pub(crate) bots: Vec<Bot>,
    pub(crate) tokens: u32,
    pub(crate) commands: Vec<Command>,
    pub(crate) roles: Vec<String>,
    pub(crate) joined: Vec<String>,
    pub(crate) dialogs: Vec<OpenDialog>,
    pub(crate) whispered: Vec<Post>,
    team_members: Vec<String>,
}

pub(crate) type Shared = Arc<Mutex<State>>;

pub(crate) fn fresh() -> Shared {
    let person = |id: &str, name: &str, locale: &str| User {
        id: id.into(),
        username: name.into(),
        locale: locale.into(),
        ..User::default()
    };
    Arc::new(Mutex::new(State {
        console: json!({}),
        version: "11.6.0".into(),
        cluster: false,
        listen: ":1".into(),
        files: "/nonexistent".into(),
        kept: BTreeMap::new(),
        users: vec![person(ALICE, "alice", "nl"), person(ADMIN, "admin", "en")],
        bots: Vec::new(),
        tokens: 0,
        commands: Vec::new(),
        roles: Vec::new(),
        joined: Vec::new(),
        dialogs: Vec::new(),
        whispered: Vec::new(),
        team_members: Vec::new(),
    }))
}

/// A server whose plugin talks to an external sidecar.
pub(crate) fn with_external(url: &str) -> Shared {
    let state = fresh();
    state.lock().unwrap().console = json!({"sidecar_mode": "external", "sidecar_url": url});
    state
}

/// Starts the plugin and activates it.
pub(crate) async fn activate(state: &Shared) -> Host {
    let mut host = start(state, None).await;
    host.activate().await.unwrap().unwrap();
    host
}

pub(crate) async fn start(state: &Shared, sidecar: Option<&Path>) -> Host {
    let options = Options {
        sidecar: sidecar.map(Path::to_path_buf),
    };
    let host = Host::start(Bridge::new(options)).await;
    script_server(&host, state);
    script_people(&host, state);
    script_bot(&host, state);
    script_store(&host, state);
    host
}

pub(crate) fn typed(user: &str, command: &str) -> CommandArgs {
    CommandArgs {
        user_id: user.into(),
        channel_id: CHANNEL.into(),
        team_id: TEAM.into(),
        root_id: "root".into(),
        trigger_id: "trigger".into(),
        command: command.into(),
        ..CommandArgs::default()
    }
}

fn missing<T>() -> Two<Option<T>, Option<AppError>> {
    Two {
        a: None,
        b: Some(AppError::new("test.missing", "", 404)),
    }
}

fn found<T>(one: Option<T>) -> Two<Option<T>, Option<AppError>> {
    match one {
        None => missing(),
        some => Two { a: some, b: None },
    }
}

/// Answers one method from the state.
fn on<A: gob::Gob + 'static, R: gob::Gob + Send + 'static>(
    host: &Host,
    state: &Shared,
    method: &str,
    respond: impl Fn(&mut State, A) -> R + Send + Sync + 'static,
) {
    let state = Arc::clone(state);
    host.answer(method, move |asked| {
        respond(&mut state.lock().unwrap(), asked)
    });
}

fn script_server(host: &Host, state: &Shared) {
    on(host, state, "LoadPluginConfiguration", |state, (): ()| {
        One {
            a: state.console.to_string().into_bytes(),
        }
    });
    on(host, state, "GetConfig", |state, (): ()| One {
        a: Config {
            service: ServiceSettings {
                site_url: Some("http://127.0.0.1:1".into()),
                listen_address: Some(state.listen.clone()),
                allowed: Some("localhost 127.0.0.1".into()),
            },
            files: FileSettings {
                directory: Some(state.files.clone()),
            },
            cluster: ClusterSettings {
                enable: state.cluster.then_some(true),
            },
        },
    });
    on(host, state, "GetServerVersion", |state, (): ()| One {
        a: state.version.clone(),
    });
    on(host, state, "GetBundlePath", |_, (): ()| Two {
        a: String::from("/nonexistent/bundle"),
        b: None::<Failure>,
    });
    on(
        host,
        state,
        "RegisterCommand",
        |state, One { a }: One<Command>| {
            state.commands.push(a);
            One { a: None::<Failure> }
        },
    );
    on(
        host,
        state,
        "OpenInteractiveDialog",
        |state, One { a }: One<OpenDialog>| {
            state.dialogs.push(a);
            One {
                a: None::<AppError>,
            }
        },
    );
    on(
        host,
        state,
        "SendEphemeralPost",
        |state, Two { b, .. }: Two<String, Post>| {
            state.whispered.push(b.clone());
            One { a: Some(b) }
        },
    );
}

fn script_people(host: &Host, state: &Shared) {
    on(host, state, "GetUser", |state, One { a }: One<String>| {
        found(state.users.iter().find(|user| user.id == a).cloned())
    });
    on(
        host,
        state,
        "GetUserByUsername",
        |state, One { a }: One<String>| {
            found(state.users.iter().find(|user| user.username == a).cloned())
        },
    );
    on(
        host,
        state,
        "HasPermissionTo",
        |_, Two { a, b }: Two<String, Permission>| One {
            a: a == ADMIN && b.id == "manage_system",
        },
    );
    on(
        host,
        state,
        "HasPermissionToChannel",
        |_, Three { a, c, .. }: Three<String, String, Permission>| One {
            a: a == ADMIN && c.id == "manage_private_channel_properties",
        },
    );
    on(host, state, "GetChannel", |_, One { a }: One<String>| {
        found((a == CHANNEL).then(|| Channel {
            id: a,
            team_id: TEAM.into(),
            kind: "P".into(),
            name: "vip".into(),
            display_name: "Vip".into(),
            ..Channel::default()
        }))
    });
    on(host, state, "GetTeam", |_, One { a }: One<String>| {
        found((a == TEAM).then(|| Team {
            id: a,
            name: "support".into(),
            ..Team::default()
        }))
    });
    on(
        host,
        state,
        "GetChannelMember",
        |_, Two { a, b }: Two<String, String>| {
            found((b == ALICE).then_some(ChannelMember {
                channel_id: a,
                user_id: b,
                ..ChannelMember::default()
            }))
        },
    );
    on(
        host,
        state,
        "AddChannelMember",
        |state, Two { a, b }: Two<String, String>| {
            state.joined.push(format!("{b} in {a}"));
            found(Some(ChannelMember {
                channel_id: a,
                user_id: b,
                ..ChannelMember::default()
            }))
        },
    );
}

fn script_bot(host: &Host, state: &Shared) {
    on(
        host,
        state,
        "EnsureBotUser",
        |state, One { a }: One<Bot>| {
            let bot = Bot {
                user_id: BOT.into(),
                owner_id: "nl.i-reserve.mattermost".into(),
                ..a
            };
            state.users.push(User {
                id: BOT.into(),
                username: bot.username.clone(),
                is_bot: true,
                ..User::default()
            });
            state.bots.push(bot);
            Two {
                a: String::from(BOT),
                b: None::<Failure>,
            }
        },
    );
    on(
        host,
        state,
        "GetBot",
        |state, Two { a, .. }: Two<String, bool>| {
            found(state.bots.iter().find(|bot| bot.user_id == a).cloned())
        },
    );
    on(
        host,
        state,
        "CreateUserAccessToken",
        |state, One { a }: One<UserAccessToken>| {
            state.tokens += 1;
            found(Some(UserAccessToken {
                id: format!("id-{}", state.tokens),
                token: format!("token-{}", state.tokens),
                ..a
            }))
        },
    );
    for act in ["SetProfileImage", "RevokeUserAccessToken"] {
        on(host, state, act, |_, (): ()| One {
            a: None::<AppError>,
        });
    }
    on(
        host,
        state,
        "GetTeamMember",
        |state, Two { a, b }: Two<String, String>| {
            let roles = state
                .roles
                .last()
                .cloned()
                .unwrap_or_else(|| "team_user".into());
            found(state.team_members.contains(&b).then_some(TeamMember {
                team_id: a,
                user_id: b,
                roles,
                ..TeamMember::default()
            }))
        },
    );
    on(
        host,
        state,
        "CreateTeamMember",
        |state, Two { a, b }: Two<String, String>| {
            state.team_members.push(b.clone());
            found(Some(TeamMember {
                team_id: a,
                user_id: b,
                ..TeamMember::default()
            }))
        },
    );
    on(
        host,
        state,
        "UpdateTeamMemberRoles",
        |state, Three { a, b, c }: Three<String, String, String>| {
            state.roles.push(c.clone());
            found(Some(TeamMember {
                team_id: a,
                user_id: b,
                roles: c,
                ..TeamMember::default()
            }))
        },
    );
}

fn script_store(host: &Host, state: &Shared) {
    on(host, state, "KVGet", |state, One { a }: One<String>| Two {
        a: state.kept.get(&a).cloned().unwrap_or_default(),
        b: None::<AppError>,
    });
    on(
        host,
        state,
        "KVSet",
        |state, Two { a, b }: Two<String, Vec<u8>>| {
            state.kept.insert(a, b);
            One {
                a: None::<AppError>,
            }
        },
    );
    on(host, state, "KVDelete", |state, One { a }: One<String>| {
        state.kept.remove(&a);
        One {
            a: None::<AppError>,
        }
    });
    on(
        host,
        state,
        "KVSetWithOptions",
        |state, Three { a, b, c }: Three<String, Vec<u8>, KvSetOptions>| {
            let free = !c.atomic || state.kept.get(&a).cloned().unwrap_or_default() == c.old_value;
            if free {
                state.kept.insert(a, b);
            }
            Two {
                a: free,
                b: None::<AppError>,
            }
        },
    );
}

impl State {
    /// Makes the bot a member of the team.
    pub(crate) fn bot_is_in_team(&mut self) {
        self.team_members.push(BOT.into());
    }
}
