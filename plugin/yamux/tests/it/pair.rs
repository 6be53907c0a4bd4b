//! Two sessions with each other, over a slow pipe in virtual time.

use std::io::ErrorKind;
use std::pin::Pin;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::task::{Context, Wake, Waker};
use std::time::Duration;

use tokio::io::{AsyncRead, AsyncReadExt, AsyncWriteExt, DuplexStream, ReadBuf};
use tokio::task::JoinSet;
use tokio::time::{Instant, sleep, timeout};
use yamux::{Acceptor, Config, Driver, OpenError, Opener, SessionError, Side, Stream, connect};

use crate::slow::pipe;

struct Pair {
    client: Opener,
    server: Opener,
    at_client: Acceptor,
    at_server: Acceptor,
    drivers: JoinSet<Result<(), SessionError>>,
    carriers: JoinSet<()>,
}

impl Pair {
    fn new(latency: Duration) -> Self {
        Self::with(latency, Config::default())
    }

    fn with(latency: Duration, config: Config) -> Self {
        let (here, there, carriers) = pipe(latency);
        let (client, at_client, near) = connect(here, Side::Client, config.clone());
        let (server, at_server, far) = connect(there, Side::Server, config);
        let mut drivers = JoinSet::new();
        let run = |driver: Driver<DuplexStream>| driver.run();
        drivers.spawn(run(near));
        drivers.spawn(run(far));
        Self {
            client,
            server,
            at_client,
            at_server,
            drivers,
            carriers,
        }
    }

    /// Closes the session and returns how the two ends saw it end.
    async fn close(self) -> Vec<Result<(), SessionError>> {
        self.client.close();
        self.drivers.join_all().await
    }

    async fn stream(&mut self) -> (Stream, Stream) {
        let here = self.client.open().await.unwrap();
        (here, self.at_server.accept().await.unwrap())
    }
}

const MILLISECOND: Duration = Duration::from_millis(1);

fn body(seed: usize, length: usize) -> Vec<u8> {
    (0..length)
        .map(|place| u8::try_from((place * 7 + place / 251 + seed) % 256).unwrap())
        .collect()
}

#[tokio::test(start_paused = true)]
async fn four_hundred_streams_at_once_carry_their_own_bytes_both_ways() {
    let mut pair = Pair::new(2 * MILLISECOND);
    let mut echoes = JoinSet::new();
    let mut callers = JoinSet::new();
    for number in 0..400 {
        let opener = pair.client.clone();
        callers.spawn(async move {
            let stream = opener.open().await.unwrap();
            let (mut read, mut write) = tokio::io::split(stream);
            let sent = body(number, 20_000 + number);
            let mut received = Vec::new();
            let send = async {
                write.write_all(&sent).await.unwrap();
                write.shutdown().await.unwrap();
            };
            tokio::join!(send, async {
                read.read_to_end(&mut received).await.unwrap()
            });
            assert!(received == sent, "stream {number} got other bytes back");
        });
    }
    for _ in 0..400 {
        let stream = pair.at_server.accept().await.unwrap();
        echoes.spawn(async move {
            let (mut read, mut write) = tokio::io::split(stream);
            tokio::io::copy(&mut read, &mut write).await.unwrap();
            write.shutdown().await.unwrap();
        });
    }
    callers.join_all().await;
    echoes.join_all().await;
    assert!(pair.close().await.iter().all(Result::is_ok));
}

#[tokio::test(start_paused = true)]
async fn bodies_of_eight_mebibytes_pass_on_several_streams_in_both_directions() {
    let mut pair = Pair::new(MILLISECOND);
    let mut tasks = JoinSet::new();
    for seed in 0..4 {
        let (here, there) = pair.stream().await;
        let (mut up, mut down) = if seed % 2 == 0 {
            (here, there)
        } else {
            (there, here)
        };
        let sent = body(seed, 8 * 1024 * 1024);
        let expected = sent.clone();
        tasks.spawn(async move {
            up.write_all(&sent).await.unwrap();
            up.shutdown().await.unwrap();
        });
        tasks.spawn(async move {
            let mut received = Vec::new();
            down.read_to_end(&mut received).await.unwrap();
            assert!(received == expected, "body {seed} changed on the way");
        });
    }
    tasks.join_all().await;
    assert!(pair.close().await.iter().all(Result::is_ok));
}

