//! What we keep: the data that travels between the store and whoever works with it. A leaf: no I/O, no clock, no rules.
//!
//! | word | meaning |
//! |---|---|
//! | lane | the events of one (licence, conversation, direction), in order of acceptance |
//! | queue | the lanes that wait for one dependency |
//! | claim | the right to work the head of one lane now |
//! | step | what an attempt does; durable before the request, so that a look knows which mark to search |
//! | mark | 26 characters by which we recognise our own post, for ever |
//! | mapping | conversation and root post, with a generation that rises when a root is replaced |
//! | card | what is known of a conversation and shown on its root |
//! | parked | taken out of its lane with a reason, kept, replayable |

mod card;
mod claim;
mod content;
mod lane;
mod mark;
mod moment;
mod parked;
mod pull;
mod reply;
mod signal;
mod status;
mod touch;

pub use card::{Card, CardState};
pub use claim::{
    Claim, Doubt, Fence, KnownPost, Mapping, PostState, Posted, Root, Step, StepError,
};
pub use content::{Content, ContentError, NewEvent};
pub use lane::{Direction, Lane, LaneError, LaneKey, Queue};
pub use mark::{ContentHash, Mark, partition};
pub use moment::Moment;
pub use parked::{Blocked, Parked, Selection, Totals};
pub use pull::{Anchor, Change, Cursor, Pull, Pulled, ReplyMark, Thread};
pub use reply::{Author, Presence, Reply, ReplyChange, ReplyFile};
pub use signal::Signal;
pub use status::{Acceptance, State, Status};
pub use touch::Touch;
