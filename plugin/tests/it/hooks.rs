//! What the server tells the plugin, and what the plugin does in the server.

use std::sync::{
    Arc,
    atomic::{AtomicBool, Ordering},
};

use mattermost_plugin::{Context, Three, model::Post};
use serde_json::{Value, json};

use crate::{
    peer::{self, Peer, Seen, is_configuration},
    server::{self, ADMIN, ALICE, BOT, CHANNEL, TEAM, activate, typed},
};

fn post(user: &str, id: &str) -> Post {
    Post {
        id: id.into(),
        root_id: "root".into(),
        channel_id: CHANNEL.into(),
        user_id: user.into(),
        message: "canary".into(),
        ..Post::default()
    }
}

fn hinted(peer: &Peer) -> Vec<Value> {
    let batches = peer
        .seen()
        .into_iter()
        .filter(|one| one.path == "/v1/plugin/hints");
    batches
        .flat_map(|batch| batch.json()["hints"].as_array().unwrap().clone())
        .collect()
}

#[tokio::test]
async fn an_activation_without_any_setting_makes_bot_and_command_and_tells_the_sidecar() {
    let sidecar = peer::sidecar(|_| None).await;
    let state = server::with_external(&sidecar.url());
    let host = activate(&state).await;
    let told = sidecar
        .until("a configuration with a bot", |seen| {
            is_configuration(seen) && seen.json()["bot"]["token"] == "token-1"
        })
        .await;
    let configuration = told.json();
    assert_eq!(configuration["bot"]["id"], BOT);
    assert_eq!(configuration["mattermost_url"], "http://127.0.0.1:1");
    assert_eq!(
        configuration["public_url"],
        "http://127.0.0.1:1/plugins/nl.i-reserve.mattermost"
    );
    assert_eq!(configuration["callbacks"]["allowed"], true);
    assert_eq!(configuration["team"]["send_delay"], "3s");
    assert_eq!(told.claims()["iss"], "ireserve-plugin");
    assert_eq!(told.claims().get("sub"), None);
    let commands = state.lock().unwrap().commands.clone();
    let verbs: Vec<String> = commands[0]
        .autocomplete
        .iter()
        .flat_map(|tree| tree.sub_commands.iter().map(|verb| verb.trigger.clone()))
        .collect();
    assert_eq!(verbs, ["setup", "status", "help", "about"]);
    host.quit().await.unwrap();
}

#[tokio::test]
async fn a_server_that_is_too_old_is_the_only_one_whose_activation_fails() {
    let state = server::fresh();
    state.lock().unwrap().version = "5.35.0".into();
    let mut host = server::start(&state, None).await;
    let refused = host.activate().await.unwrap().unwrap_err();
    assert!(refused.to_string().contains("5.36"), "{refused}");
}

#[tokio::test]
async fn a_persons_name_is_never_taken_for_the_bots() {
    let sidecar = peer::sidecar(|_| None).await;
    let state = server::with_external(&sidecar.url());
    state.lock().unwrap().users[0].username = "i-reserve".into();
    let _host = activate(&state).await;
    let told = sidecar
        .until("a configuration with a bot", |seen| {
            is_configuration(seen) && seen.json()["bot"].is_object()
        })
        .await;
    assert_eq!(told.json()["bot"]["username"], "i-reserve-bot");
    assert_eq!(told.json()["bot"]["id"], BOT);
    let kept = state.lock().unwrap().kept["bot"].clone();
    assert_eq!(
        serde_json::from_slice::<Value>(&kept).unwrap()["first_name_taken"],
        true
    );
}

