//! The engine: how an accepted event reaches the other side once, in order, whatever happens in between.
//!
//! | who | does |
//! |---|---|
//! | [`outbox`] | accepts or sheds; waits for one event's outcome |
//! | [`lease`] | holds our right to work the lanes |
//! | [`poster`] | claims lanes of one queue, works their heads, records outcomes |
//! | [`lane`], [`doubt`], [`retry`], [`breaker`] | decide; no clock, no store, no request |
//! | [`outlet`] | what a lane posts through |
//! | [`touch`] | cards show what the store knows |
//!
//! # What is promised
//!
//! * No 2xx before the write is durable, and one write per step.
//! * One attempt per lane: the head stays the head until it has an outcome.
//! * In doubt, look before you repeat; only creating needs this.
//! * A hint is never the truth. Every store operation may be repeated. A take-over makes everything in flight doubtful.
//! * Nothing is dropped silently, everything is bounded, and state and its visible status change in the same write.
//!
//! # The life of a delivery
//!
//! ```text
//! accepted ──▶ trying ──▶ delivered
//!    ▲            │ not sent, pause, blocked        (no try counted)
//!    ├────────────┤ in doubt                        (look first next time)
//!    │            │ refused, 1st and 2nd            (try counted)
//!    └── replay ── parked ◀── refused 3rd, 7 days old
//! ```

pub mod breaker;
pub mod doubt;
pub mod lane;
pub mod lease;
pub mod outbox;
pub mod outlet;
pub mod poster;
pub mod retry;
#[cfg(test)]
pub(crate) mod scripted;
pub mod signal;
pub mod touch;
pub mod wake;
