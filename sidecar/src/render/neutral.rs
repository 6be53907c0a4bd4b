//! Neutral: text from outside that can do nothing in Mattermost but be read.
//!
//! A visitor who writes `@all ![x](http://…) ~directie` notifies nobody, makes the server fetch nothing and reveals no
//! channel. What is done, in this order:
//!
//! 1. HTML and Markdown are parsed; only emphasis, lists, links and code are written again. Everything else, and every mark in
//!    plain text, gets a backslash: nobody draws tables, headings or quotes that look like ours.
//! 2. Control characters and direction overrides go.
//! 3. `&` before `#` or a letter, `!` before `[`, and every `~` get U+2060 behind them (entities, images, channel names).
//! 4. `@` gets U+2060, except directly after an ASCII letter or digit, where it mentions nobody.
//! 5. An address becomes `[address](address)` if it is http or https, else it is broken. A visitor's own label stands before
//!    it as plain text.
//!
//! Escaping twice differs from escaping once, so a [`Neutral`] is never made from a `Neutral`: drafts are made of them and of
//! our own words, and nothing takes one apart but [`super::split()`].

use shared::Format;

use super::{
    address::Address,
    clean::clean_line,
    html,
    ink::{Ink, Links},
    rich,
};

/// Text from outside, made harmless. See the module.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Neutral(String);

impl Neutral {
    /// A name or a title: one line, no links. Empty when nothing readable is in it.
    #[must_use]
    pub fn line(text: &str) -> Self {
        let mut ink = Ink::default();
        ink.text(&clean_line(text), Links::Broken);
        Self(ink.into_string())
    }

    /// What somebody wrote, over as many lines as it takes.
    #[must_use]
    pub fn text(text: &str, format: Format) -> Self {
        let mut ink = Ink::default();
        match format {
            Format::Plain => ink.text(text, Links::Written),
            Format::Markdown => rich::write(&html::from_markdown(text), &mut ink),
            Format::Html => rich::write(&html::from_html(text), &mut ink),
        }
        Self(ink.into_string())
    }

    /// `[address](address)`; nothing when it is no http or https address.
    #[must_use]
    pub fn address(text: &str) -> Option<Self> {
        let mut ink = Ink::default();
        ink.link(&Address::parse(text)?);
        Some(Self(ink.into_string()))
    }

    /// One line for a place that shows no Markdown (footer, fallback, title of a field), where a backslash would be seen.
    #[must_use]
    pub fn bare(text: &str) -> Self {
        let mut ink = Ink::default();
        ink.bare(&clean_line(text));
        Self(ink.into_string())
    }

    /// A label of i-Reserve's own over an address: a page and its title. Visitors never choose such a label.
    pub(super) fn labelled(label: &Self, address: &Address) -> Self {
        Self(format!("[{}]({})", label.0, address.as_str()))
    }

    /// What stands in a post of ours, read back: it was neutral when it was written.
    pub(super) fn standing(text: &str) -> Self {
        Self(text.to_owned())
    }

    /// The same without blanks at its end.
    pub(super) fn trimmed(&self) -> &str {
        self.0.trim_end()
    }

    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.0
    }

    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.0.trim().is_empty()
    }
}

impl std::fmt::Display for Neutral {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(&self.0)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const J: char = '\u{2060}';

