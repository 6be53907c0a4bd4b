//! Files of replies, given to whoever holds a link, from a simulated Mattermost.

use std::time::Duration;

use shared::{LicenceId, PostId};
use sidecar::{auth::link::FileLink, http::Limits};
use simulators::{
    Door,
    mattermost::{Cast, Mattermost, Post},
};
use tokio::{io::AsyncReadExt, time::Instant};

use super::{
    desk::{Desk, Wish},
    raw::Said,
};

const PNG: &[u8] = b"\x89PNG\r\n\x1a\n\0\0\0\rIHDR0123456789";

struct Room {
    desk: Desk,
    mattermost: Mattermost,
    cast: Cast,
    root: Post,
}

impl Room {
    async fn open() -> Self {
        Self::with(Limits::default()).await
    }

    async fn with(limits: Limits) -> Self {
        let mattermost = Mattermost::start().await.unwrap();
        let cast = mattermost.furnish();
        let desk = Desk::with(Wish {
            limits,
            ..Wish::default()
        })
        .await;
        let (url, token) = (mattermost.url().parse().unwrap(), cast.bot.token.clone());
        desk.behind.connect(url, token.into());
        let root = mattermost
            .post_as(&cast.bot.id, &cast.webchat, None, "card", &[])
            .unwrap();
        Self {
            desk,
            mattermost,
            cast,
            root,
        }
    }

    /// A reply with one file that was sent to the visitor.
    fn sent(&self, name: &str, bytes: &[u8]) -> Post {
        let post = self.inside(name, bytes);
        let known = (licence("acme"), post.id.parse().unwrap());
        self.desk.sent.lock().unwrap().insert(known);
        post
    }

    /// One that stays in the team.
    fn inside(&self, name: &str, bytes: &[u8]) -> Post {
        let (user, channel) = (&self.cast.lotte.id, &self.cast.webchat);
        self.mattermost
            .post_as(user, channel, Some(&self.root.id), "see", &[(name, bytes)])
            .unwrap()
    }

    fn path(&self, post: &Post) -> String {
        self.link("acme", &post.id, &post.file_ids[0], 60)
    }

    fn link(&self, of: &str, post: &str, file: &str, seconds: i64) -> String {
        let now = self.desk.clock.now().as_millis();
        let link = FileLink {
            post: PostId::new(post).unwrap(),
            file: file.to_owned(),
            expires: shared::Timestamp::from_millis(now + seconds * 1_000),
        };
        let token = self.desk.links.file_token(&licence(of), &link);
        format!("/v1/files/{token}")
    }

    async fn get(&self, path: &str, fields: &str) -> Said {
        self.desk.public.ask("GET", path, fields, b"").await
    }
}

fn licence(id: &str) -> LicenceId {
    LicenceId::new(id).unwrap()
}

#[tokio::test]
async fn a_file_of_a_sent_reply_is_given_whole_and_can_do_nothing_in_a_browser() {
    let room = Room::open().await;
    let path = room.path(&room.sent("één plan.png", PNG));
    let said = room.get(&path, "").await;
    assert_eq!((said.status, &said.body[..]), (200, PNG));
    for (name, wanted) in [
        ("content-type", "image/png"),
        ("content-length", "26"),
        ("accept-ranges", "bytes"),
        (
            "content-disposition",
            "attachment; filename=\"__n plan.png\"; filename*=UTF-8''%C3%A9%C3%A9n%20plan.png",
        ),
        ("x-content-type-options", "nosniff"),
        ("content-security-policy", "sandbox"),
        ("cache-control", "no-store"),
    ] {
        assert_eq!(said.field(name), Some(wanted), "{name}");
    }
    let page = room.sent("a.png", b"<html><script>alert(1)</script>");
    let said = room.get(&room.path(&page), "").await;
    assert_eq!(said.field("content-type"), Some("application/octet-stream"));
    let empty = room.get(&room.path(&room.sent("empty.txt", b"")), "").await;
    assert_eq!((empty.status, empty.body.len()), (200, 0));
}

#[tokio::test]
async fn one_range_is_given_and_one_beyond_the_file_is_refused_with_its_size() {
    let room = Room::open().await;
    let path = room.path(&room.sent("a.png", PNG));
    for (range, wanted, bytes) in [
        ("bytes=0-3", "bytes 0-3/26", &PNG[..4]),
        ("bytes=20-", "bytes 20-25/26", &PNG[20..]),
        ("bytes=-2", "bytes 24-25/26", &PNG[24..]),
        ("bytes=20-999", "bytes 20-25/26", &PNG[20..]),
    ] {
        let said = room.get(&path, &format!("Range: {range}\r\n")).await;
        assert_eq!((said.status, &said.body[..]), (206, bytes), "{range}");
        assert_eq!(said.field("content-range"), Some(wanted));
        assert_eq!(
            said.field("content-type"),
            Some("image/png"),
            "as of the whole file"
        );
    }
    for range in ["bytes=26-", "bytes=-0"] {
        let said = room.get(&path, &format!("Range: {range}\r\n")).await;
        assert_eq!(
            (said.status, said.field("content-range")),
            (416, Some("bytes */26"))
        );
        assert_eq!(said.field("cache-control"), Some("no-store"));
    }
    for range in ["bytes=0-1,4-5", "lines=1-2", "bytes=x"] {
        let said = room.get(&path, &format!("Range: {range}\r\n")).await;
        assert_eq!((said.status, &said.body[..]), (200, PNG), "{range}");
    }
}

