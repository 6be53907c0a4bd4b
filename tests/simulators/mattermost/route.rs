//! Which call a request is.

use http::Method;
use url::form_urlencoded;

use super::errors::Refusal;

/// A call with the ids of its path.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Call {
    /// An id in the path cannot be one.
    Malformed,
    Ping,
    ClientConfig,
    CreatePost,
    PostsByIds,
    Post(String),
    UpdatePost(String),
    PatchPost(String),
    DeletePost(String),
    Thread(String),
    PostReactions(String),
    ChannelPosts(String),
    Channel(String),
    Direct,
    ArchiveChannel(String),
    RestoreChannel(String),
    Team(String),
    TeamMember {
        team_id: String,
        user_id: String,
    },
    TeamByName(String),
    ChannelByName {
        team_id: String,
        name: String,
    },
    ChannelByNames {
        team: String,
        name: String,
    },
    Members(String),
    AddMember(String),
    Member {
        channel_id: String,
        user_id: String,
    },
    RemoveMember {
        channel_id: String,
        user_id: String,
    },
    NotifyProps {
        channel_id: String,
        user_id: String,
    },
    Users,
    User(String),
    UserByName(String),
    UserByEmail(String),
    TeamsOf(String),
    ChannelsOf {
        user_id: String,
        team_id: String,
    },
    Typing(String),
    UsersByIds,
    UsersByNames,
    Upload,
    File {
        id: String,
        head: bool,
    },
    FileInfo(String),
    React,
    Unreact {
        user_id: String,
        post_id: String,
        emoji: String,
    },
    Emoji,
    Socket,
    CreateHook,
    ListHooks,
    Hook(String),
    UpdateHook(String),
    DeleteHook(String),
    RegenerateHookToken(String),
}

/// What stands behind the question mark.
#[derive(Debug, Clone, Default)]
pub(super) struct Query(Vec<(String, String)>);

impl Query {
    pub(super) fn parse(query: &str) -> Self {
        Self(
            form_urlencoded::parse(query.as_bytes())
                .into_owned()
                .collect(),
        )
    }

    /// A parameter, empty when absent.
    pub(super) fn text(&self, name: &str) -> &str {
        self.0
            .iter()
            .find(|(key, _)| key == name)
            .map_or("", |(_, value)| value)
    }

    pub(super) fn number(&self, name: &str) -> Result<Option<usize>, Refusal> {
        self.parsed(name)
    }

    pub(super) fn signed(&self, name: &str) -> Result<Option<i64>, Refusal> {
        self.parsed(name)
    }

    fn parsed<T: std::str::FromStr>(&self, name: &str) -> Result<Option<T>, Refusal> {
        match self.text(name) {
            "" => Ok(None),
            text => text
                .parse()
                .map(Some)
                .map_err(|_| Refusal::invalid_parameter()),
        }
    }
}

/// Whether a text can be an id of Mattermost's.
pub(super) fn is_id(text: &str) -> bool {
    text.len() == 26 && text.bytes().all(|byte| byte.is_ascii_alphanumeric())
}

/// The call and its name in logs, counts and fault rules; none for a path that is not simulated.
pub(super) fn route(method: &Method, path: &str) -> Option<(&'static str, Call)> {
    let path = path.strip_prefix("/api/v4/")?;
    let segments: Vec<&str> = path.trim_end_matches('/').split('/').collect();
    let (name, call) = route_of(method, &segments)?;
    let id = match segments.as_slice() {
        ["posts", "ids"]
        | ["channels", "direct"]
        | [
            "users",
            "me" | "ids" | "usernames" | "username" | "email",
            ..,
        ] => None,
        ["posts" | "channels" | "users", id, ..] => Some(*id),
        _ => None,
    };
    match id {
        // What no path can hold is no path at all.
        Some(id) if !id.bytes().all(|byte| byte.is_ascii_alphanumeric()) => None,
        Some(id) if !is_id(id) => Some((name, Call::Malformed)),
        _ => Some((name, call)),
    }
}

