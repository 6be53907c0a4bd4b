//! Public keys: PEM around SPKI (RFC 7468, RFC 5280), as `openssl pkey -pubout` writes them.
//!
//! Read here and not by a library so that a wrong key is a mistake in the settings with its reason, and because only four shapes count:
//! an RSA key of 2048 to 4096 bits, a point on P-256, an Ed25519 key. Whether a point lies on its curve is seen where it verifies.

use base64::{Engine, engine::general_purpose::STANDARD};

use super::Algorithm;

/// A key that can verify and not sign.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct PublicKey {
    algorithm: Algorithm,
    bytes: Box<[u8]>,
}

/// Why a PEM text is not taken.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum PublicKeyError {
    #[error("is no PEM text: it must begin with -----BEGIN PUBLIC KEY-----")]
    Pem,
    /// Somebody else's secret in our settings.
    #[error("is a private key: only the public half belongs here")]
    Private,
    #[error("is PEM of another kind: -----BEGIN PUBLIC KEY----- is needed")]
    Label,
    #[error("is a damaged public key")]
    Damaged,
    #[error("is a public key of a kind that is not supported")]
    Kind,
    #[error("is an RSA key of {bits} bits, 2048 to 4096 are needed")]
    RsaSize { bits: usize },
}

impl PublicKey {
    /// # Errors
    /// When it is no usable public key.
    pub fn from_pem(pem: &str) -> Result<Self, PublicKeyError> {
        Self::from_spki(&unwrap_pem(pem)?)
    }

    /// The RSA key as PKCS#1 DER, the point of P-256 uncompressed, or the 32 bytes of Ed25519.
    #[must_use]
    pub const fn as_bytes(&self) -> &[u8] {
        &self.bytes
    }

    #[must_use]
    pub const fn algorithm(&self) -> Algorithm {
        self.algorithm
    }

    fn from_spki(der: &[u8]) -> Result<Self, PublicKeyError> {
        const RSA: &[u8] = &[0x2a, 0x86, 0x48, 0x86, 0xf7, 0x0d, 0x01, 0x01, 0x01];
        const EC: &[u8] = &[0x2a, 0x86, 0x48, 0xce, 0x3d, 0x02, 0x01];
        const P256: &[u8] = &[0x2a, 0x86, 0x48, 0xce, 0x3d, 0x03, 0x01, 0x07];
        const ED25519: &[u8] = &[0x2b, 0x65, 0x70];

        let mut outer = Der(der);
        let mut spki = Der(outer.next(SEQUENCE)?);
        let mut kind = Der(spki.next(SEQUENCE)?);
        let oid = kind.next(OID)?;
        let bits = spki.next(BIT_STRING)?;
        // The first byte counts unused bits; keys have none.
        let Some((0, bytes)) = bits.split_first() else {
            return Err(PublicKeyError::Damaged);
        };
        if !outer.0.is_empty() || !spki.0.is_empty() {
            return Err(PublicKeyError::Damaged);
        }
        let algorithm = match oid {
            RSA => {
                rsa_size(bytes)?;
                Algorithm::Rs256
            }
            EC if kind.next(OID)? == P256 => {
                if bytes.len() != 65 || bytes[0] != 4 {
                    return Err(PublicKeyError::Damaged);
                }
                Algorithm::Es256
            }
            ED25519 if bytes.len() == 32 => Algorithm::EdDsa,
            ED25519 => return Err(PublicKeyError::Damaged),
            _ => return Err(PublicKeyError::Kind),
        };
        Ok(Self {
            algorithm,
            bytes: bytes.into(),
        })
    }
}

fn unwrap_pem(pem: &str) -> Result<Vec<u8>, PublicKeyError> {
    let mut lines = pem.lines().map(str::trim).filter(|line| !line.is_empty());
    let label = lines
        .next()
        .and_then(|line| line.strip_prefix("-----BEGIN ")?.strip_suffix("-----"))
        .ok_or(PublicKeyError::Pem)?;
    if label.contains("PRIVATE") {
        return Err(PublicKeyError::Private);
    }
    if label != "PUBLIC KEY" {
        return Err(PublicKeyError::Label);
    }
    let mut encoded = String::new();
    for line in lines {
        if line == "-----END PUBLIC KEY-----" {
            return STANDARD
                .decode(encoded)
                .map_err(|_| PublicKeyError::Damaged);
        }
        encoded.push_str(line);
    }
    Err(PublicKeyError::Damaged)
}

