//! The program as an operator meets it: arguments, settings, output, exit status.

use std::{
    io::{BufRead, BufReader, Read, Write},
    net::TcpListener,
    path::PathBuf,
    process::{Command, Output, Stdio},
};

use http::{HeaderMap, HeaderValue, header::AUTHORIZATION};
use shared::LicenceId;
use sidecar::{
    auth::token::{Presented, verify},
    cli,
    clock::Clock,
    config::Settings,
    licence::{LicenceKey, Licences},
};
use tempfile::TempDir;

const SETTINGS: &str = r#"
[mattermost]
url = "http://127.0.0.1:8065"
token = "canary-bot-token"

[[licence]]
id = "acme"
team = "support"
channel = "webchat"
keys = [ { kid = "2026", alg = "HS256", secret = "canary-secret-of-acme-0123456789-abc" } ]
ireserve.webhook_url = "https://acme.i-reserve.net/mattermost/events"
ireserve.secrets = ["whsec_y1Lx0oo3XBsU342ON9KPV8nvSeyXJmr3dtHuJOpA0jI="]
"#;

/// A folder with settings, and the program run in it with an empty environment.
struct Desk {
    folder: TempDir,
}

impl Desk {
    fn with(settings: &str) -> Self {
        let folder = tempfile::tempdir().unwrap();
        std::fs::write(folder.path().join("settings.toml"), settings).unwrap();
        Self { folder }
    }

    fn file(&self, name: &str) -> PathBuf {
        self.folder.path().join(name)
    }

    fn command(&self, arguments: &[&str]) -> Command {
        let mut command = Command::new(env!("CARGO_BIN_EXE_ireserve-sidecar"));
        command
            .env_clear()
            .current_dir(self.folder.path())
            .args(arguments);
        command
    }

    fn run(&self, arguments: &[&str]) -> Output {
        self.command(arguments).output().unwrap()
    }
}

fn status(output: &Output) -> i32 {
    output.status.code().unwrap()
}

fn out(output: &Output) -> String {
    String::from_utf8(output.stdout.clone()).unwrap()
}

fn err(output: &Output) -> String {
    String::from_utf8(output.stderr.clone()).unwrap()
}

#[test]
fn config_shows_what_counts_and_hides_secrets() {
    let desk = Desk::with(SETTINGS);
    let shown = desk
        .command(&["config", "--config", "settings.toml"])
        .env("IRESERVE__TEAM__SEND_DELAY", "7s")
        .output()
        .unwrap();
    assert_eq!(status(&shown), 0);
    let text = out(&shown);
    for line in [
        "team.send_delay = \"7s\"  # environment IRESERVE__TEAM__SEND_DELAY",
        "mattermost.token = set  # file line 4",
        "store.url = \"sqlite:ireserve.db\"  # default",
        "plugin.pairing_secret = not set",
        "licence.acme.channel = \"webchat\"  # file line 9",
        "licence.acme.keys.0.secret = set  # file line 10",
    ] {
        assert!(text.lines().any(|shown| shown == line), "{line}: {text}");
    }
    assert!(
        !text.contains("canary") && !text.contains("whsec_"),
        "{text}"
    );
}

#[test]
fn wrong_settings_end_with_64_and_every_mistake() {
    let desk = Desk::with(&SETTINGS.replace("canary-secret-of-acme-0123456789-abc", "canary"));
    for arguments in [
        ["config", "--config", "settings.toml"].as_slice(),
        &["serve", "--config", "settings.toml"],
        &["token", "--config", "settings.toml", "--licence", "acme"],
    ] {
        let ended = desk
            .command(arguments)
            .env("IRESERVE__MATTERMOST__POLL_INTERVAL", "5ms")
            .output()
            .unwrap();
        assert_eq!(status(&ended), 64, "{arguments:?}");
        let said = out(&ended) + &err(&ended);
        assert!(said.contains("`mattermost.poll_interval` is `5ms` (environment IRESERVE__MATTERMOST__POLL_INTERVAL)"), "{said}");
        assert!(
            said.contains("`licence.acme.keys.0.secret` has 6 bytes"),
            "{said}"
        );
        assert!(!said.contains("canary"), "{said}");
    }
}

