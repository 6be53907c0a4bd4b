//! Trying a licence key on i-Reserve itself, before it counts.

use std::time::Duration;

use shared::{LicenceId, Timestamp};
use tokio::time::{Instant, timeout};

use crate::{
    command::{Greeted, NotConnected, measure::Heard},
    ireserve::{
        self,
        connect::{ConnectError, introduce},
    },
    licence::Licence,
};

/// Somebody looks at a dialog meanwhile, and the plugin waits for 5 s in all.
const ANSWER: Duration = Duration::from_secs(3);
/// How long a first call of i-Reserve is waited for; it calls when it is told where, or when it likes.
const CALL: Duration = Duration::from_secs(1);

#[derive(Debug)]
pub(in crate::app) struct Greeting {
    pub(in crate::app) parts: ireserve::Parts,
    pub(in crate::app) heard: Heard,
}

impl Greeting {
    pub(super) fn now(&self) -> Timestamp {
        (self.parts.now)()
    }

    /// How long i-Reserve takes to accept what we sign for this licence. It shows a test to nobody.
    pub(super) async fn answered(&self, licence: &Licence) -> Result<Duration, NotConnected> {
        let began = Instant::now();
        let error = match timeout(ANSWER, introduce(&self.parts, licence, true)).await {
            Ok(Ok(_)) => return Ok(began.elapsed()),
            Ok(Err(ConnectError::Incomplete(reason))) => {
                return Err(NotConnected::Wrong(reason.to_string()));
            }
            Ok(Err(ConnectError::NotTaken(reason))) => reason,
            Err(_) => {
                let reason = format!("no answer within {} s", ANSWER.as_secs());
                return Err(NotConnected::Silent(reason));
            }
        };
        Err(match error.status {
            Some(status @ 400..=499) if !matches!(status, 408 | 425 | 429) => {
                NotConnected::Refused { status }
            }
            Some(status) => NotConnected::Busy { status },
            None => NotConnected::Silent(error.to_string()),
        })
    }

    /// Waits a moment for a first call of this licence after it was kept.
    pub(super) async fn greeted(
        &self,
        licence: &LicenceId,
        answered: Duration,
        kept: Timestamp,
    ) -> Greeted {
        let called = timeout(CALL, self.heard.since(licence, kept)).await;
        let public = self.parts.addresses.borrow().public.clone();
        Greeted {
            answered,
            reaches_us: called.is_ok(),
            events_url: format!("{}/v1/events", public.as_str().trim_end_matches('/')),
        }
    }
}
