//! Plain: formatted text as plain words, for whoever shows no formatting.

use super::html::{Bit, Span};

/// Lists inside each other that are indented; each level costs a blank per line.
const DEPTH: usize = 8;

/// The words in reading order: a blank line between paragraphs, `- ` before items, an address behind its label.
pub(super) fn write(bits: &[Bit]) -> String {
    let mut writer = Writer::default();
    bits.iter().for_each(|bit| writer.bit(bit));
    writer.out.trim().to_owned()
}

#[derive(Default)]
struct Writer {
    out: String,
    gap: usize,
    lists: Vec<Option<u64>>,
    /// Where the labels of open links begin.
    labels: Vec<usize>,
    item: bool,
}

impl Writer {
    fn bit(&mut self, bit: &Bit) {
        match bit {
            Bit::Open(span) => self.open(span),
            Bit::Close(span) => self.close(span),
            Bit::Text(text) | Bit::Code(text) => self.words(text),
            Bit::Break => {
                self.out.push('\n');
                self.indent();
            }
        }
    }

    fn open(&mut self, span: &Span) {
        match span {
            Span::Paragraph | Span::Heading | Span::Quote | Span::CodeBlock => self.block(),
            Span::Row => self.gap = self.gap.max(1),
            Span::List(first) => {
                self.block();
                self.lists.push(*first);
            }
            Span::Item => self.item(),
            Span::Link(_) | Span::Image(_) => {
                self.flush();
                self.labels.push(self.out.len());
            }
            Span::Strong | Span::Emphasis | Span::Strike | Span::Cell => {}
        }
    }

    fn close(&mut self, span: &Span) {
        match span {
            Span::Paragraph | Span::Heading | Span::Quote => self.block(),
            Span::CodeBlock => {
                let end = self.out.trim_end_matches('\n').len();
                self.out.truncate(end);
                self.block();
            }
            Span::Row | Span::Item => self.gap = self.gap.max(1),
            Span::List(_) => {
                self.lists.pop();
                self.block();
            }
            Span::Cell => self.words(" "),
            Span::Link(address) | Span::Image(address) => self.address(address),
            Span::Strong | Span::Emphasis | Span::Strike => {}
        }
    }

    fn words(&mut self, text: &str) {
        self.flush();
        self.out.push_str(text);
    }

    fn address(&mut self, address: &str) {
        let label = self.labels.pop().map_or("", |from| &self.out[from..]);
        let spelled = |scheme: &str| address.strip_prefix(scheme) == Some(label);
        let same = ["", "http://", "https://", "mailto:", "tel:"]
            .into_iter()
            .any(spelled);
        if label.is_empty() {
            self.words(address);
        } else if !address.is_empty() && !same {
            let address = format!(" ({address})");
            self.words(&address);
        }
    }

    fn item(&mut self) {
        self.gap = self.gap.max(1);
        self.gap();
        for _ in 1..self.lists.len().min(DEPTH) {
            self.out.push_str("  ");
        }
        let mark = match self.lists.last_mut() {
            Some(Some(number)) => {
                let mark = format!("{number}. ");
                *number = number.saturating_add(1);
                mark
            }
            _ => "- ".to_owned(),
        };
        self.out.push_str(&mark);
        self.item = true;
    }

    fn block(&mut self) {
        self.gap = self.gap.max(if self.lists.is_empty() { 2 } else { 1 });
    }

    fn flush(&mut self) {
        if std::mem::take(&mut self.item) {
            self.gap = 0;
        }
        if self.gap > 0 {
            self.gap();
            self.indent();
        }
    }

    fn gap(&mut self) {
        let wanted = std::mem::take(&mut self.gap);
        if self.out.is_empty() {
            return;
        }
        let there = self.out.len() - self.out.trim_end_matches('\n').len();
        for _ in there..wanted {
            self.out.push('\n');
        }
    }

    fn indent(&mut self) {
        for _ in 0..self.lists.len().min(DEPTH) {
            self.out.push_str("  ");
        }
    }
}
