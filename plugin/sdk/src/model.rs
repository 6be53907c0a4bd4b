//! Mattermost's words: Go's package `model`, with the fields that plugins read or send, under their Go names.
//!
//! What a server sends beyond them is skipped, what an older one does not know is empty. Absent and zero are the same thing in
//! gob: a configuration or object that was read must never be written back whole. Times are milliseconds since 1970.

mod command;
mod dialog;
mod people;
mod post;

pub use command::{
    ArgData, Autocomplete, AutocompleteArg, AutocompleteItem, Command, CommandArgs,
    CommandResponse, DynamicListArg, StaticListArg, TextArg,
};
pub use dialog::{Dialog, DialogElement, DialogOption, OpenDialog};
pub use people::{
    Bot, BotPatch, Channel, ChannelMember, Permission, Team, TeamMember, User, UserAccessToken,
};
pub use post::{
    ActionOption, Attachment, AttachmentField, FileData, Integration, KvSetOptions, Post,
    PostAction, PostList, Reaction,
};
