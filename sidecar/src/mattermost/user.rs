//! People, our bot, and what the server says about itself.

use std::time::Duration;

use serde::Deserialize;
use shared::UserId;
use url::Url;

use super::{Ask, Fault, Mattermost, read};

/// What is only good to know must not use up the time of what has to be done.
const ASIDE: Duration = Duration::from_secs(2);

/// Our bot.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
pub struct Me {
    pub id: UserId,
    pub username: String,
    #[serde(default)]
    pub is_bot: bool,
    /// Separated by blanks.
    #[serde(default)]
    pub roles: String,
}

/// A person or bot.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
pub struct User {
    pub id: UserId,
    pub username: String,
    #[serde(default)]
    pub first_name: String,
    #[serde(default)]
    pub last_name: String,
    #[serde(default)]
    pub nickname: String,
    /// Lower case; empty where the server does not show it.
    #[serde(default)]
    pub email: String,
    #[serde(default)]
    pub is_bot: bool,
    /// Which language he reads: `nl`, `en-AU`.
    #[serde(default)]
    pub locale: String,
    /// 0: active.
    #[serde(default)]
    pub delete_at: i64,
    /// Not empty for somebody of a connected server, whose e-mail address is made up.
    #[serde(default, deserialize_with = "read::or_empty")]
    pub remote_id: String,
}

/// What the server accepts.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Limits {
    /// Characters of one message.
    pub max_post_size: usize,
    /// Bytes of one file.
    pub max_file_size: u64,
    pub files_allowed: bool,
    /// Whether our bot is told people's e-mail addresses.
    pub shows_emails: bool,
    /// As people's browsers reach it; for links to posts.
    pub site_url: Option<Url>,
}

/// The server's version.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub struct Version {
    pub major: u32,
    pub minor: u32,
    pub patch: u32,
}

/// Go's configuration for clients: every value is text.
#[derive(Deserialize)]
#[serde(rename_all = "PascalCase")]
struct ClientConfig {
    max_post_size: Option<String>,
    max_file_size: Option<String>,
    enable_file_attachments: Option<String>,
    show_email_address: Option<String>,
    #[serde(rename = "SiteURL")]
    site_url: Option<String>,
}

impl Default for Limits {
    /// Every server since 2018 takes 16,383 characters; 100 MiB is the default for files.
    fn default() -> Self {
        Self {
            max_post_size: 16_383,
            max_file_size: 104_857_600,
            files_allowed: true,
            shows_emails: true,
            site_url: None,
        }
    }
}

impl Version {
    /// From `X-Version-Id`: `11.6.0.11.6.0.<hash>.false`.
    fn parse(text: &str) -> Option<Self> {
        let mut numbers = text.split('.').map(str::parse);
        let mut next = || numbers.next()?.ok();
        Some(Self {
            major: next()?,
            minor: next()?,
            patch: next()?,
        })
    }
}

impl std::fmt::Display for Version {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "{}.{}.{}", self.major, self.minor, self.patch)
    }
}

impl Mattermost {
    pub(super) async fn fetch_me(&self) -> Result<Me, Fault> {
        self.call(Ask::get(["users", "me"])).await
    }

    /// Asks whether the server is there and still knows our token. Changes nothing.
    ///
    /// # Errors
    /// When it is not, or does not.
    pub async fn knows_us(&self) -> Result<Me, Fault> {
        self.fetch_me().await
    }

    /// The server's version; none where a proxy hides it. Needs no token.
    ///
    /// # Errors
    /// When the server does not answer.
    pub async fn version(&self) -> Result<Option<Version>, Fault> {
        let answer = self.exchange(Ask::get(["system", "ping"])).await?;
        let version = answer
            .headers
            .get("x-version-id")
            .and_then(|value| value.to_str().ok());
        Ok(version.and_then(Version::parse))
    }

    /// # Errors
    /// As any read.
    pub async fn limits(&self) -> Result<Limits, Fault> {
        let config: ClientConfig = self
            .call(
                Ask::get(["config", "client"])
                    .query("format", "old")
                    .within(ASIDE),
            )
            .await?;
        let usual = Limits::default();
        let number = |text: Option<String>| {
            text.and_then(|text| text.parse::<u64>().ok())
                .filter(|number| *number > 0)
        };
        Ok(Limits {
            max_post_size: number(config.max_post_size).map_or(usual.max_post_size, |n| {
                usize::try_from(n).unwrap_or(usize::MAX)
            }),
            max_file_size: number(config.max_file_size).unwrap_or(usual.max_file_size),
            files_allowed: config.enable_file_attachments.as_deref() != Some("false"),
            shows_emails: config.show_email_address.as_deref() != Some("false"),
            site_url: config.site_url.and_then(|text| Url::parse(&text).ok()),
        })
    }

    /// Unknown ids are silently missing; the order is the server's.
    ///
    /// # Errors
    /// As any read.
    pub async fn users(&self, ids: &[UserId]) -> Result<Vec<User>, Fault> {
        if ids.is_empty() {
            // The server refuses an empty list.
            return Ok(Vec::new());
        }
        self.call(Ask::post(["users", "ids"], &ids).many()).await
    }

    /// Unknown names are silently missing. Names are lower case.
    ///
    /// # Errors
    /// As any read.
    pub async fn users_by_names(&self, names: &[String]) -> Result<Vec<User>, Fault> {
        if names.is_empty() {
            return Ok(Vec::new());
        }
        self.call(Ask::post(["users", "usernames"], &names).many())
            .await
    }

    /// People who administer the server, ten at most: enough to be heard, and no crowd.
    ///
    /// # Errors
    /// As any read.
    pub async fn admins(&self) -> Result<Vec<User>, Fault> {
        let ask = Ask::get(["users"])
            .query("role", "system_admin")
            .query("active", "true")
            .query("per_page", "20");
        let mut users: Vec<User> = self.call(ask).await?;
        users.retain(|user| !user.is_bot && user.delete_at == 0 && user.remote_id.is_empty());
        users.truncate(10);
        Ok(users)
    }

    /// Whoever has this e-mail address; nobody where the server does not show addresses.
    ///
    /// # Errors
    /// As any read; an address that nobody has is no error.
    pub async fn user_by_email(&self, email: &str) -> Result<Option<User>, Fault> {
        match self.call::<User>(Ask::get(["users", "email", email])).await {
            // Where addresses are hidden the path may still answer with somebody: only an equal address is an answer.
            Ok(user) => Ok(Some(user).filter(|user| user.email.eq_ignore_ascii_case(email))),
            Err(Fault::Gone(_) | Fault::Forbidden(_) | Fault::Refused(_)) => Ok(None),
            Err(fault) => Err(fault),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_version_is_read_from_the_header_and_nothing_else_is_one() {
        let version = Version::parse("11.6.0.11.6.0.abc.false").unwrap();
        assert_eq!(version.to_string(), "11.6.0");
        assert!(version > Version::parse("9.11.3").unwrap());
        for bad in ["", "dev", "11.x.0", "99999999999.1.1"] {
            assert_eq!(Version::parse(bad), None, "{bad:?}");
        }
    }
}
