#![doc = include_str!("../README.md")]

mod api;
mod broker;
mod control;
mod error;
mod handshake;
mod hooks;
#[cfg(feature = "testing")]
pub mod host;
mod http;
mod log;
pub mod model;
mod rpc;
mod serve;

pub use api::Api;
pub use error::{AppError, Error, ErrorString, Failure};
pub use gob;
pub use hooks::{Call, Context, Hook, Hooks};
pub use http::{Body, BodyWriter, Origin, ResponseWriter, TooLarge};
pub use rpc::letters::{One, Three, Two};
pub use serve::{serve, serve_connection};
