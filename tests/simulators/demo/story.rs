//! The story: what was said on one side, what the sidecar did with it, and what was seen on the other.
//!
//! It is only ever added to, from four sources: people ([`Story::say`]), the sidecar ([`Story::step`]), and a look at each server
//! after each of its changes ([`Story::see`] at Mattermost, [`Story::hear`] at i-Reserve). Posts that are deleted stay in the story, marked as gone.

use std::collections::{BTreeMap, VecDeque};
use std::time::Duration;

use bytes::Bytes;

use super::sidecar::{Act, How, Step, Work};
use crate::clock::wall_millis;
use crate::mattermost::Post;

/// How many entries are kept, against a page that stays open for days.
const ENTRIES: usize = 400;

/// Everything so far.
#[derive(Debug, Clone, Default)]
pub(super) struct Story {
    /// In the order in which it was said.
    pub(super) said: Vec<Said>,
    /// What happened, oldest first.
    pub(super) entries: VecDeque<Entry>,
    /// Every post that was ever seen, by its id, as it was seen last.
    pub(super) posts: BTreeMap<String, Seen>,
    /// What i-Reserve was told by the team, in the order in which it took it.
    pub(super) heard: Vec<Heard>,
    /// How the two servers are.
    pub(super) weather: Weather,
    entered: u64,
}

/// What the page's switches show.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub(super) struct Weather {
    pub(super) away: bool,
    pub(super) slow: bool,
    /// The answer to the next post will be lost.
    pub(super) losing: bool,
    /// Whether the sidecar runs, and in which of its lives.
    pub(super) up: bool,
    pub(super) lives: u32,
    /// Whether the script is being played.
    pub(super) playing: bool,
}

/// One event that i-Reserve pushes.
#[derive(Debug, Clone)]
pub(super) struct Said {
    pub(super) id: String,
    /// None: a notification.
    pub(super) conversation: Option<String>,
    pub(super) what: What,
    pub(super) at: i64,
    pub(super) fate: Fate,
    /// At the one of its posts that took most.
    pub(super) attempts: u32,
    /// From saying to the promise.
    pub(super) accepted_after: Option<Duration>,
    /// From the promise to the end.
    pub(super) delivered_after: Option<Duration>,
    /// What the latest attempt was at.
    last: Option<Act>,
    /// Whether that attempt left and its answer is not known.
    in_doubt: bool,
}

/// What an event says.
#[derive(Debug, Clone)]
pub(super) enum What {
    Started {
        visitor: String,
    },
    Message {
        by: By,
        name: String,
        text: String,
        file: Option<File>,
    },
    Edited {
        of: String,
        text: String,
    },
    Withdrawn {
        of: String,
    },
    Closed {
        by: String,
    },
    Reopened {
        by: String,
    },
    Notification {
        title: String,
        text: String,
    },
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum By {
    Visitor,
    Agent,
}

#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct File {
    pub(super) name: String,
    pub(super) content_type: String,
    pub(super) bytes: Bytes,
}

/// How far an event has come.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Fate {
    /// Not promised yet.
    Sending,
    Refused,
    /// Promised: it is on disk.
    Accepted,
    Trying,
    /// An attempt failed; it is tried again.
    Waiting,
    Delivered,
    Parked,
}

impl Fate {
    /// Whether nothing more will happen to it by itself.
    pub(super) const fn is_settled(&self) -> bool {
        matches!(self, Self::Refused | Self::Delivered | Self::Parked)
    }
}

/// One line of what happened.
#[derive(Debug, Clone)]
pub(super) struct Entry {
    pub(super) number: u64,
    pub(super) at: i64,
    /// The event it is about.
    pub(super) event: Option<String>,
    pub(super) note: Note,
}

#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Note {
    Accepted {
        after: Duration,
    },
    /// i-Reserve got no promise and repeats the event.
    Repeated {
        /// None: there was no answer at all.
        status: Option<u16>,
    },
    Rejected {
        why: String,
    },
    Tried {
        act: Act,
        attempt: u32,
    },
    /// After an attempt without an answer the sidecar looked, and its post stood already.
    Found {
        act: Act,
    },
    Failed {
        how: How,
        reason: String,
    },
    Delivered {
        after: Duration,
        attempts: u32,
    },
    Parked {
        reason: String,
    },
    /// i-Reserve has taken a reply.
    Reached {
        after: Duration,
    },
    Away,
    Back,
    Slow(bool),
    Losing,
    Holding,
    Deleted,
    Killed,
    Started {
        life: u32,
    },
    /// The script has ended, well or not.
    Played {
        fine: bool,
    },
    /// A colleague wrote in the thread.
    Replied {
        by: String,
    },
}

