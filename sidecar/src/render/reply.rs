//! The way back: a reply of the team in the words a visitor can use.
//!
//! Mentions and channel links become names, addresses of the Mattermost site are left out (nobody outside can open them),
//! custom emoji stay `:name:`. Raw HTML is text; of links only http, https, mailto and tel are left.

mod markup;
mod readable;

use std::{collections::HashMap, ops::Range};

use url::Url;

use super::{
    clean::clean,
    html::{self, Bit, Placed, Span},
    plain,
};
use readable::Piece;

/// What is known of the names in a reply, looked up beforehand. Names that are not in here stay as they were written.
#[derive(Debug, Clone, Copy)]
pub struct Directory<'a> {
    /// Display names by user name, in lower case.
    pub people: &'a HashMap<String, String>,
    /// Display names by channel name, in lower case.
    pub channels: &'a HashMap<String, String>,
    /// Where people open Mattermost; its addresses are inner ones.
    pub site_url: Option<&'a str>,
}

/// A reply, three times.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Reply {
    /// Markdown as written, with names made readable and inner addresses left out.
    pub text: String,
    pub text_plain: String,
    /// Elements `p br strong em del a ul ol li code pre blockquote`, attributes `href` and `start`.
    pub html: String,
    /// Whether an inner address was left out, so that the author can be told.
    pub link_removed: bool,
}

/// The user and channel names that a reply mentions, in lower case, for looking them up: what stands behind `@` and `~`.
/// Whether they exist decides the look-up; trailing `.-_` may belong to the sentence.
#[must_use]
pub fn names(markdown: &str) -> (Vec<String>, Vec<String>) {
    let source = clean(markdown);
    let mut found = (Vec::new(), Vec::new());
    let mut code = false;
    for (bit, _) in html::placed(&source) {
        match bit {
            Bit::Open(Span::CodeBlock) => code = true,
            Bit::Close(Span::CodeBlock) => code = false,
            Bit::Text(text) if !code => readable::names(&text, &mut found),
            _ => {}
        }
    }
    for names in [&mut found.0, &mut found.1] {
        names.sort_unstable();
        names.dedup();
    }
    found
}

/// The reply in words for the visitor.
#[must_use]
pub fn reply(markdown: &str, directory: &Directory<'_>) -> Reply {
    let source = clean(markdown);
    let placed = html::placed(&source);
    let mut pass = Pass {
        source: &source,
        directory,
        bits: Vec::new(),
        edits: Vec::new(),
        links: Vec::new(),
        code: false,
        removed: false,
    };
    for at in 0..placed.len() {
        pass.take(&placed, at);
    }
    Reply {
        text: edited(&source, pass.edits),
        text_plain: plain::write(&pass.bits),
        html: markup::write(&pass.bits),
        link_removed: pass.removed,
    }
}

struct Pass<'a> {
    source: &'a str,
    directory: &'a Directory<'a>,
    /// What is left, readable.
    bits: Vec<Bit>,
    /// What changes in the source, in its order.
    edits: Vec<(Range<usize>, String)>,
    /// The links and pictures around what is read.
    links: Vec<Link>,
    code: bool,
    removed: bool,
}

/// What becomes of a link or a picture.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Link {
    Kept,
    /// Its label stays, its address goes.
    Unwrapped,
    /// A picture in a link: the outer link counts.
    Swallowed,
}

