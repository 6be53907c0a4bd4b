//! Making, changing and deleting posts.

use http::Method;
use serde_json::{Value, json};
use simulators::api::Api;

use super::{Questions, id, keys, told};

impl Questions<'_> {
    pub(super) async fn ask_of_posting(&mut self) {
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

    pub(super) async fn ask_of_props_and_edits(&mut self) {
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

    pub(super) async fn ask_of_deletions(&mut self) {
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
}
