//! Changing and removing posts, with the rules and refusals of the real server.

use serde_json::{Value, json};

use super::errors::Refusal;
use super::model::{Post, User, Version};
use super::posts::{file_ids_of, props_of};
use super::rows::Seen;
use super::state::{Happened, State};

impl State {
    /// `PUT /posts/{id}/patch` and, with `whole`, `PUT /posts/{id}`, where what is not sent becomes empty.
    pub(super) fn edit_post(
        &mut self,
        now: i64,
        user: &User,
        id: &str,
        body: &[u8],
        whole: bool,
    ) -> Result<Post, Refusal> {
        let body: Value = serde_json::from_slice(body).map_err(|_| Refusal::invalid_body())?;
        let object = body.as_object().ok_or_else(Refusal::invalid_body)?;
        if whole && object.get("id").and_then(Value::as_str) != Some(id) {
            return Err(Refusal::new(
                400,
                "api.context.invalid_body_param.app_error",
            ));
        }
        // A post that is gone looks like one that may not be edited.
        let old = self
            .rows
            .standing(id, Seen::Now)
            .cloned()
            .ok_or_else(Refusal::permissions)?;
        if old.user_id != user.id && !user.is_admin {
            return Err(Refusal::permissions());
        }
        if self
            .channels
            .get(&old.channel_id)
            .is_some_and(|channel| channel.delete_at > 0)
        {
            let call = if whole { "update_post" } else { "patch_post" };
            let id = format!("api.post.{call}.can_not_update_post_in_deleted.error");
            return Err(Refusal::new(400, &id));
        }
        let mut new = old.clone();
        match object.get("message").and_then(Value::as_str) {
            Some(message) => message.clone_into(&mut new.message),
            None if whole => new.message.clear(),
            None => {}
        }
        match props_of(object)? {
            Some(props) => new.props = props,
            // 9.11 takes what is not sent for empty, our mark included.
            None if whole && self.settings.version == Version::V9_11 => new.props.clear(),
            None => {}
        }
        if let Some(pinned) = object.get("is_pinned").and_then(Value::as_bool) {
            new.is_pinned = pinned;
        }
        let unsaved = || Refusal::new(500, "app.post.update.app_error");
        self.check_content(&new.message, &new.props, &new.kind, new.file_ids.len())
            .map_err(|refusal| {
                if refusal == Refusal::save() {
                    unsaved()
                } else {
                    refusal
                }
            })?;
        if let Some(wanted) =
            file_ids_of(object)?.filter(|_| self.settings.version >= Version::V11_6)
        {
            new.file_ids = self.reattach(now, user, &old, &wanted);
        }
        // Of the props only attachments count as an edit that people are told of.
        let edited = new.message != old.message
            || new.props.get("attachments") != old.props.get("attachments")
            || new.file_ids != old.file_ids;
        new.update_at = now;
        if edited {
            new.edit_at = now;
        }
        self.rows.put(now, new.clone());
        self.touch_root(&new.root_id, now, now);
        let shown = self.shown(&new, Seen::Now);
        self.happened
            .push(Happened::Edited(Box::new(shown.clone())));
        Ok(shown)
    }

    /// `DELETE /posts/{id}`: files vanish with it, and with a root its whole thread.
    pub(super) fn delete_post(&mut self, now: i64, user: &User, id: &str) -> Result<(), Refusal> {
        let missing = || match self.settings.version {
            // 9.11 does not tell what is gone from what is not ours.
            Version::V9_11 => Refusal::permissions(),
            Version::V11_6 => Refusal::post_not_found(),
        };
        let old = self
            .rows
            .standing(id, Seen::Now)
            .cloned()
            .ok_or_else(missing)?;
        if old.user_id != user.id && !user.is_admin {
            return Err(Refusal::permissions());
        }
        if self
            .channels
            .get(&old.channel_id)
            .is_some_and(|channel| channel.delete_at > 0)
        {
            return Err(Refusal::new(
                400,
                "api.post.delete_post.can_not_delete_post_in_deleted.error",
            ));
        }
        let shown = self.shown(&old, Seen::Now);
        let mut gone: Vec<Post> = self.rows.replies(id, Seen::Now).cloned().collect();
        gone.push(old.clone());
        for post in gone {
            for file in &post.file_ids {
                if let Some(file) = self.files.get_mut(file) {
                    file.info.delete_at = now;
                }
            }
            let mut remains = Post {
                delete_at: now,
                update_at: now,
                ..post
            };
            remains.props.insert("deleteBy".to_owned(), json!(user.id));
            self.rows.put(now, remains);
        }
        // 9.11 leaves the root's time alone when a reply goes; only its number of replies tells.
        if self.settings.version >= Version::V11_6 {
            self.touch_root(&old.root_id, now, now);
        }
        self.happened.push(Happened::Deleted(Box::new(shown)));
        Ok(())
    }

    /// What an edit on 11.x does to files: those left out go, new ones of the author's are added.
    fn reattach(&mut self, now: i64, user: &User, old: &Post, wanted: &[String]) -> Vec<String> {
        for id in old.file_ids.iter().filter(|id| !wanted.contains(id)) {
            if let Some(file) = self.files.get_mut(id) {
                file.info.delete_at = now;
            }
        }
        let added = self.attach(&old.id, user, &old.channel_id, wanted);
        wanted
            .iter()
            .filter(|id| old.file_ids.contains(id) || added.contains(id))
            .cloned()
            .collect()
    }
}
