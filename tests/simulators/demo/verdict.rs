//! The verdict: whether what stands in Mattermost is what was said, each event once, in order, in the visitor's own words.
//!
//! Threads that somebody deleted count with what stood in them: a message that was delivered there is not posted again.

use std::collections::BTreeMap;

use super::post::{event_of, is_root, mark_of, words};
use super::story::{Fate, Said, Seen, Story, What};

/// Everything that is wrong, in words; empty when all is well. `held` finds the bytes of a file that stands.
pub(super) fn mistakes(story: &Story, held: impl Fn(&str) -> Option<bytes::Bytes>) -> Vec<String> {
    let mut mistakes = twice(story);
    for said in &story.said {
        mistakes.extend(fate(said));
        mistakes.extend(presence(story, said));
        mistakes.extend(content(story, said));
        mistakes.extend(files(story, said, &held));
    }
    mistakes.extend(order(story));
    mistakes.extend(replies(story));
    mistakes
}

/// What people wrote under a card reached the visitor: each once, in its order, as it was written.
fn replies(story: &Story) -> Vec<String> {
    let mut written: Vec<&Seen> = story
        .posts
        .values()
        .filter(|seen| !seen.is_bot && !is_root(&seen.post))
        .collect();
    written.sort_by_key(|seen| seen.post.create_at);
    let written: Vec<_> = written.iter().map(|seen| &seen.post.message).collect();
    let heard: Vec<_> = story.heard.iter().map(|heard| &heard.text).collect();
    if written == heard {
        Vec::new()
    } else {
        vec![format!(
            "the team wrote {written:?}, and the visitor has {heard:?}"
        )]
    }
}

/// How many posts stand that stand already.
pub(super) fn doubles(story: &Story) -> usize {
    marks(story).values().map(|times| times - 1).sum()
}

fn marks(story: &Story) -> BTreeMap<&str, usize> {
    let mut times = BTreeMap::new();
    for mark in story.posts.values().filter_map(|seen| mark_of(&seen.post)) {
        *times.entry(mark).or_insert(0) += 1;
    }
    times
}

fn twice(story: &Story) -> Vec<String> {
    let more = marks(story).into_iter().filter(|(_, times)| *times > 1);
    more.map(|(mark, times)| format!("the post with mark {mark} was made {times} times"))
        .collect()
}

fn fate(said: &Said) -> Option<String> {
    (said.fate != Fate::Delivered).then(|| format!("{} did not arrive: {:?}", said.id, said.fate))
}

/// The posts that an event made, cards excepted, oldest first.
pub(super) fn made_by<'a>(story: &'a Story, event: &str) -> Vec<&'a Seen> {
    let mut made: Vec<_> = story
        .posts
        .values()
        .filter(|seen| event_of(&seen.post) == Some(event))
        .filter(|seen| !is_root(&seen.post) || seen.post.marker("conversation_id").is_none())
        .collect();
    made.sort_by_key(|seen| {
        (
            seen.post.create_at,
            seen.post.marker("part").map(str::to_owned),
        )
    });
    made
}

/// The cards that a conversation has had, oldest first.
pub(super) fn cards<'a>(story: &'a Story, conversation: &str) -> Vec<&'a Seen> {
    let mut cards: Vec<_> = story
        .posts
        .values()
        .filter(|seen| is_root(&seen.post))
        .filter(|seen| seen.post.marker("conversation_id") == Some(conversation))
        .collect();
    cards.sort_by_key(|seen| seen.post.create_at);
    cards
}

fn presence(story: &Story, said: &Said) -> Option<String> {
    let conversation = said.conversation.as_deref().unwrap_or_default();
    let made = made_by(story, &said.id).len();
    let standing_cards = || {
        let cards = cards(story, conversation);
        cards.iter().filter(|card| !card.is_gone).count()
    };
    let wrong = |wanted: &str, seen: usize| {
        Some(format!(
            "{} has {seen} posts, and must have {wanted}",
            said.id
        ))
    };
    match &said.what {
        What::Started { .. } => match standing_cards() {
            1 => None,
            standing => Some(format!(
                "{standing} cards of {conversation} stand, and it must be one"
            )),
        },
        What::Edited { .. } if made == 0 => None,
        What::Edited { .. } => wrong("none of its own", made),
        // It is said in the place of the message, or by a line where that stands no more.
        What::Withdrawn { .. } if made <= 1 => None,
        What::Message { .. } if made > 0 => None,
        _ if made == 1 => None,
        _ => wrong("one", made),
    }
}

