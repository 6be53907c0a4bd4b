//! Files: what hangs on a post, and what stands there when it cannot.

use serde_json::{Value, json};
use simulators::mattermost::{Fault, Refusal, When};

use super::{
    super::Settings,
    desk::{Desk, attached, serves, serves_in_turn},
};
use crate::files::digest_of;

const PNG: &[u8] = b"\x89PNG\r\n\x1a\n\0\0\0\rIHDR";

#[tokio::test]
async fn several_files_hang_on_one_post_and_more_than_ten_on_the_next() {
    let desk = Desk::new().await;
    let names: Vec<String> = (0..12).map(|at| format!("file-{at:02}.txt")).collect();
    let attachments: Value = names
        .iter()
        .map(|name| json!({"name": name, "part": name}))
        .collect();
    let files: Vec<(&str, &[u8])> = names
        .iter()
        .map(|name| (name.as_str(), name.as_bytes()))
        .collect();
    let id = desk
        .accepts_with(
            "e1",
            "message.created",
            attached("e1", "twelve", attachments),
            &files,
        )
        .await;
    desk.settles(&id).await;
    assert_eq!(desk.texts(), ["**Sanne:** twelve", "**Sanne:** "]);
    assert_eq!(desk.files(), [names[..10].to_vec(), names[10..].to_vec()]);
    for id in &desk.replies()[0].file_ids {
        let (info, bytes) = desk.server.look(|state| state.file(id)).unwrap();
        assert_eq!(bytes, info.name);
    }
}

#[tokio::test]
async fn a_file_is_fetched_and_called_what_its_bytes_are() {
    let desk = Desk::new().await;
    let png = serves(
        &desk,
        &format!("HTTP/1.1 200 OK\r\nContent-Length: {}", PNG.len()),
        PNG.to_vec(),
    )
    .await;
    let html = serves(
        &desk,
        "HTTP/1.1 200 OK",
        b"<!doctype html><script>alert(1)</script>".to_vec(),
    )
    .await;
    let attachments = json!([
        {"name": "../photo.exe", "url": format!("{png}/a"), "sha256": digest_of(PNG).to_uppercase()},
        {"name": "page.png", "url": format!("{html}/b")},
    ]);
    desk.brings("e1", "message.created", attached("e1", "look", attachments))
        .await;
    assert_eq!(desk.files(), [["photo.exe.png", "page.png.txt"]]);
    let photo = desk.replies()[0].file_ids.iter().find_map(|id| {
        let (info, bytes) = desk.server.look(|state| state.file(id))?;
        (info.name == "photo.exe.png").then_some(bytes)
    });
    assert_eq!(photo.unwrap(), PNG);
}

#[tokio::test]
async fn a_file_that_cannot_be_had_leaves_a_line_and_the_text_goes_out() {
    let desk = Desk::with(Settings::default(), |licence| {
        licence.attachments.max_bytes = 1_000
    })
    .await;
    let fine = serves(&desk, "HTTP/1.1 200 OK", b"fine".to_vec()).await;
    let gone = serves(
        &desk,
        "HTTP/1.1 404 Not Found\r\nContent-Length: 0",
        Vec::new(),
    )
    .await;
    let moved = serves(
        &desk,
        &format!("HTTP/1.1 302 Found\r\nLocation: {fine}\r\nContent-Length: 0"),
        Vec::new(),
    )
    .await;
    let endless = serves(&desk, "HTTP/1.1 200 OK", vec![b'x'; 5_000]).await;
    let short = serves(
        &desk,
        "HTTP/1.1 200 OK\r\nContent-Length: 900",
        vec![b'x'; 10],
    )
    .await;
    let attachments = json!([
        {"name": "fine.txt", "url": fine},
        {"name": "wrong.txt", "url": fine, "sha256": digest_of(b"other")},
        {"name": "gone.txt", "url": gone},
        {"name": "moved.txt", "url": moved},
        {"name": "endless.txt", "url": endless},
        {"name": "short.txt", "url": short},
        {"name": "closed.txt", "url": "http://127.0.0.1:1/"},
        {"name": "inner.txt", "url": "http://169.254.169.254/latest"},
    ]);
    desk.brings(
        "e1",
        "message.created",
        attached("e1", "eight", attachments),
    )
    .await;
    assert_eq!(desk.files(), [["fine.txt"]]);
    let text = desk.texts().remove(0);
    let lines: Vec<&str> = text.lines().collect();
    assert_eq!(lines[0], "**Sanne:** eight");
    assert_eq!(lines.len(), 8, "{text}");
    for name in [
        "wrong", "gone", "moved", "endless", "short", "closed", "inner",
    ] {
        assert!(
            lines
                .iter()
                .any(|line| line.starts_with(&format!("📎 {name}.txt"))),
            "{name}: {text}"
        );
    }
}