    #[test]
    fn no_spelling_of_a_mention_notifies_anybody() {
        for (text, wanted) in [
            ("@all", "@Jall"),
            ("@ALL", "@JALL"),
            ("\\@all", "\\\\@Jall"),
            ("> @all", "\\> @Jall"),
            ("**@all**", "\\*\\*@Jall\\*\\*"),
            ("(@all)", "(@Jall)"),
            ("<@all>", "<@Jall>"),
            ("- @all", "\\- @Jall"),
            ("#@all", "\\#@Jall"),
            ("@all.", "@Jall."),
            (".@all", ".@Jall"),
            ("&#64;all", "&J#64;all"),
            ("&commat;all", "&Jcommat;all"),
            ("`@all`", "\\`@Jall\\`"),
            ("ë@all", "ë@Jall"),
            ("x@all", "x@all"),
            ("anna.b@a.nl", "anna.b@a.nl"),
            ("＠all", "＠all"),
            ("~directie", "~Jdirectie"),
            ("@\u{200b}all", "@J\u{200b}all"),
            ("[@all](http://x)", "\\[@Jall\\](http://x)"),
        ] {
            let neutral = Neutral::text(text, Format::Plain);
            let wanted = wanted.replace('J', "\u{2060}");
            if text.contains("http") {
                assert!(
                    neutral.as_str().starts_with("\\[@\u{2060}all\\]("),
                    "{text}: {neutral}"
                );
            } else {
                assert_eq!(neutral.as_str(), wanted, "{text}");
            }
        }
    }

    #[test]
    fn a_mention_that_formatting_would_uncover_is_broken_too() {
        for (format, text) in [
            (Format::Markdown, "x**@all**"),
            (Format::Markdown, "[@all](http://x)"),
            (Format::Markdown, "&#64;all"),
            (Format::Markdown, "`@all` and\n\n    @all"),
            (Format::Html, "x<b>@all</b>"),
            (Format::Html, "&#64;all &#x40;here"),
            (Format::Html, "<p>@all</p><pre>@all</pre>"),
            (
                Format::Html,
                "x<!-- -->@all <a href='http://x/@all'>@all</a>",
            ),
        ] {
            let neutral = Neutral::text(text, format);
            assert!(mentions(neutral.as_str()).is_none(), "{text}: {neutral}");
            assert!(neutral.as_str().contains('@'), "{text} is still readable");
        }
    }

    #[test]
    fn nothing_draws_what_could_pass_for_ours() {
        for (name, text, wanted) in [
            ("heading", "# Big\n## Also", "\\# Big\n\\## Also"),
            ("underlined heading", "Big\n===\n---", "Big\nJ===\n\\---"),
            ("quote", "> said", "\\> said"),
            (
                "list",
                "- a\n+ b\n* c\n1. d\n12) e",
                "\\- a\n\\+ b\n\\* c\n1\\. d\n12\\) e",
            ),
            ("table", "a|b\n-|-", "a\\|b\n\\-\\|-"),
            ("code by indent", "    x\n\ty", "J    x\nJ\ty"),
            ("fence", "```\nx\n~~~", "\\`\\`\\`\nx\n~J~J~J"),
            ("image", "![x](y)", "!J\\[x\\](y)"),
            ("emphasis", "a_b_c 2*3*4", "a\\_b\\_c 2\\*3\\*4"),
            ("hashtag", "see #ireserve-7 #1", "see #Jireserve-7 #1"),
            ("entity", "AT&T & co", "AT&JT & co"),
            (
                "emoji and prices",
                ":smile: € 3.50 - 2",
                ":smile: € 3.50 - 2",
            ),
            (
                "other schemes",
                "ftp://x tel:1 mailto:a@b.nl",
                "ftp:J//x tel:J1 mailto:Ja@b.nl",
            ),
            (
                "brackets",
                "<javascript:alert(1)> a<b",
                "<Jjavascript:Jalert(1)> a<Jb",
            ),
        ] {
            let wanted = wanted.replace('J', "\u{2060}");
            assert_eq!(
                Neutral::text(text, Format::Plain).as_str(),
                wanted,
                "{name}"
            );
        }
    }

