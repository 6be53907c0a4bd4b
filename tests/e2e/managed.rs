//! The plugin in a real server, from the upload to its removal: one value is typed, and nothing is lost on any of the ways in which a
//! plugin comes and goes.
//!
//! Mattermost's plugin host is Mattermost itself, so this journey has no simulated world; what the plugin does there in the small is
//! tested beside it, against a scripted host.

mod bundle;
mod customer;
mod journey;
mod site;
mod times;

use bundle::Later;
use journey::Journey;

#[tokio::test]
#[ignore = "needs a real server: scripts/test --real"]
async fn an_uploaded_plugin_carries_conversations_through_every_way_of_coming_and_going() {
    let archive = bundle::built();
    let mut journey = Journey::installed(&archive).await;
    journey.goes_on("a conversation of each").await;
    journey.is_switched_off_and_on().await;
    let later = Later::of(&archive, "0.1.1");
    journey.is_upgraded(&later).await;
    journey.loses_its_sidecar().await;
    journey.survives_a_restart_of_the_server().await;
    journey.is_removed_and_uploaded_again(&later).await;
    journey.ends().await;
}
