//! The keys by which i-Reserve proves itself, one algorithm each, fixed here and never taken from a token.

use std::fmt;

use secrecy::{ExposeSecret, SecretSlice};

use super::{PublicKey, PublicKeyError};

/// The signing algorithms we accept, as JSON Web Tokens name them.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Algorithm {
    Hs256,
    Rs256,
    Es256,
    EdDsa,
}

impl Algorithm {
    pub const ALL: [Self; 4] = [Self::Hs256, Self::Rs256, Self::Es256, Self::EdDsa];

    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Self::Hs256 => "HS256",
            Self::Rs256 => "RS256",
            Self::Es256 => "ES256",
            Self::EdDsa => "EdDSA",
        }
    }

    #[must_use]
    pub fn from_name(name: &str) -> Option<Self> {
        Self::ALL
            .into_iter()
            .find(|algorithm| algorithm.name() == name)
    }
}

impl fmt::Display for Algorithm {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.name())
    }
}

/// The name of a key: 1 to 64 printable characters. Only ever compared with the names in the settings.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub struct Kid(Box<str>);

impl Kid {
    pub const RULE: &'static str = "1 to 64 characters without blanks and control characters";

    #[must_use]
    pub fn new(text: &str) -> Option<Self> {
        let fine = (1..=64).contains(&text.chars().count())
            && !text.chars().any(|c| c.is_control() || c.is_whitespace());
        fine.then(|| Self(text.into()))
    }

    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

/// One key of a licence.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Key {
    kid: Option<Kid>,
    material: Material,
}

/// What verifies.
#[derive(Debug, Clone)]
pub enum Material {
    /// Shared with i-Reserve, at least 32 bytes; can sign too.
    Hs256(SecretSlice<u8>),
    /// Verifies only. Its algorithm follows from its kind.
    Public(PublicKey),
}

/// Why a key is not taken.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum KeyError {
    /// Shorter than the hash, so it could be searched for (RFC 7518, section 3.2).
    #[error("has {bytes} bytes, HS256 needs at least 32")]
    ShortSecret { bytes: usize },
    #[error("is a key for {is}, not for {wanted}")]
    Algorithm { is: Algorithm, wanted: Algorithm },
    #[error("{0}")]
    Public(#[from] PublicKeyError),
}

impl Key {
    /// A secret's bytes count as they stand; they are not decoded.
    ///
    /// # Errors
    /// When it is shorter than 32 bytes.
    pub fn shared(kid: Option<Kid>, secret: impl AsRef<[u8]>) -> Result<Self, KeyError> {
        let secret = secret.as_ref();
        let bytes = secret.len();
        if bytes < 32 {
            return Err(KeyError::ShortSecret { bytes });
        }
        Ok(Self {
            kid,
            material: Material::Hs256(secret.to_vec().into()),
        })
    }

    /// # Errors
    /// When the PEM text holds no public key of that algorithm, or one that is too weak.
    pub fn public(kid: Option<Kid>, algorithm: Algorithm, pem: &str) -> Result<Self, KeyError> {
        let key = PublicKey::from_pem(pem)?;
        if key.algorithm() != algorithm {
            return Err(KeyError::Algorithm {
                is: key.algorithm(),
                wanted: algorithm,
            });
        }
        Ok(Self {
            kid,
            material: Material::Public(key),
        })
    }

    /// A key of a licence key has none.
    #[must_use]
    pub const fn kid(&self) -> Option<&Kid> {
        self.kid.as_ref()
    }

    #[must_use]
    pub const fn material(&self) -> &Material {
        &self.material
    }

    #[must_use]
    pub const fn algorithm(&self) -> Algorithm {
        match &self.material {
            Material::Hs256(_) => Algorithm::Hs256,
            Material::Public(key) => key.algorithm(),
        }
    }
}

impl PartialEq for Material {
    fn eq(&self, other: &Self) -> bool {
        match (self, other) {
            (Self::Hs256(a), Self::Hs256(b)) => a.expose_secret() == b.expose_secret(),
            (Self::Public(a), Self::Public(b)) => a == b,
            _ => false,
        }
    }
}

impl Eq for Material {}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_shared_secret_has_at_least_32_bytes() {
        assert_eq!(
            Key::shared(None, "x".repeat(31)),
            Err(KeyError::ShortSecret { bytes: 31 })
        );
        let key = Key::shared(Kid::new("2026"), "x".repeat(32)).unwrap();
        assert_eq!(key.algorithm(), Algorithm::Hs256);
        assert!(!format!("{key:?}").contains("xxx"));
    }

    #[test]
    fn a_key_name_is_short_and_printable() {
        assert!(Kid::new("../../2026").is_some(), "only ever compared");
        for bad in ["", "a b", "a\nb", &"k".repeat(65)] {
            assert_eq!(Kid::new(bad), None, "{bad:?}");
        }
    }
}
