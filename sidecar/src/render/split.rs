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

/// The longest fence we write, or one part could not hold it twice.
pub(super) const FENCE: usize = 33;

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
        let room = limit.saturating_sub(opened.len());
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
            candidates.note(atom, text, here);
        }
        here
    }
}

impl<'a> Candidates<'a> {
    fn note(&mut self, atom: &str, text: &str, here: Cut<'a>) {
        let (before, after) = text.split_at(here.at);
        // Before the end of a block of code: the next part would begin with an empty one.
        if here.fence.is_some() && atom == "\n" && fence_at(after, here.fence).is_some() {
            return;
        }
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
        None => ((3..=FENCE).contains(&ticks) && alone).then_some(mark),
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

#[cfg(test)]
mod tests {
    use proptest::prelude::*;
    use shared::Format;

    use super::*;
    use crate::render::Neutral;

    fn sizes(parts: &[String]) -> Vec<usize> {
        parts.iter().map(|part| part.chars().count()).collect()
    }

    #[test]
    fn a_part_ends_where_a_reader_would_pause() {
        let paragraph = format!("{}\n\n", "woord ".repeat(300));
        for (name, text, end) in [
            ("paragraph", paragraph.repeat(3), "\n\n"),
            (
                "line",
                format!("{}\n", "woord ".repeat(300)).repeat(3),
                "\n",
            ),
            ("word", "woord ".repeat(900), " "),
            ("letter", "w".repeat(5_000), "w"),
        ] {
            let parts = split(&text, SMALLEST);
            assert!(
                parts.len() > 1 && parts[0].ends_with(end),
                "{name}: {:?}",
                sizes(&parts)
            );
            assert_eq!(parts.concat(), text, "{name}");
        }
        assert!(split(" \n ", SMALLEST).is_empty());
        assert_eq!(
            split("x", 1),
            ["x"],
            "a limit below the smallest counts as that"
        );
    }

    #[test]
    fn what_means_something_only_whole_is_never_cut() {
        let family = "👩\u{200d}👩\u{200d}👧";
        let link = Neutral::address("https://a.nl/x").unwrap().to_string();
        for (name, piece) in [
            ("grapheme", family),
            ("accent", "e\u{301}"),
            ("escape", "\\*"),
            ("escaped accent", "\\*\u{301}"),
            ("tamed mention", "@\u{2060}"),
            ("address", link.as_str()),
            ("code", "`a b` "),
        ] {
            for shift in 0..7 {
                let text = format!("{}{}", "x".repeat(shift), piece.repeat(2_000));
                let parts = split(&text, SMALLEST);
                assert_eq!(parts.concat(), text, "{name}");
                for part in &parts {
                    let rest = part.trim_start_matches('x');
                    assert!(part.chars().count() <= SMALLEST, "{name}");
                    assert_eq!(rest.replace(piece, ""), "", "{name} was cut");
                }
            }
        }
    }

    #[test]
    fn code_that_is_cut_is_closed_and_opened_again() {
        let code = "let x = \"*not live* @\u{2060}all\";\n".repeat(400);
        let text = format!("before\n\n````\n```\n{code}````\nafter");
        let parts = split(&text, SMALLEST);
        assert!(parts.len() > 2);
        for part in &parts {
            assert_eq!(part.matches("````").count() % 2, 0, "{part}");
            assert!(part.chars().count() <= SMALLEST);
        }
        let joined = parts
            .join("")
            .replace("````````\n", "")
            .replace("````\n````\n", "");
        assert_eq!(
            joined.replace("````", "").replace('\n', ""),
            text.replace("````", "").replace('\n', "")
        );
        assert!(parts[1].starts_with("````\nlet x"));
    }

    #[test]
    fn no_part_begins_with_the_empty_end_of_a_block() {
        for lines in 60..140 {
            let code = "twenty-nine letters of a line\n".repeat(lines);
            let text = format!("```\n{code}```\n{}", "woord ".repeat(400));
            for part in split(&text, SMALLEST) {
                assert!(!part.starts_with("```\n```"), "{lines}: {part}");
            }
        }
        let ticks = format!("{}\nx\n{}", "`".repeat(9_000), "`".repeat(9_000));
        assert!(
            sizes(&split(&ticks, SMALLEST))
                .iter()
                .all(|size| *size <= SMALLEST)
        );
    }

    #[test]
    fn the_limit_holds_even_for_a_letter_under_thousands_of_accents() {
        let text = format!("e{}", "\u{301}".repeat(10_000));
        let parts = split(&text, SMALLEST);
        assert!(sizes(&parts).iter().all(|size| *size <= SMALLEST));
        assert_eq!(parts.concat(), text);
    }

    #[test]
    fn a_short_form_says_that_something_is_missing() {
        assert_eq!(shorten("precies", 7), "precies");
        assert_eq!(shorten("te lang", 4), "te…");
        assert_eq!(
            shorten("👩\u{200d}👩\u{200d}👧👩\u{200d}👩\u{200d}👧x", 2),
            "👩\u{200d}👩\u{200d}👧…"
        );
        assert_eq!(in_bytes("aëb", 2), "a");
    }

    fn pieces() -> impl Strategy<Value = String> {
        let piece = prop_oneof![
            Just("@all ".to_owned()),
            Just("https://a.nl/x?y=1 ".to_owned()),
            Just("*".to_owned()),
            Just("\n".to_owned()),
            Just("\n\n".to_owned()),
            Just("👩\u{200d}👩\u{200d}👧".to_owned()),
            Just("e\u{301}".to_owned()),
            Just("`".to_owned()),
            Just("```\ncode @all\n```\n".to_owned()),
            Just("[x](https://b.nl) ".to_owned()),
            Just("    ".to_owned()),
            Just("&amp;".to_owned()),
            "[a-z ]{1,40}".prop_map(|words| words),
            Just("- item\n".to_owned()),
            Just("y".repeat(900)),
        ];
        prop::collection::vec(piece, 1..30).prop_map(|pieces| pieces.concat().repeat(12))
    }

    proptest! {
        #![proptest_config(ProptestConfig::with_cases(64))]

        #[test]
        fn parts_joined_are_the_text_and_each_keeps_the_limit(text in pieces(), plain in any::<bool>()) {
            let format = if plain { Format::Plain } else { Format::Markdown };
            let neutral = Neutral::text(&text, format);
            let whole = neutral.trimmed();
            let parts = split(whole, SMALLEST);
            for part in &parts {
                prop_assert!(part.chars().count() <= SMALLEST);
            }
            if plain {
                prop_assert_eq!(parts.concat(), whole);
            } else {
                let words = |text: &str| text.replace('`', "").split_whitespace().collect::<String>();
                prop_assert_eq!(words(&parts.join("\n")), words(whole));
            }
            let mut from = 0;
            for part in parts.iter().filter(|_| plain) {
                from += part.len();
                let after = &whole[from..];
                prop_assert!(!after.starts_with('\u{2060}'), "a joiner was cut off");
                let slashes = part.len() - part.trim_end_matches('\\').len();
                prop_assert!(slashes % 2 == 0, "an escape was cut");
            }
        }
    }
}