#[tokio::test]
async fn files_that_mattermost_drops_come_in_a_further_post_and_then_as_a_line() {
    let desk = Desk::new().await;
    let data = |id: &str| {
        attached(
            id,
            "look",
            json!([{"name": "a.txt", "part": "a"}, {"name": "b.txt", "part": "b"}]),
        )
    };
    let files: [(&str, &[u8]); 2] = [("a.txt", b"a"), ("b.txt", b"b")];
    desk.says("e0", "first").await;
    desk.server
        .faults()
        .add("POST /posts", When::Next(1), Fault::drop_files());
    let id = desk
        .accepts_with("e1", "message.created", data("e1"), &files)
        .await;
    desk.settles(&id).await;
    assert_eq!(
        desk.files(),
        [vec![], vec![], vec!["a.txt".to_owned(), "b.txt".to_owned()]]
    );
    desk.server
        .faults()
        .add("POST /posts", When::Always, Fault::drop_files());
    let id = desk
        .accepts_with("e2", "message.created", data("e2"), &files)
        .await;
    desk.settles(&id).await;
    let last = desk.texts().pop().unwrap();
    assert!(
        last.contains("📎 a.txt") && last.contains("📎 b.txt"),
        "{last}"
    );
    assert_eq!(desk.texts().len(), 6, "{:?}", desk.texts());
}

#[tokio::test]
async fn a_post_with_files_whose_answer_was_lost_keeps_them_once() {
    let desk = Desk::new().await;
    desk.says("e0", "first").await;
    let data = attached("e1", "look", json!([{"name": "a.txt", "part": "a"}]));
    desk.server
        .faults()
        .add("POST /posts", When::Next(1), Fault::commit_then_drop());
    let id = desk
        .accepts_with("e1", "message.created", data, &[("a.txt", b"a")])
        .await;
    desk.settles(&id).await;
    assert_eq!(desk.files(), [vec![], vec!["a.txt".to_owned()]]);
}

#[tokio::test]
async fn a_server_that_takes_no_such_file_does_not_hold_the_text() {
    let desk = Desk::new().await;
    desk.says("e0", "first").await;
    desk.server.faults().refuse_next(
        1,
        "POST /files",
        Refusal::new(413, "api.file.upload_file.too_large_detailed.app_error"),
    );
    let data = attached("e1", "look", json!([{"name": "a.txt", "part": "a"}]));
    let id = desk
        .accepts_with("e1", "message.created", data, &[("a.txt", b"a")])
        .await;
    desk.settles(&id).await;
    assert!(
        desk.texts()[1].starts_with("**Sanne:** look\n📎 a.txt"),
        "{}",
        desk.texts()[1]
    );
}

#[tokio::test]
async fn where_files_are_off_they_appear_as_links() {
    let desk = Desk::with(
        Settings {
            allow_files: false,
            ..Settings::default()
        },
        |_| {},
    )
    .await;
    let attachments = json!([{"name": "a.txt", "url": "https://files.example/a.txt"}]);
    desk.brings("e1", "message.created", attached("e1", "look", attachments))
        .await;
    assert_eq!(
        desk.texts(),
        ["**Sanne:** look\n📎 a.txt [https://files.example/a.txt](https://files.example/a.txt)"]
    );
}

#[tokio::test]
async fn a_notification_carries_files_too() {
    let desk = Desk::new().await;
    let file = serves(&desk, "HTTP/1.1 200 OK", PNG.to_vec()).await;
    let data = json!({"notification_type": "x", "text": "y", "attachments": [{"name": "a.png", "url": file}]});
    desk.brings("n1", "notification", data).await;
    let posts = desk.server.look(|state| state.roots(&desk.cast.bookings));
    let post = posts.iter().find(|post| post.ireserve().is_some()).unwrap();
    assert_eq!(desk.files_of(post), ["a.png"]);
}

#[tokio::test]
async fn a_large_file_passes_whole() {
    const SIZE: usize = 40_000_000;
    let desk = Desk::new().await;
    let source = vec![b'x'; SIZE];
    let digest = digest_of(&source);
    let address = serves(
        &desk,
        &format!("HTTP/1.1 200 OK\r\nContent-Length: {SIZE}"),
        source,
    )
    .await;
    let attachments = json!([{"name": "large.txt", "url": address, "sha256": digest}]);
    desk.brings(
        "e1",
        "message.created",
        attached("e1", "large", attachments),
    )
    .await;
    let id = desk.replies()[0].file_ids[0].clone();
    assert_eq!(
        desk.server.look(|state| state.file(&id)).unwrap().1.len(),
        SIZE
    );
}

#[tokio::test]
async fn a_file_whose_server_stumbles_for_a_moment_arrives_all_the_same() {
    let desk = Desk::new().await;
    let busy = "HTTP/1.1 503 Busy\r\nContent-Length: 0".to_owned();
    let address = serves_in_turn(
        &desk,
        vec![(busy, Vec::new()), ("HTTP/1.1 200 OK".into(), PNG.to_vec())],
    )
    .await;
    let attachments = json!([{"name": "a.png", "url": address}]);
    desk.brings("e1", "message.created", attached("e1", "look", attachments))
        .await;
    assert_eq!(desk.files(), [["a.png"]]);
}

#[tokio::test]
async fn where_the_bot_may_write_but_not_upload_the_text_goes_out_with_a_line() {
    let desk = Desk::new().await;
    desk.says("e0", "first").await;
    let forbidden = Refusal::new(403, "api.context.permissions.app_error");
    desk.server
        .faults()
        .add("POST /files", When::Always, Fault::refuse(forbidden));
    let data = attached("e1", "look", json!([{"name": "a.txt", "part": "a"}]));
    let id = desk
        .accepts_with("e1", "message.created", data, &[("a.txt", b"a")])
        .await;
    desk.settles(&id).await;
    assert!(
        desk.texts()[1].starts_with("**Sanne:** look\n📎 a.txt"),
        "{}",
        desk.texts()[1]
    );
}
