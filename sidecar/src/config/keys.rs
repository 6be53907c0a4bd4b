//! Every key there is. The example file and `docs/configuration.md` are compared with this table by a test.

/// How a key is written and what of it may be shown.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Kind {
    /// Text, number or truth: shown as it stands.
    Plain,
    /// Shown as `set`; may come from a file.
    Secret,
    /// A list of secrets; a file of them has one on each line.
    Secrets,
    /// May come from a file; nothing in it is secret.
    Pem,
    /// An address whose password is not shown; may come from a file.
    Address,
    /// A list of plain values: one leaf.
    List,
    /// Names to values: one leaf.
    Table,
}

impl Kind {
    /// Whether `…_file` exists too.
    pub(super) const fn has_file(self) -> bool {
        matches!(
            self,
            Self::Secret | Self::Secrets | Self::Pem | Self::Address
        )
    }

    pub(super) const fn is_list(self) -> bool {
        matches!(self, Self::List | Self::Secrets)
    }
}

#[derive(Debug)]
pub(super) struct Entry {
    pub(super) path: &'static str,
    pub(super) kind: Kind,
    /// As TOML; `None` where there is none.
    pub(super) default: Option<&'static str>,
}

const fn entry(path: &'static str, kind: Kind, default: &'static str) -> Entry {
    Entry {
        path,
        kind,
        default: Some(default),
    }
}

const fn without_default(path: &'static str, kind: Kind) -> Entry {
    Entry {
        path,
        kind,
        default: None,
    }
}

use Kind::{Address, List, Pem, Plain, Secret, Secrets, Table};

/// In the order of the documentation.
pub(super) const KEYS: &[Entry] = &[
    entry("server.listen", Plain, "\"127.0.0.1:8070\""),
    entry("server.admin_listen", Plain, "\"127.0.0.1:8071\""),
    without_default("server.public_url", Plain),
    without_default("server.secret", Secret),
    without_default("server.admin_token", Secret),
    entry("server.trusted_proxies", List, "[]"),
    entry("store.url", Address, "\"sqlite:ireserve.db\""),
    entry("store.remember", Plain, "\"7d\""),
    entry("store.dangerous_accept_settings", Plain, "false"),
    entry("log.level", Plain, "\"info\""),
    entry("log.format", Plain, "\"auto\""),
    without_default("mattermost.url", Plain),
    without_default("mattermost.token", Secret),
    entry("mattermost.poll_interval", Plain, "\"30s\""),
    entry("mattermost.websocket", Plain, "true"),
    entry("mattermost.thread_limit", Plain, "500"),
    without_default("plugin.pairing_secret", Secret),
    entry("team.send_delay", Plain, "\"0s\""),
    entry("team.default_language", Plain, "\"en\""),
    entry("team.receipts", Plain, "true"),
    entry("team.reminder", Plain, "\"3m\""),
    entry("team.who_may_reply", Plain, "\"members\""),
    entry("team.who_may_map", Plain, "\"manage_channel\""),
    entry("team.extra_note_prefixes", List, "[]"),
    entry("team.contact_details", Plain, "\"name\""),
    entry("team.allow_files", Plain, "true"),
    without_default("licence.id", Plain),
    without_default("licence.licence_key", Secret),
    without_default("licence.language", Plain),
    entry("licence.time_zone", Plain, "\"UTC\""),
    without_default("licence.team", Plain),
    without_default("licence.channel", Plain),
    entry("licence.mode", Plain, "\"two-way\""),
    entry("licence.rate", Plain, "0"),
    entry("licence.webhook_tokens", Secrets, "[]"),
    without_default("licence.keys.kid", Plain),
    without_default("licence.keys.alg", Plain),
    without_default("licence.keys.secret", Secret),
    without_default("licence.keys.public_key", Pem),
    without_default("licence.attachments.fetch_hosts", List),
    entry("licence.attachments.max_bytes", Plain, "\"100MB\""),
    without_default("licence.ireserve.webhook_url", Plain),
    without_default("licence.ireserve.users_url", Plain),
    without_default("licence.ireserve.secrets", Secrets),
    entry("licence.ireserve.dangerous_plain_http", Plain, "false"),
    entry("licence.departments", Table, "{}"),
    entry("licence.notifications", Table, "{}"),
];

/// Keys that a later build will read: accepted, with a warning.
pub(super) const LATER: &[&str] = &[
    "store.sentinel_username",
    "store.sentinel_password",
    "store.wait_replicas",
    "mattermost.ca_bundle",
    "team.reply_group",
    "team.reactions_enabled",
];

pub(super) fn find(path: &str) -> Option<&'static Entry> {
    KEYS.iter().find(|entry| entry.path == path)
}

/// Whether keys stand below this path.
pub(super) fn is_section(path: &str) -> bool {
    KEYS.iter()
        .filter_map(|entry| entry.path.strip_prefix(path))
        .any(|rest| rest.starts_with('.'))
}

pub(super) fn is_later(path: &str) -> bool {
    LATER.contains(&path.strip_suffix("_file").unwrap_or(path))
}

/// The known key that an unknown one was probably meant to be.
pub(super) fn nearest(path: &str) -> Option<&'static str> {
    let sections = KEYS
        .iter()
        .filter_map(|entry| entry.path.rsplit_once('.').map(|(section, _)| section));
    KEYS.iter()
        .map(|entry| entry.path)
        .chain(sections)
        .map(|known| (distance(known, path), known))
        .min()
        .filter(|(distance, known)| *distance <= (known.len() / 4).clamp(2, 4))
        .map(|(_, known)| known)
}

/// Levenshtein's: how many characters to change, add or leave out.
fn distance(a: &str, b: &str) -> usize {
    let b: Vec<char> = b.chars().collect();
    let mut row: Vec<usize> = (0..=b.len()).collect();
    for (i, left) in a.chars().enumerate() {
        let mut diagonal = row[0];
        row[0] = i + 1;
        for (j, right) in b.iter().enumerate() {
            let change = diagonal + usize::from(left != *right);
            diagonal = row[j + 1];
            row[j + 1] = change.min(diagonal + 1).min(row[j] + 1);
        }
    }
    row[b.len()]
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_misspelt_key_finds_the_one_that_was_meant() {
        for (path, wanted) in [
            ("mattermost.pol_interval", Some("mattermost.poll_interval")),
            ("licence.webhook_token", Some("licence.webhook_tokens")),
            ("licenses", Some("licence")),
            ("server.listen_on", Some("server.listen")),
            ("something.else", None),
        ] {
            assert_eq!(nearest(path), wanted, "{path}");
        }
    }
}
