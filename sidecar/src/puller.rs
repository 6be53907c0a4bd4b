//! The ear: hints in, threads read, replies committed.

pub mod hints;