/// What was written last under an event, with nothing where it was taken back.
fn final_text<'a>(story: &'a Story, said: &'a Said) -> Option<(&'a str, &'a str)> {
    let What::Message { name, text, .. } = &said.what else {
        return None;
    };
    let mut last = Some(text.as_str());
    for later in &story.said {
        match &later.what {
            What::Edited { of, text } if *of == said.id => last = last.map(|_| text.as_str()),
            What::Withdrawn { of } if *of == said.id => last = None,
            _ => {}
        }
    }
    last.map(|text| (name.as_str(), text))
}

fn content(story: &Story, said: &Said) -> Option<String> {
    if let What::Notification { title, text } = &said.what {
        let made = made_by(story, &said.id);
        let read = made
            .first()
            .map(|seen| words(&seen.post.message))
            .unwrap_or_default();
        let says = read.contains(title) && read.contains(text);
        return (!says).then(|| format!("{} reads {read:?}", said.id));
    }
    let made = made_by(story, &said.id);
    let Some((name, text)) = final_text(story, said) else {
        return left_over(said, &made);
    };
    let mut read = String::new();
    for seen in &made {
        let words = words(&seen.post.message);
        // The name stands in every part; an agent's has our mark behind it.
        let Some((sender, part)) = words.split_once(":** ").or_else(|| words.split_once(":**"))
        else {
            return Some(format!("{} names no sender: {words:?}", said.id));
        };
        if !sender.trim_start_matches('*').starts_with(name) {
            return Some(format!("{} is not {name}'s: {words:?}", said.id));
        }
        read.push_str(without_number(part, made.len()));
    }
    let same = read.split_whitespace().eq(text.split_whitespace());
    (!same).then(|| format!("{} reads {read:?}, and {text:?} was said", said.id))
}

/// Of a message that was taken back nothing may be left to read.
fn left_over(said: &Said, made: &[&Seen]) -> Option<String> {
    let What::Message { text, .. } = &said.what else {
        return None;
    };
    let stands = |seen: &&Seen| !seen.is_gone && words(&seen.post.message).contains(text);
    let left = made
        .iter()
        .any(|seen| stands(seen) || (!seen.is_gone && !seen.post.file_ids.is_empty()));
    left.then(|| format!("{} was withdrawn and can still be read", said.id))
}

/// A part of several begins with `(1/3) `.
fn without_number(part: &str, of: usize) -> &str {
    let numbered = part
        .strip_prefix('(')
        .and_then(|rest| rest.split_once(&format!("/{of}) ")));
    match numbered {
        Some((number, rest)) if of > 1 && number.parse::<usize>().is_ok() => rest,
        _ => part,
    }
}

fn files(
    story: &Story,
    said: &Said,
    held: &impl Fn(&str) -> Option<bytes::Bytes>,
) -> Option<String> {
    let What::Message {
        file: Some(file), ..
    } = &said.what
    else {
        return None;
    };
    let made = made_by(story, &said.id);
    final_text(story, said)?;
    // With a deleted thread its files are gone, by whoever deleted it.
    if made.iter().any(|seen| seen.is_gone) {
        return None;
    }
    let copies = made
        .iter()
        .flat_map(|seen| &seen.post.file_ids)
        .filter(|id| held(id).is_some_and(|bytes| bytes == file.bytes))
        .count();
    (copies != 1).then(|| format!("{} shows {copies} whole copies of {}", said.id, file.name))
}

/// In each conversation no post is older than one of an event before its own.
fn order(story: &Story) -> Vec<String> {
    let mut newest: BTreeMap<&str, (i64, &str)> = BTreeMap::new();
    let mut mistakes = Vec::new();
    for said in &story.said {
        let Some(conversation) = said.conversation.as_deref() else {
            continue;
        };
        let times: Vec<i64> = made_by(story, &said.id)
            .iter()
            .map(|seen| seen.post.create_at)
            .collect();
        let (Some(first), Some(last)) = (times.iter().min(), times.iter().max()) else {
            continue;
        };
        if let Some((before, earlier)) = newest.get(conversation)
            && first < before
        {
            mistakes.push(format!("{} stands before {earlier}", said.id));
        }
        newest.insert(conversation, (*last, &said.id));
    }
    mistakes
}

#[cfg(test)]
mod tests {
    use bytes::Bytes;
    use serde_json::json;

    use super::super::story::{By, File};
    use super::*;
    use crate::mattermost::Post;

