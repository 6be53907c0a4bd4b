//! Numbered streams. A number is given by the side that *accepts*, sent as four bytes (little endian) by the side that *dials*,
//! and sent back by the acceptor. Each side must do its part within 5 s.
//!
//! Go's end reads the numbers of new streams one after the other, so a stream whose number does not follow at once would hold up
//! all others: it is written in the step in which the stream is opened. What follows the number may be sent without waiting for
//! the echo; the echo is read with the first answer ([`Dialled`]).

mod dialled;

use std::collections::HashMap;
use std::sync::atomic::{AtomicU32, Ordering};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::sync::oneshot;
use tokio::task::JoinSet;
use tokio::time::timeout;
use yamux::{Acceptor, Opener, Stream};

use crate::error::Error;
pub(crate) use dialled::Dialled;

/// How long either side has, on both sides of the protocol.
const RENDEZVOUS: Duration = Duration::from_secs(5);

/// Streams that wait for their number, or for somebody to accept it. Attack: streams opened and never used.
const MAX_ARRIVALS: usize = 256;

#[derive(Debug)]
pub(crate) struct Broker {
    opener: Opener,
    numbers: AtomicU32,
    // Plain: held for a look-up, never across an await.
    meetings: Mutex<HashMap<u32, Meeting>>,
}

/// Whoever comes first waits for the other.
#[derive(Debug)]
enum Meeting {
    Arrived(Stream),
    Expected(oneshot::Sender<Stream>),
}

impl Broker {
    pub(crate) fn new(opener: Opener) -> Self {
        Self {
            opener,
            numbers: AtomicU32::new(0),
            meetings: Mutex::new(HashMap::new()),
        }
    }

    /// A number for a stream that the other end shall open.
    pub(crate) fn next_number(&self) -> u32 {
        self.numbers.fetch_add(1, Ordering::Relaxed).wrapping_add(1)
    }

    /// Opens the stream with a number of the other end, and waits until it was taken there.
    pub(crate) async fn dial(&self, number: u32) -> Result<Stream, Error> {
        let met = async {
            let mut stream = self.open(number).await?;
            let mut echo = [0; 4];
            stream.read_exact(&mut echo).await?;
            if echo == number.to_le_bytes() {
                Ok(stream)
            } else {
                Err(Error::Gone(None))
            }
        };
        within(met, number).await
    }

    /// Opens the stream with a number of the other end. Only its bytes will tell whether it was taken.
    pub(crate) async fn dial_ahead(&self, number: u32) -> Result<Dialled, Error> {
        Ok(Dialled::new(self.open(number).await?, number))
    }

    async fn open(&self, number: u32) -> Result<Stream, Error> {
        let mut stream = self.opener.open().await?;
        stream.write_all(&number.to_le_bytes()).await?;
        Ok(stream)
    }

    /// Waits for the stream with a number of ours.
    pub(crate) async fn accept(&self, number: u32) -> Result<Stream, Error> {
        let met = async {
            let mut stream = self.meet(number).await?;
            stream.write_all(&number.to_le_bytes()).await?;
            Ok(stream)
        };
        let met = within(met, number).await;
        if met.is_err() {
            self.forget(number);
        }
        met
    }

    async fn meet(&self, number: u32) -> Result<Stream, Error> {
        let expected = {
            let mut meetings = self.meetings.lock().unwrap_or_else(PoisonError::into_inner);
            if let Some(Meeting::Arrived(stream)) = meetings.remove(&number) {
                return Ok(stream);
            }
            let (sender, expected) = oneshot::channel();
            meetings.insert(number, Meeting::Expected(sender));
            expected
        };
        expected.await.map_err(|_| Error::Gone(None))
    }

    fn forget(&self, number: u32) {
        self.meetings
            .lock()
            .unwrap_or_else(PoisonError::into_inner)
            .remove(&number);
    }

    /// Takes the streams that the other end opens, until the session ends.
    pub(crate) async fn run(self: Arc<Self>, mut acceptor: Acceptor) {
        let mut arrivals = JoinSet::new();
        while let Ok(stream) = acceptor.accept().await {
            while arrivals.try_join_next().is_some() {}
            if arrivals.len() >= MAX_ARRIVALS {
                stream.reset();
                continue;
            }
            arrivals.spawn(Arc::clone(&self).arrive(stream));
        }
    }

    /// One stream: its number, and then up to 5 s for somebody to accept it.
    async fn arrive(self: Arc<Self>, mut stream: Stream) {
        let mut number = [0; 4];
        if !matches!(
            timeout(RENDEZVOUS, stream.read_exact(&mut number)).await,
            Ok(Ok(_))
        ) {
            return stream.reset();
        }
        let number = u32::from_le_bytes(number);
        let early = {
            let mut meetings = self.meetings.lock().unwrap_or_else(PoisonError::into_inner);
            match meetings.remove(&number) {
                Some(Meeting::Expected(acceptor)) => {
                    // If the acceptor has just given up, the stream is dropped, which ends it.
                    let _ = acceptor.send(stream);
                    false
                }
                // A second stream with the number of one that waits takes its place.
                Some(Meeting::Arrived(_)) | None => {
                    meetings.insert(number, Meeting::Arrived(stream));
                    true
                }
            }
        };
        if early {
            tokio::time::sleep(RENDEZVOUS).await;
            let mut meetings = self.meetings.lock().unwrap_or_else(PoisonError::into_inner);
            if matches!(meetings.get(&number), Some(Meeting::Arrived(_))) {
                meetings.remove(&number);
            }
        }
    }
}

