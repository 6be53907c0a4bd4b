//! Markup: the safe subset of HTML that a visitor's page may be given.

use crate::render::html::{Bit, Span};

/// Elements inside each other; deeper ones lose their form. A browser gives up on thousands of them, and so may a widget.
const DEPTH: usize = 64;

/// The bits as HTML. Links were vetted before.
pub(super) fn write(bits: &[Bit]) -> String {
    let mut writer = Writer::default();
    bits.iter().for_each(|bit| writer.bit(bit));
    writer.out
}

#[derive(Default)]
struct Writer {
    out: String,
    /// What is open: whether each element was written.
    open: Vec<bool>,
}

impl Writer {
    fn bit(&mut self, bit: &Bit) {
        match bit {
            Bit::Open(span) => {
                let written = self.open.len() < DEPTH;
                self.open.push(written);
                if written {
                    self.start(span);
                }
            }
            Bit::Close(span) => {
                if self.open.pop() == Some(true) {
                    self.end(span);
                }
            }
            Bit::Text(text) => self.text(text),
            Bit::Code(code) => {
                self.out.push_str("<code>");
                self.text(code);
                self.out.push_str("</code>");
            }
            Bit::Break => self.out.push_str("<br>"),
        }
    }

    fn start(&mut self, span: &Span) {
        match span {
            Span::Link(to) => {
                self.out.push_str("<a href=\"");
                self.text(to);
                self.out.push_str("\">");
            }
            Span::List(Some(first)) if *first != 1 => {
                self.out.push_str(&format!("<ol start=\"{first}\">"));
            }
            span => self.out.push_str(tags(span).0),
        }
    }

    fn end(&mut self, span: &Span) {
        self.out.push_str(tags(span).1);
    }

    fn text(&mut self, text: &str) {
        for c in text.chars() {
            match c {
                '&' => self.out.push_str("&amp;"),
                '<' => self.out.push_str("&lt;"),
                '>' => self.out.push_str("&gt;"),
                '"' => self.out.push_str("&quot;"),
                '\'' => self.out.push_str("&#39;"),
                c => self.out.push(c),
            }
        }
    }
}

const fn tags(span: &Span) -> (&'static str, &'static str) {
    match span {
        Span::Paragraph | Span::Row => ("<p>", "</p>"),
        Span::Heading => ("<p><strong>", "</strong></p>"),
        Span::Quote => ("<blockquote>", "</blockquote>"),
        Span::List(None) => ("<ul>", "</ul>"),
        Span::List(Some(_)) => ("<ol>", "</ol>"),
        Span::Item => ("<li>", "</li>"),
        Span::CodeBlock => ("<pre><code>", "</code></pre>"),
        Span::Strong => ("<strong>", "</strong>"),
        Span::Emphasis => ("<em>", "</em>"),
        Span::Strike => ("<del>", "</del>"),
        Span::Link(_) => ("<a>", "</a>"),
        Span::Image(_) => ("", ""),
        Span::Cell => ("", " "),
    }
}
