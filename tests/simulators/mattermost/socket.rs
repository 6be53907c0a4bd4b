//! The WebSocket: authenticated by the upgrade's header or by a challenge within five seconds, then every event of the channels
//! its user is in. Reliable reconnects are not imitated: a new socket always starts anew, as after a restart.

use std::sync::Arc;
use std::time::Duration;

use futures_util::{SinkExt, StreamExt};
use http::{HeaderValue, Request, Response, StatusCode, header};
use hyper::body::Incoming;
use hyper::upgrade::Upgraded;
use hyper_util::rt::TokioIo;
use serde_json::{Value, json};
use tokio::sync::broadcast;
use tokio_tungstenite::WebSocketStream;
use tokio_tungstenite::tungstenite::handshake::derive_accept_key;
use tokio_tungstenite::tungstenite::protocol::{Message, Role, WebSocketConfig};

use super::Inner;
use super::errors::Refusal;
use super::model::User;
use super::serve::bearer_of;
use super::state::{Happened, State};
use crate::answer::{self, Answer};

/// How long a socket may stay without saying who it is.
const TIME_TO_AUTHENTICATE: Duration = Duration::from_secs(5);

/// The longest frame a client may send.
const LONGEST_FRAME: usize = 8_192;

/// How many events wait for a slow reader before its socket is closed.
pub(super) const QUEUE: usize = 256;

/// An event on its way to the sockets.
#[derive(Debug, Clone)]
pub(super) struct Event {
    name: &'static str,
    data: Value,
    channel_id: String,
    /// Also to this user, though no longer a member.
    user_id: Option<String>,
}

type Line = WebSocketStream<TokioIo<Upgraded>>;

/// Answers the upgrade and leaves a task that serves the socket.
pub(super) fn upgrade(
    inner: &Arc<Inner>,
    mut request: Request<Incoming>,
) -> Result<Answer, Refusal> {
    let no_upgrade = || Refusal::new(400, "api.web_socket.connect.upgrade.app_error");
    let key = request
        .headers()
        .get(header::SEC_WEBSOCKET_KEY)
        .ok_or_else(no_upgrade)?
        .clone();
    let token = bearer_of(request.headers());
    let upgraded = hyper::upgrade::on(&mut request);
    let task = Arc::clone(inner);
    inner.spawn_line(async move {
        let Ok(upgraded) = upgraded.await else { return };
        let config = WebSocketConfig::default()
            .max_message_size(Some(LONGEST_FRAME))
            .max_frame_size(Some(LONGEST_FRAME));
        let line =
            WebSocketStream::from_raw_socket(TokioIo::new(upgraded), Role::Server, Some(config))
                .await;
        let user =
            token.and_then(|token| task.state.look(|state| state.user_of_token(&token).ok()));
        let mut socket = Socket {
            inner: task,
            line,
            seq: 0,
        };
        // Every end of a socket is alike to the server: the client comes again.
        let _ = socket.run(user).await;
    });
    let mut response = Response::new(answer::full(""));
    *response.status_mut() = StatusCode::SWITCHING_PROTOCOLS;
    let headers = response.headers_mut();
    headers.insert(header::CONNECTION, HeaderValue::from_static("upgrade"));
    headers.insert(header::UPGRADE, HeaderValue::from_static("websocket"));
    if let Ok(accept) = HeaderValue::from_str(&derive_accept_key(key.as_bytes())) {
        headers.insert(header::SEC_WEBSOCKET_ACCEPT, accept);
    }
    Ok(response)
}

struct Socket {
    inner: Arc<Inner>,
    line: Line,
    seq: u64,
}

/// The socket is over.
struct Over;

impl Socket {
    async fn run(&mut self, user: Option<User>) -> Result<(), Over> {
        let user = match user {
            Some(user) => user,
            None => tokio::time::timeout(TIME_TO_AUTHENTICATE, self.challenge())
                .await
                .map_err(|_| Over)??,
        };
        let events = self.inner.events.subscribe();
        let hello = json!({ "connection_id": self.inner.random.id(), "server_version": "simulated", "server_hostname": "simulated" });
        let seq = self.next_seq();
        self.send(&json!({ "event": "hello", "data": hello, "broadcast": { "omit_users": null, "user_id": user.id, "channel_id": "", "team_id": "" }, "seq": seq })).await?;
        self.inner.state.change(|state| state.sockets += 1);
        let result = self.converse(&user, events).await;
        self.inner.state.change(|state| state.sockets -= 1);
        result
    }

    async fn challenge(&mut self) -> Result<User, Over> {
        loop {
            let frame = self.receive().await?;
            if frame["action"] != "authentication_challenge" {
                continue;
            }
            let token = frame["data"]["token"]
                .as_str()
                .unwrap_or_default()
                .to_owned();
            let user = self
                .inner
                .state
                .look(|state| state.user_of_token(&token))
                .map_err(|_| Over)?;
            self.send(&json!({ "status": "OK", "seq_reply": frame["seq"] }))
                .await?;
            return Ok(user);
        }
    }

