//! What a team member answers in the thread reaches the visitor: once, in order, signed, and never a note.

use std::time::Duration;

use simulators::ireserve::{
    Says, Taken, When,
    event::{message, started, with},
};
use simulators::mattermost::{Account, Post};
use tokio::time::Instant;

use crate::harness::{Setting, Stage};

/// A conversation with its card; `department` sends it into the private channel.
async fn conversation(stage: &Stage, id: &str, private: bool) -> Post {
    let opening = started(&format!("{id}-start"), id, "Sanne");
    let opening = if private {
        with(opening, "department", "vip")
    } else {
        opening
    };
    stage.teller.tell(&opening).await;
    stage
        .teller
        .tell(&message(&format!("{id}-first"), id, "Sanne", "Hello?"))
        .await;
    stage.proven().await;
    stage.card(id).await
}

async fn reply(stage: &Stage, who: &Account, card: &Post, text: &str) -> Post {
    stage
        .world()
        .post_as(who, &card.channel_id, Some(&card.id), text, &[])
        .await
        .unwrap()
}

fn lotte(stage: &Stage) -> Account {
    stage.world().cast().lotte.clone()
}

/// Waits until the visitor of a conversation sees just these texts.
async fn sees(stage: &Stage, conversation: &str, texts: &[&str]) {
    let what = format!("the visitor of {conversation} sees {texts:?}");
    stage
        .ireserve
        .until(&what, |inbox| {
            (inbox.texts(conversation) == texts).then_some(())
        })
        .await;
}

/// Waits for one call and tells it.
async fn taken(stage: &Stage, id: &str) -> Taken {
    let what = format!("the call {id}");
    stage
        .ireserve
        .until(&what, |inbox| {
            inbox.taken().iter().find(|taken| taken.id == id).cloned()
        })
        .await
}

/// Waits until the bot has put this mark, and no other, on a reply.
async fn is_marked(stage: &Stage, post: &Post, mark: &str) {
    let api = stage.world().api(&stage.world().cast().lotte);
    let path = format!("/posts/{}/reactions", post.id);
    crate::harness::asked(
        &format!("the reply is marked {mark}"),
        Duration::from_secs(20),
        async || {
            let marks = api.get(&path).await.unwrap().json();
            let names: Vec<&str> = marks
                .as_array()
                .into_iter()
                .flatten()
                .filter_map(|mark| mark["emoji_name"].as_str())
                .collect();
            if names == [mark] {
                Ok(())
            } else {
                Err(format!("it carries {names:?}"))
            }
        },
    )
    .await;
}

async fn finish(stage: Stage) {
    let improper = stage.ireserve.look(|inbox| inbox.improper().count());
    assert_eq!(improper, 0, "every call was signed and well-formed");
    stage.finish().await;
}

#[tokio::test]
async fn replies_of_public_and_private_channels_reach_the_visitor_with_their_author() {
    let stage = Stage::set().await;
    stage
        .ireserve
        .knows("lotte@example.com", "user_7", "Lotte of Reception");
    for (id, private) in [("c1", false), ("c2", true)] {
        let card = conversation(&stage, id, private).await;
        let first = reply(&stage, &lotte(&stage), &card, "We are open **until six**").await;
        sees(&stage, id, &["We are open **until six**"]).await;
        let call = taken(&stage, &format!("reply:{}:0", first.id)).await;
        assert_eq!(call.data["text_plain"], "We are open until six");
        assert_eq!(
            call.data["html"],
            "<p>We are open <strong>until six</strong></p>"
        );
        assert_eq!(call.data["author"]["name"], "Lotte of Reception");
        assert_eq!(call.data["author"]["matched"], true);
        is_marked(&stage, &first, "white_check_mark").await;
    }
    finish(stage).await;
}

#[tokio::test]
async fn the_outgoing_webhook_alone_is_enough_in_a_public_channel() {
    let mut stage = Setting::default()
        .with("mattermost.websocket", "false")
        .with("mattermost.poll_interval", "0")
        .set()
        .await;
    stage.registers_its_webhook().await;
    let card = conversation(&stage, "c1", false).await;
    reply(&stage, &lotte(&stage), &card, "Heard by the webhook").await;
    sees(&stage, "c1", &["Heard by the webhook"]).await;
    finish(stage).await;
}

#[tokio::test]
async fn the_slow_look_alone_finds_what_nobody_hinted_at() {
    let stage = Setting::default()
        .with("mattermost.websocket", "false")
        .with("mattermost.poll_interval", "1s")
        .set()
        .await;
    let card = conversation(&stage, "c1", true).await;
    let written = reply(&stage, &lotte(&stage), &card, "Nobody heard this").await;
    sees(&stage, "c1", &["Nobody heard this"]).await;
    stage
        .world()
        .edit_as(&lotte(&stage), &written.id, "Nor this edit")
        .await
        .unwrap();
    sees(&stage, "c1", &["Nor this edit"]).await;
    finish(stage).await;
}

