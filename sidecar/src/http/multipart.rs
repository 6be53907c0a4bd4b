//! Bodies of several parts: the events first, then the files they name, each handed on while it comes.
//!
//! multer cuts the parts and would hold whatever it cannot cut yet: a preamble or the head of a part without an end. So it gets
//! one frame at a time, and only so much without giving something back.

use std::{
    pin::Pin,
    sync::{
        Arc,
        atomic::{AtomicUsize, Ordering},
    },
    task::{Context, Poll},
    time::Duration,
};

use bytes::{Bytes, BytesMut};
use futures_util::Stream;
use http::{Request, header};
use hyper::body::{Body as _, Incoming};
use multer::{Constraints, Field, Multipart, SizeLimit};
use tokio::time::{Instant, timeout, timeout_at};

use super::{
    body::{broken, too_slow},
    limits::Limits,
    problem::Problem,
};

/// Bytes that came without a part or a piece of one to show for: an endless head of a part would fill memory.
const UNCUT_BYTES: usize = 64 * 1024;
/// RFC 2046, section 5.1.1.
const BOUNDARY_CHARS: usize = 70;
/// The part with the events.
const EVENT: &str = "event";

/// The parts of one body, in the order they come.
pub(super) struct Parts<'r> {
    multipart: Multipart<'r>,
    uncut: Arc<AtomicUsize>,
    pace: Pace,
}

/// One file while it comes.
pub(super) struct Part<'p, 'r> {
    name: String,
    field: Field<'r>,
    left: u64,
    most: u64,
    uncut: &'p AtomicUsize,
    pace: &'p mut Pace,
}

/// Since when files come, and how many bytes of them came.
#[derive(Debug)]
struct Pace {
    began: Instant,
    grace: Duration,
    bytes_per_second: u64,
    received: u64,
}

impl<'r> Parts<'r> {
    /// `file_bytes` is what one file may have.
    pub(super) fn new(
        request: &'r mut Request<Incoming>,
        file_bytes: u64,
        limits: &Limits,
    ) -> Result<Self, Problem> {
        let boundary = request
            .headers()
            .get(header::CONTENT_TYPE)
            .and_then(|value| value.to_str().ok())
            .and_then(|value| multer::parse_boundary(value).ok())
            .filter(|boundary| (1..=BOUNDARY_CHARS).contains(&boundary.len()))
            .ok_or_else(|| {
                Problem::bad_request(
                    "`multipart/form-data` needs a `boundary` of 1 to 70 characters",
                )
            })?;
        let uncut = Arc::new(AtomicUsize::new(0));
        let frames = Frames {
            body: request.body_mut(),
            uncut: Arc::clone(&uncut),
            given: false,
        };
        // One byte more than allowed, so that it is us who see the limit and name the part.
        let sizes = SizeLimit::new().per_field(
            file_bytes
                .saturating_add(1)
                .max(shared::limits::REQUEST_BYTES as u64 + 1),
        );
        Ok(Self {
            multipart: Multipart::with_constraints(
                frames,
                boundary,
                Constraints::new().size_limit(sizes),
            ),
            uncut,
            pace: Pace {
                began: Instant::now(),
                grace: limits.body,
                bytes_per_second: limits.bytes_per_second,
                received: 0,
            },
        })
    }

    /// The events: the first part, whole, within the time of a JSON body.
    pub(super) async fn event(&mut self, most: usize) -> Result<Bytes, Problem> {
        let grace = self.pace.grace;
        let reading = async {
            let first = self.multipart.next_field().await.map_err(unreadable)?;
            self.uncut.store(0, Ordering::Relaxed);
            let Some(mut field) = first.filter(|field| field.name() == Some(EVENT)) else {
                return Err(Problem::bad_request(
                    "the first part must be `event`, so that files are known when they come",
                ));
            };
            let mut read = BytesMut::new();
            while let Some(chunk) = field.chunk().await.map_err(unreadable)? {
                self.uncut.store(0, Ordering::Relaxed);
                if read.len() + chunk.len() > most {
                    return Err(Problem::too_large(format!(
                        "the part `event` is longer than {most} bytes"
                    )));
                }
                read.extend_from_slice(&chunk);
            }
            Ok(read.freeze())
        };
        let read = timeout(grace, reading).await.map_err(|_| too_slow())?;
        self.pace.began = Instant::now();
        read
    }