#[tokio::test]
async fn posts_of_people_become_hints_and_the_bots_own_do_not() {
    let sidecar = peer::sidecar(|_| None).await;
    let state = server::with_external(&sidecar.url());
    let host = activate(&state).await;
    sidecar
        .until("a configuration with a bot", |seen| {
            is_configuration(seen) && seen.json()["bot"].is_object()
        })
        .await;
    host.tell("MessageHasBeenPosted", post(BOT, "own"))
        .await
        .unwrap();
    host.tell("MessageHasBeenPosted", post(ALICE, "first"))
        .await
        .unwrap();
    let edited = Three {
        a: Context::default(),
        b: post(ALICE, "edited"),
        c: post(ALICE, "edited"),
    };
    host.call::<_, ()>("MessageHasBeenUpdated", &edited)
        .await
        .unwrap();
    host.tell("MessageHasBeenDeleted", post(BOT, "card"))
        .await
        .unwrap();
    sidecar
        .until("the deleted post", |seen| {
            seen.body.windows(4).any(|part| part == b"card")
        })
        .await;
    let hints = hinted(&sidecar);
    assert!(hints.contains(
        &json!({"kind": "posted", "post_id": "first", "root_id": "root", "channel_id": CHANNEL})
    ));
    assert!(hints.contains(
        &json!({"kind": "edited", "post_id": "edited", "root_id": "root", "channel_id": CHANNEL})
    ));
    assert!(
        hints.iter().all(|hint| hint["post_id"] != "own"),
        "{hints:?}"
    );
    let texts = sidecar
        .seen()
        .iter()
        .any(|seen| seen.body.windows(6).any(|part| part == b"canary"));
    assert!(!texts, "what people wrote stays in the server");
}

#[tokio::test]
async fn a_command_carries_who_where_and_with_what_rights_and_its_wishes_are_done_first() {
    let sidecar = peer::sidecar(|seen| {
        (seen.path == "/v1/plugin/commands").then(|| {
            json!({"text": "mapped", "attachments": [{"text": "a", "actions": [{"id": "x", "name": "X", "type": "button",
                    "integration": {"url": "/plugins/nl.i-reserve.mattermost/action", "context": {"mac": "m"}}}]}],
                "dialog": {"title": "T", "callback_id": "key"},
                "wanted": {"webhooks": [], "token": false, "members": [{"team_id": TEAM, "channel_id": CHANNEL}]}})
        })
    })
    .await;
    let state = server::with_external(&sidecar.url());
    let host = activate(&state).await;
    sidecar
        .until("a configuration with a bot", |seen| {
            is_configuration(seen) && seen.json()["bot"].is_object()
        })
        .await;
    let answer = host.command(typed(ADMIN, "/ireserve map")).await.unwrap();
    // The bot says it; the answer holds the text as well, but in a form of which the server makes no second post.
    assert_eq!(
        (answer.kind.as_str(), answer.text.as_str()),
        ("said", "mapped")
    );
    assert_eq!(answer.attachments[0].actions[0].name, "X");
    let mut whispered = Vec::new();
    while whispered.is_empty() {
        tokio::task::yield_now().await;
        whispered.clone_from(&state.lock().unwrap().whispered);
    }
    let [post] = whispered.as_slice() else {
        panic!("one is said: {whispered:?}");
    };
    assert_eq!(
        [
            &post.user_id,
            &post.channel_id,
            &post.root_id,
            &post.message
        ],
        [BOT, CHANNEL, "root", "mapped"]
    );
    let below = post.props["attachments"].as_list().unwrap();
    let buttons = below[0].at(&["actions"]).unwrap().as_list().unwrap();
    let mac = buttons[0].at(&["integration", "context", "mac"]);
    assert_eq!(mac.unwrap().as_str(), Some("m"));
    let asked = sidecar
        .until("the command", |seen| seen.path == "/v1/plugin/commands")
        .await;
    assert_eq!(asked.claims()["sub"], ADMIN);
    assert_eq!(
        asked.json(),
        json!({"command": "/ireserve map", "root_id": "root", "trigger_id": "trigger", "where": {
            "team": {"id": TEAM, "name": "support"},
            "channel": {"id": CHANNEL, "name": "vip", "display_name": "Vip", "type": "P"},
            "locale": "en", "rights": {"admin": true, "manage_channel": true, "member": false}}})
    );
    let state = state.lock().unwrap();
    assert_eq!(state.joined, [format!("{BOT} in {CHANNEL}")]);
    assert_eq!(state.dialogs[0].dialog.title, "T");
    assert_eq!(
        state.dialogs[0].url,
        "/plugins/nl.i-reserve.mattermost/dialog"
    );
}