#[tokio::test]
async fn notes_never_leave_and_an_edit_can_take_a_reply_back_or_send_a_note() {
    let stage = Stage::set().await;
    let card = conversation(&stage, "c1", true).await;
    let who = lotte(&stage);
    let note = reply(&stage, &who, &card, "note: he was rude").await;
    let mention = reply(
        &stage,
        &who,
        &card,
        &format!("@{} can you help?", stage.world().cast().jan.username),
    )
    .await;
    let call = reply(&stage, &who, &card, "look at this @here").await;
    let sent = reply(&stage, &who, &card, "This leaves").await;
    sees(&stage, "c1", &["This leaves"]).await;
    for inside in [&note, &mention, &call] {
        is_marked(&stage, inside, "lock").await;
    }

    stage
        .world()
        .edit_as(&who, &sent.id, "// it should not have left")
        .await
        .unwrap();
    sees(&stage, "c1", &[]).await;
    stage
        .world()
        .edit_as(&who, &note.id, "Sorry for the wait")
        .await
        .unwrap();
    sees(&stage, "c1", &["Sorry for the wait"]).await;
    stage.world().delete_as(&who, &mention.id).await.unwrap();
    let last = reply(&stage, &who, &card, "Until tomorrow").await;
    sees(&stage, "c1", &["Sorry for the wait", "Until tomorrow"]).await;
    is_marked(&stage, &last, "white_check_mark").await;
    let secrets = [
        "rude",
        "can you help",
        "look at this",
        "should not have left",
    ];
    stage.ireserve.look(|inbox| {
        for call in inbox.taken() {
            let body = call.body.to_string();
            assert!(
                !secrets.iter().any(|secret| body.contains(secret)),
                "a note left: {}",
                call.id
            );
            assert!(!body.contains(&mention.id), "a deleted note left a trace");
        }
    });
    finish(stage).await;
}

#[tokio::test]
async fn an_edit_and_a_deletion_follow_the_reply_they_change() {
    let stage = Stage::set().await;
    let card = conversation(&stage, "c1", false).await;
    let written = reply(&stage, &lotte(&stage), &card, "Lane 3").await;
    sees(&stage, "c1", &["Lane 3"]).await;
    stage
        .world()
        .edit_as(&lotte(&stage), &written.id, "Lane 4")
        .await
        .unwrap();
    sees(&stage, "c1", &["Lane 4"]).await;
    stage
        .world()
        .delete_as(&lotte(&stage), &written.id)
        .await
        .unwrap();
    let call = taken(&stage, &format!("reply:{}:deleted", written.id)).await;
    assert_eq!(call.kind, "reply.deleted");
    finish(stage).await;
}

#[tokio::test]
async fn what_was_written_while_the_sidecar_was_down_leaves_when_it_is_back() {
    let mut stage = Stage::set().await;
    let open = conversation(&stage, "c1", false).await;
    let private = conversation(&stage, "c2", true).await;
    stage.sidecar_mut().kill().await.unwrap();
    reply(&stage, &lotte(&stage), &open, "First").await;
    reply(&stage, &lotte(&stage), &open, "Second").await;
    reply(&stage, &lotte(&stage), &private, "Third").await;
    stage.sidecar_mut().start_again().await.unwrap();
    sees(&stage, "c1", &["First", "Second"]).await;
    sees(&stage, "c2", &["Third"]).await;
    finish(stage).await;
}

#[tokio::test]
async fn a_file_of_a_reply_is_had_through_its_link_and_a_notes_file_is_not() {
    let stage = Stage::set().await;
    stage.ireserve.follows_links(true);
    let card = conversation(&stage, "c1", true).await;
    let files: [(&str, &[u8]); 1] = [("route.txt", b"second door on the left")];
    stage
        .world()
        .post_as(
            &lotte(&stage),
            &card.channel_id,
            Some(&card.id),
            "This is the way",
            &files,
        )
        .await
        .unwrap();
    let fetched = stage
        .ireserve
        .until("the file was fetched", |inbox| {
            inbox.fetched().first().cloned()
        })
        .await;
    assert_eq!(fetched.status, Some(200));
    assert_eq!(fetched.bytes, "second door on the left");
    assert_eq!(fetched.headers["x-content-type-options"], "nosniff");
    assert!(
        fetched.headers["content-disposition"]
            .to_str()
            .unwrap()
            .starts_with("attachment")
    );
    finish(stage).await;
}

#[tokio::test]
async fn twelve_replies_arrive_once_and_in_order_although_two_of_three_calls_fail() {
    let stage = Stage::set().await;
    let card = conversation(&stage, "c1", false).await;
    stage
        .ireserve
        .says(When::Cycle { hits: 2, of: 3 }, Says::Status(503));
    let texts: Vec<String> = (1..=12).map(|at| format!("reply {at} of 12")).collect();
    for text in &texts {
        reply(&stage, &lotte(&stage), &card, text).await;
    }
    let wanted: Vec<&str> = texts.iter().map(String::as_str).collect();
    let begun = Instant::now();
    stage
        .ireserve
        .within(Duration::from_secs(120), "all twelve", |inbox| {
            (inbox.texts("c1").len() == 12).then_some(())
        })
        .await
        .unwrap();
    assert_eq!(
        stage.ireserve.texts("c1"),
        wanted,
        "after {:?}",
        begun.elapsed()
    );
    finish(stage).await;
}

