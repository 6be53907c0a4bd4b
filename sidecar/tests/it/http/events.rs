//! Events that i-Reserve pushes, and what it reads of them.

use std::{num::NonZeroU32, time::Duration};

use serde_json::{Value, json};
use sidecar::{clock::Clock, http::Limits};

use tokio::net::TcpSocket;

use super::{
    desk::{Desk, Wish, bearer, licence},
    raw::Wire,
};

fn message(id: &str, text: &str) -> Value {
    json!({"id": id, "type": "message.created", "data": {"conversation_id": "conv_93", "message_id": id,
        "sender": {"type": "visitor", "name": "Sanne"}, "text": text}})
}

fn in_conversation(id: &str, conversation: &str) -> Value {
    let mut event = message(id, "Hoi");
    event["data"]["conversation_id"] = json!(conversation);
    event
}

#[tokio::test]
async fn an_event_is_accepted_once_it_is_durable_and_its_status_can_be_read() {
    let desk = Desk::open().await;
    let said = desk.push(&message("evt:1", "Hoi")).await;
    assert_eq!(
        (said.status, said.json()),
        (202, json!({"id": "evt:1", "status": "accepted"}))
    );
    let status = desk.status("evt%3A1").await;
    assert_eq!(status.status, 200);
    let status = status.json();
    assert_eq!(
        (&status["status"], &status["type"], &status["attempts"]),
        (&json!("accepted"), &json!("message.created"), &json!(0))
    );
    for absent in ["last_error", "post_id", "root_id", "channel_id"] {
        assert_eq!(status[absent], Value::Null, "{absent}");
    }
    assert!(status["accepted_at"].is_string());
    let metrics = String::from_utf8(desk.admin.get("/metrics").await.body).unwrap();
    for line in [
        r#"ireserve_events_accepted_total{licence="acme",direction="chat_to_thread"} 1"#,
        r#"ireserve_lane_waiting{licence="acme",direction="chat_to_thread"} 1"#,
    ] {
        assert!(metrics.contains(line), "{line} is missing in\n{metrics}");
    }
}

#[tokio::test]
async fn a_repeated_event_is_a_duplicate_and_other_content_under_its_id_a_conflict() {
    let desk = Desk::open().await;
    desk.push(&message("evt_1", "Hoi")).await;
    let again = desk.push(&message("evt_1", "Hoi")).await;
    assert_eq!(again.status, 200);
    assert_eq!(
        again.json(),
        json!({"id": "evt_1", "status": "duplicate", "state": "accepted", "post_id": null, "root_id": null, "channel_id": null})
    );
    let claims = desk.claims().await;
    desk.deliver(&claims[0]).await;
    let delivered = desk.push(&message("evt_1", "Hoi")).await.json();
    assert_eq!(
        (&delivered["state"], &delivered["post_id"]),
        (&json!("delivered"), &json!("p".repeat(26)))
    );
    let other = desk.push(&message("evt_1", "Hallo")).await;
    assert_eq!(other.status, 409);
    assert_eq!(
        other.field("content-type"),
        Some("application/problem+json")
    );
    assert_eq!(other.json()["type"], "urn:ireserve:problem:id-conflict");
}

#[tokio::test]
async fn an_array_is_judged_event_by_event_in_order() {
    let desk = Desk::open().await;
    desk.push(&message("evt_0", "Hoi")).await;
    let mut nowhere = json!({"id": "evt_5", "type": "notification", "data": {"notification_type": "unheard", "text": "x"}});
    nowhere["data"]["attachments"] = json!([]);
    let said = desk
        .push(&json!([
            message("evt_1", "Hoi"),
            message("evt_0", "Hoi"),
            message("evt_0", "other"),
            {"id": "evt_4", "type": "message.created", "data": {"conversation_id": ""}},
            nowhere,
            {"id": "evt_6", "type": "visitor.left", "data": {}},
            {"id": "evt_7", "type": "integration.ping"},
            message("evt_1", "Hoi"),
        ]))
        .await;
    assert_eq!(said.status, 207);
    let results = said.json()["results"].as_array().unwrap().clone();
    let heads: Vec<(u64, &str, &str)> = results
        .iter()
        .map(|one| {
            (
                one["code"].as_u64().unwrap(),
                one["id"].as_str().unwrap(),
                one["status"].as_str().unwrap(),
            )
        })
        .collect();
    assert_eq!(
        heads,
        [
            (202, "evt_1", "accepted"),
            (200, "evt_0", "duplicate"),
            (409, "evt_0", "refused"),
            (422, "evt_4", "refused"),
            (422, "evt_5", "refused"),
            (202, "evt_6", "ignored"),
            (200, "evt_7", "delivered"),
            (200, "evt_1", "duplicate"),
        ]
    );
    let refused = &results[3];
    let keys: Vec<&String> = refused.as_object().unwrap().keys().collect();
    assert_eq!(
        keys.len(),
        6,
        "id, code, status, title, detail, errors: {keys:?}"
    );
    assert_eq!(refused["errors"][0]["pointer"], "/data/conversation_id");
    assert_eq!(
        results[4]["errors"][0]["pointer"],
        "/data/notification_type"
    );
}

