//! Mattermost's own objects, in the fields that the product, its tests and its people read.

use serde::{Deserialize, Deserializer, Serialize};
use serde_json::{Map, Value, json};

/// Which server is imitated, where releases differ.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Default)]
pub enum Version {
    /// The oldest supported release.
    V9_11,
    /// The newest release that was looked at.
    #[default]
    V11_6,
}

impl Version {
    /// As in the header `X-Version-Id`, without build and configuration.
    #[must_use]
    pub const fn number(self) -> &'static str {
        match self {
            Self::V9_11 => "9.11.0",
            Self::V11_6 => "11.6.0",
        }
    }
}

/// A post, as REST shows it. Times are milliseconds since 1970.
#[derive(Debug, Clone, PartialEq, Default, Serialize, Deserialize)]
#[serde(default)]
#[expect(missing_docs, reason = "the field names are Mattermost's own")]
pub struct Post {
    pub id: String,
    pub create_at: i64,
    pub update_at: i64,
    pub edit_at: i64,
    pub delete_at: i64,
    pub is_pinned: bool,
    pub user_id: String,
    pub channel_id: String,
    pub root_id: String,
    pub original_id: String,
    pub message: String,
    #[serde(rename = "type")]
    pub kind: String,
    #[serde(deserialize_with = "nullable")]
    pub props: Map<String, Value>,
    pub hashtags: String,
    #[serde(deserialize_with = "nullable", skip_serializing_if = "Vec::is_empty")]
    pub file_ids: Vec<String>,
    pub pending_post_id: String,
    /// Filled when the post is shown, never stored.
    pub reply_count: i64,
    #[serde(skip_serializing_if = "std::ops::Not::not")]
    pub has_reactions: bool,
    /// Files and reactions, filled when the post is shown.
    pub metadata: Value,
}

impl Post {
    /// The marker that the sidecar leaves in `props.ireserve`.
    #[must_use]
    pub fn ireserve(&self) -> Option<&Value> {
        self.props.get("ireserve")
    }

    /// A text field of that marker: `licence`, `conversation_id`, `event_id`, `mark`.
    #[must_use]
    pub fn marker(&self, field: &str) -> Option<&str> {
        self.ireserve()?.get(field)?.as_str()
    }

    /// Whether people wrote it or a program; false for joins, archiving and other events of the server.
    #[must_use]
    pub fn is_system(&self) -> bool {
        self.kind.starts_with("system_")
    }

    /// Everything of it that a person sees as text: the message and its attachments' texts, one per line.
    #[must_use]
    pub fn readable(&self) -> String {
        let mut lines = vec![self.message.clone()];
        for attachment in self
            .props
            .get("attachments")
            .and_then(Value::as_array)
            .into_iter()
            .flatten()
        {
            for key in ["pretext", "author_name", "title", "text", "footer"] {
                lines.extend(attachment[key].as_str().map(str::to_owned));
            }
            for field in attachment["fields"].as_array().into_iter().flatten() {
                let value = field["value"]
                    .as_str()
                    .map_or_else(|| field["value"].to_string(), str::to_owned);
                lines.push(format!(
                    "{}: {value}",
                    field["title"].as_str().unwrap_or_default()
                ));
            }
        }
        lines.retain(|line| !line.is_empty());
        lines.join("\n")
    }
}

/// Where Go writes null, an empty value is meant.
fn nullable<'de, D: Deserializer<'de>, T: Deserialize<'de> + Default>(
    deserializer: D,
) -> Result<T, D::Error> {
    Ok(Option::deserialize(deserializer)?.unwrap_or_default())
}

/// A team.
#[derive(Debug, Clone)]
pub struct Team {
    /// 26 characters.
    pub id: String,
    /// As in URLs.
    pub name: String,
    /// As people read it.
    pub display_name: String,
    /// When it was made.
    pub create_at: i64,
}

impl Team {
    pub(super) fn json(&self) -> Value {
        json!({ "id": self.id, "name": self.name, "display_name": self.display_name, "type": "O", "create_at": self.create_at,
            "update_at": self.create_at, "delete_at": 0, "description": "", "email": "", "company_name": "", "allowed_domains": "",
            "invite_id": "", "allow_open_invite": true, "scheme_id": null, "group_constrained": null, "policy_id": null })
    }
}

/// Who may find a channel.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum ChannelKind {
    /// Everybody in the team: type `O`.
    Public,
    /// Its members only: type `P`.
    Private,
    /// Two people, in no team: type `D`.
    Direct,
}

impl ChannelKind {
    pub(super) const fn letter(self) -> &'static str {
        match self {
            Self::Public => "O",
            Self::Private => "P",
            Self::Direct => "D",
        }
    }
}

/// A channel.
#[derive(Debug, Clone)]
pub struct Channel {
    /// 26 characters.
    pub id: String,
    /// The team it is in.
    pub team_id: String,
    /// As in URLs.
    pub name: String,
    /// As people read it.
    pub display_name: String,
    /// Public or private.
    pub kind: ChannelKind,
    /// When it was made.
    pub create_at: i64,
    /// When it last changed.
    pub update_at: i64,
    /// When it was archived; 0 while it is not.
    pub delete_at: i64,
}

