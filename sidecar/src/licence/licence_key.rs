//! The licence key: one value that carries a whole connection, short enough to be pasted into a one-line field.
//!
//! ```text
//! ir1.{licence}.{secret}.{check}@{host[/path]}
//!     |         |        |       `- i-Reserve, with a port or a path where it has one
//!     |         |        `- first 6 characters of base64url(SHA-256 of the key without the check), against typing errors
//!     |         `- base64url of 32 random bytes
//!     `- at most 26 characters
//! ```
//!
//! From the 32 bytes follow the secret of i-Reserve's tokens and the one that signs our calls (HKDF-SHA-256, no salt); from the host
//! the addresses that we call.

use std::fmt;

use base64::{Engine, engine::general_purpose::URL_SAFE_NO_PAD};
use hkdf::Hkdf;
use secrecy::{ExposeSecret, SecretBox};
use sha2::{Digest, Sha256};
use shared::LicenceId;
use url::Url;

use super::{Ireserve, Key, SigningSecret, is_loopback};

/// A licence key that was read or made. Shows no secret in `Debug`.
pub struct LicenceKey {
    licence: LicenceId,
    host: String,
    base: Url,
    secret: SecretBox<[u8; 32]>,
}

/// Why a text is no licence key. One variant for each thing its bearer may repair; none repeats the text.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum LicenceKeyError {
    #[error(
        "has {bytes} bytes, a licence key has at most {}",
        LicenceKey::MOST_BYTES
    )]
    TooLong { bytes: usize },
    #[error("does not begin with `ir1.`")]
    Prefix,
    /// Most often cut off while copying.
    #[error("is not complete: a licence key looks like ir1.licence.secret.check@host")]
    Incomplete,
    #[error("names a licence that is not 1 to 26 characters of A-Z a-z 0-9 _ -")]
    Licence,
    #[error("has a secret that is not 43 characters of base64url")]
    Secret,
    #[error("does not name i-Reserve's host after the @ as host, host:port or host/path")]
    Host,
    /// Something in it was changed after it was made.
    #[error("has a typing error: its check characters do not fit the rest")]
    Check,
}

impl LicenceKey {
    pub const MOST_BYTES: usize = 150;

    /// # Errors
    /// What is wrong, without repeating any of it.
    pub fn parse(text: &str) -> Result<Self, LicenceKeyError> {
        let bytes = text.len();
        if bytes > Self::MOST_BYTES {
            return Err(LicenceKeyError::TooLong { bytes });
        }
        let rest = text.strip_prefix("ir1.").ok_or(LicenceKeyError::Prefix)?;
        let (left, host) = rest.split_once('@').ok_or(LicenceKeyError::Incomplete)?;
        let mut parts = left.split('.');
        let (Some(licence), Some(secret), Some(check), None) =
            (parts.next(), parts.next(), parts.next(), parts.next())
        else {
            return Err(LicenceKeyError::Incomplete);
        };
        let licence = short_id(licence)?;
        let bytes = URL_SAFE_NO_PAD
            .decode(secret)
            .ok()
            .and_then(|bytes| <[u8; 32]>::try_from(bytes).ok())
            .ok_or(LicenceKeyError::Secret)?;
        if check != checked(&licence, secret, host) {
            return Err(LicenceKeyError::Check);
        }
        Self::of(licence, host, bytes)
    }

    /// A new key for this licence, from 32 random bytes.
    ///
    /// # Errors
    /// When the licence is too long for a key, the host is none, or both are too long together.
    pub fn make(licence: &str, host: &str, secret: [u8; 32]) -> Result<Self, LicenceKeyError> {
        let key = Self::of(short_id(licence)?, host, secret)?;
        let bytes = key.expose_text().len();
        if bytes > Self::MOST_BYTES {
            return Err(LicenceKeyError::TooLong { bytes });
        }
        Ok(key)
    }

    fn of(licence: LicenceId, host: &str, secret: [u8; 32]) -> Result<Self, LicenceKeyError> {
        Ok(Self {
            licence,
            base: base(host)?,
            host: host.to_owned(),
            secret: SecretBox::new(Box::new(secret)),
        })
    }

    #[must_use]
    pub const fn licence(&self) -> &LicenceId {
        &self.licence
    }

    /// i-Reserve's host as the key names it, with port and path.
    #[must_use]
    pub fn host(&self) -> &str {
        &self.host
    }

    /// The key as people copy it. A secret.
    #[must_use]
    pub fn expose_text(&self) -> String {
        let secret = URL_SAFE_NO_PAD.encode(self.secret.expose_secret());
        let check = checked(&self.licence, &secret, &self.host);
        format!("ir1.{}.{secret}.{check}@{}", self.licence, self.host)
    }

    /// The key of i-Reserve's tokens: the 43 characters themselves are the secret. It has no `kid`.
    #[must_use]
    pub fn token_key(&self) -> Key {
        let secret = URL_SAFE_NO_PAD.encode(self.derive(b"jwt"));
        Key::shared(None, &secret).expect("43 characters are more than the 32 that a key needs")
    }

    /// What signs our calls to i-Reserve.
    #[must_use]
    pub fn signing_secret(&self) -> SigningSecret {
        SigningSecret::from_bytes(self.derive(b"webhook"))
    }

    /// i-Reserve's side as this key describes it.
    #[must_use]
    pub fn ireserve(&self) -> Ireserve {
        Ireserve {
            webhook_url: Some(self.address("events")),
            users_url: Some(self.address("users")),
            secrets: vec![self.signing_secret()],
            dangerous_plain_http: false,
        }
    }

    fn address(&self, last: &str) -> Url {
        let mut url = self.base.clone();
        let path = url.path().trim_end_matches('/');
        let path = format!("{path}/mattermost/{last}");
        url.set_path(&path);
        url
    }

