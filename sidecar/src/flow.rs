//! The story: how what happens on one side comes to the other.
//!
//! # From the web chat to the thread
//!
//! i-Reserve pushes an event. Who says so and what is said was found out before (`auth`). [`address`] finds its lane: the
//! conversation, or for a notification its subject or type. [`chat_to_thread`] makes its files durable, then promises it with
//! one durable write. From there on it is the engine's (`delivery`): it claims the lane's head, posts it through Mattermost's
//! outlet, and records the outcome. [`sequel`] says what an end leaves behind: how the card looks from then on, and the line
//! that stands for an event that was parked.
//!
//! Nothing in here makes a request to Mattermost or i-Reserve.

pub mod address;
pub mod audience;
pub mod chat_to_thread;
pub mod sequel;
pub mod thread_to_chat;
