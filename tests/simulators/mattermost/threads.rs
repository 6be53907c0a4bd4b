//! Reading: single posts, threads, channel pages. Order and paging as the real server does them, which is not kindly.

use std::hash::{DefaultHasher, Hash, Hasher};

use serde_json::{Map, Value, json};

use super::errors::Refusal;
use super::model::{Post, User};
use super::route::Query;
use super::rows::Seen;
use super::state::State;

/// The most posts one page of a thread or a channel has.
const MAX_PAGE: usize = 200;

/// The most ids that `POST /posts/ids` takes.
const MAX_IDS: usize = 1_000;

impl State {
    /// `GET /posts/{id}`.
    pub(super) fn read_post(&self, user: &User, id: &str, seen: Seen) -> Result<Value, Refusal> {
        let post = self
            .rows
            .standing(id, seen)
            .ok_or_else(Refusal::post_not_found)?;
        if !self.may_read(user, &post.channel_id) {
            return Err(Refusal::permissions());
        }
        Ok(json!(self.shown(post, seen)))
    }

    /// `POST /posts/ids`: unknown and malformed ids are missing without a word, deleted posts are listed with their `delete_at`.
    pub(super) fn read_posts(
        &self,
        user: &User,
        body: &[u8],
        seen: Seen,
    ) -> Result<Value, Refusal> {
        let ids: Vec<String> = serde_json::from_slice(body).map_err(|_| Refusal::invalid_body())?;
        if ids.is_empty() {
            return Err(Refusal::invalid_body());
        }
        if ids.len() > MAX_IDS {
            return Err(Refusal::new(
                400,
                "api.post.posts_by_ids.invalid_body.request_error",
            ));
        }
        let mut posts: Vec<&Post> = ids
            .iter()
            .filter_map(|id| self.rows.row(id, seen))
            .filter(|post| self.may_read(user, &post.channel_id))
            .collect();
        posts.sort_by(|a, b| (b.create_at, &b.id).cmp(&(a.create_at, &a.id)));
        posts.dedup_by(|a, b| a.id == b.id);
        Ok(posts
            .into_iter()
            .map(|post| json!(self.shown(post, seen)))
            .collect())
    }

    /// `GET /posts/{id}/thread`. Without `direction` the order means nothing; with it, the root comes along with every page.
    pub(super) fn read_thread(
        &self,
        user: &User,
        id: &str,
        query: &Query,
        seen: Seen,
    ) -> Result<Value, Refusal> {
        let asked = self
            .rows
            .standing(id, seen)
            .ok_or_else(Refusal::post_not_found)?;
        if !self.may_read(user, &asked.channel_id) {
            return Err(Refusal::permissions());
        }
        let root_id = if asked.root_id.is_empty() {
            &asked.id
        } else {
            &asked.root_id
        };
        let root = self
            .rows
            .standing(root_id, seen)
            .ok_or_else(Refusal::post_not_found)?;
        let page = match query.number("perPage")?.unwrap_or(0) {
            page if page > MAX_PAGE => return Err(Refusal::invalid_body()),
            0 => usize::MAX,
            page => page,
        };
        let direction = query.text("direction");
        let mut replies: Vec<&Post> = self.rows.replies(root_id, seen).collect();
        match direction {
            "" => replies.sort_by_key(|post| shuffled(&post.id)),
            "up" => replies.reverse(),
            "down" => {}
            _ => return Err(Refusal::invalid_parameter()),
        }
        if let Some(from) = query
            .signed("fromCreateAt")?
            .filter(|from| *from > 0 && !direction.is_empty())
        {
            let from_post = query.text("fromPost");
            replies.retain(|post| match (direction, from_post) {
                ("up", "") => post.create_at < from,
                ("up", id) => (post.create_at, &*post.id) < (from, id),
                (_, "") => post.create_at > from,
                (_, id) => (post.create_at, &*post.id) > (from, id),
            });
        }
        let has_next = replies.len() > page;
        replies.truncate(page);
        let mut order = vec![root];
        order.extend(replies);
        if direction.is_empty() {
            order.sort_by_key(|post| (post.id != id, shuffled(&post.id)));
        }
        Ok(self.list(&order, &[], Some(has_next), seen))
    }

    /// `GET /channels/{id}/posts`: newest first; `posts` also holds the threads of what is listed, `order` does not.
    pub(super) fn read_channel(
        &self,
        user: &User,
        channel_id: &str,
        query: &Query,
        seen: Seen,
    ) -> Result<Value, Refusal> {
        if !self.may_read(user, channel_id) {
            return Err(Refusal::permissions());
        }
        let per_page = query.number("per_page")?.unwrap_or(60).clamp(1, MAX_PAGE);
        let skipped = query.number("page")?.unwrap_or(0).saturating_mul(per_page);
        let (before, after) = (query.text("before"), query.text("after"));
        let anchor = self
            .rows
            .row(if after.is_empty() { before } else { after }, Seen::Now)
            .map(|post| post.create_at);
        let order: Vec<&Post> = match (anchor, after.is_empty() && before.is_empty()) {
            (_, true) => self
                .rows
                .in_channel(channel_id, seen)
                .rev()
                .skip(skipped)
                .take(per_page)
                .collect(),
            // An anchor whose row is gone compares with nothing: an empty 200, for ever.
            (None, false) => Vec::new(),
            (Some(at), false) if after.is_empty() => self
                .rows
                .in_channel_before(channel_id, at, seen)
                .skip(skipped)
                .take(per_page)
                .collect(),
            (Some(at), false) => {
                let mut next: Vec<_> = self
                    .rows
                    .in_channel_after(channel_id, at, seen)
                    .skip(skipped)
                    .take(per_page)
                    .collect();
                next.reverse();
                next
            }
        };
        let mut along: Vec<&Post> = Vec::new();
        if query.text("skipFetchThreads") != "true" {
            for post in &order {
                let root = if post.root_id.is_empty() {
                    &post.id
                } else {
                    &post.root_id
                };
                along.extend(self.rows.standing(root, seen));
                along.extend(self.rows.replies(root, seen));
            }
        }
        Ok(self.list(&order, &along, None, seen))
    }

    fn list(&self, order: &[&Post], along: &[&Post], has_next: Option<bool>, seen: Seen) -> Value {
        let posts: Map<String, Value> = order
            .iter()
            .chain(along)
            .map(|post| (post.id.clone(), json!(self.shown(post, seen))))
            .collect();
        let order: Vec<_> = order.iter().map(|post| &post.id).collect();
        let mut list = json!({ "order": order, "posts": posts, "next_post_id": "", "prev_post_id": "", "first_inaccessible_post_time": 0 });
        if let Some(has_next) = has_next {
            list["has_next"] = json!(has_next);
        }
        list
    }
}

/// The order of a database that was not asked for one: the same every time, and of no meaning.
fn shuffled(id: &str) -> u64 {
    let mut hasher = DefaultHasher::new();
    id.hash(&mut hasher);
    hasher.finish()
}
