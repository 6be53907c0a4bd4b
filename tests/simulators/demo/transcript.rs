//! The transcript of one conversation: first what happens, as it happens, then both sides beside each other.

use std::time::Duration;

use shared::Language::En;

use super::DemoError;
use super::post::words as read;
use super::stage::Stage;
use super::story::{Entry, Heard, Said, Seen, Story, What};
use super::verdict::{cards, made_by};
use super::words;

/// The first lines.
pub(super) const OPENING: &str = "A visitor writes, a colleague answers, and everything goes wrong once.\n\nWHAT HAPPENS (seconds since the start)";
/// The last line when all is well.
pub(super) const FINE: &str = "\nFINE  every event stands exactly once, in order, in the visitor's own words; the reply reached the visitor.";

/// Widths of the two sides; together they fit a terminal of 100 columns.
const LEFT: usize = 40;
const RIGHT: usize = 56;

/// Tells each entry of the story while `playing` goes on.
pub(super) async fn live<T>(
    stage: &Stage,
    playing: impl Future<Output = Result<T, DemoError>>,
    tell: &mut impl FnMut(&str),
) -> Result<T, DemoError> {
    let mut playing = std::pin::pin!(playing);
    let mut told = 0;
    loop {
        let news = stage.until("something happens", Duration::from_secs(3_600), |story| {
            let fresh: Vec<_> = lines_after(story, told);
            (!fresh.is_empty()).then_some(fresh)
        });
        tokio::select! {
            news = news => for (number, line) in news? {
                told = number;
                tell(&line);
            },
            played = &mut playing => {
                stage.story(|story| lines_after(story, told)).iter().for_each(|(_, line)| tell(line));
                return played;
            }
        }
    }
}

fn lines_after(story: &Story, told: u64) -> Vec<(u64, String)> {
    let start = story.entries.front().map_or(0, |entry| entry.at);
    let fresh = story.entries.iter().filter(|entry| entry.number > told);
    fresh
        .map(|entry| (entry.number, line(story, entry, start)))
        .collect()
}

fn line(story: &Story, entry: &Entry, start: i64) -> String {
    let words = words::note(&entry.note, En);
    match &entry.event {
        Some(event) => format!(
            "{}  {}: {words}",
            since(start, entry.at),
            words::about_event(story, event, En)
        ),
        None => format!("{}  -- {words} --", since(start, entry.at)),
    }
}

/// Both sides beside each other, and between the events what became of each.
pub(super) fn whole(story: &Story) -> Vec<String> {
    let start = story.entries.front().map_or(0, |entry| entry.at);
    let mut lines = vec![
        String::new(),
        format!(
            "{:<LEFT$} | WHAT STANDS IN MATTERMOST",
            "WHAT WAS SAID IN I-RESERVE"
        ),
        format!("{:-<LEFT$}-+-{:-<RIGHT$}", "", ""),
    ];
    for said in &story.said {
        lines.extend(beside(&left(said, start), &right(story, said, start)));
    }
    for heard in &story.heard {
        let (said, written) = reply(story, heard, start);
        lines.extend(beside(&said, &written));
    }
    lines
}

fn left(said: &Said, start: i64) -> Vec<String> {
    let time = since(start, said.at);
    let mut lines = wrapped(&format!("{time}  {}", spoken(said)), LEFT);
    let fate = match (said.accepted_after, said.delivered_after) {
        (Some(accepted), Some(delivered)) => {
            let attempts = match said.attempts {
                0 | 1 => String::new(),
                more => format!(", {more} attempts"),
            };
            format!(
                "accepted in {}, there in {}{attempts}",
                words::time(accepted),
                words::time(delivered)
            )
        }
        _ => format!("{:?}", said.fate),
    };
    lines.extend(wrapped(&format!("         {fate}"), LEFT));
    lines
}

/// What the visitor was told, and the reply in the thread that it came from.
fn reply(story: &Story, heard: &Heard, start: i64) -> (Vec<String>, Vec<String>) {
    let told = format!("{}  to the visitor: {}", since(start, heard.at), heard.text);
    let post = story.posts.get(&heard.id);
    let written = post.map(|seen| {
        let gone = if seen.is_gone { " (deleted since)" } else { "" };
        let time = since(start, seen.post.create_at);
        format!("{time}  {}: {}{gone}", seen.author, seen.post.message)
    });
    (
        wrapped(&told, LEFT),
        wrapped(&written.unwrap_or_default(), RIGHT),
    )
}

