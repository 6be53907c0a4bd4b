//! What is said of a reply: the body of a call. Pure.
//!
//! Between attempts only `author.name`, `author.user`, `author.matched` and the attachments' `url` and `expires_at` may differ, so
//! everything else is made of what was stored when the reply was taken in.

use std::{collections::HashMap, time::Duration};

use bytes::Bytes;
use serde::Serialize;
use shared::{ConversationId, LicenceId, PostId, Timestamp};
use url::Url;

use super::users::Colleague;
use crate::{
    auth::link::{FileLink, LinkKey},
    licence::Licence,
    record::{Author, Reply, ReplyChange, ReplyFile},
    render::{self, Directory},
};

/// How long a link to a file is good.
pub(super) const LINK_LIFE: Duration = Duration::from_secs(7 * 24 * 3600);

/// What a body needs beside the reply.
#[derive(Debug, Clone, Copy)]
pub(super) struct Around<'a> {
    pub(super) licence: &'a Licence,
    pub(super) links: &'a LinkKey,
    /// As i-Reserve reaches us.
    pub(super) public: &'a Url,
    pub(super) now: Timestamp,
}

/// Every body has this form.
#[derive(Debug, Serialize)]
pub(super) struct Said<T> {
    pub(super) r#type: &'static str,
    pub(super) timestamp: Timestamp,
    pub(super) data: T,
}

#[derive(Serialize)]
struct Written<'a> {
    conversation_id: &'a ConversationId,
    reply_id: &'a PostId,
    text: String,
    text_plain: String,
    html: String,
    author: Option<By<'a>>,
    attachments: Vec<Attached<'a>>,
    created_at: Timestamp,
    #[serde(skip_serializing_if = "Option::is_none")]
    edited_at: Option<Timestamp>,
    permalink: &'a str,
    #[serde(skip_serializing_if = "is_false")]
    test: bool,
}

#[derive(Serialize)]
struct TakenBack<'a> {
    conversation_id: &'a ConversationId,
    reply_id: &'a PostId,
    deleted_at: Timestamp,
    #[serde(skip_serializing_if = "is_false")]
    test: bool,
}

#[derive(Serialize)]
struct By<'a> {
    name: String,
    username: &'a str,
    #[serde(skip_serializing_if = "str::is_empty")]
    email: &'a str,
    user: Option<Colleague>,
    matched: bool,
}

#[derive(Serialize)]
struct Attached<'a> {
    id: &'a str,
    name: &'a str,
    content_type: &'a str,
    size: u64,
    url: Url,
    expires_at: Timestamp,
}

impl<T: Serialize> Said<T> {
    /// The bytes that are signed and sent.
    pub(super) fn to_bytes(&self) -> Bytes {
        serde_json::to_vec(self)
            .expect("a body is plain data with text keys")
            .into()
    }
}

/// The body for this reply, by this colleague if he is one.
pub(super) fn of(reply: &Reply, colleague: Option<Colleague>, around: Around<'_>) -> Bytes {
    let (kind, timestamp) = (reply.what.name(), reply.taken_at);
    match reply.what {
        ReplyChange::Deleted(deleted_at) => Said {
            r#type: kind,
            timestamp,
            data: TakenBack {
                conversation_id: &reply.conversation_id,
                reply_id: &reply.reply_id,
                deleted_at,
                test: reply.test,
            },
        }
        .to_bytes(),
        ReplyChange::Created => Said {
            r#type: kind,
            timestamp,
            data: written(reply, colleague, None, around),
        }
        .to_bytes(),
        ReplyChange::Updated(at) => Said {
            r#type: kind,
            timestamp,
            data: written(reply, colleague, Some(at), around),
        }
        .to_bytes(),
    }
}

fn written<'a>(
    reply: &'a Reply,
    colleague: Option<Colleague>,
    edited_at: Option<Timestamp>,
    around: Around<'_>,
) -> Written<'a> {
    let said = words(reply);
    Written {
        conversation_id: &reply.conversation_id,
        reply_id: &reply.reply_id,
        text: said.text,
        text_plain: said.text_plain,
        html: said.html,
        author: reply.author.as_ref().map(|author| by(author, colleague)),
        attachments: reply
            .files
            .iter()
            .map(|file| attached(file, &reply.reply_id, around))
            .collect(),
        created_at: reply.created_at,
        edited_at,
        permalink: &reply.permalink,
        test: reply.test,
    }
}

fn words(reply: &Reply) -> render::Reply {
    let known = |names: &std::collections::BTreeMap<String, String>| -> HashMap<String, String> {
        names
            .iter()
            .map(|(name, shown)| (name.clone(), shown.clone()))
            .collect()
    };
    let (people, channels) = (known(&reply.people), known(&reply.channels));
    render::reply(
        &reply.text,
        &Directory {
            people: &people,
            channels: &channels,
            site_url: Some(reply.site.as_str()).filter(|site| !site.is_empty()),
        },
    )
}

fn by(author: &Author, colleague: Option<Colleague>) -> By<'_> {
    By {
        name: colleague
            .as_ref()
            .map_or_else(|| name_of(author), |colleague| colleague.name.clone()),
        username: &author.username,
        email: &author.email,
        matched: colleague.is_some(),
        user: colleague,
    }
}

/// First and last name, else nickname, else user name.
fn name_of(author: &Author) -> String {
    let full = format!("{} {}", author.first_name.trim(), author.last_name.trim());
    [full.trim(), author.nickname.trim()]
        .into_iter()
        .find(|name| !name.is_empty())
        .unwrap_or(&author.username)
        .to_owned()
}

fn attached<'a>(file: &'a ReplyFile, post: &PostId, around: Around<'_>) -> Attached<'a> {
    // Links count in seconds, so that is what is said of them.
    let millis = (around.now + LINK_LIFE).as_millis().div_euclid(1_000) * 1_000;
    let expires_at = Timestamp::from_millis(millis);
    let link = FileLink {
        post: post.clone(),
        file: file.id.clone(),
        expires: expires_at,
    };
    Attached {
        id: &file.id,
        name: &file.name,
        content_type: &file.content_type,
        size: file.size,
        url: file_url(around.public, around.links, &around.licence.id, &link),
        expires_at,
    }
}

fn file_url(public: &Url, links: &LinkKey, licence: &LicenceId, link: &FileLink) -> Url {
    below(public, &["v1", "files", &links.file_token(licence, link)])
}

/// A path below an address, which may have one of its own.
pub(super) fn below(base: &Url, path: &[&str]) -> Url {
    let mut url = base.clone();
    url.set_query(None);
    url.set_fragment(None);
    if let Ok(mut segments) = url.path_segments_mut() {
        segments.pop_if_empty().extend(path);
    }
    url
}

const fn is_false(value: &bool) -> bool {
    !*value
}
