//! The built example `probe` as a process: handshake, both ends, and what a person sees who starts it by hand.

use std::path::PathBuf;
use std::process::Command;

use mattermost_plugin::host::Host;
use mattermost_plugin::model::Command as SlashCommand;
use mattermost_plugin::{Error, Failure, One};

use crate::plugin::typed;

/// Cargo builds examples with the tests, two folders up from here.
fn probe() -> PathBuf {
    let here = std::env::current_exe().unwrap();
    here.parent()
        .unwrap()
        .parent()
        .unwrap()
        .join("examples/probe")
}

async fn active() -> Host {
    let mut host = Host::launch(&probe()).await.unwrap();
    host.answer("LoadPluginConfiguration", |(): ()| One {
        a: b"{}".to_vec(),
    });
    host.answer("RegisterCommand", |_: One<SlashCommand>| One {
        a: None::<Failure>,
    });
    host.answer("LogInfo", |(): ()| ());
    host.activate().await.unwrap().unwrap();
    host
}

#[tokio::test]
async fn a_process_goes_through_the_handshake_serves_and_ends_after_the_goodbye() {
    let host = active().await;
    assert_eq!(host.implemented().await.unwrap().len(), 10);
    let request = http::Request::builder()
        .uri("/hello")
        .body(Vec::new())
        .unwrap();
    assert_eq!(host.request(request).await.unwrap().status(), 200);
    host.quit().await.unwrap();
}

#[tokio::test]
async fn a_process_whose_server_disappears_ends_by_itself() {
    active().await.vanish().await.unwrap();
}

#[tokio::test]
async fn a_process_survives_its_panics_and_not_its_aborts() {
    let host = active().await;
    assert!(matches!(
        host.command(typed("/probe panic", "uid")).await,
        Err(Error::Refused { .. })
    ));
    host.ping().await.unwrap();
    let request = http::Request::builder()
        .uri("/abort")
        .body(Vec::new())
        .unwrap();
    assert!(matches!(host.request(request).await, Err(Error::Gone(_))));
    host.vanish().await.unwrap();
}

#[test]
fn a_person_who_starts_it_by_hand_reads_a_sentence() {
    let output = Command::new(probe())
        .env_remove("MATTERMOST_PLUGIN")
        .output()
        .unwrap();
    assert_eq!(output.status.code(), Some(1));
    assert!(output.stdout.is_empty());
    let said = String::from_utf8(output.stderr).unwrap();
    assert!(
        said.starts_with("[ERROR] this is a Mattermost plugin"),
        "{said}"
    );
}
