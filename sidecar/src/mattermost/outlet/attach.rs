//! Attaching: files of an event become files of Mattermost, or lines that say why not. A file never holds its text up.

use std::time::Duration;

use futures_util::{StreamExt, TryStreamExt, stream};
use shared::{Attachment, ChannelId, EventKind, Source};
use tokio::time::{Instant, sleep};

use super::{
    Job,
    memory::Uploaded,
    place::{Entrance, enter},
};
use crate::{
    client::vet::FetchHosts,
    delivery::outlet::{Outcome, Reason},
    files::{Incoming, OpenError, Rules, Trouble},
    mattermost::{Fault, FileInfo},
    record::Content,
    render::{self, Reason as Why},
};

/// What fetching may take for one event in all; then its text goes out with a line for each file that is missing.
const FETCHING: Duration = Duration::from_secs(60);
/// Between two tries of a file whose server stumbled.
const PAUSES: [Duration; 2] = [Duration::from_millis(500), Duration::from_secs(2)];
/// Uploads that end without an answer, after which a file is given up: it must not hold its text for ever.
const UPLOAD_TRIES: u32 = 3;

/// What became of some files.
#[derive(Debug, Default)]
pub(super) struct Attached {
    pub(super) files: Vec<Uploaded>,
    pub(super) lines: Vec<Line>,
}

/// What stands in a post for a file that it does not carry.
#[derive(Debug)]
pub(super) struct Line {
    /// Its place among the event's attachments.
    pub(super) file: usize,
    pub(super) full: String,
    /// Without a link, where the full one does not fit.
    pub(super) short: String,
}

enum Carried {
    File(Uploaded),
    Line(Line),
}

