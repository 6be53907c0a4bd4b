//! Signatures on our calls to i-Reserve: Standard Webhooks 1.0, HMAC-SHA-256 over `id.timestamp.body`.
//!
//! Signed are exactly the bytes that are sent. The id has no dot, so that id and time cannot be shifted into each other.

use base64::{Engine, engine::general_purpose::STANDARD};
use hmac::{Hmac, Mac};
use sha2::Sha256;
use shared::Timestamp;

use crate::licence::SigningSecret;

/// How far a receiver lets the time of an attempt be from its own.
pub const TOLERANCE_S: i64 = 300;

/// The three headers of one attempt.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Signed {
    /// `webhook-id`
    pub id: String,
    /// `webhook-timestamp`: seconds since 1970, of this attempt.
    pub timestamp: String,
    /// `webhook-signature`: one `v1,…` for each secret, separated by a blank.
    pub signature: String,
}

/// Why a call is not signed.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum SigningError {
    /// Nothing is ever sent unsigned; the lane waits with this reason.
    #[error("the licence has no signing secret")]
    NoSecret,
    /// A mistake of ours: such an id could be shifted into the time.
    #[error("the webhook id is empty, or holds a dot or a character that no header takes")]
    Id,
}

/// Why a signature is not believed.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum SignatureError {
    #[error("the time of the attempt is no number of seconds")]
    Timestamp,
    #[error("the attempt is {seconds} s away from now, at most {TOLERANCE_S} s are accepted")]
    Time { seconds: i64 },
    #[error("no signature fits")]
    Mismatch,
}

/// Signs one attempt with every secret, newest first.
///
/// # Errors
/// When there is no secret, or the id cannot be signed.
pub fn sign(
    secrets: &[SigningSecret],
    id: &str,
    now: Timestamp,
    body: &[u8],
) -> Result<Signed, SigningError> {
    if secrets.is_empty() {
        return Err(SigningError::NoSecret);
    }
    if id.is_empty() || !id.bytes().all(|b| b.is_ascii_graphic() && b != b'.') {
        return Err(SigningError::Id);
    }
    let timestamp = now.as_millis().div_euclid(1_000).to_string();
    let signature = secrets
        .iter()
        .map(|secret| {
            let mac = mac(secret, id, &timestamp, body).finalize().into_bytes();
            format!("v1,{}", STANDARD.encode(mac))
        })
        .collect::<Vec<_>>()
        .join(" ");
    Ok(Signed {
        id: id.to_owned(),
        timestamp,
        signature,
    })
}

/// What i-Reserve does with our calls: time first, then whether one of the signatures fits.
///
/// # Errors
/// Why the call is not to be believed.
pub fn verify(
    secret: &SigningSecret,
    signed: &Signed,
    body: &[u8],
    now: Timestamp,
) -> Result<(), SignatureError> {
    let at: i64 = signed
        .timestamp
        .parse()
        .map_err(|_| SignatureError::Timestamp)?;
    let seconds = now.as_millis().div_euclid(1_000).saturating_sub(at);
    if seconds.unsigned_abs() > TOLERANCE_S.unsigned_abs() {
        return Err(SignatureError::Time { seconds });
    }
    let fits = signed
        .signature
        .split(' ')
        .filter_map(|one| STANDARD.decode(one.strip_prefix("v1,")?).ok())
        .any(|tag| {
            mac(secret, &signed.id, &signed.timestamp, body)
                .verify_slice(&tag)
                .is_ok()
        });
    if fits {
        Ok(())
    } else {
        Err(SignatureError::Mismatch)
    }
}

fn mac(secret: &SigningSecret, id: &str, timestamp: &str, body: &[u8]) -> Hmac<Sha256> {
    let mut mac =
        Hmac::<Sha256>::new_from_slice(secret.expose()).expect("HMAC takes a key of any length");
    mac.update(id.as_bytes());
    mac.update(b".");
    mac.update(timestamp.as_bytes());
    mac.update(b".");
    mac.update(body);
    mac
}

#[cfg(test)]
mod tests {
    use super::*;

    const NOW: Timestamp = Timestamp::from_millis(1_700_000_000_000);
    const BODY: &[u8] = br#"{"type":"reply.created"}"#;

    fn secret() -> SigningSecret {
        SigningSecret::parse("whsec_y1Lx0oo3XBsU342ON9KPV8nvSeyXJmr3dtHuJOpA0jI=").unwrap()
    }

    fn other() -> SigningSecret {
        SigningSecret::parse("whsec_AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA=").unwrap()
    }

    #[test]
    fn the_published_vector_is_signed_as_published() {
        let signed = sign(&[secret()], "reply:abc:0", NOW, BODY).unwrap();
        assert_eq!(
            signed.signature,
            "v1,UobZS4xI0LYBBHgPlpqqk1T2eNyIVlUtAPQM4BXTm74="
        );
        assert_eq!(signed.timestamp, "1700000000");
    }

    #[test]
    fn while_secrets_rotate_either_one_verifies() {
        let signed = sign(&[other(), secret()], "reply:abc:0", NOW, BODY).unwrap();
        assert_eq!(signed.signature.split(' ').count(), 2);
        assert_eq!(verify(&secret(), &signed, BODY, NOW), Ok(()));
        assert_eq!(verify(&other(), &signed, BODY, NOW), Ok(()));
    }

    #[test]
    fn a_changed_id_time_body_or_secret_is_seen() {
        let signed = sign(&[secret()], "reply:abc:0", NOW, BODY).unwrap();
        let with = |change: fn(&mut Signed)| {
            let mut changed = signed.clone();
            change(&mut changed);
            changed
        };
        let mismatch = Err(SignatureError::Mismatch);
        let later = with(|signed| signed.timestamp = "1700000001".into());
        let renamed = with(|signed| signed.id = "reply:abd:0".into());
        assert_eq!(verify(&secret(), &later, BODY, NOW), mismatch);
        assert_eq!(verify(&secret(), &renamed, BODY, NOW), mismatch);
        assert_eq!(verify(&secret(), &signed, b"{}", NOW), mismatch);
        assert_eq!(verify(&other(), &signed, BODY, NOW), mismatch);
        let unsigned = with(|signed| signed.signature = "v1,".into());
        assert_eq!(verify(&secret(), &unsigned, BODY, NOW), mismatch);
    }

    #[test]
    fn an_attempt_counts_for_five_minutes_in_either_direction() {
        let signed = sign(&[secret()], "reply:abc:0", NOW, BODY).unwrap();
        for (offset, wanted) in [(300, true), (-300, true), (301, false), (-301, false)] {
            let now = Timestamp::from_millis(NOW.as_millis() + offset * 1_000);
            let answer = verify(&secret(), &signed, BODY, now);
            assert_eq!(answer.is_ok(), wanted, "{offset} s");
        }
    }

    #[test]
    fn nothing_is_signed_without_a_secret_or_under_an_id_with_a_dot() {
        assert_eq!(sign(&[], "a", NOW, BODY), Err(SigningError::NoSecret));
        for id in ["", "a.b", "a b", "a\nb", "ë"] {
            let answer = sign(&[secret()], id, NOW, BODY);
            assert_eq!(answer, Err(SigningError::Id), "{id:?}");
        }
    }
}