#[tokio::test]
async fn a_single_refused_event_is_a_problem_with_its_places() {
    let desk = Desk::open().await;
    let department = json!({"id": "e", "type": "conversation.started", "data": {"conversation_id": "c", "department": "moon",
        "visitor": {"name": "Sanne"}, "page": {"url": "https://example.org"}}});
    for (name, event, status, kind, pointer) in [
        (
            "mistakes",
            json!({"id": "e", "type": "message.created", "data": {"conversation_id": "c", "message_id": "m", "text": 5,
                "sender": {"type": "robot", "name": "R"}}}),
            422,
            "invalid-event",
            "/data/sender/type",
        ),
        (
            "an unknown department",
            department,
            422,
            "unknown-department",
            "/data/department",
        ),
        (
            "an unknown notification type",
            json!({"id": "e", "type": "notification", "data": {"notification_type": "unheard", "text": "x"}}),
            422,
            "unknown-notification-type",
            "/data/notification_type",
        ),
        ("an empty array", json!([]), 422, "invalid-event", ""),
        (
            "a hundred and one",
            json!(vec![message("e", "x"); 101]),
            422,
            "invalid-event",
            "",
        ),
        ("a number", json!(7), 422, "invalid-event", ""),
    ] {
        let said = desk.push(&event).await;
        let problem = said.json();
        assert_eq!(said.status, status, "{name}: {problem}");
        assert_eq!(problem["status"], status, "{name}");
        assert_eq!(
            problem["type"],
            format!("urn:ireserve:problem:{kind}"),
            "{name}"
        );
        let pointers: Vec<&str> = problem["errors"]
            .as_array()
            .unwrap()
            .iter()
            .map(|error| error["pointer"].as_str().unwrap())
            .collect();
        assert!(pointers.contains(&pointer), "{name}: {pointers:?}");
    }
    assert_eq!(
        desk.status("e").await.status,
        404,
        "nothing of a refused event is kept"
    );
}

#[tokio::test]
async fn what_is_no_json_is_a_400_whatever_is_wrong_with_it() {
    let desk = Desk::open().await;
    let fields = format!(
        "{}Content-Type: application/json; charset=utf-8\r\n",
        desk.bearer()
    );
    let deep = format!("{}{}", "[".repeat(33), "]".repeat(33));
    for body in [
        b"{".as_slice(),
        b"",
        b"\xff\xfe",
        br#"{"id":"\ud800"}"#,
        deep.as_bytes(),
    ] {
        let said = desk.public.ask("POST", "/v1/events", &fields, body).await;
        assert_eq!(said.status, 400, "{body:?}");
        assert_eq!(said.json()["type"], "urn:ireserve:problem:invalid-json");
    }
}

#[tokio::test]
async fn who_does_not_prove_a_licence_gets_one_body_that_names_only_the_headers_it_saw() {
    let desk = Desk::open().await;
    let ours = desk.bearer();
    let stranger = bearer(&licence("nobody"), &Clock::system());
    let forged = ours.replace("\r\n", "x\r\n");
    let mut bodies = Vec::new();
    for fields in [
        stranger.as_str(),
        &forged,
        "Authorization: Basic eDp5\r\n",
        "Authorization: Bearer\r\n",
    ] {
        let said = desk
            .public
            .ask(
                "POST",
                "/v1/events",
                &format!("{fields}Content-Type: application/json\r\n"),
                b"{}",
            )
            .await;
        assert_eq!(
            (said.status, said.field("www-authenticate")),
            (401, Some("Bearer")),
            "{fields}"
        );
        bodies.push(said.body);
    }
    bodies.dedup();
    assert_eq!(bodies.len(), 1, "one body for every cause");
    let other = ours.replace("Authorization", "X-Ireserve-Authorization");
    let ping = json!({"id": "e", "type": "integration.ping"}).to_string();
    for (fields, status) in [
        (other.clone(), 200),
        (format!("{ours}{other}"), 400),
        (String::new(), 401),
    ] {
        let fields = format!("{fields}Content-Type: application/json\r\n");
        assert_eq!(
            desk.public
                .ask("POST", "/v1/events", &fields, ping.as_bytes())
                .await
                .status,
            status
        );
    }
    assert_eq!(
        desk.public.get("/v1/events/e").await.status,
        401,
        "the status of an event needs the same token"
    );
}

