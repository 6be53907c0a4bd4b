//! Ink: the one place where characters from outside are written into Markdown.
//!
//! What a character may do depends on what stands before it *in the post*, not in the text it came from: `x**@all**` notifies
//! everybody although the text was `x@all`. So the rules look at what was written last. Marks of our own (a list's star, a
//! fence) go through [`Ink::ours`], addresses through [`Ink::link`].

use super::{
    address::{self, Address},
    clean::{JOINER, clean},
};

/// Markdown in the making. See the module.
#[derive(Debug, Default)]
pub(super) struct Ink {
    out: String,
    line: Line,
}

/// What stands in the line so far, for marks that mean something only at its start.
#[derive(Debug, Default, Clone, Copy, PartialEq, Eq)]
enum Line {
    #[default]
    Start,
    /// Blanks, or a mark of ours after which a line begins anew.
    Blank,
    /// `12`: a full stop would make it the item of a list.
    Digits,
    Text,
}

/// What becomes of an address in a text.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Links {
    /// `[address](address)`.
    Written,
    /// Readable, but no link: inside a name or a label.
    Broken,
}

/// The longest address that becomes a link in a text, in code points. Written, it takes twice that and four, and the
/// smallest post any server takes (4,000) must hold it beside a sender's line.
const LINKED: usize = 1_400;

impl Ink {
    /// Text from outside: every mark of Markdown loses its meaning.
    pub(super) fn text(&mut self, text: &str, links: Links) {
        let text = clean(text);
        let mut rest: &str = &text;
        while let Some(c) = rest.chars().next() {
            if matches!(c, 'h' | 'H' | 'w' | 'W')
                && let Some(end) = address::length(rest, self.last())
            {
                self.address(&rest[..end], links);
                rest = &rest[end..];
                continue;
            }
            rest = &rest[c.len_utf8()..];
            self.escaped(c, rest);
        }
    }

    /// Text for a place that shows no Markdown: a footer, a title, a notice on a phone. No backslash, which would be seen.
    pub(super) fn bare(&mut self, text: &str) {
        clean(text).chars().for_each(|c| self.safe(c));
    }

    /// The inside of code. Nothing in it means anything to Markdown; mentions are broken all the same, for parsers differ.
    pub(super) fn code(&mut self, text: &str) {
        self.bare(text);
    }

    /// Marks and words of our own.
    pub(super) fn ours(&mut self, marks: &str) {
        self.out.push_str(marks);
        if !marks.is_empty() {
            self.line = if marks.ends_with('\n') {
                Line::Start
            } else {
                Line::Text
            };
        }
    }

    /// A mark of our own after which a line begins anew: `* `.
    pub(super) fn item(&mut self, mark: &str) {
        self.out.push_str(mark);
        self.line = Line::Blank;
    }

    /// `[address](address)`: Mattermost never fetches it (seen on 9.11 and 11.6), people can click it, and it cannot lie.
    pub(super) fn link(&mut self, address: &Address) {
        if self.last() == Some('!') {
            self.out.push(JOINER);
        }
        let address = address.as_str();
        self.ours(&format!("[{address}]({address})"));
    }

    pub(super) fn last(&self) -> Option<char> {
        self.out.chars().next_back()
    }

    pub(super) fn written(&self) -> &str {
        &self.out
    }

    pub(super) fn into_string(self) -> String {
        self.out
    }

    /// Takes back what was written after `length` bytes.
    pub(super) fn truncate(&mut self, length: usize) {
        self.out.truncate(length);
    }

    fn address(&mut self, text: &str, links: Links) {
        let short = |address: &Address| address.as_str().chars().count() <= LINKED;
        let address = (links == Links::Written).then(|| Address::parse(text).filter(short));
        if let Some(Some(address)) = address {
            self.link(&address);
            return;
        }
        let mut rest = text;
        while let Some(c) = rest.chars().next() {
            if address::www(rest).is_some() {
                rest[..3].chars().for_each(|c| self.safe(c));
                self.out.push(JOINER);
                rest = &rest[3..];
                continue;
            }
            rest = &rest[c.len_utf8()..];
            self.escaped(c, rest);
        }
    }

