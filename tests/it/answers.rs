//! What real servers answered, and that the simulated one answers alike.
//!
//! `answers/9.11.txt` and `answers/11.6.txt` were written by real servers of these releases. Each line is one question and what came
//! back: a status, an error id, or the fact that the product relies on. With `MATTERMOST_HOME` set, a real server is asked again; with
//! `WRITE_ANSWERS` set as well, its answers replace the file.

use std::path::PathBuf;
use std::time::Duration;

use http::Method;
use serde_json::{Value, json};
use simulators::api::Api;
use simulators::client::Answered;
use simulators::mattermost::{Post, Version};
use simulators::world::World;

#[tokio::test]
async fn the_simulated_servers_answer_as_the_real_ones_did() {
    for version in [Version::V9_11, Version::V11_6] {
        let world = World::simulated(version).await.unwrap();
        let answers = Questions::of(&world).ask_all().await;
        assert_same(&answers, &recorded(version.number()), version.number());
    }
}

#[tokio::test]
async fn a_real_server_still_answers_as_it_did() {
    let Some(home) = std::env::var_os("MATTERMOST_HOME") else {
        eprintln!("MATTERMOST_HOME is not set: no real server was asked");
        return;
    };
    let world = World::real(home.as_ref()).await.unwrap();
    let version = world
        .api(&world.cast().bot)
        .get("/system/ping")
        .await
        .unwrap()
        .header("x-version-id")
        .to_owned();
    let answers = Questions::of(&world).ask_all().await;
    if std::env::var_os("WRITE_ANSWERS").is_some() {
        std::fs::write(file(&version), format!("{}\n", answers.join("\n"))).unwrap();
    }
    assert_same(&answers, &recorded(&version), &version);
    world.close().await.unwrap();
}

fn file(version: &str) -> PathBuf {
    let short: Vec<_> = version.split('.').take(2).collect();
    PathBuf::from(env!("CARGO_MANIFEST_DIR"))
        .join("it/answers")
        .join(format!("{}.txt", short.join(".")))
}

fn recorded(version: &str) -> Vec<String> {
    let path = file(version);
    let text = std::fs::read_to_string(&path)
        .unwrap_or_else(|error| panic!("{}: {error}", path.display()));
    text.lines().map(str::to_owned).collect()
}

fn assert_same(answers: &[String], recorded: &[String], version: &str) {
    let differing: Vec<_> = recorded
        .iter()
        .zip(answers)
        .filter(|(was, is)| was != is)
        .map(|(was, is)| format!("  was: {was}\n   is: {is}"))
        .take(6)
        .collect();
    assert!(
        differing.is_empty(),
        "{version} answers differently:\n{}",
        differing.join("\n")
    );
    assert_eq!(
        answers.len(),
        recorded.len(),
        "{version}: another number of questions"
    );
}

/// The questions, asked by the bot of a furnished world.
struct Questions<'a> {
    world: &'a World,
    bot: Api,
    admin: Api,
    answers: Vec<String>,
}

impl<'a> Questions<'a> {
    fn of(world: &'a World) -> Self {
        let (bot, admin) = (world.api(&world.cast().bot), world.api(&world.cast().admin));
        Self {
            world,
            bot,
            admin,
            answers: Vec::new(),
        }
    }

    async fn ask_all(mut self) -> Vec<String> {
        self.ask_of_posting().await;
        self.ask_of_props_and_edits().await;
        self.ask_of_deletions().await;
        self.ask_of_threads().await;
        self.ask_of_channel_pages().await;
        self.ask_of_reading_roots().await;
        self.ask_of_files().await;
        self.ask_of_parts().await;
        self.ask_of_people().await;
        self.ask_of_channels().await;
        self.ask_of_reactions().await;
        self.ask_of_hooks().await;
        self.ask_of_archived_and_foreign_channels().await;
        self.answers
    }

    fn note(&mut self, question: &str, answer: impl std::fmt::Display) {
        self.answers.push(format!("{question}: {answer}"));
    }

    /// The world some milliseconds later: a real server needs more than one for anything.
    fn later(&self) -> &World {
        if let Some(mattermost) = self.world.simulation() {
            mattermost.advance(Duration::from_millis(2));
        }
        self.world
    }

    async fn ask(&mut self, question: &str, method: Method, path: &str, body: Value) -> Value {
        self.later();
        let answer = self
            .bot
            .call(
                method,
                path,
                &[("content-type", "application/json")],
                body.to_string(),
            )
            .await
            .unwrap();
        self.note(question, told(&answer));
        answer.json()
    }