impl Pass<'_> {
    fn take(&mut self, placed: &[Placed], at: usize) {
        let (bit, place) = &placed[at];
        match bit {
            Bit::Open(Span::Link(to) | Span::Image(to)) => {
                self.link(to, place.start..inner_start(placed, at));
            }
            Bit::Close(Span::Link(_) | Span::Image(_)) => {
                self.link_ends(inner_end(placed, at)..place.end);
            }
            Bit::Text(text) if !self.code => self.text(text, place),
            bit => {
                match bit {
                    Bit::Open(Span::CodeBlock) => self.code = true,
                    Bit::Close(Span::CodeBlock) => self.code = false,
                    _ => {}
                }
                self.bits.push(bit.clone());
            }
        }
    }

    /// `before` is what stands in front of the label.
    fn link(&mut self, to: &str, before: Range<usize>) {
        let inner = is_inner(to, self.directory.site_url);
        self.removed |= inner;
        match vetted(to).filter(|_| !inner) {
            Some(_) if self.links.contains(&Link::Kept) => self.links.push(Link::Swallowed),
            Some(address) => {
                self.links.push(Link::Kept);
                self.bits.push(Bit::Open(Span::Link(address)));
            }
            None => {
                self.links.push(Link::Unwrapped);
                self.edits.push((before, String::new()));
            }
        }
    }

    /// `after` is what stands behind the label.
    fn link_ends(&mut self, after: Range<usize>) {
        match self.links.pop() {
            Some(Link::Kept) => {
                let open = self.bits.iter().rev().find_map(|bit| match bit {
                    Bit::Open(Span::Link(to)) => Some(to.clone()),
                    _ => None,
                });
                let to = open.unwrap_or_default();
                if matches!(self.bits.last(), Some(Bit::Open(Span::Link(_)))) {
                    self.bits.push(Bit::Text(to.clone()));
                }
                self.bits.push(Bit::Close(Span::Link(to)));
            }
            Some(Link::Unwrapped) => self.edits.push((after, String::new())),
            Some(Link::Swallowed) | None => {}
        }
    }

    fn text(&mut self, text: &str, place: &Range<usize>) {
        let linked = self.links.contains(&Link::Kept);
        for piece in readable::pieces(text, self.directory) {
            match piece {
                Piece::Words(words) | Piece::Name(words) => self.bits.push(Bit::Text(words)),
                Piece::Inner => self.removed = true,
                Piece::Address(address) => match vetted(&address).filter(|_| !linked) {
                    Some(to) => self.bits.extend([
                        Bit::Open(Span::Link(to.clone())),
                        Bit::Text(address),
                        Bit::Close(Span::Link(to)),
                    ]),
                    None => self.bits.push(Bit::Text(address)),
                },
            }
        }
        let written = &self.source[place.clone()];
        let rewritten = readable::in_source(written, self.directory);
        if rewritten != written {
            self.edits.push((place.clone(), rewritten));
        }
    }
}

fn inner_start(placed: &[Placed], at: usize) -> usize {
    match placed.get(at + 1) {
        Some((Bit::Close(Span::Link(_) | Span::Image(_)), place)) => place.end,
        Some((_, place)) => place.start,
        None => placed[at].1.end,
    }
}

fn inner_end(placed: &[Placed], at: usize) -> usize {
    match at.checked_sub(1).and_then(|before| placed.get(before)) {
        Some((Bit::Open(Span::Link(_) | Span::Image(_)), _)) | None => placed[at].1.end,
        Some((_, place)) => place.end,
    }
}

fn edited(source: &str, edits: Vec<(Range<usize>, String)>) -> String {
    let mut out = String::with_capacity(source.len());
    let mut from = 0;
    for (place, text) in edits {
        if place.start < from {
            continue;
        }
        out.push_str(&source[from..place.start]);
        out.push_str(&text);
        from = place.end;
    }
    out.push_str(&source[from..]);
    out
}

/// An address a visitor's browser may be given, as it was written.
fn vetted(address: &str) -> Option<String> {
    let address = address.trim();
    if address.chars().any(|c| c.is_whitespace() || c.is_control()) {
        return None;
    }
    let spelled = if super::address::www(address).is_some() {
        format!("http://{address}")
    } else {
        address.to_owned()
    };
    let url = Url::parse(&spelled).ok()?;
    let fine = match url.scheme() {
        "http" | "https" => url.has_host() && spelled.contains("://"),
        "mailto" | "tel" => true,
        _ => false,
    };
    fine.then_some(spelled)
}

/// Whether only the team can open it: an address below the site's, whatever its scheme, or a path on it.
fn is_inner(address: &str, site_url: Option<&str>) -> bool {
    let address = address.trim();
    if address.starts_with('/') && !address.starts_with("//") {
        return true;
    }
    if address
        .get(..13)
        .is_some_and(|start| start.eq_ignore_ascii_case("mattermost://"))
    {
        return true;
    }
    let Some(site) = site_url.and_then(|site| Url::parse(site).ok()) else {
        return false;
    };
    let spelled = match address.strip_prefix("//") {
        Some(rest) => format!("https://{rest}"),
        None if super::address::www(address).is_some() => format!("http://{address}"),
        None => address.to_owned(),
    };
    let Ok(url) = Url::parse(&spelled) else {
        return false;
    };
    let root = site.path().trim_end_matches('/');
    let below = url
        .path()
        .strip_prefix(root)
        .is_some_and(|rest| rest.is_empty() || rest.starts_with('/'));
    matches!(url.scheme(), "http" | "https")
        && url.host_str() == site.host_str()
        && url.port() == site.port()
        && below
}

