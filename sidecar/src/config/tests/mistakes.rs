//! What is refused, and how it is said.

use super::*;

#[test]
fn all_mistakes_are_reported_together_each_with_key_place_and_fix() {
    let file = r#"
[server]
listen = "8070"
[mattermost]
url = "mattermost.example.org"
poll_interval = "5ms"
tokens = "x"
[store]
url = "redis+sentinel://h1,h2/mymaster/0"
"#;
    let found = mistakes(
        file,
        &[
            ("IRESERVE__TEAM__REMINDER", "soon"),
            ("IRESERVE__LOG__LEVL", "info"),
        ],
    );
    assert_eq!(
        found,
        [
            "`log.levl` is no setting (environment IRESERVE__LOG__LEVL): perhaps `log.level` was meant; leave it out otherwise",
            "`mattermost.tokens` is no setting (file line 7): perhaps `mattermost.token` was meant; leave it out otherwise",
            "`server.listen` is `8070` (file line 3): write an address and a port, such as 127.0.0.1:8070 or [::1]:8070",
            "`store.url` begins with `redis+sentinel://`, and this build supports one standalone server only (file line 9): use redis:// or rediss://, or sqlite: with one process",
            "`mattermost.url` is no address (file line 5): write an address such as https://chat.example.org",
            "`mattermost.poll_interval` is `5ms` (file line 6): use 1s to 1h, or 0 to rely on hints alone",
            "`mattermost.token` is missing: give the bot's access token, best in a file named by `mattermost.token_file`",
            "`team.reminder` is `soon` (environment IRESERVE__TEAM__REMINDER): write a duration such as 250ms, 30s, 5m or 7d",
            "`licence` is missing: add [[licence]] with `id` and `keys`, or with `licence_key`",
        ]
    );
}

#[test]
fn one_wrong_value_is_one_mistake() {
    let with = |line: &str| format!("{PLAIN}{line}\n");
    let token = "webhook_tokens = [\"token-one-0123456789\"]";
    let second = format!(
        "{}\n[[licence]]\nid = \"beta\"\n{token}\nkeys = [ {{ alg = \"HS256\", secret = \"{SECRET}\" }} ]",
        with(token)
    );
    for (file, key, says) in [
        (
            with("mode = \"loud\""),
            "licence.acme.mode",
            "use two-way, ask-first, alerts",
        ),
        (with("rate = \"5\""), "licence.acme.rate", "is a text"),
        (with("rate = -1"), "licence.acme.rate", "is -1"),
        (with("rate = 1.5"), "licence.acme.rate", "is a fraction"),
        (
            with("language = \"de\""),
            "licence.acme.language",
            "use en, nl",
        ),
        (
            with("time_zone = \"Mars/Olympus\""),
            "licence.acme.time_zone",
            "Europe/Amsterdam",
        ),
        (
            with("webhook_tokens = [\"\"]"),
            "licence.acme.webhook_tokens",
            "is empty",
        ),
        (
            with("webhook_tokens = [\"short\"]"),
            "licence.acme.webhook_tokens",
            "has 5 characters",
        ),
        (
            second,
            "licence.beta.webhook_tokens",
            "that licence acme has too",
        ),
        (
            with("departments = { sales = \"Web Chat\" }"),
            "licence.acme.departments",
            "Web Chat",
        ),
        (
            with("attachments.max_bytes = \"2GiB\""),
            "licence.acme.attachments.max_bytes",
            "use 1KB to 1GiB",
        ),
        (
            with("attachments.fetch_hosts = [\"*\"]"),
            "licence.acme.attachments.fetch_hosts",
            "holds `*`",
        ),
        (
            with("licence_key = \"ir1.x\""),
            "licence.acme.licence_key",
            "is not complete",
        ),
        (
            PLAIN.replace("id = \"acme\"", "id = \"a b\""),
            "licence.a b.id",
            "1 to 64 characters",
        ),
        (
            PLAIN.replace("id = \"acme\"", ""),
            "licence.0.id",
            "is missing",
        ),
        (
            PLAIN.replace(SECRET, "short"),
            "licence.acme.keys.0.secret",
            "has 5 bytes",
        ),
        (
            PLAIN.replace("HS256", "HS512"),
            "licence.acme.keys.0.alg",
            "use HS256, RS256, ES256 or EdDSA",
        ),
        (
            PLAIN.replace("HS256", "RS256"),
            "licence.acme.keys.0.secret",
            "does not belong to a key for RS256",
        ),
        (
            PLAIN.replace("https://acme", "http://acme"),
            "licence.acme.ireserve.webhook_url",
            "plain http to another machine",
        ),
        (
            PLAIN.replace("whsec_", "whsec-"),
            "licence.acme.ireserve.secrets",
            "does not start with `whsec_`",
        ),
        (
            with("ireserve.users_url = \"ftp://x\""),
            "licence.acme.ireserve.users_url",
            "must start with https://",
        ),
        (
            with("[team]\nwho_may_reply = \"assigned\""),
            "team.who_may_reply",
            "use members",
        ),
        (
            with("[team]\nsend_delay = \"31s\""),
            "team.send_delay",
            "use 1ms to 30s, or 0 to send at once",
        ),
        (
            with("[team]\nsend_delay = 3"),
            "team.send_delay",
            "is 3 without a unit",
        ),
        (
            with("[team]\nextra_note_prefixes = [\" \"]"),
            "team.extra_note_prefixes",
            "has a blank entry",
        ),
        (
            with("[server]\ntrusted_proxies = [\"10.0.0.0/8\"]"),
            "server.trusted_proxies",
            "single addresses",
        ),
        (
            with("[server]\nlisten = \"127.0.0.1:8071\""),
            "server.admin_listen",
            "a port of its own",
        ),
        (
            with("[server]\nsecret = \"short\""),
            "server.secret",
            "use at least 32",
        ),
        (
            with("[plugin]\npairing_secret = \"short\""),
            "plugin.pairing_secret",
            "use at least 32",
        ),
        (
            with("[store]\nurl = \"postgres://x\""),
            "store.url",
            "is no store that is known",
        ),
        (
            with("[store]\nurl = \"redis+cluster://h1,h2\""),
            "store.url",
            "one standalone server only",
        ),
        (
            with("[store]\nurl = \"redis://\""),
            "store.url",
            "names no host",
        ),
        (
            with("[store]\nurl = \"sqlite:\""),
            "store.url",
            "names no file",
        ),
        (
            with("[store]\nremember = \"0s\""),
            "store.remember",
            "use 1s to 365d",
        ),
        (
            with("[server]\npublic_url = \"https://u:p@h\""),
            "server.public_url",
            "has a user",
        ),
        (
            with("[log]\nlevel = \"loud\""),
            "log.level",
            "use error, warn, info, debug, trace",
        ),
        (
            with("[sever]\nlisten = \"x\""),
            "sever",
            "perhaps `server` was meant",
        ),
    ] {
        let found = mistakes(&file, &[]);
        let found: Vec<&String> = found.iter().filter(|text| text.contains(says)).collect();
        assert_eq!(found.len(), 1, "{key}: {says}: {:?}", mistakes(&file, &[]));
        assert!(found[0].starts_with(&format!("`{key}`")), "{found:?}");
    }
}

