//! Tags: what is left of HTML before it is parsed.
//!
//! The parser behind this and the walk through its tree follow the nesting of the input, so 200,000 open elements in 1 MiB
//! would end the process. Hence this pass: it reads the input once, keeps a list of harmless elements with at most one
//! attribute that matters, closes what it opened in the right order and nests no deeper than [`DEPTH`].

/// Elements inside each other. Deeper ones lose their formatting, not their text.
const DEPTH: usize = 24;

/// The input with only harmless, well-nested elements. Entities stay as they are.
pub(super) fn tidy(html: &str) -> String {
    let mut tidy = Tidy::default();
    let mut rest = html;
    while let Some(at) = rest.find('<') {
        tidy.text(&rest[..at]);
        rest = &rest[at..];
        rest = match Mark::read(rest) {
            Some((mark, after)) => tidy.mark(&mark, after),
            None => {
                tidy.out.push_str("&lt;");
                &rest[1..]
            }
        };
    }
    tidy.text(rest);
    tidy.close_from(0);
    tidy.out
}

/// Something that begins with `<`.
enum Mark<'a> {
    /// A comment, a declaration or a processing instruction.
    Nothing,
    Open {
        name: String,
        attributes: &'a str,
    },
    Close {
        name: String,
    },
}

impl<'a> Mark<'a> {
    /// Nothing when the `<` is only a sign, as in `3 < 4`. Also what follows.
    fn read(text: &'a str) -> Option<(Self, &'a str)> {
        let inner = &text[1..];
        if let Some(comment) = inner.strip_prefix("!--") {
            let after = comment.find("-->").map_or("", |at| &comment[at + 3..]);
            return Some((Self::Nothing, after));
        }
        if inner.starts_with(['!', '?']) {
            return Some((Self::Nothing, after_tag(inner)));
        }
        let (closes, named) = match inner.strip_prefix('/') {
            Some(named) => (true, named),
            None => (false, inner),
        };
        if !named.starts_with(|c: char| c.is_ascii_alphabetic()) {
            return None;
        }
        let end = named
            .find(|c: char| c.is_whitespace() || matches!(c, '>' | '/'))
            .unwrap_or(named.len());
        let name = named[..end].to_ascii_lowercase();
        let after = after_tag(&named[end..]);
        let attributes = &named[end..named.len() - after.len()];
        let mark = if closes {
            Self::Close { name }
        } else {
            Self::Open { name, attributes }
        };
        Some((mark, after))
    }
}

/// What follows the `>` that ends a tag; quoted values may hold others.
fn after_tag(text: &str) -> &str {
    let mut quote = None;
    for (at, c) in text.char_indices() {
        match quote {
            Some(open) if open == c => quote = None,
            Some(_) => {}
            None if matches!(c, '"' | '\'') => quote = Some(c),
            None if c == '>' => return &text[at + 1..],
            None => {}
        }
    }
    // A quote that never ends: the first `>` will do.
    text.find('>').map_or("", |at| &text[at + 1..])
}

#[derive(Default)]
struct Tidy {
    out: String,
    open: Vec<&'static str>,
}

impl Tidy {
    /// Takes one mark in; gives back where to read on.
    fn mark<'a>(&mut self, mark: &Mark<'_>, after: &'a str) -> &'a str {
        match mark {
            Mark::Nothing => after,
            Mark::Close { name } => {
                self.close(name);
                after
            }
            Mark::Open { name, .. } if HIDDEN.contains(&name.as_str()) => after_close(after, name),
            Mark::Open { name, attributes } => {
                self.open(name, attributes);
                after
            }
        }
    }

    /// Entities are decoded twice, as HTML and as Markdown, except in code. An escaped ampersand must survive both.
    fn text(&mut self, text: &str) {
        if self.in_code() {
            self.out.push_str(text);
        } else {
            self.out.push_str(&text.replace("&amp;", "&amp;amp;"));
        }
    }

    fn in_code(&self) -> bool {
        matches!(self.open.last(), Some(&"pre" | &"code"))
    }

