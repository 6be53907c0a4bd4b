//! What becomes of licences.

use super::*;
use crate::licence::{Channel, LicenceKey, Mode};

#[test]
fn a_whole_licence_reads_as_it_is_written() {
    let config = plain();
    let licence = &config.licences[0];
    assert_eq!(licence.id.as_str(), "acme");
    assert_eq!(licence.mode, Mode::TwoWay);
    assert_eq!(licence.channel, Some(Channel::Name("webchat".into())));
    assert_eq!(licence.time_zone, shared::Zone::default());
    assert_eq!(
        licence.attachments.fetch_hosts,
        ["acme.i-reserve.net"],
        "the host of webhook_url"
    );
    assert_eq!(licence.attachments.max_bytes, 100_000_000);
    assert_eq!(licence.ireserve.secrets.len(), 1);
    assert_eq!(licence.rate, None);
}

#[test]
fn a_literal_address_is_never_fetched_from_unless_it_is_written() {
    let literal = PLAIN.replace("https://acme.i-reserve.net", "http://127.0.0.1:9000");
    assert!(
        resolved(&literal, &[]).licences[0]
            .attachments
            .fetch_hosts
            .is_empty()
    );
    let written = format!("{literal}attachments = {{ fetch_hosts = [\"127.0.0.1\"] }}\n");
    assert_eq!(
        resolved(&written, &[]).licences[0].attachments.fetch_hosts,
        ["127.0.0.1"]
    );
}

#[test]
fn an_environment_licence_with_another_id_is_another_licence() {
    let beta = LicenceKey::make("beta", "beta.i-reserve.net", [1; 32]).unwrap();
    let config = resolved(
        PLAIN,
        &[
            ("IRESERVE__LICENCE__0__ID", "beta"),
            ("IRESERVE__LICENCE__0__LICENCE_KEY", &beta.expose_text()),
            ("IRESERVE__LICENCE__1__ID", "acme"),
            ("IRESERVE__LICENCE__1__CHANNEL", "elsewhere"),
        ],
    );
    let channels: Vec<_> = config
        .licences
        .iter()
        .map(|licence| {
            (
                licence.id.as_str(),
                licence.channel.as_ref().map(Channel::as_str),
            )
        })
        .collect();
    assert_eq!(channels, [("beta", None), ("acme", Some("elsewhere"))]);
}

#[test]
fn a_licence_key_carries_the_whole_connection() {
    let file = PLAIN[..PLAIN.find("[[licence]]").unwrap()].to_owned();
    let config = resolved(
        &format!("{file}[[licence]]\nlicence_key = \"{LICENCE_KEY}\"\n"),
        &[],
    );
    let licence = &config.licences[0];
    let key = LicenceKey::parse(LICENCE_KEY).unwrap();
    assert_eq!(licence.id.as_str(), "acme");
    assert_eq!(licence.keys, [key.token_key()]);
    assert_eq!(licence.ireserve, key.ireserve());
    assert_eq!(licence.attachments.fetch_hosts, ["acme.i-reserve.net"]);
}

#[test]
fn licence_keys_of_all_sources_are_a_union() {
    let newer = LicenceKey::make("acme", "acme.i-reserve.net", [1; 32]).unwrap();
    let file = format!(
        "[plugin]\npairing_secret = \"{PAIRING}\"\n[[licence]]\nlicence_key = \"{LICENCE_KEY}\"\n"
    );
    let other = LicenceKey::make("beta", "beta.i-reserve.net", [2; 32]).unwrap();
    let config = settings(&file, &[])
        .with_plugin(&json(
            serde_json::json!({"licence_keys": [newer.expose_text(), LICENCE_KEY]}),
        ))
        .with_mattermost(&json(
            serde_json::json!({"licence_keys": [other.expose_text()]}),
        ))
        .resolve()
        .unwrap()
        .config;
    let first = LicenceKey::parse(LICENCE_KEY).unwrap();
    let acme = &config
        .licences
        .iter()
        .find(|licence| licence.id.as_str() == "acme")
        .unwrap();
    assert_eq!(acme.keys, [first.token_key(), newer.token_key()]);
    assert_eq!(
        acme.ireserve.secrets,
        [first.signing_secret(), newer.signing_secret()]
    );
    assert_eq!(config.licences.len(), 2);
}
