//! Tokens of i-Reserve: JSON Web Tokens (RFC 7519), checked in the order size, shape, header, keys of the claimed licence, signature,
//! claims.
//!
//! The algorithm belongs to the key in our settings. The header is only compared with it; a header that brings, names or requires
//! anything else is refused. Until a signature is proved every refusal looks the same to the caller, and costs a verification where the
//! licence or its key is unknown, so that nobody learns from answers or their time which licences exist. Keys are never fetched.
//!
//! Not here: what a token may do. It proves its licence, nothing about a body.

mod claims;
mod compact;
mod dummy;
#[cfg(test)]
mod matrix;
mod sign;

use http::{HeaderMap, HeaderName, header::AUTHORIZATION};
use jsonwebtoken::DecodingKey;
use secrecy::ExposeSecret;
use shared::{LicenceId, Timestamp};

use super::Verified;
use crate::licence::{Algorithm, Key, Licence, Licences, Material};

pub use claims::ClaimFault;
pub(super) use claims::{Claims, Expectation};
pub(super) use compact::Compact;
pub use compact::Shape;
#[cfg(test)]
pub(super) use sign::encode;
pub use sign::{SignError, for_sidecar, for_users_url};

/// Where the token comes when something in front takes `Authorization` away, as some Mattermost versions do on plugin routes.
pub const X_IRESERVE_AUTHORIZATION: HeaderName =
    HeaderName::from_static("x-ireserve-authorization");

const ISSUER: &str = "i-reserve";
const AUDIENCE: &str = "ireserve-mattermost";
/// The longest life of a token: how long a stolen one is of use.
const LONGEST_LIFE_S: i64 = 60 * 60;

/// Which of the two headers a request had: all that the 401 body may depend on.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Seen {
    pub authorization: bool,
    pub x_ireserve_authorization: bool,
}

/// Why a request was not taken for i-Reserve's.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum Refused {
    /// 400: both headers in one request, and nobody can say which one counts.
    #[error("both authorisation headers came in one request")]
    BothHeaders,
    /// 401 with one body for all of these. `why` is for our log.
    #[error("no accepted token: {why}")]
    Unproved { seen: Seen, why: Unproved },
    /// 503: the plugin has put no configuration since the start, so this licence may still come.
    #[error("licence {0} is not known, and the plugin has not put its configuration yet")]
    NotYet(LicenceId),
    /// 401 that may say more: the signature was right, so the caller holds the licence's key.
    #[error("token of licence {licence}: {fault}")]
    Claims {
        licence: LicenceId,
        fault: ClaimFault,
    },
}

/// What was wrong before anything was proved. Never told to the caller.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum Unproved {
    #[error("none came")]
    Missing,
    #[error("more than one came")]
    Doubled,
    #[error("it is no bearer token")]
    NotBearer,
    #[error("{0}")]
    Shape(#[from] Shape),
    #[error("its licence is not known")]
    UnknownLicence,
    #[error("its licence has no such key, or its key has another algorithm")]
    UnknownKey,
    #[error("its signature is wrong")]
    Signature,
}

impl Refused {
    /// What the caller may read. Says nothing about licences and keys until the signature was right.
    #[must_use]
    pub fn public(&self) -> String {
        match self {
            Self::BothHeaders => {
                "send Authorization or X-Ireserve-Authorization, not both".to_owned()
            }
            Self::Unproved { seen, .. } => {
                let saw = match (seen.authorization, seen.x_ireserve_authorization) {
                    (false, false) => "neither Authorization nor X-Ireserve-Authorization came",
                    (true, _) => "Authorization came",
                    (false, true) => "X-Ireserve-Authorization came",
                };
                format!("a valid bearer token is needed; {saw}")
            }
            Self::NotYet(_) => "still waiting for the plugin's configuration".to_owned(),
            Self::Claims { fault, .. } => fault.to_string(),
        }
    }
}

/// A token as a request brought it. Nothing about it is proved.
#[derive(Clone, PartialEq, Eq)]
pub struct Presented {
    seen: Seen,
    text: String,
}

impl std::fmt::Debug for Presented {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "Presented({} bytes)", self.text.len())
    }
}

impl Presented {
    /// Takes the one bearer token out of a request's headers.
    ///
    /// # Errors
    /// When both headers came, one came twice or none, or what came is no bearer token.
    pub fn from_headers(headers: &HeaderMap) -> Result<Self, Refused> {
        let seen = Seen {
            authorization: headers.contains_key(AUTHORIZATION),
            x_ireserve_authorization: headers.contains_key(X_IRESERVE_AUTHORIZATION),
        };
        let name = match (seen.authorization, seen.x_ireserve_authorization) {
            (true, true) => return Err(Refused::BothHeaders),
            (false, true) => X_IRESERVE_AUTHORIZATION,
            (_, false) => AUTHORIZATION,
        };
        let unproved = |why| Refused::Unproved { seen, why };
        let mut values = headers.get_all(name).iter();
        let value = values.next().ok_or_else(|| unproved(Unproved::Missing))?;
        if values.next().is_some() {
            return Err(unproved(Unproved::Doubled));
        }
        let text = bearer(value.as_bytes()).ok_or_else(|| unproved(Unproved::NotBearer))?;
        Ok(Self {
            seen,
            text: text.to_owned(),
        })
    }

