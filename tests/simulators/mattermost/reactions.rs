//! Emoji on posts.

use serde_json::{Value, json};

use super::errors::Refusal;
use super::model::{Post, User};
use super::rows::Seen;
use super::state::{Happened, Reaction, State};

/// Names that are known; the real servers' standard set is far larger.
const KNOWN_EMOJI: &[&str] = &[
    "+1",
    "-1",
    "eyes",
    "white_check_mark",
    "heavy_check_mark",
    "x",
    "warning",
    "lock",
    "unlock",
    "pencil2",
    "eye",
    "hourglass",
    "hourglass_flowing_sand",
    "stopwatch",
    "bell",
    "no_bell",
    "envelope",
    "incoming_envelope",
    "heart",
    "smile",
    "tada",
    "pray",
    "wave",
    "clap",
    "fire",
    "rocket",
    "question",
    "grey_question",
    "exclamation",
    "no_entry",
    "no_entry_sign",
    "arrows_counterclockwise",
    "repeat",
    "calendar",
    "red_circle",
    "large_blue_circle",
    "white_circle",
    "green_circle",
    "speech_balloon",
    "wastebasket",
    "paperclip",
    "mag",
    "hand",
    "raised_hand",
    "thinking_face",
    "mute",
    "zzz",
];

impl State {
    /// `POST /reactions`; the same one twice is there once.
    pub(super) fn react(&mut self, now: i64, user: &User, body: &[u8]) -> Result<Value, Refusal> {
        let body: Value = serde_json::from_slice(body).map_err(|_| Refusal::invalid_body())?;
        let (post_id, emoji) = (body["post_id"].as_str(), body["emoji_name"].as_str());
        let (Some(post_id), Some(emoji)) = (post_id, emoji) else {
            return Err(Refusal::invalid_body());
        };
        if body["user_id"].as_str() != Some(&user.id) {
            return Err(Refusal::new(
                403,
                "api.reaction.save_reaction.user_id.app_error",
            ));
        }
        let post = self.reactable(user, post_id)?;
        if !KNOWN_EMOJI.contains(&emoji) {
            return Err(Refusal::new(404, "app.emoji.get_by_name.no_result"));
        }
        let reaction = Reaction {
            user_id: user.id.clone(),
            post_id: post_id.to_owned(),
            emoji_name: emoji.to_owned(),
            create_at: now,
        };
        let fits = |known: &Reaction| known.user_id == user.id && known.emoji_name == emoji;
        if !self.reactions_on(post_id).iter().any(fits) {
            let on_it = self.reactions.entry(post_id.to_owned()).or_default();
            on_it.push(reaction.clone());
            self.rows.put(
                now,
                Post {
                    update_at: now,
                    ..post.clone()
                },
            );
        }
        let json = self.reaction_json(&reaction);
        self.happened.push(Happened::Reaction {
            added: true,
            channel_id: post.channel_id,
            reaction: json.clone(),
        });
        Ok(json)
    }

    /// `DELETE /users/{id}/posts/{id}/reactions/{name}`; one that is not there is no error.
    pub(super) fn unreact(
        &mut self,
        now: i64,
        user: &User,
        user_id: &str,
        post_id: &str,
        emoji: &str,
    ) -> Result<(), Refusal> {
        if user.id != user_id && !user.is_admin {
            return Err(Refusal::permissions());
        }
        let post = self.reactable(user, post_id)?;
        let fits = |known: &Reaction| known.user_id == user_id && known.emoji_name == emoji;
        let place = self.reactions_on(post_id).iter().position(fits);
        let on_it = self.reactions.entry(post_id.to_owned()).or_default();
        if let Some(reaction) = place.map(|place| on_it.remove(place)) {
            let json = self.reaction_json(&reaction);
            self.rows.put(
                now,
                Post {
                    update_at: now,
                    ..post.clone()
                },
            );
            self.happened.push(Happened::Reaction {
                added: false,
                channel_id: post.channel_id,
                reaction: json,
            });
        }
        Ok(())
    }

    /// `GET /posts/{id}/reactions`.
    pub(super) fn reactions_of(&self, user: &User, post_id: &str) -> Result<Value, Refusal> {
        let post = self
            .rows
            .standing(post_id, Seen::Now)
            .ok_or_else(Refusal::permissions)?;
        if !self.may_read(user, &post.channel_id) {
            return Err(Refusal::permissions());
        }
        let on_it: Vec<_> = self
            .reactions_on(post_id)
            .iter()
            .map(|reaction| self.reaction_json(reaction))
            .collect();
        Ok(json!(on_it))
    }

    fn reactable(&self, user: &User, post_id: &str) -> Result<Post, Refusal> {
        let post = self
            .rows
            .row(post_id, Seen::Now)
            .cloned()
            .ok_or_else(Refusal::permissions)?;
        self.may_post(user, &post.channel_id)?;
        if post.delete_at > 0 {
            return Err(Refusal::post_not_found());
        }
        if self
            .channels
            .get(&post.channel_id)
            .is_some_and(|channel| channel.delete_at > 0)
        {
            return Err(Refusal::new(
                403,
                "api.reaction.save.archived_channel.app_error",
            ));
        }
        Ok(post)
    }
}
