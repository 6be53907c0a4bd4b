//! Everything a server remembers, and what tests ask about it. No clocks and no tasks: `now` is an argument, and what others have
//! to hear of is left in `happened`.

use std::collections::{BTreeMap, BTreeSet, HashMap};
use std::fmt::Write as _;

use bytes::Bytes;
use serde_json::Value;

use super::hooks::Hook;
use super::log::{Log, Logged};
use super::model::{Channel, FileInfo, Post, Shows, Team, User, Version};
use super::rows::{Rows, Seen};

/// What a server is set to. The defaults are Mattermost's.
#[derive(Debug, Clone)]
pub struct Settings {
    /// Which release is imitated.
    pub version: Version,
    /// `FileSettings.MaxFileSize`, in bytes.
    pub max_file_size: usize,
    /// `PrivacySettings.ShowEmailAddress`.
    pub show_email: bool,
    /// `PrivacySettings.ShowFullName`.
    pub show_name: bool,
    /// `ServiceSettings.MaximumPayloadSizeBytes`.
    pub max_payload: usize,
    /// What another plugin's `MessageWillBePosted` refuses: every new post that holds one of these.
    pub plugin_refuses: Vec<String>,
}

impl Default for Settings {
    fn default() -> Self {
        Self {
            version: Version::default(),
            max_file_size: 104_857_600,
            show_email: true,
            show_name: true,
            max_payload: 300_000,
            plugin_refuses: Vec::new(),
        }
    }
}

/// What others have to hear of.
#[derive(Debug, Clone)]
pub(super) enum Happened {
    Posted {
        post: Box<Post>,
        triggers_hooks: bool,
    },
    Edited(Box<Post>),
    Deleted(Box<Post>),
    Reaction {
        added: bool,
        channel_id: String,
        reaction: Value,
    },
    Channel {
        event: &'static str,
        channel_id: String,
    },
    Typing {
        channel_id: String,
        user_id: String,
        parent_id: String,
    },
    Member {
        event: &'static str,
        channel_id: String,
        user_id: String,
    },
}

#[derive(Debug, Clone)]
pub(super) struct Reaction {
    pub(super) user_id: String,
    pub(super) post_id: String,
    pub(super) emoji_name: String,
    pub(super) create_at: i64,
}

/// A request with a `pending_post_id`, running or done.
#[derive(Debug, Clone)]
pub(super) struct Pending {
    pub(super) since: i64,
    pub(super) post_id: Option<String>,
}

#[derive(Debug, Clone)]
pub(super) struct File {
    pub(super) info: FileInfo,
    pub(super) bytes: Bytes,
}

/// The state of one server, as tests look at it.
#[derive(Debug)]
pub struct State {
    pub(super) settings: Settings,
    pub(super) teams: BTreeMap<String, Team>,
    pub(super) channels: BTreeMap<String, Channel>,
    pub(super) users: BTreeMap<String, User>,
    pub(super) tokens: HashMap<String, String>,
    pub(super) team_members: BTreeSet<(String, String)>,
    /// (channel, user) to that member's notify props.
    pub(super) members: BTreeMap<(String, String), Value>,
    pub(super) rows: Rows,
    pub(super) files: HashMap<String, File>,
    /// By post.
    pub(super) reactions: HashMap<String, Vec<Reaction>>,
    pub(super) hooks: BTreeMap<String, Hook>,
    pub(super) pending: HashMap<String, Pending>,
    /// That of the newest post, for posts that must share a millisecond.
    pub(super) last_create_at: i64,
    pub(super) happened: Vec<Happened>,
    pub(super) sockets: usize,
    pub(super) log: Log,
}

impl State {
    pub(super) fn new(settings: Settings) -> Self {
        Self {
            settings,
            teams: BTreeMap::new(),
            channels: BTreeMap::new(),
            users: BTreeMap::new(),
            tokens: HashMap::new(),
            team_members: BTreeSet::new(),
            members: BTreeMap::new(),
            rows: Rows::default(),
            files: HashMap::new(),
            reactions: HashMap::new(),
            hooks: BTreeMap::new(),
            pending: HashMap::new(),
            last_create_at: 0,
            happened: Vec::new(),
            sockets: 0,
            log: Log::default(),
        }
    }

