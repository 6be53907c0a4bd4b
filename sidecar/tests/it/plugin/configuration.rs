//! The plugin's configuration: what it changes while everything runs.

use serde_json::{Value, json};
use simulators::mattermost::Mattermost;

use super::desk::{Desk, SECRET, configuration, licence_key, started};

async fn status(desk: &Desk) -> Value {
    let said = desk
        .plugin("GET", "/v1/plugin/status", None, &Value::Null)
        .await;
    assert_eq!(said.status, 200);
    said.json()
}

#[tokio::test]
async fn until_the_first_configuration_an_unknown_licence_may_still_come() {
    let desk = Desk::open().await;
    let (mattermost, key) = (Mattermost::start().await.unwrap(), licence_key("acme", 1));
    assert_eq!(status(&desk).await["configured"], false);
    let early = desk.push(&key, "", &started("evt_1", "c1")).await;
    assert_eq!((early.status, early.field("retry-after")), (503, Some("5")));

    let said = desk
        .configure(&configuration(&mattermost, &mattermost.furnish()))
        .await;
    assert_eq!(said["state"], "unconnected");
    assert_eq!(said["problems"], json!([]));
    assert_eq!(said["wanted"], json!({"webhooks": [], "token": false}));
    assert_eq!(said["tree"]["SubCommands"][0]["Trigger"], "setup");
    let known = status(&desk).await;
    assert_eq!(known["configured"], true);
    assert_eq!(known["tree"], said["tree"]);
    assert!(known["store"]["ok"].as_bool().unwrap());
    let late = desk.push(&key, "", &started("evt_1", "c1")).await;
    assert_eq!(late.status, 401);
}

#[tokio::test]
async fn each_configuration_replaces_the_last_one_whole() {
    let desk = Desk::open().await;
    let mattermost = Mattermost::start().await.unwrap();
    let (acme, other) = (licence_key("acme", 1), licence_key("other", 2));
    let mut said = configuration(&mattermost, &mattermost.furnish());
    said["licence_keys"] = json!([acme.expose_text()]);
    assert_eq!(desk.configure(&said).await["state"], "connected");
    assert_eq!(
        desk.configure(&said).await["state"],
        "connected",
        "repeatable"
    );
    assert_eq!(
        desk.push(&acme, "", &started("evt_1", "c1")).await.status,
        202
    );
    assert_eq!(
        desk.push(&other, "", &started("evt_1", "c1")).await.status,
        401
    );

    said["licence_keys"] = json!([other.expose_text()]);
    desk.configure(&said).await;
    assert_eq!(
        desk.push(&other, "", &started("evt_1", "c1")).await.status,
        202
    );
    assert_eq!(
        desk.push(&acme, "", &started("evt_2", "c1")).await.status,
        401
    );
}

#[tokio::test]
async fn licence_keys_of_all_sources_are_a_union() {
    let (file, plugin) = (licence_key("acme", 1), licence_key("acme", 2));
    let desk = Desk::with(&format!(
        "plugin.pairing_secret = \"{SECRET}\"\n[[licence]]\nlicence_key = \"{}\"\n",
        file.expose_text()
    ))
    .await;
    let early = desk.push(&file, "", &started("evt_0", "c0")).await;
    assert_eq!(
        early.status, 202,
        "the file's licence does not wait for the plugin"
    );
    let mattermost = Mattermost::start().await.unwrap();
    let mut said = configuration(&mattermost, &mattermost.furnish());
    said["licence_keys"] = json!([plugin.expose_text()]);
    desk.configure(&said).await;
    assert_eq!(
        desk.push(&file, "", &started("evt_1", "c1")).await.status,
        202
    );
    assert_eq!(
        desk.push(&plugin, "", &started("evt_2", "c2")).await.status,
        202
    );
}

#[tokio::test]
async fn what_is_wrong_is_told_and_left_out_and_the_rest_counts() {
    let desk = Desk::open().await;
    let mattermost = Mattermost::start().await.unwrap();
    let good = licence_key("acme", 1);
    let mut said = configuration(&mattermost, &mattermost.furnish());
    said["licence_keys"] = json!([good.expose_text(), "ir1.canary"]);
    said["team"] = json!({"send_delay": "a while", "invented": 1});
    let answer = desk.configure(&said).await;
    assert_eq!(answer["state"], "connected");
    let keys: Vec<&str> = answer["problems"]
        .as_array()
        .unwrap()
        .iter()
        .map(|problem| problem["key"].as_str().unwrap())
        .collect();
    for key in ["team.send_delay", "team.invented"] {
        assert!(keys.contains(&key), "{keys:?}");
    }
    assert!(
        keys.iter().any(|key| key.ends_with("licence_key")),
        "{keys:?}"
    );
    assert!(!answer.to_string().contains("canary"));
    assert_eq!(
        desk.push(&good, "", &started("evt_1", "c1")).await.status,
        202
    );
}

#[tokio::test]
async fn a_token_that_mattermost_refuses_is_asked_for_anew() {
    let desk = Desk::open().await;
    let mattermost = Mattermost::start().await.unwrap();
    let cast = mattermost.furnish();
    let mut said = configuration(&mattermost, &cast);
    said["bot"]["token"] = json!("x".repeat(26));
    desk.configure(&said).await;
    let noticed = async { while status(&desk).await["wanted"]["token"] != json!(true) {} };
    tokio::time::timeout(std::time::Duration::from_secs(20), noticed)
        .await
        .expect("the refusal is noticed");
    said["bot"]["token"] = json!(cast.bot.token);
    let answer = desk.configure(&said).await;
    assert_eq!(answer["wanted"]["token"], false);
}
