//! Threads, channel pages, and what a root tells of its thread.

use http::Method;
use serde_json::{Value, json};
use simulators::mattermost::Post;

use super::Questions;

impl Questions<'_> {
    pub(super) async fn ask_of_threads(&mut self) {
        let cast = self.world.cast().clone();
        let root = self.root("thread").await;
        let mut replies = Vec::new();
        for n in 0..6 {
            let post = self
                .later()
                .post_as(&cast.lotte, &cast.webchat, Some(&root), &n.to_string(), &[])
                .await
                .unwrap();
            replies.push(post);
        }
        let (third, last) = (&replies[2], replies[5].clone());
        let zeros = "0".repeat(26);
        for (question, query) in [
            ("a thread", String::new()),
            (
                "two upwards from the beginning",
                "?perPage=2&direction=down".to_owned(),
            ),
            (
                "two downwards from the end",
                "?perPage=2&direction=up".to_owned(),
            ),
            (
                "after the third",
                format!(
                    "?direction=down&fromCreateAt={}&fromPost={}",
                    third.create_at, third.id
                ),
            ),
            (
                "two after the third",
                format!(
                    "?perPage=2&direction=down&fromCreateAt={}&fromPost={}",
                    third.create_at, third.id
                ),
            ),
            (
                "before the third",
                format!(
                    "?direction=up&fromCreateAt={}&fromPost={}",
                    third.create_at, third.id
                ),
            ),
            (
                "after the third's millisecond",
                format!("?direction=down&fromCreateAt={}", third.create_at),
            ),
            (
                "from the third's millisecond on",
                format!(
                    "?direction=down&fromCreateAt={}&fromPost={zeros}",
                    third.create_at - 1
                ),
            ),
            (
                "after the last",
                format!(
                    "?perPage=200&direction=down&fromCreateAt={}&fromPost={}",
                    last.create_at, last.id
                ),
            ),
            ("exactly all", "?perPage=6&direction=down".to_owned()),
            ("all but one", "?perPage=5&direction=down".to_owned()),
            (
                "as many as there are",
                "?perPage=7&direction=down".to_owned(),
            ),
            ("six downwards", "?perPage=6&direction=up".to_owned()),
            ("seven downwards", "?perPage=7&direction=up".to_owned()),
            (
                "six after the root",
                format!(
                    "?perPage=6&direction=down&fromCreateAt={}&fromPost={root}",
                    replies[0].create_at - 1
                ),
            ),
            (
                "from before the root on",
                "?perPage=3&direction=down&fromCreateAt=1".to_owned(),
            ),
        ] {
            let list = self
                .ask(
                    question,
                    Method::GET,
                    &format!("/posts/{root}/thread{query}"),
                    json!({}),
                )
                .await;
            let order: Vec<_> = list["order"]
                .as_array()
                .unwrap()
                .iter()
                .map(|id| {
                    list["posts"][id.as_str().unwrap()]["message"]
                        .as_str()
                        .unwrap()
                })
                .collect();
            let shown = if query.is_empty() {
                format!("{} posts", order.len())
            } else {
                order.join(" ")
            };
            self.note("… holds", format!("{shown}, has_next {}", list["has_next"]));
        }
        for query in [
            "?perPage=200",
            "?perPage=201",
            "?direction=sideways",
            "?perPage=x",
            "?fromCreateAt=x",
        ] {
            self.ask(
                query,
                Method::GET,
                &format!("/posts/{root}/thread{query}"),
                json!({}),
            )
            .await;
        }
        let by_reply = self
            .ask(
                "a thread by its reply",
                Method::GET,
                &format!("/posts/{}/thread", last.id),
                json!({}),
            )
            .await;
        self.note("… holds", by_reply["posts"].as_object().unwrap().len());
        self.ask(
            "an unknown thread",
            Method::GET,
            &format!("/posts/{}/thread", "a".repeat(26)),
            json!({}),
        )
        .await;
    }

    pub(super) async fn ask_of_channel_pages(&mut self) {
        let cast = self.world.cast().clone();
        let mut posts: Vec<Post> = Vec::new();
        let root = self
            .later()
            .post_as(&cast.lotte, &cast.bookings, None, "0", &[])
            .await
            .unwrap();
        for n in 1..5 {
            posts.push(
                self.later()
                    .post_as(
                        &cast.lotte,
                        &cast.bookings,
                        Some(&root.id),
                        &n.to_string(),
                        &[],
                    )
                    .await
                    .unwrap(),
            );
        }
        let (first, third) = (posts[0].clone(), posts[2].clone());
        let page = format!("/channels/{}/posts", cast.bookings);
        let messages = |list: &Value| {
            let order = list["order"].as_array().unwrap().iter();
            order
                .map(|id| {
                    list["posts"][id.as_str().unwrap()]["message"]
                        .as_str()
                        .unwrap()
                        .to_owned()
                })
                .collect::<Vec<_>>()
                .join(" ")
        };
        for (question, query) in [
            ("the newest two", "?per_page=2".to_owned()),
            ("the next two", "?per_page=2&page=1".to_owned()),
            ("after the first reply", format!("?after={}", first.id)),
            (
                "one after the first reply",
                format!("?after={}&per_page=1", first.id),
            ),
            (
                "before the third reply",
                format!("?before={}&per_page=1", third.id),
            ),
            (
                "after it without threads",
                format!("?after={}&per_page=1&skipFetchThreads=true", first.id),
            ),
            (
                "after an unknown post",
                format!("?after={}", "a".repeat(26)),
            ),
        ] {
            let list = self
                .ask(question, Method::GET, &format!("{page}{query}"), json!({}))
                .await;
            self.note("… lists", messages(&list));
            self.note(
                "… brings along",
                list["posts"].as_object().unwrap().len() - list["order"].as_array().unwrap().len(),
            );
        }
        self.later()
            .delete_as(&cast.lotte, &first.id)
            .await
            .unwrap();
        let list = self
            .ask(
                "after a deleted post",
                Method::GET,
                &format!("{page}?after={}", first.id),
                json!({}),
            )
            .await;
        self.note("… lists", messages(&list));
        self.ask(
            "after a malformed id",
            Method::GET,
            &format!("{page}?after=x"),
            json!({}),
        )
        .await;
        self.ask(
            "an unknown channel's posts",
            Method::GET,
            &format!("/channels/{}/posts", "a".repeat(26)),
            json!({}),
        )
        .await;
    }

    pub(super) async fn ask_of_reading_roots(&mut self) {
        let cast = self.world.cast().clone();
        let root = self.root("watched").await;
        let mut before = self.watched(&root).await;
        self.note("a root by ids, with unknown and malformed ones", before.2);
        let reply = self
            .later()
            .post_as(&cast.lotte, &cast.webchat, Some(&root), "reply", &[])
            .await
            .unwrap();
        let now = self.watched(&root).await;
        self.note(
            "a reply moves update_at to its own, and the count",
            format!("{} {}", now.0 == reply.create_at, now.1),
        );
        before = now;
        self.later()
            .edit_as(&cast.lotte, &reply.id, "edited")
            .await
            .unwrap();
        let now = self.watched(&root).await;
        self.note(
            "an edit moves update_at, and the count",
            format!("{} {}", now.0 > before.0, now.1),
        );
        before = now;
        self.later()
            .react_as(&cast.lotte, &reply.id, "eyes")
            .await
            .unwrap();
        let now = self.watched(&root).await;
        self.note("a reaction on a reply moves update_at", now.0 > before.0);
        self.later()
            .react_as(&cast.lotte, &root, "eyes")
            .await
            .unwrap();
        let now = self.watched(&root).await;
        self.note("a reaction on the root moves update_at", now.0 > before.0);
        before = now;
        self.later()
            .delete_as(&cast.lotte, &reply.id)
            .await
            .unwrap();
        let now = self.watched(&root).await;
        self.note(
            "a deletion moves update_at, and the count",
            format!("{} {}", now.0 > before.0, now.1),
        );
        self.ask(
            "unknown ids alone",
            Method::POST,
            "/posts/ids",
            json!(["a".repeat(26)]),
        )
        .await;
        self.ask(
            "a malformed id alone",
            Method::POST,
            "/posts/ids",
            json!(["x"]),
        )
        .await;
        self.ask("no ids", Method::POST, "/posts/ids", json!([]))
            .await;
        self.ask(
            "1,001 ids",
            Method::POST,
            "/posts/ids",
            json!((0..1_001).map(|n| format!("{n:a>26}")).collect::<Vec<_>>()),
        )
        .await;
        self.ask("ids that are none", Method::POST, "/posts/ids", json!({}))
            .await;
    }

    /// A root's `update_at` and `reply_count`, and how many posts came with it.
    async fn watched(&self, root: &str) -> (i64, i64, usize) {
        // A deletion's effect on the root comes a moment after its answer.
        let ids = json!([root, "a".repeat(26), "x"]);
        let list = self.bot.post("/posts/ids", &ids).await.unwrap().json();
        let list = list.as_array().cloned().unwrap_or_default();
        let number = |key: &str| {
            list.first()
                .and_then(|post| post[key].as_i64())
                .unwrap_or(-1)
        };
        (number("update_at"), number("reply_count"), list.len())
    }
}