fn route_of(method: &Method, segments: &[&str]) -> Option<(&'static str, Call)> {
    let own = |part: &&str| (*part).to_owned();
    Some(match (method.as_str(), segments) {
        ("GET", ["system", "ping"]) => ("GET /system/ping", Call::Ping),
        ("GET", ["config", "client"]) => ("GET /config/client", Call::ClientConfig),
        ("GET", ["websocket"]) => ("GET /websocket", Call::Socket),
        ("GET", ["emoji", ..]) => ("GET /emoji", Call::Emoji),
        (_, ["posts", ..] | ["reactions"]) => return posts(method.as_str(), segments),
        (_, ["channels" | "teams", ..]) => return channels(method.as_str(), segments),
        (_, ["users", ..]) => return users(method.as_str(), segments),
        ("POST", ["files"]) => ("POST /files", Call::Upload),
        ("GET", ["files", id]) => (
            "GET /files/{id}",
            Call::File {
                id: own(id),
                head: false,
            },
        ),
        ("HEAD", ["files", id]) => (
            "HEAD /files/{id}",
            Call::File {
                id: own(id),
                head: true,
            },
        ),
        ("GET", ["files", id, "info"]) => ("GET /files/{id}/info", Call::FileInfo(own(id))),
        ("POST", ["hooks", "outgoing"]) => ("POST /hooks/outgoing", Call::CreateHook),
        ("GET", ["hooks", "outgoing"]) => ("GET /hooks/outgoing", Call::ListHooks),
        ("GET", ["hooks", "outgoing", id]) => ("GET /hooks/outgoing/{id}", Call::Hook(own(id))),
        ("PUT", ["hooks", "outgoing", id]) => {
            ("PUT /hooks/outgoing/{id}", Call::UpdateHook(own(id)))
        }
        ("DELETE", ["hooks", "outgoing", id]) => {
            ("DELETE /hooks/outgoing/{id}", Call::DeleteHook(own(id)))
        }
        ("POST", ["hooks", "outgoing", id, "regen_token"]) => (
            "POST /hooks/outgoing/{id}/regen_token",
            Call::RegenerateHookToken(own(id)),
        ),
        _ => return None,
    })
}

fn posts(method: &str, segments: &[&str]) -> Option<(&'static str, Call)> {
    let own = |part: &&str| (*part).to_owned();
    Some(match (method, segments) {
        ("POST", ["posts"]) => ("POST /posts", Call::CreatePost),
        ("POST", ["posts", "ids"]) => ("POST /posts/ids", Call::PostsByIds),
        ("GET", ["posts", id]) => ("GET /posts/{id}", Call::Post(own(id))),
        ("PUT", ["posts", id]) => ("PUT /posts/{id}", Call::UpdatePost(own(id))),
        ("DELETE", ["posts", id]) => ("DELETE /posts/{id}", Call::DeletePost(own(id))),
        ("PUT", ["posts", id, "patch"]) => ("PUT /posts/{id}/patch", Call::PatchPost(own(id))),
        ("GET", ["posts", id, "thread"]) => ("GET /posts/{id}/thread", Call::Thread(own(id))),
        ("GET", ["posts", id, "reactions"]) => {
            ("GET /posts/{id}/reactions", Call::PostReactions(own(id)))
        }
        ("POST", ["reactions"]) => ("POST /reactions", Call::React),
        _ => return None,
    })
}

