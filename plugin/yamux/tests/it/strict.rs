//! Our session with a peer that forgives nothing, and our session as a peer that forgives nothing.

use std::time::Duration;

use tokio::io::{AsyncReadExt, AsyncWriteExt, duplex};
use tokio::task::JoinHandle;
use yamux::{Acceptor, Config, Opener, SessionError, Side, Silence, StreamId, Violation, connect};

use crate::peer::{ACK, FIN, Frame, RST, SYN, StrictPeer};

struct Desk {
    peer: StrictPeer,
    opener: Opener,
    acceptor: Acceptor,
    session: JoinHandle<Result<(), SessionError>>,
}

impl Desk {
    fn new() -> Self {
        Self::with(Config {
            keep_alive: None,
            ..Config::default()
        })
    }

    fn with(config: Config) -> Self {
        let (here, there) = duplex(1024 * 1024);
        let (opener, acceptor, driver) = connect(here, Side::Server, config);
        let runtime = tokio::runtime::Handle::current();
        let session = runtime.spawn(driver.run());
        Self {
            peer: StrictPeer::new(there),
            opener,
            acceptor,
            session,
        }
    }

    /// What the session says of its end. The peer reads on meanwhile.
    async fn verdict(mut self) -> SessionError {
        let heard = self.peer.listen(Duration::from_secs(200)).await.unwrap();
        let error = self.session.await.unwrap().unwrap_err();
        if matches!(error, SessionError::Protocol(_)) {
            let last = heard.last().map(|frame| (frame.kind, frame.length));
            assert_eq!(
                last,
                Some((3, 1)),
                "the peer was not told that it broke the protocol"
            );
        }
        error
    }
}

fn said(frames: &[Frame], kind: u8, flags: u16) -> Vec<u32> {
    let wanted = frames
        .iter()
        .filter(|frame| frame.kind == kind && frame.flags == flags);
    wanted.map(|frame| frame.stream).collect()
}

#[tokio::test(start_paused = true)]
async fn streams_that_we_never_write_on_are_acknowledged_at_once_and_live_through_75_s() {
    let mut desk = Desk::new();
    for stream in [1, 3, 5] {
        desk.peer.open(stream).await;
    }
    // Nobody here takes the streams, nobody reads or writes.
    let frames = desk.peer.listen(Duration::from_secs(100)).await.unwrap();
    assert_eq!(said(&frames, 1, ACK), [1, 3, 5]);
    assert_eq!(
        frames.len(),
        3 + 3,
        "and three pings were answered: {frames:?}"
    );
    assert!(!desk.session.is_finished());
}

#[tokio::test(start_paused = true)]
async fn the_peer_of_these_tests_does_hang_up_on_a_silent_opening() {
    let (_here, there) = duplex(1024);
    let mut peer = StrictPeer::new(there);
    peer.open(1).await;
    let error = peer.listen(Duration::from_secs(100)).await.unwrap_err();
    assert!(error.contains("75 s"), "{error}");
}

#[tokio::test(start_paused = true)]
async fn a_stream_that_is_shut_twice_and_dropped_says_fin_once() {
    let mut desk = Desk::new();
    desk.peer.open(1).await;
    let mut stream = desk.acceptor.accept().await.unwrap();
    stream.write_all(b"bye").await.unwrap();
    stream.shutdown().await.unwrap();
    stream.shutdown().await.unwrap();
    drop(stream);
    desk.peer.send(1, FIN, 1, 0, &[]).await;
    let frames = desk.peer.listen(Duration::from_secs(400)).await.unwrap();
    assert_eq!(said(&frames, 1, FIN), [1]);
    assert_eq!(said(&frames, 1, RST), [] as [u32; 0]);
}

#[tokio::test(start_paused = true)]
async fn an_abandoned_stream_is_reset_once_the_peer_has_said_something_and_not_before() {
    let mut desk = Desk::new();
    for (stream, flags, body) in [(1, 0, &b"echo"[..]), (3, FIN, &[])] {
        desk.peer.open(stream).await;
        let mut abandoned = desk.acceptor.accept().await.unwrap();
        abandoned.write_all(b"wish").await.unwrap();
        abandoned.abandon();
        let frames = desk.peer.listen(Duration::from_secs(60)).await.unwrap();
        assert_eq!(
            frames.iter().map(|frame| frame.body.len()).sum::<usize>(),
            4
        );
        assert_eq!(said(&frames, 1, RST), [] as [u32; 0]);
        let length = u32::try_from(body.len()).unwrap();
        desk.peer.send(0, flags, stream, length, body).await;
        let frames = desk.peer.listen(Duration::from_secs(1)).await.unwrap();
        assert_eq!(said(&frames, 1, RST), [stream]);
    }
}

