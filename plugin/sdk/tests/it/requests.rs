//! HTTP requests through a plugin: both directions stream.

use futures_util::future::join_all;
use http::{Method, Request};
use mattermost_plugin::Error;

use crate::plugin::active;

fn ask(method: Method, path: &str, body: Vec<u8>) -> Request<Vec<u8>> {
    Request::builder()
        .method(method)
        .uri(path)
        .body(body)
        .unwrap()
}

fn body(seed: usize, length: usize) -> Vec<u8> {
    (0..length)
        .map(|place| u8::try_from((place * 7 + place / 251 + seed) % 256).unwrap())
        .collect()
}

#[tokio::test]
async fn a_body_of_eight_mebibytes_is_echoed_while_it_arrives() {
    let host = active().await;
    let sent = body(0, 8 * 1024 * 1024);
    let response = host
        .request(ask(Method::POST, "/echo?x=1", sent.clone()))
        .await
        .unwrap();
    assert_eq!(response.status(), 201);
    assert_eq!(response.headers()["x-test"], "yes");
    assert!(*response.body() == sent, "the body changed on the way");
}

#[tokio::test]
async fn four_hundred_requests_at_once_get_their_own_bodies_back() {
    let host = active().await;
    let requests = (0..400)
        .map(|number| host.request(ask(Method::POST, "/echo", body(number, 3000 + number))));
    for (number, response) in join_all(requests).await.into_iter().enumerate() {
        assert!(
            *response.unwrap().body() == body(number, 3000 + number),
            "request {number}"
        );
    }
}

#[tokio::test]
async fn a_body_is_collected_up_to_a_limit_and_may_be_left_unread() {
    let host = active().await;
    let whole = host
        .request(ask(Method::PUT, "/whole", body(1, 100_000)))
        .await
        .unwrap();
    assert_eq!(
        (whole.status().as_u16(), whole.body().len()),
        (200, 100_000)
    );
    let more = host
        .request(ask(Method::PUT, "/whole", body(1, 100_001)))
        .await
        .unwrap();
    assert_eq!(more.status(), 413);
    let unread = host
        .request(ask(Method::POST, "/unread", body(1, 3_000_000)))
        .await
        .unwrap();
    assert_eq!((unread.status().as_u16(), unread.body().len()), (202, 0));
    let empty = host
        .request(ask(Method::GET, "/whole", Vec::new()))
        .await
        .unwrap();
    assert_eq!((empty.status().as_u16(), empty.body().len()), (200, 0));
}

#[tokio::test]
async fn a_call_of_the_server_itself_keeps_the_last_write_only() {
    let host = active().await;
    let outside = host
        .request(ask(Method::GET, "/pieces", Vec::new()))
        .await
        .unwrap();
    assert_eq!(outside.body(), b"onetwo");
    let pieces = host
        .request_from_server(ask(Method::GET, "/pieces", Vec::new()))
        .await
        .unwrap();
    assert_eq!(pieces.body(), b"two");
    let sent = host
        .request_from_server(ask(Method::POST, "/whole", body(0, 90_000)))
        .await
        .unwrap();
    assert_eq!(sent.body().len(), 90_000);
}

#[tokio::test]
async fn a_request_whose_handler_panics_is_an_error_and_the_next_one_is_served() {
    let host = active().await;
    let error = host
        .request(ask(Method::GET, "/panic", Vec::new()))
        .await
        .unwrap_err();
    assert!(
        matches!(&error, Error::Refused { reason, .. } if reason.contains("panicked")),
        "{error}"
    );
    let silent = host
        .request(ask(Method::GET, "/nothing", Vec::new()))
        .await
        .unwrap();
    assert_eq!((silent.status().as_u16(), silent.body().len()), (200, 0));
}