    /// A conversation of two messages, the first with a file, all well.
    fn told() -> Story {
        let mut story = Story::default();
        let file = File {
            name: "a.png".into(),
            content_type: "image/png".into(),
            bytes: Bytes::from_static(b"png"),
        };
        for (id, what) in [
            (
                "e0",
                What::Started {
                    visitor: "Emma".into(),
                },
            ),
            ("e1", message("one", Some(file))),
            ("e2", message("two", None)),
        ] {
            let mut said = Said::new(id.into(), Some("c".into()), what);
            said.fate = Fate::Delivered;
            story.say(said);
        }
        let mut first = post("p1", "e1", 2, "**Emma:** one");
        first.post.file_ids.push("f".into());
        story.see(vec![
            post("root", "e0", 1, "card"),
            first,
            post("p2", "e2", 3, "**Emma:** two"),
        ]);
        story
    }

    fn message(text: &str, file: Option<File>) -> What {
        What::Message {
            by: By::Visitor,
            name: "Emma".into(),
            text: text.into(),
            file,
        }
    }

    fn post(id: &str, event: &str, create_at: i64, message: &str) -> Seen {
        let mark = json!({ "conversation_id": "c", "event_id": event, "mark": id, "part": 0 });
        let root_id = if event == "e0" { "" } else { "root" };
        Seen {
            post: Post {
                id: id.into(),
                root_id: root_id.into(),
                create_at,
                message: message.into(),
                props: json!({ "ireserve": mark }).as_object().unwrap().clone(),
                ..Post::default()
            },
            author: "i-reserve".into(),
            is_bot: true,
            is_gone: false,
        }
    }

    fn judged(story: &Story) -> Vec<String> {
        mistakes(story, |id| (id == "f").then(|| Bytes::from_static(b"png")))
    }

    #[test]
    fn what_was_said_and_stands_is_well() {
        assert_eq!(judged(&told()), Vec::<String>::new());
    }

    #[test]
    fn every_kind_of_wrong_is_named() {
        type Spoil = fn(&mut Story);
        let cases: [(&str, Spoil); 9] = [
            ("2 times", |story| {
                let mut again = post("p3", "e2", 4, "**Emma:** two");
                again.post.props = story.posts["p2"].post.props.clone();
                story.posts.insert("p3".into(), again);
            }),
            ("e2 has 0 posts", |story| drop(story.posts.remove("p2"))),
            ("e2 stands before e1", |story| {
                story.posts.get_mut("p2").unwrap().post.create_at = 1;
            }),
            ("e2 reads \"tow\"", |story| {
                story.posts.get_mut("p2").unwrap().post.message = "**Emma:** tow".into();
            }),
            ("e2 is not Emma's", |story| {
                story.posts.get_mut("p2").unwrap().post.message = "**Anna:** two".into();
            }),
            ("0 whole copies of a.png", |story| {
                story.posts.get_mut("p1").unwrap().post.file_ids.clear();
            }),
            ("the team wrote [\"of course\"]", |story| {
                let mut reply = post("p9", "e9", 9, "of course");
                reply.is_bot = false;
                reply.post.props.clear();
                story.posts.insert("p9".into(), reply);
            }),
            ("0 cards", |story| {
                story.posts.get_mut("root").unwrap().is_gone = true
            }),
            ("did not arrive", |story| story.said[1].fate = Fate::Parked),
        ];
        for (wanted, spoil) in cases {
            let mut story = told();
            spoil(&mut story);
            let found = judged(&story);
            assert!(
                found.iter().any(|mistake| mistake.contains(wanted)),
                "{wanted}: {found:?}"
            );
        }
    }

    #[test]
    fn an_edit_counts_with_its_text_and_a_withdrawn_message_with_none() {
        let mut story = told();
        for (id, what) in [
            (
                "e3",
                What::Edited {
                    of: "e2".into(),
                    text: "three".into(),
                },
            ),
            ("e4", What::Withdrawn { of: "e1".into() }),
        ] {
            let mut said = Said::new(id.into(), Some("c".into()), what);
            said.fate = Fate::Delivered;
            story.say(said);
        }
        story.posts.get_mut("p2").unwrap().post.message = "**Emma:** three".into();
        story
            .posts
            .insert("p4".into(), post("p4", "e4", 5, "withdrawn"));
        let wanted = ["e1 was withdrawn and can still be read"];
        assert_eq!(judged(&story), wanted);
        let first = &mut story.posts.get_mut("p1").unwrap().post;
        first.message = "*Emma withdrew this message.*".into();
        first.file_ids.clear();
        assert_eq!(judged(&story), Vec::<String>::new());
    }
}
