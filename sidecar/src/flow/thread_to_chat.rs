//! From the thread to the web chat: what is new in a thread becomes events for i-Reserve.
//!
//! Nothing is asked of anybody here: who wrote what, and which names exist, was found out before. The promise is the one write
//! that the puller makes of it.

use std::{collections::BTreeMap, time::Duration};

use shared::{EventId, PostId, Timestamp};
use url::Url;

use super::audience::{Audience, Why};
use crate::record::{
    Author, Change, Content, ContentHash, Direction, KnownPost, Lane, LaneKey, Moment, NewEvent,
    PostState, Queue, Reply, ReplyChange, ReplyFile, ReplyMark, Step, Thread,
};

/// A reply as it stands now, and for whom it is.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Said {
    pub post_id: PostId,
    pub create_at: Timestamp,
    /// 0: never edited.
    pub edit_at: i64,
    pub audience: Audience,
    pub author: Author,
    pub people: BTreeMap<String, String>,
    pub channels: BTreeMap<String, String>,
    pub files: Vec<ReplyFile>,
}

/// What the store is to write about one post.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Turned {
    pub change: Option<Change>,
    pub known: KnownPost,
    /// Whether the visitor got an answer by it.
    pub answers: bool,
}

/// How replies of a thread leave.
#[derive(Debug, Clone, Copy)]
pub struct Leaving<'a> {
    pub thread: &'a Thread,
    /// How long a reply can be withdrawn before it leaves.
    pub send_delay: Duration,
    /// As people open Mattermost.
    pub site: &'a Url,
    /// The team's name in addresses.
    pub team: Option<&'a str>,
    pub now: Moment,
}

