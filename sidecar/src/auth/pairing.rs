//! The plugin's calls: a token of at most 60 s, signed with the pairing secret, that may name the person who acts.

use http::HeaderMap;
use secrecy::{ExposeSecret, SecretString};
use shared::{Timestamp, UserId};

use super::token::{
    Claims, Compact, Expectation, Presented, Refused, Shape, Unproved, signed_with,
};
use crate::licence::{Key, KeyError};

const EXPECTED: Expectation = Expectation {
    issuer: "ireserve-plugin",
    audience: "ireserve-sidecar",
    longest_life_s: 60,
};

/// The secret that plugin and sidecar share.
#[derive(Debug, Clone)]
pub struct PairingKey(Key);

/// Proof that the plugin called, and for whom. It can only be made in here.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Paired {
    user: Option<UserId>,
}

impl PairingKey {
    /// The bytes of the text count as they stand.
    ///
    /// # Errors
    /// When it has fewer than 32.
    pub fn new(secret: &SecretString) -> Result<Self, KeyError> {
        Key::shared(None, secret.expose_secret()).map(Self)
    }

    /// Whether the plugin made this call.
    ///
    /// # Errors
    /// Why not. Nothing of it is for anybody but our log: whoever is not the plugin gets one answer.
    pub fn verify(&self, headers: &HeaderMap, now: Timestamp) -> Result<Paired, PairingRefused> {
        let presented = Presented::from_headers(headers)?;
        let token = Compact::parse(presented.text())?;
        if !signed_with(&token, &self.0) {
            return Err(PairingRefused::Unproved(Unproved::Signature));
        }
        token
            .claims
            .check(EXPECTED, now)
            .map_err(PairingRefused::Claims)?;
        Ok(Paired {
            user: acting(&token.claims)?,
        })
    }
}

fn acting(claims: &Claims) -> Result<Option<UserId>, PairingRefused> {
    claims
        .subject()
        .map(|subject| UserId::new(subject).map_err(|_| PairingRefused::User))
        .transpose()
}

impl Paired {
    /// The person who acts; nobody for configuration and hints.
    #[must_use]
    pub const fn user(&self) -> Option<&UserId> {
        self.user.as_ref()
    }
}

/// Why a call is not the plugin's. Always 401, or 400 where both headers came.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum PairingRefused {
    #[error("{0}")]
    Headers(#[from] Refused),
    #[error("no accepted pairing token: {0}")]
    Unproved(Unproved),
    #[error("pairing token: {0}")]
    Claims(super::token::ClaimFault),
    #[error("pairing token: its `sub` is no user of Mattermost")]
    User,
}

impl From<Shape> for PairingRefused {
    fn from(shape: Shape) -> Self {
        Self::Unproved(shape.into())
    }
}

#[cfg(test)]
mod tests {
    use http::{HeaderValue, header::AUTHORIZATION};
    use serde_json::{Value, json};

    use super::*;
    use crate::auth::token::{ClaimFault, encode};

    const NOW_S: i64 = 1_700_000_000;
    const SECRET: &str = "a-pairing-secret-of-32-bytes-or-more";

    fn judged(secret: &str, change: impl FnOnce(&mut Value)) -> Result<Paired, PairingRefused> {
        let mut claims = json!({"iss": "ireserve-plugin", "aud": "ireserve-sidecar", "iat": NOW_S, "exp": NOW_S + 60});
        change(&mut claims);
        let token = encode(&Key::shared(None, secret).unwrap(), &claims).unwrap();
        let mut headers = HeaderMap::new();
        let value = format!("Bearer {}", token.expose_secret());
        headers.insert(AUTHORIZATION, HeaderValue::from_str(&value).unwrap());
        let key = PairingKey::new(&SECRET.into()).unwrap();
        key.verify(&headers, Timestamp::from_millis(NOW_S * 1_000))
    }

    #[test]
    fn the_plugin_is_known_with_and_without_an_acting_user() {
        assert_eq!(judged(SECRET, |_| ()).unwrap().user(), None);
        let user = "u".repeat(26);
        let paired = judged(SECRET, |claims| claims["sub"] = json!(user)).unwrap();
        assert_eq!(paired.user().unwrap().as_str(), user);
    }

    #[test]
    fn nobody_else_is_taken_for_the_plugin() {
        let forged = judged("another-secret-of-32-bytes-or-longer", |_| ());
        assert_eq!(forged, Err(PairingRefused::Unproved(Unproved::Signature)));
        let fault = |name: &str, value: Value| match judged(SECRET, |claims| claims[name] = value) {
            Err(PairingRefused::Claims(fault)) => fault,
            other => panic!("{other:?}"),
        };
        assert!(matches!(
            fault("aud", json!("ireserve-mattermost")),
            ClaimFault::Audience(_)
        ));
        assert!(matches!(
            fault("iss", json!("i-reserve")),
            ClaimFault::Issuer(_)
        ));
        assert!(matches!(
            fault("exp", json!(NOW_S + 61)),
            ClaimFault::LongLife { .. }
        ));
        assert!(matches!(
            fault("iat", Value::Null),
            ClaimFault::Missing("iat")
        ));
        let nobody = judged(SECRET, |claims| claims["sub"] = json!("admin"));
        assert_eq!(nobody, Err(PairingRefused::User));
        assert!(PairingKey::new(&"short".into()).is_err());
    }
}
