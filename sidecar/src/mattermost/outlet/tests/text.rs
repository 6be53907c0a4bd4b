//! Text that is long, edited or taken back.

use serde_json::{Value, json};

use simulators::mattermost::{Fault, When};

use super::desk::{Desk, attached};
use crate::record::State;

fn edited(id: &str, text: &str) -> Value {
    json!({"conversation_id": "conv_93", "message_id": format!("m_{id}"), "text": text})
}

fn deleted(id: &str) -> Value {
    json!({"conversation_id": "conv_93", "message_id": format!("m_{id}")})
}

/// So many sentences that each of them can be told apart.
fn long(sentences: usize) -> String {
    (0..sentences)
        .map(|at| format!("This is sentence number {at:05} of a long story.\n"))
        .collect()
}

fn joined(texts: &[String]) -> String {
    texts.concat()
}

#[tokio::test]
async fn long_text_comes_in_parts_in_order_and_nothing_is_cut() {
    let desk = Desk::new().await;
    desk.says("e1", &long(1_000)).await;
    let texts = desk.texts();
    assert!(texts.len() > 2, "{} parts", texts.len());
    let all = joined(&texts);
    for at in 0..1_000 {
        assert_eq!(all.matches(&format!("{at:05}")).count(), 1, "sentence {at}");
    }
    assert!(
        texts
            .iter()
            .all(|text| text.starts_with("**Sanne:** (") && text.chars().count() <= 16_000)
    );
    let posts = desk.replies();
    assert!(
        posts
            .windows(2)
            .all(|pair| pair[0].create_at < pair[1].create_at),
        "no two share a millisecond"
    );
}

#[tokio::test]
async fn an_edit_that_grows_appends_parts_and_one_that_shrinks_withdraws_them() {
    let desk = Desk::new().await;
    desk.says("e1", "short").await;
    desk.says("e2", "another").await;
    desk.brings("e3", "message.updated", edited("e1", &long(1_000)))
        .await;
    let texts = desk.texts();
    let own: Vec<_> = texts
        .iter()
        .filter(|text| !text.contains("another"))
        .cloned()
        .collect();
    assert!(
        own.len() > 2 && own[0].starts_with("**Sanne:** (1/"),
        "{}",
        own[0]
    );
    let all = joined(&own);
    for at in 0..1_000 {
        assert_eq!(all.matches(&format!("{at:05}")).count(), 1, "sentence {at}");
    }
    desk.brings("e4", "message.updated", edited("e1", "short again"))
        .await;
    let texts = desk.texts();
    assert_eq!(texts[0], "**Sanne:** short again");
    assert_eq!(texts[1], "**Sanne:** another");
    assert!(
        texts[2..]
            .iter()
            .all(|text| text.contains("Sanne withdrew this message")),
        "{:?}",
        &texts[2..]
    );
    desk.brings("e5", "message.updated", edited("e1", &long(1_000)))
        .await;
    assert_eq!(
        joined(&desk.texts()).matches("00999").count(),
        1,
        "withdrawn parts are filled again"
    );
    assert_eq!(desk.texts().len(), texts.len());
}

#[tokio::test]
async fn a_deleted_message_says_so_and_keeps_its_mark_and_an_edit_does_not_bring_it_back() {
    let desk = Desk::new().await;
    desk.says("e1", "secret").await;
    let before = desk.replies()[0].clone();
    desk.brings("e2", "message.deleted", deleted("e1")).await;
    let [post] = &desk.replies()[..] else {
        panic!("one post")
    };
    assert!(
        post.message.starts_with("*Sanne withdrew this message"),
        "{}",
        post.message
    );
    assert_eq!(post.ireserve(), before.ireserve());
    desk.brings("e3", "message.updated", edited("e1", "secret again"))
        .await;
    assert!(!joined(&desk.texts()).contains("secret"));
}

#[tokio::test]
async fn a_deleted_message_with_files_is_removed_and_one_line_takes_its_place() {
    let desk = Desk::new().await;
    let data = attached("e1", "look", json!([{"name": "a.txt", "part": "a"}]));
    let id = desk
        .accepts_with("e1", "message.created", data, &[("a.txt", b"hello")])
        .await;
    desk.settles(&id).await;
    let file = desk.replies()[0].file_ids[0].clone();
    desk.brings("e2", "message.deleted", deleted("e1")).await;
    let [post] = &desk.replies()[..] else {
        panic!("one line: {:?}", desk.texts())
    };
    assert!(
        post.message.starts_with("*Sanne withdrew this message"),
        "{}",
        post.message
    );
    assert_eq!(post.marker("event_id"), Some("e2"));
    assert!(
        desk.server.look(|state| state.file(&file)).is_none(),
        "the file is gone"
    );
}

#[tokio::test]
async fn a_post_that_a_moderator_removed_stays_removed() {
    let desk = Desk::new().await;
    desk.says("e1", "rude").await;
    desk.server
        .delete_post_as_admin(&desk.replies()[0].id)
        .unwrap();
    for (id, kind, data) in [
        ("e2", "message.updated", edited("e1", "polite")),
        ("e3", "message.deleted", deleted("e1")),
    ] {
        assert_eq!(
            desk.brings(id, kind, data).await.status,
            State::Delivered,
            "{kind}"
        );
    }
    assert!(desk.replies().is_empty());
}

#[tokio::test]
async fn an_edit_of_a_message_in_a_former_thread_appends_there_and_is_found_there() {
    let settings = super::Settings {
        thread_limit: 1,
        ..super::Settings::default()
    };
    let desk = Desk::with(settings, |_| {}).await;
    desk.says("e1", "short").await;
    desk.says("e2", "in the next thread").await;
    let old = desk.roots()[0].clone();
    desk.server
        .faults()
        .add("POST /posts", When::Next(1), Fault::commit_then_drop());
    desk.brings("e3", "message.updated", edited("e1", &long(500)))
        .await;
    let thread = desk.server.look(|state| state.thread(&old.id));
    let all: String = thread.iter().map(|post| post.message.as_str()).collect();
    for at in 0..500 {
        assert_eq!(all.matches(&format!("{at:05}")).count(), 1, "sentence {at}");
    }
    assert_eq!(desk.texts(), ["**Sanne:** in the next thread"]);
}

#[tokio::test]
async fn an_edit_comes_through_when_the_bot_was_thrown_out_of_a_public_channel() {
    let desk = Desk::new().await;
    desk.says("e1", "before").await;
    desk.server.remove(&desk.cast.webchat, &desk.cast.bot.id);
    desk.brings("e2", "message.updated", edited("e1", "after"))
        .await;
    assert_eq!(desk.texts(), ["**Sanne:** after"]);
}
