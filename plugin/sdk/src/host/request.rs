//! The server's side of a request: it gives the body when asked, and takes the answer call by call.

use std::sync::{Arc, Mutex, PoisonError};

use http::{HeaderMap, Request, Response, StatusCode};
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::task::JoinSet;
use yamux::Stream;

use super::Host;
use crate::error::Error;
use crate::hooks::Context;
use crate::http::{GoHeader, GoRequest, ServeHttpArgs, Url, go_header, headers};
use crate::rpc::server::{self, Service, Work};

impl Host {
    /// Hands a request to the plugin, as one from outside.
    ///
    /// # Errors
    ///
    /// The plugin answered with an error, which a server would make a 500 of, or is gone.
    pub async fn request(&self, request: Request<Vec<u8>>) -> Result<Response<Vec<u8>>, Error> {
        self.exchange(request, false).await
    }

    /// Hands a request to the plugin as one that the server itself makes: of the answer only the last write remains.
    ///
    /// # Errors
    ///
    /// See [`Host::request`].
    pub async fn request_from_server(
        &self,
        request: Request<Vec<u8>>,
    ) -> Result<Response<Vec<u8>>, Error> {
        self.exchange(request, true).await
    }

    async fn exchange(
        &self,
        request: Request<Vec<u8>>,
        local: bool,
    ) -> Result<Response<Vec<u8>>, Error> {
        let (parts, body) = request.into_parts();
        let written = Arc::new(Written {
            local,
            answer: Mutex::default(),
        });
        let (response, number) = (self.broker.next_number(), self.broker.next_number());
        let mut streams = JoinSet::new();
        let (broker, writer) = (Arc::clone(&self.broker), Arc::clone(&written));
        streams.spawn(async move { server::serve(broker.accept(response).await?, writer).await });
        let broker = Arc::clone(&self.broker);
        streams.spawn(async move { Ok(give(broker.accept(number).await?, &body).await?) });
        let args = ServeHttpArgs {
            response,
            request: GoRequest {
                method: parts.method.to_string(),
                url: Url(parts.uri.to_string()),
                header: go_header(&parts.headers),
                ..GoRequest::default()
            },
            context: Context::default(),
            body: number,
        };
        self.call::<_, ()>("ServeHTTP", &args).await?;
        // The answer is complete when the plugin has ended both streams; a server waits for neither, a test may.
        streams.join_all().await;
        let answer = std::mem::take(
            &mut *written
                .answer
                .lock()
                .unwrap_or_else(PoisonError::into_inner),
        );
        let mut response = Response::new(answer.body);
        *response.status_mut() = answer.status.unwrap_or_default();
        *response.headers_mut() = answer.headers;
        Ok(response)
    }
}

/// Gives so many bytes as the plugin asks for, each time it asks, and then the end.
async fn give(mut stream: Stream, mut body: &[u8]) -> std::io::Result<()> {
    loop {
        let Some(wish) = wish(&mut stream).await? else {
            return stream.shutdown().await;
        };
        let (piece, rest) = body.split_at(wish.min(body.len()));
        stream.write_all(piece).await?;
        body = rest;
        if piece.len() < wish {
            return stream.shutdown().await;
        }
    }
}

/// A zigzag varint; `None` at the end.
async fn wish(stream: &mut Stream) -> std::io::Result<Option<usize>> {
    let mut value = 0_usize;
    for shift in (0..35).step_by(7) {
        let mut byte = [0];
        if stream.read(&mut byte).await? == 0 {
            return Ok(None);
        }
        value |= usize::from(byte[0] & 0x7f) << shift;
        if byte[0] < 0x80 {
            return Ok(Some(value >> 1));
        }
    }
    Err(std::io::ErrorKind::InvalidData.into())
}

/// What a plugin has written.
#[derive(Debug)]
struct Written {
    /// A later write replaces an earlier one.
    local: bool,
    answer: Mutex<Answer>,
}

#[derive(Debug, Default)]
struct Answer {
    headers: HeaderMap,
    status: Option<StatusCode>,
    body: Vec<u8>,
}

impl Service for Written {
    fn take(
        self: &Arc<Self>,
        method: &str,
        decoder: &mut gob::Decoder,
    ) -> Result<Option<Work>, gob::Error> {
        let mut answer = self.answer.lock().unwrap_or_else(PoisonError::into_inner);
        match method {
            "Plugin.Header" => {
                decoder.skip()?;
                let header = go_header(&answer.headers);
                return Ok(Some(Box::pin(async { Ok(Box::new(header) as _) })));
            }
            "Plugin.SyncHeader" => {
                let header: GoHeader = decoder.decode()?;
                if answer.status.is_none() {
                    answer.headers = headers(&header);
                }
            }
            "Plugin.WriteHeader" => {
                let status: i64 = decoder.decode()?;
                let status = u16::try_from(status)
                    .ok()
                    .and_then(|status| StatusCode::from_u16(status).ok());
                answer.status = answer.status.or(status);
            }
            "Plugin.Write" => {
                let bytes: Vec<u8> = decoder.decode()?;
                answer.status.get_or_insert_default();
                if self.local {
                    answer.body.clear();
                }
                answer.body.extend_from_slice(&bytes);
            }
            "Plugin.Flush" => decoder.skip()?,
            _ => {
                decoder.skip()?;
                return Ok(None);
            }
        }
        Ok(Some(Box::pin(async { Ok(Box::new(()) as _) })))
    }
}
