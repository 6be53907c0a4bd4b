//! Outgoing webhooks: who has one, and how a post reaches it. At most once, public channels only, no `root_id`, no signature, and
//! an answer with a `text` becomes a post: a hint with a loaded gun.

use std::sync::Arc;

use http::Method;
use serde_json::{Value, json};

use super::Inner;
use super::errors::Refusal;
use super::model::{Channel, ChannelKind, Post, User};
use super::posts::Wanted;
use super::state::State;

/// The most of an answer that is looked at.
const LONGEST_ANSWER: usize = 1 << 20;

/// A registered outgoing webhook.
#[derive(Debug, Clone)]
pub(super) struct Hook {
    pub(super) id: String,
    pub(super) token: String,
    pub(super) creator_id: String,
    pub(super) team_id: String,
    pub(super) channel_id: String,
    pub(super) display_name: String,
    pub(super) trigger_words: Vec<String>,
    pub(super) trigger_when: i64,
    pub(super) callback_urls: Vec<String>,
    pub(super) content_type: String,
    pub(super) create_at: i64,
}

impl Hook {
    pub(super) fn json(&self) -> Value {
        json!({ "id": self.id, "token": self.token, "create_at": self.create_at, "update_at": self.create_at, "delete_at": 0,
            "creator_id": self.creator_id, "channel_id": self.channel_id, "team_id": self.team_id, "trigger_words": self.trigger_words,
            "trigger_when": self.trigger_when, "callback_urls": self.callback_urls, "display_name": self.display_name,
            "description": "", "content_type": self.content_type, "username": "", "icon_url": "" })
    }

    fn read(&mut self, body: &Value) {
        let text = |key: &str| body[key].as_str().unwrap_or_default().to_owned();
        let texts = |key: &str| {
            body[key]
                .as_array()
                .into_iter()
                .flatten()
                .filter_map(|text| text.as_str().map(str::to_owned))
                .collect()
        };
        self.token = text("token");
        self.channel_id = text("channel_id");
        self.display_name = text("display_name");
        self.trigger_words = texts("trigger_words");
        self.trigger_when = body["trigger_when"].as_i64().unwrap_or(0);
        self.callback_urls = texts("callback_urls");
        self.content_type = text("content_type");
    }

    /// The word a post triggers this hook with; an empty one for hooks without words.
    fn triggered_by(&self, post: &Post, channel: &Channel) -> Option<String> {
        if self.team_id != channel.team_id
            || !(self.channel_id.is_empty() || self.channel_id == channel.id)
        {
            return None;
        }
        if self.trigger_words.is_empty() {
            return (!self.channel_id.is_empty()).then(String::new);
        }
        let first = post.message.split_whitespace().next().unwrap_or_default();
        let fits = |word: &&String| {
            if self.trigger_when == 1 {
                first.starts_with(word.as_str())
            } else {
                first == word.as_str()
            }
        };
        self.trigger_words.iter().find(fits).cloned()
    }
}

impl State {
    /// `POST /hooks/outgoing`: admins only here, since the simulated team has no team admins.
    pub(super) fn create_hook(
        &mut self,
        id: String,
        token: String,
        now: i64,
        user: &User,
        body: &[u8],
    ) -> Result<Value, Refusal> {
        if !user.is_admin {
            return Err(Refusal::permissions());
        }
        let body: Value = serde_json::from_slice(body).map_err(|_| Refusal::invalid_body())?;
        let mut hook = Hook {
            id,
            token: String::new(),
            creator_id: user.id.clone(),
            team_id: body["team_id"].as_str().unwrap_or_default().to_owned(),
            channel_id: String::new(),
            display_name: String::new(),
            trigger_words: Vec::new(),
            trigger_when: 0,
            callback_urls: Vec::new(),
            content_type: String::new(),
            create_at: now,
        };
        hook.read(&body);
        if hook.token.is_empty() {
            hook.token = token;
        }
        self.check_hook(&hook)?;
        let json = hook.json();
        self.hooks.insert(hook.id.clone(), hook);
        Ok(json)
    }

    /// `PUT /hooks/outgoing/{id}`: a full replacement, an absent token included.
    pub(super) fn update_hook(
        &mut self,
        user: &User,
        id: &str,
        body: &[u8],
    ) -> Result<Value, Refusal> {
        let mut hook = self.hook(user, id)?.clone();
        let body: Value = serde_json::from_slice(body).map_err(|_| Refusal::invalid_body())?;
        hook.read(&body);
        let json = hook.json();
        self.hooks.insert(hook.id.clone(), hook);
        Ok(json)
    }

    /// `DELETE /hooks/outgoing/{id}`.
    pub(super) fn delete_hook(&mut self, user: &User, id: &str) -> Result<(), Refusal> {
        self.hook(user, id)?;
        self.hooks.remove(id);
        Ok(())
    }

    /// `POST /hooks/outgoing/{id}/regen_token`: the old one is dead at once.
    pub(super) fn regenerate_hook_token(
        &mut self,
        token: String,
        user: &User,
        id: &str,
    ) -> Result<Value, Refusal> {
        self.hook(user, id)?;
        let hook = self.hooks.get_mut(id).ok_or_else(Refusal::permissions)?;
        hook.token = token;
        Ok(hook.json())
    }

    pub(super) fn hook(&self, user: &User, id: &str) -> Result<&Hook, Refusal> {
        if !user.is_admin {
            return Err(Refusal::permissions());
        }
        self.hooks
            .get(id)
            .ok_or_else(|| Refusal::new(404, "app.webhooks.get_outgoing.app_error"))
    }

