//! A person's client, as far as Mattermost speaks to one person alone: dialogs that open, and posts that nobody else sees. Both come
//! over the WebSocket and from nowhere else.

use std::time::Duration;

use futures_util::StreamExt;
use serde_json::Value;
use tokio::net::TcpStream;
use tokio::time::{Instant, timeout_at};
use tokio_tungstenite::WebSocketStream;
use tokio_tungstenite::tungstenite::client::IntoClientRequest;
use tokio_tungstenite::tungstenite::{Error as Broken, Message};

use crate::mattermost::Post;
use crate::watched::PATIENCE;

/// Events that are shown when the one that was waited for did not come.
const SHOWN: usize = 12;

/// Why there is nothing on the screen.
#[derive(Debug, thiserror::Error)]
pub enum ScreenError {
    /// The token does not go into a header, or the address is none.
    #[error("the connection cannot be asked for")]
    Request(#[source] Box<dyn std::error::Error + Send + Sync>),
    /// No connection stood.
    #[error("the server does not take the connection")]
    Refused(#[from] std::io::Error),
    /// It was no WebSocket, or is none any more.
    #[error("the connection is broken")]
    Broken(#[from] Box<Broken>),
    /// What was waited for did not come.
    #[error("waited {} s in vain for `{wanted}`; there were {seen:?}", PATIENCE.as_secs())]
    Late {
        /// The event's name.
        wanted: &'static str,
        /// Names of the last events that came instead.
        seen: Vec<String>,
    },
}

/// A dialog as it stands on the screen.
#[derive(Debug, Clone)]
pub struct Shown {
    /// Where it is sent.
    pub url: String,
    /// Mattermost's dialog: `callback_id`, `state`, `title`, `elements`.
    pub dialog: Value,
}

/// One connected client. What came before somebody looks is kept by the connection.
#[derive(Debug)]
pub struct Screen(WebSocketStream<TcpStream>);

impl Screen {
    /// Connects to the server at `url` (`http://127.0.0.1:8065`) with a person's token.
    ///
    /// # Errors
    /// See [`ScreenError`].
    pub async fn open(url: &str, token: &str) -> Result<Self, ScreenError> {
        let address = url.trim_start_matches("http://");
        let mut request = format!("ws://{address}/api/v4/websocket")
            .into_client_request()
            .map_err(|error| ScreenError::Request(error.into()))?;
        let bearer = format!("Bearer {token}").parse().map_err(
            |error: http::header::InvalidHeaderValue| ScreenError::Request(error.into()),
        )?;
        request.headers_mut().insert("authorization", bearer);
        let line = TcpStream::connect(address).await?;
        let (socket, _) = tokio_tungstenite::client_async(request, line)
            .await
            .map_err(Box::new)?;
        Ok(Self(socket))
    }

    /// The next dialog that opens.
    ///
    /// # Errors
    /// See [`ScreenError`].
    pub async fn dialog(&mut self) -> Result<Shown, ScreenError> {
        let event = self.next("open_dialog").await?;
        let mut opened = inner(&event["data"]["dialog"]);
        Ok(Shown {
            url: opened["url"].as_str().unwrap_or_default().to_owned(),
            dialog: opened["dialog"].take(),
        })
    }

    /// The next post that this person alone sees.
    ///
    /// # Errors
    /// See [`ScreenError`].
    pub async fn whisper(&mut self) -> Result<Post, ScreenError> {
        let event = self.next("ephemeral_message").await?;
        let post = inner(&event["data"]["post"]);
        Ok(serde_json::from_value(post).unwrap_or_default())
    }

    async fn next(&mut self, wanted: &'static str) -> Result<Value, ScreenError> {
        let end = Instant::now() + PATIENCE;
        let mut seen = Vec::new();
        while let Ok(heard) = timeout_at(end, self.0.next()).await {
            let text = match heard {
                Some(Ok(Message::Text(text))) => text,
                Some(Ok(_)) => continue,
                Some(Err(error)) => return Err(Box::new(error).into()),
                None => return Err(Box::new(Broken::ConnectionClosed).into()),
            };
            let event: Value = serde_json::from_str(&text).unwrap_or_default();
            let name = event["event"].as_str().unwrap_or_default();
            if name == wanted {
                return Ok(event);
            }
            seen.push(name.to_owned());
        }
        seen.drain(..seen.len().saturating_sub(SHOWN));
        Err(ScreenError::Late { wanted, seen })
    }

    /// Says goodbye, or at least leaves.
    pub async fn close(mut self) {
        let leaving = self.0.close(None);
        let _ = tokio::time::timeout(Duration::from_secs(1), leaving).await;
    }
}

/// Objects inside events are JSON in a text.
fn inner(text: &Value) -> Value {
    text.as_str()
        .and_then(|text| serde_json::from_str(text).ok())
        .unwrap_or_default()
}