async fn within<T>(met: impl Future<Output = Result<T, Error>>, number: u32) -> Result<T, Error> {
    let silent = |_| Error::Silent {
        what: format!("stream {number}"),
        waited: RENDEZVOUS,
    };
    timeout(RENDEZVOUS, met).await.map_err(silent)?
}

#[cfg(test)]
mod tests {
    use tokio::io::duplex;
    use tokio::time::{Instant, sleep};
    use yamux::{Config, Side};

    use super::*;

    struct Pair {
        here: Arc<Broker>,
        there: Arc<Broker>,
        raw: Opener,
        _tasks: JoinSet<()>,
    }

    fn pair() -> Pair {
        let (one, other) = duplex(4096);
        let mut tasks = JoinSet::new();
        let mut broker = |connection, side| {
            let (opener, acceptor, driver) = yamux::connect(connection, side, Config::default());
            let broker = Arc::new(Broker::new(opener.clone()));
            tasks.spawn(Arc::clone(&broker).run(acceptor));
            tasks.spawn(async {
                let _ = driver.run().await;
            });
            (broker, opener)
        };
        let (here, raw) = broker(one, Side::Client);
        let (there, _) = broker(other, Side::Server);
        Pair {
            here,
            there,
            raw,
            _tasks: tasks,
        }
    }

    #[tokio::test(start_paused = true)]
    async fn whoever_comes_first_waits_for_the_other() {
        let pair = pair();
        for (dialling, accepting) in [(0, 3), (3, 0)] {
            let dial = async {
                sleep(Duration::from_secs(dialling)).await;
                pair.here.dial(7).await
            };
            let accept = async {
                sleep(Duration::from_secs(accepting)).await;
                pair.there.accept(7).await
            };
            let (dialled, accepted) = tokio::join!(dial, accept);
            dialled.unwrap().write_all(b"hello").await.unwrap();
            let mut heard = [0; 5];
            accepted.unwrap().read_exact(&mut heard).await.unwrap();
            assert_eq!(&heard, b"hello");
        }
    }

    #[tokio::test(start_paused = true)]
    async fn nobody_waits_longer_than_five_seconds() {
        let pair = pair();
        let start = Instant::now();
        let (dialled, accepted) = tokio::join!(pair.here.dial(1), pair.there.accept(2));
        assert!(dialled.is_err() && accepted.is_err());
        assert_eq!(start.elapsed().as_secs(), 5);
        sleep(RENDEZVOUS).await;
        assert!(
            pair.there.meetings.lock().unwrap().is_empty(),
            "something is kept for ever"
        );
    }

    #[tokio::test(start_paused = true)]
    async fn the_same_number_given_by_both_sides_means_two_streams() {
        let pair = pair();
        let numbers = (pair.here.next_number(), pair.there.next_number());
        assert_eq!(numbers, (1, 1));
        let met = tokio::join!(
            pair.here.dial(1),
            pair.there.accept(1),
            pair.there.dial(1),
            pair.here.accept(1)
        );
        assert!(met.0.is_ok() && met.1.is_ok() && met.2.is_ok() && met.3.is_ok());
    }

    #[tokio::test(start_paused = true)]
    async fn a_stream_whose_number_does_not_come_holds_up_nobody_and_is_ended() {
        let pair = pair();
        let mut silent = pair.raw.open().await.unwrap();
        let start = Instant::now();
        let (dialled, accepted) = tokio::join!(pair.here.dial(3), pair.there.accept(3));
        assert!(dialled.is_ok() && accepted.is_ok());
        assert!(start.elapsed() < Duration::from_secs(1));
        assert!(silent.read_u8().await.is_err());
        assert_eq!(start.elapsed().as_secs(), 5);
    }

    #[tokio::test(start_paused = true)]
    async fn a_stream_that_is_abandoned_stops_its_sender_whether_it_was_taken_or_not() {
        let pair = pair();
        for (number, taken_before) in [(5, false), (6, true)] {
            let mut ahead = pair.here.dial_ahead(number).await.unwrap();
            let accept = pair.there.accept(number);
            let mut accepted = if taken_before {
                let mut accepted = accept.await.unwrap();
                accepted.write_all(b"!").await.unwrap();
                assert_eq!(ahead.read_u8().await.unwrap(), b'!');
                ahead.abandon();
                accepted
            } else {
                ahead.write_all(b"wish").await.unwrap();
                ahead.abandon();
                accept.await.unwrap()
            };
            // More than there is room for, so that it cannot be written without being taken.
            let error = accepted.write_all(&[0; 1024 * 1024]).await.unwrap_err();
            assert_eq!(error.kind(), std::io::ErrorKind::ConnectionReset);
        }
    }

    #[tokio::test(start_paused = true)]
    async fn what_follows_the_number_need_not_wait_for_the_echo() {
        let pair = pair();
        let mut ahead = pair.here.dial_ahead(4).await.unwrap();
        ahead.write_all(b"early").await.unwrap();
        let mut accepted = pair.there.accept(4).await.unwrap();
        let mut heard = [0; 5];
        accepted.read_exact(&mut heard).await.unwrap();
        accepted.write_all(b"!").await.unwrap();
        assert_eq!(
            ahead.read_u8().await.unwrap(),
            b'!',
            "the echo is not part of what is said"
        );
    }
}
