//! What was said is changed, or taken back.

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use serde_json::json;
use simulators::PATIENCE;
use simulators::ireserve::event::{deleted, message, message_by, updated, with};

use crate::harness::{Stage, Words, asked};

/// More than one post can hold, in words without markup.
fn long(parts: usize) -> String {
    "words and words again "
        .repeat(parts * 16_000 / 22 - 100)
        .trim_end()
        .to_owned()
}

#[tokio::test]
async fn an_edit_changes_the_post_and_keeps_its_sender() {
    let stage = Stage::set().await;
    let teller = &stage.teller;
    teller
        .tell(&message("e1", "c1", "Sanne", "Four people"))
        .await;
    teller
        .tell(&message_by("e2", "c1", "agent", "Anna", "Four it is"))
        .await;
    teller
        .tell(&updated("e3", "c1", "m-e1", "Six people"))
        .await;
    teller.tell(&updated("e4", "c1", "m-e2", "Six it is")).await;
    teller
        .tell(&updated("e5", "c1", "m-e1", "Seven people"))
        .await;
    teller
        .tell(&updated("e6", "c1", "m-unknown", "Nobody said this"))
        .await;
    stage.proven().await;
    let posts = stage.thread("c1").await;
    assert!(posts.iter().all(|post| post.edit_at > 0));
    stage.finish().await;
}

#[tokio::test]
async fn an_edit_that_grows_gets_further_posts_and_one_that_shrinks_gives_them_up() {
    let stage = Stage::set().await;
    let teller = &stage.teller;
    teller.tell(&message("e1", "c1", "Sanne", "Short")).await;
    teller
        .tell(&message("e2", "c1", "Sanne", "In between"))
        .await;
    teller.tell(&updated("e3", "c1", "m-e1", &long(3))).await;
    teller.leaves("e1", [Words::holding("(1/3)")]);
    teller.leaves("e3", [Words::holding("(2/3)"), Words::holding("(3/3)")]);
    stage.proven().await;

    teller
        .tell(&updated("e4", "c1", "m-e1", "Short again"))
        .await;
    let withdrawn = || Words::holding("withdrew this message");
    teller.leaves("e1", [Words::exactly("**Sanne:** Short again")]);
    teller.leaves("e3", [withdrawn(), withdrawn()]);
    stage.proven().await;

    teller.tell(&updated("e5", "c1", "m-e1", &long(2))).await;
    teller.leaves("e1", [Words::holding("(1/2)")]);
    teller.leaves("e3", [Words::holding("(2/2)"), withdrawn()]);
    stage.finish().await;
}

#[tokio::test]
async fn what_was_taken_back_is_gone_and_somebody_can_see_that_it_was_there() {
    let stage = Stage::set().await;
    let teller = &stage.teller;
    let file = json!([{ "name": "passport.txt", "data": STANDARD.encode("secret") }]);
    teller
        .tell(&message("e1", "c1", "Sanne", "Wrong window"))
        .await;
    teller
        .tell(&with(
            message("e2", "c1", "Sanne", "My passport"),
            "attachments",
            file,
        ))
        .await;
    teller
        .tell(&message("e3", "c1", "Sanne", "Sorry for that"))
        .await;
    stage.proven().await;
    // Not read before: an 11.6 goes on serving what it has in its cache, although it says of the file that it is gone.
    let file_id = stage.thread("c1").await[1].file_ids[0].clone();
    teller.tell(&deleted("e4", "c1", "m-e1")).await;
    teller.tell(&deleted("e5", "c1", "m-e2")).await;
    teller.tell(&deleted("e6", "c1", "m-unknown")).await;
    stage.proven().await;
    // Servers remove the files of a deleted post a moment later.
    asked("the file is gone", PATIENCE, async || {
        match stage.world().file_bytes(&file_id).await {
            Err(_) => Ok(()),
            Ok(bytes) => Err(format!("it still has {} bytes", bytes.len())),
        }
    })
    .await;
    let thread = stage.thread("c1").await;
    assert!(
        !thread
            .iter()
            .any(|post| post.readable().contains("passport"))
    );
    // What the card quoted is taken back as well.
    stage
        .card_that("c1", "without the quote", |card| {
            !card.message.contains("Wrong window")
        })
        .await;
    stage.finish().await;
}

#[tokio::test]
async fn long_text_stands_in_numbered_parts_and_nothing_of_it_is_lost() {
    let stage = Stage::set().await;
    let text: Vec<_> = (0..9_000).map(|at| format!("word{at}")).collect();
    let text = text.join(" ");
    stage
        .teller
        .tell(&message("e1", "c1", "Sanne", &text))
        .await;
    stage
        .teller
        .tell(&message("e2", "c1", "Sanne", "That was long"))
        .await;
    let parts = text.chars().count() / 15_900 + 1;
    let numbered = (1..=parts).map(|at| Words::holding(format!("**Sanne:** ({at}/{parts}) ")));
    stage.teller.leaves("e1", numbered);
    stage.proven().await;

    let posts = stage.thread("c1").await;
    let read: Vec<_> = posts[..parts]
        .iter()
        .map(|post| post.message.split_once(") ").unwrap().1.trim())
        .collect();
    assert_eq!(read.join(" "), text);
    stage.finish().await;
}
