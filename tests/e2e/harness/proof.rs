//! The proof: what stands in Mattermost against what was promised.

use std::collections::{BTreeMap, BTreeSet};
use std::fmt::Write as _;

use serde_json::Value;
use simulators::mattermost::Post;

use super::ledger::{End, Entry, Ledger, Place, Words};

/// Everything of ours that stands, by channel name.
pub(crate) type Standing = BTreeMap<String, Vec<Post>>;

/// Every way in which what stands differs from what was promised; none when it is right.
pub(crate) fn faults(
    ledger: &Ledger,
    standing: &Standing,
    said: &BTreeMap<String, Option<Value>>,
) -> Vec<String> {
    let mut proof = Proof {
        ledger,
        standing,
        faults: marks(standing),
        accounted: BTreeSet::new(),
    };
    for conversation in proof.conversations() {
        proof.conversation(&conversation);
    }
    for channel in standing.keys() {
        proof.alone(channel);
    }
    proof.nothing_else();
    for entry in &ledger.entries {
        proof.agreed(entry, said.get(&entry.id).and_then(Option::as_ref));
    }
    proof.faults
}

struct Proof<'a> {
    ledger: &'a Ledger,
    standing: &'a Standing,
    faults: Vec<String>,
    /// Posts by id that are as promised, or were complained of.
    accounted: BTreeSet<&'a str>,
}

impl<'a> Proof<'a> {
    fn conversations(&self) -> BTreeSet<String> {
        let entries = self.ledger.entries.iter();
        entries
            .filter_map(|entry| match &entry.place {
                Place::Thread(conversation) => Some(conversation.clone()),
                Place::Alone(_) | Place::Nowhere => None,
            })
            .collect()
    }

    /// One card per generation, and under them, in order, what was said.
    fn conversation(&mut self, conversation: &str) {
        let place = Place::Thread(conversation.to_owned());
        let entries: Vec<_> = self
            .ledger
            .entries
            .iter()
            .filter(|entry| entry.place == place && !entry.is_gone)
            .collect();
        let cards = self.cards(conversation);
        let replies: Vec<&Post> = cards
            .iter()
            .flat_map(|card| self.posts().filter(|post| post.root_id == card.id))
            .collect();
        self.accounted
            .extend(cards.iter().chain(&replies).map(|post| &*post.id));
        self.in_order(&format!("conversation {conversation}"), &entries, &replies);
    }

