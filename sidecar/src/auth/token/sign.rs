//! Tokens that we make: for trying out the way in, and for looking people up at i-Reserve.

use jsonwebtoken::{EncodingKey, Header};
use secrecy::{ExposeSecret, SecretString};
use serde::Serialize;
use shared::{LicenceId, Timestamp};

use super::{AUDIENCE, ISSUER, LONGEST_LIFE_S};
use crate::licence::{Key, Licence, Material};

/// How long a look-up's token lives.
const USERS_LIFE_S: i64 = 60;

/// Why there is no token.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum SignError {
    #[error("key {kid} of licence {licence} is a public key: it can verify and not sign")]
    PublicKey { licence: LicenceId, kid: String },
    #[error("licence {licence} has only public keys: they can verify and not sign")]
    OnlyPublicKeys { licence: LicenceId },
    #[error("licence {licence} has no key {kid}")]
    UnknownKey { licence: LicenceId, kid: String },
    #[error("a token lives 1 s to 1 h, not {seconds} s")]
    Life { seconds: i64 },
}

#[derive(Serialize)]
pub(in crate::auth) struct Issued<'a> {
    pub(in crate::auth) iss: &'a str,
    pub(in crate::auth) aud: &'a str,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(in crate::auth) sub: Option<&'a str>,
    pub(in crate::auth) iat: i64,
    pub(in crate::auth) exp: i64,
}

/// A token such as i-Reserve would send, with the named key or the first that can sign.
///
/// # Errors
/// When the licence has no such key, it cannot sign, or the life is none.
pub fn for_sidecar(
    licence: &Licence,
    kid: Option<&str>,
    life_s: i64,
    now: Timestamp,
) -> Result<SecretString, SignError> {
    if !(1..=LONGEST_LIFE_S).contains(&life_s) {
        return Err(SignError::Life { seconds: life_s });
    }
    let key = match kid {
        None => licence.shared_key(),
        Some(kid) => Some(
            licence
                .keys
                .iter()
                .find(|key| key.kid().is_some_and(|own| own.as_str() == kid))
                .ok_or_else(|| SignError::UnknownKey {
                    licence: licence.id.clone(),
                    kid: kid.to_owned(),
                })?,
        ),
    };
    let key = key.ok_or_else(|| SignError::OnlyPublicKeys {
        licence: licence.id.clone(),
    })?;
    let iat = now.as_millis().div_euclid(1_000);
    let claims = Issued {
        iss: ISSUER,
        aud: AUDIENCE,
        sub: Some(licence.id.as_str()),
        iat,
        exp: iat + life_s,
    };
    encode(key, &claims).ok_or_else(|| SignError::PublicKey {
        licence: licence.id.clone(),
        kid: kid.unwrap_or_default().to_owned(),
    })
}

/// The token of a look-up at `users_url`, with the licence's first secret; `None` when it has only public keys, and the look-up then goes
/// without. Told apart from i-Reserve's own tokens by `iss` and `aud`.
#[must_use]
pub fn for_users_url(licence: &Licence, now: Timestamp) -> Option<SecretString> {
    let iat = now.as_millis().div_euclid(1_000);
    let claims = Issued {
        iss: "ireserve-mattermost",
        aud: "i-reserve",
        sub: Some(licence.id.as_str()),
        iat,
        exp: iat + USERS_LIFE_S,
    };
    encode(licence.shared_key()?, &claims)
}

/// `None` when the key cannot sign.
pub(in crate::auth) fn encode(key: &Key, claims: &impl Serialize) -> Option<SecretString> {
    let Material::Hs256(secret) = key.material() else {
        return None;
    };
    let mut header = Header::new(jsonwebtoken::Algorithm::HS256);
    header.kid = key.kid().map(|kid| kid.as_str().to_owned());
    let token = jsonwebtoken::encode(
        &header,
        claims,
        &EncodingKey::from_secret(secret.expose_secret()),
    );
    Some(
        token
            .expect("plain claims serialise and HS256 takes every secret")
            .into(),
    )
}