    async fn post(&self, body: Value) -> Value {
        let answer = self.bot.post("/posts", &body).await.unwrap();
        assert_eq!(answer.status, 201, "{}", answer.text());
        answer.json()
    }

    async fn root(&self, text: &str) -> String {
        id(&self
            .post(json!({ "channel_id": self.world.cast().webchat, "message": text }))
            .await)
    }

    async fn ask_of_posting(&mut self) {
        let cast = self.world.cast().clone();
        let root = self.root("root").await;
        let reply = id(&self
            .post(json!({ "channel_id": cast.webchat, "root_id": root, "message": "reply" }))
            .await);
        let in_webchat = |more: Value| {
            let mut body = json!({ "channel_id": cast.webchat, "message": "x" });
            body.as_object_mut()
                .unwrap()
                .extend(more.as_object().unwrap().clone());
            body
        };
        for (question, body) in [
            ("a post", in_webchat(json!({}))),
            ("an empty post", in_webchat(json!({ "message": "" }))),
            (
                "an unknown root",
                in_webchat(json!({ "root_id": "a".repeat(26) })),
            ),
            ("a malformed root", in_webchat(json!({ "root_id": "x" }))),
            ("a reply as root", in_webchat(json!({ "root_id": reply }))),
            (
                "a root in another channel",
                json!({ "channel_id": cast.bookings, "root_id": root, "message": "x" }),
            ),
            ("no channel", json!({ "message": "x" })),
            (
                "an unknown channel",
                json!({ "channel_id": "a".repeat(26), "message": "x" }),
            ),
            (
                "an id of one's own",
                in_webchat(json!({ "id": "a".repeat(26) })),
            ),
            (
                "a system type",
                in_webchat(json!({ "type": "system_join_channel" })),
            ),
            ("an unknown type", in_webchat(json!({ "type": "letter" }))),
            (
                "a type of a plugin",
                in_webchat(json!({ "type": "custom_letter" })),
            ),
            (
                "16,383 characters",
                in_webchat(json!({ "message": "é".repeat(16_383) })),
            ),
            (
                "16,384 characters",
                in_webchat(json!({ "message": "é".repeat(16_384) })),
            ),
            (
                "a NUL in the message",
                in_webchat(json!({ "message": "a\0b" })),
            ),
            (
                "a NUL in the props",
                in_webchat(json!({ "props": { "a": "a\0b" } })),
            ),
            (
                "props of 9,000 characters",
                in_webchat(json!({ "props": { "a": "b".repeat(9_000) } })),
            ),
            (
                "a message that is a number",
                in_webchat(json!({ "message": 7 })),
            ),
            ("an array", json!([])),
            (
                "400 kB",
                in_webchat(json!({ "props": { "a": "b".repeat(400_000) } })),
            ),
        ] {
            self.ask(question, Method::POST, "/posts", body).await;
        }
        let broken = self
            .bot
            .call(
                Method::POST,
                "/posts",
                &[("content-type", "application/json")],
                "{",
            )
            .await
            .unwrap();
        self.note("broken JSON", told(&broken));
        let stranger = Api::new(&self.world.url(), "nobody")
            .post("/posts", &in_webchat(json!({})))
            .await
            .unwrap();
        self.note("a wrong token", told(&stranger));
        let anybody = Api::new(&self.world.url(), "")
            .get("/users/me")
            .await
            .unwrap();
        self.note("no token", told(&anybody));

        let pending = in_webchat(json!({ "pending_post_id": format!("ir:{root}") }));
        let first = self
            .ask("a pending id", Method::POST, "/posts", pending.clone())
            .await;
        self.note(
            "… is echoed",
            first["pending_post_id"] == pending["pending_post_id"],
        );
        let again = self
            .ask(
                "a pending id again",
                Method::POST,
                "/posts",
                pending.clone(),
            )
            .await;
        self.note("… is the same post", again["id"] == first["id"]);
        self.note("… is not echoed", again["pending_post_id"] == "");
        self.world.delete_post_as_admin(&id(&first)).await.unwrap();
        self.ask(
            "a pending id whose post was deleted",
            Method::POST,
            "/posts",
            pending,
        )
        .await;
        let given =
            in_webchat(json!({ "create_at": 1_000_000_000_000_i64, "user_id": cast.lotte.id }));
        let post = self.post(given).await;
        self.note(
            "a bot's create_at is taken",
            post["create_at"] == json!(1_000_000_000_000_i64),
        );
        self.note(
            "a given author is taken",
            post["user_id"] == json!(cast.lotte.id),
        );
        self.note(
            "a new post's update_at is its create_at",
            post["update_at"] == post["create_at"],
        );
    }