#[test]
fn managed_says_its_mistakes_as_log_lines() {
    let desk = Desk::with("");
    let mut child = desk
        .command(&["serve", "--managed"])
        .stdin(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn()
        .unwrap();
    let line = b"{\"plugin.pairing_secret\":\"canary\",\"store.url\":\"redis+cluster://a,b\"}\n";
    child.stdin.as_mut().unwrap().write_all(line).unwrap();
    let ended = child.wait_with_output().unwrap();
    assert_eq!(status(&ended), 64);
    let lines: Vec<serde_json::Value> = err(&ended)
        .lines()
        .map(|line| serde_json::from_str(line).unwrap())
        .collect();
    let keys: Vec<&str> = lines
        .iter()
        .map(|line| line["setting.key"].as_str().unwrap())
        .collect();
    assert_eq!(keys, ["store.url", "plugin.pairing_secret"]);
    assert!(!err(&ended).contains("canary"));
}

#[cfg(unix)]
#[test]
fn a_service_gets_its_settings_and_is_told_to_stop_by_a_signal() {
    let desk = Desk::with(SETTINGS);
    let file = desk.file("settings.toml");
    let arguments = [
        "ireserve-sidecar",
        "serve",
        "--config",
        file.to_str().unwrap(),
    ];
    let environment = vec![("IRESERVE__LOG__LEVEL".to_owned(), "error".to_owned())];
    let status = cli::run(
        arguments.map(Into::into),
        environment,
        async |start: cli::Start| {
            assert_eq!(start.resolved.config.licences.len(), 1);
            assert!(!start.stop.is_cancelled());
            // Whoever waits for signals is polled beside us before we go on.
            tokio::task::yield_now().await;
            let process = std::process::id().to_string();
            tokio::process::Command::new("kill")
                .args(["-TERM", &process])
                .status()
                .await?;
            start.stop.cancelled().await;
            Ok(())
        },
    );
    assert_eq!(
        format!("{status:?}"),
        format!("{:?}", std::process::ExitCode::SUCCESS)
    );
}

#[test]
fn wrong_use_ends_with_2() {
    let desk = Desk::with(SETTINGS);
    for arguments in [
        [].as_slice(),
        &["fly"],
        &["token"],
        &["token", "--new-licence", "acme"],
        &[
            "token",
            "--new-licence",
            "acme",
            "--host",
            "h",
            "--licence",
            "acme",
        ],
        &[
            "token",
            "--config",
            "settings.toml",
            "--licence",
            "acme",
            "--ttl",
            "2h",
        ],
        &["send", "--config", "settings.toml", "--licence", "acme"],
    ] {
        assert_eq!(status(&desk.run(arguments)), 2, "{arguments:?}");
    }
}

#[test]
fn a_printed_token_opens_the_sidecar() {
    let desk = Desk::with(SETTINGS);
    let printed = desk.run(&[
        "token",
        "--config",
        "settings.toml",
        "--licence",
        "acme",
        "--kid",
        "2026",
        "--ttl",
        "10m",
    ]);
    assert_eq!(status(&printed), 0);
    let mut headers = HeaderMap::new();
    let bearer = format!("Bearer {}", out(&printed).trim_end());
    headers.insert(AUTHORIZATION, HeaderValue::from_str(&bearer).unwrap());
    let settings = Settings::gather(Some(&desk.file("settings.toml")), []);
    let licences = Licences::new(settings.resolve().unwrap().config.licences);
    let presented = Presented::from_headers(&headers).unwrap();
    let verified = verify(&presented, &licences, Clock::system().now()).unwrap();
    assert_eq!(*verified.licence(), LicenceId::new("acme").unwrap());
    for wrong in [
        ["--licence", "acme", "--kid", "no"],
        ["--licence", "nobody", "--ttl", "1s"],
    ] {
        let arguments = [["token", "--config", "settings.toml"].as_slice(), &wrong].concat();
        assert_eq!(status(&desk.run(&arguments)), 1, "{wrong:?}");
    }
}

#[test]
fn a_new_licence_key_needs_no_settings_and_is_never_the_same_twice() {
    let desk = Desk::with("");
    let made = || {
        desk.run(&[
            "token",
            "--new-licence",
            "acme",
            "--host",
            "acme.i-reserve.net/base",
        ])
    };
    let (first, second) = (made(), made());
    assert_eq!(status(&first), 0);
    let key = LicenceKey::parse(out(&first).trim_end()).unwrap();
    assert_eq!(key.licence().as_str(), "acme");
    assert_ne!(out(&first), out(&second));
    let long = "a".repeat(27);
    assert_eq!(
        status(&desk.run(&["token", "--new-licence", &long, "--host", "h"])),
        1
    );
}

#[test]
fn send_posts_each_file_with_a_token_and_fails_when_one_is_refused() {
    let desk = Desk::with(SETTINGS);
    for name in ["one.json", "two.json"] {
        std::fs::write(desk.file(name), format!("{{\"id\":\"{name}\"}}")).unwrap();
    }
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let url = format!("http://{}", listener.local_addr().unwrap());
    let peer = std::thread::spawn(move || {
        ["202 Accepted", "409 Conflict"].map(|answer| {
            let (stream, _) = listener.accept().unwrap();
            let mut reader = BufReader::new(stream.try_clone().unwrap());
            let head: Vec<String> = reader
                .by_ref()
                .lines()
                .map(Result::unwrap)
                .take_while(|line| !line.is_empty())
                .collect();
            let mut body = [0; 17];
            reader.read_exact(&mut body).unwrap();
            let mut stream = stream;
            write!(
                stream,
                "HTTP/1.1 {answer}\r\ncontent-length: 2\r\nconnection: close\r\n\r\n{{}}"
            )
            .unwrap();
            (head, String::from_utf8(body.to_vec()).unwrap())
        })
    });
    let sent = desk.run(&[
        "send",
        "--config",
        "settings.toml",
        "--licence",
        "acme",
        "--url",
        &url,
        "one.json",
        "two.json",
    ]);
    let seen = peer.join().unwrap();
    assert_eq!(status(&sent), 1);
    assert_eq!(out(&sent), "one.json: 202 {}\ntwo.json: 409 {}\n");
    for ((head, body), name) in seen.iter().zip(["one.json", "two.json"]) {
        assert_eq!(head[0], "POST /v1/events HTTP/1.1");
        assert!(head.iter().any(|line| {
            line.to_ascii_lowercase()
                .starts_with("authorization: bearer ey")
        }));
        assert_eq!(*body, format!("{{\"id\":\"{name}\"}}"));
    }
}
