//! What we put into the server: the bot and the command at activation, members and outgoing webhooks when they are wanted.

pub(crate) mod bot;
pub(crate) mod command;
pub(crate) mod members;
mod rest;
pub(crate) mod webhooks;