    #[test]
    fn an_address_is_its_own_label_and_nothing_in_it_acts() {
        for (text, wanted) in [
            (
                "see https://a.nl/x?a=1&b=2.",
                "see [https://a.nl/x?a=1&b=2](https://a.nl/x?a=1&b=2).",
            ),
            (
                "(http://a.nl/@all)",
                "([http://a.nl/%40all](http://a.nl/%40all))",
            ),
            ("look!http://a.nl", "look!J[http://a.nl](http://a.nl)"),
            ("www.a.nl", "[http://www.a.nl](http://www.a.nl)"),
            ("http://", "http:J//"),
            ("http://[::1]/x", "http:J//\\[::1\\]/x"),
        ] {
            let wanted = wanted.replace('J', "\u{2060}");
            assert_eq!(
                Neutral::text(text, Format::Plain).as_str(),
                wanted,
                "{text}"
            );
        }
        let long = format!("https://a.nl/{}", "x".repeat(1_500));
        let written = Neutral::text(&long, Format::Plain);
        assert!(
            written.as_str().starts_with("https:\u{2060}//a.nl"),
            "too long for a link"
        );
    }

    #[test]
    fn of_formatting_only_emphasis_lists_links_and_code_are_left() {
        for (name, text, wanted) in [
            ("emphasis", "**a** *b* ~~c~~", "**a** *b* c"),
            ("heading", "# a\n\nb", "a\n\nb"),
            ("quote", "> a\n> b", "a\nb"),
            (
                "list",
                "- a\n- b\n  1. c\n  2. d",
                "* a\n* b\n    1. c\n    2. d",
            ),
            (
                "label",
                "[Our site](https://a.nl)",
                "Our site [https://a.nl](https://a.nl)",
            ),
            (
                "label that lies",
                "[https://bank.nl](https://a.nl)",
                "https:J//bank.nl [https://a.nl](https://a.nl)",
            ),
            (
                "address as its own label",
                "<https://a.nl>",
                "[https://a.nl](https://a.nl)",
            ),
            (
                "image",
                "![cat](https://a.nl/c.png)",
                "cat [https://a.nl/c.png](https://a.nl/c.png)",
            ),
            ("script link", "[x](javascript:alert(1))", "x"),
            ("data link", "[x](data:text/html,y)", "x"),
            ("raw HTML", "a <b>b</b>", "a <Jb>b<J/b>"),
            ("code", "`a*b` ``x`y``", "`a*b` ``x`y``"),
            ("block", "```rust\na*b\n```", "```\na*b\n```"),
            (
                "block with fences in it",
                "````\n```\n````",
                "````\n```\n````",
            ),
            ("table", "|a|b|\n|-|-|\n|c|d|", "a b \nc d "),
        ] {
            let wanted = wanted.replace('J', "\u{2060}");
            assert_eq!(
                Neutral::text(text, Format::Markdown).as_str(),
                wanted,
                "{name}"
            );
        }
    }

    #[test]
    fn html_becomes_the_same_subset() {
        for (name, text, wanted) in [
            (
                "paragraphs",
                "<p>Hoi <b>Sanne</b>,</p><p>tot zo<br>dag</p>",
                "Hoi **Sanne**,\n\ntot zo\ndag",
            ),
            ("list", "<ul><li>a</li><li>b</li></ul>", "* a\n* b"),
            (
                "link",
                "<a href=\"https://a.nl/?a=1&amp;b=2\">hier</a>",
                "hier [https://a.nl/?a=1&b=2](https://a.nl/?a=1&b=2)",
            ),
            (
                "script",
                "a<script>alert(1)</script><style>x</style>b",
                "ab",
            ),
            ("script link", "<a href='javascript:alert(1)'>x</a>", "x"),
            (
                "entities",
                "&lt;b&gt; &euro; 5 &amp;copy;",
                "<Jb> € 5 &Jcopy;",
            ),
            ("marks in text", "2*3 a_b # c", "2\\*3 a\\_b # c"),
            (
                "heading and quote",
                "<h1>a</h1><blockquote>b</blockquote>",
                "a\n\nb",
            ),
            ("code", "<pre>a\n  *b*</pre>", "```\na\n  *b*\n```"),
            ("unclosed", "<b>a<i>b", "**a*b***"),
            ("controls by entity", "a&#x202e;b&#0;c", "ab\u{fffd}c"),
        ] {
            let wanted = wanted.replace('J', "\u{2060}");
            assert_eq!(Neutral::text(text, Format::Html).as_str(), wanted, "{name}");
        }
    }