    async fn converse(
        &mut self,
        user: &User,
        mut events: broadcast::Receiver<Event>,
    ) -> Result<(), Over> {
        loop {
            tokio::select! {
                event = events.recv() => {
                    let event = event.map_err(|_| Over)?;
                    if self.inner.state.look(|state| hears(state, user, &event)) {
                        let seq = self.next_seq();
                        self.send(&json!({ "event": event.name, "data": event.data, "seq": seq, "broadcast": { "omit_users": null,
                            "user_id": event.user_id.unwrap_or_default(), "channel_id": event.channel_id, "team_id": "" } })).await?;
                    }
                }
                frame = self.line.next() => {
                    let frame = parse(frame)?;
                    let answer = match (frame["seq"].as_i64(), frame["action"].as_str()) {
                        (Some(1..), Some("ping")) => json!({ "status": "OK", "data": { "text": "pong", "version": "simulated", "server_time": self.inner.clock.now(), "node_id": "" }, "seq_reply": frame["seq"] }),
                        (Some(1..), Some("authentication_challenge")) => json!({ "status": "OK", "seq_reply": frame["seq"] }),
                        (None, None) => continue,
                        _ => json!({ "status": "FAIL", "error": { "id": "api.web_socket_router.bad_action.app_error" }, "seq_reply": frame["seq"] }),
                    };
                    self.send(&answer).await?;
                }
            }
        }
    }

    async fn receive(&mut self) -> Result<Value, Over> {
        parse(self.line.next().await)
    }

    async fn send(&mut self, frame: &Value) -> Result<(), Over> {
        self.line
            .send(Message::text(frame.to_string()))
            .await
            .map_err(|_| Over)
    }

    const fn next_seq(&mut self) -> u64 {
        let seq = self.seq;
        self.seq += 1;
        seq
    }
}

/// A frame as JSON; null for what carries none.
fn parse(
    frame: Option<Result<Message, tokio_tungstenite::tungstenite::Error>>,
) -> Result<Value, Over> {
    match frame {
        Some(Ok(Message::Text(text))) => {
            Ok(serde_json::from_str(text.as_str()).unwrap_or(Value::Null))
        }
        Some(Ok(Message::Close(_)) | Err(_)) | None => Err(Over),
        Some(Ok(_)) => Ok(Value::Null),
    }
}

/// Whether an event is for this user.
fn hears(state: &State, user: &User, event: &Event) -> bool {
    state.is_member(&event.channel_id, &user.id) || event.user_id.as_deref() == Some(&user.id)
}

/// The event that a change becomes. Posts and reactions are JSON in a string in JSON.
pub(super) fn event(state: &State, happened: &Happened) -> Event {
    let (name, data, channel_id, user_id) = match happened {
        Happened::Posted { post, .. } => {
            ("posted", posted(state, post), post.channel_id.clone(), None)
        }
        Happened::Edited(post) => (
            "post_edited",
            json!({ "post": json!(post).to_string() }),
            post.channel_id.clone(),
            None,
        ),
        Happened::Deleted(post) => (
            "post_deleted",
            json!({ "post": json!(post).to_string() }),
            post.channel_id.clone(),
            None,
        ),
        Happened::Reaction {
            added,
            channel_id,
            reaction,
        } => {
            let name = if *added {
                "reaction_added"
            } else {
                "reaction_removed"
            };
            (
                name,
                json!({ "reaction": reaction.to_string() }),
                channel_id.clone(),
                None,
            )
        }
        Happened::Channel { event, channel_id } => (
            *event,
            json!({ "channel_id": channel_id }),
            channel_id.clone(),
            None,
        ),
        Happened::Typing {
            channel_id,
            user_id,
            parent_id,
        } => (
            "typing",
            json!({ "user_id": user_id, "parent_id": parent_id }),
            channel_id.clone(),
            None,
        ),
        Happened::Member {
            event,
            channel_id,
            user_id,
        } => (
            *event,
            json!({ "channel_id": channel_id, "user_id": user_id }),
            channel_id.clone(),
            Some(user_id.clone()),
        ),
    };
    Event {
        name,
        data,
        channel_id,
        user_id,
    }
}

fn posted(state: &State, post: &super::model::Post) -> Value {
    let channel = state.channels.get(&post.channel_id);
    let sender = state
        .users
        .get(&post.user_id)
        .map_or_else(String::new, |user| format!("@{}", user.username));
    json!({ "channel_display_name": channel.map_or("", |channel| &channel.display_name), "channel_name": channel.map_or("", |channel| &channel.name),
        "channel_type": channel.map_or("", |channel| channel.kind.letter()), "post": json!(post).to_string(), "sender_name": sender,
        "set_online": true, "team_id": channel.map_or("", |channel| &channel.team_id) })
}