impl Job<'_> {
    /// Uploads these files for the claimed step. Those that were uploaded for it before are used.
    pub(super) async fn attach(
        &self,
        channel: &ChannelId,
        files: &[usize],
    ) -> Result<Attached, Outcome> {
        let began = Instant::now();
        let spent = self
            .outlet
            .memory
            .owing(self.claim)
            .unwrap_or_default()
            .spent;
        let ends = began + FETCHING.saturating_sub(spent);
        let carried: Result<Vec<Carried>, Outcome> = stream::iter(files.iter().copied())
            // One after the other: people see files in the order in which their uploads began, whatever the post says.
            .then(|file| self.carry(channel, file, ends))
            .try_collect()
            .await;
        if files
            .iter()
            .any(|file| matches!(self.attachments()[*file].source, Source::Url(_)))
        {
            self.outlet
                .memory
                .owe(self.claim, |owing| owing.spent += began.elapsed());
        }
        let mut attached = Attached::default();
        for carried in carried? {
            match carried {
                Carried::File(file) => attached.files.push(file),
                Carried::Line(line) => attached.lines.push(line),
            }
        }
        Ok(attached)
    }

    /// Lines for files that were tried and dropped again.
    pub(super) fn given_up(&self, files: &[usize]) -> Attached {
        let lines = files
            .iter()
            .map(|file| self.line(*file, Why::Refused))
            .collect();
        Attached {
            files: Vec::new(),
            lines,
        }
    }

    async fn carry(
        &self,
        channel: &ChannelId,
        file: usize,
        ends: Instant,
    ) -> Result<Carried, Outcome> {
        let attachment = &self.attachments()[file];
        let mark = self.claim.mark();
        if let Some(uploaded) = self
            .outlet
            .memory
            .uploads(&mark)
            .into_iter()
            .find(|uploaded| uploaded.file == file)
        {
            return Ok(Carried::File(uploaded));
        }
        if let Some(line) = self.kept_out(file, attachment) {
            return Ok(Carried::Line(line));
        }
        for pause in PAUSES {
            match self.carry_once(channel, file, ends).await? {
                Ok(uploaded) => return Ok(Carried::File(uploaded)),
                Err(why) if !may_heal(why) || Instant::now() + pause >= ends => {
                    return Ok(Carried::Line(self.line(file, why)));
                }
                Err(_) => sleep(pause).await,
            }
        }
        Ok(match self.carry_once(channel, file, ends).await? {
            Ok(uploaded) => Carried::File(uploaded),
            Err(why) => Carried::Line(self.line(file, why)),
        })
    }

    /// One way from its source into Mattermost. The outer error ends the step, the inner one the file.
    async fn carry_once(
        &self,
        channel: &ChannelId,
        file: usize,
        ends: Instant,
    ) -> Result<Result<Uploaded, Why>, Outcome> {
        let attachment = &self.attachments()[file];
        let files = &self.outlet.files;
        let incoming = match files
            .open(attachment, &self.claim.lane, &self.rules(), ends)
            .await
        {
            Ok(incoming) => incoming,
            Err(OpenError::Trouble(trouble)) => return Ok(Err(why(trouble))),
            Err(OpenError::Later(_)) => {
                return Err(Outcome::NotSent(Reason::new(
                    "the store did not open a kept file",
                )));
            }
        };
        let fate = incoming.fate.clone();
        match self.upload(channel, attachment, incoming).await {
            Ok(info) => {
                let uploaded = Uploaded { file, id: info.id };
                self.outlet
                    .memory
                    .uploaded(&self.claim.mark(), uploaded.clone());
                Ok(Ok(uploaded))
            }
            Err(fault) => match fate.trouble() {
                Some(trouble) => Ok(Err(why(trouble))),
                None => self.not_uploaded(channel, fault).await.map(Err),
            },
        }
    }

    async fn upload(
        &self,
        channel: &ChannelId,
        attachment: &Attachment,
        incoming: Incoming,
    ) -> Result<FileInfo, Fault> {
        let name = render::file_name(&attachment.name, incoming.extension);
        self.mattermost()
            .upload(channel, &name, incoming.size, incoming.chunks)
            .await
    }

    /// An upload creates nothing that anybody sees, so its loss is no doubt: it is made again, some times.
    async fn not_uploaded(&self, channel: &ChannelId, fault: Fault) -> Result<Why, Outcome> {
        match fault {
            Fault::Refused(reason) if reason.status == Some(413) => {
                Ok(Why::FileTooBig(self.limits.max_file_size))
            }
            // Also what a plugin refuses.
            Fault::Refused(_) | Fault::Gone(_) => Ok(Why::Refused),
            // From outside nothing goes, and the text will say so itself. Inside, only files are not allowed.
            Fault::Forbidden(reason) => match enter(self.mattermost(), channel).await {
                Entrance::Joined => self.failed_once_more(reason),
                Entrance::Shut(_) => Ok(Why::Refused),
            },
            Fault::Open(reason) | Fault::Ended(reason) => self.failed_once_more(reason),
            fault => Err(fault.unread()),
        }
    }

    /// Again, until it was tried often enough: a file must not hold its text for ever.
    fn failed_once_more(&self, reason: Reason) -> Result<Why, Outcome> {
        let mut failures = 0;
        self.outlet.memory.owe(self.claim, |owing| {
            owing.failures += 1;
            failures = owing.failures;
        });
        if failures >= UPLOAD_TRIES {
            Ok(Why::Refused)
        } else {
            Err(Outcome::NotSent(reason))
        }
    }

    /// Files that are not copied here at all.
    fn kept_out(&self, file: usize, attachment: &Attachment) -> Option<Line> {
        if self.settings.allow_files && self.limits.files_allowed {
            return None;
        }
        match &attachment.source {
            Source::Url(address) if !self.settings.allow_files => {
                let full = render::file_link(&attachment.name, address);
                Some(Line {
                    short: render::file_link(&attachment.name, ""),
                    file,
                    full,
                })
            }
            _ => Some(self.line(file, Why::FileOff)),
        }
    }

    fn line(&self, file: usize, why: Why) -> Line {
        let name = &self.attachments()[file].name;
        let url = self.in_ireserve();
        Line {
            file,
            full: render::file_failed(name, why, url, &self.voice),
            short: render::file_failed(name, why, None, &self.voice),
        }
    }

    /// Where people can look for themselves.
    fn in_ireserve(&self) -> Option<&str> {
        match &self.claim.content {
            Content::Event(event) => match &event.kind {
                EventKind::Notification(notification) => notification.url.as_deref(),
                _ => self.claim.card.as_ref()?.url.as_deref(),
            },
            _ => None,
        }
    }

    fn rules(&self) -> Rules {
        let attachments = &self.licence.attachments;
        Rules {
            // Settings were read by the same rules; what they did not allow is not fetched.
            hosts: FetchHosts::parse(&attachments.fetch_hosts).unwrap_or_default(),
            max_bytes: attachments.max_bytes.min(self.limits.max_file_size),
        }
    }
}

/// A server that stumbles may stand a moment later; one that says no does not change its mind.
const fn may_heal(why: Why) -> bool {
    matches!(
        why,
        Why::FileUnreachable | Why::FileAnswered(408 | 429 | 500..)
    )
}

const fn why(trouble: Trouble) -> Why {
    match trouble {
        Trouble::TooBig(limit) => Why::FileTooBig(limit),
        Trouble::Unreachable => Why::FileUnreachable,
        Trouble::Answered(status) => Why::FileAnswered(status),
        Trouble::Forbidden => Why::FileForbidden,
        Trouble::Changed => Why::FileChanged,
        Trouble::Lost => Why::Unreadable,
    }
}
