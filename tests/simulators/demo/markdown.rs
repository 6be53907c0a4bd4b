//! Markdown to HTML, as far as posts of the sidecar and short replies of people use it, and nothing that could act.
//!
//! Written are emphasis, links (http and https alone), code, lists and line breaks. Everything else is text, and all text is
//! escaped: [`escaped`] is the one place where characters of a post become HTML. What Mattermost would do on its own is shown
//! and not done: a mention that would notify, a channel that would be linked and an image that would be fetched are marked as
//! such, so that a neutralised text is seen to be one.
//!
//! Absent: headings, quotes, tables, emoji names.

/// Emphasis inside emphasis; deeper marks are text. Each level is a call.
const DEPTH: usize = 8;
/// How far the end of a mark is looked for, in bytes: against a text of opening marks alone, each of which would read it all.
const FAR: usize = 5_000;

/// A whole text: paragraphs, lists and blocks of code.
pub(super) fn html(text: &str) -> String {
    let mut html = String::new();
    let mut lines = text.lines().peekable();
    let mut prose: Vec<&str> = Vec::new();
    while let Some(line) = lines.next() {
        if let Some(fence) = fence(line) {
            flush(&mut prose, &mut html);
            let mut code = String::new();
            for line in lines.by_ref().take_while(|line| !line.starts_with(fence)) {
                code.push_str(line);
                code.push('\n');
            }
            html += &format!("<pre><code>{}</code></pre>", escaped(&code));
        } else if item(line).is_some() {
            flush(&mut prose, &mut html);
            let mut items = vec![line];
            while let Some(line) = lines.next_if(|line| item(line).is_some()) {
                items.push(line);
            }
            html += &list(&items);
        } else if line.trim().is_empty() {
            flush(&mut prose, &mut html);
        } else {
            prose.push(line);
        }
    }
    flush(&mut prose, &mut html);
    html
}

/// Text from anywhere, as text.
pub(super) fn escaped(text: &str) -> String {
    let mut html = String::with_capacity(text.len());
    for c in text.chars() {
        match c {
            '&' => html.push_str("&amp;"),
            '<' => html.push_str("&lt;"),
            '>' => html.push_str("&gt;"),
            '"' => html.push_str("&quot;"),
            '\'' => html.push_str("&#39;"),
            other => html.push(other),
        }
    }
    html
}

fn flush(prose: &mut Vec<&str>, html: &mut String) {
    if !prose.is_empty() {
        *html += &format!("<p>{}</p>", inline(&prose.join("\n"), DEPTH));
        prose.clear();
    }
}

/// The backticks that open a block, if the line does.
fn fence(line: &str) -> Option<&str> {
    let ticks = line.len() - line.trim_start_matches('`').len();
    (ticks >= 3).then(|| &line[..ticks])
}

/// Whether the list is numbered, the depth and the text of an item.
fn item(line: &str) -> Option<(bool, usize, &str)> {
    let inner = line.trim_start_matches(' ');
    let depth = (line.len() - inner.len()) / 4;
    if let Some(text) = inner
        .strip_prefix("* ")
        .or_else(|| inner.strip_prefix("- "))
    {
        return Some((false, depth, text));
    }
    let digits = inner.len() - inner.trim_start_matches(|c: char| c.is_ascii_digit()).len();
    let text = inner[digits..].strip_prefix(". ")?;
    (1..=9).contains(&digits).then_some((true, depth, text))
}

/// One list; deeper items are indented and no lists of their own, which looks the same and cannot be left open.
fn list(items: &[&str]) -> String {
    let parsed: Vec<_> = items.iter().filter_map(|line| item(line)).collect();
    let tag = if parsed.first().is_some_and(|(numbered, ..)| *numbered) {
        "ol"
    } else {
        "ul"
    };
    let rows: String = parsed
        .iter()
        .map(|(_, depth, text)| {
            let depth = (*depth).min(4);
            format!("<li class=\"depth-{depth}\">{}</li>", inline(text, DEPTH))
        })
        .collect();
    format!("<{tag}>{rows}</{tag}>")
}

/// Text with marks in it, over one or more lines.
fn inline(text: &str, depth: usize) -> String {
    let mut html = String::new();
    let mut rest = text;
    let mut before = None;
    while let Some(c) = rest.chars().next() {
        if let Some((mark, length)) = mark(rest, before, depth) {
            html += &mark;
            before = rest[..length].chars().next_back();
            rest = &rest[length..];
            continue;
        }
        let length = match rest[c.len_utf8()..].chars().next() {
            // A backslash takes the meaning from what follows it.
            Some(next) if c == '\\' && next.is_ascii_punctuation() => {
                html += &escaped(&next.to_string());
                1 + next.len_utf8()
            }
            _ if c == '\n' => {
                html += "<br>";
                1
            }
            _ => {
                html += &escaped(&c.to_string());
                c.len_utf8()
            }
        };
        before = rest[..length].chars().next_back();
        rest = &rest[length..];
    }
    html
}

