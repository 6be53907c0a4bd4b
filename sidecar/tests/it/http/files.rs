//! Files that come beside their events.

use std::time::Duration;

use serde_json::{Value, json};
use sidecar::http::Limits;

use super::{
    desk::{Desk, Wish},
    raw::Said,
};

const BOUNDARY: &str = "----cut";

fn part(name: &str, content: &[u8]) -> Vec<u8> {
    let mut part = format!(
        "--{BOUNDARY}\r\nContent-Disposition: form-data; name=\"{name}\"; filename=\"f\"\r\n\r\n"
    )
    .into_bytes();
    part.extend_from_slice(content);
    part.extend_from_slice(b"\r\n");
    part
}

fn whole(parts: &[Vec<u8>]) -> Vec<u8> {
    let mut body = parts.concat();
    body.extend_from_slice(format!("--{BOUNDARY}--\r\n").as_bytes());
    body
}

fn naming(id: &str, parts: &[&str]) -> Value {
    let attachments: Vec<Value> = parts
        .iter()
        .map(|part| json!({"name": format!("{part}.bin"), "part": part}))
        .collect();
    json!({"id": id, "type": "message.created", "data": {"conversation_id": "conv_93", "message_id": id,
        "sender": {"type": "visitor", "name": "Sanne"}, "text": "see here", "attachments": attachments}})
}

fn event(value: &Value) -> Vec<u8> {
    part("event", value.to_string().as_bytes())
}

async fn send(desk: &Desk, body: &[u8]) -> Said {
    let fields = format!(
        "{}Content-Type: multipart/form-data; boundary={BOUNDARY}\r\n",
        desk.bearer()
    );
    desk.public.ask("POST", "/v1/events", &fields, body).await
}

#[tokio::test]
async fn files_are_kept_until_their_event_is_delivered() {
    let desk = Desk::open().await;
    let (photo, paper) = (vec![7; 150_000], b"--not a boundary\r\n--".to_vec());
    let body = whole(&[
        event(&naming("evt_1", &["photo", "paper"])),
        part("paper", &paper),
        part("photo", &photo),
    ]);
    let said = send(&desk, &body).await;
    assert_eq!(
        (said.status, said.json()["status"].as_str()),
        (202, Some("accepted"))
    );
    let mut kept: Vec<Vec<u8>> = desk
        .files()
        .iter()
        .map(|path| std::fs::read(path).unwrap())
        .collect();
    kept.sort_by_key(Vec::len);
    assert_eq!(kept, [paper, photo], "what came is what is kept");

    let again = send(&desk, &body).await;
    assert_eq!(
        (again.status, again.json()["status"].as_str()),
        (200, Some("duplicate"))
    );
    let mut other = body.clone();
    let at = other.len() - 100;
    other[at] = 8;
    assert_eq!(
        send(&desk, &other).await.status,
        409,
        "other bytes are other content"
    );
}

#[tokio::test]
async fn parts_that_do_not_fit_the_events_are_refused() {
    let desk = Desk::open().await;
    let unnamed =
        format!("--{BOUNDARY}\r\nContent-Disposition: form-data\r\n\r\nx\r\n").into_bytes();
    for (name, parts) in [
        (
            "a file before the events",
            vec![part("photo", b"x"), event(&naming("e", &["photo"]))],
        ),
        ("no events at all", vec![]),
        (
            "a part that no attachment names",
            vec![event(&naming("e", &["photo"])), part("other", b"x")],
        ),
        (
            "the events twice",
            vec![
                event(&naming("e", &["photo"])),
                event(&naming("e", &["photo"])),
            ],
        ),
        (
            "a name twice",
            vec![
                event(&naming("e", &["photo"])),
                part("photo", b"x"),
                part("photo", b"x"),
            ],
        ),
        (
            "a part without a name",
            vec![event(&naming("e", &["photo"])), unnamed],
        ),
        (
            "two attachments of one name",
            vec![
                event(&naming("e", &["photo", "photo"])),
                part("photo", b"x"),
            ],
        ),
    ] {
        let said = send(&desk, &whole(&parts)).await;
        assert_eq!(said.status, 400, "{name}");
        assert_eq!(said.json()["type"], "about:blank", "{name}");
    }
    let mut cut = whole(&[event(&naming("e", &["photo"])), part("photo", b"x")]);
    cut.truncate(cut.len() - 20);
    assert_eq!(
        send(&desk, &cut).await.status,
        400,
        "a body without its end"
    );
    assert_eq!(desk.status("e").await.status, 404);
    assert!(
        desk.files().is_empty(),
        "nothing of what was refused lies around: {:?}",
        desk.files()
    );
}

