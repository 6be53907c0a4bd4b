//! The WebSocket, listened to as our bot: what happens in every channel it is in, private ones too.
//!
//! Only a hint: whatever is heard here is read again over REST, and whoever connects looks around once, because what happened
//! before is not told. A gap in the numbers or silence ends the socket; the caller comes again. A frame that is no event is counted and
//! passed over: ending the socket for it would let one post that we cannot read end every socket.

use std::time::Duration;

use futures_util::{SinkExt, StreamExt};
use http::{HeaderMap, HeaderValue, Method, StatusCode, header};
use secrecy::ExposeSecret as _;
use serde::Deserialize;
use serde_json::{Value, json};
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

use super::{Fault, Mattermost, READ, read, refusal};
use crate::{
    client::{Body, Line},
    delivery::outlet::Reason,
};

/// One event holds one post at most; a peer that sends more would fill our memory.
const LONGEST: usize = 1024 * 1024;
/// A token that is not known gets no greeting: the server closes after 5 s, without a reason.
const GREETING: Duration = Duration::from_secs(10);
/// Whoever read `Authorization` greets at once. A proxy may have taken it away, and then the token is said again, within the 5 s.
const UNGREETED: Duration = Duration::from_secs(2);
/// After so much silence the server is asked whether it is there, and has as long again to answer.
const SILENCE: Duration = Duration::from_secs(30);

/// A socket that was greeted.
pub struct Socket {
    line: WebSocketStream<Line>,
    /// The number that the next event must have.
    next: i64,
    asked: i64,
    strange: u64,
}

/// What was heard.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Heard {
    Posted(Told),
    Edited(Told),
    Deleted(Told),
    /// Something that concerns no thread, or nothing that can be read.
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
}

#[derive(Deserialize)]
struct Frame {
    #[serde(default)]
    event: String,
    #[serde(default)]
    data: Value,
    #[serde(default)]
    seq: i64,
}

/// A post, as far as a hint needs it.
#[derive(Deserialize)]
struct Posted {
    id: PostId,
    user_id: UserId,
    channel_id: ChannelId,
    #[serde(default, deserialize_with = "read::optional")]
    root_id: Option<PostId>,
    #[serde(default, rename = "type")]
    kind: String,
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
            strange: 0,
        };
        timeout(GREETING, self.greet(&mut socket))
            .await
            .map_err(|_| SocketError::Silent)??;
        Ok(socket)
    }

    async fn greet(&self, socket: &mut Socket) -> Result<(), SocketError> {
        match timeout(UNGREETED, socket.greeted()).await {
            Ok(greeted) => greeted,
            Err(_) => {
                let account = self.account().map_err(SocketError::Refused)?;
                let token = json!({ "token": account.token.expose_secret() });
                socket.say("authentication_challenge", Some(token)).await?;
                socket.greeted().await
            }
        }
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
                self.say("ping", None).await?;
                timeout(SILENCE, self.frame())
                    .await
                    .map_err(|_| SocketError::Silent)??
            }
        };
        Ok(heard(&frame).unwrap_or_else(|| {
            self.strange += 1;
            Heard::Other
        }))
    }

    /// Frames so far that were passed over because nothing could be made of them.
    #[must_use]
    pub const fn strange(&self) -> u64 {
        self.strange
    }

    /// May be dropped at any point.
    async fn greeted(&mut self) -> Result<(), SocketError> {
        while self.frame().await?.event != "hello" {}
        Ok(())
    }

    async fn say(&mut self, action: &str, data: Option<Value>) -> Result<(), SocketError> {
        self.asked += 1;
        let frame = json!({ "seq": self.asked, "action": action, "data": data }).to_string();
        timeout(SILENCE, self.line.send(Message::text(frame)))
            .await
            .map_err(|_| SocketError::Silent)?
            .map_err(broken)
    }

    /// The next frame that can be read: an event in its turn, or an answer to what we asked.
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
                Message::Binary(_) => {
                    self.strange += 1;
                    continue;
                }
                Message::Ping(_) | Message::Pong(_) | Message::Frame(_) => continue,
            };
            let Ok(frame) = serde_json::from_str::<Frame>(&text) else {
                self.strange += 1;
                continue;
            };
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

