//! What one person alone sees, said by the bot, in the thread where it was asked for.

use std::{collections::BTreeMap, task::Poll};

use futures_util::poll;
use mattermost_plugin::{
    gob,
    model::{CommandArgs, CommandResponse, Post},
};
use serde_json::Value;

use crate::{desk::Desk, objects};

/// A kind of answer that the server does not know, and so makes no post of. It has to: what it posts for a command seems to be written
/// by whoever typed it. The text stays in the answer all the same, for those who use commands without a client that shows posts.
const SAID_BY_THE_BOT: &str = "said";

/// For whom, and where.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Ear<'a> {
    pub(crate) user: &'a str,
    pub(crate) channel: &'a str,
    /// Empty outside threads.
    pub(crate) root: &'a str,
}

/// Says it, and does not wait until it is shown: the server answers nothing but the post itself, so there is nothing to learn, and
/// whoever typed a command would wait for one more call. False: there is no bot yet, or the server is gone.
pub(crate) async fn whisper(
    desk: &Desk,
    ear: Ear<'_>,
    message: String,
    attachments: Vec<Value>,
) -> bool {
    let Some(bot) = desk.bot.borrow().clone() else {
        return false;
    };
    let mut props = BTreeMap::new();
    if !attachments.is_empty() {
        let attachments = attachments.into_iter().map(objects::any);
        props.insert("attachments".to_owned(), gob::Value::list(attachments));
    }
    let post = Post {
        user_id: bot.id.clone(),
        channel_id: ear.channel.to_owned(),
        root_id: ear.root.to_owned(),
        message,
        props,
        ..Post::default()
    };
    let (api, user) = (desk.api.clone(), ear.user.to_owned());
    let mut saying = Box::pin(async move {
        let said = api.send_ephemeral_post(&user, post).await;
        said.inspect_err(|error| tracing::warn!("a person could not be told: {error}"))
            .is_ok()
    });
    // The call is on its way before the answer that says so.
    match poll!(saying.as_mut()) {
        Poll::Ready(said) => said,
        Poll::Pending => {
            desk.spawn(saying);
            true
        }
    }
}

/// The answer of a command: said by the bot, or where it cannot speak, by the server.
pub(crate) async fn answer(
    desk: &Desk,
    args: &CommandArgs,
    text: String,
    attachments: Vec<Value>,
) -> CommandResponse {
    let ear = Ear {
        user: &args.user_id,
        channel: &args.channel_id,
        root: &args.root_id,
    };
    let nothing = text.is_empty() && attachments.is_empty();
    let said = nothing || whisper(desk, ear, text.clone(), attachments.clone()).await;
    let mut response = CommandResponse {
        attachments: attachments
            .into_iter()
            .filter_map(|one| {
                objects::attachment(one)
                    .map_err(|error| tracing::error!("the sidecar's attachment is none: {error}"))
                    .ok()
            })
            .collect(),
        ..CommandResponse::ephemeral(text)
    };
    if said {
        SAID_BY_THE_BOT.clone_into(&mut response.kind);
    }
    response
}