#[tokio::test(start_paused = true)]
async fn a_reader_that_does_not_read_stops_only_its_own_writer() {
    let mut pair = Pair::new(MILLISECOND);
    let (mut stuck, mut unread) = pair.stream().await;
    let (mut free, mut read) = pair.stream().await;
    let big = body(1, 1024 * 1024);
    let waited = timeout(Duration::from_secs(5), stuck.write_all(&big)).await;
    assert!(waited.is_err(), "a mebibyte went into a window of 256 KiB");

    free.write_all(b"quick").await.unwrap();
    let mut quick = [0; 5];
    read.read_exact(&mut quick).await.unwrap();
    assert_eq!(&quick, b"quick");

    let mut window = vec![0; yamux::WINDOW as usize];
    unread.read_exact(&mut window).await.unwrap();
    assert!(
        window == big[..window.len()],
        "the bytes before the wait were lost or doubled"
    );
}

#[tokio::test(start_paused = true)]
async fn a_half_closed_stream_still_carries_the_answer() {
    let mut pair = Pair::new(MILLISECOND);
    let (mut here, mut there) = pair.stream().await;
    here.write_all(b"question").await.unwrap();
    here.shutdown().await.unwrap();
    here.shutdown().await.unwrap();
    let mut question = String::new();
    there.read_to_string(&mut question).await.unwrap();
    there
        .write_all(question.to_uppercase().as_bytes())
        .await
        .unwrap();
    drop(there);
    let mut answer = String::new();
    here.read_to_string(&mut answer).await.unwrap();
    assert_eq!(answer, "QUESTION");
    assert_eq!(
        here.write(b"more").await.unwrap_err().kind(),
        ErrorKind::BrokenPipe
    );
    assert!(pair.close().await.iter().all(Result::is_ok));
}

#[tokio::test(start_paused = true)]
async fn a_stream_that_is_dropped_lets_the_other_end_finish_what_it_says() {
    let mut pair = Pair::new(MILLISECOND);
    let (here, mut there) = pair.stream().await;
    drop(here);
    there.write_all(&body(0, 1024 * 1024)).await.unwrap();
    there.shutdown().await.unwrap();
    let mut nothing = Vec::new();
    there.read_to_end(&mut nothing).await.unwrap();
    assert!(nothing.is_empty());
}

#[tokio::test(start_paused = true)]
async fn a_reset_reaches_the_other_end_and_spares_the_session() {
    let mut pair = Pair::new(MILLISECOND);
    let (here, mut there) = pair.stream().await;
    here.reset();
    let error = there.read(&mut [0; 1]).await.unwrap_err();
    assert_eq!(error.kind(), ErrorKind::ConnectionReset);
    let (mut here, mut there) = pair.stream().await;
    here.write_all(b"!").await.unwrap();
    assert_eq!(there.read_u8().await.unwrap(), b'!');
}

#[tokio::test(start_paused = true)]
async fn a_stream_left_alone_by_the_other_end_is_reset_after_five_minutes() {
    let mut pair = Pair::new(MILLISECOND);
    let (here, mut there) = pair.stream().await;
    drop(here);
    sleep(Duration::from_secs(301)).await;
    let error = there.write_all(&[0; 10]).await.unwrap_err();
    assert_eq!(error.kind(), ErrorKind::ConnectionReset);
}

#[tokio::test(start_paused = true)]
async fn opening_waits_at_the_backlog_and_goes_on_after_the_acknowledgements() {
    let pair = Pair::new(10 * MILLISECOND);
    let start = Instant::now();
    let mut streams = Vec::new();
    for _ in 0..256 {
        streams.push(pair.client.open().await.unwrap());
    }
    assert_eq!(start.elapsed(), Duration::ZERO);
    streams.push(pair.client.open().await.unwrap());
    assert!(
        start.elapsed() >= 20 * MILLISECOND,
        "the 257th did not wait for an answer"
    );
}

#[tokio::test(start_paused = true)]
async fn a_stream_beyond_the_limit_is_refused_at_either_end_and_the_session_lives() {
    let mut pair = Pair::new(MILLISECOND);
    let roomy = Config {
        max_streams: 3,
        ..Config::default()
    };
    let (here, there, _carriers) = pipe(MILLISECOND);
    let (opener, _, near) = connect(here, Side::Client, Config::default());
    let (_far, mut acceptor, far) = connect(there, Side::Server, roomy);
    pair.drivers.spawn(near.run());
    pair.drivers.spawn(far.run());
    let mut held = Vec::new();
    for _ in 0..3 {
        held.push((
            opener.open().await.unwrap(),
            acceptor.accept().await.unwrap(),
        ));
    }
    let mut refused = opener.open().await.unwrap();
    assert_eq!(
        refused.read(&mut [0; 1]).await.unwrap_err().kind(),
        ErrorKind::ConnectionReset
    );
    drop(held.pop());
    sleep(10 * MILLISECOND).await;
    held.push((
        opener.open().await.unwrap(),
        acceptor.accept().await.unwrap(),
    ));
}