#[tokio::test]
async fn the_twenty_first_refused_token_in_a_minute_waits_a_second() {
    let desk = Desk::open().await;
    let began = tokio::time::Instant::now();
    for _ in 0..20 {
        assert_eq!(desk.public.get("/v1/events/e").await.status, 401);
    }
    assert!(
        began.elapsed() < Duration::from_secs(15),
        "the first twenty are not slowed"
    );
    let began = tokio::time::Instant::now();
    assert_eq!(desk.public.get("/v1/events/e").await.status, 401);
    assert!(began.elapsed() >= Duration::from_secs(1));
    assert_eq!(
        desk.push(&message("evt_1", "Hoi")).await.status,
        202,
        "who has a token is not slowed"
    );
}

#[tokio::test]
async fn an_unknown_licence_is_told_to_come_back_until_the_plugin_has_spoken() {
    let wish = Wish {
        waiting_for_the_plugin: true,
        ..Wish::default()
    };
    let desk = Desk::with(wish).await;
    let stranger = bearer(&licence("nobody"), &Clock::system());
    let said = desk.public.ask("GET", "/v1/events/e", &stranger, b"").await;
    assert_eq!(said.status, 503);
    assert!(said.field("retry-after").is_some());
}

#[tokio::test]
async fn another_licences_event_is_as_unknown_as_one_that_never_was() {
    let desk = Desk::open().await;
    desk.push(&message("evt_1", "Hoi")).await;
    let other = bearer(&licence("other"), &Clock::system());
    let theirs = desk
        .public
        .ask("GET", "/v1/events/evt_1", &other, b"")
        .await;
    let never = desk.status("evt_2").await;
    let no_id = desk.status("no%20id").await;
    assert_eq!((theirs.status, &theirs.body), (404, &never.body));
    assert_eq!(no_id.body, never.body);
    assert_eq!(
        desk.public.get("/v1/failed").await.status,
        404,
        "nothing of the operators is here"
    );
}

#[tokio::test]
async fn sizes_and_types_are_refused_before_anything_is_read() {
    let desk = Desk::open().await;
    let token = desk.bearer();
    let head = |fields: &str| {
        format!("POST /v1/events HTTP/1.1\r\nHost: localhost\r\n{token}{fields}\r\n")
    };
    // The bodies never come: an answer without them is one before them.
    for (fields, status, kind) in [
        (
            "Content-Type: application/json\r\nContent-Length: 1048577\r\n",
            413,
            "too-large",
        ),
        (
            "Content-Type: text/plain\r\nContent-Length: 5\r\n",
            415,
            "media-type",
        ),
        ("Content-Length: 5\r\n", 415, "media-type"),
        (
            "Content-Type: application/json\r\nContent-Encoding: gzip\r\nContent-Length: 5\r\n",
            415,
            "media-type",
        ),
    ] {
        let mut wire = desk.public.connect().await;
        wire.write(head(fields)).await;
        let said = wire.answers().await.remove(0);
        assert_eq!(
            (said.status, said.field("connection")),
            (status, Some("close")),
            "{fields}"
        );
        assert_eq!(said.json()["type"], format!("urn:ireserve:problem:{kind}"));
    }
    let mut largest = message("evt_1", "");
    let frame = largest.to_string().len();
    largest["data"]["text"] = json!("x".repeat(1_048_576 - frame));
    assert_eq!(largest.to_string().len(), 1_048_576);
    assert_eq!(
        desk.push(&largest).await.status,
        202,
        "a whole MiB is taken"
    );
}