    pub(super) fn text(&self) -> &str {
        &self.text
    }
}

/// RFC 6750: the scheme in any case, one or more blanks, the token.
fn bearer(value: &[u8]) -> Option<&str> {
    let value = std::str::from_utf8(value).ok()?;
    let (scheme, token) = value.split_once(' ')?;
    scheme
        .eq_ignore_ascii_case("bearer")
        .then(|| token.trim_matches(' '))
}

/// Whether this token proves a licence at this moment.
///
/// # Errors
/// Why not: see [`Refused`] for what may be said of it.
pub fn verify(
    presented: &Presented,
    licences: &Licences,
    now: Timestamp,
) -> Result<Verified<()>, Refused> {
    let unproved = |why| Refused::Unproved {
        seen: presented.seen,
        why,
    };
    let token = Compact::parse(&presented.text).map_err(|shape| unproved(shape.into()))?;
    let claimed = token
        .claims
        .subject()
        .and_then(|subject| LicenceId::new(subject).ok())
        .ok_or_else(|| unproved(Shape::Claims.into()))?;
    let Some(licence) = licences.get(&claimed) else {
        dummy::verification(&token);
        return Err(if licences.is_waiting() {
            Refused::NotYet(claimed)
        } else {
            unproved(Unproved::UnknownLicence)
        });
    };
    proved(&token, licence).map_err(unproved)?;
    token
        .claims
        .check(
            Expectation {
                issuer: ISSUER,
                audience: AUDIENCE,
                longest_life_s: LONGEST_LIFE_S,
            },
            now,
        )
        .map_err(|fault| Refused::Claims {
            licence: claimed,
            fault,
        })?;
    Ok(Verified::new(licence.id.clone(), ()))
}

/// Whether one of the licence's keys made this signature. The header chooses among them, and can bring none.
fn proved(token: &Compact<'_>, licence: &Licence) -> Result<(), Unproved> {
    let mut tried = false;
    for key in &licence.keys {
        let named = match &token.kid {
            Some(kid) => key.kid().is_some_and(|own| own.as_str() == kid),
            None => true,
        };
        if named && key.algorithm() == token.algorithm {
            tried = true;
            if signed_with(token, key) {
                return Ok(());
            }
        }
    }
    if tried {
        Err(Unproved::Signature)
    } else {
        dummy::verification(token);
        Err(Unproved::UnknownKey)
    }
}

/// One key, its own algorithm, this signature.
pub(super) fn signed_with(token: &Compact<'_>, key: &Key) -> bool {
    let (decoding, algorithm) = match key.material() {
        Material::Hs256(secret) => (
            DecodingKey::from_secret(secret.expose_secret()),
            Algorithm::Hs256,
        ),
        Material::Public(public) => (
            decoding_key(public.algorithm(), public.as_bytes()),
            public.algorithm(),
        ),
    };
    token.is_signed_with(&decoding, algorithm)
}

fn decoding_key(algorithm: Algorithm, bytes: &[u8]) -> DecodingKey {
    match algorithm {
        Algorithm::Hs256 => DecodingKey::from_secret(bytes),
        Algorithm::Rs256 => DecodingKey::from_rsa_der(bytes),
        Algorithm::Es256 => DecodingKey::from_ec_der(bytes),
        Algorithm::EdDsa => DecodingKey::from_ed_der(bytes),
    }
}

/// Whether a public key can verify at all: a point may lie off its curve, which its form does not show.
#[must_use]
pub fn is_usable(key: &Key) -> bool {
    let Material::Public(public) = key.material() else {
        return true;
    };
    // 64 zero bytes: a well-formed and wrong signature.
    let wrong = "A".repeat(86);
    let decoding = decoding_key(public.algorithm(), public.as_bytes());
    jsonwebtoken::crypto::verify(&wrong, b"", &decoding, foreign(public.algorithm())).is_ok()
}

const fn foreign(algorithm: Algorithm) -> jsonwebtoken::Algorithm {
    match algorithm {
        Algorithm::Hs256 => jsonwebtoken::Algorithm::HS256,
        Algorithm::Rs256 => jsonwebtoken::Algorithm::RS256,
        Algorithm::Es256 => jsonwebtoken::Algorithm::ES256,
        Algorithm::EdDsa => jsonwebtoken::Algorithm::EdDSA,
    }
}
