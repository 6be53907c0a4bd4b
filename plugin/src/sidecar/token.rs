//! The proof that a call is ours: a JWT of the shortest kind (RFC 7519, HS256), and where its secret comes from.

use std::time::UNIX_EPOCH;

use base64::{Engine as _, engine::general_purpose::URL_SAFE_NO_PAD};
use hmac::{Hmac, Mac};
use sha2::Sha256;
use shared::pairing::{AUDIENCE, Claims, Hidden, ISSUER, TOKEN_LIFE};

/// `{"alg":"HS256","typ":"JWT"}`
const HEADER: &str = "eyJhbGciOiJIUzI1NiIsInR5cCI6IkpXVCJ9";

/// A token for one call, for the plugin itself or for whoever acts.
pub(super) fn sign(secret: &[u8], now: i64, user: Option<&str>) -> String {
    let claims = Claims {
        iss: ISSUER.to_owned(),
        aud: AUDIENCE.to_owned(),
        iat: now,
        exp: now + TOKEN_LIFE.as_secs().cast_signed(),
        sub: user.map(str::to_owned),
    };
    let claims = serde_json::to_vec(&claims).expect("texts and numbers are JSON");
    let signed = format!("{HEADER}.{}", URL_SAFE_NO_PAD.encode(claims));
    let mut mac =
        Hmac::<Sha256>::new_from_slice(secret).expect("an HMAC takes a key of any length");
    mac.update(signed.as_bytes());
    let signature = URL_SAFE_NO_PAD.encode(mac.finalize().into_bytes());
    format!("{signed}.{signature}")
}

/// Seconds since 1970.
#[expect(
    clippy::disallowed_methods,
    reason = "the one place that asks for the wall time; a token says when it was made"
)]
pub(super) fn now() -> i64 {
    std::time::SystemTime::now()
        .duration_since(UNIX_EPOCH)
        .map_or(0, |since| since.as_secs().cast_signed())
}

/// 32 random bytes as text.
pub(crate) fn new_secret() -> Result<Hidden, getrandom::Error> {
    let mut bytes = [0; 32];
    getrandom::fill(&mut bytes)?;
    Ok(URL_SAFE_NO_PAD.encode(bytes).into())
}

/// 26 characters of a-z and 2-7, as Mattermost's own ids and webhook tokens are: 130 random bits.
pub(crate) fn random_word() -> Result<String, getrandom::Error> {
    const LETTERS: &[u8; 32] = b"abcdefghijklmnopqrstuvwxyz234567";
    let mut bytes = [0; 26];
    getrandom::fill(&mut bytes)?;
    Ok(bytes
        .iter()
        .map(|byte| char::from(LETTERS[usize::from(byte % 32)]))
        .collect())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_token_says_who_asks_whom_until_when_and_for_whom() {
        let token = sign(
            b"a-pairing-secret-of-32-bytes-or-more",
            1_700_000_000,
            Some("u"),
        );
        let parts: Vec<&str> = token.split('.').collect();
        let [header, claims, signature] = parts[..] else {
            panic!("{token}")
        };
        let text = |part| String::from_utf8(URL_SAFE_NO_PAD.decode(part).unwrap()).unwrap();
        assert_eq!(text(header), r#"{"alg":"HS256","typ":"JWT"}"#);
        assert_eq!(
            text(claims),
            r#"{"iss":"ireserve-plugin","aud":"ireserve-sidecar","iat":1700000000,"exp":1700000060,"sub":"u"}"#
        );
        let mut mac =
            Hmac::<Sha256>::new_from_slice(b"a-pairing-secret-of-32-bytes-or-more").unwrap();
        mac.update(format!("{header}.{claims}").as_bytes());
        mac.verify_slice(&URL_SAFE_NO_PAD.decode(signature).unwrap())
            .unwrap();
    }

    #[test]
    fn secrets_and_words_are_as_long_as_others_expect_and_not_alike() {
        let (one, two) = (new_secret().unwrap(), new_secret().unwrap());
        assert_eq!(one.0.len(), 43);
        assert_ne!(one, two);
        assert!(shared::id::mattermost(&random_word().unwrap()));
    }
}
