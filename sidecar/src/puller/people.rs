//! Who wrote, and whose names stand there: looked up before anything is decided, because what is a note depends on it. A look-up
//! that fails is a reading that failed.

use std::collections::{BTreeMap, HashMap, HashSet};

use shared::UserId;

use super::{PullError, Puller};
use crate::{
    flow::audience,
    mattermost::{Post, User},
    render,
};

/// Names that one text may mention: more is an attempt to make us ask for thousands.
const NAMES: usize = 50;

/// What is known of people, for the replies of one reading.
#[derive(Debug, Default)]
pub(super) struct People {
    by_id: HashMap<UserId, User>,
    by_name: HashMap<String, User>,
}

impl Puller {
    pub(super) async fn people(&self, replies: &[&Post]) -> Result<People, PullError> {
        let authors: HashSet<UserId> = replies.iter().map(|post| post.user_id.clone()).collect();
        if authors.is_empty() {
            return Ok(People::default());
        }
        let authors: Vec<UserId> = authors.into_iter().collect();
        let by_id = self.parts.mattermost.users(&authors).await?;
        let mut names = HashSet::new();
        for post in replies {
            names.extend(audience::leading_names(&post.message));
            names.extend(render::names(&post.message).0.into_iter().take(NAMES));
        }
        let names: Vec<String> = names.into_iter().collect();
        let by_name = if names.is_empty() {
            Vec::new()
        } else {
            self.parts.mattermost.users_by_names(&names).await?
        };
        Ok(People {
            by_id: by_id
                .into_iter()
                .map(|user| (user.id.clone(), user))
                .collect(),
            by_name: by_name
                .into_iter()
                .map(|user| (user.username.clone(), user))
                .collect(),
        })
    }

    /// Display names of the channels that a text mentions, as far as our bot may know them.
    pub(super) async fn channels(
        &self,
        team: Option<&str>,
        text: &str,
    ) -> BTreeMap<String, String> {
        let mut known = BTreeMap::new();
        let Some(team) = team else { return known };
        let names = render::names(text).1;
        if names.is_empty() {
            return known;
        }
        for name in names.into_iter().take(NAMES) {
            // A name that cannot be looked up stays as it is written.
            if let Ok(channel) = self.parts.mattermost.channel_by_name(team, &name).await {
                known.insert(name, channel.display_name);
            }
        }
        known
    }
}

impl People {
    /// An account that is gone has a name no more.
    pub(super) fn author(&self, id: &UserId) -> Option<&User> {
        self.by_id.get(id)
    }

    /// Every name that exists, deactivated people included.
    pub(super) fn names(&self) -> HashSet<String> {
        self.by_name.keys().cloned().collect()
    }

    /// The display names of those that a text mentions.
    pub(super) fn mentioned(&self, text: &str) -> BTreeMap<String, String> {
        let mentioned = render::names(text).0.into_iter().filter_map(|name| {
            let user = self.by_name.get(&name)?;
            Some((name, display_name(user)))
        });
        mentioned.collect()
    }
}

/// First and last name, else the nickname, else the user name.
fn display_name(user: &User) -> String {
    let full = format!("{} {}", user.first_name, user.last_name);
    let full = full.trim();
    match (full.is_empty(), user.nickname.trim()) {
        (false, _) => full.to_owned(),
        (true, "") => user.username.clone(),
        (true, nickname) => nickname.to_owned(),
    }
}
