//! Every refusal of Mattermost's that the product branches on, by status and id; the texts are ours, because nobody may read them.

use http::HeaderValue;
use serde_json::json;

use super::model::Version;
use crate::answer::{self, Answer};

/// An answer that is not the wanted one.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Refusal {
    /// HTTP status.
    pub status: u16,
    /// Mattermost's error id; empty in hardened mode.
    pub id: String,
    /// A plain-text body instead of Mattermost's error body, as from the rate limiter or a proxy.
    pub plain: Option<&'static str>,
    /// Further headers.
    pub headers: Vec<(&'static str, String)>,
}

impl Refusal {
    /// Mattermost's error body with this id.
    #[must_use]
    pub fn new(status: u16, id: &str) -> Self {
        Self {
            status,
            id: id.to_owned(),
            plain: None,
            headers: Vec::new(),
        }
    }

    /// An answer that does not come from Mattermost: plain text.
    #[must_use]
    pub const fn foreign(status: u16, body: &'static str) -> Self {
        Self {
            status,
            id: String::new(),
            plain: Some(body),
            headers: Vec::new(),
        }
    }

    /// The same with one more header.
    #[must_use]
    pub fn with(mut self, name: &'static str, value: impl Into<String>) -> Self {
        self.headers.push((name, value.into()));
        self
    }

    /// 403: not a member, unknown or missing channel, right taken away; Mattermost does not say which.
    #[must_use]
    pub fn permissions() -> Self {
        Self::new(403, "api.context.permissions.app_error")
    }

    /// 401: token wrong, missing, revoked, or its bot deactivated.
    #[must_use]
    pub fn session_expired() -> Self {
        Self::new(401, "api.context.session_expired.app_error")
    }

    /// 400: the root is unknown, malformed, deleted, or itself a reply.
    #[must_use]
    pub fn root_id() -> Self {
        Self::new(400, "api.post.create_post.root_id.app_error")
    }

    /// 400: the root stands in another channel.
    #[must_use]
    pub fn channel_root_id() -> Self {
        Self::new(400, "api.post.create_post.channel_root_id.app_error")
    }

    /// 400: the channel is archived.
    #[must_use]
    pub fn archived() -> Self {
        Self::new(400, "api.post.create_post.can_not_post_to_deleted.error")
    }

    /// 400: more than 16,383 code points.
    #[must_use]
    pub fn message_too_long(version: Version) -> Self {
        match version {
            Version::V9_11 => Self::new(400, "model.post.is_valid.msg.app_error"),
            Version::V11_6 => Self::new(400, "model.post.is_valid.message_length.app_error"),
        }
    }

    /// The whole body is longer than a server reads.
    #[must_use]
    pub fn body_too_large(version: Version) -> Self {
        match version {
            Version::V9_11 => Self::invalid_body(),
            Version::V11_6 => Self::new(413, "api.context.request_body_too_large.app_error"),
        }
    }

    /// 400: no JSON, or not of the wanted shape.
    #[must_use]
    pub fn invalid_body() -> Self {
        Self::new(400, "api.context.invalid_body_param.app_error")
    }

    /// 400: a parameter of the path or query is impossible.
    #[must_use]
    pub fn invalid_parameter() -> Self {
        Self::new(400, "api.context.invalid_url_param.app_error")
    }

    /// 500: the database did not take it. For a NUL character always, for parallel first replies by chance.
    #[must_use]
    pub fn save() -> Self {
        Self::new(500, "app.post.save.app_error")
    }

    /// 500: a request with the same `pending_post_id` still runs.
    #[must_use]
    pub fn pending() -> Self {
        Self::new(500, "api.post.deduplicate_create_post.pending")
    }

    /// 500: the post that a repeated `pending_post_id` made is gone.
    #[must_use]
    pub fn failed_to_get() -> Self {
        Self::new(500, "api.post.deduplicate_create_post.failed_to_get")
    }

    /// 400: another plugin did not want the post; its id is free text.
    #[must_use]
    pub fn rejected_by_plugin(reason: &str) -> Self {
        Self::new(400, &format!("Post rejected by plugin. {reason}"))
    }

    /// 404: no such post, or deleted.
    #[must_use]
    pub fn post_not_found() -> Self {
        Self::new(404, "app.post.get.app_error")
    }

    /// 404: no such channel.
    #[must_use]
    pub fn channel_not_found() -> Self {
        Self::new(404, "app.channel.get.existing.app_error")
    }

    /// 404: no such file, or its post is gone.
    #[must_use]
    pub fn file_not_found() -> Self {
        Self::new(404, "app.file_info.get.app_error")
    }

    /// 404: no such user.
    #[must_use]
    pub fn user_not_found() -> Self {
        Self::new(404, "app.user.missing_account.const")
    }

    /// 413: the file is over `MaxFileSize`.
    #[must_use]
    pub fn file_too_large() -> Self {
        Self::new(413, "api.file.upload_file.too_large_detailed.app_error")
    }

    /// 404: no such path.
    #[must_use]
    pub fn no_such_path() -> Self {
        Self::new(404, "api.context.404.app_error")
    }

    /// 429 as the limiter says it: plain text, with a `Retry-After` when one is given.
    #[must_use]
    pub fn too_many(retry_after: Option<&str>) -> Self {
        let refusal = Self::foreign(429, "limit exceeded\n");
        match retry_after {
            Some(value) => refusal.with("retry-after", value),
            None => refusal,
        }
    }

    /// 502 of a proxy whose server is gone.
    #[must_use]
    pub const fn bad_gateway() -> Self {
        Self::foreign(502, "<html><body>Bad Gateway</body></html>\n")
    }

    /// 503 of a proxy whose server starts or is upgraded.
    #[must_use]
    pub const fn unavailable() -> Self {
        Self::foreign(503, "<html><body>Service Unavailable</body></html>\n")
    }

    /// The table of what `POST /posts` may answer, each row once, for tests that walk through all of them.
    #[must_use]
    pub fn every_row_of_posting(version: Version) -> Vec<Self> {
        vec![
            Self::root_id(),
            Self::channel_root_id(),
            Self::archived(),
            Self::permissions(),
            Self::message_too_long(version),
            Self::new(400, "model.post.is_valid.file_ids.app_error"),
            Self::new(400, "model.post.is_valid.props.app_error"),
            Self::body_too_large(version),
            Self::invalid_body(),
            Self::save(),
            Self::session_expired(),
            Self::pending(),
            Self::failed_to_get(),
            Self::rejected_by_plugin("not here"),
            Self::new(
                400,
                "api.post.post_priority.priority_post_only_allowed_for_root_post.request_error",
            ),
            Self::too_many(Some("1")),
            Self::too_many(None),
            Self::bad_gateway(),
            Self::unavailable(),
        ]
    }

    /// As bytes. In hardened mode every error from 500 on loses its id and becomes 500.
    pub(super) fn answer(&self, hardened: bool, request_id: &str) -> Answer {
        let mut answer = match self.plain {
            Some(body) => answer::text(self.status, body),
            None if hardened && self.status >= 500 => answer::json(500, &body("", 500, request_id)),
            None => answer::json(self.status, &body(&self.id, self.status, request_id)),
        };
        for (name, value) in &self.headers {
            if let Ok(value) = HeaderValue::from_str(value) {
                answer.headers_mut().insert(*name, value);
            }
        }
        answer
    }
}

fn body(id: &str, status: u16, request_id: &str) -> serde_json::Value {
    json!({ "id": id, "message": "The simulated server refused this.", "detailed_error": "", "request_id": request_id,
        "status_code": status })
}
