#![doc = include_str!("../README.md")]

#[cfg(feature = "driver")]
mod driver;
mod error;
mod frame;
#[cfg(feature = "fuzzing")]
pub mod fuzz;
mod session;
mod stream;
#[cfg(feature = "driver")]
mod wake;
mod window;

#[cfg(feature = "driver")]
pub use driver::{Acceptor, Driver, Opener, connect};
pub use error::{OpenError, SessionError, Silence, StreamError, Violation};
pub use frame::{Flags, HEADER_LEN, Header, Kind, StreamId};
pub use session::{Config, Event, MAX_FRAME, Read, Session, Side};
#[cfg(feature = "driver")]
pub use stream::handle::Stream;
pub use window::WINDOW;
