//! Any sequence of operations leaves the store in the state of a small reference that keeps everything in vectors.
//!
//! The reference knows the rules and no table: what is acceptable to it is what the documents promise, not how a store does it.

mod reference;

use std::collections::HashMap;

use proptest::{
    collection::vec,
    prelude::*,
    test_runner::{Config, TestCaseError, TestRunner},
};

use self::reference::{Reference, Row, Waiting};
use super::*;

/// What may happen. Numbers choose among what there is at that moment, modulo its count.
#[derive(Debug, Clone)]
enum Act {
    Accept {
        event: u8,
        conversation: u8,
        other_content: bool,
        held: bool,
    },
    Claim {
        most: usize,
    },
    Deliver {
        claim: usize,
        go_on: bool,
        twice: bool,
    },
    Retry {
        claim: usize,
        wait: u8,
        doubt: Doubt,
        refused: bool,
        blocked: bool,
        twice: bool,
    },
    Park {
        claim: usize,
        placeholder: bool,
        twice: bool,
    },
    Part {
        claim: usize,
        twice: bool,
    },
    Replay {
        one: Option<usize>,
    },
    Drop {
        one: usize,
    },
    Crash,
    Wait {
        seconds: u8,
    },
}

fn act() -> impl Strategy<Value = Act> {
    let doubt = prop_oneof![Just(Doubt::None), Just(Doubt::Open), Just(Doubt::Ended)];
    prop_oneof![
        4 => (0..12u8, 0..3u8, prop::bool::weighted(0.1), prop::bool::weighted(0.1)).prop_map(
            |(event, conversation, other_content, held)| Act::Accept { event, conversation, other_content, held }
        ),
        4 => (1..5usize).prop_map(|most| Act::Claim { most }),
        3 => (any::<usize>(), any::<bool>(), any::<bool>())
            .prop_map(|(claim, go_on, twice)| Act::Deliver { claim, go_on, twice }),
        2 => (any::<usize>(), 0..9u8, doubt, any::<bool>(), any::<bool>(), any::<bool>()).prop_map(
            |(claim, wait, doubt, refused, blocked, twice)| Act::Retry { claim, wait, doubt, refused, blocked, twice }
        ),
        2 => (any::<usize>(), any::<bool>(), any::<bool>())
            .prop_map(|(claim, placeholder, twice)| Act::Park { claim, placeholder, twice }),
        1 => (any::<usize>(), any::<bool>()).prop_map(|(claim, twice)| Act::Part { claim, twice }),
        1 => prop::option::of(any::<usize>()).prop_map(|one| Act::Replay { one }),
        1 => any::<usize>().prop_map(|one| Act::Drop { one }),
        1 => Just(Act::Crash),
        2 => (1..10u8).prop_map(|seconds| Act::Wait { seconds }),
    ]
}

/// The store and its reference, driven side by side.
struct Pair {
    bench: Bench,
    reference: Reference,
    /// Claims that are in hand.
    claims: Vec<Claim>,
    seconds: i64,
}

type Checked = Result<(), TestCaseError>;

impl Pair {
    fn now(&self) -> Timestamp {
        at(self.seconds)
    }

    async fn play(&mut self, acts: &[Act]) -> Checked {
        for (at, act) in acts.iter().enumerate() {
            self.act(act.clone()).await?;
            self.compare_statuses().await?;
            if at % 4 == 0 {
                self.compare_sums().await?;
            }
        }
        self.finish().await
    }

