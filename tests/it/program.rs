//! Processes are started, heard and ended.

use std::time::Duration;

use simulators::program::{Launch, ProgramError, Redis, Settings, Sidecar, built};
use tokio::io::{AsyncReadExt, AsyncWriteExt};

fn shell(script: &str) -> Launch {
    Launch::of("sh").arguments(["-c", script])
}

#[tokio::test]
async fn a_line_is_waited_for_and_a_silent_end_is_told() {
    let program = shell("echo first >&2; echo second; exec sleep 60")
        .start()
        .unwrap();
    let second = program
        .until_line("the second line", |line| {
            line.strip_prefix("sec").map(str::to_owned)
        })
        .await;
    assert_eq!(second.unwrap(), "ond");

    let silent = shell("echo something else; exit 3").start().unwrap();
    let missed = silent
        .until_line("it listens", |line| {
            line.contains("listening").then_some(())
        })
        .await
        .unwrap_err();
    assert!(matches!(missed, ProgramError::Silent { .. }));
    assert!(missed.to_string().contains("something else"), "{missed}");
}

#[tokio::test]
async fn a_program_ends_as_it_was_told_to() {
    let mut polite = shell("trap 'exit 7' TERM; echo ready; while :; do sleep 0.02; done")
        .start()
        .unwrap();
    polite
        .until_line("ready", |line| (line == "ready").then_some(()))
        .await
        .unwrap();
    assert_eq!(
        polite
            .terminate(Duration::from_secs(10))
            .await
            .unwrap()
            .code(),
        Some(7)
    );
    assert!(polite.freeze().is_err(), "it is gone");

    let mut stubborn = shell("trap '' TERM; echo ready; while :; do sleep 0.02; done")
        .start()
        .unwrap();
    stubborn
        .until_line("ready", |line| (line == "ready").then_some(()))
        .await
        .unwrap();
    assert!(
        stubborn
            .terminate(Duration::from_millis(200))
            .await
            .is_err()
    );
    assert!(stubborn.peak_memory().is_none(), "it was killed after all");
}

#[tokio::test]
async fn a_sidecar_gets_its_settings_and_keeps_its_ports_over_lives() {
    let folder = tempfile::tempdir().unwrap();
    let script = folder.path().join("stand-in");
    let text = "#!/bin/sh\necho \"asked for $1 at $IRESERVE__SERVER__LISTEN\"\n\
        echo \"listening on 127.0.0.1:8123 (admin 127.0.0.1:8124)\" >&2\nexec sleep 60\n";
    std::fs::write(&script, text).unwrap();
    std::fs::set_permissions(&script, std::os::unix::fs::PermissionsExt::from_mode(0o755)).unwrap();

    let mut sidecar = Sidecar::start(
        &script,
        Settings::default().set("server.listen", "127.0.0.1:0"),
    )
    .await
    .unwrap();
    assert_eq!(sidecar.url(), "http://127.0.0.1:8123");
    sidecar.kill().await.unwrap();
    sidecar.start_again().await.unwrap();
    let asked = sidecar
        .program()
        .until_line("what it was asked", |line| {
            line.strip_prefix("asked for ").map(str::to_owned)
        })
        .await
        .unwrap();
    assert_eq!(asked, "serve at 127.0.0.1:8123");
}

#[tokio::test]
async fn a_redis_keeps_what_it_confirmed() {
    let mut redis = Redis::start().await.unwrap();
    let port = redis.port();
    let ask = async |command: &str| {
        let mut line = tokio::net::TcpStream::connect(("127.0.0.1", port))
            .await
            .unwrap();
        line.write_all(format!("{command}\r\nQUIT\r\n").as_bytes())
            .await
            .unwrap();
        let mut answer = String::new();
        line.read_to_string(&mut answer).await.unwrap();
        answer
    };
    assert!(ask("SET a 1").await.starts_with("+OK"));
    redis.kill().await.unwrap();
    redis.start_again().await.unwrap();
    assert!(ask("GET a").await.starts_with("$1\r\n1"));
    assert!(ask("CONFIG GET appendfsync").await.contains("always"));
}

#[test]
fn an_executable_that_was_not_built_is_missed_by_its_name() {
    assert!(
        built("no-such-program")
            .unwrap_err()
            .to_string()
            .contains("no-such-program")
    );
}