    #[test]
    fn a_line_is_one_line_without_links_and_a_bare_one_without_backslashes() {
        assert_eq!(
            Neutral::line(" Sanne\n*de* Vries https://a.nl www.a.nl ").as_str(),
            format!("Sanne \\*de\\* Vries https:{J}//a.nl www{J}.a.nl")
        );
        assert_eq!(
            Neutral::bare("conv_93 @all ~x").as_str(),
            format!("conv_93 @{J}all ~{J}x")
        );
        assert!(Neutral::line(" \u{202e}\n").is_empty());
    }

    #[test]
    fn deep_and_wide_input_ends_in_time() {
        for (name, text) in [
            ("elements", "<div>".repeat(40_000)),
            ("formatting", "<b><i><p>".repeat(5_000)),
            ("links", "<a href=x>".repeat(20_000)),
            ("lists", "<ul><li>".repeat(5_000)),
        ] {
            let neutral = Neutral::text(&(text + "end"), Format::Html);
            assert!(neutral.as_str().contains("end"), "{name}");
        }
        for (name, text) in [
            ("quotes", ">".repeat(100_000)),
            ("lists", "- ".repeat(50_000)),
            ("brackets", "[".repeat(100_000)),
            ("stars", "*a".repeat(40_000)),
            ("ticks", "`a``b".repeat(20_000)),
            ("signs", "<a".repeat(50_000)),
            ("a fence without end", format!("{}\nx", "`".repeat(50_000))),
        ] {
            for format in [Format::Markdown, Format::Plain] {
                let neutral = Neutral::text(&format!("{text}\n\nend"), format);
                assert!(neutral.as_str().contains("end"), "{name}");
            }
        }
    }

    /// The first `@` or `~` that Mattermost would look behind.
    fn mentions(text: &str) -> Option<usize> {
        let chars: Vec<char> = outside_links(text).chars().collect();
        (0..chars.len()).find(|&at| {
            let broken = chars.get(at + 1) == Some(&J);
            let mail = at > 0 && chars[at - 1].is_ascii_alphanumeric();
            match chars[at] {
                '@' => !broken && !mail,
                '~' => !broken,
                _ => false,
            }
        })
    }

    /// The text without `[address](address)`.
    fn outside_links(text: &str) -> String {
        let mut out = String::new();
        let mut rest = text;
        while let Some(at) = rest.find("[http") {
            out.push_str(&rest[..at]);
            let link = &rest[at..];
            match link[1..].split_once("](") {
                Some((label, after)) if after.starts_with(&format!("{label})")) => {
                    out.push('\u{1}');
                    rest = &after[label.len() + 1..];
                }
                _ => {
                    out.push('[');
                    rest = &link[1..];
                }
            }
        }
        out + rest
    }

    /// The text without what was added to it.
    fn plain_again(text: &str) -> String {
        let mut out = String::new();
        let mut chars = text.chars().filter(|c| *c != J);
        while let Some(c) = chars.next() {
            match c {
                '\\' => out.extend(chars.next()),
                c => out.push(c),
            }
        }
        out
    }

    mod whatever_comes {
        use proptest::prelude::*;

        use super::{super::*, J, mentions, outside_links, plain_again};

