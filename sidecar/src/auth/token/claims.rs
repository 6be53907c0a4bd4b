//! What a token says of itself, and when that is true. The library reads the system's clock and looks at neither `iat` nor the length of
//! a life, so all of it is ours.

use serde::Deserialize;
use shared::Timestamp;

/// How far our clock and theirs may be apart.
const LEEWAY_S: i64 = 30;

/// The claims of one token. A name that comes twice makes it unreadable.
#[derive(Debug, Deserialize)]
pub(in crate::auth) struct Claims {
    iss: Option<String>,
    aud: Option<Audience>,
    sub: Option<String>,
    iat: Option<Seconds>,
    exp: Option<Seconds>,
    nbf: Option<Seconds>,
}

/// RFC 7519, section 4.1.3: one text or a list of them.
#[derive(Debug, Deserialize)]
#[serde(untagged)]
enum Audience {
    One(String),
    Several(Vec<String>),
}

/// A NumericDate (RFC 7519, section 2): seconds since 1970, perhaps with a fraction.
#[derive(Debug, Clone, Copy, Deserialize)]
#[serde(try_from = "serde_json::Number")]
struct Seconds(i64);

impl TryFrom<serde_json::Number> for Seconds {
    type Error = &'static str;
    fn try_from(number: serde_json::Number) -> Result<Self, Self::Error> {
        // Far beyond every date, and far from where sums overflow.
        const LATEST: f64 = 1e12;
        match (number.as_i64(), number.as_f64()) {
            (Some(whole), _) if whole.unsigned_abs() <= LATEST as u64 => Ok(Self(whole)),
            (None, Some(real)) if real.abs() <= LATEST => Ok(Self(real.floor() as i64)),
            _ => Err("no moment in time"),
        }
    }
}

/// Who must have made a token, for whom, and for how long at most.
#[derive(Debug, Clone, Copy)]
pub(in crate::auth) struct Expectation {
    pub(in crate::auth) issuer: &'static str,
    pub(in crate::auth) audience: &'static str,
    pub(in crate::auth) longest_life_s: i64,
}

/// What is wrong with a token whose signature is right. May be told to the caller: who has the key may know.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum ClaimFault {
    #[error("the token has no `{0}`")]
    Missing(&'static str),
    #[error("the token's `iss` is not `{0}`")]
    Issuer(&'static str),
    #[error("the token's `aud` is not `{0}`")]
    Audience(&'static str),
    #[error("the token expired {seconds} s ago")]
    Expired { seconds: i64 },
    #[error("the token is not valid for another {seconds} s (`nbf`): compare the clocks")]
    TooEarly { seconds: i64 },
    #[error("the token was issued {seconds} s in the future (`iat`): compare the clocks")]
    FromTheFuture { seconds: i64 },
    #[error("the token lives {seconds} s, at most {most} s are accepted")]
    LongLife { seconds: i64, most: i64 },
    #[error("the token expires before it was issued")]
    NoLife,
}

impl Claims {
    pub(in crate::auth) fn subject(&self) -> Option<&str> {
        self.sub.as_deref()
    }

    /// Everything but `sub`, which whoever chose the key has already looked at.
    pub(in crate::auth) fn check(
        &self,
        expected: Expectation,
        now: Timestamp,
    ) -> Result<(), ClaimFault> {
        let Expectation {
            issuer,
            audience,
            longest_life_s: most,
        } = expected;
        let now = now.as_millis().div_euclid(1_000);
        let named = self.iss.as_deref().ok_or(ClaimFault::Missing("iss"))?;
        if named != issuer {
            return Err(ClaimFault::Issuer(issuer));
        }
        let for_us = match self.aud.as_ref().ok_or(ClaimFault::Missing("aud"))? {
            Audience::One(one) => one == audience,
            Audience::Several(several) => several.iter().any(|one| one == audience),
        };
        if !for_us {
            return Err(ClaimFault::Audience(audience));
        }
        let Seconds(issued) = self.iat.ok_or(ClaimFault::Missing("iat"))?;
        let Seconds(expires) = self.exp.ok_or(ClaimFault::Missing("exp"))?;
        let life = expires - issued;
        if life < 0 {
            return Err(ClaimFault::NoLife);
        }
        if life > most {
            return Err(ClaimFault::LongLife {
                seconds: life,
                most,
            });
        }
        if now > expires + LEEWAY_S {
            let seconds = now - expires;
            return Err(ClaimFault::Expired { seconds });
        }
        if issued > now + LEEWAY_S {
            let seconds = issued - now;
            return Err(ClaimFault::FromTheFuture { seconds });
        }
        match self.nbf {
            Some(Seconds(from)) if from > now + LEEWAY_S => Err(ClaimFault::TooEarly {
                seconds: from - now,
            }),
            _ => Ok(()),
        }
    }
}
