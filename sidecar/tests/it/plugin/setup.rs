//! The set-up journey: one command, one pasted key, and conversations appear in the channel it was typed in.

use serde_json::{Value, json};
use sidecar::licence::LicenceKey;
use simulators::{Door, When, ireserve::Says, mattermost::Mattermost};

use super::desk::{ANNA, Desk, SECRET, configuration, ireserve, licence_key, started, webchat};

#[tokio::test]
async fn one_pasted_key_connects_the_channel_it_was_asked_for_in() {
    let desk = Desk::open().await;
    let mattermost = Mattermost::start().await.unwrap();
    let cast = mattermost.furnish();
    let said = configuration(&mattermost, &cast);
    desk.configure(&said).await;
    let (place, (ireserve, key)) = (webchat(&cast), ireserve("acme", 1).await);

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
    // It was asked before, as a test, and told afterwards; it has not called us yet.
    let told = ireserve
        .until("i-Reserve is told", |inbox| {
            let taken = inbox.taken();
            (taken.len() == 2).then(|| taken.to_vec())
        })
        .await;
    assert_eq!(told[0].data["test"], true);
    assert_eq!(told[1].data.get("test"), None);
    assert!(
        text.contains("Nothing received from i-Reserve yet.")
            && text.contains(told[1].data["events_url"].as_str().unwrap()),
        "{text}"
    );
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
    let (place, (_ireserve, key)) = (webchat(&cast), ireserve("acme", 1).await);
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
async fn a_key_that_i_reserve_does_not_take_is_explained_and_changes_nothing() {
    let desk = Desk::open().await;
    let mattermost = Mattermost::start().await.unwrap();
    let cast = mattermost.furnish();
    desk.configure(&configuration(&mattermost, &cast)).await;
    let mut place = webchat(&cast);
    let dialog = desk.types("/ireserve setup", &place).await["dialog"].clone();
    let (ireserve, key) = ireserve("acme", 1).await;
    let (key, host) = (key.expose_text(), ireserve.host());
    for (locale, says, wanted) in [
        (
            "en",
            Says::Status(401),
            json!({"errors": {"licence_key": "i-Reserve refused this key (401). It may have been withdrawn."}}),
        ),
        (
            "nl",
            Says::Status(403),
            json!({"errors": {"licence_key": "i-Reserve weigert deze sleutel (403). Misschien is hij ingetrokken."}}),
        ),
        (
            "en",
            Says::Status(503),
            json!({"error": format!("i-Reserve at {host} answered 503. Nothing was changed. Try again in a minute.")}),
        ),
        (
            "nl",
            Says::Hang,
            json!({"error": format!("Deze server kan {host} niet bereiken: geen antwoord. Controleer de firewall of proxy.")}),
        ),
    ] {
        place["locale"] = json!(locale);
        ireserve.says_to("integration.connected", When::Next(1), says.clone());
        let sent = desk.sends(&dialog, &key, &place).await.json();
        assert_eq!(sent, wanted, "{says:?}");
    }
    place["locale"] = json!("en");
    ireserve.door(Door::Refusing).await.unwrap();
    let sent = desk.sends(&dialog, &key, &place).await.json();
    let wanted = format!("This server can't reach {host}: no answer. Check the firewall or proxy.");
    assert_eq!(sent, json!({"error": wanted}));
    let said = desk
        .plugin("GET", "/v1/plugin/status", None, &Value::Null)
        .await;
    assert_eq!(said.json()["licences"], json!([]));

    ireserve.door(Door::Open).await.unwrap();
    let sent = desk.sends(&dialog, &key, &place).await.json();
    assert!(sent["text"].as_str().unwrap().starts_with("✅"), "{sent}");
}

#[tokio::test]
async fn a_second_key_is_not_taken_for_the_first_ones_sake() {
    let desk = Desk::open().await;
    let mattermost = Mattermost::start().await.unwrap();
    let cast = mattermost.furnish();
    desk.configure(&configuration(&mattermost, &cast)).await;
    let place = webchat(&cast);
    let dialog = desk.types("/ireserve setup", &place).await["dialog"].clone();
    let (ireserve, key) = ireserve("acme", 1).await;
    let sent = desk.sends(&dialog, &key.expose_text(), &place).await.json();
    assert!(sent["text"].is_string(), "{sent}");
    let stranger = LicenceKey::make("acme", &ireserve.host(), [2; 32]).unwrap();
    let sent = desk.sends(&dialog, &stranger.expose_text(), &place).await;
    let error = &sent.json()["errors"]["licence_key"];
    assert!(error.as_str().unwrap().contains("(401)"), "{error}");
    // The first one goes on.
    let pushed = desk.push(&key, "", &started("evt_1", "c1")).await;
    assert_eq!(pushed.status, 202);
}

#[tokio::test]
async fn an_i_reserve_that_calls_when_it_is_told_where_is_said_to_reach_us() {
    let desk = Desk::open().await;
    let mattermost = Mattermost::start().await.unwrap();
    let cast = mattermost.furnish();
    desk.configure(&configuration(&mattermost, &cast)).await;
    let place = webchat(&cast);
    let dialog = desk.types("/ireserve setup", &place).await["dialog"].clone();
    let (ireserve, key) = ireserve("acme", 1).await;
    let calls = async {
        ireserve
            .until("i-Reserve is told where", |inbox| {
                let mut taken = inbox.taken().iter();
                taken
                    .find(|taken| taken.data.get("test").is_none())
                    .map(drop)
            })
            .await;
        let ping = json!({"id": "evt_0", "type": "integration.ping", "data": {}});
        desk.push(&key, "", &ping).await
    };
    let text = key.expose_text();
    let (sent, called) = tokio::join!(desk.sends(&dialog, &text, &place), calls);
    assert_eq!(called.status, 200);
    let sent = sent.json();
    let text = sent["text"].as_str().unwrap();
    assert!(
        text.starts_with("✅ Connected to **acme**. i-Reserve answers in ")
            && text.contains(" ms and can reach this server."),
        "{text}"
    );
}

#[tokio::test]
async fn webhooks_are_wanted_for_every_public_channel_of_the_settings() {
    let desk = Desk::with(&format!(
        "plugin.pairing_secret = \"{SECRET}\"\n[[licence]]\nlicence_key = \"{}\"\nteam = \"support\"\nchannel = \"webchat\"\n\
        departments = {{ sales = \"bookings\", vip = \"vip\", gone = \"nowhere\" }}\n",
        licence_key("acme", 1).expose_text()
    ))
    .await;
    let mattermost = Mattermost::start().await.unwrap();
    let cast = mattermost.furnish();
    let said = configuration(&mattermost, &cast);
    let answer = desk.configure(&said).await;
    let hook =
        |channel: &str| json!({"licence": "acme", "team_id": cast.team_id, "channel_id": channel});
    let both = json!([hook(&cast.webchat), hook(&cast.bookings)]);
    assert_eq!(answer["wanted"]["webhooks"], both);

    // A start while Mattermost is away makes no webhook unwanted.
    let desk = desk.restart().await;
    mattermost.close().await;
    let answer = desk.configure(&said).await;
    assert_eq!(answer["wanted"]["webhooks"], both);
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
