//! What was typed, pressed or sent becomes a [`Command`]. Pure.

use super::{Command, Place, Topic, Typed, setup};

/// The verbs, as autocompletion and suggestions know them.
pub(super) const VERBS: [&str; 4] = ["setup", "status", "help", "about"];

/// An unknown word is repeated to whoever typed it; a long one would only fill the screen.
const LONGEST_WORD: usize = 32;

/// `/ireserve help notes`.
pub(super) fn typed(text: &str) -> Command {
    let mut words = text.split_whitespace();
    // The server has seen to it that the first word is our command.
    let _command = words.next();
    let Some(verb) = words.next() else {
        return Command::Here;
    };
    let argument = words.next().map(str::to_lowercase);
    match verb.to_lowercase().as_str() {
        "help" => help(argument.as_deref()),
        "about" => Command::About,
        "status" => Command::Status,
        "setup" => Command::Setup,
        other => Command::Unknown {
            word: shown(verb),
            near: nearest(other),
        },
    }
}

/// The action of a button whose MAC was checked. A button of another build may still stand in a thread.
pub(super) fn pressed(action: &str) -> Command {
    match action {
        "setup" => Command::Setup,
        "status" => Command::Status,
        other => Command::Unknown {
            word: shown(other),
            near: None,
        },
    }
}

/// A dialog whose state was checked; nothing typed: it was closed.
pub(super) fn sent(callback: &str, state: &str, typed: Option<String>) -> Option<Command> {
    if callback != setup::CALLBACK {
        return None;
    }
    let place: Place = serde_json::from_str(state).ok()?;
    Some(match typed {
        Some(typed) => Command::Connect {
            typed: Typed(typed),
            place: Box::new(place),
        },
        None => Command::Paused,
    })
}

fn help(topic: Option<&str>) -> Command {
    let Some(word) = topic else {
        return Command::Here;
    };
    let topic = Topic::ALL.into_iter().find(|topic| topic.name() == word);
    topic.map_or(Command::Help(Topic::Commands), Command::Help)
}

impl Topic {
    pub(super) const ALL: [Self; 4] = [Self::Replies, Self::Notes, Self::Commands, Self::Setup];

    pub(super) const fn name(self) -> &'static str {
        match self {
            Self::Replies => "replies",
            Self::Notes => "notes",
            Self::Commands => "commands",
            Self::Setup => "setup",
        }
    }
}

/// Stands between backticks: nothing in it may end them, or look like an instruction of ours.
fn shown(word: &str) -> String {
    word.chars()
        .filter(|c| !c.is_control() && !"`@~".contains(*c))
        .take(LONGEST_WORD)
        .collect()
}

fn nearest(word: &str) -> Option<&'static str> {
    let word: Vec<char> = word.chars().take(LONGEST_WORD).collect();
    VERBS
        .into_iter()
        .map(|verb| (distance(verb, &word), verb))
        .min()
        .filter(|(distance, _)| *distance <= 2)
        .map(|(_, verb)| verb)
}

/// How many characters to change, add or leave out, or neighbours to swap: what fingers do wrong.
fn distance(verb: &str, word: &[char]) -> usize {
    let verb: Vec<char> = verb.chars().collect();
    let mut rows = vec![(0..=word.len()).collect::<Vec<usize>>()];
    for (i, left) in verb.iter().enumerate() {
        let mut row = vec![i + 1];
        for (j, right) in word.iter().enumerate() {
            let mut least = (rows[i][j] + usize::from(left != right))
                .min(rows[i][j + 1] + 1)
                .min(row[j] + 1);
            if i > 0 && j > 0 && verb[i - 1] == *right && *left == word[j - 1] {
                least = least.min(rows[i - 1][j - 1] + 1);
            }
            row.push(least);
        }
        rows.push(row);
    }
    rows[verb.len()][word.len()]
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn verbs_are_found_whatever_their_case_and_blanks() {
        for (text, wanted) in [
            ("/ireserve", Command::Here),
            ("/ireserve  ", Command::Here),
            ("/ireserve help", Command::Here),
            ("/ireserve help notes", Command::Help(Topic::Notes)),
            ("/ireserve help nonsense", Command::Help(Topic::Commands)),
            ("/ireserve   STATUS now", Command::Status),
            ("/ireserve setup connect", Command::Setup),
            ("/ireserve About", Command::About),
        ] {
            assert_eq!(typed(text), wanted, "{text:?}");
        }
    }

    #[test]
    fn an_unknown_verb_gets_the_nearest_one_or_none() {
        for (word, near) in [
            ("staus", Some("status")),
            ("sttaus", Some("status")),
            ("hlep", Some("help")),
            ("setpu", Some("setup")),
            ("abuot", Some("about")),
            ("bananas", None),
            ("x", None),
        ] {
            let Command::Unknown { near: found, .. } = typed(&format!("/ireserve {word}")) else {
                panic!("{word} is no verb");
            };
            assert_eq!(found, near, "{word}");
        }
    }

    #[test]
    fn an_unknown_word_is_repeated_without_marks_and_not_at_length() {
        let long = format!("/ireserve `@channel{}", "x".repeat(100));
        let Command::Unknown { word, .. } = typed(&long) else {
            panic!("no verb");
        };
        assert_eq!(word.chars().count(), LONGEST_WORD);
        assert!(word.starts_with("channel"));
    }

    #[test]
    fn a_dialog_of_nobodys_is_none() {
        assert_eq!(sent("other", "{}", None), None);
        assert_eq!(sent(setup::CALLBACK, "no state", Some("x".into())), None);
    }
}