    fn open(&mut self, name: &str, attributes: &str) {
        if self.in_code() {
            if name == "br" {
                self.out.push('\n');
            }
            return;
        }
        match name {
            "br" => self.out.push_str("<br>"),
            "td" | "th" => self.out.push(' '),
            "img" => self.image(attributes),
            _ => {
                if let Some(element) = ELEMENTS.iter().find(|element| element.is(name)) {
                    self.element(element, attributes);
                }
            }
        }
    }

    fn element(&mut self, element: &Element, attributes: &str) {
        if element.block
            && let Some(at) = self.open.iter().position(|open| *open == "p")
        {
            self.close_from(at);
        }
        if element.name == "li"
            && let Some(at) = self.open.iter().rposition(|open| *open == "li")
            && !self.open[at..]
                .iter()
                .any(|open| matches!(*open, "ul" | "ol"))
        {
            self.close_from(at);
        }
        let nested = element.name == "a" && self.open.contains(&"a");
        if nested || self.open.len() >= DEPTH {
            return;
        }
        match element.name {
            "pre" => self.out.push_str("<pre><code>"),
            "a" => {
                let href = attribute(attributes, "href").unwrap_or_default();
                self.out.push_str(&format!("<a href=\"{}\">", quoted(href)));
            }
            name => self.out.push_str(&format!("<{name}>")),
        }
        self.open.push(element.name);
    }

    fn image(&mut self, attributes: &str) {
        let source = attribute(attributes, "src").unwrap_or_default();
        let alternative = attribute(attributes, "alt").unwrap_or_default();
        self.out.push_str(&format!(
            "<img src=\"{}\" alt=\"{}\">",
            quoted(source),
            quoted(alternative)
        ));
    }

    fn close(&mut self, name: &str) {
        if matches!(name, "tr" | "table") {
            self.out.push_str("<br>");
        }
        let Some(element) = ELEMENTS.iter().find(|element| element.is(name)) else {
            return;
        };
        if let Some(at) = self.open.iter().rposition(|open| *open == element.name) {
            self.close_from(at);
        }
    }

    fn close_from(&mut self, at: usize) {
        while self.open.len() > at {
            match self.open.pop() {
                Some("pre") => self.out.push_str("</code></pre>"),
                Some(name) => self.out.push_str(&format!("</{name}>")),
                None => break,
            }
        }
    }
}

/// Elements whose content is nobody's text.
const HIDDEN: [&str; 14] = [
    "script", "style", "title", "template", "iframe", "object", "svg", "math", "textarea",
    "select", "xmp", "noembed", "noframes", "noscript",
];

struct Element {
    /// What it is written as.
    name: &'static str,
    /// What else is written so.
    alias: &'static str,
    block: bool,
}

impl Element {
    const fn new(name: &'static str, alias: &'static str, block: bool) -> Self {
        Self { name, alias, block }
    }

    fn is(&self, name: &str) -> bool {
        self.name == name || self.alias == name
    }
}

const ELEMENTS: [Element; 17] = [
    Element::new("p", "", true),
    Element::new("div", "section", true),
    Element::new("h1", "", true),
    Element::new("h2", "", true),
    Element::new("h3", "", true),
    Element::new("h4", "", true),
    Element::new("h5", "", true),
    Element::new("h6", "", true),
    Element::new("blockquote", "", true),
    Element::new("ul", "menu", true),
    Element::new("ol", "", true),
    Element::new("li", "", true),
    Element::new("pre", "", true),
    Element::new("strong", "b", false),
    Element::new("em", "i", false),
    Element::new("code", "tt", false),
    Element::new("a", "", false),
];

/// What follows the end of a hidden element; the whole rest is hidden when it never ends.
fn after_close<'a>(text: &'a str, name: &str) -> &'a str {
    let mut rest = text;
    while let Some(at) = rest.find("</") {
        let named = &rest[at + 2..];
        rest = named;
        let found = named
            .get(..name.len())
            .is_some_and(|found| found.eq_ignore_ascii_case(name));
        if found && !named[name.len()..].starts_with(|c: char| c.is_ascii_alphanumeric()) {
            return after_tag(named);
        }
    }
    ""
}

