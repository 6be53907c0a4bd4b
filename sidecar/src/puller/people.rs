//! Who wrote, and whose names stand there: looked up before anything is decided, because what is a note depends on it. A look-up
//! that fails is a reading that failed.
//!
//! Whoever was found is remembered for a while: the authors of a busy channel are the same few. That somebody does not exist is never
//! remembered: a reply to a new colleague must stay inside from his first day.

use std::{
    collections::{BTreeMap, HashMap, HashSet},
    time::Duration,
};

use shared::UserId;
use tokio::time::Instant;

use super::{PullError, Puller};
use crate::{
    flow::audience,
    mattermost::{Post, User},
    render,
};

/// Names that one text may mention: more is an attempt to make us ask for thousands.
const NAMES: usize = 50;

/// A changed name or address is seen after so long.
const REMEMBERED: Duration = Duration::from_secs(300);
/// People who are remembered. Whoever can make accounts without end could otherwise fill our memory.
const MOST: usize = 10_000;

/// Whoever was looked up lately.
#[derive(Debug, Default)]
pub(super) struct Acquaintances {
    by_id: HashMap<UserId, Met>,
    ids: HashMap<String, UserId>,
}

#[derive(Debug)]
struct Met {
    user: User,
    at: Instant,
}

impl Acquaintances {
    fn by_id(&self, id: &UserId) -> Option<&User> {
        let met = self.by_id.get(id)?;
        (met.at.elapsed() < REMEMBERED).then_some(&met.user)
    }

    fn by_name(&self, name: &str) -> Option<&User> {
        self.by_id(self.ids.get(name)?)
            .filter(|user| user.username == name)
    }

    fn meet(&mut self, users: &[User]) {
        if self.by_id.len() + users.len() > MOST {
            *self = Self::default();
        }
        let at = Instant::now();
        for user in users.iter().take(MOST) {
            self.ids.insert(user.username.clone(), user.id.clone());
            let user = user.clone();
            self.by_id.insert(user.id.clone(), Met { user, at });
        }
        // Names change: what they pointed to before stays behind.
        if self.ids.len() > 2 * MOST {
            self.ids.clear();
        }
    }
}

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
        let mut names = HashSet::new();
        for post in replies {
            names.extend(audience::leading_names(&post.message));
            names.extend(render::names(&post.message).0.into_iter().take(NAMES));
        }
        Ok(People {
            by_id: self.authors(authors).await?,
            by_name: self.named(names).await?,
        })
    }

    async fn authors(&self, ids: HashSet<UserId>) -> Result<HashMap<UserId, User>, PullError> {
        let mut known = HashMap::new();
        let mut asked = Vec::new();
        {
            let memory = self.memory();
            for id in ids {
                match memory.people.by_id(&id) {
                    Some(user) => drop(known.insert(id, user.clone())),
                    None => asked.push(id),
                }
            }
        }
        if !asked.is_empty() {
            let users = self.parts.mattermost.users(&asked).await?;
            self.memory().people.meet(&users);
            known.extend(users.into_iter().map(|user| (user.id.clone(), user)));
        }
        Ok(known)
    }

    async fn named(&self, names: HashSet<String>) -> Result<HashMap<String, User>, PullError> {
        let mut known = HashMap::new();
        let mut asked = Vec::new();
        {
            let memory = self.memory();
            for name in names {
                match memory.people.by_name(&name) {
                    Some(user) => drop(known.insert(name, user.clone())),
                    None => asked.push(name),
                }
            }
        }
        if !asked.is_empty() {
            let users = self.parts.mattermost.users_by_names(&asked).await?;
            self.memory().people.meet(&users);
            known.extend(users.into_iter().map(|user| (user.username.clone(), user)));
        }
        Ok(known)
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

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn user(n: usize, name: &str) -> User {
        serde_json::from_value(json!({ "id": format!("{n:0>26}"), "username": name })).unwrap()
    }

    #[tokio::test(start_paused = true)]
    async fn whoever_was_met_is_known_for_five_minutes_under_the_name_he_has_now() {
        let mut people = Acquaintances::default();
        let anna = user(1, "anna");
        people.meet(std::slice::from_ref(&anna));
        assert_eq!(people.by_id(&anna.id), Some(&anna));
        assert_eq!(people.by_name("anna"), Some(&anna));
        assert_eq!(people.by_name("bob"), None);
        people.meet(&[user(1, "anne")]);
        assert_eq!(people.by_name("anna"), None, "she is called anne now");
        tokio::time::advance(REMEMBERED).await;
        assert_eq!(people.by_id(&anna.id), None);
        assert_eq!(people.by_name("anne"), None);
    }

    #[test]
    fn made_up_accounts_fill_no_memory() {
        let mut people = Acquaintances::default();
        for n in 0..=MOST {
            people.meet(&[user(n, &format!("user{n}"))]);
        }
        assert!(people.by_id.len() <= MOST && people.ids.len() <= 2 * MOST);
    }
}