#[tokio::test(start_paused = true)]
async fn no_frame_exceeds_64_kib_or_the_credit_however_much_is_granted() {
    let mut desk = Desk::new();
    desk.peer.open(1).await;
    desk.peer.send(1, 0, 1, 8 * 1024 * 1024, &[]).await;
    let mut stream = desk.acceptor.accept().await.unwrap();
    let runtime = tokio::runtime::Handle::current();
    let writing = runtime.spawn(async move {
        stream.write_all(&vec![7; 9 * 1024 * 1024]).await.unwrap();
    });
    let frames = desk.peer.listen(Duration::from_secs(5)).await.unwrap();
    let sent: usize = frames.iter().map(|frame| frame.body.len()).sum();
    assert_eq!(sent, 8 * 1024 * 1024 + 256 * 1024, "exactly the credit");
    assert!(frames.iter().all(|frame| frame.body.len() <= 64 * 1024));
    desk.peer.send(1, 0, 1, 1024 * 1024, &[]).await;
    desk.peer.listen(Duration::from_secs(5)).await.unwrap();
    writing.await.unwrap();
}

#[tokio::test(start_paused = true)]
async fn a_frame_of_exactly_a_window_is_taken_and_credited_after_half_of_it_was_read() {
    let mut desk = Desk::new();
    desk.peer.open(1).await;
    desk.peer.send(0, 0, 1, 262_144, &vec![1; 262_144]).await;
    let mut stream = desk.acceptor.accept().await.unwrap();
    assert_eq!(desk.peer.expect().await.flags, ACK);
    let mut half = vec![0; 131_072];
    stream.read_exact(&mut half).await.unwrap();
    let credit = desk.peer.expect().await;
    assert_eq!((credit.kind, credit.stream, credit.length), (1, 1, 131_072));
}

#[tokio::test(start_paused = true)]
async fn data_that_comes_with_the_opening_and_with_the_end_is_data() {
    let mut desk = Desk::new();
    desk.peer.send(0, SYN | FIN, 1, 4, b"both").await;
    let mut heard = String::new();
    desk.acceptor
        .accept()
        .await
        .unwrap()
        .read_to_string(&mut heard)
        .await
        .unwrap();
    assert_eq!(heard, "both");
}

#[tokio::test(start_paused = true)]
async fn openings_that_overtake_each_other_are_all_taken() {
    let mut desk = Desk::new();
    for stream in [1, 5, 3] {
        desk.peer.open(stream).await;
    }
    let frames = desk.peer.listen(Duration::from_secs(1)).await.unwrap();
    assert_eq!(said(&frames, 1, ACK), [1, 5, 3]);
}

#[tokio::test(start_paused = true)]
async fn data_behind_a_fin_and_for_forgotten_streams_is_dropped_without_a_word() {
    let mut desk = Desk::new();
    desk.peer.open(1).await;
    desk.peer.send(1, FIN, 1, 0, &[]).await;
    desk.peer.send(0, 0, 1, 5, b"after").await;
    let mut stream = desk.acceptor.accept().await.unwrap();
    let mut heard = Vec::new();
    stream.read_to_end(&mut heard).await.unwrap();
    assert!(heard.is_empty());
    drop(stream);
    desk.peer.send(0, 0, 1, 5, b"later").await;
    desk.peer.send(1, FIN, 1, 0, &[]).await;
    desk.peer.listen(Duration::from_secs(1)).await.unwrap();
    assert!(!desk.session.is_finished());
}

#[tokio::test(start_paused = true)]
async fn our_own_opening_waits_75_s_for_its_acknowledgement_and_no_longer() {
    let desk = Desk::new();
    let _stream = desk.opener.open().await.unwrap();
    let error = desk.verdict().await;
    let wanted = Silence::Open(StreamId::new(2), Duration::from_secs(75));
    assert!(
        matches!(error, SessionError::Silent(silence) if silence == wanted),
        "{error:?}"
    );
}

