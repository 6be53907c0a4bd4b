//! What operators and their tools ask.

use sidecar::http::Readiness;

use super::desk::{Desk, Wish};
use serde_json::json;

#[tokio::test]
async fn health_is_open_and_readiness_says_why_not() {
    let desk = Desk::open().await;
    let health = desk.admin.get("/healthz").await;
    assert_eq!(
        (health.status, health.json()),
        (200, json!({"status": "ok"}))
    );
    assert_eq!(health.field("content-type"), Some("application/json"));
    assert_eq!(
        desk.admin.get("/readyz").await.json(),
        json!({"status": "ready"})
    );
    for (readiness, word) in [
        (Readiness::Starting, "starting"),
        (Readiness::Draining, "draining"),
        (
            Readiness::Store {
                detail: "the disk is full".into(),
            },
            "store",
        ),
    ] {
        desk.readiness.send_replace(readiness);
        let ready = desk.admin.get("/readyz").await;
        assert_eq!(
            (ready.status, ready.json()["status"].as_str()),
            (503, Some(word))
        );
        assert_eq!(
            desk.admin.get("/healthz").await.status,
            200,
            "unready is not dead"
        );
    }
    assert_eq!(
        desk.admin.get("/readyz").await.json()["detail"],
        "the disk is full"
    );
}

#[tokio::test]
async fn metrics_count_the_requests_they_are_asked_in() {
    let desk = Desk::open().await;
    desk.admin.get("/healthz").await;
    desk.admin.get("/nowhere").await;
    let metrics = desk.admin.get("/metrics").await;
    assert_eq!(
        metrics.field("content-type"),
        Some(sidecar::metrics::CONTENT_TYPE)
    );
    let text = String::from_utf8(metrics.body).unwrap();
    for line in [
        r#"ireserve_request_seconds_count{route="healthz",status="200"} 1"#,
        r#"ireserve_request_seconds_count{route="none",status="404"} 1"#,
    ] {
        assert!(text.contains(line), "{line} is missing in\n{text}");
    }
}

#[tokio::test]
async fn a_path_that_leads_nowhere_has_one_constant_answer_and_a_known_one_names_its_methods() {
    let desk = Desk::open().await;
    let (first, second) = (
        desk.admin.get("/v1/secret").await,
        desk.admin.get("/healthz/").await,
    );
    assert_eq!(first.status, 404);
    assert_eq!(first.body, second.body);
    let wrong = desk
        .admin
        .say("DELETE /healthz HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n\r\n")
        .await;
    assert_eq!(
        (wrong[0].status, wrong[0].field("allow")),
        (405, Some("GET, HEAD"))
    );
    let mut head = desk.admin.connect().await;
    head.write("HEAD /healthz HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n\r\n")
        .await;
    let read = String::from_utf8(head.bytes().await).unwrap();
    assert!(
        read.starts_with("HTTP/1.1 200 ") && read.ends_with("\r\n\r\n"),
        "a head without a body: {read}"
    );
}

fn message(id: &str, conversation: &str) -> serde_json::Value {
    json!({"id": id, "type": "message.created", "data": {"conversation_id": conversation, "message_id": id,
        "sender": {"type": "visitor", "name": "Sanne"}, "text": "Hoi"}})
}

async fn parked(desk: &Desk, conversations: u32) {
    for at in 0..conversations {
        assert_eq!(
            desk.push(&message(&format!("evt_{at}"), &format!("conv_{at}")))
                .await
                .status,
            202
        );
    }
    for claim in desk.claims().await {
        desk.park(&claim).await;
    }
}

async fn change(desk: &Desk, path: &str, body: &serde_json::Value) -> (u16, serde_json::Value) {
    let said = desk
        .admin
        .ask(
            "POST",
            path,
            "Content-Type: application/json\r\n",
            body.to_string().as_bytes(),
        )
        .await;
    (said.status, said.json())
}

#[tokio::test]
async fn parked_events_are_listed_page_by_page_without_their_texts() {
    let desk = Desk::open().await;
    parked(&desk, 3).await;
    let first = desk.admin.get("/v1/failed?limit=2").await.json();
    let second = desk
        .admin
        .get(&format!("/v1/failed?limit=2&after={}", first["next"]))
        .await
        .json();
    let events: Vec<&str> = [&first, &second]
        .iter()
        .flat_map(|page| page["items"].as_array().unwrap())
        .map(|item| item["event_id"].as_str().unwrap())
        .collect();
    assert_eq!(events, ["evt_0", "evt_1", "evt_2"], "oldest first");
    assert_eq!(second["next"], json!(null));
    let mut keys: Vec<&String> = first["items"][0].as_object().unwrap().keys().collect();
    keys.sort();
    assert_eq!(
        keys,
        [
            "accepted_at",
            "attempts",
            "conversation_id",
            "direction",
            "event_id",
            "failed_id",
            "licence",
            "parked_at",
            "reason",
            "type"
        ]
    );
    let one = desk
        .admin
        .get("/v1/failed?conversation_id=conv_1&licence=acme&direction=chat_to_thread")
        .await
        .json();
    assert_eq!(one["items"].as_array().unwrap().len(), 1);
    for none in ["licence=other", "direction=thread_to_chat"] {
        assert_eq!(
            desk.admin.get(&format!("/v1/failed?{none}")).await.json()["items"],
            json!([]),
            "{none}"
        );
    }
    assert_eq!(desk.admin.get("/v1/failed?limit=none").await.status, 400);
}

