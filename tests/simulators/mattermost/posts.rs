//! Making posts, with the rules and refusals of the real server. Changing and removing them: [`super::edits`].

use serde_json::{Map, Value, json};

use super::errors::Refusal;
use super::model::{Post, User, Version};
use super::rows::Seen;
use super::state::{Happened, Pending, State};

/// The longest message, in Unicode code points.
pub const MAX_POST_SIZE: usize = 16_383;

/// How long a `pending_post_id` protects, from the start of the request that first carried it.
pub const PENDING_LIFE_MS: i64 = 30_000;

/// The most files on one post.
const MAX_FILES: usize = 10;

/// The longest serialised props. From 9.11 on the limit of the whole body is met first.
const MAX_PROPS: usize = 800_000;

/// What a caller asked to be posted, after its permission was checked.
#[derive(Debug, Clone, Default)]
pub(super) struct Wanted {
    pub(super) given_id: bool,
    pub(super) channel_id: String,
    pub(super) root_id: String,
    pub(super) message: String,
    pub(super) kind: String,
    pub(super) props: Map<String, Value>,
    pub(super) file_ids: Vec<String>,
    pub(super) pending_post_id: String,
    pub(super) create_at: Option<i64>,
    pub(super) drops_files: bool,
    /// It is what an outgoing webhook answered: it triggers none itself.
    pub(super) answers_hook: bool,
}

impl Wanted {
    /// Reads the body of `POST /posts`. Unknown fields are ignored, as is whatever the server decides itself.
    pub(super) fn parse(body: &[u8]) -> Result<Self, Refusal> {
        let body: Value = serde_json::from_slice(body).map_err(|_| Refusal::invalid_body())?;
        let object = body.as_object().ok_or_else(Refusal::invalid_body)?;
        let text = |key: &str| match object.get(key) {
            None | Some(Value::Null) => Ok(String::new()),
            Some(Value::String(text)) => Ok(text.clone()),
            Some(_) => Err(Refusal::invalid_body()),
        };
        Ok(Self {
            given_id: !text("id")?.is_empty(),
            channel_id: text("channel_id")?,
            root_id: text("root_id")?,
            message: text("message")?,
            kind: text("type")?,
            props: props_of(object)?.unwrap_or_default(),
            file_ids: file_ids_of(object)?.unwrap_or_default(),
            pending_post_id: text("pending_post_id")?,
            create_at: object
                .get("create_at")
                .and_then(Value::as_i64)
                .filter(|at| *at > 0),
            drops_files: false,
            answers_hook: false,
        })
    }
}

/// How a request with a `pending_post_id` goes on.
#[derive(Debug)]
pub(super) enum Begun {
    /// It is the first, or the first is forgotten.
    Create,
    /// The first made this post.
    Duplicate(Box<Post>),
}

impl State {
    /// May this user post here at all? Every reason against it looks the same.
    pub(super) fn may_post(&self, user: &User, channel_id: &str) -> Result<(), Refusal> {
        let known = self.channels.contains_key(channel_id);
        if known && (user.is_admin || self.is_member(channel_id, &user.id)) {
            Ok(())
        } else {
            Err(Refusal::permissions())
        }
    }

    /// The checks before anything is made, and the look at `pending_post_id`.
    pub(super) fn begin_post(
        &mut self,
        now: i64,
        user: &User,
        wanted: &Wanted,
    ) -> Result<Begun, Refusal> {
        if wanted.kind.starts_with("system_") {
            return Err(Refusal::new(400, "api.context.invalid_param.app_error"));
        }
        self.refuse_archived(&wanted.channel_id)?;
        if wanted.pending_post_id.is_empty() {
            return Ok(Begun::Create);
        }
        // One key space for everybody, in the memory of this node.
        let known = self
            .pending
            .get(&wanted.pending_post_id)
            .filter(|pending| now - pending.since < PENDING_LIFE_MS);
        let begun = match known.map(|pending| pending.post_id.as_deref()) {
            Some(None) => return Err(Refusal::pending()),
            Some(Some(id)) => {
                let post = self
                    .rows
                    .standing(id, Seen::Now)
                    .ok_or_else(Refusal::failed_to_get)?;
                if self.may_read(user, &post.channel_id) {
                    return Ok(Begun::Duplicate(Box::new(self.shown(post, Seen::Now))));
                }
                Begun::Create
            }
            None => Begun::Create,
        };
        self.pending.insert(
            wanted.pending_post_id.clone(),
            Pending {
                since: now,
                post_id: None,
            },
        );
        Ok(begun)
    }

