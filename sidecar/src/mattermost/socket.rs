//! The WebSocket, listened to as our bot: what happens in every channel it is in, private ones too.
//!
//! Only a hint: whatever is heard here is read again over REST, and whoever connects looks around once, because what happened
//! before is not told. A gap in the numbers, silence or a strange frame ends the socket; the caller comes again.

use std::time::Duration;

use futures_util::{SinkExt, StreamExt};
use http::{HeaderMap, HeaderValue, Method, StatusCode, header};
use serde::Deserialize;
use serde_json::json;
use shared::{ChannelId, PostId, UserId};
use tokio::time::timeout;
use tokio_tungstenite::{
    WebSocketStream,
    tungstenite::{
        Message,
        handshake::{client::generate_key, derive_accept_key},
        protocol::{Role, WebSocketConfig},
    },
};

use super::{Fault, Mattermost, Post, READ, refusal};
use crate::{
    client::{Body, Line},
    delivery::outlet::Reason,
};

/// One event holds one post at most; a peer that sends more would fill our memory.
const LONGEST: usize = 1024 * 1024;
/// A token that is not known gets no greeting: the server closes after 5 s, without a reason.
const GREETING: Duration = Duration::from_secs(10);
/// After so much silence the server is asked whether it is there, and has as long again to answer.
const SILENCE: Duration = Duration::from_secs(30);

/// A socket that was greeted.
pub struct Socket {
    line: WebSocketStream<Line>,
    /// The number that the next event must have.
    next: i64,
    asked: i64,
}

/// What was heard.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Heard {
    Posted(Told),
    Edited(Told),
    Deleted(Told),
    /// Something that concerns no thread.
    Other,
}

/// Whose post it was, and in which thread.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Told {
    pub post: PostId,
    /// The root of its thread; the post itself where it is one.
    pub root: PostId,
    pub channel: ChannelId,
    pub author: UserId,
    /// Written by the server, not by anybody.
    pub system: bool,
}

/// Why a socket is over. Connect again and look around.
#[derive(Debug, thiserror::Error)]
pub enum SocketError {
    #[error("mattermost did not open a websocket")]
    Refused(#[source] Fault),
    #[error("the websocket was closed")]
    Closed,
    #[error("the websocket broke")]
    Broken(#[source] Box<tokio_tungstenite::tungstenite::Error>),
    /// Also what a token that is not accepted looks like.
    #[error("the websocket stayed silent")]
    Silent,
    #[error("the websocket lost events between {wanted} and {came}")]
    Gap { wanted: i64, came: i64 },
    #[error("the websocket sent something that is no event")]
    Strange,
}

#[derive(Deserialize)]
struct Frame {
    #[serde(default)]
    event: String,
    #[serde(default)]
    data: Data,
    #[serde(default)]
    seq: i64,
}

#[derive(Default, Deserialize)]
struct Data {
    /// JSON inside JSON.
    #[serde(default)]
    post: String,
}

impl Mattermost {
    /// Connects as our bot and waits for the greeting.
    ///
    /// # Errors
    /// When there is none.
    pub async fn listen(&self) -> Result<Socket, SocketError> {
        let key = generate_key();
        let mut headers = HeaderMap::new();
        headers.insert(header::CONNECTION, HeaderValue::from_static("Upgrade"));
        headers.insert(header::UPGRADE, HeaderValue::from_static("websocket"));
        headers.insert(
            header::SEC_WEBSOCKET_VERSION,
            HeaderValue::from_static("13"),
        );
        headers.insert(
            header::SEC_WEBSOCKET_KEY,
            key.parse().expect("a key is base64"),
        );
        let answer = self
            .send(Method::GET, &["websocket"], &[], Body::Empty, headers, READ)
            .await
            .map_err(SocketError::Refused)?;
        if answer.status != StatusCode::SWITCHING_PROTOCOLS {
            return Err(SocketError::Refused(refusal(answer).await));
        }
        let accepted = answer.headers.get(header::SEC_WEBSOCKET_ACCEPT);
        if accepted.is_none_or(|accepted| accepted != &derive_accept_key(key.as_bytes())) {
            let reason = Reason::answered(
                101,
                "the websocket was accepted by somebody who did not read the request",
            );
            return Err(SocketError::Refused(Fault::Proxy(reason)));
        }
        let line = answer
            .line()
            .await
            .map_err(|error| SocketError::Refused(error.into()))?;
        let config = WebSocketConfig::default()
            .max_message_size(Some(LONGEST))
            .max_frame_size(Some(LONGEST));
        let line = WebSocketStream::from_raw_socket(line, Role::Client, Some(config)).await;
        let mut socket = Socket {
            line,
            next: 0,
            asked: 0,
        };
        let greeting = timeout(GREETING, socket.frame())
            .await
            .map_err(|_| SocketError::Silent)??;
        if greeting.event != "hello" {
            return Err(SocketError::Strange);
        }
        Ok(socket)
    }
}

impl Socket {
    /// Waits for the next event. Silence is asked about, and is an error when nobody answers.
    ///
    /// # Errors
    /// When the socket is over.
    ///
    /// May be dropped at any point.
    pub async fn next(&mut self) -> Result<Heard, SocketError> {
        let frame = match timeout(SILENCE, self.frame()).await {
            Ok(frame) => frame?,
            Err(_) => {
                self.ask().await?;
                timeout(SILENCE, self.frame())
                    .await
                    .map_err(|_| SocketError::Silent)??
            }
        };
        heard(&frame)
    }

    async fn ask(&mut self) -> Result<(), SocketError> {
        self.asked += 1;
        let ping = json!({ "seq": self.asked, "action": "ping" }).to_string();
        timeout(SILENCE, self.line.send(Message::text(ping)))
            .await
            .map_err(|_| SocketError::Silent)?
            .map_err(broken)
    }

    /// The next frame with text in it: an event in its turn, or an answer to what we asked.
    async fn frame(&mut self) -> Result<Frame, SocketError> {
        loop {
            let message = self
                .line
                .next()
                .await
                .ok_or(SocketError::Closed)?
                .map_err(broken)?;
            let text = match message {
                Message::Text(text) => text,
                Message::Close(_) => return Err(SocketError::Closed),
                Message::Binary(_) => return Err(SocketError::Strange),
                Message::Ping(_) | Message::Pong(_) | Message::Frame(_) => continue,
            };
            let frame: Frame = serde_json::from_str(&text).map_err(|_| SocketError::Strange)?;
            if !frame.event.is_empty() {
                if frame.seq != self.next {
                    return Err(SocketError::Gap {
                        wanted: self.next,
                        came: frame.seq,
                    });
                }
                self.next += 1;
            }
            return Ok(frame);
        }
    }
}

impl std::fmt::Debug for Socket {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "Socket(next event {})", self.next)
    }
}