    fn derive(&self, info: &[u8]) -> [u8; 32] {
        let mut bytes = [0; 32];
        Hkdf::<Sha256>::new(None, self.secret.expose_secret())
            .expand(info, &mut bytes)
            .expect("32 bytes are far below what HKDF-SHA-256 can give");
        bytes
    }
}

impl PartialEq for LicenceKey {
    fn eq(&self, other: &Self) -> bool {
        self.licence == other.licence
            && self.host == other.host
            && self.secret.expose_secret() == other.secret.expose_secret()
    }
}

impl Eq for LicenceKey {}

impl fmt::Debug for LicenceKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "LicenceKey({} at {})", self.licence, self.host)
    }
}

fn short_id(text: &str) -> Result<LicenceId, LicenceKeyError> {
    LicenceId::new(text)
        .ok()
        .filter(|id| id.as_str().len() <= 26)
        .ok_or(LicenceKeyError::Licence)
}

fn checked(licence: &LicenceId, secret: &str, host: &str) -> String {
    let digest = Sha256::digest(format!("ir1.{licence}.{secret}@{host}").as_bytes());
    let mut text = URL_SAFE_NO_PAD.encode(digest);
    text.truncate(6);
    text
}

/// The address that `host[:port][/path]` stands for.
fn base(host: &str) -> Result<Url, LicenceKeyError> {
    let plain = !host.is_empty()
        && host
            .bytes()
            .all(|b| b.is_ascii_graphic() && !b"@?#\\%\"<>".contains(&b));
    if !plain || host.starts_with('/') {
        return Err(LicenceKeyError::Host);
    }
    let mut url = Url::parse(&format!("https://{host}")).map_err(|_| LicenceKeyError::Host)?;
    if is_loopback(&url) {
        url.set_scheme("http").map_err(|()| LicenceKeyError::Host)?;
    }
    Ok(url)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::licence::Material;

    const VECTOR: &str =
        "ir1.acme.AAECAwQFBgcICQoLDA0ODxAREhMUFRYXGBkaGxwdHh8.qtnrj0@acme.i-reserve.net";

    #[test]
    fn the_published_vector_gives_its_two_secrets_and_addresses() {
        let key = LicenceKey::parse(VECTOR).unwrap();
        let Material::Hs256(secret) = key.token_key().material().clone() else {
            panic!("a licence key is a shared secret");
        };
        assert_eq!(
            secret.expose_secret(),
            b"Qz-d028ET6rR_t1M9uYAAqoFpguzV4qSVj_EkufNkMw"
        );
        assert_eq!(
            key.signing_secret().expose_text(),
            "whsec_y1Lx0oo3XBsU342ON9KPV8nvSeyXJmr3dtHuJOpA0jI="
        );
        let ireserve = key.ireserve();
        assert_eq!(
            ireserve.webhook_url.unwrap().as_str(),
            "https://acme.i-reserve.net/mattermost/events"
        );
        assert_eq!(
            ireserve.users_url.unwrap().as_str(),
            "https://acme.i-reserve.net/mattermost/users"
        );
        assert_eq!(key.expose_text(), VECTOR);
        assert!(!format!("{key:?}").contains("AAECAw"));
    }

    #[test]
    fn a_made_key_reads_back_with_port_and_path() {
        let bytes = std::array::from_fn(|at| at as u8);
        for (host, events) in [
            (
                "acme.i-reserve.net",
                "https://acme.i-reserve.net/mattermost/events",
            ),
            ("localhost:8099", "http://localhost:8099/mattermost/events"),
            (
                "127.0.0.1:9/base",
                "http://127.0.0.1:9/base/mattermost/events",
            ),
            ("[::1]:9", "http://[::1]:9/mattermost/events"),
            ("example.org/a/", "https://example.org/a/mattermost/events"),
        ] {
            let made = LicenceKey::make("acme", host, bytes).unwrap();
            let read = LicenceKey::parse(&made.expose_text()).unwrap();
            assert_eq!(read, made, "{host}");
            assert_eq!(read.ireserve().webhook_url.unwrap().as_str(), events);
        }
    }

    #[test]
    fn each_way_to_spoil_a_key_has_its_own_error() {
        use LicenceKeyError::{Check, Host, Incomplete, Licence, Prefix, Secret, TooLong};
        let spoilt = |from: &str, to: &str| VECTOR.replace(from, to);
        let long = format!("{VECTOR}/{}", "x".repeat(150));
        for (text, wanted) in [
            (long.as_str(), TooLong { bytes: long.len() }),
            (&spoilt("ir1.", "ir2."), Prefix),
            (&spoilt("@acme.i-reserve.net", ""), Incomplete),
            (&spoilt(".qtnrj0", ""), Incomplete),
            (&spoilt(".acme.", &format!(".{}.", "a".repeat(27))), Licence),
            (&spoilt("AAEC", "AAE"), Secret),
            (&spoilt("AAEC", "AAED"), Check),
            (&spoilt("qtnrj0", "qtnrj1"), Check),
            (&spoilt("@acme", "@acmf"), Check),
        ] {
            assert_eq!(LicenceKey::parse(text).err(), Some(wanted), "{text}");
        }
        for host in ["", "/path", "a@b", "a?b", "a b", "a#b", "ho st", "a:99999"] {
            assert_eq!(
                LicenceKey::make("acme", host, [0; 32]).err(),
                Some(Host),
                "{host:?}"
            );
        }
        let longest = format!("example.org/{}", "p".repeat(80));
        assert!(matches!(
            LicenceKey::make("acme", &longest, [0; 32]),
            Err(TooLong { .. })
        ));
    }
}
