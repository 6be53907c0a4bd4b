//! The managed sidecar, as a small script: started, held, read, started again, ended.

use std::{
    os::unix::fs::PermissionsExt as _,
    path::{Path, PathBuf},
};

use mattermost_plugin::{Failure, One, host::Host};
use serde_json::{Value, json};
use tempfile::TempDir;

use crate::{
    peer::{self, Peer, is_configuration},
    server::{self, ADMIN, typed},
};

/// Notes how it was started, says where the peer listens, and waits for its leash. `then` is what follows.
fn script(folder: &Path, peer: &Peer, then: &str) -> PathBuf {
    let program = folder.join("sidecar");
    let text = format!(
        r#"#!/bin/sh
read -r line
printf '%s' "$line" > first-line
tr '\0' '\n' < /proc/$$/environ > environment
printf '%s' "$*" > arguments
echo start >> starts
echo '{{"@message":5}}' >&2
echo '{{"level":"INFO","message":"listening on {} (admin 127.0.0.1:1)"}}' >&2
{then}
"#,
        peer.address
    );
    std::fs::write(&program, text).unwrap();
    std::fs::set_permissions(&program, std::fs::Permissions::from_mode(0o755)).unwrap();
    program
}

const UNTIL_LET_GO: &str = "cat > /dev/null; echo let go > ended";

async fn active(folder: &TempDir, program: &Path) -> (Host, server::Shared) {
    let state = server::fresh();
    state.lock().unwrap().files = folder.path().to_str().unwrap().into();
    let mut host = server::start(&state, Some(program)).await;
    host.activate().await.unwrap().unwrap();
    (host, state)
}

async fn deactivate(host: &Host) {
    let One { a }: One<Option<Failure>> = host.call("OnDeactivate", &()).await.unwrap();
    assert_eq!(a, None);
}

#[tokio::test]
async fn the_sidecar_gets_one_line_an_empty_environment_and_a_folder_of_its_own() {
    let folder = tempfile::tempdir().unwrap();
    let sidecar = peer::sidecar(|_| None).await;
    let program = script(folder.path(), &sidecar, UNTIL_LET_GO);
    let (host, _) = active(&folder, &program).await;
    sidecar.until("a configuration", is_configuration).await;

    let data = folder.path().join("ireserve");
    assert_eq!(
        std::fs::metadata(&data).unwrap().permissions().mode() & 0o777,
        0o700
    );
    let read = |name: &str| std::fs::read_to_string(data.join(name)).unwrap();
    let line: Value = serde_json::from_str(&read("first-line")).unwrap();
    assert_eq!(
        line["store.url"],
        format!("sqlite:{}/ireserve.db", data.display())
    );
    assert_eq!(line["plugin.pairing_secret"].as_str().unwrap().len(), 43);
    assert_eq!(read("environment").trim(), "");
    assert_eq!(read("arguments"), "serve --managed");

    deactivate(&host).await;
    assert_eq!(read("ended"), "let go\n");
    let answer = host
        .request(http::Request::get("/v1/events/x").body(Vec::new()).unwrap())
        .await
        .unwrap();
    assert_eq!(answer.status(), 503);
}

#[tokio::test]
async fn a_sidecar_that_ends_is_started_again_with_another_secret() {
    let folder = tempfile::tempdir().unwrap();
    let sidecar = peer::sidecar(|_| None).await;
    let then = format!(
        "[ $(wc -l < starts) -gt 1 ] || {{ cp first-line before; exit 3; }}\n{UNTIL_LET_GO}"
    );
    let program = script(folder.path(), &sidecar, &then);
    let (host, _) = active(&folder, &program).await;
    let starts = folder.path().join("ireserve/starts");
    let twice = |_: &peer::Seen| {
        std::fs::read_to_string(&starts).is_ok_and(|starts| starts == "start\nstart\n")
    };
    sidecar.until("a call after the second start", twice).await;
    let read =
        |name: &str| std::fs::read_to_string(folder.path().join("ireserve").join(name)).unwrap();
    assert_ne!(read("before"), read("first-line"));
    deactivate(&host).await;
}

#[tokio::test]
async fn a_sidecar_that_holds_on_is_killed() {
    let folder = tempfile::tempdir().unwrap();
    let sidecar = peer::sidecar(|_| None).await;
    let program = script(
        folder.path(),
        &sidecar,
        "echo $$ > number; exec tail -f /dev/null",
    );
    let (host, _) = active(&folder, &program).await;
    sidecar.until("a configuration", is_configuration).await;
    deactivate(&host).await;
    let number = std::fs::read_to_string(folder.path().join("ireserve/number")).unwrap();
    assert!(!Path::new("/proc").join(number.trim()).exists());
}

#[tokio::test]
async fn a_program_that_cannot_start_and_a_cluster_are_said_to_administrators() {
    let folder = tempfile::tempdir().unwrap();
    let (host, state) = active(&folder, Path::new("/nonexistent/sidecar")).await;
    let status = async |host: &Host| {
        host.command(typed(ADMIN, "/ireserve status"))
            .await
            .unwrap()
            .text
    };
    // The first words are that it is starting; the next, why not.
    let mut said = status(&host).await;
    while !said.contains("/nonexistent/sidecar") {
        assert!(said.contains("starting"), "{said}");
        tokio::task::yield_now().await;
        said = status(&host).await;
    }
    drop(host);
    state.lock().unwrap().cluster = true;
    let mut host = server::start(&state, Some(Path::new("/nonexistent/sidecar"))).await;
    host.activate().await.unwrap().unwrap();
    while !status(&host).await.contains("cluster") {
        tokio::task::yield_now().await;
    }
}

#[tokio::test]
async fn a_changed_console_value_is_put_and_a_changed_folder_restarts_the_sidecar() {
    let folder = tempfile::tempdir().unwrap();
    let sidecar = peer::sidecar(|_| None).await;
    let program = script(folder.path(), &sidecar, UNTIL_LET_GO);
    let (host, state) = active(&folder, &program).await;
    sidecar.until("a configuration", is_configuration).await;
    let changed = async |console: Value| {
        state.lock().unwrap().console = console;
        let One { a }: One<Option<Failure>> =
            host.call("OnConfigurationChange", &()).await.unwrap();
        assert_eq!(a, None);
    };
    changed(json!({"send_delay_seconds": 9})).await;
    sidecar
        .until("the new value", |seen| {
            is_configuration(seen) && seen.json()["team"]["send_delay"] == "9s"
        })
        .await;
    let starts = |place: &Path| std::fs::read_to_string(place.join("starts")).unwrap_or_default();
    assert_eq!(starts(&folder.path().join("ireserve")), "start\n");
    let other = folder.path().join("other");
    changed(json!({"data_directory": other.to_str().unwrap(), "send_delay_seconds": 8})).await;
    sidecar
        .until("the value of the second", |seen| {
            is_configuration(seen)
                && seen.json()["team"]["send_delay"] == "8s"
                && starts(&other) == "start\n"
        })
        .await;
    assert!(folder.path().join("ireserve/ended").exists());
    deactivate(&host).await;
}
