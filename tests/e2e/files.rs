//! Files come along, whichever way they are given, and what cannot be had is said.

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use serde_json::{Value, json};
use simulators::ireserve::event::{message, with};
use simulators::ireserve::{FilePart, Served};
use simulators::mattermost::Post;

use crate::harness::{Stage, Words};

fn with_files(id: &str, text: &str, attachments: Value) -> Value {
    with(message(id, "c1", "Sanne", text), "attachments", attachments)
}

/// One text of each file on a post, in the order in which people see them; the post's own list of ids has another.
fn each_file<'a>(post: &'a Post, key: &str) -> Vec<&'a str> {
    let files = post.metadata["files"].as_array().into_iter().flatten();
    files.filter_map(|file| file[key].as_str()).collect()
}

async fn bytes_of(stage: &Stage, post: &Post) -> Vec<Vec<u8>> {
    let mut all = Vec::new();
    for id in each_file(post, "id") {
        all.push(stage.world().file_bytes(id).await.unwrap().to_vec());
    }
    all
}

fn names_of(post: &Post) -> Vec<&str> {
    each_file(post, "name")
}

#[tokio::test]
async fn files_by_address_by_part_and_within_the_event_stand_in_one_post() {
    let stage = Stage::set().await;
    let photo: Vec<u8> = (0..300_000_u32).map(|at| (at % 251) as u8).collect();
    let address = stage
        .ireserve
        .serves("photo.bin", Served::file(photo.clone()));
    let attachments = json!([
        { "name": "photo.bin", "url": address, "size": photo.len() },
        { "name": "invoice.txt", "part": "p1", "content_type": "text/plain" },
        { "name": "note.txt", "data": STANDARD.encode("written at home") },
    ]);
    let part = FilePart {
        part: "p1".to_owned(),
        name: "anything.txt".to_owned(),
        content_type: "text/plain".to_owned(),
        bytes: "to be paid".into(),
    };
    stage
        .teller
        .tell_with(&with_files("e1", "Three files", attachments), &[part])
        .await;
    stage.proven().await;

    let posts = stage.thread("c1").await;
    assert_eq!(
        names_of(&posts[0]),
        ["photo.bin", "invoice.txt", "note.txt"]
    );
    let seen = bytes_of(&stage, &posts[0]).await;
    assert!(seen[0] == photo, "the photo came over changed");
    assert_eq!(
        seen[1..],
        [b"to be paid".to_vec(), b"written at home".to_vec()]
    );
    stage.finish().await;
}

#[tokio::test]
async fn more_files_than_a_post_takes_go_on_in_further_posts() {
    let stage = Stage::set().await;
    let files: Vec<_> = (0..23)
        .map(|at| json!({ "name": format!("page-{at}.txt"), "data": STANDARD.encode(format!("page {at}")) }))
        .collect();
    stage
        .teller
        .tell(&with_files("e1", "All pages", json!(files)))
        .await;
    stage
        .teller
        .tell(&message("e2", "c1", "Sanne", "That was all"))
        .await;
    let head = || Words::exactly("**Sanne:**");
    stage.teller.leaves(
        "e1",
        [Words::exactly("**Sanne:** All pages"), head(), head()],
    );
    stage.proven().await;

    let posts = stage.thread("c1").await;
    let names: Vec<_> = posts.iter().flat_map(names_of).map(str::to_owned).collect();
    let wanted: Vec<_> = (0..23).map(|at| format!("page-{at}.txt")).collect();
    assert_eq!(names, wanted);
    assert_eq!(
        posts
            .iter()
            .map(|post| post.file_ids.len())
            .collect::<Vec<_>>(),
        [10, 10, 3, 0]
    );
    stage.finish().await;
}

#[tokio::test]
async fn a_file_that_cannot_be_had_leaves_a_line_and_its_text_goes_on() {
    let stage = Stage::set().await;
    let gone = stage.ireserve.serves("gone.pdf", Served::Status(404));
    let elsewhere = stage.ireserve.serves(
        "moved.pdf",
        Served::Redirect("http://169.254.169.254/secret".to_owned()),
    );
    let other = stage
        .ireserve
        .serves("other.txt", Served::file("not what was announced"));
    let stands = stage
        .ireserve
        .serves("stands.txt", Served::file("it stands"));
    let attachments = json!([
        { "name": "gone.pdf", "url": gone },
        { "name": "moved.pdf", "url": elsewhere },
        { "name": "foreign.pdf", "url": "http://192.0.2.1/foreign.pdf" },
        { "name": "stands.txt", "url": stands },
        { "name": "other.txt", "url": other, "sha256": "0".repeat(64) },
    ]);
    stage
        .teller
        .tell(&with_files("e1", "Five files", attachments))
        .await;
    stage.teller.leaves("e1", [Words::Anything]);
    stage.proven().await;

    let post = stage.thread("c1").await.remove(0);
    assert!(
        post.message.starts_with("**Sanne:** Five files\n"),
        "{}",
        post.message
    );
    assert_eq!(names_of(&post), ["stands.txt"]);
    for name in ["gone.pdf", "moved.pdf", "foreign.pdf", "other.txt"] {
        let line = post.message.lines().find(|line| line.contains(name));
        assert!(
            line.is_some_and(|line| line.contains("could not be copied")),
            "{name}: {}",
            post.message
        );
    }
    stage.finish().await;
}

#[tokio::test]
async fn a_part_that_is_missing_or_that_nobody_names_is_refused_and_nothing_stands() {
    let stage = Stage::set().await;
    let part = |name: &str| FilePart {
        part: name.to_owned(),
        name: "a.txt".to_owned(),
        content_type: "text/plain".to_owned(),
        bytes: "bytes".into(),
    };
    let event = with_files("e1", "One file", json!([{ "name": "a.txt", "part": "p1" }]));
    let missing = stage.teller.sender.send_files(&event, &[]).await.unwrap();
    assert_eq!(missing.status, 422, "{}", missing.text());
    let foreign = [part("p1"), part("p2")];
    let unnamed = stage
        .teller
        .sender
        .send_files(&event, &foreign)
        .await
        .unwrap();
    assert_eq!(unnamed.status, 400, "{}", unnamed.text());
    stage.teller.tell_with(&event, &[part("p1")]).await;
    stage.finish().await;
}