#[tokio::test]
async fn a_head_says_what_a_get_would_without_the_file() {
    let room = Room::open().await;
    let path = room.path(&room.sent("a.png", PNG));
    let mut wire = room.desk.public.connect().await;
    wire.write(format!(
        "HEAD {path} HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n\r\n"
    ))
    .await;
    let text = String::from_utf8(wire.bytes().await)
        .unwrap()
        .to_lowercase();
    assert!(
        text.starts_with("http/1.1 200 ") && text.ends_with("\r\n\r\n"),
        "{text}"
    );
    for field in [
        "content-length: 26",
        "content-type: image/png",
        "cache-control: no-store",
    ] {
        assert!(text.contains(field), "{field} in {text}");
    }
}

#[tokio::test]
async fn every_failure_is_the_same_404() {
    let room = Room::open().await;
    let sent = room.sent("a.png", PNG);
    let (good, inside) = (room.path(&sent), room.inside("note.png", PNG));
    let (other, deleted) = (room.sent("b.png", PNG), room.sent("c.png", PNG));
    room.mattermost
        .delete_as(&room.cast.lotte.id, &deleted.id)
        .unwrap();
    let unknown = PostId::new("z".repeat(26)).unwrap();
    room.desk
        .sent
        .lock()
        .unwrap()
        .insert((licence("acme"), unknown.clone()));
    let (file, token) = (
        &sent.file_ids[0],
        good.rsplit('/').next().unwrap().to_owned(),
    );
    let mut cases = vec![
        ("of a note", room.path(&inside)),
        ("expired", room.link("acme", &sent.id, file, -1)),
        ("of another licence", room.link("other", &sent.id, file, 60)),
        (
            "another post's file",
            room.link("acme", &other.id, file, 60),
        ),
        ("deleted", room.path(&deleted)),
        (
            "an unknown post",
            room.link("acme", unknown.as_str(), file, 60),
        ),
        ("no token", "/v1/files/a.b".into()),
        ("nothing", "/v1/files/".into()),
        ("two segments", format!("{good}/x")),
        ("cut off", good[..good.len() - 1].into()),
        ("longer", format!("{good}A")),
        ("turned round", {
            let (payload, mac) = token.split_once('.').unwrap();
            format!("/v1/files/{mac}.{payload}")
        }),
        ("huge", format!("/v1/files/{}", "a".repeat(8_000))),
    ];
    assert_eq!(room.get(&good, "").await.status, 200);
    let nowhere = room.get("/v1/nowhere", "").await;
    for (name, path) in &cases {
        let said = room.get(path, "").await;
        assert_eq!((said.status, &said.body), (404, &nowhere.body), "{name}");
    }
    room.mattermost.door(Door::Refusing).await.unwrap();
    cases = vec![("mattermost is away", good)];
    for (name, path) in &cases {
        let said = room.get(path, "Range: bytes=0-3\r\n").await;
        assert_eq!((said.status, &said.body), (404, &nowhere.body), "{name}");
        assert_eq!(said.field("cache-control"), Some("no-store"), "{name}");
    }
}

#[tokio::test]
async fn a_large_file_arrives_with_every_byte_in_its_place() {
    let room = Room::open().await;
    let bytes: Vec<u8> = (0..20_000_000_u32).map(|n| (n % 251) as u8).collect();
    let path = room.path(&room.sent("big.bin", &bytes));
    let said = room.get(&path, "").await;
    assert_eq!(said.status, 200);
    assert!(said.body == bytes, "every byte in its place");
    let said = room.get(&path, "Range: bytes=10000000-10000004\r\n").await;
    assert_eq!(said.body, &bytes[10_000_000..10_000_005]);
}

#[tokio::test]
async fn whoever_sips_a_file_is_left() {
    let limits = Limits {
        answer: Duration::from_millis(300),
        file_bytes_per_second: 100_000_000,
        linger: Duration::from_millis(50),
        ..Limits::default()
    };
    let room = Room::with(limits).await;
    let path = room.path(&room.sent("big.bin", &vec![b'x'; 30_000_000]));
    let mut wire = room.desk.public.connect().await;
    wire.write(format!("GET {path} HTTP/1.1\r\nHost: localhost\r\n\r\n"))
        .await;
    let (began, mut sip, mut taken) = (Instant::now(), vec![0; 64 * 1024], 0);
    loop {
        match wire.0.read(&mut sip).await {
            Ok(0) | Err(_) => break,
            Ok(read) => taken += read,
        }
        assert!(
            began.elapsed() < Duration::from_secs(20),
            "still given after {taken} bytes"
        );
        // What a slow line does; about a hundredth of what is asked for.
        tokio::time::sleep(Duration::from_millis(50)).await;
    }
    assert!(
        taken < 30_000_000,
        "broken off, so that nobody takes a part for the whole"
    );
}
