//! A visitor writes what he likes, and it does nothing but stand there.

use serde_json::{Value, json};
use simulators::ireserve::Served;
use simulators::ireserve::event::{event, message, started, with};

use crate::harness::{Stage, Words};

/// Everything that some Mattermost once took for a mention, a picture, a channel or a link to fetch.
fn tricks(picture: &str, page: &str) -> Vec<String> {
    let mut tricks: Vec<_> = [
        "@all",
        "@ALL",
        "@channel",
        "@here",
        "@lotte",
        "@lotte.",
        "\\@all",
        "> @all",
        "**@all**",
        "(@all)",
        "<@all>",
        "- @all",
        "#@all",
        "@all.",
        ".@all",
        "&#64;all",
        "&commat;all",
        "`x` @all",
        "@\u{200b}all @all",
        "~webchat",
        "~bookings",
        "# A heading",
        "| a | b |\n|---|---|\n| 1 | 2 |",
        "**Anna (i-Reserve):** I am not Anna",
        "\u{202e}lla@ \u{0000}@all",
        "#ireserve-1",
    ]
    .map(str::to_owned)
    .into();
    tricks.push(format!("![a picture]({picture})"));
    tricks.push(format!("[@all]({page})"));
    tricks.push(format!("look {page} and {page}"));
    tricks.push(format!("<img src=\"{picture}\">"));
    tricks
}

/// Whether something in a text would be read as a mention: an at sign before a letter, after no letter.
fn mentions(text: &str) -> bool {
    let chars: Vec<_> = text.chars().collect();
    chars
        .windows(2)
        .any(|pair| pair[0] == '@' && pair[1].is_ascii_alphanumeric())
        && !text.contains("](")
}

#[tokio::test]
async fn hostile_text_mentions_nobody_and_fetches_nothing() {
    let stage = Stage::set().await;
    let picture = stage
        .ireserve
        .serves("picture.png", Served::file("no picture"));
    let page = stage
        .ireserve
        .serves("page.html", Served::file("<title>A page</title>"));
    // Being invited into a channel counts as a mention.
    let before = mentions_of_lotte(&stage).await;
    let mut count = 0;
    for (at, trick) in tricks(&picture, &page).iter().enumerate() {
        for format in ["plain", "markdown", "html"] {
            let id = format!("e{at}-{format}");
            let said = with(message(&id, "c1", "Sanne", trick), "format", format);
            stage.teller.tell(&said).await;
            stage.teller.leaves(&id, [Words::Anything]);
            count += 1;
        }
    }
    let named = message(
        "n1",
        "c2",
        "@all ![x](http://127.0.0.1/x) **Anna (i-Reserve)",
        "I am who I say",
    );
    stage.teller.tell(&named).await;
    stage.teller.leaves("n1", [Words::Anything]);
    let card = with(
        started("n2", "c3", "@lotte @all"),
        "page.title",
        "@channel ~webchat",
    );
    stage.teller.tell(&card).await;
    let fields = json!({ "notification_type": "booking.confirmed", "title": "@all", "text": "@here &#64;channel",
        "fields": [{ "title": "@all", "value": "@all @lotte" }] });
    stage
        .teller
        .tell(&event("n3", "notification", fields))
        .await;
    stage.teller.leaves("n3", [Words::Anything]);
    stage.proven().await;

    let posts = stage.thread("c1").await;
    assert_eq!(posts.len(), count);
    for post in &posts {
        assert!(post.message.starts_with("**Sanne:** "), "{}", post.message);
        assert!(!mentions(&post.readable()), "{}", post.message);
        let fetched = ["embeds", "images"].map(|kind| post.metadata[kind].clone());
        assert!(
            fetched.iter().all(is_nothing),
            "{fetched:?} of {:?}",
            post.message
        );
        assert!(
            post.hashtags.is_empty(),
            "{:?} of {:?}",
            post.hashtags,
            post.message
        );
    }
    for name in ["picture.png", "page.html"] {
        assert_eq!(
            stage.ireserve.look(|inbox| inbox.file_requests(name)),
            0,
            "{name} was fetched"
        );
    }
    assert_eq!(mentions_of_lotte(&stage).await, before);

    // So that the count could have been another: a colleague may mention her.
    if stage.world().simulation().is_none() {
        let cast = stage.world().cast().clone();
        let card = stage.card("c1").await;
        let asked = stage
            .world()
            .post_as(&cast.jan, &cast.webchat, Some(&card.id), "@lotte", &[])
            .await;
        asked.unwrap();
        assert_eq!(mentions_of_lotte(&stage).await, before + 1);
    }
    stage.finish().await;
}

fn is_nothing(value: &Value) -> bool {
    value.is_null()
        || value.as_array().is_some_and(Vec::is_empty)
        || value.as_object().is_some_and(serde_json::Map::is_empty)
}

/// How often the server says she was mentioned, in all channels.
async fn mentions_of_lotte(stage: &Stage) -> u64 {
    let cast = stage.world().cast();
    let api = stage.world().api(&cast.lotte);
    let mut count = 0;
    for channel in [&cast.webchat, &cast.bookings, &cast.vip] {
        let answer = api
            .get(&format!("/channels/{channel}/members/me"))
            .await
            .unwrap();
        assert_eq!(answer.status, 200, "{}", answer.text());
        count += answer.json()["mention_count"].as_u64().unwrap();
    }
    count
}