    pub(super) fn list_hooks(&self, user: &User, channel_id: &str) -> Result<Value, Refusal> {
        if !user.is_admin {
            return Err(Refusal::permissions());
        }
        Ok(self
            .hooks
            .values()
            .filter(|hook| channel_id.is_empty() || hook.channel_id == channel_id)
            .map(Hook::json)
            .collect())
    }

    fn check_hook(&self, hook: &Hook) -> Result<(), Refusal> {
        if !hook.channel_id.is_empty() {
            let channel = self
                .channels
                .get(&hook.channel_id)
                .ok_or_else(Refusal::permissions)?;
            // Mattermost's own id for this, misleading as it is.
            if channel.kind != ChannelKind::Public {
                return Err(Refusal::new(403, "api.outgoing_webhook.disabled.app_error"));
            }
        } else if hook.trigger_words.is_empty() {
            return Err(Refusal::new(
                400,
                "api.webhook.create_outgoing.triggers.app_error",
            ));
        }
        let absolute = |url: &String| url.starts_with("http://") || url.starts_with("https://");
        if hook.callback_urls.is_empty() || !hook.callback_urls.iter().all(absolute) {
            return Err(Refusal::new(
                400,
                "model.outgoing_hook.is_valid.url.app_error",
            ));
        }
        Ok(())
    }

    /// The calls that a new post triggers: hook, address, content type and body.
    pub(super) fn calls_for(&self, post: &Post) -> Vec<HookCall> {
        let Some(channel) = self
            .channels
            .get(&post.channel_id)
            .filter(|channel| channel.kind == ChannelKind::Public)
        else {
            return Vec::new();
        };
        let user_name = self
            .users
            .get(&post.user_id)
            .map_or("", |user| &user.username);
        let team_domain = self
            .teams
            .get(&channel.team_id)
            .map_or("", |team| &team.name);
        let triggered = self
            .hooks
            .values()
            .filter_map(|hook| hook.triggered_by(post, channel).map(|word| (hook, word)));
        triggered
            .flat_map(|(hook, word)| {
                let is_json = hook.content_type == "application/json";
                let payload = json!({ "token": hook.token, "team_id": channel.team_id, "team_domain": team_domain, "channel_id": channel.id,
                    "channel_name": channel.name, "timestamp": if is_json { post.create_at } else { post.create_at / 1000 },
                    "user_id": post.user_id, "user_name": user_name, "post_id": post.id, "text": post.message, "trigger_word": word,
                    "file_ids": post.file_ids.join(",") });
                let body = if is_json { payload.to_string() } else { form(&payload) };
                hook.callback_urls.iter().map(move |url| HookCall { hook_id: hook.id.clone(), url: url.clone(), is_json, body: body.clone(), channel_id: post.channel_id.clone() })
            })
            .collect()
    }
}

/// One call to be made.
#[derive(Debug, Clone)]
pub(super) struct HookCall {
    hook_id: String,
    url: String,
    is_json: bool,
    body: String,
    channel_id: String,
}

impl Inner {
    /// Sends one call, or none, or two, as the hint faults have it. Nothing is repeated when it fails.
    pub(super) fn send_hook(self: &Arc<Self>, call: &HookCall) {
        for delay in self.faults.draw_hint() {
            let (inner, call) = (Arc::clone(self), call.clone());
            self.spawn(async move {
                tokio::time::sleep(delay).await;
                let content_type = if call.is_json {
                    "application/json"
                } else {
                    "application/x-www-form-urlencoded"
                };
                let headers = [
                    ("content-type", content_type),
                    ("accept", "application/json"),
                    ("user-agent", "Mattermost-Bot/1.1"),
                ];
                // A failure is one line in the real server's log, and the post is never mentioned again.
                let Ok(answer) = inner
                    .client
                    .call(Method::POST, &call.url, &headers, call.body.clone())
                    .await
                else {
                    return;
                };
                if answer.body.len() <= LONGEST_ANSWER {
                    inner.post_answer(&call, &answer.json());
                }
            });
        }
    }

    /// Whatever the status was: an answer with `text` or `attachments` is posted as a root, in the name of the hook's creator.
    fn post_answer(self: &Arc<Self>, call: &HookCall, answer: &Value) {
        let text = answer["text"].as_str();
        let attachments = answer["attachments"].as_array();
        if text.is_none() && attachments.is_none() {
            return;
        }
        let (id, now) = (self.random.id(), self.clock.now());
        self.change(|state| {
            let Some(creator) = state
                .hooks
                .get(&call.hook_id)
                .and_then(|hook| state.users.get(&hook.creator_id))
                .cloned()
            else {
                return;
            };
            let mut props =
                serde_json::Map::from_iter([("from_webhook".to_owned(), json!("true"))]);
            if let Some(attachments) = attachments {
                props.insert("attachments".to_owned(), json!(attachments));
            }
            let wanted = Wanted {
                channel_id: call.channel_id.clone(),
                message: text.unwrap_or_default().to_owned(),
                props,
                answers_hook: true,
                ..Wanted::default()
            };
            // A refusal is a line in the real server's log.
            let _ = state.finish_post(id, now, now, &creator, &wanted);
        });
    }
}

fn form(payload: &Value) -> String {
    let mut form = url::form_urlencoded::Serializer::new(String::new());
    for (key, value) in payload.as_object().into_iter().flatten() {
        let text = value
            .as_str()
            .map_or_else(|| value.to_string(), str::to_owned);
        form.append_pair(key, &text);
    }
    form.finish()
}