/// A reply as i-Reserve shows it to the visitor.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Heard {
    /// The post's id.
    pub(super) id: String,
    pub(super) conversation: String,
    pub(super) name: String,
    pub(super) text: String,
    pub(super) is_deleted: bool,
    /// When it was first heard.
    pub(super) at: i64,
}

/// A post as it was seen last.
#[derive(Debug, Clone)]
pub(super) struct Seen {
    pub(super) post: Post,
    pub(super) author: String,
    pub(super) is_bot: bool,
    pub(super) is_gone: bool,
}

/// The post of a reply's event, `reply:{post}:{edit}`.
pub(super) fn reply_of(event: &str) -> Option<&str> {
    event.strip_prefix("reply:")?.split(':').next()
}

impl Said {
    pub(super) fn new(id: String, conversation: Option<String>, what: What) -> Self {
        Self {
            id,
            conversation,
            what,
            at: wall_millis(),
            fate: Fate::Sending,
            attempts: 0,
            accepted_after: None,
            delivered_after: None,
            last: None,
            in_doubt: false,
        }
    }

    /// Ends the doubt; what was in doubt, if anything was.
    fn found(&mut self) -> Option<Act> {
        std::mem::take(&mut self.in_doubt)
            .then_some(self.last)
            .flatten()
            .filter(|act| *act != Act::Change)
    }
}

impl Story {
    pub(super) fn say(&mut self, said: Said) {
        self.said.push(said);
    }

    pub(super) fn event(&self, id: &str) -> Option<&Said> {
        self.said.iter().find(|said| said.id == id)
    }

    /// Something happened that concerns no single event.
    pub(super) fn note(&mut self, note: Note) {
        self.enter(None, note);
    }

    pub(super) fn accepted(&mut self, id: &str) {
        let Some(said) = self.find(id).filter(|said| said.accepted_after.is_none()) else {
            return;
        };
        let after = Duration::from_millis(u64::try_from(wall_millis() - said.at).unwrap_or(0));
        said.accepted_after = Some(after);
        said.fate = Fate::Accepted;
        self.enter(Some(id), Note::Accepted { after });
    }

    pub(super) fn rejected(&mut self, id: &str, why: String) {
        let Some(said) = self.find(id) else { return };
        said.fate = Fate::Refused;
        self.enter(Some(id), Note::Rejected { why });
    }

    pub(super) fn repeated(&mut self, id: &str, status: Option<u16>) {
        self.enter(Some(id), Note::Repeated { status });
    }

    /// The sidecar's process is gone. What it was trying may stand, and nobody knows.
    pub(super) fn killed(&mut self) {
        self.weather.up = false;
        for said in &mut self.said {
            said.in_doubt |= said.fate == Fate::Trying;
        }
        self.note(Note::Killed);
    }

    /// What the sidecar tells.
    pub(super) fn step(&mut self, step: Step) {
        let id = step.event;
        if reply_of(&id).is_some() {
            return self.reply_step(&id, step.work);
        }
        // What is worked on was accepted before, though that answer may still be on its way to i-Reserve.
        self.accepted(&id);
        let Some(said) = self.find(&id) else { return };
        match step.work {
            Work::Tried { act, attempt } => {
                said.attempts = said.attempts.max(attempt);
                said.fate = Fate::Trying;
                // Whoever is in doubt looks first. The same act again: it was not there. Another one: it was.
                let found = said.found().filter(|found| *found != act);
                said.last = Some(act);
                if let Some(found) = found {
                    self.enter(Some(&id), Note::Found { act: found });
                }
                self.enter(Some(&id), Note::Tried { act, attempt });
            }
            Work::Failed { how, reason } => {
                said.fate = Fate::Waiting;
                // A failure without an attempt before it (a look that failed) settles no doubt.
                said.in_doubt |= how == How::InDoubt;
                self.weather.losing &= how != How::InDoubt;
                self.enter(Some(&id), Note::Failed { how, reason });
            }
            Work::Delivered { after } => {
                said.fate = Fate::Delivered;
                said.delivered_after = Some(after);
                let attempts = said.attempts;
                if let Some(act) = said.found() {
                    self.enter(Some(&id), Note::Found { act });
                }
                self.enter(Some(&id), Note::Delivered { after, attempts });
            }
            Work::Parked { reason } => {
                said.fate = Fate::Parked;
                self.enter(Some(&id), Note::Parked { reason });
            }
        }
    }

