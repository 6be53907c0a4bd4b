//! The stage: two simulated servers, the sidecar between them, and everything that people can do to the three.
//!
//! Each act is one function here, whoever asks for it, script or page. An act that says something goes through i-Reserve's
//! outbox, which pushes one parcel after the other and repeats it until it is promised or refused, as i-Reserve must.

mod life;
mod outbox;
mod people;

use std::collections::BTreeSet;
use std::io;
use std::sync::Arc;
use std::time::Duration;

use shared::Language;
use tempfile::TempDir;
use tokio_util::sync::CancellationToken;
use tokio_util::task::TaskTracker;

use super::DemoError;
use super::settings;
use super::sidecar::{Ending, Start};
use super::story::{Heard, Note, Seen, Story};
use super::verdict;
use crate::clock::wall_millis;
use crate::ireserve::{IReserve, Inbox};
use crate::mattermost::{Cast, Fault, Mattermost, State, When};
use crate::server::Door;
use crate::watched::{Late, Watched};
use life::Seat;
use outbox::Outbox;
pub(super) use people::Talk;

/// How long each call to a slow Mattermost takes.
const SLOW: Duration = Duration::from_millis(1_500);
/// How long an answer is held back: longer than anybody waits for it here.
const HELD: Duration = Duration::from_secs(5);
/// How long a look at Mattermost may go on: until the stage is closed.
const ALWAYS: Duration = Duration::from_secs(365 * 24 * 3600);

/// Everything that is needed for a performance.
#[derive(Debug)]
pub(super) struct Stage {
    mattermost: Arc<Mattermost>,
    cast: Cast,
    ireserve: Arc<IReserve>,
    story: Arc<Watched<Story>>,
    outbox: Outbox,
    seat: Seat,
    people: people::People,
    tasks: TaskTracker,
    end: CancellationToken,
    // The store's; removed last.
    _folder: TempDir,
}

impl Stage {
    /// Starts both servers and the sidecar between them.
    pub(super) async fn open(start: Start) -> Result<Self, DemoError> {
        let folder = tempfile::tempdir()?;
        let mattermost = Arc::new(Mattermost::start().await?);
        let cast = mattermost.furnish();
        let ireserve = Arc::new(IReserve::start().await?);
        let story = Arc::new(Watched::new(Story::default()));
        let (tasks, end) = (TaskTracker::new(), CancellationToken::new());
        let write = {
            let (folder, cast) = (folder.path().to_owned(), cast.clone());
            let (mattermost, webhook) = (mattermost.url(), ireserve.webhook_url());
            let (users, secret) = (ireserve.users_url(), ireserve.secret());
            move |listen| {
                settings::Wiring {
                    folder: &folder,
                    mattermost: &mattermost,
                    cast: &cast,
                    webhook: &webhook,
                    users: &users,
                    secret: &secret,
                }
                .toml(listen)
            }
        };
        let seat = Seat::new(start, Box::new(write), Arc::clone(&story), tasks.clone());
        let address = seat.start().await?;
        let outbox = Outbox::open(address, Arc::clone(&story), &tasks, &end);
        let stage = Self {
            mattermost,
            cast,
            ireserve,
            story,
            outbox,
            seat,
            people: people::People::default(),
            tasks,
            end,
            _folder: folder,
        };
        stage.watch();
        stage.listen();
        Ok(stage)
    }

    /// Looks at the story.
    pub(super) fn story<T>(&self, look: impl FnOnce(&Story) -> T) -> T {
        self.story.look(look)
    }

    /// Waits until the story has this.
    pub(super) async fn until<T>(
        &self,
        what: &str,
        within: Duration,
        look: impl FnMut(&Story) -> Option<T>,
    ) -> Result<T, Late> {
        let tell = |story: &Story| {
            let open = story.said.iter().filter(|said| !said.fate.is_settled());
            open.map(|said| format!("{} is {:?}\n", said.id, said.fate))
                .collect()
        };
        self.story.until(what, within, look, tell).await
    }

    /// What is wrong with what stands; empty when every event stands once, in order, in the visitor's words.
    pub(super) fn judge(&self) -> Vec<String> {
        self.look_now();
        self.story(|story| verdict::mistakes(story, |id| self.file(id).map(|(_, bytes)| bytes)))
    }

    /// A file that stands: its name and bytes.
    pub(super) fn file(&self, id: &str) -> Option<(String, bytes::Bytes)> {
        let file = self.mattermost.look(|state| state.file(id));
        file.map(|(info, bytes)| (info.name, bytes))
    }

    /// Mattermost's process ends, or starts again.
    pub(super) async fn away(&self, away: bool) -> io::Result<()> {
        let door = if away { Door::Refusing } else { Door::Open };
        self.mattermost.door(door).await?;
        self.story.change(|story| {
            story.weather.away = away;
            story.note(if away { Note::Away } else { Note::Back });
        });
        Ok(())
    }

    /// Every call to Mattermost takes long, or no longer.
    pub(super) fn slow(&self, slow: bool) {
        let latency = if slow { SLOW } else { Duration::ZERO };
        self.mattermost.faults().latency(latency);
        self.story.change(|story| {
            story.weather.slow = slow;
            story.note(Note::Slow(slow));
        });
    }

    /// The next post will be made, and its answer lost.
    pub(super) fn lose_next_answer(&self) {
        let faults = self.mattermost.faults();
        faults.add("POST /posts", When::Next(1), Fault::commit_then_drop());
        self.story.change(|story| {
            story.weather.losing = true;
            story.note(Note::Losing);
        });
    }

