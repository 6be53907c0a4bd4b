//! Who is the plugin and who is not.

use serde_json::{Value, json};

use super::desk::{ANNA, Desk, SECRET, ask, claims, signed, signed_as};

const PATHS: [(&str, &str); 7] = [
    ("PUT", "/v1/plugin/configuration"),
    ("POST", "/v1/plugin/hints"),
    ("POST", "/v1/plugin/commands"),
    ("POST", "/v1/plugin/actions"),
    ("POST", "/v1/plugin/dialogs"),
    ("POST", "/v1/plugin/autocomplete"),
    ("GET", "/v1/plugin/status"),
];

#[tokio::test]
async fn without_a_pairing_secret_the_plugins_paths_lead_nowhere() {
    let desk = Desk::with(
        "mattermost = { url = \"http://127.0.0.1:9\", token = \"t\" }\n[[licence]]\nid = \"acme\"\nchannel = \"webchat\"\nteam = \"support\"\n\
         keys = [{ alg = \"HS256\", secret = \"a secret of thirty-two characters\" }]\n",
    )
    .await;
    for (method, path) in PATHS {
        let said = desk.plugin(method, path, Some(ANNA), &json!({})).await;
        assert_eq!(said.status, 404, "{path}");
    }
}

#[tokio::test]
async fn every_path_wants_the_plugins_token_and_its_own_method() {
    let desk = Desk::open().await;
    for (method, path) in PATHS {
        let said = ask(desk.public, method, path, "", &json!({})).await;
        assert_eq!(said.status, 401, "{path}");
        assert_eq!(said.field("www-authenticate"), Some("Bearer"));
        let said = desk.plugin("DELETE", path, None, &json!({})).await;
        assert_eq!(said.status, 405, "{path}");
        assert!(said.field("allow").unwrap().starts_with(method), "{path}");
    }
}

#[tokio::test]
async fn a_token_that_is_not_quite_the_plugins_is_refused_with_one_body() {
    let desk = Desk::open().await;
    let now = claims()["iat"].as_i64().unwrap();
    let changed = |name: &str, value: Value| {
        let mut claims = claims();
        claims[name] = value;
        signed(SECRET, &claims)
    };
    let none = signed_as(&json!({"alg": "none"}), SECRET, &claims());
    let unsigned = format!("{}.", none.rsplit_once('.').unwrap().0);
    let mut refused = Vec::new();
    for (name, token) in [
        (
            "forged",
            signed("another-secret-of-32-bytes-or-longer", &claims()),
        ),
        ("without a signature", unsigned),
        (
            "another algorithm",
            signed_as(&json!({"alg": "HS512"}), SECRET, &claims()),
        ),
        ("expired", changed("exp", json!(now - 40))),
        ("of the future", changed("iat", json!(now + 300))),
        ("too long a life", changed("exp", json!(now + 600))),
        ("without an end", changed("exp", Value::Null)),
        (
            "for i-reserve's door",
            changed("aud", json!("ireserve-mattermost")),
        ),
        ("from i-reserve", changed("iss", json!("i-reserve"))),
        ("somebody who is nobody", changed("sub", json!("admin"))),
        ("no token", "x".into()),
    ] {
        let fields = format!("Authorization: Bearer {token}\r\n");
        let said = ask(
            desk.public,
            "GET",
            "/v1/plugin/status",
            &fields,
            &Value::Null,
        )
        .await;
        assert_eq!(said.status, 401, "{name}");
        refused.push(said.body);
    }
    assert!(refused.iter().all(|body| *body == refused[0]));
    let good = signed(SECRET, &claims());
    let both =
        format!("Authorization: Bearer {good}\r\nX-Ireserve-Authorization: Bearer {good}\r\n");
    let said = ask(desk.public, "GET", "/v1/plugin/status", &both, &Value::Null).await;
    assert_eq!(said.status, 400);
    let said = desk
        .plugin("GET", "/v1/plugin/status", None, &Value::Null)
        .await;
    assert_eq!(said.status, 200);
}

#[tokio::test]
async fn nobody_acts_without_a_name_in_the_token() {
    let desk = Desk::open().await;
    for path in ["commands", "actions", "dialogs", "autocomplete"] {
        let path = format!("/v1/plugin/{path}");
        let body =
            json!({"command": "/ireserve status", "context": {}, "post_id": "p", "list": "topics"});
        let said = desk.plugin("POST", &path, None, &body).await;
        assert_eq!(said.status, 401, "{path}");
    }
}

#[tokio::test]
async fn what_is_no_agreed_body_is_refused_without_repeating_it() {
    let desk = Desk::open().await;
    let said = desk
        .plugin(
            "PUT",
            "/v1/plugin/configuration",
            None,
            &json!({"bot": "canary-token"}),
        )
        .await;
    assert_eq!(said.status, 422);
    assert!(!String::from_utf8_lossy(&said.body).contains("canary"));
    let fields = format!(
        "Authorization: Bearer {}\r\nContent-Type: text/plain\r\n",
        signed(SECRET, &claims())
    );
    let said = ask(
        desk.public,
        "POST",
        "/v1/plugin/hints",
        &fields,
        &Value::Null,
    )
    .await;
    assert_eq!(said.status, 415);
    let many: Vec<Value> = (0..1_001)
        .map(|_| json!({"kind": "posted", "post_id": "p", "root_id": "", "channel_id": "c"}))
        .collect();
    let said = desk
        .plugin("POST", "/v1/plugin/hints", None, &json!({"hints": many}))
        .await;
    assert_eq!(said.status, 422);
}

#[tokio::test]
async fn hints_are_taken_and_counted_and_a_bad_one_costs_only_itself() {
    let desk = Desk::open().await;
    let hint =
        |post: &str| json!({"kind": "posted", "post_id": post, "root_id": "", "channel_id": "c"});
    let hints = json!({"hints": [hint(&"p".repeat(26)), hint("nonsense"), hint(&"q".repeat(26))], "overflow": true});
    let said = desk.plugin("POST", "/v1/plugin/hints", None, &hints).await;
    assert_eq!((said.status, said.json()), (200, json!({})));
    let metrics = desk.metrics().await;
    assert!(
        metrics.contains("ireserve_hints_total{source=\"plugin\"} 2"),
        "{metrics}"
    );
}