    /// Makes the post, or refuses and forgets its `pending_post_id`.
    pub(super) fn finish_post(
        &mut self,
        id: String,
        now: i64,
        create_at: i64,
        user: &User,
        wanted: &Wanted,
    ) -> Result<Post, Refusal> {
        let made = self.make_post(id, now, create_at, user, wanted);
        if !wanted.pending_post_id.is_empty() {
            match &made {
                Ok(post) => {
                    if let Some(pending) = self.pending.get_mut(&wanted.pending_post_id) {
                        pending.post_id = Some(post.id.clone());
                    }
                }
                Err(_) => {
                    self.pending.remove(&wanted.pending_post_id);
                }
            }
        }
        made
    }

    /// A plugin's own words stand where an id would be.
    fn ask_plugins(&self, message: &str) -> Result<(), Refusal> {
        let mut refused = self.settings.plugin_refuses.iter();
        match refused.any(|words| message.contains(words)) {
            true => Err(Refusal::new(
                400,
                "Post rejected by plugin. not wanted here",
            )),
            false => Ok(()),
        }
    }

    fn make_post(
        &mut self,
        id: String,
        now: i64,
        create_at: i64,
        user: &User,
        wanted: &Wanted,
    ) -> Result<Post, Refusal> {
        self.refuse_archived(&wanted.channel_id)?;
        if wanted.given_id {
            return Err(Refusal::new(400, "app.post.save.existing.app_error"));
        }
        self.check_root(wanted)?;
        let mut props = wanted.props.clone();
        props.remove("add_channel_member");
        if self.settings.version >= Version::V11_6 {
            props.remove("force_notification");
        }
        if user.is_bot {
            props.insert("from_bot".to_owned(), json!("true"));
        }
        self.check_content(&wanted.message, &props, &wanted.kind, wanted.file_ids.len())?;
        self.ask_plugins(&wanted.message)?;
        let file_ids = if wanted.drops_files {
            Vec::new()
        } else {
            self.attach(&id, user, &wanted.channel_id, &wanted.file_ids)
        };
        let post = Post {
            id,
            create_at,
            update_at: create_at,
            user_id: user.id.clone(),
            channel_id: wanted.channel_id.clone(),
            root_id: wanted.root_id.clone(),
            message: wanted.message.clone(),
            kind: wanted.kind.clone(),
            props,
            file_ids,
            ..Post::default()
        };
        self.last_create_at = create_at;
        self.rows.put(now, post.clone());
        self.touch_root(&post.root_id, now, post.update_at);
        let shown = self.shown(&post, Seen::Now);
        self.happened.push(Happened::Posted {
            post: Box::new(shown.clone()),
            triggers_hooks: !wanted.answers_hook,
        });
        Ok(Post {
            pending_post_id: wanted.pending_post_id.clone(),
            ..shown
        })
    }

    fn check_root(&self, wanted: &Wanted) -> Result<(), Refusal> {
        if wanted.root_id.is_empty() {
            return Ok(());
        }
        let root = self
            .rows
            .standing(&wanted.root_id, Seen::Now)
            .filter(|root| root.root_id.is_empty())
            .ok_or_else(Refusal::root_id)?;
        if root.channel_id == wanted.channel_id {
            Ok(())
        } else {
            Err(Refusal::channel_root_id())
        }
    }

