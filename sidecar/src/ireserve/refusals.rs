//! Refusals: whose signature i-Reserve does not accept, and since when. For those who have to tell people; nothing waits on it.

use std::collections::BTreeMap;

use shared::{LicenceId, Timestamp};
use tokio::sync::watch;

use super::call::Answered;

/// Licences whose calls are refused with 401 or 403, and since when. A clone is the same.
#[derive(Debug, Clone, Default)]
pub struct Refusals(watch::Sender<BTreeMap<LicenceId, Timestamp>>);

impl Refusals {
    /// Sees each change.
    #[must_use]
    pub fn watch(&self) -> watch::Receiver<BTreeMap<LicenceId, Timestamp>> {
        self.0.subscribe()
    }

    /// What an answer says of our signature; one that does not come says nothing.
    pub(super) fn note(&self, licence: &LicenceId, answered: &Answered, now: Timestamp) {
        match answered {
            Answered::NotAccepted(_) => self.0.send_if_modified(|refused| {
                let news = !refused.contains_key(licence);
                refused.entry(licence.clone()).or_insert(now);
                news
            }),
            Answered::Taken(_) | Answered::Gone(_) | Answered::Refused(_) => self
                .0
                .send_if_modified(|refused| refused.remove(licence).is_some()),
            Answered::Later { .. } | Answered::NotSent(_) | Answered::Unanswered(_) => false,
        };
    }
}

#[cfg(test)]
mod tests {
    use bytes::Bytes;

    use super::*;
    use crate::delivery::outlet::Reason;

    #[test]
    fn a_refusal_counts_from_its_first_answer_until_a_call_is_understood() {
        let (refusals, acme) = (Refusals::default(), LicenceId::new("acme").unwrap());
        let at = Timestamp::from_millis;
        let since = || refusals.watch().borrow().get(&acme).copied();
        let refused = Answered::NotAccepted(Reason::answered(401, "no"));
        refusals.note(&acme, &refused, at(1));
        refusals.note(&acme, &refused, at(2));
        assert_eq!(since(), Some(at(1)));
        refusals.note(&acme, &Answered::NotSent(Reason::new("away")), at(3));
        assert_eq!(since(), Some(at(1)), "an outage says nothing of a key");
        refusals.note(&acme, &Answered::Taken(Bytes::new()), at(4));
        assert_eq!(since(), None);
    }
}