fn spoken(said: &Said) -> String {
    match &said.what {
        What::Started { visitor } => format!("{visitor} opens the chat"),
        What::Message {
            name, text, file, ..
        } => {
            let file = file
                .as_ref()
                .map(|file| format!(" [{}, {} bytes]", file.name, file.bytes.len()));
            format!("{name}: {text}{}", file.unwrap_or_default())
        }
        What::Edited { of, text } => format!("changes {of} to: {text}"),
        What::Withdrawn { of } => format!("withdraws {of}"),
        What::Closed { by } => format!("{by} closes the conversation"),
        What::Reopened { by } => format!("{by} reopens the conversation"),
        What::Notification { title, text } => format!("{title}: {text}"),
    }
}

fn right(story: &Story, said: &Said, start: i64) -> Vec<String> {
    let mut posts = made_by(story, &said.id);
    if let (What::Started { .. }, Some(conversation)) = (&said.what, &said.conversation) {
        posts.extend(cards(story, conversation));
    }
    if posts.is_empty() {
        return vec!["         (shown in the post itself)".to_owned()];
    }
    posts
        .into_iter()
        .flat_map(|seen| stands(seen, start))
        .collect()
}

fn stands(seen: &Seen, start: i64) -> Vec<String> {
    let post = &seen.post;
    let files = match post.file_ids.len() {
        0 => String::new(),
        count => format!(" [{count} file]"),
    };
    let edited = if post.edit_at > 0 { " (edited)" } else { "" };
    let gone = if seen.is_gone { " (deleted since)" } else { "" };
    let text = unlinked(&read(&post.readable().replace('\n', " / ")));
    let time = since(start, post.create_at);
    wrapped(&format!("{time}  {text}{files}{edited}{gone}"), RIGHT)
}

/// Links as their labels: addresses say nothing here.
fn unlinked(text: &str) -> String {
    let mut out = String::new();
    let mut rest = text;
    while let Some((before, label, after)) = link(rest) {
        out.push_str(before);
        out.push_str(label);
        rest = after;
    }
    out + rest
}

/// What stands before the first link, its label, and what follows it.
fn link(text: &str) -> Option<(&str, &str, &str)> {
    let (labelled, rest) = text.split_once("](http")?;
    let (before, label) = labelled.rsplit_once('[')?;
    let (_, after) = rest.split_once(')')?;
    (!before.ends_with('!')).then_some((before, label, after))
}

/// `  3.412`: seconds since the start.
fn since(start: i64, at: i64) -> String {
    let millis = (at - start).max(0);
    format!("{:>3}.{:03}", millis / 1_000, millis % 1_000)
}

/// Lines of at most so many characters; what follows the first is indented as far as the time is wide.
fn wrapped(text: &str, width: usize) -> Vec<String> {
    const INDENT: usize = 9;
    let mut lines = Vec::new();
    let mut line = String::new();
    for piece in text.split_inclusive(' ') {
        let mut piece = piece;
        if line.chars().count() + piece.trim_end().chars().count() > width
            && !line.trim().is_empty()
        {
            lines.push(std::mem::replace(&mut line, " ".repeat(INDENT)));
        }
        while let Some((end, _)) = piece.char_indices().nth(width - INDENT) {
            line.push_str(&piece[..end]);
            lines.push(std::mem::replace(&mut line, " ".repeat(INDENT)));
            piece = &piece[end..];
        }
        line.push_str(piece);
    }
    lines.push(line);
    lines
}

fn beside(left: &[String], right: &[String]) -> Vec<String> {
    let rows = left.len().max(right.len());
    let cell =
        |side: &[String], row: usize| side.get(row).map_or("", |line| line.trim_end()).to_owned();
    (0..rows)
        .map(|row| {
            let (left, right) = (cell(left, row), cell(right, row));
            let gap = LEFT.saturating_sub(left.chars().count());
            format!("{left}{} | {right}", " ".repeat(gap))
                .trim_end()
                .to_owned()
        })
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn lines_are_wrapped_to_their_width_and_words_longer_than_it_are_cut() {
        for text in [
            "  0.001  a few words that do not fit into one line of forty",
            &"x".repeat(200),
        ] {
            let lines = wrapped(text, LEFT);
            assert!(
                lines
                    .iter()
                    .all(|line| line.trim_end().chars().count() <= LEFT),
                "{lines:?}"
            );
            let glued: String = lines.concat();
            assert_eq!(glued.replace(' ', ""), text.replace(' ', ""));
        }
    }
}