#[tokio::test]
async fn as_long_as_there_is_no_bot_the_server_says_what_a_command_answers() {
    let sidecar = peer::sidecar(|seen| {
        (seen.path == "/v1/plugin/commands").then(|| json!({"text": "so it is"}))
    })
    .await;
    let state = server::with_external(&sidecar.url());
    for (place, name) in ["i-reserve", "i-reserve-bot"].into_iter().enumerate() {
        state.lock().unwrap().users[place].username = name.into();
    }
    let host = activate(&state).await;
    sidecar.until("a configuration", is_configuration).await;
    let answer = host.command(typed(ADMIN, "/ireserve")).await.unwrap();
    assert_eq!(
        (answer.kind.as_str(), answer.text.as_str()),
        ("ephemeral", "so it is")
    );
    assert!(state.lock().unwrap().whispered.is_empty());
}

#[tokio::test]
async fn without_a_sidecar_people_are_told_so_in_their_language() {
    let state = server::fresh();
    state.lock().unwrap().console = json!({"sidecar_mode": "external"});
    let host = activate(&state).await;
    let of = async |user, command| host.command(typed(user, command)).await.unwrap().text;
    assert!(
        of(ALICE, "/ireserve take")
            .await
            .starts_with("i-Reserve draait")
    );
    assert!(
        of(ALICE, "/ireserve status")
            .await
            .starts_with("i-Reserve draait")
    );
    assert!(of(ADMIN, "/ireserve status").await.contains("sidecar_url"));
    assert!(of(ADMIN, "/ireserve").await.contains("/ireserve setup"));
    assert!(
        of(ALICE, "/ireserve about")
            .await
            .contains(env!("CARGO_PKG_VERSION"))
    );
}

#[tokio::test]
async fn the_line_for_an_external_sidecar_is_shown_once_and_to_administrators_only() {
    let sidecar = peer::sidecar(|_| None).await;
    let state = server::with_external(&sidecar.url());
    let host = activate(&state).await;
    let of = async |user, command| host.command(typed(user, command)).await.unwrap().text;
    assert!(
        of(ALICE, "/ireserve setup sidecar")
            .await
            .contains("systeembeheerders")
    );
    assert_eq!(of(ADMIN, "/ireserve setup sidecar").await, "");
    let kept = state.lock().unwrap().kept["pairing"].clone();
    let secret = serde_json::from_slice::<Value>(&kept).unwrap()["secret"].clone();
    let line = state.lock().unwrap().dialogs[0].dialog.elements[0]
        .default
        .clone();
    assert_eq!(
        line,
        format!(
            "IRESERVE__PLUGIN__PAIRING_SECRET={}",
            secret.as_str().unwrap()
        )
    );
    assert!(
        of(ADMIN, "/ireserve setup sidecar")
            .await
            .contains("setup sidecar new")
    );
    assert_eq!(state.lock().unwrap().dialogs.len(), 1);
}

#[tokio::test]
async fn a_token_that_the_server_refuses_is_made_anew_once() {
    let refused = Arc::new(AtomicBool::new(true));
    let still = Arc::clone(&refused);
    let sidecar = peer::sidecar(move |seen| {
        if !is_configuration(seen) {
            return None;
        }
        let old = seen.json()["bot"]["token"] == "token-1";
        still.fetch_and(old || !seen.json()["bot"].is_object(), Ordering::SeqCst);
        Some(json!({"state": "unconnected", "problems": [], "wanted": {"webhooks": [], "token": old}}))
    })
    .await;
    let state = server::with_external(&sidecar.url());
    let _host = activate(&state).await;
    sidecar
        .until("the new token", |seen| {
            is_configuration(seen) && seen.json()["bot"]["token"] == "token-2"
        })
        .await;
    assert!(!refused.load(Ordering::SeqCst));
    assert_eq!(state.lock().unwrap().tokens, 2);
}

