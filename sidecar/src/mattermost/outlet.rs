//! The outlet to Mattermost: one step of one event, as one post, exactly once or honestly in doubt.
//!
//! | step | what it does here |
//! |---|---|
//! | `root:<n>` | creates the card of a conversation, the nth if earlier ones were deleted or are full |
//! | `part:<n>` | creates one post: text first, files on the last text and behind it |
//! | `part:withdrawn` | creates the line that stands for a deleted message with files |
//! | `part:parked` | creates the line that stands for an event that was parked |
//! | `change` | edits or removes posts that stand; may be repeated |
//!
//! Every post carries a mark in its props. A look searches for it, by our bot's user id and the mark. What the claim does not
//! say is asked of Mattermost, never of the store; what is remembered between steps may be forgotten at any time.
//!
//! Not here: when to try, look or give up (`delivery`), how anything is worded (`render`).

mod aim;
mod attach;
mod change;
mod create;
mod look;
mod marked;
mod memory;
mod missing;
mod part;
mod place;
mod plan;
mod root;
mod show;

use std::{
    sync::{Arc, Mutex, MutexGuard, PoisonError, RwLock},
    time::Duration,
};

use shared::{ConversationId, LicenceId, PostId};
use tokio::time::Instant;

use super::{Fault, Limits, Mattermost};
use crate::{
    delivery::outlet::{Aim, Found, Outcome, Outlet, Reason, Shown},
    files::Files,
    licence::{Current, Licence, Licences},
    record::{Claim, Doubt, Step, Touch},
    render::{Catalogue, Contact, PART, Voice},
};

use memory::Memory;
use place::{Places, blocked};

/// What the server accepts changes with its settings, which people change seldom.
const LIMITS_LIFE: Duration = Duration::from_secs(300);
/// A server that does not say is not asked before each step.
const LIMITS_AGAIN: Duration = Duration::from_secs(30);

/// What people decide about threads for all licences.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Settings {
    pub contact: Contact,
    /// If not, files appear as links.
    pub allow_files: bool,
    /// Replies after which a conversation goes on under a new card; 0: never.
    pub thread_limit: u32,
    /// Whether replies carry marks.
    pub receipts: bool,
}

impl Default for Settings {
    fn default() -> Self {
        Self {
            contact: Contact::default(),
            allow_files: true,
            thread_limit: 500,
            receipts: true,
        }
    }
}

/// What the server accepts, and when to ask again.
#[derive(Debug, Default)]
struct Known {
    limits: Limits,
    ask_again: Option<Instant>,
}

/// What a lane to Mattermost posts through.
#[derive(Debug)]
pub struct MattermostOutlet {
    mattermost: Arc<Mattermost>,
    licences: Current,
    files: Files,
    words: Arc<Catalogue>,
    // Plain locks: held for a copy, never across an await.
    settings: RwLock<Settings>,
    limits: Mutex<Known>,
    places: Places,
    memory: Memory,
}

impl MattermostOutlet {
    #[must_use]
    pub fn new(
        mattermost: Arc<Mattermost>,
        licences: Current,
        files: Files,
        words: Arc<Catalogue>,
    ) -> Self {
        Self {
            mattermost,
            licences,
            files,
            words,
            settings: RwLock::default(),
            limits: Mutex::default(),
            places: Places::default(),
            memory: Memory::default(),
        }
    }

    /// From the next step on these count.
    pub fn set(&self, settings: Settings) {
        *self
            .settings
            .write()
            .unwrap_or_else(PoisonError::into_inner) = settings;
    }

    fn settings(&self) -> Settings {
        *self.settings.read().unwrap_or_else(PoisonError::into_inner)
    }

    /// Everything one step needs to know beside its claim.
    async fn job<'a>(&'a self, claim: &'a Claim) -> Result<Job<'a>, Outcome> {
        let licences = self.licences.snapshot();
        let Some(licence) = licences.get(&claim.lane.licence).cloned() else {
            return Err(without(&licences, &claim.lane.licence));
        };
        let voice = self.voice(&licence);
        let limits = self.limits().await;
        Ok(Job {
            outlet: self,
            claim,
            licence,
            voice,
            limits,
            settings: self.settings(),
        })
    }

    fn voice(&self, licence: &Licence) -> Voice {
        let zone = licence.time_zone.clone();
        Voice::new(self.words.clone(), licence.language, zone).showing(self.settings().contact)
    }