#[cfg(test)]
mod tests {
    use super::*;

    fn said(markdown: &str) -> Reply {
        let people = HashMap::from([
            ("anna".to_owned(), "Anna de Boer".to_owned()),
            ("j.p_k".to_owned(), "Jan_Piet *K*".to_owned()),
        ]);
        let channels = HashMap::from([("town-square".to_owned(), "Plein".to_owned())]);
        let directory = Directory {
            people: &people,
            channels: &channels,
            site_url: Some("https://chat.bowling.nl/mm"),
        };
        reply(markdown, &directory)
    }

    #[test]
    fn a_reply_is_said_three_times_the_same() {
        for (name, markdown, text, plain, html) in [
            (
                "words",
                "Hoi **Sanne**",
                "Hoi **Sanne**",
                "Hoi Sanne",
                "<p>Hoi <strong>Sanne</strong></p>",
            ),
            (
                "lines",
                "a\nb\n\nc",
                "a\nb\n\nc",
                "a\nb\n\nc",
                "<p>a<br>b</p><p>c</p>",
            ),
            (
                "mention",
                "Vraag @Anna. of @nobody",
                "Vraag Anna de Boer. of @nobody",
                "Vraag Anna de Boer. of @nobody",
                "<p>Vraag Anna de Boer. of @nobody</p>",
            ),
            (
                "marks in a name",
                "@j.p_k",
                "Jan\\_Piet \\*K\\*",
                "Jan_Piet *K*",
                "<p>Jan_Piet *K*</p>",
            ),
            (
                "mention in code",
                "`@anna`",
                "`@anna`",
                "@anna",
                "<p><code>@anna</code></p>",
            ),
            (
                "e-mail",
                "info@anna",
                "info@anna",
                "info@anna",
                "<p>info@anna</p>",
            ),
            (
                "channel",
                "zie ~town-square!",
                "zie Plein!",
                "zie Plein!",
                "<p>zie Plein!</p>",
            ),
            (
                "emoji",
                "ok :bowling_pin:",
                "ok :bowling_pin:",
                "ok :bowling_pin:",
                "<p>ok :bowling_pin:</p>",
            ),
            (
                "list",
                "1. a\n2. b\n   - c",
                "1. a\n2. b\n   - c",
                "1. a\n2. b\n  - c",
                "<ol><li>a</li><li>b<ul><li>c</li></ul></li></ol>",
            ),
            (
                "code",
                "```sh\na <b>\n```",
                "```sh\na <b>\n```",
                "a <b>",
                "<pre><code>a <b>\n</code></pre>",
            ),
            (
                "link",
                "[prijzen](https://a.nl/?a=1&b=2)",
                "[prijzen](https://a.nl/?a=1&b=2)",
                "prijzen (https://a.nl/?a=1&b=2)",
                "<p><a href=\"https://a.nl/?a=1&amp;b=2\">prijzen</a></p>",
            ),
            (
                "label and end of the address alike",
                "[l](https://a.nl/l)",
                "[l](https://a.nl/l)",
                "l (https://a.nl/l)",
                "<p><a href=\"https://a.nl/l\">l</a></p>",
            ),
            (
                "bare link",
                "zie https://a.nl/x_y.",
                "zie https://a.nl/x_y.",
                "zie https://a.nl/x_y.",
                "<p>zie <a href=\"https://a.nl/x_y\">https://a.nl/x_y</a>.</p>",
            ),
            (
                "picture",
                "![kaart](https://a.nl/k.png)",
                "![kaart](https://a.nl/k.png)",
                "kaart (https://a.nl/k.png)",
                "<p><a href=\"https://a.nl/k.png\">kaart</a></p>",
            ),
            (
                "heading and quote",
                "# a\n> b",
                "# a\n> b",
                "a\n\nb",
                "<p><strong>a</strong></p><blockquote><p>b</p></blockquote>",
            ),
            ("joiner", "a\u{2060}b", "ab", "ab", "<p>ab</p>"),
            (
                "escaped",
                "\\*a\\* \\@anna",
                "\\*a\\* Anna de Boer",
                "*a* Anna de Boer",
                "<p>*a* Anna de Boer</p>",
            ),
        ] {
            let html = html.replace("<code>a <b>", "<code>a &lt;b&gt;");
            let said = said(markdown);
            assert_eq!(said.text, text, "{name}");
            assert_eq!(said.text_plain, plain, "{name}");
            assert_eq!(said.html, html, "{name}");
            assert!(!said.link_removed, "{name}");
        }
    }

