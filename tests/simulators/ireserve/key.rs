//! The licence key as i-Reserve hands it out, and what it derives from it. Written here on its own, so that an error in the sidecar's
//! derivation shows.

use base64::Engine as _;
use base64::engine::general_purpose::{STANDARD, URL_SAFE_NO_PAD};
use sha2::{Digest as _, Sha256};

use super::sign::Mac;

/// `ir1.{licence}.{secret}.{check}@{host[/path]}`.
#[derive(Debug, Clone)]
pub struct LicenceKey {
    licence: String,
    host: String,
    secret: [u8; 32],
}

impl LicenceKey {
    /// A key for a licence of the i-Reserve at `host`.
    #[must_use]
    pub fn new(licence: &str, host: &str, secret: [u8; 32]) -> Self {
        Self {
            licence: licence.to_owned(),
            host: host.to_owned(),
            secret,
        }
    }

    /// As people copy it.
    #[must_use]
    pub fn text(&self) -> String {
        let secret = URL_SAFE_NO_PAD.encode(self.secret);
        let unchecked = format!("ir1.{}.{secret}@{}", self.licence, self.host);
        let digest = URL_SAFE_NO_PAD.encode(Sha256::digest(unchecked));
        format!(
            "ir1.{}.{secret}.{}@{}",
            self.licence,
            &digest[..6],
            self.host
        )
    }

    /// What signs i-Reserve's tokens.
    #[must_use]
    pub fn token_secret(&self) -> String {
        URL_SAFE_NO_PAD.encode(self.derive(b"jwt"))
    }

    /// What signs the calls to i-Reserve: `whsec_…`.
    #[must_use]
    pub fn webhook_secret(&self) -> String {
        format!("whsec_{}", STANDARD.encode(self.derive(b"webhook")))
    }

    /// HKDF-SHA-256 (RFC 5869) without salt; 32 bytes are its first block.
    fn derive(&self, info: &[u8]) -> [u8; 32] {
        let extracted = Mac::of(&[0; 32], &self.secret).bytes();
        let mut block = info.to_vec();
        block.push(1);
        Mac::of(&extracted, &block).bytes()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_published_example_is_made_and_derived_alike() {
        let mut secret = [0; 32];
        for (at, byte) in secret.iter_mut().enumerate() {
            *byte = u8::try_from(at).unwrap();
        }
        let key = LicenceKey::new("acme", "acme.i-reserve.net", secret);
        assert_eq!(
            key.text(),
            "ir1.acme.AAECAwQFBgcICQoLDA0ODxAREhMUFRYXGBkaGxwdHh8.qtnrj0@acme.i-reserve.net"
        );
        assert_eq!(
            key.token_secret(),
            "Qz-d028ET6rR_t1M9uYAAqoFpguzV4qSVj_EkufNkMw"
        );
        assert_eq!(
            key.webhook_secret(),
            "whsec_y1Lx0oo3XBsU342ON9KPV8nvSeyXJmr3dtHuJOpA0jI="
        );
    }
}
