//! What an answer of Mattermost means. Branches on status and error id, never on a message, which is translated.

use std::time::Duration;

use bytes::Bytes;
use http::StatusCode;
use serde::Deserialize;

use crate::delivery::outlet::{Outcome, Reason};

/// Mattermost's error bodies have a few hundred bytes; more is somebody else's page.
pub(super) const BODY: usize = 64 * 1024;

/// Where a 429 does not say how long: Mattermost's own limiter lets one through every tenth of a second.
const LIMITED: Duration = Duration::from_secs(1);
/// Between two tries of a token that was refused: an admin has to act.
const TOKEN: Duration = Duration::from_secs(30);
/// A proxy that speaks in Mattermost's place, for example while the server starts or is upgraded.
const PROXY: Duration = Duration::from_secs(5);

/// Anything but a good answer. One variant for each thing a caller may do about it.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum Fault {
    /// Nothing was sent.
    #[error("{0}")]
    NotSent(Reason),
    /// In doubt, and the request may still run.
    #[error("{0}")]
    Open(Reason),
    /// In doubt, but over: Mattermost said itself that it failed.
    #[error("{0}")]
    Ended(Reason),
    /// A first request with this `pending_post_id` still runs.
    #[error("{0}")]
    Pending(Reason),
    /// The post of this `pending_post_id` existed and somebody removed it.
    #[error("{0}")]
    Removed(Reason),
    /// Nobody may ask before the time is over; nothing was done.
    #[error("{reason}")]
    Limited { wait: Duration, reason: Reason },
    /// The token is wrong, revoked, or the bot was deactivated.
    #[error("{0}")]
    TokenRefused(Reason),
    /// Not Mattermost: a proxy speaks.
    #[error("{0}")]
    Proxy(Reason),
    /// Our bot may not do this here: not a member, read-only, or there is no such channel. Mattermost does not tell them apart.
    #[error("{0}")]
    Forbidden(Reason),
    #[error("{0}")]
    Archived(Reason),
    /// The root is unknown, deleted, a reply itself, or the id is malformed: four things in one. Reading the root tells.
    #[error("{0}")]
    RootRefused(Reason),
    /// 404 by Mattermost itself: it is not there.
    #[error("{0}")]
    Gone(Reason),
    /// Does not heal by repetition.
    #[error("{0}")]
    Refused(Reason),
}

#[derive(Deserialize)]
struct ErrorBody {
    id: String,
}

/// How long a 429 asks us to stay away.
pub(super) fn wait_of(retry_after: Option<Duration>) -> Duration {
    retry_after.unwrap_or(LIMITED)
}

/// The meaning of an answer that is no 2xx.
pub(super) fn meaning(status: StatusCode, body: &Bytes, retry_after: Option<Duration>) -> Fault {
    let id = serde_json::from_slice(body).map_or_else(|_| String::new(), |body: ErrorBody| body.id);
    let reason = reason(status, &id);
    match (status.as_u16(), id.as_str()) {
        (401, _) => Fault::TokenRefused(reason),
        (429, _) => Fault::Limited {
            wait: wait_of(retry_after),
            reason,
        },
        // Also in hardened mode, where Mattermost blanks the ids of its own errors.
        (500.., "") => Fault::Open(reason),
        (500.., "api.post.deduplicate_create_post.pending") => Fault::Pending(reason),
        (500.., "api.post.deduplicate_create_post.failed_to_get") => Fault::Removed(reason),
        (500.., _) => Fault::Ended(reason),
        (413, "") => Fault::Refused(reason),
        (400..500, "") | (..400, _) => Fault::Proxy(reason),
        // The route itself is unknown: the address is not that of a Mattermost, whatever the post may be.
        (404, "api.context.404.app_error") => Fault::Proxy(reason),
        (403, _) => Fault::Forbidden(reason),
        (404, _) => Fault::Gone(reason),
        (
            400,
            "api.post.create_post.can_not_post_to_deleted.error"
            | "api.post.update_post.can_not_update_post_in_deleted.error",
        ) => Fault::Archived(reason),
        (400, "api.post.create_post.root_id.app_error") => Fault::RootRefused(reason),
        (400.., _) => Fault::Refused(reason),
    }
}

/// A plugin that refuses a post puts a sentence of its own where the id stands, perhaps with the text that it refused.
fn reason(status: StatusCode, id: &str) -> Reason {
    let status = status.as_u16();
    let is_id = id.len() <= 128
        && id
            .bytes()
            .all(|b| b.is_ascii_alphanumeric() || b"._-".contains(&b));
    Reason::answered(
        status,
        match (id, is_id) {
            ("", _) => {
                format!("mattermost's address answered {status} without mattermost's error body")
            }
            (id, true) => format!("mattermost answered {status} {id}"),
            (_, false) => format!("mattermost answered {status}, refused by one of its plugins"),
        },
    )
}

impl Fault {
    #[must_use]
    pub const fn reason(&self) -> &Reason {
        match self {
            Self::Limited { reason, .. } => reason,
            Self::NotSent(reason)
            | Self::Open(reason)
            | Self::Ended(reason)
            | Self::Pending(reason)
            | Self::Removed(reason)
            | Self::TokenRefused(reason)
            | Self::Proxy(reason)
            | Self::Forbidden(reason)
            | Self::Archived(reason)
            | Self::RootRefused(reason)
            | Self::Gone(reason)
            | Self::Refused(reason) => reason,
        }
    }