    async fn act(&mut self, act: Act) -> Checked {
        match act {
            Act::Accept {
                event,
                conversation,
                other_content,
                held,
            } => self.accept(event, conversation, other_content, held).await,
            Act::Claim { most } => self.claim(most).await,
            Act::Deliver {
                claim,
                go_on,
                twice,
            } => self.deliver(claim, go_on, twice).await,
            Act::Retry {
                claim,
                wait,
                doubt,
                refused,
                blocked,
                twice,
            } => {
                let Some(claim) = self.take(claim) else {
                    return Ok(());
                };
                let retry = Retry {
                    refused: claim.refused + u32::from(refused),
                    doubt,
                    first_started: (doubt != Doubt::None)
                        .then_some(claim.first_started)
                        .flatten(),
                    blocked: blocked.then_some(None),
                    ..again(at(self.seconds + i64::from(wait)), "reason", self.now())
                };
                self.retry(&claim, &retry, twice).await
            }
            Act::Park {
                claim,
                placeholder,
                twice,
            } => self.park(claim, placeholder, twice).await,
            Act::Part { claim, twice } => self.part(claim, twice).await,
            Act::Replay { one } => {
                let one = one.and_then(|one| self.chosen(one));
                let ids = match &one {
                    Some(event) => Some(vec![self.failed_id(event).await]),
                    None => None,
                };
                let selection = Selection {
                    failed_ids: ids,
                    ..Selection::default()
                };
                let replayed = self
                    .bench
                    .store()
                    .replay(&selection, crate::record::Moment::agreed(self.now()))
                    .await
                    .unwrap();
                let now = self.now();
                prop_assert_eq!(replayed, self.reference.replay(one.as_deref(), now));
                Ok(())
            }
            Act::Drop { one } => {
                let Some(event) = self.chosen(one) else {
                    return Ok(());
                };
                let selection = Selection {
                    failed_ids: Some(vec![self.failed_id(&event).await]),
                    ..Selection::default()
                };
                prop_assert_eq!(self.bench.store().drop_parked(&selection).await.unwrap(), 1);
                self.reference
                    .parked
                    .retain(|(_, parked)| parked.event != event);
                self.reference.known.get_mut(&event).unwrap().state = State::Dropped;
                Ok(())
            }
            Act::Crash => {
                self.claims.clear();
                self.reference.crash(at(self.seconds));
                self.bench.crash(at(self.seconds)).await;
                Ok(())
            }
            Act::Wait { seconds } => {
                self.seconds += i64::from(seconds);
                Ok(())
            }
        }
    }

    async fn accept(
        &mut self,
        event: u8,
        conversation: u8,
        other_content: bool,
        held: bool,
    ) -> Checked {
        // An id goes to one conversation, unless its content differs anyway.
        let conversation = if other_content {
            conversation
        } else {
            event % 3
        };
        let (id, lane) = (format!("evt_{event}"), format!("conv_{conversation}"));
        let content = format!("{other_content} {lane}");
        let hold = held.then(|| at(self.seconds + 4));
        let mut new = NewEvent {
            hold_until: hold,
            ..said(&id, &lane)
        };
        if other_content {
            new.hash = ContentHash::of_bytes(lane.as_bytes());
        }
        let judged = match self.bench.accept(vec![new]).await.remove(0) {
            Acceptance::New { .. } => "new",
            Acceptance::Duplicate(_) => "duplicate",
            Acceptance::Conflict => "conflict",
        };
        prop_assert_eq!(judged, self.reference.accept(&id, &lane, &content, hold));
        Ok(())
    }

    async fn claim(&mut self, most: usize) -> Checked {
        let now = self.now();
        let claimed = self
            .bench
            .store()
            .claim(
                self.bench.fence,
                &Queue::Mattermost,
                most,
                crate::record::Moment::agreed(now),
            )
            .await
            .unwrap();
        let due = |row: &&Row| !row.flying && row.due.is_some_and(|due| due <= now);
        let due = self.reference.lanes.values().filter(due).count();
        prop_assert_eq!(claimed.claims.len(), due.min(most), "so many lanes are due");
        for claim in claimed.claims {
            let lane = name(&claim);
            let row = self.reference.row(&lane);
            prop_assert!(
                !row.flying && row.due.is_some_and(|due| due <= now),
                "{} was not due",
                lane
            );
            let begun = self.reference.begin(&lane, now);
            agree(&claim, &begun)?;
            self.claims.push(claim);
        }
        let next = self
            .reference
            .lanes
            .values()
            .filter_map(|row| row.due)
            .min();
        // Before now is now: stores may say it differently.
        prop_assert_eq!(
            claimed.next_due.map(|due| due.max(now)),
            next.map(|due| due.max(now))
        );
        Ok(())
    }