    pub(super) fn check_content(
        &self,
        message: &str,
        props: &Map<String, Value>,
        kind: &str,
        files: usize,
    ) -> Result<(), Refusal> {
        let serialised = Value::Object(props.clone()).to_string();
        if message.chars().count() > MAX_POST_SIZE {
            return Err(Refusal::message_too_long(self.settings.version));
        }
        if files > MAX_FILES {
            return Err(Refusal::new(400, "model.post.is_valid.file_ids.app_error"));
        }
        if serialised.chars().count() > MAX_PROPS {
            return Err(Refusal::new(400, "model.post.is_valid.props.app_error"));
        }
        if !(kind.is_empty()
            || kind.starts_with("custom_")
            || kind.starts_with("system_")
            || kind == "me")
        {
            return Err(Refusal::new(400, "model.post.is_valid.type.app_error"));
        }
        // PostgreSQL takes no NUL, neither in text nor in JSON; the escape is how it would stand in the serialised props.
        if message.contains('\0') || serialised.contains("\\u0000") {
            return Err(Refusal::save());
        }
        Ok(())
    }

    fn refuse_archived(&self, channel_id: &str) -> Result<(), Refusal> {
        let archived = self
            .channels
            .get(channel_id)
            .is_some_and(|channel| channel.delete_at > 0);
        if archived {
            Err(Refusal::archived())
        } else {
            Ok(())
        }
    }

    /// A root follows its thread: its `update_at` becomes that of the change, even when that is earlier.
    pub(super) fn touch_root(&mut self, root_id: &str, now: i64, update_at: i64) {
        if let Some(root) = self.rows.row(root_id, Seen::Now).cloned() {
            self.rows.put(now, Post { update_at, ..root });
        }
    }

    /// Hangs files on a post. What is unknown, foreign or used is left out without a word.
    pub(super) fn attach(
        &mut self,
        post_id: &str,
        user: &User,
        channel_id: &str,
        wanted: &[String],
    ) -> Vec<String> {
        let mut attached: Vec<String> = Vec::new();
        for id in wanted {
            let Some(file) = self.files.get_mut(id) else {
                continue;
            };
            if attached.contains(id)
                || !file.info.post_id.is_empty()
                || file.info.user_id != user.id
                || file.info.delete_at > 0
            {
                continue;
            }
            post_id.clone_into(&mut file.info.post_id);
            channel_id.clone_into(&mut file.info.channel_id);
            attached.push(id.clone());
        }
        // As real servers keep them (seen on 9.11 and 11.6); people see them in the order of their uploads.
        attached.sort();
        attached
    }

    /// An event of the server's own, such as a join.
    pub(super) fn system_post(
        &mut self,
        id: String,
        now: i64,
        user_id: &str,
        channel_id: &str,
        kind: &str,
    ) {
        let post = Post {
            id,
            create_at: now,
            update_at: now,
            user_id: user_id.to_owned(),
            channel_id: channel_id.to_owned(),
            kind: kind.to_owned(),
            message: kind.trim_start_matches("system_").replace('_', " "),
            ..Post::default()
        };
        self.rows.put(now, post.clone());
        self.happened.push(Happened::Posted {
            post: Box::new(self.shown(&post, Seen::Now)),
            triggers_hooks: false,
        });
    }
}

pub(super) fn props_of(object: &Map<String, Value>) -> Result<Option<Map<String, Value>>, Refusal> {
    match object.get("props") {
        None | Some(Value::Null) => Ok(None),
        Some(Value::Object(props)) => Ok(Some(props.clone())),
        Some(_) => Err(Refusal::invalid_body()),
    }
}

pub(super) fn file_ids_of(object: &Map<String, Value>) -> Result<Option<Vec<String>>, Refusal> {
    match object.get("file_ids") {
        None | Some(Value::Null) => Ok(None),
        Some(ids) => serde_json::from_value(ids.clone())
            .map(Some)
            .map_err(|_| Refusal::invalid_body()),
    }
}