    /// Whether it speaks about what was asked, so that asking again later changes nothing: any 4xx but 401 and 429.
    #[must_use]
    pub const fn is_final(&self) -> bool {
        matches!(
            self,
            Self::Forbidden(_)
                | Self::Archived(_)
                | Self::RootRefused(_)
                | Self::Gone(_)
                | Self::Refused(_)
        )
    }

    /// As the engine counts it, where nothing more is known: what a channel or a root can explain is explained before this.
    #[must_use]
    pub fn outcome(self) -> Outcome {
        match self {
            Self::NotSent(reason) => Outcome::NotSent(reason),
            Self::Open(reason) | Self::Pending(reason) => Outcome::InDoubt { open: true, reason },
            Self::Ended(reason) => Outcome::InDoubt {
                open: false,
                reason,
            },
            Self::Removed(_) => Outcome::Delivered { post: None },
            Self::Limited { wait, reason } => Outcome::Pause { wait, reason },
            Self::TokenRefused(reason) => Outcome::Pause {
                wait: TOKEN,
                reason,
            },
            Self::Proxy(reason) => Outcome::Pause {
                wait: PROXY,
                reason,
            },
            Self::Forbidden(reason) | Self::Archived(reason) => Outcome::Blocked {
                channel: None,
                reason,
            },
            Self::RootRefused(reason) | Self::Gone(reason) | Self::Refused(reason) => {
                Outcome::Refused(reason)
            }
        }
    }

    /// The same for a request that creates nothing, so that its loss is no doubt: it simply has to be made again.
    #[must_use]
    pub fn unread(self) -> Outcome {
        match self {
            Self::Open(reason)
            | Self::Ended(reason)
            | Self::Pending(reason)
            | Self::Removed(reason) => Outcome::NotSent(reason),
            other => other.outcome(),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn of(status: u16, body: &str) -> Fault {
        let status = StatusCode::from_u16(status).unwrap();
        meaning(
            status,
            &Bytes::copy_from_slice(body.as_bytes()),
            Some(Duration::from_secs(7)),
        )
    }

    fn name(fault: &Fault) -> String {
        let text = format!("{fault:?}");
        text.split(['(', ' ']).next().unwrap().to_owned()
    }

    #[test]
    fn every_answer_has_its_one_meaning() {
        for (status, id, wanted) in [
            (301, "", "Proxy"),
            (307, "", "Proxy"),
            (400, "", "Proxy"),
            (404, "", "Proxy"),
            (413, "", "Refused"),
            (429, "", "Limited"),
            (500, "", "Open"),
            (502, "", "Open"),
            (503, "", "Open"),
            (500, "app.post.save.app_error", "Ended"),
            (501, "api.file.attachments.disabled.app_error", "Ended"),
            (500, "api.post.deduplicate_create_post.pending", "Pending"),
            (
                500,
                "api.post.deduplicate_create_post.failed_to_get",
                "Removed",
            ),
            (401, "api.context.session_expired.app_error", "TokenRefused"),
            (401, "", "TokenRefused"),
            (403, "api.context.permissions.app_error", "Forbidden"),
            (403, "", "Proxy"),
            (
                400,
                "api.post.create_post.can_not_post_to_deleted.error",
                "Archived",
            ),
            (
                400,
                "api.post.update_post.can_not_update_post_in_deleted.error",
                "Archived",
            ),
            (400, "api.post.create_post.root_id.app_error", "RootRefused"),
            (
                400,
                "model.post.is_valid.message_length.app_error",
                "Refused",
            ),
            (
                413,
                "api.context.request_body_too_large.app_error",
                "Refused",
            ),
            (404, "app.post.get.app_error", "Gone"),
            (404, "api.context.404.app_error", "Proxy"),
        ] {
            let body = if id.is_empty() {
                "<html>".to_owned()
            } else {
                format!(r#"{{"id":"{id}","status_code":{status}}}"#)
            };
            assert_eq!(name(&of(status, &body)), wanted, "{status} {id}");
        }
    }

    #[test]
    fn an_error_body_without_a_usable_id_is_not_mattermosts() {
        for body in [
            "",
            "{}",
            r#"{"id":""}"#,
            r#"{"id":7}"#,
            "[]",
            "limit exceeded\n",
            "\u{0}",
        ] {
            assert_eq!(name(&of(500, body)), "Open", "{body:?}");
            assert_eq!(name(&of(403, body)), "Proxy", "{body:?}");
        }
    }

    #[test]
    fn what_a_plugin_says_about_a_text_is_not_repeated() {
        let fault = of(400, r#"{"id":"Post rejected by plugin. canary"}"#);
        assert_eq!(name(&fault), "Refused");
        assert!(!fault.to_string().contains("canary"), "{fault}");
    }

    #[test]
    fn a_refused_token_pauses_everybody_and_a_limit_is_kept_to_the_second() {
        assert!(matches!(of(401, "").outcome(), Outcome::Pause { wait, .. } if wait == TOKEN));
        assert!(
            matches!(of(429, "").outcome(), Outcome::Pause { wait, .. } if wait == Duration::from_secs(7))
        );
    }
}