    async fn deliver(&mut self, claim: usize, go_on: bool, twice: bool) -> Checked {
        let Some(claim) = self.take(claim) else {
            return Ok(());
        };
        let (lane, now) = (name(&claim), self.now());
        let delivered = Delivered { go_on, ..end(now) };
        let next = self
            .bench
            .store()
            .delivered(&claim, &delivered)
            .await
            .unwrap();
        if twice {
            let repeated = self
                .bench
                .store()
                .delivered(&claim, &delivered)
                .await
                .unwrap();
            prop_assert_eq!(&repeated, &next);
        }
        self.reference.deliver(&lane, now);
        let due = self.reference.row(&lane).due.is_some_and(|due| due <= now);
        prop_assert_eq!(next.is_some(), go_on && due);
        if let Some(next) = next {
            let begun = self.reference.begin(&lane, now);
            agree(&next, &begun)?;
            self.claims.push(next);
        }
        Ok(())
    }

    async fn retry(&mut self, claim: &Claim, retry: &Retry, twice: bool) -> Checked {
        for _ in 0..=usize::from(twice) {
            self.bench.store().retry(claim, retry).await.unwrap();
        }
        let row = self.reference.row(&name(claim));
        (row.flying, row.due) = (false, Some(retry.due));
        let head = &mut row.waiting[0];
        (head.doubt, head.refused, head.reason) =
            (retry.doubt, retry.refused, Some(retry.reason.clone()));
        (head.first_started, head.last_ended) = (retry.first_started, retry.last_ended);
        head.blocked_since = match retry.blocked {
            Some(_) => head.blocked_since.or(retry.last_ended),
            None => None,
        };
        Ok(())
    }

    async fn park(&mut self, claim: usize, placeholder: bool, twice: bool) -> Checked {
        let Some(claim) = self.take(claim) else {
            return Ok(());
        };
        let mut park = parked(self.now());
        if !placeholder {
            park.placeholder = None;
        }
        for _ in 0..=usize::from(twice) {
            self.bench.store().park(&claim, &park).await.unwrap();
        }
        self.reference
            .park(&name(&claim), placeholder, at(self.seconds));
        Ok(())
    }

    async fn part(&mut self, claim: usize, twice: bool) -> Checked {
        let Some(claim) = self.take(claim) else {
            return Ok(());
        };
        let Step::Part(part) = claim.step else {
            self.claims.push(claim);
            return Ok(());
        };
        let (next, now) = (Step::Part(part + 1), self.now());
        let post = post(&format!("p{}x{part}", claim.seq), None);
        let mut stepped = self
            .bench
            .store()
            .part_done(&claim, &post, next, now)
            .await
            .unwrap();
        if twice {
            stepped = self
                .bench
                .store()
                .part_done(&claim, &post, next, now)
                .await
                .unwrap();
        }
        let head = &mut self.reference.row(&name(&claim)).waiting[0];
        (head.step, head.doubt, head.first_started, head.last_ended) =
            (next, Doubt::None, Some(now), None);
        let head = head.clone();
        agree(&stepped, &head)?;
        self.claims.push(stepped);
        Ok(())
    }

    fn take(&mut self, claim: usize) -> Option<Claim> {
        let count = self.claims.len();
        (count > 0).then(|| self.claims.swap_remove(claim % count))
    }

    fn chosen(&self, one: usize) -> Option<String> {
        let count = self.reference.parked.len();
        (count > 0).then(|| self.reference.parked[one % count].1.event.clone())
    }

    async fn failed_id(&self, event: &str) -> u64 {
        let page = self
            .bench
            .store()
            .parked(&Selection::default(), None, 100)
            .await
            .unwrap();
        let found = page.items.iter().find(|one| one.event_id.as_str() == event);
        found.expect("the reference has parked it").failed_id
    }

    /// Every event that was ever sent, and one that never was.
    async fn compare_statuses(&self) -> Checked {
        let unknown = "evt_unknown".to_owned();
        for event in self.reference.known.keys().chain([&unknown]) {
            let id = EventId::new(event.as_str()).unwrap();
            let status = self.bench.store().status(&licence(), &id).await.unwrap();
            let found = status.map(|status| (status.status, status.attempts, status.last_error));
            prop_assert_eq!(found, self.reference.status(event), "status of {}", event);
        }
        Ok(())
    }

