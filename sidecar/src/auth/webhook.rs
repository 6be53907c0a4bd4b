//! The token of Mattermost's outgoing webhook: no signature, no time, seen by whatever logs bodies. It can only say "look there".

use shared::LicenceId;
use subtle::{Choice, ConditionallySelectable, ConstantTimeEq};

use super::Verified;
use crate::licence::{Licences, TokenDigest};

/// Why a call is not taken for one of our webhooks.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum WebhookRefused {
    /// 401.
    #[error("the webhook token belongs to no licence")]
    Unknown,
    /// 503: the plugin has put no configuration since the start, so this token may still become known.
    #[error("the webhook token is not known, and the plugin has not put its configuration yet")]
    NotYet,
}

/// Which licence this token belongs to. All tokens of all licences are compared, and each comparison takes as long as the next, so that
/// time tells neither how much of a guess was right nor where it was found.
///
/// # Errors
/// When it is nobody's. A blank token is never anybody's: Mattermost can be left with one.
pub fn verify(token: &str, licences: &Licences) -> Result<Verified<()>, WebhookRefused> {
    let digest = TokenDigest::of(token);
    let mut found = 0_u64;
    let mut at = 0_u64;
    for licence in licences.iter() {
        at += 1;
        for own in &licence.webhook_tokens {
            let same: Choice = own.as_bytes().ct_eq(digest.as_bytes());
            found.conditional_assign(&at, same);
        }
    }
    let licence = usize::try_from(found)
        .ok()
        .and_then(|found| found.checked_sub(1))
        .filter(|_| !token.trim().is_empty())
        .and_then(|at| licences.iter().nth(at))
        .map(|licence| licence.id.clone());
    match licence {
        Some(id) => Ok(vouched(id)),
        None if licences.is_waiting() => Err(WebhookRefused::NotYet),
        None => Err(WebhookRefused::Unknown),
    }
}

const fn vouched(licence: LicenceId) -> Verified<()> {
    Verified::new(licence, ())
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::licence::Licence;

    fn licence(id: &str, tokens: &[&str]) -> Licence {
        Licence {
            webhook_tokens: tokens
                .iter()
                .map(|token| TokenDigest::new(token).unwrap())
                .collect(),
            ..Licence::plain(id)
        }
    }

    #[test]
    fn a_token_finds_its_licence_among_all_and_a_rotated_one_too() {
        let licences = Licences::new([
            licence("acme", &["acme-token-0123456789", "acme-newer-0123456789"]),
            licence("beta", &["beta-token-0123456789"]),
            licence("gamma", &[]),
        ]);
        for (token, wanted) in [
            ("acme-token-0123456789", Some("acme")),
            ("acme-newer-0123456789", Some("acme")),
            ("beta-token-0123456789", Some("beta")),
            ("beta-token-012345678", None),
            ("BETA-TOKEN-0123456789", None),
            ("", None),
            (" ", None),
        ] {
            let found = verify(token, &licences).map(|verified| verified.licence().to_string());
            assert_eq!(found.ok().as_deref(), wanted, "{token:?}");
        }
    }

    #[test]
    fn an_unknown_token_may_still_come_while_the_plugin_is_awaited() {
        let waiting = Licences::default().waiting_for_the_plugin();
        assert_eq!(verify("x", &waiting), Err(WebhookRefused::NotYet));
        assert_eq!(
            verify("x", &Licences::default()),
            Err(WebhookRefused::Unknown)
        );
    }
}
