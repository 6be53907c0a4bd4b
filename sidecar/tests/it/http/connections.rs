//! Slow, many and parting clients.

use std::{net::SocketAddr, time::Duration};

use sidecar::http::Limits;
use tokio::{
    io::AsyncWriteExt,
    net::TcpSocket,
    time::{Instant, timeout},
};

use super::{
    desk::{Desk, Door, Wish},
    raw::Wire,
};

async fn from(peer: &str, served: &Door) -> Wire {
    let socket = TcpSocket::new_v4().unwrap();
    socket
        .bind(SocketAddr::new(peer.parse().unwrap(), 0))
        .unwrap();
    Wire(socket.connect(served.address).await.unwrap())
}

fn brief() -> Limits {
    Limits {
        head: Duration::from_millis(300),
        body: Duration::from_millis(300),
        linger: Duration::from_millis(100),
        drain: Duration::from_millis(300),
        ..Limits::default()
    }
}

#[tokio::test]
async fn a_dribbled_head_and_an_idle_connection_are_closed_in_time() {
    let desk = Desk::with(Wish {
        limits: brief(),
        ..Wish::default()
    })
    .await;
    let began = Instant::now();
    let mut half = desk.admin.connect().await;
    half.write("GET /healthz HT").await;
    let mut silent = desk.admin.connect().await;
    let mut idle = desk.admin.connect().await;
    idle.write("GET /healthz HTTP/1.1\r\nHost: localhost\r\n\r\n")
        .await;
    assert_eq!(idle.answer().await.status, 200);
    for wire in [&mut half, &mut silent, &mut idle] {
        wire.answers().await;
    }
    assert!(
        began.elapsed() > Duration::from_millis(250),
        "not before the time is over"
    );
}

/// Opens so many connections from one address that is not trusted, each with half a head, and asks as somebody else.
async fn flooded_by(sockets: usize) {
    let desk = Desk::open().await;
    let mut dribbling = Vec::new();
    for _ in 0..sockets {
        let wire = from("127.0.0.2", &desk.admin).await;
        // Whoever is turned away may be gone already.
        let _ = wire.0.try_write(b"GET /hea");
        dribbling.push(wire);
    }
    for mut wire in dribbling.split_off(32) {
        let read = wire.bytes().await;
        assert!(
            read.is_empty() || read.starts_with(b"HTTP/1.1 503 "),
            "{read:?}"
        );
    }
    assert_eq!(
        desk.admin.get("/healthz").await.status,
        200,
        "everybody else is served"
    );
    drop(dribbling);
    // The places come back when the server has seen the ends; until then the stranger is turned away.
    loop {
        let mut again = from("127.0.0.2", &desk.admin).await;
        let _ = again
            .0
            .try_write(b"GET /healthz HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n\r\n");
        if again.bytes().await.starts_with(b"HTTP/1.1 200 ") {
            break;
        }
    }
}

#[tokio::test]
async fn a_stranger_with_many_sockets_takes_only_the_places_of_its_address() {
    flooded_by(60).await;
}

#[tokio::test]
#[ignore = "2,000 sockets need twice as many descriptors as a shell usually gives"]
async fn two_thousand_dribbling_sockets_leave_room_for_everybody_else() {
    flooded_by(2_000).await;
}

#[tokio::test]
async fn a_client_that_does_not_read_its_answers_is_left() {
    let limits = Limits {
        answer: Duration::from_millis(300),
        linger: Duration::from_millis(100),
        ..Limits::default()
    };
    let desk = Desk::with(Wish {
        limits,
        ..Wish::default()
    })
    .await;
    let mut wire = desk.admin.connect().await;
    let requests = "GET /metrics HTTP/1.1\r\nHost: localhost\r\n\r\n".repeat(100);
    // Asking ends when nobody takes what is asked any more, and fails when the server has left.
    let left = async { while wire.0.write_all(requests.as_bytes()).await.is_ok() {} };
    timeout(Duration::from_secs(20), left)
        .await
        .expect("the server leaves");
    assert_eq!(desk.admin.get("/healthz").await.status, 200);
}

#[tokio::test]
async fn an_endless_body_is_refused_and_soon_no_longer_read() {
    let desk = Desk::open().await;
    let mut wire = desk.public.connect().await;
    let fields = format!(
        "{}Content-Type: application/json\r\nTransfer-Encoding: chunked\r\n",
        desk.bearer()
    );
    wire.write(format!(
        "POST /v1/events HTTP/1.1\r\nHost: localhost\r\n{fields}\r\n"
    ))
    .await;
    let before = resident_kib();
    let chunk = format!("10000\r\n{}\r\n", " ".repeat(0x10000));
    let mut written = 0;
    while wire.0.write_all(chunk.as_bytes()).await.is_ok() {
        written += 0x10000;
        assert!(written < 64 << 20, "still read after {written} bytes");
    }
    let grown = resident_kib().saturating_sub(before);
    assert!(grown < 32 << 10, "{grown} KiB more are in use");
    assert_eq!(desk.admin.get("/healthz").await.status, 200);
}

/// Of this process, other tests included: good for a rough bound only.
fn resident_kib() -> u64 {
    let status = std::fs::read_to_string("/proc/self/status").unwrap();
    let line = status.lines().find(|line| line.starts_with("VmRSS:"));
    let digits = line.unwrap().split_whitespace().nth(1).unwrap();
    digits.parse().unwrap()
}

#[tokio::test]
async fn the_order_to_stop_lets_the_address_go_and_ends_idle_connections_at_once() {
    let desk = Desk::open().await;
    let mut idle = desk.admin.connect().await;
    idle.write("GET /healthz HTTP/1.1\r\nHost: localhost\r\n\r\n")
        .await;
    assert_eq!(idle.answer().await.status, 200);
    desk.order_to_stop();
    idle.answers().await;
    drop(idle);
    desk.at_rest().await;
    assert!(
        tokio::net::TcpStream::connect(desk.admin.address)
            .await
            .is_err(),
        "nobody listens any more"
    );
}
