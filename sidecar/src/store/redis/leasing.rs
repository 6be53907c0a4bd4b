//! Leasing: one process owns all partitions. The first partition decides which, and gives the fence; then the others are told.
//!
//! A lease is renewed at the first partition alone. It ends by the server's clock; the holder counts on its own from before it asked.

use std::{sync::atomic::Ordering, time::Duration};

use shared::Timestamp;

use super::{
    Redis, keys,
    reply::{self, Reader},
    script::{Call, Script},
};
use crate::{
    record::Fence,
    store::{Lease, StoreError},
};

const LIFE: Duration = Duration::from_secs(15);
/// How soon a process that stands by looks again.
const LOOK_AGAIN: Duration = Duration::from_secs(1);
/// The partition that decides.
const ARBITER: u8 = 0;

impl Redis {
    pub(in crate::store) async fn lease(&self, now: Timestamp) -> Result<Lease, StoreError> {
        let lost = self.0.lost_claims.swap(false, Ordering::AcqRel);
        let decided = self.decide(lost, now).await;
        if decided.is_err() && lost {
            self.0.lost_claims.store(true, Ordering::Release);
        }
        let fence = match decided? {
            Decision::Ours(fence) => fence,
            Decision::Theirs(left) => {
                self.0.taken.store(0, Ordering::Release);
                let ask_again = left.clamp(Duration::from_millis(10), LOOK_AGAIN);
                return Ok(Lease::Standby { ask_again });
            }
        };
        if self.0.taken.load(Ordering::Acquire) != fence {
            self.take(fence, now).await?;
            self.0.hints.ask_all();
            self.0.taken.store(fence, Ordering::Release);
        }
        Ok(Lease::Held {
            fence: Fence(fence),
            life: Some(LIFE),
        })
    }

    pub(in crate::store) async fn release(&self, fence: Fence) -> Result<(), StoreError> {
        let call = Call::new(Script::Release, ARBITER).arg(fence.0);
        reply::outcome(self.0.link.call(call).await?, fence, None)?;
        self.0.taken.store(0, Ordering::Release);
        Ok(())
    }

    async fn decide(&self, anew: bool, now: Timestamp) -> Result<Decision, StoreError> {
        let call = self.lease_call(ARBITER, anew, None, now);
        let mut answer = Reader::new(self.0.link.call(call).await?)?;
        match answer.text()?.as_str() {
            "held" => Ok(Decision::Ours(answer.parse()?)),
            "standby" => {
                let left: i64 = answer.parse()?;
                let left = u64::try_from(left).unwrap_or_default();
                Ok(Decision::Theirs(Duration::from_millis(left)))
            }
            other => Err(StoreError::Damaged(format!("redis answered {other:?}"))),
        }
    }

    /// Everything in flight in the other partitions becomes doubtful too.
    async fn take(&self, fence: u64, now: Timestamp) -> Result<(), StoreError> {
        let others = (0..keys::PARTITIONS).filter(|partition| *partition != ARBITER);
        let calls: Vec<Call> = others
            .map(|partition| self.lease_call(partition, false, Some(fence), now))
            .collect();
        for answer in self.0.link.all(&calls).await? {
            let mut answer = Reader::new(answer)?;
            if answer.text()? != "held" {
                return Err(StoreError::Fenced {
                    ours: Fence(fence),
                    theirs: Fence(answer.parse()?),
                });
            }
        }
        Ok(())
    }

    fn lease_call(&self, partition: u8, anew: bool, fence: Option<u64>, now: Timestamp) -> Call {
        Call::new(Script::Lease, partition)
            .arg(&*self.0.name.owner)
            .arg(&*self.0.name.incarnation)
            .arg(LIFE.as_millis())
            .arg(anew)
            .arg(fence)
            .arg(now)
    }
}

enum Decision {
    Ours(u64),
    /// For so long at most.
    Theirs(Duration),
}
