//! How long the sizes take that matter: a plain loop, the best of several rounds.

#![allow(
    clippy::print_stdout,
    clippy::disallowed_methods,
    reason = "a benchmark prints what a clock says"
)]
#![allow(clippy::unwrap_used, reason = "what is measured works")]

use std::collections::BTreeMap;
use std::hint::black_box;
use std::time::{Duration, Instant};

use gob::{Decoder, Encoder, Gob, Limits, Value};

gob::record! {
    #[derive(Default)]
    struct Request as "Request" { method: String as "ServiceMethod", seq: u64 as "Seq" }
}

gob::record! {
    #[derive(Default, Clone)]
    struct Post as "Post" {
        id: String as "Id",
        create_at: i64 as "CreateAt",
        user_id: String as "UserId",
        channel_id: String as "ChannelId",
        message: String as "Message",
        props: BTreeMap<String, Value> as "Props",
        file_ids: Vec<String> as "FileIds",
    }
}

fn main() {
    let request = || Request {
        method: "Plugin.MessageHasBeenPosted".into(),
        seq: 7,
    };
    let body = vec![7_u8; 8 << 20];
    let strings: Vec<String> = (0..400_000)
        .map(|number| format!("string number {number}"))
        .collect();
    let posts = vec![post(); 30_000];

    println!("{:38} {:>10} {:>10}", "", "write", "read");
    measure("one header", &request(), usize::MAX);
    measure("one post", &post(), usize::MAX);
    measure("[]byte of 8 MiB", &body, usize::MAX);
    measure("[]byte of 8 MiB, in pieces of 4 KiB", &body, 4096);
    measure("400,000 strings, 8 MiB", &strings, usize::MAX);
    measure("400,000 strings, in pieces of 4 KiB", &strings, 4096);
    measure("30,000 posts, 8 MiB", &posts, usize::MAX);
    measure("30,000 posts, in pieces of 4 KiB", &posts, 4096);
}

fn post() -> Post {
    Post {
        id: "4yb9kqmwqtnozrrp8sj1yc1hso".into(),
        create_at: 1_700_000_000_000,
        user_id: "4yb9kqmwqtnozrrp8sj1yc1hso".into(),
        channel_id: "4yb9kqmwqtnozrrp8sj1yc1hso".into(),
        message: "Good morning, is the bungalow free in the second week of May?".into(),
        props: BTreeMap::from([
            ("from_bot".to_owned(), "true".into()),
            ("count".to_owned(), 3.0.into()),
        ]),
        file_ids: vec!["4yb9kqmwqtnozrrp8sj1yc1hso".into(); 2],
    }
}

/// On streams of their own, types known: the second value of each.
fn measure<T: Gob>(name: &str, value: &T, piece: usize) {
    let limits = Limits {
        elements: 1 << 24,
        ..Limits::default()
    };
    let (mut encoder, mut decoder) = (Encoder::new(), Decoder::with_limits(limits));
    let mut out = Vec::new();
    encoder.encode(value, &mut out).unwrap();
    feed(&mut decoder, &out, piece);
    decoder.skip().unwrap();
    let (mut write, mut read) = (Duration::MAX, Duration::MAX);
    for _ in 0..5 {
        out.clear();
        let start = Instant::now();
        encoder.encode(black_box(value), &mut out).unwrap();
        write = write.min(start.elapsed());

        let start = Instant::now();
        feed(&mut decoder, &out, piece);
        black_box(decoder.decode::<T>().unwrap());
        read = read.min(start.elapsed());
    }
    println!("{name:38} {write:>10.1?} {read:>10.1?}");

    fn feed(decoder: &mut Decoder, bytes: &[u8], piece: usize) {
        for piece in bytes.chunks(piece) {
            decoder.feed(piece);
            let _ = decoder.ready();
        }
    }
}
