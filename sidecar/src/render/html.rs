//! HTML and Markdown in: parsed into [`Bit`]s, whatever they were. The only file that names the two parsers.
//!
//! HTML takes two steps: [`tags`] leaves a well-nested subset of it, then it is turned into Markdown and parsed as such. So
//! there is one wall, and it stands behind the Markdown parser. Raw HTML inside Markdown is text.

mod tags;

use std::ops::Range;

use pulldown_cmark::{Event, Options, Parser, Tag};

use super::clean::clean;

/// A piece of a formatted text, in reading order.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Bit {
    Open(Span),
    Close(Span),
    Text(String),
    /// Code inside a line.
    Code(String),
    /// The end of a line inside a paragraph.
    Break,
}

#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Span {
    Paragraph,
    Heading,
    Quote,
    /// Numbered from here, or bulleted.
    List(Option<u64>),
    Item,
    CodeBlock,
    Strong,
    Emphasis,
    Strike,
    Link(String),
    Image(String),
    Row,
    Cell,
}

/// A bit and where it stands in the source.
pub(super) type Placed = (Bit, Range<usize>);

pub(super) fn from_html(text: &str) -> Vec<Bit> {
    let tidy = tags::tidy(&clean(text));
    // It can only fail where reading from memory fails.
    let markdown = htmd::convert(&tidy).unwrap_or_default();
    from_markdown(&markdown)
}

pub(super) fn from_markdown(text: &str) -> Vec<Bit> {
    placed(&clean(text))
        .into_iter()
        .map(|(bit, _)| bit)
        .collect()
}

/// The bits of a text that was cleaned, and their places in it. Adjacent text is one bit: the parser cuts at every mark it
/// considers, and a name must not be cut.
pub(super) fn placed(text: &str) -> Vec<Placed> {
    let options = Options::ENABLE_STRIKETHROUGH | Options::ENABLE_TABLES;
    let mut bits: Vec<Placed> = Vec::new();
    let mut open: Vec<Span> = Vec::new();
    for (event, range) in Parser::new_ext(text, options).into_offset_iter() {
        let bit = match event {
            Event::Start(tag) => {
                let span = opened(tag);
                open.push(span.clone());
                Bit::Open(span)
            }
            Event::End(_) => match open.pop() {
                Some(span) => Bit::Close(span),
                None => continue,
            },
            Event::Text(text) | Event::Html(text) | Event::InlineHtml(text) => {
                Bit::Text(text.into_string())
            }
            Event::Code(text) => Bit::Code(text.into_string()),
            Event::SoftBreak | Event::HardBreak => Bit::Break,
            _ => continue,
        };
        match (bits.last_mut(), bit) {
            (Some((Bit::Text(before), place)), Bit::Text(text)) => {
                before.push_str(&text);
                place.end = place.end.max(range.end);
            }
            (_, bit) => bits.push((bit, range)),
        }
    }
    bits
}

fn opened(tag: Tag<'_>) -> Span {
    match tag {
        Tag::Heading { .. } => Span::Heading,
        Tag::BlockQuote(_) => Span::Quote,
        Tag::CodeBlock(_) => Span::CodeBlock,
        Tag::List(first) => Span::List(first),
        Tag::Item => Span::Item,
        Tag::TableHead | Tag::TableRow => Span::Row,
        Tag::TableCell => Span::Cell,
        Tag::Emphasis => Span::Emphasis,
        Tag::Strong => Span::Strong,
        Tag::Strikethrough => Span::Strike,
        Tag::Link { dest_url, .. } => Span::Link(dest_url.into_string()),
        Tag::Image { dest_url, .. } => Span::Image(dest_url.into_string()),
        _ => Span::Paragraph,
    }
}
