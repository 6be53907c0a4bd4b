//! Making, changing and reading posts, by the rules of the real server.

use serde_json::{Value, json};
use simulators::api::Api;
use simulators::mattermost::{Cast, Mattermost, Settings, Version};

struct Place {
    mattermost: Mattermost,
    cast: Cast,
    api: Api,
}

impl Place {
    async fn of(version: Version) -> Self {
        let mattermost = Mattermost::start_with(Settings {
            version,
            ..Settings::default()
        })
        .await
        .unwrap();
        let cast = mattermost.furnish();
        let api = Api::new(&mattermost.url(), &cast.bot.token);
        Self {
            mattermost,
            cast,
            api,
        }
    }

    async fn post(&self, root: &str, message: &str) -> Value {
        let body = json!({ "channel_id": self.cast.webchat, "root_id": root, "message": message });
        self.api.post("/posts", &body).await.unwrap().json()
    }
}

#[tokio::test]
async fn a_pending_id_names_one_post_for_thirty_seconds() {
    let place = Place::of(Version::V11_6).await;
    let body = |message: &str| json!({ "channel_id": place.cast.webchat, "message": message, "pending_post_id": "ir:abc" });
    let first = place.api.post("/posts", &body("one")).await.unwrap().json();
    assert_eq!(first["pending_post_id"], "ir:abc");

    place.mattermost.advance(std::time::Duration::from_secs(25));
    let again = place.api.post("/posts", &body("two")).await.unwrap();
    assert_eq!(
        (again.status.as_u16(), &again.json()["id"]),
        (201, &first["id"])
    );
    assert_eq!(again.json()["message"], "one");
    assert_eq!(again.json()["pending_post_id"], "");

    place.mattermost.advance(std::time::Duration::from_secs(6));
    let late = place
        .api
        .post("/posts", &body("three"))
        .await
        .unwrap()
        .json();
    assert_ne!(late["id"], first["id"]);
}

#[tokio::test]
async fn a_pending_id_of_a_refused_or_deleted_post_is_told_apart() {
    let place = Place::of(Version::V11_6).await;
    let refused = json!({ "channel_id": place.cast.webchat, "root_id": "nothing", "message": "x", "pending_post_id": "ir:1" });
    assert_eq!(
        place.api.post("/posts", &refused).await.unwrap().json()["id"],
        "api.post.create_post.root_id.app_error"
    );
    let right =
        json!({ "channel_id": place.cast.webchat, "message": "x", "pending_post_id": "ir:1" });
    let made = place.api.post("/posts", &right).await.unwrap().json();

    place
        .mattermost
        .delete_post_as_admin(made["id"].as_str().unwrap())
        .unwrap();
    let again = place.api.post("/posts", &right).await.unwrap();
    assert_eq!(
        (again.status.as_u16(), again.json()["id"].as_str()),
        (500, Some("api.post.deduplicate_create_post.failed_to_get"))
    );
}

#[tokio::test]
async fn a_thread_is_paged_by_create_at_and_id_and_brings_its_root_along() {
    let place = Place::of(Version::V11_6).await;
    let root = place.post("", "root").await["id"]
        .as_str()
        .unwrap()
        .to_owned();
    let texts = ["1", "2", "3", "4", "5", "6"];
    let replies = place
        .mattermost
        .post_at_once(
            &place.cast.lotte.id,
            &place.cast.webchat,
            Some(&root),
            &texts,
        )
        .unwrap();
    let mut wanted: Vec<_> = replies
        .iter()
        .map(|post| (post.create_at, post.id.clone()))
        .collect();
    wanted.sort();

    let mut seen = Vec::new();
    let mut from = String::new();
    loop {
        let page = place
            .api
            .get(&format!(
                "/posts/{root}/thread?perPage=2&direction=down{from}"
            ))
            .await
            .unwrap()
            .json();
        assert_eq!(page["order"][0], json!(root));
        let order: Vec<_> = page["order"]
            .as_array()
            .unwrap()
            .iter()
            .skip(1)
            .map(|id| id.as_str().unwrap().to_owned())
            .collect();
        let last = order.last().unwrap().clone();
        from = format!(
            "&fromCreateAt={}&fromPost={last}",
            page["posts"][&last]["create_at"]
        );
        seen.extend(order);
        if page["has_next"] == json!(false) {
            break;
        }
    }
    assert_eq!(
        seen,
        wanted.iter().map(|(_, id)| id.clone()).collect::<Vec<_>>()
    );

    let at = wanted[0].0;
    let overlap = place
        .api
        .get(&format!(
            "/posts/{root}/thread?direction=down&fromCreateAt={}&fromPost={}",
            at - 1,
            "0".repeat(26)
        ))
        .await
        .unwrap()
        .json();
    assert_eq!(
        overlap["order"].as_array().unwrap().len(),
        7,
        "26 zeros mean from this millisecond on"
    );
    let strictly = place
        .api
        .get(&format!(
            "/posts/{root}/thread?direction=down&fromCreateAt={at}"
        ))
        .await
        .unwrap()
        .json();
    assert_eq!(
        strictly["order"].as_array().unwrap().len(),
        1,
        "without fromPost the whole millisecond is left out"
    );
    let too_many = place
        .api
        .get(&format!("/posts/{root}/thread?perPage=201"))
        .await
        .unwrap();
    assert_eq!(
        (too_many.status.as_u16(), too_many.json()["id"].as_str()),
        (400, Some("api.context.invalid_body_param.app_error"))
    );
}