/// The HTML of the mark that begins here, and how long it is in the text.
fn mark(rest: &str, before: Option<char>, depth: usize) -> Option<(String, usize)> {
    match rest.as_bytes().first()? {
        b'`' => code(rest),
        b'!' => image(rest),
        b'[' => link(rest, depth),
        b'*' => emphasis(rest, "**", "strong", depth).or_else(|| emphasis(rest, "*", "em", depth)),
        b'@' => name(rest, before, "mention"),
        b'~' => name(rest, before, "channel"),
        b'#' => name(rest, before, "hashtag"),
        _ => None,
    }
}

fn code(rest: &str) -> Option<(String, usize)> {
    let ticks = rest.len() - rest.trim_start_matches('`').len();
    let inner = near(&rest[ticks..]);
    let mut from = 0;
    loop {
        let at = from + inner[from..].find('`')?;
        let run = inner[at..].len() - inner[at..].trim_start_matches('`').len();
        if run == ticks {
            let html = format!("<code>{}</code>", escaped(inner[..at].trim()));
            return Some((html, ticks + at + ticks));
        }
        from = at + run;
    }
}

fn link(rest: &str, depth: usize) -> Option<(String, usize)> {
    let (label, address, length) = bracketed(rest)?;
    let web = address.starts_with("https://") || address.starts_with("http://");
    if !web || depth == 0 {
        return None;
    }
    // A link inside a label would be one inside the other.
    let label = escaped(&unescaped(label));
    let address = escaped(address);
    let html =
        format!("<a href=\"{address}\" rel=\"noreferrer noopener\" target=\"_blank\">{label}</a>");
    Some((html, length))
}

fn image(rest: &str) -> Option<(String, usize)> {
    let (_, address, length) = bracketed(rest.strip_prefix('!')?)?;
    let html = format!("<span class=\"fetched\">{}</span>", escaped(address));
    Some((html, length + 1))
}

/// `[label](address)`: its parts and its length.
fn bracketed(rest: &str) -> Option<(&str, &str, usize)> {
    let inner = near(rest.strip_prefix('[')?);
    let end = bare(inner, "](")?;
    let label = &inner[..end];
    let address = &inner[end + 2..];
    let close = address.find(')')?;
    let address = &address[..close];
    let whole = !label.is_empty() && !address.contains(char::is_whitespace);
    whole.then_some((label, address, 1 + end + 2 + close + 1))
}

fn emphasis(rest: &str, mark: &str, tag: &str, depth: usize) -> Option<(String, usize)> {
    let inner = near(rest.strip_prefix(mark)?);
    if depth == 0 || inner.starts_with(char::is_whitespace) {
        return None;
    }
    let end = bare(inner, mark).filter(|end| *end > 0)?;
    let html = format!("<{tag}>{}</{tag}>", inline(&inner[..end], depth - 1));
    Some((html, mark.len() + end + mark.len()))
}

/// A name that Mattermost would act upon, where it would.
fn name(rest: &str, before: Option<char>, class: &str) -> Option<(String, usize)> {
    if before.is_some_and(|c| c.is_alphanumeric()) {
        return None;
    }
    let inner = &rest[1..];
    let length = inner.len()
        - inner
            .trim_start_matches(|c: char| c.is_ascii_alphanumeric() || matches!(c, '-' | '_' | '.'))
            .len();
    let named = inner[..length].trim_end_matches('.');
    if !named.starts_with(|c: char| c.is_ascii_alphabetic()) {
        return None;
    }
    let text = &rest[..1 + named.len()];
    Some((
        format!("<span class=\"{class}\">{}</span>", escaped(text)),
        text.len(),
    ))
}

/// Where this first stands without a backslash before it.
fn bare(text: &str, wanted: &str) -> Option<usize> {
    let bytes = text.as_bytes();
    let mut at = 0;
    while at < bytes.len() {
        if bytes[at] == b'\\' {
            at += 2;
        } else if bytes[at..].starts_with(wanted.as_bytes()) {
            return Some(at);
        } else {
            at += 1;
        }
    }
    None
}

/// The text without its backslashes.
fn unescaped(text: &str) -> String {
    let mut out = String::new();
    let mut chars = text.chars().peekable();
    while let Some(c) = chars.next() {
        let escaped = (c == '\\')
            .then(|| chars.next_if(char::is_ascii_punctuation))
            .flatten();
        out.push(escaped.unwrap_or(c));
    }
    out
}

/// The beginning of a text that is searched at all.
fn near(text: &str) -> &str {
    let mut end = text.len().min(FAR);
    while !text.is_char_boundary(end) {
        end -= 1;
    }
    &text[..end]
}

#[cfg(test)]
mod tests {
    use super::*;

    const J: &str = "\u{2060}";

