//! One journey of people, in the simulated world and, with `MATTERMOST_HOME`, in the real one.

use serde_json::json;
use simulators::ireserve::IReserve;
use simulators::mattermost::Version;
use simulators::real::Furniture;
use simulators::world::World;

#[tokio::test]
async fn people_act_alike_in_the_simulated_world() {
    for version in [Version::V9_11, Version::V11_6] {
        act(World::simulated(version).await.unwrap()).await;
    }
}

#[tokio::test]
async fn people_act_alike_in_the_real_world() {
    let Some(home) = std::env::var_os("MATTERMOST_HOME") else {
        eprintln!("MATTERMOST_HOME is not set: no real server was asked");
        return;
    };
    act(World::real(home.as_ref(), Furniture::WithBot)
        .await
        .unwrap())
    .await;
}

async fn act(mut world: World) {
    let cast = world.cast().clone();
    let ear = IReserve::start().await.unwrap();
    let token = world
        .register_outgoing_webhook(&cast.webchat, &ear.webhook_url())
        .await
        .unwrap();
    let bot = world.api(&cast.bot);
    let card = json!({ "channel_id": cast.webchat, "message": "card", "props": { "ireserve": { "conversation_id": "c1" } } });
    let root = bot.post("/posts", &card).await.unwrap().json()["id"]
        .as_str()
        .unwrap()
        .to_owned();

    let reply = world
        .post_as(
            &cast.lotte,
            &cast.webchat,
            Some(&root),
            "hello",
            &[("a.txt", b"bytes")],
        )
        .await
        .unwrap();
    world
        .post_as(&cast.jan, &cast.webchat, Some(&root), "me too", &[])
        .await
        .unwrap();
    let thread = world
        .until_thread(&root, "both replies stand", |posts| {
            (posts.len() == 2).then(|| posts.to_vec())
        })
        .await;
    assert_eq!(
        [&*thread[0].message, &*thread[1].message],
        ["hello", "me too"]
    );
    assert_eq!(
        &world.file_bytes(&thread[0].file_ids[0]).await.unwrap()[..],
        b"bytes"
    );
    let call = ear
        .until("the webhook was called for the reply", |inbox| {
            let bodies = inbox
                .deliveries()
                .iter()
                .map(|call| serde_json::from_slice::<serde_json::Value>(&call.body).unwrap());
            bodies
                .into_iter()
                .find(|body| body["post_id"] == json!(reply.id))
        })
        .await;
    assert_eq!(
        (&call["token"], call["file_ids"].as_str()),
        (&json!(token), Some(&*thread[0].file_ids[0]))
    );

    world
        .edit_as(&cast.lotte, &reply.id, "hello there")
        .await
        .unwrap();
    world.react_as(&cast.jan, &reply.id, "eyes").await.unwrap();
    world.delete_as(&cast.jan, &thread[1].id).await.unwrap();
    assert!(
        world
            .edit_as(&cast.jan, &reply.id, "not mine")
            .await
            .is_err()
    );
    world.restart().await.unwrap();

    let thread = world.thread(&root).await.unwrap();
    assert_eq!(thread.len(), 1);
    assert!(thread[0].edit_at > 0 && thread[0].has_reactions);
    let posts = world.channel_posts(&cast.webchat).await.unwrap();
    assert_eq!(posts[0].marker("conversation_id"), Some("c1"));
    assert_eq!(world.roots(&cast.webchat).await.unwrap().len(), 1);

    world.archive(&cast.webchat).await.unwrap();
    assert!(
        world
            .post_as(&cast.lotte, &cast.webchat, None, "closed", &[])
            .await
            .is_err()
    );
    world.restore(&cast.webchat).await.unwrap();
    world.remove(&cast.vip, &cast.bot).await.unwrap();
    let outside = json!({ "channel_id": cast.vip, "message": "x" });
    assert_eq!(bot.post("/posts", &outside).await.unwrap().status, 403);
    world.invite(&cast.vip, &cast.bot).await.unwrap();
    assert_eq!(bot.post("/posts", &outside).await.unwrap().status, 201);
    world.delete_post_as_admin(&root).await.unwrap();
    assert!(world.thread(&root).await.unwrap().is_empty());
    world.close().await.unwrap();
}
