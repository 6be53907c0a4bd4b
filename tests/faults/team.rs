//! What the team writes in threads, and what i-Reserve has to have of it (the ledger of the way back).

use std::time::Duration;

use simulators::ireserve::Verdict;
use simulators::mattermost::{Mattermost, Post};

use crate::harness::{Setting, Stage};
use crate::load;

/// How long the last reply may take once nothing is written any more: looks, back-off, and a machine that does something else.
const PATIENCE: Duration = Duration::from_secs(90);

/// A stage on which both hints are heard, and neither can be relied on.
pub(crate) async fn stage_of_bad_hints(setting: Setting) -> Stage {
    let mut stage = load::simulated(setting.with("mattermost.poll_interval", "1s")).await;
    stage.registers_its_webhook().await;
    stage
}

/// One conversation as its team sees it.
#[derive(Debug, Clone)]
pub(crate) struct Thread {
    pub(crate) conversation: String,
    pub(crate) root: Post,
    pub(crate) written: Vec<Line>,
}

/// One reply in its last state.
#[derive(Debug, Clone)]
pub(crate) struct Line {
    pub(crate) post: String,
    /// Nothing: it was deleted.
    pub(crate) text: Option<String>,
}

impl Thread {
    pub(crate) fn of(conversation: &str, root: Post) -> Self {
        Self {
            conversation: conversation.to_owned(),
            root,
            written: Vec::new(),
        }
    }

    pub(crate) fn write(&mut self, mattermost: &Mattermost, who: &str, text: &str) -> String {
        let root = &self.root;
        let post = mattermost
            .post_as(who, &root.channel_id, Some(&root.id), text, &[])
            .unwrap();
        self.written.push(Line {
            post: post.id.clone(),
            text: Some(text.to_owned()),
        });
        post.id
    }

    pub(crate) fn edit(&mut self, mattermost: &Mattermost, who: &str, at: usize, text: &str) {
        let line = &mut self.written[at];
        mattermost.edit_as(who, &line.post, text).unwrap();
        line.text = Some(text.to_owned());
    }

    pub(crate) fn delete(&mut self, mattermost: &Mattermost, who: &str, at: usize) {
        let line = &mut self.written[at];
        mattermost.delete_as(who, &line.post).unwrap();
        line.text = None;
    }

    /// What its visitor has to see, in order.
    fn texts(&self) -> Vec<String> {
        let texts = self.written.iter();
        texts.filter_map(|line| line.text.clone()).collect()
    }
}

/// Waits until every visitor sees what was written to him, and proves that it came once, in order, and signed at every try.
pub(crate) async fn proven(stage: &Stage, threads: &[Thread]) {
    let wanted = |inbox: &simulators::ireserve::Inbox| {
        let late = threads
            .iter()
            .find(|thread| inbox.texts(&thread.conversation) != thread.texts());
        match late {
            None => Some(()),
            Some(_) => None,
        }
    };
    let what = "every visitor sees what was written to him";
    if let Err(late) = stage.ireserve.within(PATIENCE, what, wanted).await {
        for thread in threads {
            let (seen, wanted) = (stage.ireserve.texts(&thread.conversation), thread.texts());
            assert_eq!(seen, wanted, "{}\n{late}", thread.conversation);
        }
    }
    stage.ireserve.look(|inbox| {
        for delivery in inbox.deliveries() {
            assert_eq!(delivery.verdict, Verdict::Valid, "{}", delivery.id);
        }
        for thread in threads {
            let events = inbox.events_of(&thread.conversation);
            let created: Vec<&str> = events
                .iter()
                .filter(|event| event.kind == "reply.created")
                .filter_map(|event| event.data["reply_id"].as_str())
                .collect();
            let standing = |id: &&str| {
                let mut lines = thread.written.iter();
                lines.any(|line| line.post == **id && line.text.is_some())
            };
            let order: Vec<&str> = created.iter().copied().filter(standing).collect();
            let written: Vec<&str> = thread
                .written
                .iter()
                .filter(|line| line.text.is_some())
                .map(|line| &*line.post)
                .collect();
            assert_eq!(
                order, written,
                "{} came once and in order",
                thread.conversation
            );
        }
    });
}
