//! The set-up journey: one command, one pasted key, and conversations appear in the channel it was typed in.

use serde_json::{Value, json};
use simulators::mattermost::Mattermost;

use super::desk::{ANNA, Desk, SECRET, configuration, licence_key, started, webchat};

#[tokio::test]
async fn one_pasted_key_connects_the_channel_it_was_asked_for_in() {
    let desk = Desk::open().await;
    let mattermost = Mattermost::start().await.unwrap();
    let cast = mattermost.furnish();
    let said = configuration(&mattermost, &cast);
    desk.configure(&said).await;
    let (place, key) = (webchat(&cast), licence_key("acme", 1));

    let answer = desk.types("/ireserve setup", &place).await;
    let dialog = &answer["dialog"];
    assert_eq!(dialog["title"], "Connect i-Reserve");
    assert_eq!(dialog["elements"][0]["subtype"], "password");
    let sent = desk.sends(dialog, &key.expose_text(), &place).await;
    assert_eq!(sent.status, 200);
    let sent = sent.json();
    assert_eq!(sent["errors"], Value::Null, "{sent}");
    let text = sent["text"].as_str().unwrap();
    assert!(
        text.contains("~webchat") && text.contains("**acme**") && text.contains("is public"),
        "{text}"
    );
    assert!(!text.contains("ir1."));
    let hook = json!({"licence": "acme", "team_id": cast.team_id, "channel_id": cast.webchat});
    let member = json!({"team_id": cast.team_id, "channel_id": cast.webchat});
    assert_eq!(
        sent["wanted"],
        json!({"webhooks": [hook.clone()], "members": [member], "token": false})
    );

    let posted = desk
        .push(&key, "Prefer: wait=20\r\n", &started("evt_1", "c1"))
        .await;
    assert_eq!(posted.status, 200, "{posted:?}");
    assert_eq!(posted.json()["channel_id"], cast.webchat.as_str());
    let booked = json!({"id": "evt_2", "type": "notification", "data": {"notification_type": "booking.confirmed", "text": "Two lanes"}});
    let booked = desk.push(&key, "Prefer: wait=20\r\n", &booked).await;
    assert_eq!(
        booked.json()["channel_id"],
        cast.webchat.as_str(),
        "{booked:?}"
    );

    // The plugin makes the webhook and says its token; members are nobody's business but an admin's.
    let mut with_hook = said.clone();
    with_hook["webhooks"] =
        json!([{"licence": "acme", "channel_id": cast.webchat, "token": "t".repeat(26)}]);
    let answer = desk.configure(&with_hook).await;
    assert_eq!(answer["state"], "connected");
    assert_eq!(
        answer["wanted"],
        json!({"webhooks": [hook], "token": false})
    );
    assert_eq!(answer["tree"]["SubCommands"][0]["Trigger"], "status");
}

#[tokio::test]
async fn a_restart_keeps_what_was_decided_and_posts_nothing_before_the_plugin_speaks() {
    let desk = Desk::open().await;
    let mattermost = Mattermost::start().await.unwrap();
    let cast = mattermost.furnish();
    let said = configuration(&mattermost, &cast);
    desk.configure(&said).await;
    let (place, key) = (webchat(&cast), licence_key("acme", 1));
    let answer = desk.types("/ireserve setup", &place).await;
    desk.sends(&answer["dialog"], &key.expose_text(), &place)
        .await;

    let desk = desk.restart().await;
    let early = desk
        .push(&key, "Prefer: wait=1\r\n", &started("evt_1", "c1"))
        .await;
    assert_eq!(
        (early.status, early.json()["status"].clone()),
        (202, json!("accepted"))
    );
    assert!(mattermost.roots(&cast.webchat).is_empty());
    let stranger = desk
        .push(&licence_key("other", 2), "", &started("evt_1", "c1"))
        .await;
    assert_eq!(stranger.status, 503);

    let answer = desk.configure(&said).await;
    assert_eq!(answer["state"], "connected");
    assert_eq!(
        answer["wanted"]["webhooks"][0]["channel_id"],
        cast.webchat.as_str()
    );
    let again = desk
        .push(&key, "Prefer: wait=20\r\n", &started("evt_1", "c1"))
        .await;
    assert_eq!(again.json()["state"], "delivered", "{again:?}");
    assert_eq!(mattermost.roots(&cast.webchat).len(), 1);
}

