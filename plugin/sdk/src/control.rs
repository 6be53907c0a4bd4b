//! The control stream: what the server asks of every plugin, whatever it does.
//!
//! Nothing here waits for a hook, so `Ping` is answered whatever the hooks are doing. The server pings every 30 s, and before
//! and after each command; it restarts a plugin that does not answer, and gives up on it after three times within an hour.

use gob::Encoder;
use tokio::io::AsyncWriteExt;
use yamux::Stream;

use crate::error::Error;
use crate::rpc::{Request, Response, SMALL, Source};

/// The only thing that a Mattermost plugin has to offer.
const HOOKS: &str = "hooks";

/// Answers until the server says goodbye, and returns when the last answer is on its way. `dispense` gives the number of the
/// stream on which the hooks will be served.
///
/// # Errors
///
/// The stream ended without goodbye.
pub(crate) async fn serve(stream: Stream, mut dispense: impl FnMut() -> u32) -> Result<(), Error> {
    let (read, mut write) = tokio::io::split(stream);
    let mut source = Source::new(read, SMALL);
    let mut encoder = Encoder::new();
    let mut bytes = Vec::new();
    loop {
        let Request { method, seq } = source.next(gob::Decoder::decode).await?;
        let mut header = Response {
            method,
            seq,
            error: String::new(),
        };
        let mut last = false;
        match header.method.as_str() {
            "Dispenser.Dispense" => {
                let name: String = source.next(gob::Decoder::decode).await?;
                if name == HOOKS {
                    encoder
                        .encode_pair(&header, &dispense(), &mut bytes)
                        .map_err(Error::Argument)?;
                } else {
                    header.error = "unknown plugin type".into();
                }
            }
            "Control.Ping" | "Control.Quit" => {
                last = header.method == "Control.Quit";
                source.next(gob::Decoder::skip).await?;
                encoder
                    .encode_pair(&header, &(), &mut bytes)
                    .map_err(Error::Argument)?;
            }
            unknown => {
                header.error = format!("rpc: can't find method {unknown}");
                source.next(gob::Decoder::skip).await?;
            }
        }
        if !header.error.is_empty() {
            encoder
                .encode_pair(&header, &(), &mut bytes)
                .map_err(Error::Argument)?;
        }
        write.write_all(&bytes).await?;
        bytes.clear();
        if last {
            return Ok(());
        }
    }
}
