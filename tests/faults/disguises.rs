//! Files that are not what they seem, and bodies that grow when somebody unpacks them (T26).

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use serde_json::{Value, json};
use simulators::ireserve::Served;
use simulators::ireserve::event::{message, with};

use crate::harness::{Setting, Words};
use crate::load;

/// A GiB of zeros, packed with DEFLATE's fixed codes: a zero, and then "258 bytes as before" over and over (RFC 1951, 3.2.6).
fn bomb() -> Vec<u8> {
    let mut bits = Bits(vec![0x1f, 0x8b, 8, 0, 0, 0, 0, 0, 0, 255], 0, 0);
    bits.put(0b011, 3);
    bits.put_code(0b0011_0000, 8);
    for _ in 0..(1 << 30) / 258 {
        bits.put_code(0b1100_0101, 8);
        bits.put_code(0, 5);
    }
    bits.put_code(0, 7);
    bits.put(0, 8);
    bits.0
}

/// Bytes, and the bits of the one that is not full.
struct Bits(Vec<u8>, u32, u32);

impl Bits {
    fn put(&mut self, value: u32, count: u32) {
        self.1 |= value << self.2;
        self.2 += count;
        while self.2 >= 8 {
            self.0.push(self.1.to_le_bytes()[0]);
            self.1 >>= 8;
            self.2 -= 8;
        }
    }

    /// Codes are written from their highest bit on.
    fn put_code(&mut self, code: u32, count: u32) {
        self.put(code.reverse_bits() >> (32 - count), count);
    }
}

#[tokio::test]
async fn nothing_is_unpacked() {
    let stage = load::simulated(Setting::default()).await;
    let bomb = bomb();
    let warm = with(
        message("e0", "c1", "Sanne", "A file"),
        "attachments",
        packed(
            &stage
                .ireserve
                .serves("a.bin", Served::file(vec![7; 4 << 20])),
        ),
    );
    stage.teller.tell_and_wait(&warm, 30).await;
    let before = stage.sidecar().program().peak_memory().unwrap();

    let sender = &stage.teller.sender;
    let answer = sender
        .post(
            "application/json",
            bomb[..900_000].to_vec().into(),
            &[("content-encoding", "gzip")],
        )
        .await;
    assert_eq!(answer.unwrap().status, 415);
    let encoded = Served::Encoded {
        encoding: "gzip",
        bytes: bomb.clone().into(),
    };
    let address = stage.ireserve.serves("bomb.txt", encoded);
    stage
        .teller
        .tell(&with(
            message("e1", "c1", "Sanne", "Two files"),
            "attachments",
            packed(&address),
        ))
        .await;
    stage.teller.leaves("e1", [Words::Anything]);
    let as_file = stage.ireserve.serves("bomb.gz", Served::file(bomb.clone()));
    stage
        .teller
        .tell(&with(
            message("e2", "c1", "Sanne", "As it is"),
            "attachments",
            packed(&as_file),
        ))
        .await;
    stage.proven().await;

    let posts = stage.thread("c1").await;
    assert!(
        posts[1].message.contains("could not be copied"),
        "{}",
        posts[1].message
    );
    let kept = stage
        .world()
        .file_bytes(&posts[2].file_ids[0])
        .await
        .unwrap();
    assert!(kept == bomb, "a packed file comes over as it is");
    let grown = stage.sidecar().program().peak_memory().unwrap() - before;
    assert!(grown < 8 << 20, "memory grew by {grown} bytes");
    stage.finish().await;
}

fn packed(address: &str) -> Value {
    json!([{ "name": "packed.gz", "url": address }])
}

#[tokio::test]
async fn a_file_is_called_by_what_it_is() {
    let stage = load::simulated(Setting::default()).await;
    let cases: [(&str, &[u8], &str); 12] = [
        (
            "photo.png",
            b"<svg xmlns='http://www.w3.org/2000/svg'><script>alert(1)</script></svg>",
            "photo.png.txt",
        ),
        (
            "drawing.svg",
            b"<?xml version='1.0'?><svg/>",
            "drawing.svg.txt",
        ),
        (
            "page.html",
            b"<!DOCTYPE html><script>alert(1)</script>",
            "page.html.txt",
        ),
        ("script.js", b"alert(1)", "script.js.txt"),
        (
            "polyglot.html",
            b"GIF89a/*<script>*/=1;",
            "polyglot.html.gif",
        ),
        (
            "invoice.pdf",
            b"MZ\x90\0\x03\0\0\0\x04\0\0\0\xff\xff\0\0",
            "invoice.pdf.bin",
        ),
        ("../../etc/passwd", b"root", "passwd.bin"),
        ("C:\\Windows\\win.ini", b"[x]", "win.ini.bin"),
        ("gpj.\u{202e}exe", b"hello", ".bin"),
        (".htaccess", b"deny", ".bin"),
        ("a\u{200b}b\u{feff}.txt", b"hello", "ab.txt"),
        ("note.txt", b"hello", "note.txt"),
    ];
    let attachments: Vec<_> = cases
        .iter()
        .map(|(name, bytes, _)| json!({ "name": name, "data": STANDARD.encode(bytes) }))
        .collect();
    stage
        .teller
        .tell(&with(
            message("e1", "c1", "Sanne", "Twelve files"),
            "attachments",
            attachments,
        ))
        .await;
    stage
        .teller
        .leaves("e1", [Words::Anything, Words::Anything]);
    stage.proven().await;

    let posts = stage.thread("c1").await;
    let files = posts
        .iter()
        .flat_map(|post| post.metadata["files"].as_array().cloned().unwrap());
    let names: Vec<_> = files
        .map(|file| file["name"].as_str().unwrap().to_owned())
        .collect();
    assert_eq!(names.len(), cases.len(), "{names:?}");
    for ((given, _, wanted), name) in cases.iter().zip(&names) {
        assert!(
            name.ends_with(wanted),
            "{given:?} is called {name:?}, not {wanted:?}"
        );
        assert!(
            !name.contains(['\u{202e}', '/', '\\']) && !name.starts_with('.'),
            "{name:?}"
        );
    }
    stage.finish().await;
}

#[tokio::test]
async fn a_name_that_is_too_long_is_refused_with_its_place() {
    let stage = load::simulated(Setting::default()).await;
    let file = json!([{ "name": "n".repeat(257), "data": "" }]);
    let event = with(message("e1", "c1", "Sanne", "A file"), "attachments", file);
    let answer = stage.teller.sender.send(&event).await.unwrap();
    assert_eq!(answer.status, 422);
    assert_eq!(
        answer.json()["errors"][0]["pointer"],
        "/data/attachments/0/name"
    );
    stage.finish().await;
}