#[tokio::test]
async fn a_wrong_key_is_explained_at_its_field_and_changes_nothing() {
    let desk = Desk::open().await;
    let mattermost = Mattermost::start().await.unwrap();
    let cast = mattermost.furnish();
    desk.configure(&configuration(&mattermost, &cast)).await;
    let mut place = webchat(&cast);
    let dialog = desk.types("/ireserve setup", &place).await["dialog"].clone();
    let key = licence_key("acme", 1).expose_text();
    let half = key.split('@').next().unwrap().to_owned();
    for (locale, typed, wanted) in [
        (
            "en",
            "hunter2",
            "That is not a licence key. It starts with `ir1.`",
        ),
        (
            "nl",
            "hunter2",
            "Dat is geen licentiesleutel. Een sleutel begint met `ir1.`",
        ),
        ("en", "", "That is not a licence key. It starts with `ir1.`"),
        (
            "en",
            &half,
            "That key is incomplete: the end is missing. Copy it again.",
        ),
        (
            "nl",
            &half,
            "Die sleutel is niet compleet: het einde ontbreekt. Kopieer hem opnieuw.",
        ),
        (
            "en",
            &key.replace("acme.A", "acme.B"),
            "That key contains a mistake. Copy it instead of typing it.",
        ),
    ] {
        place["locale"] = json!(locale);
        let sent = desk.sends(&dialog, typed, &place).await.json();
        assert_eq!(sent, json!({"errors": {"licence_key": wanted}}), "{typed}");
    }
    let said = desk
        .plugin("GET", "/v1/plugin/status", None, &Value::Null)
        .await;
    assert_eq!(said.json()["licences"], json!([]));
}

#[tokio::test]
async fn only_an_admin_sets_up_and_only_where_a_team_can_answer() {
    let desk = Desk::open().await;
    let mattermost = Mattermost::start().await.unwrap();
    let cast = mattermost.furnish();
    desk.configure(&configuration(&mattermost, &cast)).await;
    let admin = webchat(&cast);
    let mut member = admin.clone();
    member["rights"] = json!({"admin": false, "manage_channel": true, "member": true});
    let refused = desk.types("/ireserve setup", &member).await;
    assert_eq!(refused, json!({"text": "Only system admins can do this."}));
    // The right may go between the dialog and its answer.
    let dialog = desk.types("/ireserve setup", &admin).await["dialog"].clone();
    let sent = desk
        .sends(&dialog, &licence_key("acme", 1).expose_text(), &member)
        .await;
    assert_eq!(
        sent.json(),
        json!({"error": "Only system admins can do this."})
    );

    let mut direct = admin.clone();
    direct["team"] = json!({"id": "", "name": ""});
    direct["channel"]["type"] = json!("D");
    let elsewhere = desk.types("/ireserve setup", &direct).await;
    assert_eq!(elsewhere["dialog"], Value::Null);
    assert!(
        elsewhere["text"]
            .as_str()
            .unwrap()
            .contains("in the channel where")
    );
}

#[tokio::test]
async fn a_dialog_that_we_did_not_show_this_person_is_forbidden() {
    let desk = Desk::open().await;
    let mattermost = Mattermost::start().await.unwrap();
    let cast = mattermost.furnish();
    desk.configure(&configuration(&mattermost, &cast)).await;
    let place = webchat(&cast);
    let dialog = desk.types("/ireserve setup", &place).await["dialog"].clone();
    let key = licence_key("acme", 1).expose_text();
    let state = dialog["state"].as_str().unwrap();
    let elsewhere = state.replace(&cast.webchat, &cast.vip);
    for (callback, state) in [
        ("setupkey", ""),
        ("setupkey", elsewhere.as_str()),
        ("another", state),
    ] {
        let forged = json!({"callback_id": callback, "state": state});
        assert_eq!(
            desk.sends(&forged, &key, &place).await.status,
            403,
            "{callback} {state}"
        );
    }
    let body = json!({"callback_id": "setupkey", "state": state, "submission": {"licence_key": key}, "where": place});
    let other = "b".repeat(26);
    let said = desk
        .plugin("POST", "/v1/plugin/dialogs", Some(&other), &body)
        .await;
    assert_eq!(said.status, 403);
    let body = json!({"callback_id": "setupkey", "state": state, "cancelled": true, "submission": {}, "where": place});
    let said = desk
        .plugin("POST", "/v1/plugin/dialogs", Some(ANNA), &body)
        .await;
    assert!(
        said.json()["text"]
            .as_str()
            .unwrap()
            .starts_with("Set-up paused.")
    );
}

#[tokio::test]
async fn what_the_file_fixes_cannot_be_changed_from_mattermost() {
    let mattermost = Mattermost::start().await.unwrap();
    let cast = mattermost.furnish();
    let key = licence_key("acme", 1);
    let desk = Desk::with(&format!(
        "plugin.pairing_secret = \"{SECRET}\"\n[[licence]]\nid = \"acme\"\nteam = \"support\"\nchannel = \"bookings\"\n"
    ))
    .await;
    desk.configure(&configuration(&mattermost, &cast)).await;
    let place = webchat(&cast);
    let dialog = desk.types("/ireserve setup", &place).await["dialog"].clone();
    let sent = desk.sends(&dialog, &key.expose_text(), &place).await.json();
    let error = sent["error"].as_str().unwrap();
    assert!(error.contains("`licence.acme.channel`"), "{error}");
    assert_eq!(
        desk.push(&key, "", &started("evt_1", "c1")).await.status,
        401
    );
}