#[test]
fn what_is_no_toml_is_named_by_its_place_and_never_repeated() {
    let file = "[mattermost]\ntoken = canary-secret\nurl = \"canary\n";
    let said = mistakes(file, &[]).join("\n");
    assert!(said.contains("file line 2"), "{said}");
    assert!(!said.contains("canary"), "{said}");
    let twice = mistakes("[log]\nlevel = \"info\"\nlevel = \"canary\"\n", &[]).join("\n");
    assert!(
        twice.contains("file line 3") && !twice.contains("canary"),
        "{twice}"
    );
}

#[test]
fn no_mistake_repeats_a_secret() {
    let file = r#"
[server]
secret = "canary"
admin_token = "canary"
[store]
url = "redis+sentinel://:canary@h1"
[mattermost]
token = ["canary"]
url = "https://user:canary@chat.example.org"
[plugin]
pairing_secret = "canary"
[[licence]]
id = "acme"
licence_key = "ir1.acme.canary"
webhook_tokens = ["canary"]
keys = [ { alg = "HS256", secret = "canary" }, { alg = "EdDSA", public_key = "canary" } ]
ireserve.secrets = ["canary", "whsec_canary"]
ireserve.webhook_url = "https://canary@x"
"#;
    let found = mistakes(file, &[("IRESERVE__MATTERMOST__TOKEN__CANARY", "canary-2")]).join("\n");
    assert!(found.lines().count() > 10, "{found}");
    assert!(!found.contains("canary"), "{found}");
    let (effective, _, _) = settings(file, &[]).report();
    let shown: Vec<String> = effective.iter().map(ToString::to_string).collect();
    assert!(!shown.join("\n").contains("canary"), "{shown:?}");
    let debug = format!("{:?} {:?}", settings(file, &[]), plain());
    assert!(!debug.contains("canary") && !debug.contains("bot-token") && !debug.contains(SECRET));
}

#[test]
fn a_missing_file_is_one_mistake_and_not_twenty() {
    let settings = Settings::gather(Some(std::path::Path::new("/nowhere/x.toml")), []);
    let Mistakes(found) = settings.resolve().unwrap_err();
    assert_eq!(found.len(), 1);
    assert_eq!(found[0].key, "--config");
}

#[test]
fn unwise_settings_are_warned_about() {
    let with = |line: &str| format!("{PLAIN}{line}\n");
    assert_eq!(warnings(PLAIN, &[]), [""; 0]);
    for (file, says) in [
        (
            with("[store]\nsentinel_password = \"x\""),
            "`store.sentinel_password` belongs to a later build",
        ),
        (
            with("[store]\nsentinel_password_file = \"/x\""),
            "`store.sentinel_password_file` belongs to a later build",
        ),
        (
            with("[store]\nurl = \"redis://redis:6379\""),
            "rediss:// is not",
        ),
        (with("[store]\nremember = \"1h\""), "less than a day"),
        (
            with("[server]\nadmin_listen = \"0.0.0.0:8071\""),
            "all but health and metrics is refused",
        ),
        (
            with("[server]\nlisten = \"0.0.0.0:8070\""),
            "unless TLS is done in front",
        ),
        (
            with("attachments.fetch_hosts = [\"*.com\"]"),
            "whole top-level domain",
        ),
        (
            PLAIN.replace("http://127.0.0.1:8065", "http://chat:8065"),
            "the bot's token crosses",
        ),
        (
            PLAIN.replace("team = \"support\"", ""),
            "`licence.acme.team` is missing",
        ),
    ] {
        let found = warnings(&file, &[]);
        assert!(
            found.len() == 1 && found[0].contains(says),
            "{says}: {found:?}"
        );
    }
}
