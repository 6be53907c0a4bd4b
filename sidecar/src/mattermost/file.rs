//! Files: streamed in and out, never held whole.

use std::{
    fmt,
    hash::{BuildHasher, Hasher, RandomState},
    time::Duration,
};

use bytes::Bytes;
use futures_util::{StreamExt, stream};
use http::{HeaderMap, HeaderValue, Method, StatusCode, header};
use serde::{Deserialize, Serialize};
use shared::{ChannelId, PostId, UserId};

use super::{Ask, Fault, Mattermost, TRANSFER, read, refusal};
use crate::{
    client::{Body, Chunks, Streamed},
    delivery::outlet::Reason,
};

/// A transfer is given this long per KiB: slower than 64 KiB/s is a peer that only holds a slot.
const SLOWEST_PER_SECOND: u64 = 64 * 1024;
/// Before the first byte counts: connection, and Mattermost's own work on an image.
const SETTLING: Duration = Duration::from_secs(10);
const ANSWER: usize = 1024 * 1024;

/// A file of Mattermost.
#[derive(Debug, Clone, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(try_from = "String")]
pub struct FileId(Box<str>);

/// What Mattermost says about a file. Its type follows from its name alone: a hint, no proof.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
pub struct FileInfo {
    pub id: FileId,
    /// Who uploaded it.
    pub user_id: UserId,
    /// The post that carries it.
    #[serde(default, deserialize_with = "read::optional")]
    pub post_id: Option<PostId>,
    pub name: String,
    pub size: u64,
    #[serde(default)]
    pub mime_type: String,
    /// 0: not deleted.
    #[serde(default)]
    pub delete_at: i64,
}

#[derive(Deserialize)]
struct Uploaded {
    file_infos: Vec<FileInfo>,
}

impl FileId {
    /// `None` when it cannot be one: 26 lower-case letters and digits.
    #[must_use]
    pub fn new(text: &str) -> Option<Self> {
        shared::id::mattermost(text).then(|| Self(text.into()))
    }

    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl fmt::Display for FileId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

impl TryFrom<String> for FileId {
    type Error = &'static str;
    fn try_from(text: String) -> Result<Self, Self::Error> {
        Self::new(&text).ok_or("must be 26 characters of a-z 0-9")
    }
}

impl Mattermost {
    /// Streams one file into the channel. It is nothing until a post of the same bot carries it.
    ///
    /// With a size the request carries `Content-Length`, and a source that ends early breaks it off. A source that fails breaks
    /// it off too, so that no half of a file arrives.
    ///
    /// # Errors
    /// What the answer means; [`Fault::Forbidden`] when our bot may not upload there.
    pub async fn upload(
        &self,
        channel: &ChannelId,
        name: &str,
        size: Option<u64>,
        chunks: Chunks,
    ) -> Result<FileInfo, Fault> {
        // With the channel in the query the server streams; a field after the file would make it buffer.
        let query = [("channel_id", channel.to_string())];
        let (headers, body) = multipart(name, size, chunks);
        let streamed = self
            .open(
                Method::POST,
                &["files"],
                &query,
                body,
                headers,
                transfer_time(size),
            )
            .await?;
        let answer = streamed.whole(ANSWER).await?;
        let status = answer.status.as_u16();
        let strange = || {
            Fault::Open(Reason::answered(
                status,
                format!("mattermost answered {status} to an upload without one file"),
            ))
        };
        let mut uploaded: Uploaded = serde_json::from_slice(&answer.body).map_err(|_| strange())?;
        let info = uploaded.file_infos.pop().ok_or_else(strange)?;
        if uploaded.file_infos.is_empty() {
            Ok(info)
        } else {
            Err(strange())
        }
    }