    /// The standing replies to a root in (`create_at`, id) order, without the root.
    #[must_use]
    pub fn thread(&self, root_id: &str) -> Vec<Post> {
        self.rows
            .replies(root_id, Seen::Now)
            .map(|post| self.shown(post, Seen::Now))
            .collect()
    }

    /// The standing root posts of a channel, oldest first; joins and other events of the server are left out.
    #[must_use]
    pub fn roots(&self, channel_id: &str) -> Vec<Post> {
        self.posts(channel_id)
            .into_iter()
            .filter(|post| post.root_id.is_empty())
            .collect()
    }

    /// Every standing post of a channel, roots and replies, oldest first, without events of the server.
    #[must_use]
    pub fn posts(&self, channel_id: &str) -> Vec<Post> {
        let standing = self
            .rows
            .in_channel(channel_id, Seen::Now)
            .filter(|post| !post.is_system());
        standing.map(|post| self.shown(post, Seen::Now)).collect()
    }

    /// The stored form of every standing post of a channel, oldest first, events of the server included: for counting many.
    pub fn standing(&self, channel_id: &str) -> impl DoubleEndedIterator<Item = &Post> {
        self.rows.in_channel(channel_id, Seen::Now)
    }

    /// The stored form of every standing reply to a root: for counting many.
    pub fn standing_replies(&self, root_id: &str) -> impl DoubleEndedIterator<Item = &Post> {
        self.rows.replies(root_id, Seen::Now)
    }

    /// One post as it stands; none when it is deleted or was never there.
    #[must_use]
    pub fn post(&self, id: &str) -> Option<Post> {
        self.rows
            .standing(id, Seen::Now)
            .map(|post| self.shown(post, Seen::Now))
    }

    /// One post, also a deleted one.
    #[must_use]
    pub fn post_or_its_remains(&self, id: &str) -> Option<Post> {
        self.rows
            .row(id, Seen::Now)
            .map(|post| self.shown(post, Seen::Now))
    }

    /// The standing roots that open this conversation, in any channel, oldest first.
    #[must_use]
    pub fn roots_of_conversation(&self, conversation_id: &str) -> Vec<Post> {
        let mut roots: Vec<_> = self
            .channels
            .keys()
            .flat_map(|channel| self.roots(channel))
            .collect();
        roots.retain(|root| root.marker("conversation_id") == Some(conversation_id));
        roots.sort_by(|a, b| (a.create_at, &a.id).cmp(&(b.create_at, &b.id)));
        roots
    }

    /// The emoji names on a post with who put each there, in order.
    #[must_use]
    pub fn reactions(&self, post_id: &str) -> Vec<(String, String)> {
        self.reactions_on(post_id)
            .iter()
            .map(|reaction| (reaction.user_id.clone(), reaction.emoji_name.clone()))
            .collect()
    }

    /// An uploaded file's data and bytes; none when it or its post is gone.
    #[must_use]
    pub fn file(&self, id: &str) -> Option<(FileInfo, Bytes)> {
        self.files
            .get(id)
            .filter(|file| file.info.delete_at == 0)
            .map(|file| (file.info.clone(), file.bytes.clone()))
    }

    /// How many files were uploaded, attached or not.
    #[must_use]
    pub fn file_count(&self) -> usize {
        self.files.len()
    }

    /// Whether somebody is a member of a channel.
    #[must_use]
    pub fn is_member(&self, channel_id: &str, user_id: &str) -> bool {
        self.members
            .contains_key(&(channel_id.to_owned(), user_id.to_owned()))
    }

    /// How many WebSockets are open and authenticated.
    #[must_use]
    pub const fn sockets(&self) -> usize {
        self.sockets
    }

    /// The newest requests, oldest first.
    pub fn requests(&self) -> impl DoubleEndedIterator<Item = &Logged> {
        self.log.requests.iter()
    }

    /// How many requests of a kind came since the start, refused ones included: `POST /posts`.
    #[must_use]
    pub fn count(&self, call: &str) -> u64 {
        self.log.counts.get(call).copied().unwrap_or(0)
    }

    /// How many requests of every kind came since the start.
    #[must_use]
    pub fn requests_so_far(&self) -> u64 {
        self.log.counts.values().sum()
    }