    #[test]
    fn what_drafts_use_is_shown_as_mattermost_shows_it() {
        for (text, wanted) in [
            ("**Sanne:** hi", "<p><strong>Sanne:</strong> hi</p>"),
            ("*withdrawn*", "<p><em>withdrawn</em></p>"),
            ("a\nb\n\nc", "<p>a<br>b</p><p>c</p>"),
            ("`a*b` ``x`y``", "<p><code>a*b</code> <code>x`y</code></p>"),
            (
                "```\n<b>\n```\nafter",
                "<pre><code>&lt;b&gt;\n</code></pre><p>after</p>",
            ),
            (
                "* a\n    * b",
                "<ul><li class=\"depth-0\">a</li><li class=\"depth-1\">b</li></ul>",
            ),
            (
                "1. a\n2. b",
                "<ol><li class=\"depth-0\">a</li><li class=\"depth-0\">b</li></ol>",
            ),
            (
                "x  #ireserve-7",
                "<p>x  <span class=\"hashtag\">#ireserve-7</span></p>",
            ),
            ("2\\*3 \\<b\\> \\\\", "<p>2*3 &lt;b&gt; \\</p>"),
            ("**a *b* c**", "<p><strong>a <em>b</em> c</strong></p>"),
            (
                "[Our \\[page\\]](https://a.nl/?a=1&b=2)",
                "<p><a href=\"https://a.nl/?a=1&amp;b=2\" rel=\"noreferrer noopener\" target=\"_blank\">Our [page]</a></p>",
            ),
        ] {
            assert_eq!(html(text), wanted, "{text}");
        }
    }

    #[test]
    fn what_would_act_is_marked_and_what_is_neutral_is_not() {
        for (text, marked) in [
            ("@all", true),
            ("(@lotte)", true),
            ("~town-square", true),
            ("![x](http://evil.example/x.png)", true),
            ("anna@a.nl", false),
            ("# 1", false),
        ] {
            assert_eq!(html(text).contains("<span class="), marked, "{text}");
        }
        let neutral = format!("@{J}all ~{J}town-square !{J}\\[x\\](http:{J}//evil.example/x.png)");
        assert!(
            !html(&neutral).contains('<') || html(&neutral).matches('<').count() == 2,
            "a paragraph and nothing else"
        );
    }

    #[test]
    fn no_text_and_no_name_writes_html_of_its_own() {
        let attacks = [
            "<script>alert(1)</script>",
            "<img src=x onerror=alert(1)>",
            "**<svg/onload=alert(1)>:** hi",
            "[<b>x</b>](https://a.nl/\"onmouseover=\"alert(1))",
            "[x](javascript:alert(1))",
            "[x](https://a.nl/'><script>)",
            "![<i>](https://a.nl/\"><script>alert(1)</script>)",
            "`<b>` ``<i>`` ```\n<u>",
            "```\n</code></pre><script>\n```",
            "* <li>\n1. <ol>",
            "@<b>all ~<i>x #<u>",
            "\\<b\\> \\&lt; &lt;script&gt; &#60;b&#62;",
            "*<a *<b **<c** ]( [ ](",
        ];
        for attack in attacks {
            assert_safe(attack);
            assert_safe(&format!("**{attack}:** {attack}\n\n{attack}"));
        }
    }

    #[test]
    fn marks_that_never_end_are_text_and_cost_little() {
        for mark in ["[", "**", "*", "`", "![", "\\", "@", "[x](http://"] {
            let text = mark.repeat(16_000 / mark.len());
            assert_safe(&text);
        }
        assert!(html(&"*".repeat(40)).matches("<em>").count() <= DEPTH);
    }

    /// Every tag that was written is one of ours with attributes of ours, and all are closed.
    fn assert_safe(text: &str) {
        let html = html(text);
        let mut open: Vec<String> = Vec::new();
        let mut rest = html.as_str();
        while let Some(at) = rest.find('<') {
            let end = at + rest[at..].find('>').unwrap();
            let tag = &rest[at + 1..end];
            rest = &rest[end + 1..];
            if let Some(closed) = tag.strip_prefix('/') {
                assert_eq!(open.pop().as_deref(), Some(closed), "{text}: {html}");
                continue;
            }
            let (name, attributes) = tag.split_once(' ').unwrap_or((tag, ""));
            assert!(
                [
                    "p", "br", "strong", "em", "code", "pre", "ul", "ol", "li", "a", "span"
                ]
                .contains(&name),
                "{text}: {html}"
            );
            let safe = attributes.is_empty()
                || attributes.starts_with("class=\"") && attributes.matches('"').count() == 2
                || attributes.starts_with("href=\"http") && attributes.matches('"').count() == 6;
            assert!(safe, "{text}: {attributes}");
            if name != "br" {
                open.push(name.to_owned());
            }
        }
        assert!(open.is_empty() && !rest.contains('>'), "{text}: {html}");
    }
}
