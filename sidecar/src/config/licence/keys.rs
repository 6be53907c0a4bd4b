//! `keys`: by which i-Reserve proves itself, written out or carried by licence keys.

use secrecy::ExposeSecret;

use super::Group;
use crate::{
    config::reader::Reader,
    licence::{Algorithm, Key, Kid, LicenceKey},
};

pub(super) fn read(settings: &mut Reader<'_>, group: &Group) -> Vec<Key> {
    if group.keys.is_empty() {
        if group.licence_keys.is_empty() {
            settings.missing("keys", "give 1 to 3 keys, or a `licence_key`");
        }
        if group.licence_keys.len() > 3 {
            settings.warn(
                "licence_key",
                "comes from more than 3 sources: only the first 3 count",
            );
        }
        return group
            .licence_keys
            .iter()
            .take(3)
            .map(LicenceKey::token_key)
            .collect();
    }
    if !group.licence_keys.is_empty() {
        settings.warn(
            "licence_key",
            "is not used for tokens, because `keys` are set too",
        );
    }
    if group.keys.len() > 3 {
        let detail = format!("has {} entries", group.keys.len());
        settings.mistake(
            "keys",
            detail,
            "keep at most 3: the current key and those of a rotation",
        );
    }
    let mut keys: Vec<Key> = Vec::new();
    for (number, values) in &group.keys {
        let prefix = format!("licence.{}.keys.{number}.", group.id);
        let mut settings = Reader::new(prefix, values, settings.mistakes, settings.warnings);
        let Some(key) = key(&mut settings) else {
            continue;
        };
        let is_known = |other: &Key| key.kid().is_some() && other.kid() == key.kid();
        if keys.iter().any(is_known) {
            settings.mistake(
                "kid",
                "stands at two keys",
                "give each key a name of its own",
            );
        }
        keys.push(key);
    }
    keys
}

fn key(settings: &mut Reader<'_>) -> Option<Key> {
    let kid = settings.text("kid").and_then(|text| {
        let kid = Kid::new(&text);
        if kid.is_none() {
            settings.mistake("kid", "is no name of a key", format!("use {}", Kid::RULE));
        }
        kid
    });
    let names = "use HS256, RS256, ES256 or EdDSA";
    if !settings.is_given("alg") {
        settings.missing("alg", names);
        return None;
    }
    let name = settings.text("alg")?;
    let Some(algorithm) = Algorithm::from_name(&name) else {
        settings.mistake("alg", format!("is `{name}`"), names);
        return None;
    };
    let (wanted, other) = match algorithm {
        Algorithm::Hs256 => ("secret", "public_key"),
        _ => ("public_key", "secret"),
    };
    if settings.is_given(other) {
        settings.mistake(
            other,
            format!("does not belong to a key for {algorithm}"),
            format!("give `{wanted}` or `{wanted}_file` instead"),
        );
    }
    if !settings.is_given(wanted) {
        let fix = format!("a key for {algorithm} needs `{wanted}` or `{wanted}_file`");
        settings.missing(wanted, &fix);
        return None;
    }
    let made = if algorithm == Algorithm::Hs256 {
        let secret = settings.secret_bytes(wanted, 0)?;
        Key::shared(kid, secret.expose_secret())
    } else {
        let pem = settings.text(wanted)?;
        Key::public(kid, algorithm, &pem)
    };
    match made {
        Ok(key) => Some(key),
        Err(error) => {
            let fix = match algorithm {
                Algorithm::Hs256 => "use at least 32 random bytes",
                _ => "give the public half as `openssl pkey -pubout` writes it",
            };
            settings.mistake(wanted, error.to_string(), fix);
            None
        }
    }
}
