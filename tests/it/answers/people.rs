//! Users, reactions and webhooks.

use http::Method;
use serde_json::json;

use super::{Questions, id, told};

impl Questions<'_> {
    pub(super) async fn ask_of_people(&mut self) {
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

    pub(super) async fn ask_of_reactions(&mut self) {
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

    pub(super) async fn ask_of_hooks(&mut self) {
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
}
