//! Readable: a run of text with its mentions, channel links and addresses told apart.

use super::{Directory, is_inner};
use crate::render::address;

/// A piece of a run of text.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Piece {
    Words(String),
    /// The display name of a person or channel.
    Name(String),
    /// A web address, as it was written.
    Address(String),
    /// An address that only the team can open, left out.
    Inner,
}

/// The run in pieces.
pub(super) fn pieces(text: &str, directory: &Directory<'_>) -> Vec<Piece> {
    let mut pieces = Vec::new();
    let mut words = String::new();
    let mut rest = text;
    while let Some(c) = rest.chars().next() {
        let before = text[..text.len() - rest.len()].chars().next_back();
        let found = special(rest, c, before, directory);
        let length = match found {
            Some((piece, length)) => {
                if !words.is_empty() {
                    pieces.push(Piece::Words(std::mem::take(&mut words)));
                }
                pieces.push(piece);
                length
            }
            None => {
                words.push(c);
                c.len_utf8()
            }
        };
        rest = &rest[length..];
    }
    if !words.is_empty() {
        pieces.push(Piece::Words(words));
    }
    pieces
}

/// The same run in its source: addresses stay as they are, names are written so that Markdown leaves them alone.
pub(super) fn in_source(source: &str, directory: &Directory<'_>) -> String {
    let mut out = String::with_capacity(source.len());
    for piece in pieces(source, directory) {
        match piece {
            Piece::Words(text) | Piece::Address(text) => out.push_str(&text),
            Piece::Inner => {}
            Piece::Name(name) => {
                // `\@anna` showed no backslash either.
                if (out.len() - out.trim_end_matches('\\').len()) % 2 == 1 {
                    out.pop();
                }
                for c in name.chars() {
                    if matches!(c, '\\' | '*' | '_' | '[' | ']' | '`' | '<' | '~') {
                        out.push('\\');
                    }
                    out.push(c);
                }
            }
        }
    }
    out
}

/// What stands behind `@` and `~` in the run.
pub(super) fn names(text: &str, found: &mut (Vec<String>, Vec<String>)) {
    for (at, sign) in text.match_indices(['@', '~']) {
        if !begins_name(text[..at].chars().next_back()) {
            continue;
        }
        let name = name_of(&text[at + 1..]);
        let list = if sign == "@" {
            &mut found.0
        } else {
            &mut found.1
        };
        candidates(name).for_each(|name| list.push(name));
    }
}

fn special(
    rest: &str,
    c: char,
    before: Option<char>,
    directory: &Directory<'_>,
) -> Option<(Piece, usize)> {
    match c {
        'h' | 'H' | 'w' | 'W' => {
            let length = address::length(rest, before)?;
            let address = &rest[..length];
            let piece = if is_inner(address, directory.site_url) {
                Piece::Inner
            } else {
                Piece::Address(address.to_owned())
            };
            Some((piece, length))
        }
        '@' | '~' if begins_name(before) => {
            let known = if c == '@' {
                directory.people
            } else {
                directory.channels
            };
            candidates(name_of(&rest[1..])).find_map(|name| {
                let shown = known.get(&name)?;
                Some((Piece::Name(shown.clone()), 1 + name.len()))
            })
        }
        _ => None,
    }
}

fn begins_name(before: Option<char>) -> bool {
    !before.is_some_and(|c| c.is_alphanumeric() || matches!(c, '@' | '~'))
}

/// The longest thing that may be a name. Mattermost allows 64 characters.
fn name_of(text: &str) -> &str {
    let end = text
        .bytes()
        .take(64)
        .take_while(|b| b.is_ascii_alphanumeric() || b"._-".contains(b))
        .count();
    &text[..end]
}

/// The name, and the name without the marks that may belong to the sentence, longest first.
fn candidates(name: &str) -> impl Iterator<Item = String> {
    let shortest = name.trim_end_matches(['.', '-', '_']).len();
    (shortest..=name.len())
        .rev()
        .filter(|length| *length > 0)
        .map(|length| name[..length].to_ascii_lowercase())
}