fn channels(method: &str, segments: &[&str]) -> Option<(&'static str, Call)> {
    let own = |part: &&str| (*part).to_owned();
    Some(match (method, segments) {
        ("POST", ["channels", "direct"]) => ("POST /channels/direct", Call::Direct),
        ("GET", ["channels", id]) => ("GET /channels/{id}", Call::Channel(own(id))),
        ("DELETE", ["channels", id]) => ("DELETE /channels/{id}", Call::ArchiveChannel(own(id))),
        ("POST", ["channels", id, "restore"]) => {
            ("POST /channels/{id}/restore", Call::RestoreChannel(own(id)))
        }
        ("GET", ["channels", id, "posts"]) => {
            ("GET /channels/{id}/posts", Call::ChannelPosts(own(id)))
        }
        ("GET", ["channels", id, "members"]) => {
            ("GET /channels/{id}/members", Call::Members(own(id)))
        }
        ("POST", ["channels", id, "members"]) => {
            ("POST /channels/{id}/members", Call::AddMember(own(id)))
        }
        ("GET", ["channels", channel, "members", user]) => (
            "GET /channels/{id}/members/{id}",
            Call::Member {
                channel_id: own(channel),
                user_id: own(user),
            },
        ),
        ("DELETE", ["channels", channel, "members", user]) => (
            "DELETE /channels/{id}/members/{id}",
            Call::RemoveMember {
                channel_id: own(channel),
                user_id: own(user),
            },
        ),
        ("PUT", ["channels", channel, "members", user, "notify_props"]) => (
            "PUT /channels/{id}/members/{id}/notify_props",
            Call::NotifyProps {
                channel_id: own(channel),
                user_id: own(user),
            },
        ),
        ("GET", ["teams", id]) => ("GET /teams/{id}", Call::Team(own(id))),
        ("GET", ["teams", id, "members", user]) => (
            "GET /teams/{id}/members/{id}",
            Call::TeamMember {
                team_id: own(id),
                user_id: own(user),
            },
        ),
        ("GET", ["teams", "name", team]) => ("GET /teams/name/{name}", Call::TeamByName(own(team))),
        ("GET", ["teams", "name", team, "channels", "name", name]) => (
            "GET /teams/name/{name}/channels/name/{name}",
            Call::ChannelByNames {
                team: own(team),
                name: own(name),
            },
        ),
        ("GET", ["teams", team, "channels", "name", name]) => (
            "GET /teams/{id}/channels/name/{name}",
            Call::ChannelByName {
                team_id: own(team),
                name: own(name),
            },
        ),
        _ => return None,
    })
}

fn users(method: &str, segments: &[&str]) -> Option<(&'static str, Call)> {
    let own = |part: &&str| (*part).to_owned();
    Some(match (method, segments) {
        ("GET", ["users"]) => ("GET /users", Call::Users),
        ("POST", ["users", "ids"]) => ("POST /users/ids", Call::UsersByIds),
        ("POST", ["users", "usernames"]) => ("POST /users/usernames", Call::UsersByNames),
        ("GET", ["users", "username", name]) => {
            ("GET /users/username/{name}", Call::UserByName(own(name)))
        }
        ("GET", ["users", "email", email]) => {
            let email =
                form_urlencoded::parse(format!("e={}", email.replace('+', "%2B")).as_bytes())
                    .next()
                    .map_or_else(String::new, |(_, email)| email.into_owned());
            ("GET /users/email/{email}", Call::UserByEmail(email))
        }
        ("GET", ["users", id, "teams"]) => ("GET /users/{id}/teams", Call::TeamsOf(own(id))),
        ("GET", ["users", id, "teams", team, "channels"]) => (
            "GET /users/{id}/teams/{id}/channels",
            Call::ChannelsOf {
                user_id: own(id),
                team_id: own(team),
            },
        ),
        ("POST", ["users", id, "typing"]) => ("POST /users/{id}/typing", Call::Typing(own(id))),
        ("GET", ["users", "me"]) => ("GET /users/me", Call::User("me".to_owned())),
        ("GET", ["users", id]) => ("GET /users/{id}", Call::User(own(id))),
        ("DELETE", ["users", user, "posts", post, "reactions", emoji]) => (
            "DELETE /users/{id}/posts/{id}/reactions/{name}",
            Call::Unreact {
                user_id: own(user),
                post_id: own(post),
                emoji: own(emoji),
            },
        ),
        _ => return None,
    })
}