impl Leaving<'_> {
    /// A post that was not known.
    #[must_use]
    pub fn written(&self, said: &Said) -> Turned {
        match &said.audience {
            Audience::Visitor(text) => Turned {
                change: Some(Change::Append(Box::new(self.created(
                    said,
                    text,
                    said.edit_at,
                )))),
                known: self.known(said, PostState::Sent, Some(said.edit_at), None),
                answers: true,
            },
            Audience::Team(why) => Turned {
                change: None,
                known: self.known(said, PostState::Inside, None, inside_mark(*why)),
                answers: false,
            },
        }
    }

    /// A known post whose text changed. Several edits between two readings are one.
    #[must_use]
    pub fn edited(&self, said: &Said, before: &KnownPost) -> Turned {
        match (&said.audience, before.sent_edit_at) {
            // What stayed inside may become a reply, and leaves like a new one.
            (Audience::Visitor(_), None) => self.written(said),
            (Audience::Visitor(text), Some(sent)) => {
                let edit = self.event(
                    said,
                    reply_id(&said.post_id, said.edit_at),
                    ReplyChange::Updated(Timestamp::from_millis(said.edit_at)),
                    text,
                );
                let held = Box::new(self.created(said, text, sent));
                let anew = Box::new(self.created(said, text, said.edit_at));
                Turned {
                    change: Some(Change::Edit {
                        held,
                        edit: Box::new(edit),
                        anew,
                    }),
                    known: self.known(said, PostState::Sent, Some(said.edit_at), None),
                    answers: true,
                }
            }
            (Audience::Team(why), None) => Turned {
                change: None,
                known: self.known(said, PostState::Inside, None, inside_mark(*why)),
                answers: false,
            },
            // A sent reply that became a note is taken back.
            (Audience::Team(why), Some(sent)) => {
                let deletion = self.event(
                    said,
                    reply_id(&said.post_id, said.edit_at),
                    ReplyChange::Deleted(Timestamp::from_millis(said.edit_at)),
                    "",
                );
                let held = reply_id(&said.post_id, sent);
                Turned {
                    change: Some(Change::Withdraw {
                        held,
                        deletion: Box::new(deletion),
                    }),
                    known: self.known(said, PostState::Inside, None, inside_mark(*why)),
                    answers: false,
                }
            }
        }
    }

    /// A sent reply that two readings and its own address say is gone.
    #[must_use]
    pub fn deleted(&self, before: &KnownPost) -> Turned {
        let id = EventId::new(format!("reply:{}:deleted", before.post_id))
            .expect("a post id makes an event id");
        let reply = Reply {
            what: ReplyChange::Deleted(self.now.wall),
            conversation_id: self.thread.conversation.clone(),
            reply_id: before.post_id.clone(),
            root_id: self.thread.root_id.clone(),
            channel_id: self.thread.channel_id.clone(),
            text: String::new(),
            author: None,
            people: BTreeMap::new(),
            channels: BTreeMap::new(),
            files: Vec::new(),
            site: String::new(),
            permalink: String::new(),
            created_at: before.create_at,
            taken_at: self.now.wall,
            test: self.is_test(),
        };
        let held = reply_id(&before.post_id, before.sent_edit_at.unwrap_or_default());
        Turned {
            change: Some(Change::Withdraw {
                held,
                deletion: Box::new(self.new_event(id, reply, None)),
            }),
            known: KnownPost {
                state: PostState::Inside,
                sent_edit_at: None,
                mark: None,
                ..before.clone()
            },
            answers: false,
        }
    }

    /// The first look that misses a sent reply: if it waits still, it waits for the look that makes it sure.
    #[must_use]
    pub fn missed(&self, before: &KnownPost) -> Change {
        /// Two looks five seconds apart, and one for the way.
        const SURE: Duration = Duration::from_secs(6);
        Change::Hold {
            held: reply_id(&before.post_id, before.sent_edit_at.unwrap_or_default()),
            lane: self.lane(),
            until: self.now.steady + SURE,
        }
    }

    fn created(&self, said: &Said, text: &str, edit_at: i64) -> NewEvent {
        self.event(
            said,
            reply_id(&said.post_id, edit_at),
            ReplyChange::Created,
            text,
        )
    }

    fn event(&self, said: &Said, id: EventId, what: ReplyChange, text: &str) -> NewEvent {
        let reply = Reply {
            what,
            conversation_id: self.thread.conversation.clone(),
            reply_id: said.post_id.clone(),
            root_id: self.thread.root_id.clone(),
            channel_id: self.thread.channel_id.clone(),
            text: text.to_owned(),
            author: Some(said.author.clone()),
            people: said.people.clone(),
            channels: said.channels.clone(),
            files: said.files.clone(),
            site: self.site.to_string(),
            permalink: self.permalink(&said.post_id),
            created_at: said.create_at,
            taken_at: self.now.wall,
            test: self.is_test(),
        };
        let hold = (what == ReplyChange::Created)
            .then(|| self.held_until(said.create_at))
            .flatten();
        self.new_event(id, reply, hold)
    }

    /// Opens the post in every team; without a team in the settings Mattermost finds it itself.
    fn permalink(&self, post: &PostId) -> String {
        let mut url = self.site.clone();
        url.set_query(None);
        url.set_fragment(None);
        if let Ok(mut path) = url.path_segments_mut() {
            let team = self.team.unwrap_or("_redirect");
            path.pop_if_empty().extend([team, "pl", post.as_str()]);
        }
        url.into()
    }

    /// Counted from when it was written, or from now where Mattermost's clock runs ahead.
    fn held_until(&self, create_at: Timestamp) -> Option<Timestamp> {
        if self.send_delay.is_zero() {
            return None;
        }
        let waited = self.now.wall.since(create_at);
        Some(self.now.steady + self.send_delay.saturating_sub(waited))
    }

    fn new_event(&self, id: EventId, reply: Reply, hold_until: Option<Timestamp>) -> NewEvent {
        let kind = reply.what.name().to_owned();
        let content = Content::Reply(Box::new(reply));
        NewEvent {
            id,
            kind,
            hash: ContentHash::of_bytes(&content.to_bytes()),
            lane: self.lane(),
            queue: Queue::Ireserve(self.thread.licence.clone()),
            content,
            accepted_at: self.now.wall,
            message_id: None,
            step: Step::Change,
            hold_until,
            done: false,
            files: Vec::new(),
        }
    }

    fn lane(&self) -> Lane {
        Lane {
            licence: self.thread.licence.clone(),
            key: LaneKey::Conversation(self.thread.conversation.clone()),
            direction: Direction::ThreadToChat,
        }
    }

    fn known(
        &self,
        said: &Said,
        state: PostState,
        sent: Option<i64>,
        mark: Option<ReplyMark>,
    ) -> KnownPost {
        KnownPost {
            post_id: said.post_id.clone(),
            root_id: self.thread.root_id.clone(),
            message_id: None,
            part: 0,
            state,
            create_at: said.create_at,
            edit_at: said.edit_at,
            sent_edit_at: sent,
            mark,
        }
    }

    fn is_test(&self) -> bool {
        self.thread.card.as_ref().is_some_and(|card| card.test)
    }
}

/// A person who keeps a reply inside sees that it did. What machines say, and channels that only show, stay unmarked.
const fn inside_mark(why: Why) -> Option<ReplyMark> {
    match why {
        Why::Machine | Why::ShowOnly | Why::Empty => None,
        Why::AskFirst | Why::Prefix | Why::Mention | Why::Call | Why::Command => {
            Some(ReplyMark::Inside)
        }
    }
}

/// The id that i-Reserve remembers: stable over retries, without a dot.
fn reply_id(post: &PostId, edit_at: i64) -> EventId {
    EventId::new(format!("reply:{post}:{edit_at}"))
        .expect("a post id and a number make an event id")
}
