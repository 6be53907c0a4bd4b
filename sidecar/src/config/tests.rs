//! Settings as people write them: where a value comes from, what is refused, and that example, documentation and code agree.

mod documents;
mod layers;
mod licences;
mod mistakes;

use std::time::Duration;

use super::*;

const SECRET: &str = "the-secret-of-acme-0123456789-abcdef";

/// The least that starts without a plugin.
const PLAIN: &str = r#"
[mattermost]
url = "http://127.0.0.1:8065"
token = "bot-token-0123456789"

[[licence]]
id = "acme"
team = "support"
channel = "webchat"
keys = [ { kid = "2026", alg = "HS256", secret = "the-secret-of-acme-0123456789-abcdef" } ]
ireserve.webhook_url = "https://acme.i-reserve.net/mattermost/events"
ireserve.secrets = ["whsec_y1Lx0oo3XBsU342ON9KPV8nvSeyXJmr3dtHuJOpA0jI="]
"#;

const LICENCE_KEY: &str =
    "ir1.acme.AAECAwQFBgcICQoLDA0ODxAREhMUFRYXGBkaGxwdHh8.qtnrj0@acme.i-reserve.net";

const PAIRING: &str = "a-pairing-secret-of-32-bytes-or-more";

fn plain() -> Config {
    resolved(PLAIN, &[])
}

fn resolved(file: &str, environment: &[(&str, &str)]) -> Config {
    settings(file, environment).resolve().unwrap().config
}

fn settings(file: &str, environment: &[(&str, &str)]) -> Settings {
    let variables = environment
        .iter()
        .map(|(name, value)| ((*name).to_owned(), (*value).to_owned()));
    let mut settings = Settings::gather(None, variables);
    settings.set_file(file);
    settings
}

fn mistakes(file: &str, environment: &[(&str, &str)]) -> Vec<String> {
    match settings(file, environment).resolve() {
        Ok(_) => Vec::new(),
        Err(Mistakes(mistakes)) => mistakes.iter().map(ToString::to_string).collect(),
    }
}

fn warnings(file: &str, environment: &[(&str, &str)]) -> Vec<String> {
    let resolved = settings(file, environment).resolve().unwrap();
    resolved.warnings.iter().map(ToString::to_string).collect()
}

fn json(value: serde_json::Value) -> serde_json::Map<String, serde_json::Value> {
    serde_json::from_value(value).unwrap()
}

const fn seconds(seconds: u64) -> Duration {
    Duration::from_secs(seconds)
}
