//! The engine: how an accepted event reaches the other side once, in order, whatever happens in between.

pub mod outlet;