    /// The next post will be made at once, and its answer will be long in coming.
    pub(super) fn hold_next_answer(&self) {
        let faults = self.mattermost.faults();
        faults.add("POST /posts", When::Next(1), Fault::answer_after(HELD));
        self.story.change(|story| story.note(Note::Holding));
    }

    /// A moderator deletes the card of the present conversation, and with it the thread. False when there is none.
    pub(super) fn delete_root(&self) -> bool {
        self.look_now();
        let Some(root) = self.root() else {
            return false;
        };
        let deleted = self.mattermost.delete_post_as_admin(&root).is_ok();
        if deleted {
            self.story.change(|story| story.note(Note::Deleted));
        }
        deleted
    }

    /// A colleague writes in the thread of the present conversation. False when there is none.
    pub(super) fn reply(&self, text: &str) -> bool {
        let Some(root) = self.root() else {
            return false;
        };
        let (lotte, channel) = (&self.cast.lotte, &self.cast.webchat);
        let posted = self
            .mattermost
            .post_as(&lotte.id, channel, Some(&root), text, &[]);
        if posted.is_ok() {
            let by = "Lotte Jansen".to_owned();
            self.story.change(|story| story.note(Note::Replied { by }));
        }
        posted.is_ok()
    }

    /// The sidecar's process ends at once, as by `kill -9`.
    pub(super) async fn kill(&self) {
        self.seat.end(Ending::Kill).await;
    }

    /// The sidecar starts on the store that it left behind.
    pub(super) async fn start_again(&self) -> Result<(), DemoError> {
        self.seat.start().await?;
        Ok(())
    }

    /// The script begins, unless it is being played. Says whether it may.
    pub(super) fn begin_play(&self) -> bool {
        self.story
            .change(|story| !std::mem::replace(&mut story.weather.playing, true))
    }

    /// The script has ended.
    pub(super) fn end_play(&self, fine: bool) {
        self.story.change(|story| {
            story.weather.playing = false;
            story.note(Note::Played { fine });
        });
    }

    /// Ends everything in order.
    pub(super) async fn close(&self) {
        self.seat.end(Ending::Stop).await;
        self.end.cancel();
        self.tasks.close();
        self.tasks.wait().await;
    }

    /// The standing card of the present conversation.
    fn root(&self) -> Option<String> {
        let conversation = self.people.conversation()?;
        let roots = |state: &State| state.roots_of_conversation(&conversation);
        self.mattermost.look(roots).pop().map(|root| root.id)
    }

    /// From now on the story sees what stands in Mattermost after each of its changes.
    fn watch(&self) {
        let (mattermost, story) = (Arc::clone(&self.mattermost), Arc::clone(&self.story));
        let (cast, end) = (self.cast.clone(), self.end.clone());
        self.tasks.spawn(async move {
            let look = |state: &State| {
                story.change(|story| story.see(standing(state, &cast)));
                None::<()>
            };
            let watching = mattermost.within(ALWAYS, "the demonstration ends", look);
            // It finds nothing, ever; what counts is that it looks.
            let _ = end.run_until_cancelled(watching).await;
        });
    }

    /// From now on the story hears what i-Reserve is told.
    fn listen(&self) {
        let (ireserve, story) = (Arc::clone(&self.ireserve), Arc::clone(&self.story));
        let end = self.end.clone();
        self.tasks.spawn(async move {
            let look = |inbox: &Inbox| {
                let replies = heard(inbox);
                if !replies.is_empty() {
                    story.change(|story| story.hear(replies));
                }
                None::<()>
            };
            let listening = ireserve.within(ALWAYS, "the demonstration ends", look);
            let _ = end.run_until_cancelled(listening).await;
        });
    }

    fn look_now(&self) {
        let standing = self.mattermost.look(|state| standing(state, &self.cast));
        self.story.change(|story| story.see(standing));
    }

    fn say(&self, language: Language, parcel: outbox::Parcel) {
        self.outbox.push(&self.story, language, parcel);
    }
}

/// Every post of both channels, with who wrote it.
fn standing(state: &State, cast: &Cast) -> Vec<Seen> {
    let channels = [&cast.webchat, &cast.bookings];
    let posts = channels
        .into_iter()
        .flat_map(|channel| state.posts(channel));
    posts
        .map(|post| Seen {
            author: author(&post.user_id, cast).to_owned(),
            is_bot: post.user_id == cast.bot.id,
            is_gone: false,
            post,
        })
        .collect()
}

/// Every reply of every conversation.
fn heard(inbox: &Inbox) -> Vec<Heard> {
    let conversations: BTreeSet<&str> = inbox
        .taken()
        .iter()
        .map(|taken| taken.conversation_id.as_str())
        .collect();
    let replies = conversations.into_iter().flat_map(|conversation| {
        let replies = inbox.replies(conversation).into_iter();
        replies.map(|reply| Heard {
            id: reply.id,
            conversation: conversation.to_owned(),
            name: reply.data["author"]["name"]
                .as_str()
                .unwrap_or_default()
                .to_owned(),
            text: reply.text,
            is_deleted: reply.deleted,
            at: wall_millis(),
        })
    });
    replies.collect()
}

fn author<'a>(user_id: &str, cast: &'a Cast) -> &'a str {
    [&cast.bot, &cast.lotte, &cast.jan, &cast.admin]
        .into_iter()
        .find(|account| account.id == user_id)
        .map_or("?", |account| &account.username)
}