#[tokio::test]
async fn a_patch_replaces_all_props_and_keeps_what_it_does_not_name() {
    let place = Place::of(Version::V11_6).await;
    let body = json!({ "channel_id": place.cast.webchat, "message": "text", "props": { "ireserve": { "mark": "m" }, "other": 1 } });
    let post = place.api.post("/posts", &body).await.unwrap().json();
    assert_eq!(post["props"]["from_bot"], "true");
    let path = format!("/posts/{}/patch", post["id"].as_str().unwrap());

    let text = place
        .api
        .put(&path, &json!({ "message": "other" }))
        .await
        .unwrap()
        .json();
    assert_eq!(text["props"]["ireserve"]["mark"], "m");
    assert!(text["edit_at"].as_i64().unwrap() > 0);

    let props = place
        .api
        .put(&path, &json!({ "props": { "new": true } }))
        .await
        .unwrap()
        .json();
    assert_eq!(props["message"], "other");
    assert!(props["props"].get("ireserve").is_none());

    let edited = props["edit_at"].clone();
    let nothing = place
        .api
        .put(&path, &json!({ "message": "other" }))
        .await
        .unwrap()
        .json();
    assert_eq!(nothing["edit_at"], edited);
    assert_eq!(
        place.mattermost.posts(&place.cast.webchat)[0].message,
        "other"
    );
}

#[tokio::test]
async fn only_the_number_of_replies_tells_9_11_readers_of_a_deletion() {
    for version in [Version::V9_11, Version::V11_6] {
        let place = Place::of(version).await;
        let root = place.post("", "root").await["id"]
            .as_str()
            .unwrap()
            .to_owned();
        let reply = place.post(&root, "reply").await;
        let ask = || async {
            place
                .api
                .post("/posts/ids", &json!([root, "unknown"]))
                .await
                .unwrap()
                .json()[0]
                .clone()
        };
        let before = ask().await;
        assert_eq!(
            (before["update_at"].clone(), before["reply_count"].as_i64()),
            (reply["create_at"].clone(), Some(1))
        );

        place.mattermost.advance(std::time::Duration::from_secs(1));
        place
            .api
            .delete(&format!("/posts/{}", reply["id"].as_str().unwrap()))
            .await
            .unwrap();
        let after = ask().await;
        assert_eq!(after["reply_count"], 0);
        assert_eq!(
            after["update_at"] == before["update_at"],
            version == Version::V9_11,
            "{version:?}"
        );
    }
}

#[tokio::test]
async fn a_channel_page_skips_the_millisecond_of_its_anchor_and_a_purged_anchor_finds_nothing() {
    let place = Place::of(Version::V11_6).await;
    let (lotte, webchat) = (&place.cast.lotte.id, &place.cast.webchat);
    let root = place
        .mattermost
        .post_as(lotte, webchat, None, "root", &[])
        .unwrap();
    place
        .mattermost
        .advance(std::time::Duration::from_millis(5));
    let same = place
        .mattermost
        .post_at_once(lotte, webchat, Some(&root.id), &["a", "b"])
        .unwrap();
    place
        .mattermost
        .advance(std::time::Duration::from_millis(5));
    let last = place
        .mattermost
        .post_as(lotte, webchat, Some(&root.id), "c", &[])
        .unwrap();
    let after = |anchor: String| {
        let api = place.api.clone();
        async move {
            api.get(&format!("/channels/{webchat}/posts?after={anchor}"))
                .await
                .unwrap()
                .json()
        }
    };

    let page = after(same[0].id.clone()).await;
    assert_eq!(page["order"], json!([last.id]));
    assert!(
        page["posts"].get(&root.id).is_some(),
        "the thread comes along outside of the order"
    );
    place.mattermost.delete_as(lotte, &same[0].id).unwrap();
    assert_eq!(after(same[0].id.clone()).await["order"], json!([last.id]));
    place.mattermost.purge(&same[0].id);
    assert_eq!(after(same[0].id.clone()).await["order"], json!([]));
}