    /// The next file. The one before must be gone.
    pub(super) async fn next(&mut self, file_bytes: u64) -> Result<Option<Part<'_, 'r>>, Problem> {
        let next = timeout_at(self.pace.deadline(), self.multipart.next_field()).await;
        let Some(field) = next.map_err(|_| too_slow())?.map_err(unreadable)? else {
            return Ok(None);
        };
        self.uncut.store(0, Ordering::Relaxed);
        let name = field
            .name()
            .map(str::to_owned)
            .ok_or_else(|| Problem::bad_request("a part has no name"))?;
        Ok(Some(Part {
            name,
            field,
            left: file_bytes,
            most: file_bytes,
            uncut: &self.uncut,
            pace: &mut self.pace,
        }))
    }
}

impl Part<'_, '_> {
    pub(super) fn name(&self) -> &str {
        &self.name
    }

    /// The next piece; nothing: the file is whole.
    pub(super) async fn chunk(&mut self) -> Result<Option<Bytes>, Problem> {
        let next = timeout_at(self.pace.deadline(), self.field.chunk()).await;
        let Some(chunk) = next.map_err(|_| too_slow())?.map_err(unreadable)? else {
            return Ok(None);
        };
        self.uncut.store(0, Ordering::Relaxed);
        self.pace.received += chunk.len() as u64;
        match self.left.checked_sub(chunk.len() as u64) {
            Some(left) => self.left = left,
            None => {
                return Err(Problem::too_large(format!(
                    "a file is longer than {} bytes",
                    self.most
                )));
            }
        }
        Ok(Some(chunk))
    }
}

impl Pace {
    /// So long may the next piece take: whoever was fast before may pause.
    fn deadline(&self) -> Instant {
        let earned = Duration::from_secs(self.received / self.bytes_per_second.max(1));
        self.began + self.grace + earned
    }
}

fn unreadable(error: multer::Error) -> Problem {
    match error {
        multer::Error::StreamReadFailed(error) if error.is::<Uncut>() => Problem::too_large(
            format!("more than {UNCUT_BYTES} bytes came before a part began"),
        ),
        multer::Error::FieldSizeExceeded { limit, .. } => {
            Problem::too_large(format!("a part is longer than {} bytes", limit - 1))
        }
        error => broken(error),
    }
}

#[derive(Debug, thiserror::Error)]
#[error("no part was found in what came")]
struct Uncut;

/// The body's frames, one for each time multer asks.
struct Frames<'r> {
    body: &'r mut Incoming,
    uncut: Arc<AtomicUsize>,
    /// multer asks until there is nothing; after a frame it is told so once, to make it look at what it has.
    given: bool,
}

impl Stream for Frames<'_> {
    type Item = Result<Bytes, Box<dyn std::error::Error + Send + Sync>>;

    fn poll_next(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<Option<Self::Item>> {
        if std::mem::take(&mut self.given) {
            context.waker().wake_by_ref();
            return Poll::Pending;
        }
        let frame = match Pin::new(&mut *self.body).poll_frame(context) {
            Poll::Pending => return Poll::Pending,
            Poll::Ready(None) => return Poll::Ready(None),
            Poll::Ready(Some(Err(error))) => return Poll::Ready(Some(Err(error.into()))),
            Poll::Ready(Some(Ok(frame))) => frame,
        };
        self.given = true;
        // Trailers are nobody's.
        let data = frame.into_data().unwrap_or_default();
        if self.uncut.fetch_add(data.len(), Ordering::Relaxed) + data.len() > UNCUT_BYTES {
            return Poll::Ready(Some(Err(Uncut.into())));
        }
        Poll::Ready(Some(Ok(data)))
    }
}