    /// One character of a text. `rest` is what follows it.
    fn escaped(&mut self, c: char, rest: &str) {
        match c {
            '\\' | '`' | '*' | '_' | '[' | ']' | '|' => {
                if c == '[' && self.last() == Some('!') {
                    self.out.push(JOINER);
                }
                self.out.push('\\');
                self.safe(c);
            }
            '#' | '>' | '-' | '+' if self.starting() => {
                self.out.push('\\');
                self.safe(c);
            }
            // Not every client knows the backslash before this one, so the line begins with something else.
            '=' if self.starting() => {
                self.out.push(JOINER);
                self.safe(c);
            }
            '.' | ')' if self.line == Line::Digits => {
                self.out.push('\\');
                self.safe(c);
            }
            // Four blanks or a tab would make the line code.
            ' ' | '\t' if self.line == Line::Start && indents(c, rest) => {
                self.out.push(JOINER);
                self.safe(c);
                self.line = Line::Blank;
            }
            ':' if rest.starts_with("//") || self.after_scheme() => {
                self.safe(c);
                self.out.push(JOINER);
            }
            // A tag or `<scheme:…>`: inside it backslashes would be seen, and the latter is a link.
            '<' if rest
                .starts_with(|c: char| c.is_ascii_alphabetic() || matches!(c, '/' | '!' | '?')) =>
            {
                self.safe(c);
                self.out.push(JOINER);
            }
            c => self.safe(c),
        }
        // A hashtag of a visitor's would stand among our own when somebody searches for one.
        if c == '#' && rest.chars().next().is_some_and(char::is_alphabetic) {
            self.out.push(JOINER);
        }
    }

    /// One character, so that it can neither mention nor show nor become another one.
    fn safe(&mut self, c: char) {
        let last = self.last();
        if last == Some('&') && (c == '#' || c.is_alphabetic()) {
            self.out.push(JOINER);
        }
        if last == Some('!') && c == '[' {
            self.out.push(JOINER);
        }
        self.out.push(c);
        // Directly after an ASCII letter or digit an `@` mentions nobody, and an e-mail address can still be copied.
        let mentions = c == '@' && !last.is_some_and(|last| last.is_ascii_alphanumeric());
        if mentions || c == '~' {
            self.out.push(JOINER);
        }
        self.line = match (self.line, c) {
            (_, '\n') => Line::Start,
            (Line::Start | Line::Blank, ' ' | '\t') => Line::Blank,
            (Line::Start | Line::Blank | Line::Digits, '0'..='9') => Line::Digits,
            _ => Line::Text,
        };
    }

    fn starting(&self) -> bool {
        matches!(self.line, Line::Start | Line::Blank)
    }

    /// Whether the word just written makes a colon into a link that opens a program.
    fn after_scheme(&self) -> bool {
        let word = self
            .out
            .rsplit(|c: char| !c.is_ascii_alphabetic())
            .next()
            .unwrap_or_default();
        ["mailto", "tel", "javascript", "data"]
            .iter()
            .any(|scheme| word.eq_ignore_ascii_case(scheme))
    }
}

fn indents(c: char, rest: &str) -> bool {
    let blanks = rest.chars().take_while(|c| *c == ' ').count();
    c == '\t' || blanks >= 3 || rest[blanks..].starts_with('\t')
}

/// Where `mark` stands in Markdown of ours without a backslash before it.
pub(super) fn unescaped(text: &str, mark: &str) -> Option<usize> {
    let mut escaped = false;
    for (at, c) in text.char_indices() {
        if !escaped && text[at..].starts_with(mark) {
            return Some(at);
        }
        escaped = c == '\\' && !escaped;
    }
    None
}
