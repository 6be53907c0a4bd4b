//! Fetching by address: through the gate, a few at a time from each host.

use std::{
    collections::HashMap,
    sync::{Arc, Mutex, PoisonError},
};

use futures_util::StreamExt;
use http::{StatusCode, header};
use tokio::{
    sync::{OwnedSemaphorePermit, Semaphore},
    time::{Instant, timeout_at},
};

use super::{Opened, Rules, Trouble};
use crate::client::{
    Chunks, Streamed,
    vet::{FetchError, Fetcher, vet},
};

/// At a time from one host: enough for a message with pictures, too little to be a burden.
const PER_HOST: usize = 4;

/// Fetches what licences allow.
#[derive(Debug)]
pub struct Fetch {
    fetcher: Fetcher,
    /// Places by host, those in use only. Held for a few instructions, never across an await.
    places: Mutex<HashMap<String, Arc<Semaphore>>>,
}

impl Fetch {
    #[must_use]
    pub fn new(fetcher: Fetcher) -> Self {
        Self {
            fetcher,
            places: Mutex::new(HashMap::new()),
        }
    }

    pub(super) async fn open(
        &self,
        address: &str,
        rules: &Rules,
        ends: Instant,
    ) -> Result<Opened, Trouble> {
        let address = vet(address, &rules.hosts).map_err(|_| Trouble::Forbidden)?;
        let place = timeout_at(ends, self.place(address.host()))
            .await
            .map_err(|_| Trouble::Unreachable)?;
        let left = ends.saturating_duration_since(Instant::now());
        let streamed = match self.fetcher.get(&address, left).await {
            Ok(streamed) => streamed,
            Err(FetchError::NotPublic(_)) => return Err(Trouble::Forbidden),
            Err(FetchError::Call(_)) => return Err(Trouble::Unreachable),
        };
        if streamed.status != StatusCode::OK {
            return Err(Trouble::Answered(streamed.status.as_u16()));
        }
        if is_packed(&streamed) {
            // Nothing asked for it, and what would arrive is not the file.
            return Err(Trouble::Unreachable);
        }
        Ok(Opened {
            size: streamed.content_length(),
            chunks: holding(place, streamed.chunks()),
        })
    }

    async fn place(&self, host: &str) -> OwnedSemaphorePermit {
        let semaphore = {
            let mut places = self.places.lock().unwrap_or_else(PoisonError::into_inner);
            // Hosts that nobody uses are forgotten, so that the map is never larger than what runs.
            places.retain(|_, semaphore| {
                Arc::strong_count(semaphore) > 1 || semaphore.available_permits() < PER_HOST
            });
            places
                .entry(host.to_owned())
                .or_insert_with(|| Arc::new(Semaphore::new(PER_HOST)))
                .clone()
        };
        semaphore
            .acquire_owned()
            .await
            .expect("the semaphore is never closed")
    }
}

fn is_packed(streamed: &Streamed) -> bool {
    streamed
        .headers
        .get(header::CONTENT_ENCODING)
        .is_some_and(|coding| !coding.as_bytes().eq_ignore_ascii_case(b"identity"))
}

/// The place is given back when the last byte was read, or nobody wants it any more.
fn holding(place: OwnedSemaphorePermit, chunks: Chunks) -> Chunks {
    Box::pin(chunks.map(move |chunk| {
        let _held = &place;
        chunk
    }))
}
