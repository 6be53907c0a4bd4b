//! Teams and channels, from inside and from outside.

use http::Method;
use serde_json::json;

use super::{Questions, told};

impl Questions<'_> {
    pub(super) async fn ask_of_channels(&mut self) {
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

    pub(super) async fn ask_of_archived_and_foreign_channels(&mut self) {
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
