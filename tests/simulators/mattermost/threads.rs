//! Reading: single posts, threads, channel pages. Order and paging as the real server does them, which is not kindly.

use std::hash::{DefaultHasher, Hash, Hasher};

use serde_json::{Map, Value, json};

use super::errors::Refusal;
use super::model::{Post, User, Version};
use super::route::{Query, is_id};
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

    /// `POST /posts/ids`: unknown and malformed ids are missing without a word, unless there is nothing else: then it is 404.
    /// Deleted posts are listed with their `delete_at` and without their message.
    pub(super) fn read_posts(
        &self,
        user: &User,
        body: &[u8],
        seen: Seen,
    ) -> Result<Value, Refusal> {
        let unreadable = |_| Refusal::new(400, "api.payload.parse.error");
        let ids: Vec<String> = serde_json::from_slice(body).map_err(unreadable)?;
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
            .collect();
        if posts.is_empty() {
            return Err(Refusal::post_not_found());
        }
        posts.retain(|post| self.may_read(user, &post.channel_id));
        posts.sort_by(|a, b| (b.create_at, &b.id).cmp(&(a.create_at, &a.id)));
        posts.dedup_by(|a, b| a.id == b.id);
        Ok(posts
            .into_iter()
            .map(|post| match self.shown(post, seen) {
                post if post.delete_at > 0 => json!(Post {
                    message: String::new(),
                    metadata: json!({}),
                    ..post
                }),
                post => json!(post),
            })
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
        let page = match query
            .number("perPage")
            .map_err(|_| Refusal::invalid_body())?
            .unwrap_or(0)
        {
            page if page > MAX_PAGE => return Err(Refusal::invalid_body()),
            0 => usize::MAX,
            page => page,
        };
        let direction = query.text("direction");
        // The root is one of the page's posts where its place is in it, and comes along where it is not.
        let mut page_of: Vec<&Post> = std::iter::once(root)
            .chain(self.rows.replies(root_id, seen))
            .collect();
        page_of.sort_by(|a, b| (a.create_at, &a.id).cmp(&(b.create_at, &b.id)));
        match direction {
            "" => page_of.sort_by_key(|post| shuffled(&post.id)),
            "up" => page_of.reverse(),
            "down" => {}
            _ => return Err(Refusal::invalid_body()),
        }
        if let Some(from) = query
            .signed("fromCreateAt")
            .map_err(|_| Refusal::invalid_body())?
            .filter(|from| *from > 0 && !direction.is_empty())
        {
            let from_post = query.text("fromPost");
            page_of.retain(|post| match (direction, from_post) {
                ("up", "") => post.create_at < from,
                ("up", id) => (post.create_at, &*post.id) < (from, id),
                (_, "") => post.create_at > from,
                (_, id) => (post.create_at, &*post.id) > (from, id),
            });
        }
        let has_next = page_of.len() > page;
        page_of.truncate(page);
        page_of.retain(|post| post.id != root.id);
        let mut order = vec![root];
        order.extend(page_of);
        if direction.is_empty() {
            order.sort_by_key(|post| (post.id != id, shuffled(&post.id)));
        }
        Ok(self.list(&order, &[], Some(has_next), seen))
    }

    /// `GET /channels/{id}/posts`: newest first; `posts` also holds the threads of what is listed, or at least their roots; `order`
    /// does not.
    pub(super) fn read_channel(
        &self,
        user: &User,
        channel_id: &str,
        query: &Query,
        seen: Seen,
    ) -> Result<Value, Refusal> {
        self.may_page(user, channel_id)?;
        let per_page = query.number("per_page")?.unwrap_or(60).clamp(1, MAX_PAGE);
        let skipped = query.number("page")?.unwrap_or(0).saturating_mul(per_page);
        let (before, after) = (query.text("before"), query.text("after"));
        if [before, after]
            .iter()
            .any(|id| !id.is_empty() && !is_id(id))
        {
            return Err(Refusal::invalid_body());
        }
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
        let whole = query.text("skipFetchThreads") != "true";
        for post in &order {
            let root = if post.root_id.is_empty() {
                &post.id
            } else {
                &post.root_id
            };
            along.extend(self.rows.standing(root, seen));
            if whole {
                along.extend(self.rows.replies(root, seen));
            }
        }
        Ok(self.list(&order, &along, None, seen))
    }

    /// 9.11 shows a channel's pages to its members only; 11.x shows those of a public one to its team.
    fn may_page(&self, user: &User, channel_id: &str) -> Result<(), Refusal> {
        if self.settings.version == Version::V9_11 {
            let allowed = user.is_admin || self.is_member(channel_id, &user.id);
            return if allowed {
                Ok(())
            } else {
                Err(Refusal::permissions())
            };
        }
        if !self.channels.contains_key(channel_id) {
            return Err(Refusal::channel_not_found());
        }
        if self.may_read(user, channel_id) {
            Ok(())
        } else {
            Err(Refusal::permissions())
        }
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