/// A server whose REST interface takes webhooks from whoever has the right at that moment.
async fn rest(state: &server::Shared, hooks: &Arc<std::sync::Mutex<Vec<Value>>>) -> Peer {
    let (state, hooks) = (Arc::clone(state), Arc::clone(hooks));
    Peer::start(move |seen: &Seen| {
        let lent = state
            .lock()
            .unwrap()
            .roles
            .last()
            .is_some_and(|roles| roles.contains("team_admin"));
        if !lent || seen.headers["authorization"] != "Bearer token-1" {
            return peer::answer(403, &json!({"id": "api.context.permissions.app_error"}));
        }
        let mut hooks = hooks.lock().unwrap();
        if seen.method == "POST" {
            let mut hook = seen.json();
            hook["id"] = format!("hook-{}", hooks.len()).into();
            hook["creator_id"] = BOT.into();
            hooks.push(hook.clone());
            return peer::answer(201, &hook);
        }
        if seen.method == "DELETE" {
            hooks.retain(|hook| !seen.path.ends_with(hook["id"].as_str().unwrap()));
            return peer::answer(200, &json!({"status": "OK"}));
        }
        peer::answer(200, &Value::Array(hooks.clone()))
    })
    .await
}

#[tokio::test]
async fn wanted_webhooks_are_made_once_with_a_right_that_is_lent_and_deleted_when_not_wanted() {
    let state = server::fresh();
    let hooks = Arc::new(std::sync::Mutex::new(Vec::new()));
    let rest = rest(&state, &hooks).await;
    let wanted = Arc::new(AtomicBool::new(true));
    let wishes = Arc::clone(&wanted);
    let sidecar = peer::sidecar(move |seen| {
        let webhooks = match wishes.load(Ordering::SeqCst) {
            true => json!([{"licence": "acme", "team_id": TEAM, "channel_id": CHANNEL}]),
            false => json!([]),
        };
        let wanted = json!({"webhooks": webhooks, "token": false});
        match seen.path.as_str() {
            "/v1/plugin/status" => Some(json!({"configured": true, "wanted": wanted})),
            "/v1/plugin/configuration" => {
                Some(json!({"state": "connected", "problems": [], "wanted": wanted}))
            }
            _ => None,
        }
    })
    .await;
    {
        let mut state = state.lock().unwrap();
        state.console = json!({"sidecar_mode": "external", "sidecar_url": sidecar.url()});
        state.listen = rest.address.to_string();
        state.bot_is_in_team();
    }
    let host = activate(&state).await;
    let told = sidecar
        .until("a webhook's token", |seen| {
            is_configuration(seen) && seen.json()["webhooks"][0]["token"].is_string()
        })
        .await;
    let hook = hooks.lock().unwrap()[0].clone();
    assert_eq!(hook["token"], told.json()["webhooks"][0]["token"]);
    assert_eq!(
        hook["callback_urls"],
        json!(["http://127.0.0.1:1/plugins/nl.i-reserve.mattermost/v1/hooks/mattermost"])
    );
    assert_eq!(
        state.lock().unwrap().roles,
        ["team_user team_admin", "team_user"]
    );
    assert_eq!(state.lock().unwrap().kept["lent"], b"[]");
    host.quit().await.unwrap();

    // Another activation, with the right still noted from a moment that was cut off: it is taken back, and nothing is doubled.
    state.lock().unwrap().kept.insert(
        "lent".into(),
        json!([{"team_id": TEAM, "roles_before": "team_user"}])
            .to_string()
            .into_bytes(),
    );
    let before = sidecar.seen().len();
    let host = activate(&state).await;
    sidecar
        .until("the same token again", |seen| {
            sidecar.seen().len() > before
                && is_configuration(seen)
                && seen.json()["webhooks"][0]["token"] == hook["token"]
        })
        .await;
    sidecar
        .until("status", |seen| seen.path == "/v1/plugin/status")
        .await;
    assert_eq!(hooks.lock().unwrap().len(), 1);
    wanted.store(false, Ordering::SeqCst);
    rest.until("the deletion", |seen| seen.method == "DELETE")
        .await;
    assert!(hooks.lock().unwrap().is_empty());
    drop(host);
}