#[tokio::test]
async fn a_reply_that_is_refused_for_good_is_marked_and_its_author_is_told() {
    let stage = Stage::set().await;
    let card = conversation(&stage, "c1", false).await;
    stage
        .ireserve
        .says_to("reply.created", When::Next(1), Says::Status(410));
    let lost = reply(&stage, &lotte(&stage), &card, "Too late").await;
    is_marked(&stage, &lost, "warning").await;
    let name = lotte(&stage).username;
    crate::harness::asked("the author is told", Duration::from_secs(20), async || {
        let thread = stage.thread("c1").await;
        let told = thread.iter().any(|post| {
            post.message.contains(&format!("@{name}")) && post.message.starts_with('⚠')
        });
        if told {
            Ok(())
        } else {
            Err(format!("{:?}", thread.last().map(|post| &post.message)))
        }
    })
    .await;
    reply(&stage, &lotte(&stage), &card, "Still here").await;
    sees(&stage, "c1", &["Still here"]).await;
    stage.end_owing().await;
}

/// What the bot says in the thread of a conversation that begins like this.
async fn lines(stage: &Stage, conversation: &str, beginning: &str) -> Vec<String> {
    let thread = stage.thread(conversation).await;
    thread
        .into_iter()
        .map(|post| post.message)
        .filter(|text| text.starts_with(beginning))
        .collect()
}

#[tokio::test]
async fn the_team_is_told_once_that_the_visitor_is_away_and_again_when_he_has_left_again() {
    const AWAY: &str = "Sanne is not on the page right now";
    const CLOSED: &str = "Sanne closed the chat";
    let stage = Stage::set().await;
    let card = conversation(&stage, "c1", false).await;
    let who = lotte(&stage);
    let says = |word: &str| Says::TakenWith(serde_json::json!({ "visitor": word }));
    let mut sent = Vec::new();
    for (answer, away, closed) in [
        ("offline", 1, 0),
        ("offline", 1, 0),
        ("delivered", 1, 0),
        ("offline", 2, 0),
        ("closed", 2, 1),
        ("closed", 2, 1),
    ] {
        stage
            .ireserve
            .says_to("reply.created", When::Next(1), says(answer));
        let written = reply(&stage, &who, &card, &format!("number {}", sent.len())).await;
        is_marked(&stage, &written, "white_check_mark").await;
        sent.push(written);
        crate::harness::asked(answer, Duration::from_secs(20), async || {
            let seen = (
                lines(&stage, "c1", AWAY).await.len(),
                lines(&stage, "c1", CLOSED).await.len(),
            );
            if seen == (away, closed) {
                Ok(())
            } else {
                Err(format!("{seen:?}"))
            }
        })
        .await;
    }
    stage.end_owing().await;
}

#[tokio::test]
async fn administrators_are_told_once_that_i_reserve_refuses_our_key() {
    let stage = Stage::set().await;
    let card = conversation(&stage, "c1", false).await;
    let (admin, bot) = (
        stage.world().cast().admin.clone(),
        stage.world().cast().bot.clone(),
    );
    let direct = stage
        .world()
        .api(&admin)
        .post("/channels/direct", &serde_json::json!([&admin.id, &bot.id]))
        .await
        .unwrap()
        .json();
    let direct = direct["id"].as_str().unwrap().to_owned();
    stage
        .ireserve
        .expect_secrets(&["whsec_b3RoZXIgb3RoZXIgb3RoZXIgb3RoZXIgb3RoZXIgb3RoZXI="]);
    reply(&stage, &lotte(&stage), &card, "Is anybody there?").await;
    // A real server lets a new bot say something to whoever made it.
    let of_the_key = async || {
        let mut posts = stage.world().channel_posts(&direct).await.unwrap();
        posts.retain(|post| {
            post.message
                .starts_with("i-Reserve refuses our key for acme since ")
        });
        posts
    };
    let told = crate::harness::asked("the admin is told", Duration::from_secs(20), async || {
        let nothing = "nothing was written to him".to_owned();
        of_the_key().await.first().cloned().ok_or(nothing)
    })
    .await;
    assert_eq!(told.user_id, bot.id);
    // Another reply is the same incident, and what the visitor wrote still comes.
    reply(&stage, &lotte(&stage), &card, "And now?").await;
    stage
        .teller
        .tell(&message("later", "c1", "Sanne", "Me"))
        .await;
    stage.teller.until_it_is("later", "delivered").await;
    assert_eq!(of_the_key().await.len(), 1);
    let status = simulators::client::Client::default()
        .call(
            http::Method::GET,
            &format!("{}/v1/status", stage.sidecar().admin_url()),
            &[],
            "",
        )
        .await
        .unwrap()
        .json();
    assert_eq!(status["licences"][0]["ok"], false, "{status}");
    stage.end_owing().await;
}
