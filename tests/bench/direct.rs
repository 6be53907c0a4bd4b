//! What the sidecar is compared with: clients that post replies straight to Mattermost, as fast as it answers them.

use std::time::Duration;

use http::StatusCode;
use serde_json::{Value, json};
use simulators::mattermost::Cast;

use crate::Failure;
use crate::line::Line;
use crate::load::{Target, closed};
use crate::talk::text;

const POSTS: Target = Target {
    path: "/api/v4/posts",
    wanted: StatusCode::CREATED,
};

/// Posts `per_thread` replies into each of `threads` new threads. Each thread belongs to one of `clients`, which has one call open at
/// a time and takes its threads in turn. The threads and their first replies are made beforehand: parallel first replies to one root
/// can fail on the server's side, and a conversation of the sidecar has its first one too.
pub(crate) async fn replies(
    url: &str,
    cast: &Cast,
    clients: usize,
    threads: usize,
    per_thread: usize,
) -> Result<(), Failure> {
    let channel = cast.webchat.clone();
    let mut maker = Line::to(url, &cast.bot.token).await?;
    let mut roots = Vec::with_capacity(threads);
    for number in 0..threads {
        let root = post(&channel, "", &format!("Conversation {number}"));
        let root = id(&maker.must(POSTS.path, root, POSTS.wanted).await?)?;
        let first = post(&channel, &root, &text(80));
        maker.must(POSTS.path, first, POSTS.wanted).await?;
        roots.push(root);
    }
    let lines = Line::several(clients, url, &cast.bot.token).await?;
    let call = move |client: usize, n: usize| {
        let own = roots.iter().skip(client).step_by(clients);
        let (turn, place) = (n / own.len().max(1), n % own.len().max(1));
        let root = own.clone().nth(place).filter(|_| turn < per_thread)?;
        Some(post(&channel, root, &text(80)))
    };
    closed(lines, Duration::MAX, POSTS, call).await.map(|_| ())
}

fn post(channel: &str, root: &str, message: &str) -> String {
    json!({ "channel_id": channel, "root_id": root, "message": message }).to_string()
}

fn id(answer: &[u8]) -> Result<String, Failure> {
    let post: Value = serde_json::from_slice(answer)?;
    let id = post["id"].as_str().ok_or("a post without an id")?;
    Ok(id.to_owned())
}
