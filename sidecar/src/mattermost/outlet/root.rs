//! Roots: the card of a conversation, the first of its kind or the one that goes on.

use shared::{ChannelId, EventKind, Format};

use super::{Job, unread};
use crate::{
    delivery::outlet::{Outcome, Reason},
    mattermost::{Fault, Post},
    record::{Card, Content, Root},
    render::{self, Continued},
};

impl Job<'_> {
    pub(super) async fn post_root(&self, generation: u32) -> Result<Outcome, Outcome> {
        let (Some(conversation), Some(card)) = (self.conversation(), self.card()) else {
            return Err(Outcome::Refused(Reason::new(
                "only a conversation with a card has a root",
            )));
        };
        let channel: ChannelId = self.channel().await?;
        let former = self.former(generation).await?;
        let continued = match &former {
            Former::None => Continued::None,
            Former::Deleted => Continued::Deleted,
            Former::Stands { permalink } => Continued::From {
                number: card.number,
                permalink,
            },
        };
        let draft = render::root(card, conversation, self.quote(card), continued, &self.voice);
        let post = self.create(&channel, None, draft, Vec::new()).await?;
        Ok(self.opened(generation, &post))
    }

    /// The root stands.
    pub(super) fn opened(&self, generation: u32, post: &Post) -> Outcome {
        self.outlet.memory.stands(&self.claim.mark());
        match self.card() {
            Some(card) => Outcome::Opened(Box::new(Root {
                generation,
                post_id: post.id.clone(),
                channel_id: post.channel_id.clone(),
                create_at: post.create_at,
                card: card.clone(),
            })),
            None => Outcome::Refused(Reason::new("only a conversation with a card has a root")),
        }
    }

    /// What the root shows: the card as this event will leave it.
    fn card(&self) -> Option<&Card> {
        self.claim.wanted.as_ref().or(self.claim.card.as_ref())
    }

    /// The message whose first line the card quotes, if it waits behind this step.
    fn quote(&self, card: &Card) -> Option<(&str, Format)> {
        let Some(Content::Event(event)) = &self.claim.opening else {
            return None;
        };
        let EventKind::MessageCreated(created) = &event.kind else {
            return None;
        };
        let message = &created.message;
        (card.quoted.as_ref() == Some(&message.message_id))
            .then_some((message.text.as_str(), message.format))
    }

    async fn former(&self, generation: u32) -> Result<Former, Outcome> {
        if generation <= 1 {
            return Ok(Former::None);
        }
        let Some(root) = &self.claim.mapping else {
            return Ok(Former::Deleted);
        };
        match self.mattermost().post(&root.root_id).await {
            Err(Fault::Gone(_)) => Ok(Former::Deleted),
            // It stands, though our bot may not be in its channel any more.
            Ok(_) | Err(Fault::Forbidden(_)) => Ok(Former::Stands {
                permalink: self.permalink(&root.root_id),
            }),
            Err(fault) => Err(unread(fault)),
        }
    }
}

enum Former {
    None,
    Deleted,
    Stands { permalink: String },
}
