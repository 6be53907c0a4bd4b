//! A managed sidecar ends before its plugin would kill it.

use std::{
    io::{BufRead, BufReader, Write},
    net::SocketAddr,
    process::{Command, Stdio},
    time::Duration,
};

use serde_json::{Value, json};
use tokio::{net::TcpListener, time::Instant};
use tokio_util::task::TaskTracker;

use super::desk::{SECRET, ask, bearer, claims, licence_key, signed, started};

/// The plugin's patience is 7 s.
const LONGEST: Duration = Duration::from_secs(6);

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_managed_sidecar_is_gone_six_seconds_after_its_leash_was_let_go() {
    let folder = tempfile::tempdir().unwrap();
    let mut child = Command::new(env!("CARGO_BIN_EXE_ireserve-sidecar"))
        .env_clear()
        .current_dir(folder.path())
        .args(["serve", "--managed"])
        .stdin(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn()
        .unwrap();
    let mut leash = child.stdin.take().unwrap();
    writeln!(leash, "{}", json!({"plugin.pairing_secret": SECRET})).unwrap();
    let mut log = BufReader::new(child.stderr.take().unwrap()).lines();
    let listening = log
        .find_map(|line| {
            let line = line.unwrap();
            let rest = line.split_once("listening on ")?.1;
            Some(
                rest.split_once(' ')
                    .unwrap()
                    .0
                    .parse::<SocketAddr>()
                    .unwrap(),
            )
        })
        .unwrap();
    let drain = std::thread::spawn(move || log.count());

    // A Mattermost that takes every connection and never answers: a delivery is in flight when the end comes.
    let silent = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let key = licence_key("acme", 1);
    let configuration = json!({
        "site_url": "https://chat.example.org", "mattermost_url": format!("http://{}", silent.local_addr().unwrap()),
        "bot": {"id": "b", "username": "i-reserve", "token": "t".repeat(26)}, "licence_keys": [key.expose_text()],
        "webhooks": [], "team": {},
    });
    let fields = format!("Authorization: Bearer {}\r\n", signed(SECRET, &claims()));
    let path = "/v1/plugin/configuration";
    let said = ask(listening, "PUT", path, &fields, &configuration).await;
    assert_eq!(said.status, 200, "{said:?}");
    let tasks = TaskTracker::new();
    let held = tasks.spawn(async move {
        // Whoever connects, to look or to deliver, is kept waiting.
        let mut held = Vec::new();
        loop {
            held.push(silent.accept().await.unwrap());
        }
    });
    let fields = bearer(&key);
    let waiting = format!("{fields}Prefer: wait=30\r\n");
    let waits = tasks.spawn(async move {
        let event = started("evt_1", "c1");
        ask(listening, "POST", "/v1/events", &waiting, &event).await
    });
    loop {
        let said = ask(listening, "GET", "/v1/events/evt_1", &fields, &Value::Null).await;
        if said.status == 200 && said.json()["attempts"] == 1 {
            break;
        }
    }

    let let_go = Instant::now();
    drop(leash);
    let ended = tokio::task::spawn_blocking(move || child.wait().unwrap());
    let ended = ended.await.unwrap();
    let took = let_go.elapsed();
    assert!(ended.success(), "{ended}");
    assert!(took < LONGEST, "{took:?}");
    assert_eq!(waits.await.unwrap().status, 202);
    drain.join().unwrap();
    held.abort();
}
