//! The compact form: three parts of base64url, the header and claims read by us before any library sees them.

use base64::{Engine, engine::general_purpose::URL_SAFE_NO_PAD};
use jsonwebtoken::DecodingKey;
use serde::{Deserialize, Deserializer, de::IgnoredAny};

use super::{Claims, foreign};
use crate::licence::Algorithm;

/// Longer tokens are a way to make us decode and parse for somebody who has proved nothing.
const MOST_BYTES: usize = 4 * 1024;
const MOST_KID_CHARS: usize = 64;

/// Why a text is no token that we look at.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum Shape {
    #[error("it is longer than 4 KiB")]
    TooLong,
    #[error("it has not three parts of base64url")]
    Parts,
    #[error("its header is unreadable")]
    Header,
    /// `none`, another family, or one we do not take.
    #[error("its algorithm is not one of ours")]
    Algorithm,
    /// `jku`, `jwk`, `x5u`, `x5c` bring or name keys; `crit` asks for rules we do not follow.
    #[error("its header brings keys or rules of its own")]
    ForeignKeys,
    #[error("its key name is no text of at most 64 characters")]
    Kid,
    #[error("its claims are unreadable")]
    Claims,
}

/// A token that was read and not proved.
pub(in crate::auth) struct Compact<'a> {
    pub(in crate::auth) algorithm: Algorithm,
    pub(in crate::auth) kid: Option<String>,
    pub(in crate::auth) claims: Claims,
    message: &'a str,
    signature: &'a str,
}

#[derive(Deserialize)]
struct Header {
    alg: String,
    #[serde(default, deserialize_with = "present")]
    kid: Option<serde_json::Value>,
    #[serde(default, deserialize_with = "any")]
    crit: bool,
    #[serde(default, deserialize_with = "any")]
    jku: bool,
    #[serde(default, deserialize_with = "any")]
    jwk: bool,
    #[serde(default, deserialize_with = "any")]
    x5u: bool,
    #[serde(default, deserialize_with = "any")]
    x5c: bool,
}

impl<'a> Compact<'a> {
    pub(in crate::auth) fn parse(text: &'a str) -> Result<Self, Shape> {
        if text.len() > MOST_BYTES {
            return Err(Shape::TooLong);
        }
        let (message, signature) = text.rsplit_once('.').ok_or(Shape::Parts)?;
        let (header, claims) = message.split_once('.').ok_or(Shape::Parts)?;
        if claims.contains('.') || signature.is_empty() {
            return Err(Shape::Parts);
        }
        let decode = |part| URL_SAFE_NO_PAD.decode(part).map_err(|_| Shape::Parts);
        decode(signature)?;
        let header: Header = serde_json::from_slice(&decode(header)?).map_err(|_| Shape::Header)?;
        let algorithm = Algorithm::from_name(&header.alg).ok_or(Shape::Algorithm)?;
        if header.crit || header.jku || header.jwk || header.x5u || header.x5c {
            return Err(Shape::ForeignKeys);
        }
        let kid = match header.kid {
            None => None,
            Some(serde_json::Value::String(kid)) if kid.chars().count() <= MOST_KID_CHARS => {
                Some(kid)
            }
            Some(_) => return Err(Shape::Kid),
        };
        let claims = serde_json::from_slice(&decode(claims)?).map_err(|_| Shape::Claims)?;
        Ok(Self {
            algorithm,
            kid,
            claims,
            message,
            signature,
        })
    }

    /// `algorithm` is the key's. A token of another one is not even tried.
    pub(super) fn is_signed_with(&self, key: &DecodingKey, algorithm: Algorithm) -> bool {
        self.algorithm == algorithm
            && jsonwebtoken::crypto::verify(
                self.signature,
                self.message.as_bytes(),
                key,
                foreign(algorithm),
            )
            .unwrap_or(false)
    }
}

/// Present counts, whatever it says: also `null`.
fn any<'de, D: Deserializer<'de>>(deserializer: D) -> Result<bool, D::Error> {
    IgnoredAny::deserialize(deserializer).map(|_| true)
}

fn present<'de, D: Deserializer<'de>>(
    deserializer: D,
) -> Result<Option<serde_json::Value>, D::Error> {
    serde_json::Value::deserialize(deserializer).map(Some)
}