    async fn ask_of_props_and_edits(&mut self) {
        let cast = self.world.cast().clone();
        let props = json!({ "ireserve": { "mark": "m", "part": 0 }, "other": 1, "add_channel_member": 1, "force_notification": 1 });
        let post = self
            .post(json!({ "channel_id": cast.webchat, "message": "text", "props": props }))
            .await;
        self.note("props of a bot's post", keys(&post["props"]));
        let path = format!("/posts/{}/patch", id(&post));

        let edited = self
            .ask(
                "patch of the message",
                Method::PUT,
                &path,
                json!({ "message": "other" }),
            )
            .await;
        self.note("… keeps the props", keys(&edited["props"]));
        self.note("… moves edit_at", edited["edit_at"].as_i64() > Some(0));
        let patched = self
            .ask(
                "patch of the props",
                Method::PUT,
                &path,
                json!({ "props": { "new": { "deep": [1] } } }),
            )
            .await;
        self.note("… replaces them", keys(&patched["props"]));
        self.note("… keeps the message", &patched["message"]);
        self.note(
            "… moves edit_at again",
            patched["edit_at"].as_i64() > edited["edit_at"].as_i64(),
        );
        let card = json!({ "props": { "attachments": [{ "text": "a card" }] } });
        let card = self
            .ask("patch of an attachment", Method::PUT, &path, card)
            .await;
        self.note(
            "… moves edit_at",
            card["edit_at"].as_i64() > patched["edit_at"].as_i64(),
        );
        let same = self
            .ask(
                "patch of nothing new",
                Method::PUT,
                &path,
                json!({ "message": "other" }),
            )
            .await;
        self.note("… leaves edit_at", same["edit_at"] == card["edit_at"]);
        self.note(
            "… moves update_at",
            same["update_at"].as_i64() > card["update_at"].as_i64(),
        );
        self.ask(
            "patch with 16,384 characters",
            Method::PUT,
            &path,
            json!({ "message": "x".repeat(16_384) }),
        )
        .await;
        self.ask(
            "patch with a NUL",
            Method::PUT,
            &path,
            json!({ "message": "a\0" }),
        )
        .await;
        self.ask("patch that is an array", Method::PUT, &path, json!([]))
            .await;

        let theirs = self
            .later()
            .post_as(&cast.lotte, &cast.webchat, None, "theirs", &[])
            .await
            .unwrap();
        self.ask(
            "patch of somebody else's post",
            Method::PUT,
            &format!("/posts/{}/patch", theirs.id),
            json!({ "message": "x" }),
        )
        .await;
        self.ask(
            "patch of an unknown post",
            Method::PUT,
            &format!("/posts/{}/patch", "a".repeat(26)),
            json!({ "message": "x" }),
        )
        .await;
        let whole = json!({ "id": id(&post), "message": "whole" });
        let whole = self
            .ask(
                "PUT without props",
                Method::PUT,
                &format!("/posts/{}", id(&post)),
                whole,
            )
            .await;
        self.note("… leaves of them", keys(&whole["props"]));
        self.ask(
            "PUT without an id",
            Method::PUT,
            &format!("/posts/{}", id(&post)),
            json!({ "message": "x" }),
        )
        .await;
        self.world.delete_post_as_admin(&id(&post)).await.unwrap();
        self.ask(
            "patch of a deleted post",
            Method::PUT,
            &path,
            json!({ "message": "x" }),
        )
        .await;
    }

    async fn ask_of_deletions(&mut self) {
        let cast = self.world.cast().clone();
        let root = self.root("to be deleted").await;
        let reply = id(&self
            .post(json!({ "channel_id": cast.webchat, "root_id": root, "message": "reply" }))
            .await);
        let theirs = self
            .later()
            .post_as(&cast.lotte, &cast.webchat, Some(&root), "theirs", &[])
            .await
            .unwrap();
        self.ask(
            "deletion of somebody else's post",
            Method::DELETE,
            &format!("/posts/{}", theirs.id),
            json!({}),
        )
        .await;
        self.ask(
            "deletion of an unknown post",
            Method::DELETE,
            &format!("/posts/{}", "a".repeat(26)),
            json!({}),
        )
        .await;
        self.ask(
            "deletion of one's own reply",
            Method::DELETE,
            &format!("/posts/{reply}"),
            json!({}),
        )
        .await;
        self.ask(
            "its second deletion",
            Method::DELETE,
            &format!("/posts/{reply}"),
            json!({}),
        )
        .await;
        self.ask(
            "a deleted reply",
            Method::GET,
            &format!("/posts/{reply}"),
            json!({}),
        )
        .await;
        self.ask(
            "deletion of one's own root",
            Method::DELETE,
            &format!("/posts/{root}"),
            json!({}),
        )
        .await;
        self.ask(
            "a reply to it",
            Method::POST,
            "/posts",
            json!({ "channel_id": cast.webchat, "root_id": root, "message": "x" }),
        )
        .await;
        self.ask(
            "its other replies",
            Method::GET,
            &format!("/posts/{}", theirs.id),
            json!({}),
        )
        .await;
        self.ask(
            "its thread",
            Method::GET,
            &format!("/posts/{root}/thread"),
            json!({}),
        )
        .await;
        self.ask("a malformed post id", Method::GET, "/posts/x", json!({}))
            .await;
        let listed = self
            .ask(
                "a deleted root by ids",
                Method::POST,
                "/posts/ids",
                json!([root]),
            )
            .await;
        self.note(
            "… has its delete_at",
            listed[0]["delete_at"].as_i64() > Some(0),
        );
        self.note("… has props", keys(&listed[0]["props"]));
        self.note(
            "… still has its message",
            listed[0]["message"] == "to be deleted",
        );
    }

