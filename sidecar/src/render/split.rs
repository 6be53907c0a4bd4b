//! Split: long text in parts of the size a post may have, in order and never cut.
//!
//! A part ends with a paragraph, else a line, else a word. It never ends inside a grapheme, an escape, an address, code in a
//! line, or between a character and the U+2060 that tames it. A block of code is closed and opened again, or its second half
//! would be live Markdown. Parts joined are the text, but for those fences.
//!
//! What is split was written by [`super::ink`], so every mark that means something is one of ours.

use unicode_segmentation::UnicodeSegmentation;

use super::clean::JOINER;

/// Code points of a part unless the server allows fewer; Mattermost takes 16,383.
pub const PART: usize = 16_000;

/// The smallest limit that is kept. No server has one below 4,000; the longest piece that is never cut (an address, twice)
/// and a fence opened and closed again fit into this.
pub const SMALLEST: usize = 3_000;

/// Parts of at most `limit` code points; a smaller limit than [`SMALLEST`] counts as that. A text without anything to read
/// has none.
#[must_use]
pub fn split(text: &str, limit: usize) -> Vec<String> {
    let limit = limit.max(SMALLEST);
    let mut parts = Vec::new();
    let mut rest = text;
    let mut fence: Option<&str> = None;
    while !rest.is_empty() {
        let opened = fence.map(|fence| format!("{fence}\n")).unwrap_or_default();
        let room = limit - opened.len();
        let cut = Cut::find(rest, fence, room);
        let (part, after) = rest.split_at(cut.at);
        let mut part = opened + part;
        if let Some(fence) = cut.fence.filter(|_| !after.is_empty()) {
            if !part.ends_with('\n') {
                part.push('\n');
            }
            part.push_str(fence);
        }
        if !part.trim().is_empty() {
            parts.push(part);
        }
        rest = after;
        fence = cut.fence;
    }
    parts
}

/// The beginning of a line in at most `most` graphemes, with `…` where something is missing.
#[must_use]
pub fn shorten(line: &str, most: usize) -> String {
    match line.grapheme_indices(true).nth(most) {
        None => line.to_owned(),
        Some(_) => {
            let kept = line.graphemes(true).take(most.saturating_sub(1));
            format!("{}…", kept.collect::<String>().trim_end())
        }
    }
}

/// The beginning in at most `most` bytes, whole graphemes only.
pub(super) fn in_bytes(text: &str, most: usize) -> &str {
    let end = text
        .grapheme_indices(true)
        .map(|(at, grapheme)| at + grapheme.len())
        .take_while(|end| *end <= most)
        .last()
        .unwrap_or(0);
    &text[..end]
}

/// Where a part may end, and the fence that is open there.
#[derive(Debug, Clone, Copy)]
struct Cut<'a> {
    at: usize,
    fence: Option<&'a str>,
}

/// How well a part ends somewhere.
#[derive(Debug, Default, Clone, Copy)]
struct Candidates<'a> {
    paragraph: Option<Cut<'a>>,
    line: Option<Cut<'a>>,
    word: Option<Cut<'a>>,
    any: Option<Cut<'a>>,
}

impl<'a> Cut<'a> {
    /// The best end for a part of at most `room` code points, or the end of the text.
    fn find(text: &'a str, fence: Option<&'a str>, room: usize) -> Self {
        let mut here = Self { at: 0, fence };
        let mut used = 0;
        let mut line_start = true;
        let mut candidates = Candidates::default();
        while here.at < text.len() {
            let rest = &text[here.at..];
            if line_start && let Some(mark) = fence_at(rest, here.fence) {
                here.fence = if here.fence.is_some() {
                    None
                } else {
                    Some(mark)
                };
            }
            let atom = atom(rest, here.fence.is_some());
            let size = atom.chars().count();
            // Room to close what is open: a newline and the fence.
            let reserve = here.fence.map_or(0, |fence| fence.len() + 1);
            if used + size + reserve > room && !fits(rest, room - used) {
                return candidates
                    .best(here.at)
                    .unwrap_or_else(|| hard(text, fence, room));
            }
            used += size;
            here.at += atom.len();
            line_start = atom.ends_with('\n');
            candidates.note(atom, &text[..here.at], here);
        }
        here
    }
}

impl<'a> Candidates<'a> {
    fn note(&mut self, atom: &str, before: &str, here: Cut<'a>) {
        self.any = Some(here);
        if atom.ends_with(char::is_whitespace) {
            self.word = Some(here);
        }
        if atom.ends_with('\n') {
            self.line = Some(here);
            if before.ends_with("\n\n") && here.fence.is_none() {
                self.paragraph = Some(here);
            }
        }
    }

    /// A good end in the first half is worse than a poor one near the limit: parts would become many.
    fn best(self, end: usize) -> Option<Cut<'a>> {
        [self.paragraph, self.line, self.word]
            .into_iter()
            .flatten()
            .find(|cut| cut.at >= end / 2)
            .or(self.any)
    }
}

/// A grapheme without end (a letter under thousands of accents) is cut: the limit is the server's.
fn hard<'a>(text: &'a str, fence: Option<&'a str>, room: usize) -> Cut<'a> {
    let reserve = fence.map_or(0, |fence| fence.len() + 1);
    let at = text
        .char_indices()
        .nth(room.saturating_sub(reserve).max(1))
        .map_or(text.len(), |(at, _)| at);
    Cut { at, fence }
}

fn fits(text: &str, room: usize) -> bool {
    text.chars().nth(room).is_none()
}

/// The fence that begins in this line, or the one that ends here.
fn fence_at<'a>(line: &'a str, open: Option<&str>) -> Option<&'a str> {
    let ticks = line.len() - line.trim_start_matches('`').len();
    let mark = &line[..ticks];
    let alone = matches!(line.as_bytes().get(ticks), None | Some(b'\n'));
    match open {
        Some(open) => (mark == open && alone).then_some(mark),
        None => (ticks >= 3 && alone).then_some(mark),
    }
}

/// What is never cut at the start of `rest`, with the joiners behind it.
fn atom(rest: &str, in_fence: bool) -> &str {
    let first = rest.chars().next();
    let length = match first {
        // A line of ticks alone is a fence: one piece.
        Some('`') => ticks(rest, in_fence),
        Some('\\') if !in_fence => 1 + grapheme(&rest[1..]),
        Some('[') if !in_fence => link(rest).unwrap_or(1),
        _ => grapheme(rest),
    };
    let joiners = &rest[length..];
    let joined = joiners.len() - joiners.trim_start_matches(JOINER).len();
    &rest[..length + joined]
}

fn grapheme(text: &str) -> usize {
    text.graphemes(true).next().map_or(0, str::len)
}

/// `[address](address)`, whole.
fn link(text: &str) -> Option<usize> {
    let (label, after) = text[1..].split_once("](")?;
    let destination = after.split_once(')')?.0;
    (label == destination && !label.contains('\n')).then_some(label.len() * 2 + 4)
}

/// Code in a line, whole; or a fence; or a lone run of ticks.
fn ticks(text: &str, in_fence: bool) -> usize {
    let run = text.len() - text.trim_start_matches('`').len();
    if in_fence || run >= 3 && matches!(text.as_bytes().get(run), None | Some(b'\n')) {
        return run;
    }
    let line = text.split('\n').next().unwrap_or_default();
    let mut at = run;
    while let Some(found) = line[at..].find('`') {
        let from = at + found;
        let closing = line.len() - from - line[from..].trim_start_matches('`').len();
        at = from + closing;
        if closing == run {
            return at;
        }
    }
    run
}
