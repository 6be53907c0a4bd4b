//! Secrets of a licence: what Mattermost's webhook shows, and what signs our calls to i-Reserve.

use std::fmt;

use base64::{Engine, engine::general_purpose::STANDARD};
use secrecy::{ExposeSecret, SecretSlice};
use sha2::{Digest, Sha256};

/// Why a secret is not taken. Never repeats it.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum SecretError {
    #[error("is empty")]
    Empty,
    /// Short enough to be guessed.
    #[error("has {length} characters, at least {least} are needed")]
    TooShort { length: usize, least: usize },
    #[error("does not start with `whsec_`")]
    Prefix,
    #[error("is not base64 after `whsec_`")]
    Encoding,
    #[error("holds {bytes} bytes, 24 to 64 are needed")]
    Length { bytes: usize },
}

/// SHA-256 of an outgoing-webhook token. The token itself is not kept: comparing digests takes the same time whatever the guess.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub struct TokenDigest([u8; 32]);

impl TokenDigest {
    /// Fewer characters could be guessed; Mattermost's tokens have 26.
    pub const LEAST: usize = 16;

    /// # Errors
    /// When the token is blank or short. Mattermost itself lets an empty token through a careless change of a webhook.
    pub fn new(token: &str) -> Result<Self, SecretError> {
        let length = token.chars().count();
        if token.trim().is_empty() {
            Err(SecretError::Empty)
        } else if length < Self::LEAST {
            Err(SecretError::TooShort {
                length,
                least: Self::LEAST,
            })
        } else {
            Ok(Self::of(token))
        }
    }

    /// Of whatever a request brought, to be compared.
    #[must_use]
    pub fn of(token: &str) -> Self {
        Self(Sha256::digest(token.as_bytes()).into())
    }

    #[must_use]
    pub const fn as_bytes(&self) -> &[u8; 32] {
        &self.0
    }
}

impl fmt::Debug for TokenDigest {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("TokenDigest(..)")
    }
}

/// A secret of Standard Webhooks: `whsec_` and base64 of 24 to 64 bytes.
#[derive(Debug, Clone)]
pub struct SigningSecret(SecretSlice<u8>);

impl SigningSecret {
    /// # Errors
    /// When it is none.
    pub fn parse(text: &str) -> Result<Self, SecretError> {
        if text.is_empty() {
            return Err(SecretError::Empty);
        }
        let encoded = text.strip_prefix("whsec_").ok_or(SecretError::Prefix)?;
        let bytes = STANDARD
            .decode(encoded)
            .map_err(|_| SecretError::Encoding)?;
        if (24..=64).contains(&bytes.len()) {
            Ok(Self(bytes.into()))
        } else {
            Err(SecretError::Length { bytes: bytes.len() })
        }
    }

    pub(super) fn from_bytes(bytes: [u8; 32]) -> Self {
        Self(bytes.to_vec().into())
    }

    /// The bytes behind the text, for signing.
    #[must_use]
    pub fn expose(&self) -> &[u8] {
        self.0.expose_secret()
    }

    /// As settings and i-Reserve's side spell it. A secret.
    #[must_use]
    pub fn expose_text(&self) -> String {
        format!("whsec_{}", STANDARD.encode(self.expose()))
    }
}

impl PartialEq for SigningSecret {
    fn eq(&self, other: &Self) -> bool {
        self.expose() == other.expose()
    }
}

impl Eq for SigningSecret {}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_signing_secret_has_a_form_and_a_length() {
        let of = |bytes: usize| format!("whsec_{}", STANDARD.encode(vec![7; bytes]));
        for (text, wanted) in [
            (of(24), None),
            (of(64), None),
            (of(23), Some(SecretError::Length { bytes: 23 })),
            (of(65), Some(SecretError::Length { bytes: 65 })),
            (String::new(), Some(SecretError::Empty)),
            ("hunter2".into(), Some(SecretError::Prefix)),
            ("whsec_*".into(), Some(SecretError::Encoding)),
        ] {
            assert_eq!(SigningSecret::parse(&text).err(), wanted, "{text}");
        }
    }

    #[test]
    fn blank_and_short_webhook_tokens_are_refused() {
        assert_eq!(TokenDigest::new("  ").err(), Some(SecretError::Empty));
        assert!(matches!(
            TokenDigest::new("fifteen-chars-x"),
            Err(SecretError::TooShort { length: 15, .. })
        ));
        assert!(TokenDigest::new("sixteen-chars-xx").is_ok());
    }

    #[test]
    fn debug_shows_no_secret() {
        let secret = SigningSecret::parse(&format!("whsec_{}", STANDARD.encode([65; 32]))).unwrap();
        let shown = format!("{secret:?} {:?}", TokenDigest::of("AAAA"));
        assert!(!shown.contains("65") && !shown.contains("AAA"), "{shown}");
    }
}