    async fn ask_of_threads(&mut self) {
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

    async fn ask_of_channel_pages(&mut self) {
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

    async fn ask_of_reading_roots(&mut self) {
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

    async fn ask_of_files(&mut self) {
        let cast = self.world.cast().clone();
        let upload = self
            .bot
            .upload(&cast.webchat, "../bill of Eva.PDF", "hello world")
            .await
            .unwrap();
        self.note("an upload", told(&upload));
        let info = upload.json()["file_infos"][0].clone();
        for key in [
            "name",
            "extension",
            "size",
            "mime_type",
            "has_preview_image",
        ] {
            self.note(&format!("… {key}"), &info[key]);
        }
        let file = id(&info);
        let theirs = self
            .world
            .upload(&cast.lotte, &cast.webchat, "b.txt", "x")
            .await
            .unwrap();
        let ids = json!([file, file, "a".repeat(26), theirs]);
        let post = self
            .ask(
                "a post with good and bad file ids",
                Method::POST,
                "/posts",
                json!({ "channel_id": cast.webchat, "message": "", "file_ids": ids }),
            )
            .await;
        self.note("… keeps", post["file_ids"].as_array().map_or(0, Vec::len));
        self.note(
            "… tells of its files",
            &post["metadata"]["files"][0]["name"],
        );
        let again = self
            .post(json!({ "channel_id": cast.webchat, "message": "", "file_ids": [file] }))
            .await;
        self.note("a used file id is kept", !again["file_ids"].is_null());
        let eleven: Vec<_> = (0..11).map(|n| format!("{n:a<26}")).collect();
        self.ask(
            "eleven file ids",
            Method::POST,
            "/posts",
            json!({ "channel_id": cast.webchat, "message": "", "file_ids": eleven }),
        )
        .await;
        for (question, range) in [
            ("a range", "bytes=6-8"),
            ("a suffix", "bytes=-5"),
            ("a range beyond", "bytes=50-60"),
        ] {
            let part = self
                .bot
                .call(
                    Method::GET,
                    &format!("/files/{file}"),
                    &[("range", range)],
                    "",
                )
                .await
                .unwrap();
            self.note(
                question,
                format!(
                    "{} {:?}",
                    part.status.as_u16(),
                    if part.status == 206 {
                        part.text()
                    } else {
                        String::new()
                    }
                ),
            );
        }
        let whole = self.bot.get(&format!("/files/{file}")).await.unwrap();
        self.note(
            "a download",
            format!(
                "{} {} {}",
                told(&whole),
                whole.header("content-type"),
                whole.header("content-disposition")
            ),
        );
        let info = self.bot.get(&format!("/files/{file}/info")).await.unwrap();
        self.note(
            "its info",
            format!("{} {}", told(&info), info.json()["size"]),
        );
        self.ask(
            "an unknown file",
            Method::GET,
            &format!("/files/{}", "a".repeat(26)),
            json!({}),
        )
        .await;
        let empty = self
            .bot
            .upload(&cast.webchat, "empty.txt", "")
            .await
            .unwrap();
        self.note("an empty raw upload", told(&empty));
        let elsewhere = self
            .bot
            .upload(&"a".repeat(26), "a.txt", "x")
            .await
            .unwrap();
        self.note("an upload to an unknown channel", told(&elsewhere));
        let patched = self
            .ask(
                "a patch without its files",
                Method::PUT,
                &format!("/posts/{}/patch", id(&post)),
                json!({ "file_ids": [] }),
            )
            .await;
        self.note(
            "… leaves",
            patched["file_ids"].as_array().map_or(0, Vec::len),
        );
        self.world.delete_post_as_admin(&id(&post)).await.unwrap();
        let second = self.bot.upload(&cast.webchat, "c.txt", "y").await.unwrap();
        let second = id(&second.json()["file_infos"][0]);
        let carrier = self
            .post(json!({ "channel_id": cast.webchat, "message": "", "file_ids": [second] }))
            .await;
        self.world
            .delete_post_as_admin(&id(&carrier))
            .await
            .unwrap();
        let gone = self.gone(&format!("/files/{second}")).await;
        self.note("a file whose post an admin deleted", gone);
        let third = self.bot.upload(&cast.webchat, "d.txt", "z").await.unwrap();
        let third = id(&third.json()["file_infos"][0]);
        let carrier = self
            .post(json!({ "channel_id": cast.webchat, "message": "", "file_ids": [third] }))
            .await;
        self.bot
            .delete(&format!("/posts/{}", id(&carrier)))
            .await
            .unwrap();
        let gone = self.gone(&format!("/files/{third}")).await;
        self.note("a file whose post its author deleted", gone);
        let gone = self.gone(&format!("/files/{third}/info")).await;
        self.note("its info", gone);
        let config = self
            .bot
            .get("/config/client?format=old")
            .await
            .unwrap()
            .json();
        self.note(
            "limits",
            format!(
                "{} {} {}",
                config["MaxPostSize"], config["MaxFileSize"], config["EnableFileAttachments"]
            ),
        );
        let open = Api::new(&self.world.url(), "")
            .get("/config/client?format=old")
            .await
            .unwrap()
            .json();
        self.note("limits without a token", &open["MaxPostSize"]);
    }

    /// What a file answers some seconds after its post went; a real server tidies up behind its answer.
    async fn gone(&self, path: &str) -> String {
        if self.world.simulation().is_none() {
            tokio::time::sleep(Duration::from_secs(3)).await;
        }
        told(&self.bot.get(path).await.unwrap())
    }

    async fn ask_of_parts(&mut self) {
        let cast = self.world.cast().clone();
        let part = |head: &str, content: &str| {
            format!("--b\r\nContent-Disposition: form-data; {head}\r\n\r\n{content}\r\n")
        };
        let (channel, one) = (
            part("name=\"channel_id\"", &cast.webchat),
            part("name=\"files\"; filename=\"a.txt\"", "one"),
        );
        let two = part("name=\"x\"; filename=\"dir/b.png\"", "two");
        let client = part("name=\"client_ids\"", "mine");
        for (question, query, body) in [
            (
                "a multipart upload",
                String::new(),
                format!("{channel}{one}{two}"),
            ),
            (
                "one with client ids",
                String::new(),
                format!("{channel}{client}{one}"),
            ),
            (
                "one with its channel in the query",
                format!("?channel_id={}", cast.webchat),
                one.clone(),
            ),
            ("one without a channel", String::new(), one.clone()),
            (
                "one with another field",
                String::new(),
                format!("{channel}{}{one}", part("name=\"y\"", "z")),
            ),
        ] {
            let headers = [("content-type", "multipart/form-data; boundary=b")];
            let answer = self
                .bot
                .call(
                    Method::POST,
                    &format!("/files{query}"),
                    &headers,
                    format!("{body}--b--\r\n"),
                )
                .await
                .unwrap();
            self.note(question, told(&answer));
            let infos = answer.json()["file_infos"].clone();
            let names: Vec<_> = infos
                .as_array()
                .into_iter()
                .flatten()
                .map(|info| format!("{} {}", info["name"], info["mime_type"]))
                .collect();
            self.note(
                "… makes",
                format!("{names:?} {}", answer.json()["client_ids"]),
            );
        }
    }

    async fn ask_of_people(&mut self) {
        let cast = self.world.cast().clone();
        let lotte = self
            .ask(
                "a user",
                Method::GET,
                &format!("/users/{}", cast.lotte.id),
                json!({}),
            )
            .await;
        self.note(
            "… e-mail and names",
            format!(
                "{} {} {}",
                lotte["email"], lotte["first_name"], lotte["is_bot"]
            ),
        );
        let me = self
            .ask("oneself", Method::GET, "/users/me", json!({}))
            .await;
        self.note(
            "… is a bot with",
            format!("{} {}", me["is_bot"], me["email"]),
        );
        self.ask(
            "an unknown user",
            Method::GET,
            &format!("/users/{}", "a".repeat(26)),
            json!({}),
        )
        .await;
        self.ask("a malformed user", Method::GET, "/users/x!", json!({}))
            .await;
        self.ask(
            "a user by name",
            Method::GET,
            "/users/username/lotte",
            json!({}),
        )
        .await;
        self.ask(
            "a user by an upper-case name",
            Method::GET,
            "/users/username/LOTTE",
            json!({}),
        )
        .await;
        self.ask(
            "an unknown name",
            Method::GET,
            "/users/username/nobody",
            json!({}),
        )
        .await;
        self.ask(
            "a user by e-mail",
            Method::GET,
            "/users/email/lotte@example.com",
            json!({}),
        )
        .await;
        self.ask(
            "a user by upper-case e-mail",
            Method::GET,
            "/users/email/LOTTE@example.com",
            json!({}),
        )
        .await;
        self.ask(
            "an unknown e-mail",
            Method::GET,
            "/users/email/nobody@example.com",
            json!({}),
        )
        .await;
        let some = self
            .ask(
                "users by ids",
                Method::POST,
                "/users/ids",
                json!([cast.lotte.id, "a".repeat(26)]),
            )
            .await;
        self.note("… come", some.as_array().unwrap().len());
        let some = self
            .ask(
                "users by names",
                Method::POST,
                "/users/usernames",
                json!(["lotte", "nobody", "i-reserve"]),
            )
            .await;
        self.note("… come", some.as_array().unwrap().len());
        self.ask("no users", Method::POST, "/users/ids", json!([]))
            .await;
        self.ask("no names", Method::POST, "/users/usernames", json!([]))
            .await;
    }

    async fn ask_of_channels(&mut self) {
        let cast = self.world.cast().clone();
        self.ask("a team", Method::GET, "/teams/name/support", json!({}))
            .await;
        self.ask(
            "a team by id",
            Method::GET,
            &format!("/teams/{}", cast.team_id),
            json!({}),
        )
        .await;
        self.ask(
            "an unknown team by id",
            Method::GET,
            &format!("/teams/{}", "a".repeat(26)),
            json!({}),
        )
        .await;
        self.ask(
            "one's own team membership",
            Method::GET,
            &format!("/teams/{}/members/me", cast.team_id),
            json!({}),
        )
        .await;
        let teams = self
            .ask("one's own teams", Method::GET, "/users/me/teams", json!({}))
            .await;
        self.note("… are", teams.as_array().map_or(0, Vec::len));
        let path = format!("/users/{}/teams", cast.lotte.id);
        self.ask("somebody else's teams", Method::GET, &path, json!({}))
            .await;
        let path = format!("/users/me/teams/{}/channels", cast.team_id);
        self.ask("one's own channels", Method::GET, &path, json!({}))
            .await;
        let typing = json!({ "channel_id": cast.webchat, "parent_id": "" });
        self.ask("typing", Method::POST, "/users/me/typing", typing)
            .await;
        let typing = json!({ "channel_id": "a".repeat(26) });
        self.ask("typing nowhere", Method::POST, "/users/me/typing", typing)
            .await;
        self.ask(
            "an unknown team",
            Method::GET,
            "/teams/name/nowhere",
            json!({}),
        )
        .await;
        let channel = self
            .ask(
                "a channel",
                Method::GET,
                &format!("/channels/{}", cast.webchat),
                json!({}),
            )
            .await;
        self.note("… type", &channel["type"]);
        self.ask(
            "an unknown channel",
            Method::GET,
            &format!("/channels/{}", "a".repeat(26)),
            json!({}),
        )
        .await;
        self.ask("a malformed channel", Method::GET, "/channels/x", json!({}))
            .await;
        self.ask(
            "a channel by names",
            Method::GET,
            "/teams/name/support/channels/name/webchat",
            json!({}),
        )
        .await;
        self.ask(
            "an unknown channel by names",
            Method::GET,
            "/teams/name/support/channels/name/nothing",
            json!({}),
        )
        .await;
        self.ask(
            "a channel of an unknown team",
            Method::GET,
            "/teams/name/nowhere/channels/name/webchat",
            json!({}),
        )
        .await;
        self.ask(
            "a channel by name",
            Method::GET,
            &format!("/teams/{}/channels/name/webchat", cast.team_id),
            json!({}),
        )
        .await;
        self.ask(
            "one's own membership",
            Method::GET,
            &format!("/channels/{}/members/me", cast.webchat),
            json!({}),
        )
        .await;
        self.ask(
            "an unknown membership",
            Method::GET,
            &format!("/channels/{}/members/{}", cast.webchat, "a".repeat(26)),
            json!({}),
        )
        .await;
        self.ask(
            "an unknown emoji",
            Method::GET,
            "/emoji/name/no_such_emoji",
            json!({}),
        )
        .await;
        let props = json!({ "channel_auto_follow_threads": "on" });
        self.ask(
            "somebody else's notifications",
            Method::PUT,
            &format!(
                "/channels/{}/members/{}/notify_props",
                cast.webchat, cast.lotte.id
            ),
            props.clone(),
        )
        .await;
        self.ask(
            "one's own notifications",
            Method::PUT,
            &format!(
                "/channels/{}/members/{}/notify_props",
                cast.webchat, cast.bot.id
            ),
            props,
        )
        .await;
    }

    async fn ask_of_reactions(&mut self) {
        let cast = self.world.cast().clone();
        let root = self.root("to be liked").await;
        let reaction = |user: &str, post: &str| json!({ "user_id": user, "post_id": post, "emoji_name": "white_check_mark" });
        self.ask(
            "a reaction",
            Method::POST,
            "/reactions",
            reaction(&cast.bot.id, &root),
        )
        .await;
        self.ask(
            "the same again",
            Method::POST,
            "/reactions",
            reaction(&cast.bot.id, &root),
        )
        .await;
        self.ask(
            "one for somebody else",
            Method::POST,
            "/reactions",
            reaction(&cast.lotte.id, &root),
        )
        .await;
        self.ask(
            "one on an unknown post",
            Method::POST,
            "/reactions",
            reaction(&cast.bot.id, &"a".repeat(26)),
        )
        .await;
        let unknown =
            json!({ "user_id": cast.bot.id, "post_id": root, "emoji_name": "no_such_emoji" });
        self.ask(
            "one with an unknown emoji",
            Method::POST,
            "/reactions",
            unknown,
        )
        .await;
        let all = self
            .ask(
                "the reactions",
                Method::GET,
                &format!("/posts/{root}/reactions"),
                json!({}),
            )
            .await;
        self.note("… are", all.as_array().map_or(0, Vec::len));
        let path = format!(
            "/users/{}/posts/{root}/reactions/white_check_mark",
            cast.bot.id
        );
        self.ask("taking it back", Method::DELETE, &path, json!({}))
            .await;
        self.ask("taking it back again", Method::DELETE, &path, json!({}))
            .await;
        self.ask(
            "taking back somebody else's",
            Method::DELETE,
            &format!("/users/{}/posts/{root}/reactions/eyes", cast.lotte.id),
            json!({}),
        )
        .await;
        let none = self
            .ask(
                "no reactions",
                Method::GET,
                &format!("/posts/{root}/reactions"),
                json!({}),
            )
            .await;
        self.note("… are", none.as_array().map_or(0, Vec::len));
        self.world.delete_post_as_admin(&root).await.unwrap();
        self.ask(
            "one on a deleted post",
            Method::POST,
            "/reactions",
            reaction(&cast.bot.id, &root),
        )
        .await;
    }

    async fn ask_of_hooks(&mut self) {
        let cast = self.world.cast().clone();
        let hook = |channel: &str, url: &str| json!({ "team_id": cast.team_id, "channel_id": channel, "callback_urls": [url], "display_name": "x" });
        self.ask(
            "a webhook by the bot",
            Method::POST,
            "/hooks/outgoing",
            hook(&cast.webchat, "http://127.0.0.1:1/"),
        )
        .await;
        for (question, body) in [
            (
                "a webhook by an admin",
                hook(&cast.webchat, "http://127.0.0.1:1/"),
            ),
            (
                "a webhook for a private channel",
                hook(&cast.vip, "http://127.0.0.1:1/"),
            ),
            (
                "a webhook without an address",
                hook(&cast.webchat, "nowhere"),
            ),
            (
                "a webhook for a team without words",
                hook("", "http://127.0.0.1:1/"),
            ),
        ] {
            let answer = self.admin.post("/hooks/outgoing", &body).await.unwrap();
            self.note(question, told(&answer));
            if answer.status == 201 {
                self.note(
                    "… has a token of",
                    answer.json()["token"].as_str().unwrap_or_default().len(),
                );
                let gone = self
                    .admin
                    .delete(&format!("/hooks/outgoing/{}", id(&answer.json())))
                    .await
                    .unwrap();
                self.note("… and goes", told(&gone));
                let gone = self
                    .admin
                    .get(&format!("/hooks/outgoing/{}", id(&answer.json())))
                    .await
                    .unwrap();
                self.note("… for good", told(&gone));
            }
        }
    }

    async fn ask_of_archived_and_foreign_channels(&mut self) {
        let cast = self.world.cast().clone();
        let root = self.root("before the archive").await;
        let new = |channel: &str| json!({ "channel_id": channel, "message": "x" });
        self.world.archive(&cast.webchat).await.unwrap();
        self.ask(
            "a post to an archived channel",
            Method::POST,
            "/posts",
            new(&cast.webchat),
        )
        .await;
        self.ask(
            "a patch there",
            Method::PUT,
            &format!("/posts/{root}/patch"),
            json!({ "message": "x" }),
        )
        .await;
        self.ask(
            "a deletion there",
            Method::DELETE,
            &format!("/posts/{root}"),
            json!({}),
        )
        .await;
        let reaction = json!({ "user_id": cast.bot.id, "post_id": root, "emoji_name": "eyes" });
        self.ask("a reaction there", Method::POST, "/reactions", reaction)
            .await;
        self.ask(
            "its thread",
            Method::GET,
            &format!("/posts/{root}/thread"),
            json!({}),
        )
        .await;
        self.ask(
            "its posts",
            Method::GET,
            &format!("/channels/{}/posts", cast.webchat),
            json!({}),
        )
        .await;
        let shown = self
            .ask(
                "the channel",
                Method::GET,
                &format!("/channels/{}", cast.webchat),
                json!({}),
            )
            .await;
        self.note("… is archived", shown["delete_at"].as_i64() > Some(0));
        self.ask(
            "the channel by name",
            Method::GET,
            "/teams/name/support/channels/name/webchat",
            json!({}),
        )
        .await;
        let upload = self.bot.upload(&cast.webchat, "a.txt", "x").await.unwrap();
        self.note("an upload there", told(&upload));
        self.ask(
            "joining it",
            Method::POST,
            &format!("/channels/{}/members", cast.webchat),
            json!({ "user_id": cast.bot.id }),
        )
        .await;
        self.world.restore(&cast.webchat).await.unwrap();
        self.ask(
            "a post after its restoration",
            Method::POST,
            "/posts",
            new(&cast.webchat),
        )
        .await;
        for (name, channel) in [("public", cast.bookings), ("private", cast.vip)] {
            let post = self
                .later()
                .post_as(&cast.lotte, &channel, None, "inside", &[])
                .await
                .unwrap();
            self.world.remove(&channel, &cast.bot).await.unwrap();
            self.ask(
                &format!("a post from outside a {name} channel"),
                Method::POST,
                "/posts",
                new(&channel),
            )
            .await;
            self.ask(
                "a reply from outside",
                Method::POST,
                "/posts",
                json!({ "channel_id": channel, "root_id": post.id, "message": "x" }),
            )
            .await;
            self.ask(
                "a post seen from outside",
                Method::GET,
                &format!("/posts/{}", post.id),
                json!({}),
            )
            .await;
            self.ask(
                "a thread seen from outside",
                Method::GET,
                &format!("/posts/{}/thread", post.id),
                json!({}),
            )
            .await;
            self.ask(
                "a page seen from outside",
                Method::GET,
                &format!("/channels/{channel}/posts"),
                json!({}),
            )
            .await;
            let listed = self
                .ask(
                    "by ids from outside",
                    Method::POST,
                    "/posts/ids",
                    json!([post.id]),
                )
                .await;
            self.note("… come", listed.as_array().map_or(0, Vec::len));
            self.ask(
                "the channel from outside",
                Method::GET,
                &format!("/channels/{channel}"),
                json!({}),
            )
            .await;
            let upload = self.bot.upload(&channel, "a.txt", "x").await.unwrap();
            self.note("an upload from outside", told(&upload));
            self.ask(
                "a reaction from outside",
                Method::POST,
                "/reactions",
                json!({ "user_id": cast.bot.id, "post_id": post.id, "emoji_name": "eyes" }),
            )
            .await;
            self.ask(
                "joining by oneself",
                Method::POST,
                &format!("/channels/{channel}/members"),
                json!({ "user_id": cast.bot.id }),
            )
            .await;
            self.ask("a post then", Method::POST, "/posts", new(&channel))
                .await;
        }
    }
}

/// Status and error id of an answer.
fn told(answer: &Answered) -> String {
    let body = answer.json();
    let error = body.get("status_code").and_then(|_| body["id"].as_str());
    error.map_or_else(
        || answer.status.as_u16().to_string(),
        |error| format!("{} {error}", answer.status.as_u16()),
    )
}

fn id(object: &Value) -> String {
    object["id"].as_str().unwrap().to_owned()
}

/// The sorted keys of an object.
fn keys(object: &Value) -> String {
    let mut keys: Vec<_> = object
        .as_object()
        .into_iter()
        .flatten()
        .map(|(key, _)| key.as_str())
        .collect();
    keys.sort_unstable();
    keys.join(" ")
}