    /// The same on the way back, which nobody on this side has said before.
    fn reply_step(&mut self, id: &str, work: Work) {
        let note = match work {
            Work::Tried { act, attempt } => Note::Tried { act, attempt },
            Work::Failed { how, reason } => Note::Failed { how, reason },
            Work::Delivered { after } => Note::Reached { after },
            Work::Parked { reason } => Note::Parked { reason },
        };
        self.enter(Some(id), note);
    }

    /// All replies that i-Reserve has taken, each in its last state.
    pub(super) fn hear(&mut self, replies: Vec<Heard>) {
        for mut reply in replies {
            match self.heard.iter_mut().find(|heard| heard.id == reply.id) {
                Some(heard) => {
                    reply.at = heard.at;
                    *heard = reply;
                }
                None => self.heard.push(reply),
            }
        }
    }

    /// All posts that stand now, with who wrote them. What is missing from them is gone.
    pub(super) fn see(&mut self, standing: Vec<Seen>) {
        for seen in self.posts.values_mut() {
            seen.is_gone = true;
        }
        for seen in standing {
            self.posts.insert(seen.post.id.clone(), seen);
        }
    }

    /// Nothing is on its way any more.
    pub(super) fn is_settled(&self) -> bool {
        self.said.iter().all(|said| said.fate.is_settled())
    }

    /// How many events were promised and not brought over yet.
    pub(super) fn waiting(&self) -> usize {
        self.said
            .iter()
            .filter(|said| matches!(said.fate, Fate::Accepted | Fate::Trying | Fate::Waiting))
            .count()
    }

    fn find(&mut self, id: &str) -> Option<&mut Said> {
        self.said.iter_mut().find(|said| said.id == id)
    }

    fn enter(&mut self, event: Option<&str>, note: Note) {
        self.entered += 1;
        self.entries.push_back(Entry {
            number: self.entered,
            at: wall_millis(),
            event: event.map(str::to_owned),
            note,
        });
        if self.entries.len() > ENTRIES {
            self.entries.pop_front();
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn one() -> Story {
        let mut story = Story::default();
        let what = What::Closed { by: "Anna".into() };
        story.say(Said::new("e1".into(), None, what));
        story
    }

    fn step(work: Work) -> Step {
        Step {
            event: "e1".into(),
            work,
        }
    }

    fn tried(act: Act, attempt: u32) -> Step {
        step(Work::Tried { act, attempt })
    }

    fn in_doubt() -> Step {
        step(Work::Failed {
            how: How::InDoubt,
            reason: "no answer".into(),
        })
    }

    fn notes(story: &Story) -> Vec<Note> {
        story
            .entries
            .iter()
            .map(|entry| entry.note.clone())
            .collect()
    }

    #[test]
    fn a_delivery_right_after_a_doubt_means_that_it_was_found_standing() {
        let mut story = one();
        let after = Duration::from_millis(300);
        for step in [
            tried(Act::Part(0), 1),
            in_doubt(),
            step(Work::Delivered { after }),
        ] {
            story.step(step);
        }
        assert_eq!(
            notes(&story)[3..],
            [
                Note::Found { act: Act::Part(0) },
                Note::Delivered { after, attempts: 1 }
            ]
        );
        assert!(story.is_settled());
    }

    #[test]
    fn the_same_attempt_after_a_doubt_means_that_it_was_not_there() {
        let mut story = one();
        for step in [
            tried(Act::Card(1), 1),
            in_doubt(),
            tried(Act::Card(1), 2),
            tried(Act::Part(0), 1),
        ] {
            story.step(step);
        }
        assert!(
            !notes(&story)
                .iter()
                .any(|note| matches!(note, Note::Found { .. }))
        );
        assert_eq!(story.waiting(), 1);
    }

    #[test]
    fn a_promise_that_comes_back_after_the_delivery_does_not_undo_it() {
        let mut story = one();
        story.step(step(Work::Delivered {
            after: Duration::ZERO,
        }));
        story.accepted("e1");
        assert_eq!(story.said[0].fate, Fate::Delivered);
    }

    #[test]
    fn a_post_that_is_seen_no_more_stays_in_the_story() {
        let mut story = one();
        let seen = |id: &str| Seen {
            post: Post {
                id: id.into(),
                ..Post::default()
            },
            author: "i-reserve".into(),
            is_bot: true,
            is_gone: false,
        };
        story.see(vec![seen("a"), seen("b")]);
        story.see(vec![seen("b")]);
        assert!(story.posts["a"].is_gone && !story.posts["b"].is_gone);
    }
}