fn heard(frame: &Frame) -> Result<Heard, SocketError> {
    let of: fn(Told) -> Heard = match frame.event.as_str() {
        "posted" => Heard::Posted,
        "post_edited" => Heard::Edited,
        "post_deleted" => Heard::Deleted,
        _ => return Ok(Heard::Other),
    };
    let post: Post = serde_json::from_str(&frame.data.post).map_err(|_| SocketError::Strange)?;
    Ok(of(Told {
        root: post.root_id.unwrap_or_else(|| post.id.clone()),
        post: post.id,
        channel: post.channel_id,
        author: post.user_id,
        system: post.kind.starts_with("system_"),
    }))
}

fn broken(error: tokio_tungstenite::tungstenite::Error) -> SocketError {
    SocketError::Broken(Box::new(error))
}

/// What is said of a frame, whatever stands in it.
#[cfg(test)]
pub(super) fn read(bytes: &[u8]) {
    if let Ok(frame) = serde_json::from_slice::<Frame>(bytes) {
        let _ = heard(&frame);
    }
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;

    use simulators::mattermost::Mattermost as Server;

    use super::*;
    use crate::client::Client;

    fn mattermost(server: &Server, token: &str) -> Mattermost {
        let client = Client::new(Arc::new(shared::Timestamp::default)).unwrap();
        let mattermost = Mattermost::new(client);
        mattermost.connect(server.url().parse().unwrap(), token.to_owned().into());
        mattermost
    }

    #[tokio::test]
    async fn what_people_do_in_a_private_channel_is_heard_with_its_thread() {
        let server = Server::start().await.unwrap();
        let cast = server.furnish();
        let mut socket = mattermost(&server, &cast.bot.token).listen().await.unwrap();
        let root = server
            .post_as(&cast.lotte.id, &cast.vip, None, "root", &[])
            .unwrap();
        let reply = server
            .post_as(&cast.jan.id, &cast.vip, Some(&root.id), "reply", &[])
            .unwrap();
        server.edit_as(&cast.jan.id, &reply.id, "edited").unwrap();
        server.delete_as(&cast.jan.id, &reply.id).unwrap();
        let mut heard = Vec::new();
        while heard.len() < 4 {
            match socket.next().await.unwrap() {
                Heard::Other => {}
                about => heard.push(about),
            }
        }
        let told = |post: &str, author: &str| Told {
            post: post.parse().unwrap(),
            root: root.id.parse().unwrap(),
            channel: cast.vip.parse().unwrap(),
            author: author.parse().unwrap(),
            system: false,
        };
        let reply = told(&reply.id, &cast.jan.id);
        assert_eq!(
            heard,
            [
                Heard::Posted(told(&root.id, &cast.lotte.id)),
                Heard::Posted(reply.clone()),
                Heard::Edited(reply.clone()),
                Heard::Deleted(reply)
            ]
        );
    }

    #[tokio::test]
    async fn a_server_that_goes_away_ends_the_socket_and_a_wrong_token_gets_none() {
        let server = Server::start().await.unwrap();
        let cast = server.furnish();
        let bot = mattermost(&server, &cast.bot.token);
        let mut socket = bot.listen().await.unwrap();
        server.restart().await.unwrap();
        let error = loop {
            if let Err(error) = socket.next().await {
                break error;
            }
        };
        assert!(
            matches!(error, SocketError::Closed | SocketError::Broken(_)),
            "{error:?}"
        );
        bot.listen().await.unwrap();
        let error = mattermost(&server, "nobody").listen().await.unwrap_err();
        assert!(
            matches!(
                error,
                SocketError::Closed | SocketError::Broken(_) | SocketError::Silent
            ),
            "{error:?}"
        );
    }

    #[test]
    fn a_frame_that_is_no_event_is_an_error_and_no_panic() {
        for bytes in [
            "",
            "{}",
            "[]",
            r#"{"event":"posted"}"#,
            r#"{"event":"posted","data":{"post":"{"}}"#,
            r#"{"event":"posted","data":{"post":7}}"#,
        ] {
            read(bytes.as_bytes());
        }
        let posted: Frame =
            serde_json::from_str(r#"{"event":"posted","data":{"post":"{}"},"seq":1}"#).unwrap();
        assert!(matches!(heard(&posted), Err(SocketError::Strange)));
    }
}
