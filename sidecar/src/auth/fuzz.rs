//! Bodies of three fuzz targets. They also run over a small corpus in the ordinary tests, so that a stable compiler is enough to know
//! that what once was found stays found.

use http::{HeaderMap, HeaderValue, header::AUTHORIZATION};
use secrecy::ExposeSecret;
use shared::{EventKind, Timestamp, limits::EVENTS_PER_REQUEST};

use super::{
    Batch,
    signature::{SignatureError, Signed, sign, verify as verify_signature},
    token::{Presented, for_sidecar, verify},
};
use crate::licence::{Attachments, Ireserve, Key, Licence, LicenceKey, Licences, Mode};

const NOW: Timestamp = Timestamp::from_millis(1_700_000_000_000);

/// Any bytes as the body of a request: typed events that keep to their limits and survive being stored, or errors that say where.
///
/// # Panics
/// When that does not hold.
pub fn events(input: &[u8]) {
    let Ok(batch) = Batch::parse(input, NOW) else {
        return;
    };
    assert!((1..=EVENTS_PER_REQUEST).contains(&batch.events.len()));
    for judged in batch.events {
        match judged {
            Ok(parsed) => {
                assert!(parsed.event.kind.attachments().len() <= 50);
                if !matches!(parsed.event.kind, EventKind::Unknown(_)) {
                    let stored = serde_json::to_vec(&parsed.event).expect("an event is JSON");
                    let read = serde_json::from_slice(&stored).ok();
                    assert_eq!(read, Some(parsed.event), "stored and read back");
                }
            }
            Err(fault) => assert!(!fault.errors.is_empty(), "a refusal has a reason"),
        }
    }
}

/// A body, and a bit to flip in it: what was signed verifies, what was changed does not, and no signature is made up.
///
/// # Panics
/// When that does not hold.
pub fn signatures(input: &[u8]) {
    let Some((choice, body)) = input.split_first() else {
        return;
    };
    let secret = licence_key().signing_secret();
    let signed = sign(std::slice::from_ref(&secret), "reply:abc:0", NOW, body)
        .expect("there is a secret and the id has no dot");
    assert_eq!(verify_signature(&secret, &signed, body, NOW), Ok(()));
    if !body.is_empty() {
        let mut changed = body.to_vec();
        changed[usize::from(*choice) % body.len()] ^= 1 << (choice % 8);
        let seen = verify_signature(&secret, &signed, &changed, NOW);
        assert_eq!(seen, Err(SignatureError::Mismatch));
    }
    let forged = Signed {
        signature: String::from_utf8_lossy(body).into_owned(),
        ..signed
    };
    assert!(verify_signature(&secret, &forged, body, NOW).is_err());
}

/// Bytes to be set in a valid token, or any text as a token: only the valid one passes.
///
/// # Panics
/// When that does not hold.
pub fn tokens(input: &[u8]) {
    let licences = Licences::new([licence()]);
    let valid = for_sidecar(&licence(), None, 600, NOW).expect("the key can sign");
    let valid = valid.expose_secret().as_bytes();
    let mut changed = valid.to_vec();
    for pair in input.chunks_exact(2).take(8) {
        changed[usize::from(pair[0]) % valid.len()] = pair[1];
    }
    for (candidate, wanted) in [
        (changed.as_slice(), changed == valid),
        (input, input == valid),
    ] {
        let value = [b"Bearer ", candidate].concat();
        let Ok(value) = HeaderValue::from_bytes(&value) else {
            continue;
        };
        let headers = HeaderMap::from_iter([(AUTHORIZATION, value)]);
        let passed = Presented::from_headers(&headers)
            .is_ok_and(|presented| verify(&presented, &licences, NOW).is_ok());
        assert_eq!(passed, wanted, "{}", String::from_utf8_lossy(candidate));
    }
}

fn licence_key() -> LicenceKey {
    LicenceKey::make("acme", "acme.i-reserve.net", [7; 32]).expect("a short name and a host")
}

fn licence() -> Licence {
    let key: Key = licence_key().token_key();
    Licence {
        id: licence_key().licence().clone(),
        language: shared::Language::En,
        time_zone: shared::Zone::default(),
        team: None,
        channel: None,
        mode: Mode::TwoWay,
        rate: None,
        webhook_tokens: Vec::new(),
        keys: vec![key],
        attachments: Attachments {
            fetch_hosts: Vec::new(),
            max_bytes: 0,
        },
        ireserve: Ireserve::default(),
        departments: std::collections::BTreeMap::new(),
        notifications: std::collections::BTreeMap::new(),
    }
}

#[cfg(test)]
mod tests {
    use std::{fs, path::Path};

    use super::*;

    /// Each file, each of its beginnings, and each with single bits flipped.
    fn over_the_corpus(name: &str, target: fn(&[u8])) {
        let folder = Path::new(env!("CARGO_MANIFEST_DIR"))
            .join("tests/corpus")
            .join(name);
        let mut files = 0;
        for file in fs::read_dir(folder).unwrap() {
            let bytes = fs::read(file.unwrap().path()).unwrap();
            target(&bytes);
            for at in 0..bytes.len() {
                target(&bytes[..at]);
                let mut changed = bytes.clone();
                changed[at] ^= 1 << (at % 8);
                target(&changed);
            }
            files += 1;
        }
        assert!(files > 3, "the corpus of {name} is there");
    }

    #[test]
    fn bodies_are_events_or_say_where_they_are_wrong() {
        over_the_corpus("events", events);
    }

    #[test]
    fn only_what_was_signed_verifies() {
        over_the_corpus("signatures", signatures);
    }

    #[test]
    fn only_the_valid_token_passes() {
        over_the_corpus("tokens", tokens);
    }
}