#[tokio::test]
async fn parked_events_are_put_back_or_dropped_as_people_say() {
    let desk = Desk::open().await;
    parked(&desk, 4).await;
    let items = desk.admin.get("/v1/failed").await.json()["items"].clone();
    let (first, second) = (&items[0]["failed_id"], &items[1]["failed_id"]);
    assert_eq!(
        change(
            &desk,
            "/v1/failed/retry",
            &json!({"failed_ids": [first, 999_999]})
        )
        .await,
        (200, json!({"count": 1}))
    );
    assert_eq!(
        change(&desk, "/v1/failed/drop", &json!({"failed_ids": [second]})).await,
        (200, json!({"count": 1}))
    );
    assert_eq!(desk.status("evt_0").await.json()["status"], "accepted");
    assert_eq!(desk.status("evt_1").await.json()["status"], "dropped");
    let filter = json!({"filter": {"conversation_id": "conv_2"}});
    assert_eq!(
        change(&desk, "/v1/failed/retry", &filter).await.1,
        json!({"count": 1})
    );
    assert_eq!(
        change(&desk, "/v1/failed/retry", &json!({"filter": {}}))
            .await
            .1,
        json!({"count": 1}),
        "an empty filter is all"
    );
    assert_eq!(
        change(
            &desk,
            "/v1/failed/drop",
            &json!({"filter": {"licens": "acme"}})
        )
        .await
        .0,
        422,
        "a typing error is not all"
    );
    let form = desk
        .admin
        .ask(
            "POST",
            "/v1/failed/drop",
            "Content-Type: text/plain\r\n",
            b"{\"filter\":{}}",
        )
        .await;
    assert_eq!(form.status, 415, "a foreign page cannot send this");
    let get = desk.admin.get("/v1/failed/retry").await;
    assert_eq!((get.status, get.field("allow")), (405, Some("POST")));
}

#[tokio::test]
async fn the_status_says_in_one_word_how_everything_is() {
    let desk = Desk::open().await;
    let calm = desk.admin.get("/v1/status").await.json();
    assert_eq!(
        (
            &calm["state"],
            &calm["store"]["ok"],
            &calm["mattermost"]["version"]
        ),
        (&json!("working"), &json!(true), &json!("11.6.0"))
    );
    assert_eq!(calm["blocked"], json!([]));
    let ids: Vec<&str> = calm["licences"]
        .as_array()
        .unwrap()
        .iter()
        .map(|one| one["id"].as_str().unwrap())
        .collect();
    assert_eq!(ids, ["acme", "other"]);
    assert_eq!(calm["licences"][0]["last_event_at"], json!(null));

    parked(&desk, 1).await;
    desk.push(&message("evt_9", "conv_9")).await;
    let busy = desk.admin.get("/v1/status").await.json();
    let own = &busy["licences"][0];
    assert_eq!(
        (&busy["state"], &own["ok"], &own["parked"]),
        (&json!("attention"), &json!(false), &json!(1))
    );
    assert_eq!(
        own["waiting"],
        json!({"chat_to_thread": 1, "thread_to_chat": 0})
    );
    assert!(
        own["reason"].is_string()
            && own["last_event_at"].is_string()
            && own["oldest_seconds"].is_u64()
    );
    assert_eq!(busy["licences"][1]["ok"], json!(true));

    desk.mattermost.send_modify(|state| state.ok = false);
    assert_eq!(desk.admin.get("/v1/status").await.json()["state"], "down");

    desk.break_store();
    let broken = desk.admin.get("/v1/status").await;
    assert_eq!(
        (broken.status, &broken.json()["store"]["ok"]),
        (200, &json!(false)),
        "what is wrong is told"
    );
}

#[tokio::test]
async fn with_an_admin_token_all_but_health_readiness_and_metrics_ask_for_it() {
    let token = "an admin token of some length";
    let desk = Desk::with(Wish {
        admin_token: Some(token.into()),
        ..Wish::default()
    })
    .await;
    for open in ["/healthz", "/readyz", "/metrics"] {
        assert_eq!(desk.admin.get(open).await.status, 200, "{open}");
    }
    for (method, path) in [
        ("GET", "/v1/status"),
        ("GET", "/v1/failed"),
        ("POST", "/v1/failed/drop"),
    ] {
        let said = desk.admin.ask(method, path, "", b"").await;
        assert_eq!(
            (said.status, said.field("www-authenticate")),
            (401, Some("Bearer")),
            "{path}"
        );
    }
    let fields = format!("Authorization: Bearer {token}\r\n");
    assert_eq!(
        desk.admin
            .ask("GET", "/v1/status", &fields, b"")
            .await
            .status,
        200
    );
}
