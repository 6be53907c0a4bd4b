//! Bodies: read whole, within a size and a time, and never more of them at once than memory allows.

use std::sync::Arc;

use bytes::{Bytes, BytesMut};
use http::{HeaderMap, Request, StatusCode, header};
use http_body_util::BodyExt;
use hyper::body::{Body as _, Incoming};
use tokio::{
    sync::{OwnedSemaphorePermit, Semaphore},
    time::timeout,
};

use super::{
    limits::Limits,
    problem::{Kind, Problem},
};

/// The memory that all bodies share.
#[derive(Debug, Clone)]
pub struct Budget(Arc<Semaphore>);

/// A body in memory; its share of the budget comes back when it is dropped.
#[derive(Debug)]
pub(super) struct Held {
    pub(super) bytes: Bytes,
    _share: OwnedSemaphorePermit,
}

impl Budget {
    #[must_use]
    pub fn new(limits: &Limits) -> Self {
        Self(Arc::new(Semaphore::new(limits.bodies_in_flight)))
    }

    /// Waits until so many bytes are free. A share is taken whole or not at all, so two callers cannot wait for each other.
    pub(super) async fn share(
        &self,
        bytes: usize,
        limits: &Limits,
    ) -> Result<OwnedSemaphorePermit, Problem> {
        let bytes = u32::try_from(bytes.max(1)).expect("limits of bodies are below 4 GiB");
        let free = Arc::clone(&self.0).acquire_many_owned(bytes);
        match timeout(limits.body, free).await {
            Ok(share) => Ok(share.expect("the budget is never closed")),
            Err(_) => Err(Problem::new(
                Kind::Backlog,
                StatusCode::SERVICE_UNAVAILABLE,
                "too many requests are being read at this moment",
            )
            .retry_after(limits.body)),
        }
    }
}

/// The whole body, at most `most` bytes. A length that says more is refused before a byte is read.
pub(super) async fn whole(
    request: &mut Request<Incoming>,
    most: usize,
    budget: &Budget,
    limits: &Limits,
) -> Result<Held, Problem> {
    let too_large = || Problem::too_large(format!("the body is longer than {most} bytes"));
    let announced = request.body().size_hint();
    if announced.lower() > most as u64 {
        return Err(too_large());
    }
    let expected = announced
        .exact()
        .and_then(|exact| usize::try_from(exact).ok());
    let share = budget.share(expected.unwrap_or(most), limits).await?;
    let reading = async {
        let mut read = BytesMut::with_capacity(expected.unwrap_or(0));
        while let Some(frame) = request.body_mut().frame().await {
            let frame = frame.map_err(broken)?;
            if let Ok(data) = frame.into_data() {
                if read.len() + data.len() > most {
                    return Err(too_large());
                }
                read.extend_from_slice(&data);
            }
        }
        Ok(read.freeze())
    };
    match timeout(limits.body, reading).await {
        Ok(bytes) => Ok(Held {
            bytes: bytes?,
            _share: share,
        }),
        Err(_) => Err(too_slow()),
    }
}

pub(super) fn too_slow() -> Problem {
    Problem::blank(StatusCode::REQUEST_TIMEOUT, "the body came too slowly")
}

pub(super) fn broken(error: impl std::fmt::Display) -> Problem {
    Problem::bad_request("the body could not be read to its end").because(error)
}

/// The media type without its parameters, lower case; nothing: absent, doubled or unreadable.
pub(super) fn media_type(headers: &HeaderMap) -> Option<String> {
    let mut types = headers.get_all(header::CONTENT_TYPE).iter();
    let (Some(one), None) = (types.next(), types.next()) else {
        return None;
    };
    let essence = one.to_str().ok()?.split(';').next()?;
    Some(essence.trim().to_ascii_lowercase())
}