    #[test]
    fn addresses_that_only_the_team_can_open_are_left_out() {
        for (markdown, text, plain) in [
            (
                "zie https://chat.bowling.nl/mm/team/pl/abc graag",
                "zie  graag",
                "zie  graag",
            ),
            (
                "[dit](https://chat.bowling.nl/mm/pl/abc) en",
                "dit en",
                "dit en",
            ),
            ("<http://CHAT.bowling.nl/mm/x>", "", ""),
            ("[**dit**](/team/channels/x)", "**dit**", "dit"),
            ("![f](https://chat.bowling.nl/mm/api/v4/files/x)", "f", "f"),
            (
                "[![f](https://chat.bowling.nl/mm/f)](https://a.nl)",
                "[f](https://a.nl)",
                "f (https://a.nl)",
            ),
            ("[x](mattermost://chat.bowling.nl/mm)", "x", "x"),
        ] {
            let said = said(markdown);
            assert_eq!(
                (said.text.as_str(), said.text_plain.as_str()),
                (text, plain),
                "{markdown}"
            );
            assert!(said.link_removed, "{markdown}");
            assert!(
                !said.html.to_lowercase().contains("chat.bowling"),
                "{}",
                said.html
            );
        }
        for outer in [
            "https://chat.bowling.nl/mmx",
            "https://chat.bowling.nl:8443/mm",
            "https://bowling.nl/mm",
        ] {
            assert!(!said(outer).link_removed, "{outer}");
        }
    }

    #[test]
    fn hostile_markdown_stays_words() {
        for (name, markdown) in [
            ("element", "<script>alert(1)</script>"),
            ("element in a line", "a <img src=x onerror=alert(1)> b"),
            ("script link", "[x](javascript:alert(1))"),
            ("spelled otherwise", "[x](JaVaScRiPt&colon;alert(1))"),
            ("with a tab", "[x](java\tscript:alert(1))"),
            ("data link", "[x](data:text/html;base64,PHNjcmlwdD4=)"),
            ("autolink", "<javascript:alert(1)>"),
            ("quote in a link", "[x](https://a.nl/\"onclick=alert(1))"),
            ("picture", "![x](javascript:alert(1))"),
            ("nested", "[![x](javascript:a)](data:b)"),
            ("entities", "&lt;script&gt;alert(1)&lt;/script&gt;"),
            ("reference", "[x]\n\n[x]: javascript:alert(1)"),
        ] {
            let html = said(markdown).html;
            let tags: Vec<&str> = html
                .split('<')
                .skip(1)
                .map(|tag| tag.split('>').next().unwrap())
                .collect();
            for tag in tags {
                let harmless = ["p", "/p", "a", "/a"].contains(&tag.split(' ').next().unwrap());
                assert!(harmless, "{name}: <{tag}>");
                if let Some(attributes) = tag.strip_prefix("a ") {
                    assert!(
                        attributes.starts_with("href=\"https://")
                            && attributes.matches('"').count() == 2,
                        "{name}: {tag}"
                    );
                }
            }
        }
    }

    #[test]
    fn deep_nesting_costs_form_but_no_words() {
        let deep = format!("{}einde", "> ".repeat(2_000));
        let said = said(&deep);
        assert!(said.html.contains("einde") && said.text_plain == "einde");
        assert!(said.html.matches("<blockquote>").count() <= 64);
    }

    #[test]
    fn the_names_to_look_up_are_those_outside_code() {
        let (people, channels) = names("@Anna. ~Plein `@code` a@b.nl\n```\n@block\n``` @anna");
        assert_eq!(people, ["anna", "anna."]);
        assert_eq!(channels, ["plein"]);
    }
}