#[tokio::test(start_paused = true)]
async fn a_peer_that_answers_no_ping_is_given_up_ten_seconds_later() {
    let (here, _there) = duplex(1024);
    let (_opener, _acceptor, driver) = connect(here, Side::Server, Config::default());
    let start = tokio::time::Instant::now();
    let error = driver.run().await.unwrap_err();
    assert!(
        matches!(error, SessionError::Silent(Silence::Ping(_))),
        "{error:?}"
    );
    // Thirty seconds to the ping, ten for its answer, one for saying goodbye to somebody who does not read.
    assert!(
        start.elapsed() <= Duration::from_secs(41),
        "{:?}",
        start.elapsed()
    );
}

#[tokio::test(start_paused = true)]
async fn a_peer_that_asks_and_never_reads_is_given_up() {
    let (here, mut there) = duplex(64);
    let config = Config {
        keep_alive: None,
        max_answers: 100,
        ..Config::default()
    };
    let (_opener, _acceptor, driver) = connect(here, Side::Server, config);
    let asking = async {
        for value in 0_u32..200 {
            let mut ping = vec![0, 2, 0, 1, 0, 0, 0, 0];
            ping.extend_from_slice(&value.to_be_bytes());
            if there.write_all(&ping).await.is_err() {
                break;
            }
        }
        // It stays connected and silent.
        std::future::pending::<()>().await;
    };
    let error = tokio::select! {
        ended = driver.run() => ended.unwrap_err(),
        () = asking => unreachable!("it never ends"),
    };
    let wanted = Violation::Unread { answers: 100 };
    assert!(
        matches!(error, SessionError::Protocol(violation) if violation == wanted),
        "{error:?}"
    );
}

#[tokio::test(start_paused = true)]
async fn what_a_peer_must_not_do_ends_the_session_with_its_name() {
    const SYN_1: [u8; 12] = [0, 1, 0, 1, 0, 0, 0, 1, 0, 0, 0, 0];
    let id = StreamId::new(1);
    let too_long = Violation::Window {
        stream: id,
        length: 262_145,
        granted: 262_144,
    };
    let cases: [(&str, &[u8], Violation); 8] = [
        (
            "a second fin",
            &[
                0, 1, 0, 4, 0, 0, 0, 1, 0, 0, 0, 0, 0, 1, 0, 4, 0, 0, 0, 1, 0, 0, 0, 0,
            ],
            Violation::SecondFin(id),
        ),
        (
            "a frame beyond the window",
            &[0, 0, 0, 0, 0, 0, 0, 1, 0, 4, 0, 1],
            too_long,
        ),
        ("a stream opened twice", &SYN_1, Violation::Opened(id)),
        (
            "a stream with our id",
            &[0, 1, 0, 1, 0, 0, 0, 2, 0, 0, 0, 0],
            Violation::Opened(StreamId::new(2)),
        ),
        (
            "data for a stream nobody opened",
            &[0, 0, 0, 0, 0, 0, 0, 9, 0, 0, 0, 1],
            Violation::Unopened(StreamId::new(9)),
        ),
        (
            "credit beyond 32 bits",
            &[0, 1, 0, 0, 0, 0, 0, 1, 255, 255, 255, 255],
            Violation::Credit {
                stream: id,
                delta: u32::MAX,
            },
        ),
        ("a version from the future", &[1; 12], Violation::Version(1)),
        (
            "an unknown type",
            &[0, 9, 0, 0, 0, 0, 0, 1, 0, 0, 0, 0],
            Violation::Kind(9),
        ),
    ];
    for (name, bytes, wanted) in cases {
        let mut desk = Desk::new();
        desk.peer.open(1).await;
        desk.peer.raw(bytes).await;
        let error = desk.verdict().await;
        assert!(
            matches!(error, SessionError::Protocol(violation) if violation == wanted),
            "{name}: {error:?}"
        );
    }
}

#[tokio::test(start_paused = true)]
async fn a_go_away_with_an_error_and_an_end_inside_a_frame_are_reported_as_such() {
    let mut desk = Desk::new();
    desk.peer.send(3, 0, 0, 2, &[]).await;
    assert!(matches!(desk.verdict().await, SessionError::Refused(2)));

    let mut desk = Desk::new();
    desk.peer.raw(&[0, 0, 0]).await;
    drop(desk.peer);
    let error = desk.session.await.unwrap().unwrap_err();
    assert!(matches!(error, SessionError::Io(_)), "{error:?}");
}