    /// Opens a file for reading: 200, 206 with the range that was asked for, or 416.
    ///
    /// # Errors
    /// [`Fault::Gone`] when it is gone, for example with its post.
    pub async fn download(
        &self,
        id: &FileId,
        range: Option<&HeaderValue>,
    ) -> Result<Streamed, Fault> {
        let mut headers = HeaderMap::new();
        if let Some(range) = range {
            headers.insert(header::RANGE, range.clone());
        }
        let streamed = self
            .send(
                Method::GET,
                &["files", id.as_str()],
                &[],
                Body::Empty,
                headers,
                TRANSFER,
            )
            .await?;
        match streamed.status {
            status if status.is_success() => Ok(streamed),
            StatusCode::RANGE_NOT_SATISFIABLE => Ok(streamed),
            _ => Err(refusal(streamed).await),
        }
    }

    /// # Errors
    /// [`Fault::Gone`] when it is gone, for example with its post.
    pub async fn file_info(&self, id: &FileId) -> Result<FileInfo, Fault> {
        self.call(Ask::get(["files", id.as_str(), "info"])).await
    }
}

/// Long enough for 64 KiB/s, never longer than the server allows itself.
fn transfer_time(size: Option<u64>) -> Duration {
    size.map_or(TRANSFER, |size| {
        (SETTLING + Duration::from_secs(size / SLOWEST_PER_SECOND)).min(TRANSFER)
    })
}

/// One file as `multipart/form-data` (RFC 7578), its length known when that of the file is.
fn multipart(name: &str, size: Option<u64>, chunks: Chunks) -> (HeaderMap, Body) {
    let boundary = boundary();
    let quoted = name.replace('\\', "\\\\").replace('"', "\\\"");
    let head = format!(
        "--{boundary}\r\nContent-Disposition: form-data; name=\"files\"; filename=\"{quoted}\"\r\n\
         Content-Type: application/octet-stream\r\n\r\n"
    );
    let tail = format!("\r\n--{boundary}--\r\n");
    let length = size.map(|size| size + (head.len() + tail.len()) as u64);
    let head = stream::iter([Ok(Bytes::from(head))]);
    let tail = stream::iter([Ok(Bytes::from(tail))]);
    let mut headers = HeaderMap::new();
    let kind = format!("multipart/form-data; boundary={boundary}");
    headers.insert(
        header::CONTENT_TYPE,
        kind.parse()
            .expect("a boundary of letters and digits is a header"),
    );
    (
        headers,
        Body::Stream {
            length,
            chunks: Box::pin(head.chain(chunks).chain(tail)),
        },
    )
}

/// Not to be guessed: a file that contains the line would end itself early and could add files of its own making.
fn boundary() -> String {
    // Each state has fresh random keys, so what it hashes to is known to nobody else.
    let half = || RandomState::new().build_hasher().finish();
    format!("ireserve{:016x}{:016x}", half(), half())
}

#[cfg(test)]
mod tests {
    use super::*;

    async fn written(
        name: &str,
        size: Option<u64>,
        content: &'static str,
    ) -> (Option<u64>, String) {
        let chunks: Chunks = Box::pin(stream::iter([Ok(Bytes::from_static(content.as_bytes()))]));
        let (_, body) = multipart(name, size, chunks);
        let Body::Stream { length, mut chunks } = body else {
            panic!("an upload is a stream")
        };
        let mut text = String::new();
        while let Some(chunk) = chunks.next().await {
            text.push_str(std::str::from_utf8(&chunk.unwrap()).unwrap());
        }
        (length, text)
    }

    #[tokio::test]
    async fn the_announced_length_is_that_of_the_whole_body() {
        let (length, text) = written("a \"b\" \\ é.png", Some(5), "12345").await;
        assert_eq!(length, Some(text.len() as u64));
        assert!(text.contains(r#"filename="a \"b\" \\ é.png""#), "{text}");
        assert_eq!(written("a", None, "12345").await.0, None);
    }

    #[test]
    fn a_transfer_has_time_for_its_size_and_never_more_than_the_server_allows() {
        assert_eq!(transfer_time(Some(0)), SETTLING);
        assert_eq!(
            transfer_time(Some(640 * 1024)),
            SETTLING + Duration::from_secs(10)
        );
        assert_eq!(transfer_time(Some(u64::MAX)), TRANSFER);
        assert_eq!(transfer_time(None), TRANSFER);
    }

    #[test]
    fn no_two_boundaries_are_alike() {
        assert_ne!(boundary(), boundary());
    }
}
