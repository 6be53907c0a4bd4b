//! Rich: the subset of formatting that a text from outside may keep, written again by us.
//!
//! Kept are emphasis, lists, links and code. Headings, quotes, tables, images and lines lose their form and keep their text.

use super::{
    address::Address,
    clean::clean_line,
    html::{Bit, Span},
    ink::{Ink, Links},
    split::FENCE,
};

/// Lists inside each other; deeper ones stay at this depth. Each level indents every line, so depth is a way to fill posts.
const DEPTH: usize = 4;

/// Code inside a line, in characters. Longer code is written as text: the splitter never cuts inside code in a line.
const CODE: usize = 1_000;

/// Writes the bits in the allowed subset.
pub(super) fn write(bits: &[Bit], ink: &mut Ink) {
    let mut writer = Writer {
        ink,
        gap: Gap::None,
        lists: Vec::new(),
        labels: Vec::new(),
        code: None,
        item: false,
    };
    bits.iter().for_each(|bit| writer.bit(bit));
}

struct Writer<'a> {
    ink: &'a mut Ink,
    /// What must stand between what was written and what comes next.
    gap: Gap,
    lists: Vec<Option<u64>>,
    labels: Vec<Label>,
    /// The code block that is being read.
    code: Option<String>,
    /// The mark of an item stands there, and nothing behind it.
    item: bool,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
enum Gap {
    None,
    Line,
    Paragraph,
}

/// A link whose label is being written.
struct Label {
    destination: String,
    text: String,
    /// Where the label begins in the ink.
    from: usize,
}

impl Writer<'_> {
    fn bit(&mut self, bit: &Bit) {
        match bit {
            Bit::Open(span) => self.open(span),
            Bit::Close(span) => self.close(span),
            Bit::Text(text) => self.text(text),
            Bit::Code(code) => self.inline_code(code),
            Bit::Break => {
                self.label("\n");
                self.ink.text("\n", Links::Broken);
                self.indent(self.lists.len());
            }
        }
    }

    fn open(&mut self, span: &Span) {
        match span {
            Span::Paragraph | Span::Heading | Span::Quote => self.block(),
            Span::Row => self.want(Gap::Line),
            Span::List(first) => {
                self.block();
                self.lists.push(*first);
            }
            Span::Item => self.item(),
            Span::CodeBlock => self.code = Some(String::new()),
            Span::Strong => self.mark("**"),
            Span::Emphasis => self.mark("*"),
            Span::Link(destination) | Span::Image(destination) => {
                self.flush();
                self.labels.push(Label {
                    destination: destination.clone(),
                    text: String::new(),
                    from: self.ink.written().len(),
                });
            }
            Span::Strike | Span::Cell => {}
        }
    }

    fn close(&mut self, span: &Span) {
        match span {
            Span::Paragraph | Span::Heading | Span::Quote => self.block(),
            Span::Row | Span::Item => self.want(Gap::Line),
            Span::List(_) => {
                self.lists.pop();
                self.block();
            }
            Span::CodeBlock => self.code_block(),
            Span::Strong => self.mark("**"),
            Span::Emphasis => self.mark("*"),
            Span::Link(_) | Span::Image(_) => self.link(),
            Span::Cell => self.text(" "),
            Span::Strike => {}
        }
    }

    fn text(&mut self, text: &str) {
        if let Some(code) = &mut self.code {
            code.push_str(text);
            return;
        }
        self.flush();
        self.label(text);
        let links = if self.labels.is_empty() {
            Links::Written
        } else {
            Links::Broken
        };
        self.ink.text(text, links);
    }

    fn inline_code(&mut self, code: &str) {
        let code = clean_line(code);
        if code.chars().count() > CODE || longest_run(&code) >= FENCE || !self.labels.is_empty() {
            self.text(&code);
        } else if !code.is_empty() {
            self.flush();
            let fence = "`".repeat(longest_run(&code) + 1);
            let blank = if code.starts_with('`') || code.ends_with('`') {
                " "
            } else {
                ""
            };
            self.ink.ours(&fence);
            self.ink.ours(blank);
            self.ink.code(&code);
            self.ink.ours(blank);
            self.ink.ours(&fence);
        }
    }

    /// A fence begins at the margin, also inside a list: indented ones are read differently by every client.
    fn code_block(&mut self) {
        let code = self.code.take().unwrap_or_default();
        if longest_run(&code) >= FENCE {
            self.block();
            self.text(&code);
            self.block();
            return;
        }
        let fence = "`".repeat(longest_run(&code).max(2) + 1);
        self.want(Gap::Line);
        self.item = false;
        self.gap(0);
        self.ink.ours(&fence);
        self.ink.ours("\n");
        self.ink.code(code.trim_end_matches('\n'));
        self.ink.ours("\n");
        self.ink.ours(&fence);
        self.want(Gap::Line);
    }

    /// An item's number stands for itself: Mattermost counts on from the first.
    fn item(&mut self) {
        self.want(Gap::Line);
        self.gap(self.lists.len().saturating_sub(1));
        let mark = match self.lists.last_mut() {
            Some(Some(number)) => {
                let mark = format!("{number}. ");
                *number = number.saturating_add(1);
                mark
            }
            _ => "* ".to_owned(),
        };
        self.ink.item(&mark);
        self.item = true;
    }

    fn link(&mut self) {
        let Some(label) = self.labels.pop() else {
            return;
        };
        let Some(address) = Address::parse(&label.destination) else {
            return;
        };
        let text = label.text.trim();
        if text.is_empty() || Address::parse(text).as_ref() == Some(&address) {
            self.ink.truncate(label.from);
        } else {
            self.ink.text(" ", Links::Broken);
        }
        // Inside another label (an image in a link) there is one link only, the outer one.
        if self.labels.is_empty() {
            self.ink.link(&address);
        }
    }

    fn label(&mut self, text: &str) {
        for label in &mut self.labels {
            label.text.push_str(text);
        }
    }

    fn mark(&mut self, mark: &str) {
        if self.labels.is_empty() {
            self.flush();
            self.ink.ours(mark);
        }
    }

    fn block(&mut self) {
        let gap = if self.lists.is_empty() {
            Gap::Paragraph
        } else {
            Gap::Line
        };
        self.want(gap);
    }

    fn want(&mut self, gap: Gap) {
        self.gap = self.gap.max(gap);
    }

    /// Before anything that a reader sees.
    fn flush(&mut self) {
        if std::mem::take(&mut self.item) {
            // Behind the mark of an item its text follows on the same line.
            self.gap = Gap::None;
        }
        self.gap(self.lists.len());
    }

    fn gap(&mut self, depth: usize) {
        let gap = std::mem::replace(&mut self.gap, Gap::None);
        let written = self.ink.written();
        if gap == Gap::None || written.is_empty() {
            return;
        }
        let wanted: usize = if gap == Gap::Paragraph { 2 } else { 1 };
        let there = written.len() - written.trim_end_matches('\n').len();
        self.ink.ours(&"\n".repeat(wanted.saturating_sub(there)));
        self.indent(depth);
    }

    fn indent(&mut self, depth: usize) {
        let blanks = "    ".repeat(depth.min(DEPTH));
        if !blanks.is_empty() {
            self.ink.item(&blanks);
        }
    }
}

fn longest_run(code: &str) -> usize {
    code.split(|c| c != '`').map(str::len).max().unwrap_or(0)
}
