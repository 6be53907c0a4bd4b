//! Where a value comes from.

use secrecy::ExposeSecret;
use serde_json::json;
use shared::{Language, LicenceId};

use super::*;

#[test]
fn the_environment_wins_over_the_file_and_the_file_over_the_default() {
    let config = resolved(
        &format!("{PLAIN}\n[team]\nsend_delay = \"5s\"\nreceipts = false\n"),
        &[
            ("IRESERVE__TEAM__SEND_DELAY", "7s"),
            ("IRESERVE__MATTERMOST__POLL_INTERVAL", "0"),
            ("IRESERVE__MATTERMOST__WEBSOCKET", "false"),
            ("IRESERVE__MATTERMOST__THREAD_LIMIT", "20"),
            ("IRESERVE__TEAM__EXTRA_NOTE_PREFIXES", r#"["psst:", "fyi"]"#),
            ("IRESERVE__LICENCE__0__RATE", "5"),
            ("PATH", "/bin"),
            ("IRESERVE_LICENCE_KEY", "the plugin's, not ours"),
        ],
    );
    assert_eq!(config.team.send_delay, seconds(7));
    assert!(!config.team.receipts);
    assert_eq!(config.team.reminder, Some(seconds(180)));
    assert_eq!(config.team.extra_note_prefixes, ["psst:", "fyi"]);
    let mattermost = config.mattermost.unwrap();
    assert_eq!(mattermost.poll_interval, None);
    assert!(!mattermost.websocket);
    assert_eq!(mattermost.thread_limit.unwrap().get(), 20);
    assert_eq!(config.licences[0].rate.unwrap().get(), 5);
}

#[test]
fn the_environment_alone_is_enough_for_a_container() {
    let config = resolved(
        "",
        &[
            ("IRESERVE__SERVER__LISTEN", "0.0.0.0:8070"),
            ("IRESERVE__STORE__URL", "redis://redis:6379/2"),
            ("IRESERVE__MATTERMOST__URL", "http://mattermost:8065"),
            ("IRESERVE__MATTERMOST__TOKEN", "bot-token"),
            ("IRESERVE__LICENCE__0__ID", "2026"),
            ("IRESERVE__LICENCE__0__KEYS__0__KID", "1"),
            ("IRESERVE__LICENCE__0__KEYS__0__ALG", "HS256"),
            ("IRESERVE__LICENCE__0__KEYS__0__SECRET", SECRET),
            (
                "IRESERVE__LICENCE__0__WEBHOOK_TOKENS__0",
                "token-one-0123456789",
            ),
            (
                "IRESERVE__LICENCE__0__WEBHOOK_TOKENS__1",
                "token-two-0123456789",
            ),
            (
                "IRESERVE__LICENCE__0__IRESERVE__SECRETS",
                r#"["whsec_y1Lx0oo3XBsU342ON9KPV8nvSeyXJmr3dtHuJOpA0jI="]"#,
            ),
            (
                "IRESERVE__LICENCE__0__NOTIFICATIONS",
                r#"{ "booking.confirmed" = "bookings", "*" = "webchat" }"#,
            ),
            ("IRESERVE__LICENCE__1__LICENCE_KEY", LICENCE_KEY),
        ],
    );
    let [first, second] = &config.licences[..] else {
        panic!("two licences");
    };
    assert_eq!(
        first.id.as_str(),
        "2026",
        "a text, although it looks like a number"
    );
    assert_eq!(first.keys[0].kid().unwrap().as_str(), "1");
    assert_eq!(first.webhook_tokens.len(), 2);
    assert_eq!(
        first.notifications["booking.confirmed"].as_str(),
        "bookings"
    );
    assert_eq!(second.id.as_str(), "acme");
    assert!(matches!(config.store.location, Location::Redis(_)));
}

#[test]
fn secrets_come_from_files_beside_the_settings_without_their_last_newline() {
    let folder = tempfile::tempdir().unwrap();
    let write =
        |name: &str, content: &[u8]| std::fs::write(folder.path().join(name), content).unwrap();
    write("token", b"bot-token \n\n");
    write(
        "key",
        &[b"\xff\xfe\n".as_slice(), [1; 32].as_slice()].concat(),
    );
    write("tokens", b"token-one-0123456789\ntoken-two-0123456789\n");
    write(
        "settings.toml",
        br#"
            [store]
            url = "sqlite:data/ireserve.db"
            [mattermost]
            url = "http://127.0.0.1:8065"
            token_file = "token"
            [[licence]]
            id = "acme"
            webhook_tokens_file = "tokens"
            keys = [ { alg = "HS256", secret_file = "key" } ]
        "#,
    );
    let settings = Settings::gather(Some(&folder.path().join("settings.toml")), []);
    let config = settings.resolve().unwrap().config;
    let token = config.mattermost.unwrap().token;
    assert_eq!(
        token.expose_secret(),
        "bot-token \n",
        "one newline, no blanks"
    );
    assert_eq!(config.licences[0].webhook_tokens.len(), 2);
    assert_eq!(
        config.licences[0].keys.len(),
        1,
        "bytes that are no text are a secret too"
    );
    let Location::Sqlite(path) = config.store.location else {
        panic!("a file");
    };
    assert_eq!(path, folder.path().join("data/ireserve.db"));
}

#[test]
fn a_secret_and_its_file_are_one_key() {
    let both = PLAIN.replace("token = \"bot", "token_file = \"/nowhere\"\ntoken = \"bot");
    assert_eq!(
        mistakes(&both, &[]),
        ["`mattermost.token` is given twice, once as `_file` (file line 4): keep one of the two"]
    );
    let file = PLAIN.replace(
        "token = \"bot-token-0123456789\"",
        "token_file = \"/nowhere\"",
    );
    let config = resolved(&file, &[("IRESERVE__MATTERMOST__TOKEN", "other")]);
    assert_eq!(
        config.mattermost.unwrap().token.expose_secret(),
        "other",
        "a file that does not count need not exist"
    );
    let found = mistakes(&file, &[]);
    assert_eq!(found.len(), 1);
    assert!(
        found[0].starts_with("`mattermost.token_file` cannot be read: /nowhere: "),
        "{found:?}"
    );
}

#[test]
fn managed_takes_its_settings_from_one_line_and_listens_on_free_loopback_ports() {
    let line = format!(
        r#"{{"store.url":"sqlite:/var/x.db","plugin.pairing_secret":"{PAIRING}","server.listen":"0.0.0.0:80"}}"#
    );
    let config = settings("", &[]).managed(&line).resolve().unwrap().config;
    assert_eq!(config.server.listen.to_string(), "127.0.0.1:0");
    assert_eq!(config.server.admin_listen.to_string(), "127.0.0.1:0");
    assert_eq!(
        config.plugin.unwrap().pairing_secret.expose_secret(),
        PAIRING
    );
    assert!(
        config.mattermost.is_none() && config.licences.is_empty(),
        "the plugin tells later"
    );

    let broken = settings("", &[]).managed("{\"plugin.pairing_secret\": canary");
    let said = broken.resolve().unwrap_err().to_string();
    assert!(
        said.contains("--managed") && !said.contains("canary"),
        "{said}"
    );
}

#[test]
fn what_people_decided_counts_before_the_plugin_and_after_the_file() {
    let licence = LicenceId::new("acme").unwrap();
    let file = format!(
        "[plugin]\npairing_secret = \"{PAIRING}\"\n[[licence]]\nid = \"acme\"\nlanguage = \"nl\"\n"
    );
    let settings = settings(&file, &[])
        .with_plugin(&json(json!({
            "mattermost.url": "http://127.0.0.1:8065",
            "mattermost.token": "bot-token",
            "team.send_delay": "3s",
            "team.receipts": true,
            "licence_keys": [LICENCE_KEY],
        })))
        .with_mattermost(&json(json!({
            "team.receipts": false,
            "licence.0": {"id": "acme", "language": "en", "channel": "chosen", "departments": {"sales": "s"}},
            "licence.1": {"id": "gone", "channel": "of-a-licence-that-has-no-key-any-more"},
        })));
    let resolved = settings.resolve().unwrap();
    let config = resolved.config;
    assert_eq!(config.team.send_delay, seconds(3));
    assert!(!config.team.receipts);
    assert_eq!(config.licences.len(), 1);
    assert_eq!(
        config.licences[0].language,
        Language::Nl,
        "the file fixes it"
    );
    assert_eq!(
        config.licences[0].channel.as_ref().unwrap().as_str(),
        "chosen"
    );
    assert_eq!(config.licences[0].keys.len(), 1, "from the licence key");
    assert!(config.mattermost.is_some());
    assert_eq!(
        settings.fixed(Some(&licence), "language"),
        Some(Origin::File(5))
    );
    assert_eq!(settings.fixed(Some(&licence), "channel"), None);
    assert_eq!(settings.fixed(None, "team.receipts"), None);
}

#[test]
fn one_wrong_licence_key_in_the_plugin_does_not_stop_the_others() {
    let file = format!("[plugin]\npairing_secret = \"{PAIRING}\"\n");
    let settings = settings(&file, &[]).with_plugin(&json(json!({
        "licence_keys": ["ir1.broken", LICENCE_KEY],
        "team.send_delay": "an hour",
        "team.nonsense": 1,
        "mattermost.url": "http://127.0.0.1:8065",
        "mattermost.token": "bot-token",
    })));
    assert_eq!(settings.resolve().unwrap_err().0.len(), 3);
    let resolved = settings.resolve_leaving_out().unwrap();
    assert_eq!(resolved.config.licences.len(), 1);
    let keys: Vec<&str> = resolved
        .left_out
        .iter()
        .map(|mistake| mistake.key.as_str())
        .collect();
    assert_eq!(
        keys,
        ["team.nonsense", "team.send_delay", "licence.0.licence_key"]
    );
}
