//! How the promises are attacked: kills, storms, poison, overload, broken and disguised input. Always in the simulated world, which
//! alone can be made as bad as this; the same ledger as of the journeys judges.
#![expect(
    clippy::unwrap_used,
    reason = "helpers of tests may unwrap as tests do"
)]

mod disguises;
mod duplicates;
#[allow(dead_code, unused_imports, reason = "the journeys use the rest of it")]
#[path = "../e2e/harness.rs"]
mod harness;
mod kills;
mod load;
mod lost_answers;
mod overload;
mod payload;
mod poison;
mod replay;
mod replies;
mod rolling;
mod team;
mod threads;