#[tokio::test]
async fn files_hang_on_one_post_of_their_uploader_and_go_with_it() {
    let place = Place::of(Version::V11_6).await;
    let webchat = &place.cast.webchat;
    let upload = place
        .api
        .upload(webchat, "../a.txt", "hello world")
        .await
        .unwrap()
        .json();
    let file = upload["file_infos"][0]["id"].as_str().unwrap().to_owned();
    assert_eq!(upload["file_infos"][0]["name"], "a.txt");
    let foreign = Api::new(&place.mattermost.url(), &place.cast.lotte.token)
        .upload(webchat, "b.txt", "x")
        .await
        .unwrap()
        .json();
    let wanted = json!([file, file, "unknown", foreign["file_infos"][0]["id"]]);

    let post = place
        .api
        .post(
            "/posts",
            &json!({ "channel_id": webchat, "message": "", "file_ids": wanted }),
        )
        .await
        .unwrap()
        .json();
    assert_eq!(post["file_ids"], json!([file]));
    let again = place
        .api
        .post(
            "/posts",
            &json!({ "channel_id": webchat, "message": "", "file_ids": [file] }),
        )
        .await
        .unwrap()
        .json();
    assert_eq!(again["file_ids"], Value::Null);

    let part = place
        .api
        .call(
            http::Method::GET,
            &format!("/files/{file}"),
            &[("range", "bytes=6-")],
            "",
        )
        .await
        .unwrap();
    assert_eq!((part.status.as_u16(), part.text().as_str()), (206, "world"));
    place
        .api
        .delete(&format!("/posts/{}", post["id"].as_str().unwrap()))
        .await
        .unwrap();
    assert_eq!(
        place
            .api
            .get(&format!("/files/{file}"))
            .await
            .unwrap()
            .status,
        404
    );
}

#[tokio::test]
async fn a_bot_joins_public_channels_itself_and_private_ones_by_invitation() {
    let place = Place::of(Version::V11_6).await;
    for (channel, wanted) in [(&place.cast.bookings, 201), (&place.cast.vip, 403)] {
        place.mattermost.remove(channel, &place.cast.bot.id);
        let post = place
            .api
            .post("/posts", &json!({ "channel_id": channel, "message": "x" }))
            .await
            .unwrap();
        assert_eq!(
            (post.status.as_u16(), post.json()["id"].as_str()),
            (403, Some("api.context.permissions.app_error"))
        );
        let join = place
            .api
            .post(
                &format!("/channels/{channel}/members"),
                &json!({ "user_id": place.cast.bot.id }),
            )
            .await
            .unwrap();
        assert_eq!(join.status.as_u16(), wanted);
    }
}

#[tokio::test]
async fn an_archived_channel_refuses_posts_and_still_shows_them() {
    let place = Place::of(Version::V11_6).await;
    let root = place.post("", "root").await["id"]
        .as_str()
        .unwrap()
        .to_owned();
    place.mattermost.archive(&place.cast.webchat).unwrap();
    assert_eq!(
        place.post(&root, "reply").await["id"],
        "api.post.create_post.can_not_post_to_deleted.error"
    );
    assert_eq!(
        place
            .api
            .get(&format!("/posts/{root}/thread"))
            .await
            .unwrap()
            .status,
        200
    );
    place.mattermost.restore(&place.cast.webchat).unwrap();
    assert_eq!(place.post(&root, "reply").await["root_id"], json!(root));
}

#[tokio::test]
async fn a_root_takes_its_thread_with_it() {
    let place = Place::of(Version::V11_6).await;
    let root = place.post("", "root").await["id"]
        .as_str()
        .unwrap()
        .to_owned();
    let reply = place.post(&root, "reply").await["id"]
        .as_str()
        .unwrap()
        .to_owned();
    place.mattermost.delete_post_as_admin(&root).unwrap();

    for id in [&root, &reply] {
        assert_eq!(
            place.api.get(&format!("/posts/{id}")).await.unwrap().json()["id"],
            "app.post.get.app_error"
        );
    }
    assert_eq!(
        place
            .api
            .get(&format!("/posts/{root}/thread"))
            .await
            .unwrap()
            .status,
        404
    );
    assert_eq!(
        place.post(&root, "too late").await["id"],
        "api.post.create_post.root_id.app_error"
    );
}
