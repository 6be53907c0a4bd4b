//! What people type and press, and what they are told.

use serde_json::{Value, json};
use simulators::mattermost::{Cast, Mattermost};

use super::desk::{ANNA, Desk, configuration, ireserve, webchat};

async fn configured() -> (Desk, Mattermost, Cast) {
    let desk = Desk::open().await;
    let mattermost = Mattermost::start().await.unwrap();
    let cast = mattermost.furnish();
    desk.configure(&configuration(&mattermost, &cast)).await;
    (desk, mattermost, cast)
}

fn member(cast: &Cast, locale: &str) -> Value {
    let mut place = webchat(cast);
    place["locale"] = json!(locale);
    place["rights"] = json!({"admin": false, "manage_channel": false, "member": true});
    place
}

async fn says(desk: &Desk, command: &str, place: &Value) -> String {
    let answer = desk.types(command, place).await;
    answer["text"].as_str().unwrap().to_owned()
}

#[tokio::test]
async fn before_connecting_people_hear_the_next_step_and_admins_get_a_button_for_it() {
    let (desk, _mattermost, cast) = configured().await;
    let text = says(&desk, "/ireserve", &member(&cast, "nl")).await;
    assert!(
        text.starts_with("i-Reserve is nog niet gekoppeld."),
        "{text}"
    );
    let answer = desk.types("/ireserve", &webchat(&cast)).await;
    let button = &answer["attachments"][0]["actions"][0];
    assert_eq!(button["name"], "Set up now");
    assert_eq!(
        button["integration"]["url"],
        "/plugins/nl.i-reserve.mattermost/action"
    );

    let press = |context: Value, place: Value| {
        let body = json!({"context": context, "post_id": "p", "trigger_id": "t", "where": place});
        let desk = &desk;
        async move {
            desk.plugin("POST", "/v1/plugin/actions", Some(ANNA), &body)
                .await
        }
    };
    let context = button["integration"]["context"].clone();
    let pressed = press(context.clone(), webchat(&cast)).await;
    assert_eq!(pressed.json()["dialog"]["callback_id"], "setupkey");
    let refused = press(context.clone(), member(&cast, "en")).await.json();
    assert_eq!(
        refused,
        json!({"ephemeral_text": "Only system admins can do this."})
    );
    let mut forged = context;
    forged["licence"] = json!("acme");
    assert_eq!(press(forged, webchat(&cast)).await.status, 403);
    assert_eq!(
        press(json!({"action": "setup"}), webchat(&cast))
            .await
            .status,
        403
    );
}

#[tokio::test]
async fn an_unknown_verb_is_answered_with_the_nearest_one_in_the_readers_language() {
    let (desk, _mattermost, cast) = configured().await;
    assert_eq!(
        says(&desk, "/ireserve staus", &member(&cast, "en")).await,
        "I don't know `staus`. Did you mean `/ireserve status`? All commands: `/ireserve help commands`."
    );
    assert_eq!(
        says(&desk, "/ireserve staus", &member(&cast, "nl-NL")).await,
        "`staus` ken ik niet. Bedoel je `/ireserve status`? Alle opdrachten: `/ireserve help commands`."
    );
    let none = says(&desk, "/ireserve ban`@all`", &member(&cast, "en")).await;
    assert_eq!(
        none,
        "I don't know `banall`. All commands: `/ireserve help commands`."
    );
}

#[tokio::test]
async fn help_and_status_know_who_asks_and_where() {
    let (desk, _mattermost, cast) = configured().await;
    let (_ireserve, key) = ireserve("acme", 1).await;
    let dialog = desk.types("/ireserve setup", &webchat(&cast)).await["dialog"].clone();
    desk.sends(&dialog, &key.expose_text(), &webchat(&cast))
        .await;

    let help = says(&desk, "/ireserve help", &member(&cast, "en")).await;
    assert!(
        help.contains("**Reply in a conversation's thread**"),
        "{help}"
    );
    assert!(!help.contains("setup"), "{help}");
    let mut elsewhere = member(&cast, "en");
    elsewhere["channel"] =
        json!({"id": cast.vip, "name": "vip", "display_name": "Vip", "type": "P"});
    let unmapped = says(&desk, "/ireserve help", &elsewhere).await;
    assert_eq!(unmapped, "This channel is not connected to i-Reserve.");

    let short = says(&desk, "/ireserve status", &member(&cast, "nl")).await;
    let lines: Vec<&str> = short.lines().collect();
    assert_eq!(lines.len(), 3, "{short}");
    assert!(
        lines[0].contains("i-Reserve: acme · geen gebeurtenis"),
        "{short}"
    );
    assert!(
        lines[1].contains("Webchat: gekoppeld aan **acme**"),
        "{short}"
    );
    assert_eq!(
        lines[2],
        "🟢 Wachtrij: 0 naar bezoekers · 0 naar Mattermost · 0 geweigerd"
    );

    let full = says(&desk, "/ireserve status", &webchat(&cast)).await;
    for part in [
        "**i-Reserve 0.1.0** · ",
        "🟢 Sidecar: external, node mm",
        "🟢 Store: built in · ",
        "🟢 Queue: 0 to visitors",
        "🟢 Channels: 1 connected",
    ] {
        assert!(full.contains(part), "{part}: {full}");
    }
    assert!(
        !full.contains("Webhook"),
        "the server may call itself: {full}"
    );
    let about = says(&desk, "/ireserve about", &member(&cast, "en")).await;
    assert!(
        about.contains("plugin 0.1.0") && about.contains("Mattermost 11.6.0"),
        "{about}"
    );
}

#[tokio::test]
async fn lists_are_looked_up_in_the_readers_language() {
    let (desk, _mattermost, cast) = configured().await;
    let ask = async |list: &str| {
        let body = json!({"list": list, "user_input": "/ireserve help ", "root_id": "", "where": member(&cast, "nl")});
        let said = desk
            .plugin("POST", "/v1/plugin/autocomplete", Some(ANNA), &body)
            .await;
        assert_eq!(said.status, 200);
        said.json()
    };
    let topics = ask("topics").await;
    assert_eq!(
        topics[1],
        json!({"item": "notes", "hint": "", "help_text": "Wat binnen het team blijft"})
    );
    assert_eq!(ask("nonsense").await, json!([]));
}