#[tokio::test]
async fn a_missing_file_is_its_events_mistake_and_leaves_the_neighbours_alone() {
    let desk = Desk::open().await;
    let broken = json!({"id": "e3", "type": "message.created", "data": {"attachments": [{"name": "a", "part": "third"}]}});
    let events = json!([naming("e1", &["first"]), naming("e2", &["second"]), broken]);
    let said = send(
        &desk,
        &whole(&[event(&events), part("first", b"1"), part("third", b"3")]),
    )
    .await;
    let results = said.json()["results"].clone();
    let codes: Vec<u64> = results
        .as_array()
        .unwrap()
        .iter()
        .map(|one| one["code"].as_u64().unwrap())
        .collect();
    assert_eq!((said.status, codes), (207, vec![202, 422, 422]));
    assert_eq!(
        results[1]["errors"][0]["pointer"],
        "/data/attachments/0/part"
    );
    let json = desk.push(&naming("e4", &["first"])).await;
    assert_eq!(
        (json.status, &json.json()["errors"][0]["pointer"]),
        (422, &json!("/data/attachments/0/part"))
    );
}

#[tokio::test]
async fn a_file_beyond_its_size_and_a_head_without_an_end_are_refused() {
    let desk = Desk::open().await;
    let large = vec![7; 200_001];
    let said = send(
        &desk,
        &whole(&[event(&naming("e", &["photo"])), part("photo", &large)]),
    )
    .await;
    assert_eq!(
        (said.status, said.json()["type"].as_str()),
        (413, Some("urn:ireserve:problem:too-large"))
    );
    let exact = send(
        &desk,
        &whole(&[
            event(&naming("e1", &["photo"])),
            part("photo", &large[..200_000]),
        ]),
    )
    .await;
    assert_eq!(exact.status, 202);

    let much = part("event", &vec![b' '; 1_048_577]);
    assert_eq!(
        send(&desk, &whole(&[much])).await.status,
        413,
        "the events keep to their limit"
    );
    let mut endless = event(&naming("e", &["photo"]));
    endless.extend_from_slice(format!("--{BOUNDARY}\r\nX: {}", "x".repeat(200_000)).as_bytes());
    assert_eq!(send(&desk, &endless).await.status, 413);
    assert_eq!(
        send(&desk, &vec![b'p'; 200_000]).await.status,
        413,
        "an endless preamble"
    );
}

#[tokio::test]
async fn a_boundary_is_needed() {
    let desk = Desk::open().await;
    for media in [
        "multipart/form-data".to_owned(),
        format!("multipart/form-data; boundary={}", "b".repeat(71)),
    ] {
        let fields = format!("{}Content-Type: {media}\r\n", desk.bearer());
        assert_eq!(
            desk.public
                .ask("POST", "/v1/events", &fields, b"--")
                .await
                .status,
            400,
            "{media}"
        );
    }
}

#[tokio::test]
async fn a_dribbled_file_is_given_up_and_a_steady_one_may_take_longer_than_an_event() {
    let limits = Limits {
        body: Duration::from_millis(300),
        bytes_per_second: 20_000,
        linger: Duration::from_millis(100),
        ..Limits::default()
    };
    let desk = Desk::with(Wish {
        limits,
        ..Wish::default()
    })
    .await;
    let fields = format!(
        "{}Content-Type: multipart/form-data; boundary={BOUNDARY}\r\n",
        desk.bearer()
    );
    let body = whole(&[
        event(&naming("e", &["photo"])),
        part("photo", &vec![7; 60_000]),
    ]);
    let head = format!(
        "POST /v1/events HTTP/1.1\r\nHost: localhost\r\n{fields}Content-Length: {}\r\n\r\n",
        body.len()
    );

    let mut wire = desk.public.connect().await;
    wire.write(&head).await;
    wire.write(&body[..2_000]).await;
    assert_eq!(wire.answers().await[0].status, 408);

    let mut wire = desk.public.connect().await;
    wire.write(&head).await;
    for piece in body.chunks(20_000) {
        wire.write(piece).await;
        // The pause of a slow network is what this is about.
        tokio::time::sleep(Duration::from_millis(250)).await;
    }
    assert_eq!(wire.answer().await.status, 202);
}
