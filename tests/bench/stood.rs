//! What stands in a channel, by Mattermost's own clock: so both sides of a comparison are measured by the server that took their posts, and
//! neither by how often it was looked at.

use std::collections::HashMap;
use std::time::Duration;

use http::Method;
use serde::Deserialize;
use simulators::client::Client;
use simulators::mattermost::Cast;

use crate::Failure;
use crate::tally::per_second;

/// The most posts Mattermost shows at once.
const PAGE: usize = 200;

/// Replies, from the first to the last.
#[derive(Debug, Clone, Copy, Default)]
pub(crate) struct Stood {
    pub(crate) count: usize,
    pub(crate) took: Duration,
}

impl Stood {
    pub(crate) fn rate(&self) -> f64 {
        per_second(self.count, self.took)
    }

    /// Several measurements as one.
    pub(crate) fn overall(runs: &[Self]) -> Self {
        Self {
            count: runs.iter().map(|run| run.count).sum(),
            took: runs.iter().map(|run| run.took).sum(),
        }
    }
}

#[derive(Deserialize)]
struct Page {
    order: Vec<String>,
    posts: HashMap<String, Post>,
}

#[derive(Deserialize)]
struct Post {
    create_at: u64,
    root_id: String,
}

/// The newest `count` replies of the channel for conversations.
///
/// # Errors
/// When fewer stand there.
pub(crate) async fn newest(url: &str, cast: &Cast, count: usize) -> Result<Stood, Failure> {
    let client = Client::default();
    let token = format!("Bearer {}", cast.bot.token);
    let mut moments: Vec<u64> = Vec::with_capacity(count);
    for page in 0.. {
        let url = format!(
            "{url}/api/v4/channels/{}/posts?page={page}&per_page={PAGE}",
            cast.webchat
        );
        let headers = [("authorization", token.as_str())];
        let answer = client.call(Method::GET, &url, &headers, "").await?;
        let found: Page = serde_json::from_slice(&answer.body)?;
        // `posts` also holds the roots of what is on the page.
        let replies = found.order.iter().filter_map(|id| found.posts.get(id));
        let replies = replies.filter(|post| !post.root_id.is_empty());
        moments.extend(replies.map(|post| post.create_at));
        if moments.len() >= count {
            break;
        }
        if found.order.is_empty() {
            return Err(format!("{} of {count} replies stand", moments.len()).into());
        }
    }
    moments.truncate(count);
    let (first, last) = (moments.iter().min(), moments.iter().max());
    let (first, last) = first.zip(last).ok_or("no reply stands")?;
    Ok(Stood {
        count,
        took: Duration::from_millis(last - first),
    })
}
