//! Heads that could be read in two ways, and the names under which a loopback listener may be called.

use super::desk::Desk;

#[tokio::test]
async fn a_request_that_can_be_read_in_two_ways_is_refused_and_ends_its_connection() {
    let desk = Desk::open().await;
    let follow = "GET /healthz HTTP/1.1\r\nHost: localhost\r\n\r\n";
    for (name, head, status) in [
        ("no host", "GET /healthz HTTP/1.1\r\n\r\n", 400),
        (
            "two hosts",
            "GET /healthz HTTP/1.1\r\nHost: localhost\r\nHost: localhost\r\n\r\n",
            400,
        ),
        (
            "a foreign host",
            "GET /healthz HTTP/1.1\r\nHost: evil.example\r\n\r\n",
            400,
        ),
        (
            "a length beside a coding",
            "GET /healthz HTTP/1.1\r\nHost: localhost\r\nContent-Length: 5\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n",
            400,
        ),
        (
            "a coding beside a length",
            "GET /healthz HTTP/1.1\r\nHost: localhost\r\nTransfer-Encoding: chunked\r\nContent-Length: 5\r\n\r\n0\r\n\r\n",
            400,
        ),
        (
            "two equal lengths",
            "GET /healthz HTTP/1.1\r\nHost: localhost\r\nContent-Length: 0\r\nContent-Length: 0\r\n\r\n",
            400,
        ),
        (
            "two differing lengths",
            "GET /healthz HTTP/1.1\r\nHost: localhost\r\nContent-Length: 0\r\nContent-Length: 5\r\n\r\n",
            400,
        ),
        (
            "a bare line feed",
            "GET /healthz HTTP/1.1\nHost: localhost\n\n",
            400,
        ),
        (
            "a coding that is not chunked",
            "GET /healthz HTTP/1.1\r\nHost: localhost\r\nTransfer-Encoding: gzip, chunked\r\n\r\n0\r\n\r\n",
            400,
        ),
        (
            "an unknown coding",
            "GET /healthz HTTP/1.1\r\nHost: localhost\r\nTransfer-Encoding: xchunked\r\n\r\n",
            400,
        ),
        (
            "a signed length",
            "GET /healthz HTTP/1.1\r\nHost: localhost\r\nContent-Length: +4\r\n\r\n",
            400,
        ),
        (
            "a folded line",
            "GET /healthz HTTP/1.1\r\nHost: localhost\r\nA: b\r\n c\r\n\r\n",
            400,
        ),
        (
            "a blank before the colon",
            "GET /healthz HTTP/1.1\r\nHost: localhost\r\nA : b\r\n\r\n",
            400,
        ),
        (
            "an upgrade",
            "GET /healthz HTTP/1.1\r\nHost: localhost\r\nConnection: upgrade\r\nUpgrade: h2c\r\n\r\n",
            400,
        ),
        (
            "an absolute target",
            "GET http://localhost/healthz HTTP/1.1\r\nHost: localhost\r\n\r\n",
            400,
        ),
        (
            "a tunnel",
            "CONNECT localhost:80 HTTP/1.1\r\nHost: localhost\r\n\r\n",
            400,
        ),
        (
            "an expectation",
            "GET /healthz HTTP/1.1\r\nHost: localhost\r\nExpect: miracles\r\n\r\n",
            417,
        ),
        (
            "a compressed body",
            "GET /healthz HTTP/1.1\r\nHost: localhost\r\nContent-Encoding: gzip\r\n\r\n",
            415,
        ),
    ] {
        let answers = desk.admin.say(format!("{head}{follow}")).await;
        let codes: Vec<u16> = answers.iter().map(|said| said.status).collect();
        assert_eq!(
            codes,
            [status],
            "{name}: one answer, and nothing behind it is taken"
        );
    }
}

#[tokio::test]
async fn heads_beyond_their_size_or_number_of_fields_are_refused() {
    let desk = Desk::open().await;
    let many: String = (0..100).map(|at| format!("x-{at}: 1\r\n")).collect();
    let long = format!("x: {}\r\n", "x".repeat(20_000));
    for fields in [many, long] {
        let answers = desk
            .admin
            .say(format!(
                "GET /healthz HTTP/1.1\r\nHost: localhost\r\n{fields}\r\n"
            ))
            .await;
        assert_eq!(answers[0].status, 431);
    }
}

#[tokio::test]
async fn the_refusal_of_a_foreign_host_names_the_setting() {
    let desk = Desk::open().await;
    let answers = desk
        .admin
        .say("GET /healthz HTTP/1.1\r\nHost: sidecar.internal\r\n\r\n")
        .await;
    assert_eq!(
        answers[0].field("content-type"),
        Some("application/problem+json")
    );
    assert_eq!(answers[0].field("connection"), Some("close"));
    let detail = answers[0].json()["detail"].as_str().unwrap().to_owned();
    assert!(detail.contains("`server.public_url`"), "{detail}");
    let fine = desk
        .admin
        .say("GET /healthz HTTP/1.1\r\nHost: chat.example.org\r\nConnection: close\r\n\r\n")
        .await;
    assert_eq!(fine[0].status, 200);
}

#[tokio::test]
async fn ordinary_requests_share_a_connection_and_a_chunked_one_is_its_last() {
    let desk = Desk::open().await;
    let get = "GET /healthz HTTP/1.1\r\nHost: localhost\r\n\r\n";
    let chunked =
        "GET /healthz HTTP/1.1\r\nHost: localhost\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n";
    let answers = desk
        .admin
        .say(format!("{get}\r\n{get}{chunked}{get}"))
        .await;
    let codes: Vec<u16> = answers.iter().map(|said| said.status).collect();
    assert_eq!(codes, [200, 200, 200]);
    assert_eq!(answers[2].field("connection"), Some("close"));
}
