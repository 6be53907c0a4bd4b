#![doc = include_str!("../README.md")]

mod decode;
mod encode;
mod error;
#[cfg(feature = "fuzzing")]
mod fuzz;
mod number;
mod record;
mod schema;
mod value;

pub use decode::{Decoder, Inside, Limits, Reader};
pub use encode::{Encoder, Fields, Writer};
pub use error::{EncodeError, Error, Mismatch};
#[cfg(feature = "fuzzing")]
pub use fuzz::fuzz_one;
pub use record::{Gob, Opaque, Time};
pub use schema::declared::{Declare, Types};
pub use schema::{CodedBy, TypeId};
pub use value::{Named, Value};