impl Channel {
    pub(super) fn json(&self) -> Value {
        json!({ "id": self.id, "team_id": self.team_id, "name": self.name, "display_name": self.display_name,
            "type": self.kind.letter(), "create_at": self.create_at, "update_at": self.update_at, "delete_at": self.delete_at,
            "header": "", "purpose": "", "last_post_at": self.update_at, "total_msg_count": 0, "extra_update_at": 0,
            "creator_id": "", "scheme_id": null, "props": null, "group_constrained": null, "shared": null,
            "total_msg_count_root": 0, "policy_id": null, "last_root_post_at": self.update_at })
    }
}

/// A person or a bot.
#[derive(Debug, Clone, Default)]
pub struct User {
    /// 26 characters.
    pub id: String,
    /// Lower case.
    pub username: String,
    /// Lower case; hidden from others when the server says so.
    pub email: String,
    /// May be empty.
    pub first_name: String,
    /// May be empty.
    pub last_name: String,
    /// May be empty.
    pub nickname: String,
    /// `nl`, `en` and so on.
    pub locale: String,
    /// Whether it is a bot account.
    pub is_bot: bool,
    /// Whether it has `manage_system`.
    pub is_admin: bool,
    /// Whether it is a guest.
    pub is_guest: bool,
    /// When it was made.
    pub create_at: i64,
    /// When it was deactivated; 0 while it is not.
    pub delete_at: i64,
}

impl User {
    /// A person with a mail address `{name}@example.com`.
    #[must_use]
    pub fn person(username: &str, first_name: &str, last_name: &str) -> Self {
        Self {
            username: username.to_owned(),
            email: format!("{username}@example.com"),
            first_name: first_name.to_owned(),
            last_name: last_name.to_owned(),
            locale: "en".to_owned(),
            ..Self::default()
        }
    }

    /// A bot account.
    #[must_use]
    pub fn bot(username: &str) -> Self {
        Self {
            is_bot: true,
            email: format!("{username}@localhost"),
            ..Self::person(username, "", "")
        }
    }

    /// The same with all rights.
    #[must_use]
    pub fn admin(self) -> Self {
        Self {
            is_admin: true,
            ..self
        }
    }

    pub(super) fn json(&self, shows: Shows) -> Value {
        let mut user = json!({ "id": self.id, "create_at": self.create_at, "update_at": self.create_at, "delete_at": self.delete_at,
            "username": self.username, "auth_data": "", "auth_service": "", "nickname": self.nickname, "position": "",
            "email": if shows.email { &*self.email } else { "" },
            "first_name": if shows.name { &*self.first_name } else { "" },
            "last_name": if shows.name { &*self.last_name } else { "" },
            "roles": self.roles(), "locale": self.locale, "disable_welcome_email": false,
            "timezone": { "automaticTimezone": "", "manualTimezone": "", "useAutomaticTimezone": "true" } });
        // Go leaves a false out, and readers must cope.
        if self.is_bot {
            user["is_bot"] = json!(true);
            user["bot_description"] = json!("");
        }
        user
    }

    pub(super) const fn roles(&self) -> &'static str {
        match (self.is_admin, self.is_guest) {
            (true, _) => "system_user system_admin",
            (false, true) => "system_guest",
            (false, false) => "system_user",
        }
    }
}

/// What one reader sees of another user.
#[derive(Debug, Clone, Copy)]
pub(super) struct Shows {
    pub(super) email: bool,
    pub(super) name: bool,
}

/// What is known of an uploaded file.
#[derive(Debug, Clone)]
pub struct FileInfo {
    /// 26 characters.
    pub id: String,
    /// Who uploaded it.
    pub user_id: String,
    /// Where it was uploaded to; rewritten by 11.x when it is attached elsewhere.
    pub channel_id: String,
    /// The post it hangs on; empty until then.
    pub post_id: String,
    /// When it was uploaded.
    pub create_at: i64,
    /// When its post was deleted; 0 while it was not.
    pub delete_at: i64,
    /// The last part of the given name.
    pub name: String,
    /// In bytes.
    pub size: usize,
}

impl FileInfo {
    /// What follows the last dot, lower case; empty without one.
    #[must_use]
    pub fn extension(&self) -> String {
        self.name
            .rsplit_once('.')
            .map_or_else(String::new, |(_, extension)| extension.to_lowercase())
    }

    pub(super) fn json(&self, version: Version) -> Value {
        let mut info = json!({ "id": self.id, "user_id": self.user_id, "post_id": self.post_id, "channel_id": self.channel_id,
            "create_at": self.create_at, "update_at": self.create_at, "delete_at": self.delete_at, "name": self.name,
            "extension": self.extension(), "size": self.size, "mime_type": mime_type(&self.extension()),
            "mini_preview": null, "remote_id": "" });
        if self.post_id.is_empty() {
            info.as_object_mut().map(|info| info.remove("post_id"));
        }
        if version >= Version::V11_6 {
            info["archived"] = json!(false);
        }
        info
    }
}

/// The type that a server derives from the extension alone; empty when it knows none.
pub(super) fn mime_type(extension: &str) -> &'static str {
    match extension {
        "jpg" | "jpeg" => "image/jpeg",
        "png" => "image/png",
        "gif" => "image/gif",
        "webp" => "image/webp",
        "bmp" => "image/bmp",
        "svg" => "image/svg+xml",
        "pdf" => "application/pdf",
        "txt" => "text/plain; charset=utf-8",
        "html" | "htm" => "text/html; charset=utf-8",
        "csv" => "text/csv; charset=utf-8",
        "json" => "application/json",
        "zip" => "application/zip",
        "mp4" => "video/mp4",
        "doc" => "application/msword",
        "docx" => "application/vnd.openxmlformats-officedocument.wordprocessingml.document",
        _ => "",
    }
}