#[tokio::test(start_paused = true)]
async fn a_flood_that_nobody_reads_costs_its_stream_and_not_the_session() {
    let config = Config {
        max_unread: 300_000,
        ..Config::default()
    };
    let mut pair = Pair::with(MILLISECOND, config);
    let (mut first, mut kept) = pair.stream().await;
    let (mut second, mut flooded) = pair.stream().await;
    first.write_all(&body(0, 200_000)).await.unwrap();
    sleep(10 * MILLISECOND).await;
    second.write_all(&body(1, 200_000)).await.unwrap();
    sleep(10 * MILLISECOND).await;
    assert_eq!(
        flooded.read(&mut [0; 1]).await.unwrap_err().kind(),
        ErrorKind::ConnectionReset
    );
    assert_eq!(
        second.write(b"x").await.unwrap_err().kind(),
        ErrorKind::ConnectionReset
    );
    let mut received = vec![0; 200_000];
    kept.read_exact(&mut received).await.unwrap();
    assert!(received == body(0, 200_000));
}

#[tokio::test(start_paused = true)]
async fn after_a_go_away_nothing_new_is_opened_and_the_rest_goes_on() {
    let mut pair = Pair::new(MILLISECOND);
    let (mut here, mut there) = pair.stream().await;
    pair.server.go_away();
    sleep(5 * MILLISECOND).await;
    assert!(matches!(pair.client.open().await, Err(OpenError::GoneAway)));
    here.write_all(b"!").await.unwrap();
    assert_eq!(there.read_u8().await.unwrap(), b'!');
    let from_server = pair.server.open().await.unwrap();
    assert_eq!(
        pair.at_client.accept().await.unwrap().id(),
        from_server.id()
    );
}

#[tokio::test(start_paused = true)]
async fn a_connection_that_breaks_ends_both_sessions_and_everybody_who_waits() {
    let mut pair = Pair::new(MILLISECOND);
    let (mut here, mut there) = pair.stream().await;
    here.write_all(b"last words").await.unwrap();
    sleep(5 * MILLISECOND).await;
    pair.carriers.shutdown().await;
    let ended = pair.drivers.join_all().await;
    assert_eq!(ended.len(), 2);
    let mut heard = [0; 10];
    there.read_exact(&mut heard).await.unwrap();
    assert_eq!(
        &heard, b"last words",
        "what had arrived before can still be read"
    );
    assert_eq!(
        there.read(&mut heard).await.unwrap_err().kind(),
        ErrorKind::ConnectionAborted
    );
    assert_eq!(
        here.write(b"x").await.unwrap_err().kind(),
        ErrorKind::ConnectionAborted
    );
    assert!(matches!(
        pair.client.open().await,
        Err(OpenError::Session(_))
    ));
    assert!(pair.at_server.accept().await.is_err());
}

#[tokio::test(start_paused = true)]
async fn two_idle_sessions_keep_each_other_alive_for_a_day() {
    let mut pair = Pair::new(50 * MILLISECOND);
    sleep(Duration::from_secs(24 * 3600)).await;
    let (mut here, mut there) = pair.stream().await;
    here.write_all(b"!").await.unwrap();
    assert_eq!(there.read_u8().await.unwrap(), b'!');
}

/// A waker that comes back into the session at once, as an executor may that runs what it wakes.
struct ComesBack {
    opener: Opener,
    woken: AtomicBool,
}

impl Wake for ComesBack {
    fn wake(self: Arc<Self>) {
        self.opener.go_away();
        self.woken.store(true, Ordering::SeqCst);
    }
}

#[tokio::test(start_paused = true)]
async fn whoever_is_woken_may_come_back_into_the_session_at_once() {
    let mut pair = Pair::new(MILLISECOND);
    let (mut here, mut there) = pair.stream().await;
    let waker = Arc::new(ComesBack {
        opener: pair.server.clone(),
        woken: AtomicBool::new(false),
    });
    let mut byte = [0];
    let mut into = ReadBuf::new(&mut byte);
    let as_waker = Waker::from(Arc::clone(&waker));
    let context = &mut Context::from_waker(&as_waker);
    assert!(
        Pin::new(&mut there)
            .poll_read(context, &mut into)
            .is_pending()
    );
    here.write_all(b"!").await.unwrap();
    sleep(5 * MILLISECOND).await;
    assert!(waker.woken.load(Ordering::SeqCst));
    assert_eq!(there.read_u8().await.unwrap(), b'!');
}
