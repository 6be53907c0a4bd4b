//! A whole installation, and the ledger that judges what became of it.
//!
//! A [`Stage`] is a Mattermost, an i-Reserve and the real executable `ireserve-sidecar serve` between them. What i-Reserve tells
//! through it is noted with its answer. [`Stage::finish`] waits until nothing is owed any more and then proves, of all that was
//! answered 2xx: it stands in its thread exactly once, in order of acceptance, under one card per generation, with the words it
//! should have; `GET /v1/events/{id}` agrees; and nothing else of ours stands anywhere. A stage that is dropped without that, or
//! without [`Stage::end_owing`], fails its test.
//!
//! The executable is the one beside the running test, or the one that `IRESERVE_SIDECAR` names. Where there is none, or a source is
//! newer, `cargo build -p sidecar` makes it once; nothing is built when it is up to date.
//!
//! `STAGE_STORE=redis` puts every stage on a `redis-server` of its own instead of the embedded store.

#[path = "harness/executable.rs"]
mod executable;
#[path = "harness/ledger.rs"]
mod ledger;
#[path = "harness/proof.rs"]
mod proof;
#[path = "harness/stage.rs"]
mod stage;
#[path = "harness/teller.rs"]
mod teller;
#[path = "harness/wait.rs"]
mod wait;

pub(crate) use ledger::{End, Ledger, Words};
pub(crate) use proof::{Standing, faults};
pub(crate) use stage::{Setting, Stage};
pub(crate) use teller::Teller;
pub(crate) use wait::asked;