    /// Every kind of request with its number.
    #[must_use]
    pub const fn counts(&self) -> &BTreeMap<&'static str, u64> {
        &self.log.counts
    }

    /// A picture of the state for people whose test failed. No tokens.
    #[must_use]
    pub fn picture(&self) -> String {
        let mut picture = String::from("Mattermost has\n");
        for channel in self.channels.values() {
            let archived = if channel.delete_at > 0 {
                ", archived"
            } else {
                ""
            };
            let _ = writeln!(picture, "  ~{}{archived}:", channel.name);
            let posts = self.posts(&channel.id);
            for post in posts.iter().skip(posts.len().saturating_sub(40)) {
                let author = self
                    .users
                    .get(&post.user_id)
                    .map_or("?", |user| &user.username);
                let indent = if post.root_id.is_empty() { "" } else { "    " };
                let _ = writeln!(
                    picture,
                    "    {indent}{} {author}: {:?}",
                    post.create_at,
                    short(&post.readable())
                );
            }
        }
        let _ = writeln!(picture, "  requests: {:?}", self.log.counts);
        for logged in self.log.requests.iter().rev().take(12).rev() {
            let status = logged
                .status
                .map_or_else(|| "no answer".to_owned(), |status| status.to_string());
            let _ = writeln!(
                picture,
                "  {:>7} ms {} -> {status} {}",
                logged.at.as_millis(),
                logged.call,
                logged.error_id
            );
        }
        picture
    }

    /// A post with what is filled in when it is shown.
    pub(super) fn shown(&self, post: &Post, seen: Seen) -> Post {
        let mut shown = post.clone();
        let root = if post.root_id.is_empty() {
            &post.id
        } else {
            &post.root_id
        };
        shown.reply_count = self.rows.reply_count(root, seen);
        let mut files: Vec<_> = post
            .file_ids
            .iter()
            .filter_map(|id| self.files.get(id))
            .collect();
        // As they were uploaded, not as the post names them (seen on 9.11).
        files.sort_by_key(|file| file.info.create_at);
        let files: Vec<_> = files
            .into_iter()
            .map(|file| file.info.json(self.settings.version))
            .collect();
        let mut metadata = serde_json::Map::new();
        if !files.is_empty() {
            metadata.insert("files".to_owned(), files.into());
        }
        let reactions: Vec<_> = self
            .reactions_on(&post.id)
            .iter()
            .map(|reaction| self.reaction_json(reaction))
            .collect();
        if !reactions.is_empty() {
            shown.has_reactions = true;
            metadata.insert("reactions".to_owned(), reactions.into());
        }
        shown.metadata = metadata.into();
        shown
    }

    pub(super) fn reactions_on(&self, post_id: &str) -> &[Reaction] {
        self.reactions.get(post_id).map_or(&[], Vec::as_slice)
    }

    pub(super) fn reaction_json(&self, reaction: &Reaction) -> Value {
        let channel_id = self
            .rows
            .row(&reaction.post_id, Seen::Now)
            .map_or("", |post| &post.channel_id);
        serde_json::json!({ "user_id": reaction.user_id, "post_id": reaction.post_id, "emoji_name": reaction.emoji_name,
            "create_at": reaction.create_at, "update_at": reaction.create_at, "delete_at": 0, "remote_id": "", "channel_id": channel_id })
    }

    /// What `reader` sees of `user`.
    pub(super) fn shows(&self, reader: &User, user: &User) -> Shows {
        let all = reader.is_admin || reader.id == user.id;
        Shows {
            email: all || self.settings.show_email,
            name: all || self.settings.show_name,
        }
    }

    /// Whether somebody may read a channel: its members, and of a public one everybody in its team.
    pub(super) fn may_read(&self, user: &User, channel_id: &str) -> bool {
        let Some(channel) = self.channels.get(channel_id) else {
            return false;
        };
        user.is_admin
            || self.is_member(channel_id, &user.id)
            || (channel.kind == super::model::ChannelKind::Public
                && self
                    .team_members
                    .contains(&(channel.team_id.clone(), user.id.clone())))
    }
}

/// The first characters of a text, so that a picture stays readable.
fn short(text: &str) -> String {
    let mut short: String = text.chars().take(100).collect();
    if short.len() < text.len() {
        short.push('…');
    }
    short
}