#[tokio::test]
async fn a_chunked_body_is_cut_off_one_byte_after_the_limit() {
    let desk = Desk::open().await;
    let token = desk.bearer();
    let mut wire = desk.public.connect().await;
    let fields = "Content-Type: application/json\r\nTransfer-Encoding: chunked\r\n";
    wire.write(format!(
        "POST /v1/events HTTP/1.1\r\nHost: localhost\r\n{token}{fields}\r\n"
    ))
    .await;
    let chunk = format!("4000\r\n{}\r\n", " ".repeat(0x4000));
    for _ in 0..64 {
        wire.write(&chunk).await;
    }
    wire.write("1\r\n \r\n").await;
    let said = wire.answers().await.remove(0);
    assert_eq!(
        (said.status, said.json()["type"].as_str()),
        (413, Some("urn:ireserve:problem:too-large"))
    );
    let small = message("evt_1", "Hoi").to_string();
    let mut wire = desk.public.connect().await;
    wire.write(format!(
        "POST /v1/events HTTP/1.1\r\nHost: localhost\r\n{token}{fields}\r\n"
    ))
    .await;
    wire.write(format!("{:x}\r\n{small}\r\n0\r\n\r\n", small.len()))
        .await;
    assert_eq!(wire.answers().await[0].status, 202, "chunks are fine");
}

#[tokio::test]
async fn a_dribbled_body_is_given_up_after_its_time() {
    let limits = Limits {
        body: Duration::from_millis(300),
        linger: Duration::from_millis(100),
        ..Limits::default()
    };
    let desk = Desk::with(Wish {
        limits,
        ..Wish::default()
    })
    .await;
    let mut wire = desk.public.connect().await;
    let fields = format!(
        "{}Content-Type: application/json\r\nContent-Length: 100\r\n",
        desk.bearer()
    );
    wire.write(format!(
        "POST /v1/events HTTP/1.1\r\nHost: localhost\r\n{fields}\r\n{{\"id\""
    ))
    .await;
    let said = wire.answers().await.remove(0);
    assert_eq!(
        (said.status, said.field("connection")),
        (408, Some("close"))
    );
}