/// The value of the first attribute of this name, as it stands there.
fn attribute<'a>(attributes: &'a str, wanted: &str) -> Option<&'a str> {
    let blank = |c: char| c.is_whitespace() || c == '/';
    let mut rest = attributes.trim_start_matches(blank);
    while !rest.is_empty() && !rest.starts_with('>') {
        let end = rest
            .find(|c: char| blank(c) || matches!(c, '=' | '>'))
            .unwrap_or(rest.len());
        let name = &rest[..end];
        let after = rest[end..].trim_start();
        let (value, after) = match after.strip_prefix('=') {
            Some(after) => value(after.trim_start()),
            None => ("", after),
        };
        if name.eq_ignore_ascii_case(wanted) {
            return Some(value);
        }
        // A lone `=` has no name; without this step it would be read for ever.
        let after = if end == 0 && after.len() == rest.len() {
            &after[1..]
        } else {
            after
        };
        rest = after.trim_start_matches(blank);
    }
    None
}

fn value(text: &str) -> (&str, &str) {
    let quote = text.chars().next().filter(|c| matches!(c, '"' | '\''));
    match quote {
        Some(quote) => {
            let inner = &text[1..];
            match inner.split_once(quote) {
                Some((value, after)) => (value, after),
                None => (inner, ""),
            }
        }
        None => {
            let end = text
                .find(|c: char| c.is_whitespace() || c == '>')
                .unwrap_or(text.len());
            text.split_at(end)
        }
    }
}

fn quoted(value: &str) -> String {
    value
        .replace('"', "&quot;")
        .replace('<', "&lt;")
        .replace('>', "&gt;")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_harmless_elements_are_left_and_closed_in_order() {
        for (name, html, wanted) in [
            ("plain", "3 < 4 & 5 > 2", "3 &lt; 4 & 5 > 2"),
            (
                "aliases",
                "<B>x</b> <i>y</I>",
                "<strong>x</strong> <em>y</em>",
            ),
            (
                "scripts",
                "a<script>if (a</b) alert('</p>')</script >b<STYLE>p{}</style>c",
                "abc",
            ),
            ("a script without end", "a<script>alert(1)", "a"),
            (
                "ampersands",
                "&amp;copy; &lt;<code>&amp;copy;</code>",
                "&amp;amp;copy; &lt;<code>&amp;copy;</code>",
            ),
            ("comments", "a<!-- <b> -->b<!DOCTYPE x>c<?php d ?>e", "abce"),
            ("a comment without end", "a<!-- b", "a"),
            (
                "crossed",
                "<b><i>x</b>y</i>",
                "<strong><em>x</em></strong>y",
            ),
            (
                "unclosed",
                "<ul><li>a<li>b",
                "<ul><li>a</li><li>b</li></ul>",
            ),
            ("paragraphs", "<p>a<p>b", "<p>a</p><p>b</p>"),
            (
                "attributes",
                "<a onclick='x()' href = 'https://a.nl/?a=1&amp;b=\"2\"'  style=x>l</a>",
                "<a href=\"https://a.nl/?a=1&amp;b=&quot;2&quot;\">l</a>",
            ),
            (
                "a lone equals sign",
                "<a = = href=x>l</a>",
                "<a href=\"x\">l</a>",
            ),
            (
                "code",
                "<pre>a <b>b</b><br>c</pre>",
                "<pre><code>a b\nc</code></pre>",
            ),
            (
                "tables",
                "<table><tr><td>a<td>b</tr></table>",
                " a b<br><br>",
            ),
            (
                "unknown",
                "<font color=red>x</font><object data=y>z</object>",
                "x",
            ),
        ] {
            assert_eq!(tidy(html), wanted, "{name}");
        }
    }

    #[test]
    fn nothing_nests_deeper_than_the_limit() {
        let html = "<div>".repeat(100_000) + "x";
        let tidy = tidy(&html);
        assert_eq!(tidy.matches("<div>").count(), DEPTH);
        assert_eq!(tidy.matches("</div>").count(), DEPTH);
    }
}
