//! What is new in a thread: posts as they stand against what the store knows. Pure.
//!
//! Echoes of our bot and posts of the system are known and nothing more. What was sent is told from what stayed inside, so that an
//! edit or a deletion leaves a trace outside only where something had left.

use std::collections::{HashMap, HashSet};

use shared::{PostId, Timestamp, UserId};

use crate::{
    mattermost::Post,
    record::{Cursor, KnownPost, PostState},
};

/// What happened to one post, in the order of (create_at, id).
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum News<'a> {
    /// Not known before.
    Written(&'a Post),
    /// Known, and changed since it was taken in.
    Edited(&'a Post, &'a KnownPost),
    /// Known as sent, and missing from a whole reading.
    Missing(&'a KnownPost),
}

/// What a reading came to.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Diff<'a> {
    pub news: Vec<News<'a>>,
    pub cursor: Cursor,
}

/// `posts` without the root. `whole`: they are the thread, not a piece of it.
#[must_use]
pub fn diff<'a>(
    posts: &'a [Post],
    known: &'a [KnownPost],
    bot: &UserId,
    cursor: &Cursor,
    whole: bool,
) -> Diff<'a> {
    let by_id: HashMap<&PostId, &KnownPost> =
        known.iter().map(|post| (&post.post_id, post)).collect();
    let mut sorted: Vec<&Post> = posts.iter().filter(|post| post.delete_at == 0).collect();
    sorted.sort_by(|a, b| (a.create_at, &a.id).cmp(&(b.create_at, &b.id)));
    let mut found = Diff {
        news: Vec::new(),
        cursor: cursor.clone(),
    };
    for post in sorted {
        let here = Cursor {
            create_at: post.create_at,
            post: Some(post.id.clone()),
        };
        if here > found.cursor {
            found.cursor = here;
        }
        match by_id.get(&post.id) {
            None if is_ours(post, bot) => {}
            None => found.news.push(News::Written(post)),
            Some(known) if known.state != PostState::Ours && post.edit_at > known.edit_at => {
                found.news.push(News::Edited(post, known));
            }
            Some(_) => {}
        }
    }
    if whole {
        let standing: HashSet<&PostId> = posts
            .iter()
            .filter(|post| post.delete_at == 0)
            .map(|post| &post.id)
            .collect();
        let mut missing: Vec<&KnownPost> = known
            .iter()
            .filter(|post| post.state == PostState::Sent && !standing.contains(&post.post_id))
            .collect();
        missing.sort_by(|a, b| (a.create_at, &a.post_id).cmp(&(b.create_at, &b.post_id)));
        found.news.extend(missing.into_iter().map(News::Missing));
    }
    found
}

/// Echoes of our bot, told by their author alone, and what the server itself wrote.
#[must_use]
pub fn is_ours(post: &Post, bot: &UserId) -> bool {
    post.user_id == *bot || post.kind.starts_with("system_")
}

/// Where a quick reading begins: the overlap covers replies that waited for their links, and clocks that differ.
#[must_use]
pub fn overlap(cursor: &Cursor) -> Timestamp {
    cursor.create_at - std::time::Duration::from_secs(60)
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn id(name: &str) -> PostId {
        PostId::new(format!("{name:0>26}")).unwrap()
    }

    fn user(name: &str) -> UserId {
        UserId::new(format!("{name:0>26}")).unwrap()
    }

    fn post(name: &str, at: i64, by: &str, edit_at: i64) -> Post {
        serde_json::from_value(json!({"id": id(name), "create_at": at, "update_at": at, "edit_at": edit_at,
            "user_id": user(by), "channel_id": "c".repeat(26), "root_id": id("root"), "message": name,
            "props": {"ireserve": {"mark": "forged"}}}))
        .unwrap()
    }

    fn known(name: &str, at: i64, state: PostState, edit_at: i64) -> KnownPost {
        KnownPost {
            post_id: id(name),
            root_id: id("root"),
            message_id: None,
            part: 0,
            state,
            create_at: Timestamp::from_millis(at),
            edit_at,
            sent_edit_at: (state == PostState::Sent).then_some(edit_at),
            mark: None,
        }
    }

    fn start() -> Cursor {
        Cursor {
            create_at: Timestamp::from_millis(1),
            post: None,
        }
    }

    fn names<'a>(diff: &'a Diff<'a>) -> Vec<String> {
        diff.news
            .iter()
            .map(|news| match news {
                News::Written(post) => format!("+{}", post.message),
                News::Edited(post, _) => format!("~{}", post.message),
                News::Missing(known) => {
                    format!("-{}", known.post_id.as_str().trim_start_matches('0'))
                }
            })
            .collect()
    }

    #[test]
    fn new_replies_come_in_order_whatever_order_they_were_read_in_and_ties_are_told_apart() {
        let posts = [
            post("c", 7, "jan", 0),
            post("b", 5, "lotte", 0),
            post("a", 5, "jan", 0),
        ];
        let found = diff(&posts, &[], &user("bot"), &start(), false);
        assert_eq!(names(&found), ["+a", "+b", "+c"]);
        assert_eq!(
            found.cursor,
            Cursor {
                create_at: Timestamp::from_millis(7),
                post: Some(id("c"))
            }
        );
    }

    #[test]
    fn our_own_are_told_by_their_author_and_forged_props_are_not_believed() {
        let posts = [post("echo", 5, "bot", 0), post("forged", 6, "jan", 0)];
        let found = diff(&posts, &[], &user("bot"), &start(), false);
        assert_eq!(names(&found), ["+forged"]);
    }

    #[test]
    fn a_known_post_is_news_only_when_it_changed() {
        let posts = [
            post("a", 5, "jan", 9),
            post("b", 6, "jan", 3),
            post("ours", 7, "bot", 9),
        ];
        let before = [
            known("a", 5, PostState::Sent, 0),
            known("b", 6, PostState::Inside, 3),
            known("ours", 7, PostState::Ours, 0),
        ];
        assert_eq!(
            names(&diff(&posts, &before, &user("bot"), &start(), true)),
            ["~a"]
        );
    }

    #[test]
    fn only_what_was_sent_is_missed_and_only_in_a_whole_reading() {
        let before = [
            known("sent", 5, PostState::Sent, 0),
            known("note", 6, PostState::Inside, 0),
        ];
        assert_eq!(
            names(&diff(&[], &before, &user("bot"), &start(), true)),
            ["-sent"]
        );
        assert!(
            diff(&[], &before, &user("bot"), &start(), false)
                .news
                .is_empty()
        );
    }

    #[test]
    fn a_reply_that_appears_in_the_past_is_news_and_leaves_the_cursor_where_it_is() {
        let cursor = Cursor {
            create_at: Timestamp::from_millis(100_000),
            post: Some(id("z")),
        };
        let posts = [post("late", 10_000, "jan", 0)];
        let found = diff(&posts, &[], &user("bot"), &cursor, true);
        assert_eq!(
            (names(&found), found.cursor),
            (vec!["+late".to_owned()], cursor)
        );
    }
}
