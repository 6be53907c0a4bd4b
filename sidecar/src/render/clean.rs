//! Characters that no text may bring along, whichever way it goes.

use std::borrow::Cow;

/// The word joiner: invisible, no white space, and it ends what Mattermost's parsers take for a mention, a channel or a link.
pub(super) const JOINER: char = '\u{2060}';

/// The text without characters that break a store, a line or the direction of reading. Lines end with a single newline.
///
/// Mattermost answers 500 to a NUL, wherever it stands (seen on 9.11 and 11.6). The joiner goes too: where it stands later,
/// it is ours.
pub(super) fn clean(text: &str) -> Cow<'_, str> {
    if !text.chars().any(|c| forbidden(c) || c == '\r') {
        return Cow::Borrowed(text);
    }
    let mut out = String::with_capacity(text.len());
    let mut chars = text.chars().peekable();
    while let Some(c) = chars.next() {
        match c {
            '\r' => {
                if chars.peek() != Some(&'\n') {
                    out.push('\n');
                }
            }
            '\u{2028}' | '\u{2029}' => out.push('\n'),
            c if forbidden(c) => {}
            c => out.push(c),
        }
    }
    Cow::Owned(out)
}

/// The same on one line, without blanks at its ends.
pub(super) fn clean_line(text: &str) -> String {
    clean(text).split_whitespace().collect::<Vec<_>>().join(" ")
}

const fn forbidden(c: char) -> bool {
    match c {
        '\n' | '\t' => false,
        // Line and paragraph separators count: scripts in a browser take them for the end of a line.
        '\u{2028}' | '\u{2029}' => true,
        _ => {
            (c.is_ascii() && c.is_ascii_control())
                || matches!(c, '\u{80}'..='\u{9f}')
                || is_bidi(c)
                || c == JOINER
        }
    }
}

/// Embeddings, overrides and isolates of the reading direction: with them a text can look like another one. Plain marks of
/// direction stay; Arabic and Hebrew need them.
const fn is_bidi(c: char) -> bool {
    matches!(c, '\u{202a}'..='\u{202e}' | '\u{2066}'..='\u{2069}')
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_breaks_a_line_or_its_direction_goes() {
        for (text, wanted) in [
            ("plain ë 🎳\n\ttab", "plain ë 🎳\n\ttab"),
            ("nul\0 bell\u{7} c1\u{85}", "nul bell c1"),
            ("a\r\nb\rc", "a\nb\nc"),
            ("a\u{2028}b", "a\nb"),
            ("abc\u{202e}fdp.exe\u{2069}", "abcfdp.exe"),
            ("j\u{2060}oin", "join"),
        ] {
            assert_eq!(clean(text), wanted, "{text:?}");
        }
        assert_eq!(clean_line("  two\n lines\u{2029}\t "), "two lines");
    }
}