#[tokio::test]
async fn above_its_rate_a_licence_is_told_when_to_come_back() {
    let mut own = licence("acme");
    own.rate = NonZeroU32::new(2);
    let desk = Desk::with(Wish {
        licence: own,
        ..Wish::default()
    })
    .await;
    assert_eq!(
        desk.push(&json!([message("e1", "a"), message("e2", "b")]))
            .await
            .status,
        207
    );
    let said = desk
        .push(&json!([message("e3", "c"), message("e4", "d")]))
        .await;
    assert_eq!(
        (said.status, said.json()["type"].as_str()),
        (429, Some("urn:ireserve:problem:rate"))
    );
    assert_eq!(said.field("retry-after"), Some("1"));
    assert_eq!(
        desk.status("e3").await.status,
        404,
        "nothing of it was taken"
    );
    let metrics = String::from_utf8(desk.admin.get("/metrics").await.body).unwrap();
    assert!(
        metrics.contains(r#"ireserve_events_shed_total{licence="acme",reason="rate"} 2"#),
        "{metrics}"
    );
}

#[tokio::test]
async fn a_store_that_cannot_confirm_is_a_503_and_says_nothing_of_its_inside() {
    let desk = Desk::open().await;
    desk.break_store();
    let said = desk.push(&message("evt_1", "Hoi")).await;
    let problem = said.json();
    assert_eq!(
        (said.status, problem["type"].as_str()),
        (503, Some("urn:ireserve:problem:store"))
    );
    assert!(said.field("retry-after").is_some());
    assert_eq!(problem["detail"], "the store cannot answer just now");
}

#[tokio::test]
async fn waiting_ends_with_the_delivery_and_tells_where_it_stands() {
    let desk = Desk::open().await;
    let event = message("evt_1", "Hoi");
    let (said, ()) = tokio::join!(desk.push_with("Prefer: wait=20\r\n", &event), async {
        let claims = loop {
            let claims = desk.claims().await;
            if !claims.is_empty() {
                break claims;
            }
            tokio::task::yield_now().await;
        };
        desk.deliver(&claims[0]).await;
    });
    assert_eq!(said.status, 200);
    assert_eq!(
        said.json(),
        json!({"id": "evt_1", "status": "delivered", "post_id": "p".repeat(26), "root_id": "r".repeat(26), "channel_id": "c".repeat(26)})
    );
}

#[tokio::test]
async fn waiting_ends_when_the_time_is_over_and_when_an_event_is_parked() {
    let desk = Desk::open().await;
    let began = tokio::time::Instant::now();
    let said = desk
        .push_with("Prefer: wait=1\r\n", &message("evt_1", "Hoi"))
        .await;
    assert_eq!(
        (said.status, said.json()["status"].as_str()),
        (202, Some("accepted"))
    );
    assert!(began.elapsed() >= Duration::from_secs(1));
    let claims = desk.claims().await;
    desk.park(&claims[0]).await;
    let parked = desk
        .push_with("Prefer: wait=20\r\n", &message("evt_1", "Hoi"))
        .await;
    assert_eq!(
        (parked.status, &parked.json()["state"]),
        (200, &json!("parked")),
        "a parked duplicate is not waited for"
    );
}

#[tokio::test]
async fn the_order_to_stop_ends_waiting_with_a_202() {
    let desk = Desk::open().await;
    let event = message("evt_1", "Hoi");
    let (said, ()) = tokio::join!(desk.push_with("Prefer: wait=30\r\n", &event), async {
        while desk.status("evt_1").await.status != 200 {
            tokio::task::yield_now().await;
        }
        desk.order_to_stop();
    });
    assert_eq!(
        (said.status, said.json()),
        (202, json!({"id": "evt_1", "status": "accepted"}))
    );
    desk.at_rest().await;
}

#[tokio::test]
async fn typing_is_passed_on_and_not_kept_and_an_old_one_is_ignored() {
    let mut desk = Desk::open().await;
    let typing = |at: shared::Timestamp| json!({"id": "evt_1", "type": "visitor.typing", "timestamp": at, "data": {"conversation_id": "conv_93"}});
    let now = desk.clock.now();
    let said = desk.push_with("Prefer: wait=20\r\n", &typing(now)).await;
    assert_eq!(
        (said.status, said.json()["status"].as_str()),
        (202, Some("accepted"))
    );
    assert_eq!(
        desk.signals.recv().await.unwrap().conversation.as_str(),
        "conv_93"
    );
    let old = shared::Timestamp::from_millis(now.as_millis() - 60_000);
    assert_eq!(
        desk.push(&typing(old)).await.json(),
        json!({"id": "evt_1", "status": "ignored"})
    );
    assert_eq!(desk.status("evt_1").await.status, 404);
}

#[tokio::test]
async fn what_comes_at_once_is_answered_by_each() {
    let desk = Desk::open().await;
    let events: Vec<Value> = (0..40)
        .map(|at| in_conversation(&format!("evt_{at}"), &format!("conv_{}", at % 7)))
        .collect();
    let all = futures_util::future::join_all(events.iter().map(|event| desk.push(event))).await;
    assert!(all.iter().all(|said| said.status == 202));
    assert_eq!(
        desk.claims().await.len(),
        7,
        "one head for each conversation"
    );
}

#[tokio::test]
async fn a_client_that_asks_before_it_sends_is_told_to_go_on_or_refused_at_once() {
    let desk = Desk::open().await;
    let body = message("evt_1", "Hoi").to_string();
    let head = |token: &str| {
        let length = body.len();
        format!(
            "POST /v1/events HTTP/1.1\r\nHost: localhost\r\nExpect: 100-continue\r\nContent-Type: application/json\r\n\
             Content-Length: {length}\r\n{token}\r\n"
        )
    };
    let mut wire = desk.public.connect().await;
    wire.write(head(&desk.bearer())).await;
    assert_eq!(wire.answer().await.status, 100);
    wire.write(&body).await;
    assert_eq!(wire.answer().await.status, 202);
    let mut wire = desk.public.connect().await;
    wire.write(head("")).await;
    assert_eq!(wire.answer().await.status, 401);
}

#[tokio::test]
async fn a_promise_is_kept_also_when_its_caller_leaves_at_once() {
    let desk = Desk::open().await;
    let body = message("evt_1", "Hoi").to_string();
    let fields = format!("{}Content-Type: application/json\r\n", desk.bearer());
    let mut wire = desk.public.connect().await;
    wire.write(format!(
        "POST /v1/events HTTP/1.1\r\nHost: localhost\r\nContent-Length: {}\r\n{fields}\r\n{body}",
        body.len()
    ))
    .await;
    drop(wire);
    while desk.status("evt_1").await.status != 200 {
        tokio::task::yield_now().await;
    }
}

#[tokio::test]
async fn whoever_writes_all_of_a_refused_body_before_it_reads_still_sees_the_answer() {
    let desk = Desk::open().await;
    let head = |length: usize| {
        format!(
            "POST /v1/events HTTP/1.1\r\nHost: localhost\r\nContent-Type: application/json\r\nContent-Length: {length}\r\n\r\n"
        )
    };
    let body = vec![b' '; 3 << 20];
    for _ in 0..5 {
        // So small that the body cannot wait in it.
        let socket = TcpSocket::new_v4().unwrap();
        socket.set_send_buffer_size(16 * 1024).unwrap();
        let mut wire = Wire(socket.connect(desk.public.address).await.unwrap());
        wire.write(head(body.len())).await;
        wire.write(&body).await;
        assert_eq!(wire.answers().await[0].status, 401);
    }
}
