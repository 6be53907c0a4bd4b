//! Signatures with nothing but HMAC, SHA-256 and base64: JWT HS256 and Standard Webhooks. Written here on their own, so that an
//! error in the sidecar's code is not repeated by the code that checks it.

use base64::Engine as _;
use base64::engine::general_purpose::{STANDARD, URL_SAFE_NO_PAD};
use hmac::Mac as _;
use serde_json::{Value, json};
use sha2::Sha256;

/// HMAC-SHA-256.
#[derive(Debug, Clone, Copy)]
pub struct Mac([u8; 32]);

impl Mac {
    /// Over `message` with `key`.
    #[must_use]
    pub fn of(key: &[u8], message: &[u8]) -> Self {
        let mut mac =
            hmac::Hmac::<Sha256>::new_from_slice(key).expect("HMAC takes keys of any length");
        mac.update(message);
        Self(mac.finalize().into_bytes().into())
    }

    /// In base64 with padding.
    #[must_use]
    pub fn base64(&self) -> String {
        STANDARD.encode(self.0)
    }

    pub(super) const fn bytes(&self) -> [u8; 32] {
        self.0
    }

    fn base64url(&self) -> String {
        URL_SAFE_NO_PAD.encode(self.0)
    }
}

/// What a token says. Times are seconds since 1970.
#[derive(Debug, Clone, PartialEq)]
pub struct Claims(pub Value);

impl Claims {
    /// A token of i-Reserve for this licence, one hour long.
    #[must_use]
    pub fn of_licence(licence: &str, now: i64) -> Self {
        Self(
            json!({ "iss": "i-reserve", "aud": "ireserve-mattermost", "sub": licence, "iat": now, "exp": now + 3_600 }),
        )
    }

    /// The same with one claim changed, or with null removed.
    #[must_use]
    pub fn with(mut self, claim: &str, value: impl Into<Value>) -> Self {
        let value = value.into();
        if let Some(claims) = self.0.as_object_mut() {
            if value.is_null() {
                claims.remove(claim);
            } else {
                claims.insert(claim.to_owned(), value);
            }
        }
        self
    }
}

/// A signed token (RFC 7519, RFC 7515 compact form).
#[must_use]
pub fn jwt_hs256(secret: &[u8], kid: Option<&str>, claims: &Claims) -> String {
    let mut header = json!({ "alg": "HS256", "typ": "JWT" });
    if let Some(kid) = kid {
        header["kid"] = json!(kid);
    }
    let signed = format!(
        "{}.{}",
        URL_SAFE_NO_PAD.encode(header.to_string()),
        URL_SAFE_NO_PAD.encode(claims.0.to_string())
    );
    format!(
        "{signed}.{}",
        Mac::of(secret, signed.as_bytes()).base64url()
    )
}

/// The claims of a token whose HS256 signature fits; nothing else of it is checked.
#[must_use]
pub fn verified_jwt_hs256(secret: &[u8], token: &str) -> Option<Value> {
    let (signed, signature) = token.rsplit_once('.')?;
    let (header, claims) = signed.split_once('.')?;
    let decoded =
        |part: &str| serde_json::from_slice::<Value>(&URL_SAFE_NO_PAD.decode(part).ok()?).ok();
    let fits = Mac::of(secret, signed.as_bytes()).base64url() == signature
        && decoded(header)?["alg"] == "HS256";
    fits.then(|| decoded(claims)).flatten()
}

/// The bytes behind a `whsec_…` secret.
#[must_use]
pub fn webhook_key(secret: &str) -> Option<Vec<u8>> {
    STANDARD
        .decode(secret.strip_prefix("whsec_").unwrap_or(secret))
        .ok()
}

/// The signature of a Standard Webhooks message: `v1,` and base64.
#[must_use]
pub fn webhook_signature(key: &[u8], id: &str, timestamp: &str, body: &[u8]) -> String {
    let mut message = format!("{id}.{timestamp}.").into_bytes();
    message.extend_from_slice(body);
    format!("v1,{}", Mac::of(key, &message).base64())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_published_example_of_a_licence_key_is_signed_alike() {
        let key = webhook_key("whsec_y1Lx0oo3XBsU342ON9KPV8nvSeyXJmr3dtHuJOpA0jI=").unwrap();
        let signature = webhook_signature(
            &key,
            "reply:abc:0",
            "1700000000",
            br#"{"type":"reply.created"}"#,
        );
        assert_eq!(signature, "v1,UobZS4xI0LYBBHgPlpqqk1T2eNyIVlUtAPQM4BXTm74=");
    }

    #[test]
    fn a_token_is_read_back_with_its_secret_alone() {
        let token = jwt_hs256(b"secret", Some("k"), &Claims::of_licence("acme", 10));
        assert_eq!(
            verified_jwt_hs256(b"secret", &token).unwrap()["sub"],
            "acme"
        );
        assert!(verified_jwt_hs256(b"other", &token).is_none());
    }

    #[test]
    fn the_example_of_rfc_7515_is_signed_alike() {
        let key = URL_SAFE_NO_PAD.decode("AyM1SysPpbyDfgZld3umj1qzKObwVMkoqQ-EstJQLr_T-1qS0gZH75aKtMN3Yj0iPS4hcgUuTwjAzZr1Z9CAow").unwrap();
        let signed = "eyJ0eXAiOiJKV1QiLA0KICJhbGciOiJIUzI1NiJ9.eyJpc3MiOiJqb2UiLA0KICJleHAiOjEzMDA4MTkzODAsDQogImh0dHA6Ly9leGFtcGxlLmNvbS9pc19yb290Ijp0cnVlfQ";
        assert_eq!(
            Mac::of(&key, signed.as_bytes()).base64url(),
            "dBjftJeZ4CVP-mB92K27uhbUJU1p1r_wW1gFWFOEjXk"
        );
    }
}