    /// What the server accepts. Where it does not say, what it said last, or what every server accepts.
    async fn limits(&self) -> Limits {
        {
            let mut known = self.known();
            let now = Instant::now();
            if known.ask_again.is_some_and(|at| now < at) {
                return known.limits.clone();
            }
            // One asks; the others go on with what is known.
            known.ask_again = Some(now + LIMITS_AGAIN);
        }
        let answer = self.mattermost.limits().await;
        let mut known = self.known();
        if let Ok(limits) = answer {
            *known = Known {
                limits,
                ask_again: Some(Instant::now() + LIMITS_LIFE),
            };
        }
        known.limits.clone()
    }

    fn known(&self) -> MutexGuard<'_, Known> {
        self.limits.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// One step of one claim, with what its licence says and its server allows.
struct Job<'a> {
    outlet: &'a MattermostOutlet,
    claim: &'a Claim,
    licence: Arc<Licence>,
    voice: Voice,
    limits: Limits,
    settings: Settings,
}

impl Job<'_> {
    fn mattermost(&self) -> &Mattermost {
        &self.outlet.mattermost
    }

    /// Code points of one part.
    fn part_limit(&self) -> usize {
        PART.min(self.limits.max_post_size)
    }

    fn conversation(&self) -> Option<&ConversationId> {
        self.claim.lane.key.conversation()
    }
}

impl Outlet for MattermostOutlet {
    async fn aim(&self, claim: &Claim) -> Aim {
        // In doubt the noted step stays what it is, and was looked for already.
        if claim.doubt != Doubt::None {
            return same(claim);
        }
        let job = match self.job(claim).await {
            Ok(job) => job,
            Err(outcome) => return Aim::End(Box::new(outcome)),
        };
        match job.aim().await {
            Ok(aim) => aim,
            Err(outcome) => Aim::End(Box::new(outcome)),
        }
    }

    async fn look(&self, claim: &Claim) -> Found {
        match self.job(claim).await {
            Ok(job) => job.look().await,
            Err(outcome) => Found::Failed(Box::new(outcome)),
        }
    }

    async fn post(&self, claim: &Claim) -> Outcome {
        let done = match self.job(claim).await {
            Ok(job) => Box::pin(job.post()).await,
            Err(outcome) => Err(outcome),
        };
        done.unwrap_or_else(|outcome| outcome)
    }

    async fn show(&self, touch: &Touch) -> Shown {
        self.show_touch(touch).await
    }

    async fn probe(&self) -> Result<(), Reason> {
        self.mattermost
            .knows_us()
            .await
            .map(|_| ())
            .map_err(|fault| fault.reason().clone())
    }
}

/// A licence that the plugin has still to tell is on its way; any other is gone until people bring it back.
fn without(licences: &Licences, id: &LicenceId) -> Outcome {
    if licences.is_waiting() {
        return Outcome::NotSent(Reason::new("the plugin has not sent its configuration yet"));
    }
    blocked(
        None,
        format!("licence {id} is not in the settings any more"),
    )
}

/// The claimed step, without another note in the store.
fn same(claim: &Claim) -> Aim {
    Aim::Step {
        step: claim.step,
        look_from: claim.look_from,
    }
}

impl Job<'_> {
    async fn post(&self) -> Result<Outcome, Outcome> {
        match self.claim.step {
            Step::Root(generation) => self.post_root(generation).await,
            Step::Part(part) => self.post_part(part).await,
            Step::Parked => self.post_placeholder().await,
            Step::Withdrawn => self.post_withdrawn().await,
            Step::Change => self.change().await,
        }
    }

    /// Where a post without a root goes, by what the settings say now.
    async fn channel(&self) -> Result<shared::ChannelId, Outcome> {
        let channel =
            place::channel_of(&self.licence, self.claim).map_err(|reason| Outcome::Blocked {
                channel: None,
                reason,
            })?;
        self.outlet
            .places
            .find(self.mattermost(), &self.licence, channel)
            .await
    }

    /// A link to a post that works in every team.
    fn permalink(&self, post: &PostId) -> String {
        self.outlet.permalink(&self.licence, &self.limits, post)
    }
}

impl MattermostOutlet {
    fn permalink(&self, licence: &Licence, limits: &Limits, post: &PostId) -> String {
        let base = limits.site_url.clone().or_else(|| self.mattermost.url());
        let base = base.map(|url| url.to_string()).unwrap_or_default();
        let team = licence.team.as_deref().unwrap_or("_redirect");
        format!("{}/{team}/pl/{post}", base.trim_end_matches('/'))
    }
}

/// A read that failed changes nothing; what it was for is tried again.
fn unread(fault: Fault) -> Outcome {
    fault.unread()
}

#[cfg(test)]
mod tests;