    fn cards(&mut self, conversation: &str) -> Vec<&'a Post> {
        let mut cards: Vec<_> = self
            .posts()
            .filter(|post| post.root_id.is_empty())
            .filter(|post| post.marker("conversation_id") == Some(conversation))
            .collect();
        cards.sort_by_key(|card| generation(card));
        let place = Place::Thread(conversation.to_owned());
        let mut entries = self
            .ledger
            .entries
            .iter()
            .filter(|entry| entry.place == place);
        let further = self
            .ledger
            .further_cards
            .get(conversation)
            .copied()
            .unwrap_or(0);
        // Without a message or a start there is nothing to open a thread for.
        let opened = entries.any(|entry| entry.opens());
        let last = if opened { u64::from(further) + 1 } else { 0 };
        let lost = self.ledger.lost_cards.get(conversation);
        let is_lost = |generation: &u64| lost.is_some_and(|lost| lost.contains(generation));
        let wanted: Vec<_> = (1..=last).filter(|it| !is_lost(it)).collect();
        let seen: Vec<_> = cards.iter().map(|card| generation(card)).collect();
        if seen != wanted {
            self.faults.push(format!(
                "conversation {conversation} has cards of generations {seen:?}, not {wanted:?}"
            ));
        }
        cards
    }

    /// What stands on its own in one channel.
    fn alone(&mut self, channel: &str) {
        let place = Place::Alone(channel.to_owned());
        let entries: Vec<_> = self
            .ledger
            .entries
            .iter()
            .filter(|entry| entry.place == place)
            .collect();
        let posts: Vec<_> = self.standing[channel]
            .iter()
            .filter(|post| post.root_id.is_empty() && post.marker("conversation_id").is_none())
            .collect();
        self.accounted.extend(posts.iter().map(|post| &*post.id));
        // Notifications of several subjects overtake each other; each subject's are in order, which their own tests look at.
        let mut sorted = posts;
        let at = |post: &Post| {
            let event = post.marker("event_id");
            entries.iter().position(|entry| Some(&*entry.id) == event)
        };
        sorted.sort_by_key(|post| at(post));
        self.in_order(&format!("channel {channel}"), &entries, &sorted);
    }

    fn in_order(&mut self, place: &str, entries: &[&Entry], posts: &[&Post]) {
        let unsure = |post: &&&Post| {
            let event = post.marker("event_id").unwrap_or_default();
            self.ledger.unsure.iter().any(|unsure| unsure == event)
        };
        let doubled = doubled(posts.iter().filter(unsure));
        let posts: Vec<_> = posts.iter().filter(|post| !unsure(post)).collect();
        let wanted: Vec<_> = entries
            .iter()
            .flat_map(|entry| entry.leaves.iter().map(|words| (&*entry.id, words)))
            .collect();
        let is_right = posts.len() == wanted.len()
            && posts.iter().zip(&wanted).all(|(post, (event, words))| {
                post.marker("event_id") == Some(event) && words.fit(post)
            });
        if !is_right {
            self.faults.push(side_by_side(place, &wanted, &posts));
        }
        self.faults.extend(doubled);
    }

    fn nothing_else(&mut self) {
        let more: Vec<_> = self
            .posts()
            .filter(|post| !self.accounted.contains(&*post.id))
            .map(|post| format!("nobody promised {}", shown(post)))
            .collect();
        self.faults.extend(more);
    }

    /// What the sidecar says of an event is what stands.
    fn agreed(&mut self, entry: &Entry, said: Option<&Value>) {
        let complaint = match (entry.end, said) {
            (End::Unknown, None) => None,
            (End::Unknown, Some(said)) => Some(format!("is known: {said}")),
            (_, None) => Some("is not known any more".to_owned()),
            (end, Some(said)) if said["status"] != end.word() => {
                Some(format!("is not {}: {said}", end.word()))
            }
            (End::Delivered, Some(said)) if !entry.is_gone => self.disagreement(entry, said),
            _ => None,
        };
        self.faults
            .extend(complaint.map(|complaint| format!("event {} {complaint}", entry.id)));
    }

    fn disagreement(&self, entry: &Entry, said: &Value) -> Option<String> {
        // The line that once stood in its place is not what became of it.
        let is_line = |post: &Post| post.marker("part") == Some("parked");
        let mine = |post: &&Post| post.marker("event_id") == Some(&*entry.id) && !is_line(post);
        let first = self.posts().filter(mine).find(|post| {
            // A card names the event that opened it, and is the post of a start alone.
            !post.root_id.is_empty() || entry.leaves.is_empty() || entry.is_alone()
        });
        let Some(first) = first else {
            return (entry.stands() && said["post_id"].is_null())
                .then(|| format!("names no post: {said}"));
        };
        let root = if first.root_id.is_empty() && entry.is_alone() {
            said["root_id"].as_str().unwrap_or_default()
        } else if first.root_id.is_empty() {
            &*first.id
        } else {
            &*first.root_id
        };
        let agrees = said["post_id"] == *first.id
            && said["channel_id"] == *first.channel_id
            && said["root_id"].as_str().unwrap_or_default() == root;
        (!agrees).then(|| format!("is said to be {said} and is {}", shown(first)))
    }

    fn posts(&self) -> impl Iterator<Item = &'a Post> + use<'a> {
        self.standing.values().flatten()
    }
}

impl Words {
    fn fit(&self, post: &Post) -> bool {
        match self {
            Self::Exactly(text) => post.message.trim_end() == text.trim_end(),
            Self::Holding(text) => post.readable().contains(text),
            Self::Anything => true,
        }
    }
}

/// Every post of ours names itself, and no two are the same part of the same thing.
fn marks(standing: &Standing) -> Vec<String> {
    let mut seen = BTreeSet::new();
    let mut faults = Vec::new();
    for post in standing.values().flatten() {
        match post.marker("mark") {
            Some(mark) if !seen.insert(mark) => {
                faults.push(format!("its mark stands twice: {}", shown(post)));
            }
            Some(_) if post.marker("licence").is_some() => {}
            _ => faults.push(format!("it does not say what it is: {}", shown(post))),
        }
    }
    faults
}

fn doubled<'a>(posts: impl Iterator<Item = &'a &'a Post>) -> Vec<String> {
    let mut seen = BTreeSet::new();
    posts
        .filter(|post| !seen.insert((post.marker("event_id"), post.marker("mark"))))
        .map(|post| format!("it stands twice: {}", shown(post)))
        .collect()
}

