//! A post of the sidecar's, read as its reader would: whose it is, and which words the visitor wrote.

use crate::mattermost::Post;

/// What the sidecar puts between characters so that they do nothing.
const JOINER: char = '\u{2060}';

/// Which event made it; none for what people wrote.
pub(super) fn event_of(post: &Post) -> Option<&str> {
    post.marker("event_id")
}

/// The mark by which the sidecar knows it again: one per thing that it may create.
pub(super) fn mark_of(post: &Post) -> Option<&str> {
    post.marker("mark")
}

pub(super) fn is_root(post: &Post) -> bool {
    post.root_id.is_empty()
}

/// The words as they were before they were made harmless: without word joiners and backslashes, and each
/// `[address](address)` as the address alone. That is all that may be added to a visitor's text.
pub(super) fn words(message: &str) -> String {
    let mut words = String::new();
    let mut rest = message;
    while let Some(c) = rest.chars().next() {
        if let Some((address, after)) = own_label(rest) {
            words.push_str(address);
            rest = after;
            continue;
        }
        rest = &rest[c.len_utf8()..];
        match c {
            JOINER => {}
            '\\' => {
                if let Some(escaped) = rest.chars().next() {
                    words.push(escaped);
                    rest = &rest[escaped.len_utf8()..];
                }
            }
            other => words.push(other),
        }
    }
    words
}

/// A link whose label is its own address, and what follows it.
fn own_label(text: &str) -> Option<(&str, &str)> {
    let (label, rest) = text.strip_prefix('[')?.split_once("](")?;
    let after = rest.strip_prefix(label)?.strip_prefix(')')?;
    Some((label, after))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn words_are_read_back_as_the_visitor_wrote_them() {
        for (message, wanted) in [
            ("**Sanne:** hi", "**Sanne:** hi"),
            (
                "@\u{2060}all !\u{2060}\\[x\\](http:\u{2060}//a)",
                "@all ![x](http://a)",
            ),
            (
                "see [https://a.nl/x](https://a.nl/x).",
                "see https://a.nl/x.",
            ),
            ("[other](https://a.nl)", "[other](https://a.nl)"),
            ("a\\\\b", "a\\b"),
            ("ends in \\", "ends in "),
        ] {
            assert_eq!(words(message), wanted, "{message}");
        }
    }
}