/// Nothing: it cannot be read.
fn heard(frame: &Frame) -> Option<Heard> {
    let of: fn(Told) -> Heard = match frame.event.as_str() {
        "posted" => Heard::Posted,
        "post_edited" => Heard::Edited,
        "post_deleted" => Heard::Deleted,
        _ => return Some(Heard::Other),
    };
    // JSON inside JSON.
    let post: Posted = serde_json::from_str(frame.data.get("post")?.as_str()?).ok()?;
    Some(of(Told {
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
pub(super) fn said(bytes: &[u8]) {
    if let Ok(frame) = serde_json::from_slice::<Frame>(bytes) {
        let _ = heard(&frame);
    }
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;

    use simulators::mattermost::Mattermost as Server;
    use tokio::net::TcpListener;
    use tokio_util::task::TaskTracker;

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

    /// A server that greets and then says these frames; it does not read `Authorization`, as behind a proxy that takes it away.
    async fn server(frames: Vec<Message>, greets_unasked: bool) -> String {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let address = listener.local_addr().unwrap();
        let serving = async move {
            let (line, _) = listener.accept().await.unwrap();
            let mut line = tokio_tungstenite::accept_async(line).await.unwrap();
            if !greets_unasked {
                let asked = line.next().await.unwrap().unwrap();
                let asked: Value = serde_json::from_str(asked.to_text().unwrap()).unwrap();
                assert_eq!(asked["action"], "authentication_challenge");
                assert_eq!(asked["data"]["token"], "the token");
                let ok = json!({ "status": "OK", "seq_reply": asked["seq"] });
                line.send(Message::text(ok.to_string())).await.unwrap();
            }
            line.send(Message::text(
                r#"{"event":"hello","data":{"connection_id":""},"seq":0}"#,
            ))
            .await
            .unwrap();
            for frame in frames {
                line.send(frame).await.unwrap();
            }
            while let Some(Ok(_)) = line.next().await {}
        };
        TaskTracker::new().spawn(serving);
        format!("http://{address}")
    }

    fn at(url: &str) -> Mattermost {
        let client = Client::new(Arc::new(shared::Timestamp::default)).unwrap();
        let mattermost = Mattermost::new(client);
        mattermost.connect(url.parse().unwrap(), "the token".to_owned().into());
        mattermost
    }

    #[tokio::test]
    async fn behind_a_proxy_that_takes_the_header_away_the_token_is_said_once_more() {
        let url = server(Vec::new(), false).await;
        let socket = at(&url).listen().await.unwrap();
        assert_eq!(socket.strange(), 0);
    }

    #[tokio::test]
    async fn strange_frames_are_counted_and_passed_over_and_a_gap_or_too_much_ends_the_socket() {
        let post = json!({ "id": "p".repeat(26), "create_at": 1, "update_at": 1, "user_id": "u".repeat(26),
            "channel_id": "c".repeat(26), "root_id": "r".repeat(26) });
        let posted = |seq: i64| {
            json!({ "event": "posted", "data": { "post": post.to_string() }, "seq": seq })
                .to_string()
        };
        let frames = [
            "<html>".to_owned(),
            "[]".to_owned(),
            r#"{"event":"posted","data":{"post":"{}"},"seq":1}"#.to_owned(),
            r#"{"event":"posted","data":{"post":7},"seq":2}"#.to_owned(),
            r#"{"event":"typing","data":{"post":{"deep":[1]}},"seq":3}"#.to_owned(),
            posted(4),
            posted(6),
        ];
        let mut frames: Vec<Message> = frames.into_iter().map(Message::text).collect();
        frames.insert(0, Message::binary(vec![0; 9]));
        let url = server(frames, true).await;
        let mut socket = at(&url).listen().await.unwrap();
        let told = loop {
            match socket.next().await.unwrap() {
                Heard::Other => {}
                Heard::Posted(told) => break told,
                other => panic!("{other:?}"),
            }
        };
        assert_eq!(
            (told.post.as_str(), told.root.as_str()),
            (&*"p".repeat(26), &*"r".repeat(26))
        );
        assert_eq!(socket.strange(), 4, "what is empty is nothing strange");
        let error = socket.next().await.unwrap_err();
        assert!(
            matches!(error, SocketError::Gap { wanted: 5, came: 6 }),
            "{error:?}"
        );

        let url = server(vec![Message::text("x".repeat(LONGEST + 1))], true).await;
        let mut socket = at(&url).listen().await.unwrap();
        let error = socket.next().await.unwrap_err();
        assert!(matches!(error, SocketError::Broken(_)), "{error:?}");
    }
}