    async fn compare_sums(&self) -> Checked {
        let store = self.bench.store();
        let waiting: usize = self
            .reference
            .lanes
            .values()
            .map(|row| row.waiting.len())
            .sum();
        let waiting = waiting as u64;
        prop_assert_eq!(store.waiting(&licence()).await.unwrap(), (waiting, waiting));
        let totals = store.totals().await.unwrap();
        let sums = totals
            .iter()
            .fold((0, 0), |sum, one| (sum.0 + one.waiting, sum.1 + one.parked));
        prop_assert_eq!(sums, (waiting, self.reference.parked.len() as u64));
        let since = self
            .reference
            .lanes
            .values()
            .flat_map(|row| &row.waiting)
            .filter_map(|one| one.blocked_since)
            .min();
        let blocked = store.blocked().await.unwrap();
        prop_assert_eq!(blocked.iter().map(|one| one.since).min(), since);
        Ok(())
    }

    /// In the end everything is delivered, in the order of the reference.
    async fn finish(&mut self) -> Checked {
        self.act(Act::Crash).await?;
        self.seconds += 1000;
        let mut orders: HashMap<String, Vec<(String, bool)>> = HashMap::new();
        loop {
            let before = self.claims.len();
            self.claim(1000).await?;
            if self.claims.len() == before {
                break;
            }
            while let Some(claim) = self.claims.pop() {
                let delivered = (claim.event.to_string(), claim.step == Step::Parked);
                orders.entry(name(&claim)).or_default().push(delivered);
                self.claims.push(claim);
                self.deliver(self.claims.len() - 1, false, false).await?;
            }
        }
        prop_assert!(
            self.reference
                .lanes
                .values()
                .all(|row| row.waiting.is_empty())
        );
        self.compare_statuses().await?;
        self.compare_sums().await
    }
}

fn name(claim: &Claim) -> String {
    claim.lane.key.conversation().unwrap().to_string()
}

/// The claim is the one that the reference expects.
fn agree(claim: &Claim, head: &Waiting) -> Checked {
    let found = (
        claim.event.to_string(),
        claim.step,
        claim.attempts,
        claim.refused,
        claim.doubt,
    );
    prop_assert_eq!(
        found,
        (
            head.event.clone(),
            head.step,
            head.attempts,
            head.refused,
            head.doubt
        )
    );
    prop_assert_eq!(
        (claim.first_started, claim.last_ended),
        (head.first_started, head.last_ended)
    );
    prop_assert_eq!(claim.seq & 1 == 1, head.placeholder);
    Ok(())
}

/// Plays so many random stories, each on a store of its own.
fn play(cases: u32, bench: impl AsyncFn() -> Bench) {
    let runtime = tokio::runtime::Builder::new_current_thread()
        .enable_all()
        .build()
        .unwrap();
    let config = Config {
        cases,
        failure_persistence: None,
        max_shrink_iters: 500,
        ..Config::default()
    };
    let outcome = TestRunner::new(config).run(&vec(act(), 1..60), |acts| {
        runtime.block_on(async {
            let bench = bench().await;
            let mut pair = Pair {
                bench,
                reference: Reference::default(),
                claims: Vec::new(),
                seconds: 1,
            };
            pair.play(&acts).await
        })
    });
    if let Err(error) = outcome {
        panic!("{error}");
    }
}

#[test]
fn any_story_on_sqlite_in_memory_ends_as_the_reference_says() {
    play(300, async || Bench::in_memory().await);
}

#[test]
fn any_story_on_sqlite_on_disk_ends_as_the_reference_says() {
    play(60, async || Bench::on_disk().await);
}

#[test]
fn any_story_on_redis_ends_as_the_reference_says() {
    const CASES: u32 = 200;
    let runtime = tokio::runtime::Builder::new_current_thread()
        .enable_all()
        .build()
        .unwrap();
    let Some(server) = runtime.block_on(Server::start()) else {
        return;
    };
    let server = std::sync::Arc::new(server);
    play(CASES, async || {
        server.ask(&["FLUSHALL"]).await.unwrap();
        Bench::in_database(server.clone(), 0).await
    });
}
