//! The room `http`, from the outside: bytes in, bytes out.

mod connections;
pub(crate) mod desk;
mod events;
mod files;
mod framing;
mod given;
mod hooks;
mod openapi;
mod ops;
pub(crate) mod raw;