        /// Texts made of what is dangerous, so that combinations are met often.
        fn text() -> impl Strategy<Value = String> {
            let piece = prop_oneof![
                Just("@all"),
                Just("@"),
                Just("~x"),
                Just("![a](http://b.nl/c)"),
                Just("&"),
                Just("#64;"),
                Just("\\"),
                Just("`"),
                Just("```\n"),
                Just("**"),
                Just("_"),
                Just("\n"),
                Just("\n\n"),
                Just("    "),
                Just("[l]("),
                Just("https://a.nl/@x(y)"),
                Just("www.b.nl"),
                Just(")"),
                Just("<b>"),
                Just("</b>"),
                Just("<a href='"),
                Just("'>"),
                Just("!"),
                Just("["),
                Just("]"),
                Just("x"),
                Just("é"),
                Just("👩‍👩‍👧"),
                Just("\u{2060}"),
                Just("\u{202e}"),
                Just("1. "),
                Just("- "),
                Just("|"),
                Just("# "),
                Just("http:"),
                Just("//"),
                Just("mailto:a@b.nl"),
                Just("="),
                Just(" "),
                Just("ww"),
                Just("w."),
                Just("<"),
                Just(">"),
            ];
            prop::collection::vec(piece, 0..24).prop_map(|pieces| pieces.concat())
        }

        proptest! {
            #![proptest_config(ProptestConfig::with_cases(192))]

            #[test]
            fn no_mention_channel_image_or_foreign_link_is_left(text in text(), format in 0..3) {
                let format = [Format::Plain, Format::Markdown, Format::Html][format as usize];
                let neutral = Neutral::text(&text, format);
                let written = neutral.as_str();
                prop_assert!(mentions(written).is_none(), "{written:?}");
                prop_assert!(!written.contains("!["), "{written:?}");
                let rest = outside_links(written);
                let lower = rest.to_ascii_lowercase();
                if format == Format::Plain {
                    prop_assert!(!lower.contains("http://") && !lower.contains("https://"), "{written:?}");
                    prop_assert!(!rest.replace("\\](", "").contains("]("), "{written:?}");
                }
                for (bit, _) in html::placed(written) {
                    if let html::Bit::Open(html::Span::Link(to)) = bit {
                        prop_assert!(written.contains(&format!("[{to}]({to})")), "{written:?} links to {to}");
                    }
                }
            }

            #[test]
            fn removing_what_was_added_gives_the_cleaned_text_back(text in text()) {
                let neutral = Neutral::text(&text, Format::Plain);
                let cleaned = crate::render::clean::clean(&text);
                // Between the pieces stand addresses, which keep their characters but not their spelling.
                let outside = outside_links(neutral.as_str());
                let pieces: Vec<String> = outside.split('\u{1}').map(plain_again).collect();
                let mut rest: &str = &cleaned;
                for (at, piece) in pieces.iter().enumerate() {
                    let found = if at == 0 { rest.strip_prefix(piece.as_str()) } else { rest.split_once(piece.as_str()).map(|(_, after)| after) };
                    prop_assert!(found.is_some(), "{piece:?} is not in {rest:?}");
                    rest = found.unwrap_or_default();
                }
                if pieces.len() == 1 {
                    prop_assert_eq!(rest, "");
                } else {
                    prop_assert!(cleaned.ends_with(pieces.last().unwrap().as_str()));
                }
            }

            #[test]
            fn what_is_shown_of_plain_text_is_that_text(text in text()) {
                let neutral = Neutral::text(&text, Format::Plain);
                prop_assume!(!neutral.as_str().contains("[http"));
                let shown: String = html::placed(neutral.as_str()).iter().filter_map(|(bit, _)| match bit {
                    html::Bit::Text(text) => Some(text.as_str()),
                    html::Bit::Break => Some("\n"),
                    html::Bit::Open(html::Span::Paragraph) | html::Bit::Close(html::Span::Paragraph) => None,
                    other => Some(if matches!(other, html::Bit::Open(html::Span::Link(to)) | html::Bit::Close(html::Span::Link(to)) if to.contains('@')) { "" } else { "\u{1}" }),
                }).collect();
                let words = |text: &str| text.split_whitespace().collect::<String>();
                prop_assert_eq!(words(&shown).replace(J, ""), words(&crate::render::clean::clean(&text)));
            }
        }
    }
}
