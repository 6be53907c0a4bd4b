//! A thousand parked events, repaired and replayed twice, with a kill in between (T14, P8).

use serde_json::json;
use simulators::client::{Answered, Client};
use simulators::ireserve::event::{message, updated};

use crate::harness::{Setting, Stage, Words};
use crate::load;

const LANES: usize = 50;
const EDITS: usize = 19;
const POISON: &str = "poison";

#[tokio::test]
async fn a_thousand_parked_events_are_replayed_once_and_in_order() {
    let mut stage = load::simulated(Setting::default()).await;
    let teller = stage.teller.clone();
    load::mattermost(&stage).set(|settings| settings.plugin_refuses = vec![POISON.to_owned()]);
    // Edits of a parked message are parked behind it, without a try of their own.
    for lane in 0..LANES {
        let (conversation, first) = (format!("c{lane}"), format!("e{lane}-0"));
        let mut events = vec![message(&first, &conversation, "Sanne", POISON)];
        let edits = (1..=EDITS).map(|edit| {
            let id = format!("e{lane}-{edit}");
            updated(
                &id,
                &conversation,
                &format!("m-{first}"),
                &format!("{POISON} number {edit}"),
            )
        });
        events.extend(edits);
        teller.tell(&json!(events)).await;
    }
    for lane in 0..LANES {
        teller
            .until_it_is(&format!("e{lane}-{EDITS}"), "parked")
            .await;
    }
    let listed = call(&stage, "GET", "/v1/failed?limit=1000", "")
        .await
        .json();
    assert_eq!(
        listed["items"].as_array().unwrap().len(),
        LANES * (EDITS + 1)
    );

    load::mattermost(&stage).set(|settings| settings.plugin_refuses.clear());
    let replayed = call(&stage, "POST", "/v1/failed/retry", r#"{"filter":{}}"#).await;
    assert_eq!(replayed.json()["count"], json!(LANES * (EDITS + 1)));
    teller.until_it_is("e0-0", "delivered").await;
    stage.kill_and_start_again().await;
    let again = call(&stage, "POST", "/v1/failed/retry", r#"{"filter":{}}"#).await;
    assert_eq!(again.json()["count"], json!(0));

    for lane in 0..LANES {
        let last = format!("**Sanne:** {POISON} number {EDITS}");
        let leaves = [Words::holding("can't be shown here"), Words::exactly(last)];
        teller.leaves(&format!("e{lane}-0"), leaves);
    }
    stage.finish().await;
}

async fn call(stage: &Stage, method: &str, path: &str, body: &'static str) -> Answered {
    let url = format!("{}{path}", stage.sidecar().admin_url());
    let json = [("content-type", "application/json")];
    let answer = Client::default()
        .call(method.parse().unwrap(), &url, &json, body)
        .await
        .unwrap();
    assert_eq!(answer.status, 200, "{path}: {}", answer.text());
    answer
}