/// RFC 8017: SEQUENCE of modulus and exponent.
fn rsa_size(der: &[u8]) -> Result<(), PublicKeyError> {
    let mut key = Der(Der(der).next(SEQUENCE)?);
    let modulus = key.next(INTEGER)?;
    key.next(INTEGER)?;
    let first = modulus.iter().position(|byte| *byte != 0);
    let Some((first, top)) = first.map(|at| (at, modulus[at])) else {
        return Err(PublicKeyError::Damaged);
    };
    let bits = (modulus.len() - first) * 8 - top.leading_zeros() as usize;
    if (2048..=4096).contains(&bits) {
        Ok(())
    } else {
        Err(PublicKeyError::RsaSize { bits })
    }
}

const SEQUENCE: u8 = 0x30;
const OID: u8 = 0x06;
const BIT_STRING: u8 = 0x03;
const INTEGER: u8 = 0x02;

/// Distinguished encoding, as much of it as keys need.
struct Der<'a>(&'a [u8]);

impl<'a> Der<'a> {
    /// The content of the next element, which must have this tag.
    fn next(&mut self, tag: u8) -> Result<&'a [u8], PublicKeyError> {
        const DAMAGED: PublicKeyError = PublicKeyError::Damaged;
        let [found, length, rest @ ..] = self.0 else {
            return Err(DAMAGED);
        };
        if *found != tag {
            return Err(DAMAGED);
        }
        let (length, rest) = match length {
            0..=0x7f => (usize::from(*length), rest),
            0x81 | 0x82 => {
                let (bytes, rest) = rest
                    .split_at_checked(usize::from(length & 0x0f))
                    .ok_or(DAMAGED)?;
                let length = bytes
                    .iter()
                    .fold(0, |sum, byte| sum << 8 | usize::from(*byte));
                (length, rest)
            }
            _ => return Err(DAMAGED),
        };
        let (content, rest) = rest.split_at_checked(length).ok_or(DAMAGED)?;
        self.0 = rest;
        Ok(content)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const RSA: &str = include_str!("../auth/token/test_keys/rsa.public.pem");
    const EC: &str = include_str!("../auth/token/test_keys/ec.public.pem");
    const ED: &str = include_str!("../auth/token/test_keys/ed.public.pem");

    #[test]
    fn keys_as_openssl_writes_them_are_read() {
        for (pem, algorithm, bytes) in [
            (RSA, Algorithm::Rs256, 270),
            (EC, Algorithm::Es256, 65),
            (ED, Algorithm::EdDsa, 32),
        ] {
            let key = PublicKey::from_pem(pem).unwrap();
            assert_eq!((key.algorithm(), key.as_bytes().len()), (algorithm, bytes));
            let windows = pem.replace('\n', "\r\n");
            assert_eq!(PublicKey::from_pem(&windows), Ok(key));
        }
    }

    #[test]
    fn a_key_that_is_none_says_why() {
        use PublicKeyError::{Damaged, Kind, Label, Pem, Private, RsaSize};
        let private = include_str!("../auth/token/test_keys/ed.private.pem");
        let weak = include_str!("../auth/token/test_keys/rsa1024.public.pem");
        let p384 = include_str!("../auth/token/test_keys/p384.public.pem");
        let certificate = "-----BEGIN CERTIFICATE-----\nAAAA\n-----END CERTIFICATE-----";
        for (pem, wanted) in [
            ("", Pem),
            ("ssh-ed25519 AAAA", Pem),
            (private, Private),
            (weak, RsaSize { bits: 1024 }),
            (p384, Kind),
            (certificate, Label),
            (
                "-----BEGIN PUBLIC KEY-----\nAAAA\n-----END PUBLIC KEY-----",
                Damaged,
            ),
            ("-----BEGIN PUBLIC KEY-----\n", Damaged),
        ] {
            assert_eq!(PublicKey::from_pem(pem), Err(wanted), "{pem:.40}");
        }
    }

    #[test]
    fn every_truncation_of_a_key_is_an_error() {
        for pem in [RSA, EC, ED] {
            let der = unwrap_pem(pem).unwrap();
            for length in 0..der.len() {
                assert!(PublicKey::from_spki(&der[..length]).is_err(), "{length}");
            }
        }
    }
}