pub(crate) fn generation(post: &Post) -> u64 {
    let ours = post.ireserve();
    ours.map_or(0, |ours| ours["generation"].as_u64().unwrap_or(0))
}

fn side_by_side(place: &str, wanted: &[(&str, &Words)], posts: &[&&Post]) -> String {
    let mut told = format!("{place} does not say what it should; from the first difference on:\n");
    let same = wanted
        .iter()
        .zip(posts)
        .take_while(|((event, words), post)| {
            post.marker("event_id") == Some(*event) && words.fit(post)
        })
        .count();
    for (event, words) in wanted.iter().skip(same).take(8) {
        let _ = writeln!(told, "    wanted {event}: {}", short(&format!("{words:?}")));
    }
    for post in posts.iter().skip(same).take(8) {
        let _ = writeln!(told, "    stands {}", shown(post));
    }
    let _ = write!(told, "    ({} wanted, {} stand)", wanted.len(), posts.len());
    told
}

fn shown(post: &Post) -> String {
    let event = post.marker("event_id").unwrap_or("?");
    format!(
        "{event}: {} ({})",
        short(&format!("{:?}", post.readable())),
        post.id
    )
}

fn short(text: &str) -> String {
    text.chars().take(160).collect()
}

#[cfg(test)]
mod tests {
    use serde_json::json;
    use simulators::ireserve::event::{message, started};

    use super::*;

    fn post(root: &str, event: &str, mark: &str, text: &str) -> Post {
        let ours = json!({ "licence": "acme", "conversation_id": "c1", "event_id": event, "mark": mark, "part": 0, "generation": 1 });
        Post {
            id: format!("post-{mark}"),
            root_id: root.to_owned(),
            channel_id: "webchat".to_owned(),
            message: text.to_owned(),
            props: [("ireserve".to_owned(), ours)].into_iter().collect(),
            ..Post::default()
        }
    }

    /// A conversation of two messages as it should stand.
    fn right() -> Vec<Post> {
        vec![
            post("", "e0", "r", "a card"),
            post("post-r", "e1", "a", "**Sanne:** one"),
            post("post-r", "e2", "b", "**Sanne:** two"),
        ]
    }

    fn said(post: &str) -> Option<Value> {
        Some(
            json!({ "status": "delivered", "post_id": post, "root_id": "post-r", "channel_id": "webchat" }),
        )
    }

    fn judged(posts: Vec<Post>, of_last: Option<Value>) -> usize {
        let mut ledger = Ledger::default();
        ledger.note(&started("e0", "c1", "Sanne"));
        ledger.note(&message("e1", "c1", "Sanne", "one"));
        ledger.note(&message("e2", "c1", "Sanne", "two"));
        let standing = [("webchat".to_owned(), posts)].into_iter().collect();
        let statuses = [
            ("e0", said("post-r")),
            ("e1", said("post-a")),
            ("e2", of_last),
        ]
        .map(|(id, said)| (id.to_owned(), said));
        faults(&ledger, &standing, &statuses.into()).len()
    }

    #[test]
    fn what_stands_as_it_was_promised_is_without_fault() {
        assert_eq!(judged(right(), said("post-b")), 0);
    }

    #[test]
    fn whatever_is_missing_doubled_swapped_changed_or_foreign_is_a_fault() {
        let last = || said("post-b");
        let without = |at: usize| {
            let mut posts = right();
            posts.remove(at);
            posts
        };
        assert!(judged(without(2), last()) > 0, "a message is missing");
        assert!(judged(without(0), last()) > 0, "the card is missing");
        let mut swapped = right();
        swapped.swap(1, 2);
        assert!(judged(swapped, last()) > 0, "two messages are swapped");
        for more in [
            post("post-r", "e1", "a", "**Sanne:** one"),
            post("", "e0", "s", "a second card"),
            post("post-r", "e9", "x", "nobody said this"),
            Post::default(),
        ] {
            let mut posts = right();
            posts.push(more.clone());
            assert!(judged(posts, last()) > 0, "too much: {more:?}");
        }
        let mut changed = right();
        changed[2].message.push('!');
        assert!(judged(changed, last()) > 0, "the words are others");
        let waits = json!({ "status": "retrying", "post_id": null });
        assert!(judged(right(), Some(waits)) > 0, "it is still owed");
        assert!(judged(right(), said("post-a")) > 0, "another post is named");
        assert!(judged(right(), None) > 0, "it is not known any more");
    }
}
