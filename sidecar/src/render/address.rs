//! Addresses of the web: found in text, vetted, and written so that nothing in them can act.

use shared::limits::ADDRESS_CHARS;
use url::Url;

use super::clean::clean;

/// An address with scheme http or https and a host, in which no character means anything to Markdown.
///
/// It keeps its spelling: `&` and case stay, nothing is sorted or shortened, because a shop's link may be signed.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Address(String);

impl Address {
    /// `www.…` counts as `http://www.…`, as in Mattermost. Nothing when it is no such address.
    pub(super) fn parse(text: &str) -> Option<Self> {
        let text = clean(text);
        let text = text.trim();
        let spelled = if www(text).is_some() {
            format!("http://{text}")
        } else {
            text.to_owned()
        };
        let encoded = encoded(&spelled);
        // A longer one is a way to fill a post with what nobody reads; browsers agree on no more.
        if encoded.chars().count() > ADDRESS_CHARS {
            return None;
        }
        let url = Url::parse(&encoded).ok()?;
        let web = matches!(url.scheme(), "http" | "https") && encoded.contains("://");
        (web && url.host_str().is_some_and(|host| !host.is_empty())).then_some(Self(encoded))
    }

    pub(super) fn as_str(&self) -> &str {
        &self.0
    }
}

/// The bytes at the start of `text` that spell an address, without what ends a sentence. `before` is the character in front.
pub(super) fn length(text: &str, before: Option<char>) -> Option<usize> {
    let scheme = ["http://", "https://"]
        .iter()
        .find(|scheme| has_prefix(text, scheme))
        .map(|scheme| scheme.len())
        .or_else(|| www(text).filter(|_| !before.is_some_and(char::is_alphanumeric)))?;
    let end = text
        .find(|c: char| c.is_whitespace() || matches!(c, '<' | '>' | '"' | '`'))
        .unwrap_or(text.len());
    let end = without_tail(&text[..end]);
    (end > scheme).then_some(end)
}

/// The length of `www.`, `www2.` up to `www999.` at the start, which Mattermost takes for the start of an address.
pub(super) fn www(text: &str) -> Option<usize> {
    if !has_prefix(text, "www") {
        return None;
    }
    let digits = text.bytes().skip(3).take(3).take_while(u8::is_ascii_digit);
    let dot = 3 + digits.count();
    (text.as_bytes().get(dot) == Some(&b'.')).then_some(dot + 1)
}

/// Where an address ends when it stands in a sentence: before its full stop and before a bracket it did not open.
fn without_tail(text: &str) -> usize {
    let mut end = text.len();
    let open = |text: &str, opens: char, closes: char| {
        text.matches(closes).count() > text.matches(opens).count()
    };
    // Each bracket is counted anew, so a tail of thousands of them would be a way to burn time.
    for _ in 0..64 {
        let Some(last) = text[..end].chars().next_back() else {
            break;
        };
        let tail = match last {
            '.' | ',' | ':' | ';' | '!' | '?' | '\'' | '*' | '_' | '~' | '…' => true,
            ')' => open(&text[..end], '(', ')'),
            ']' => open(&text[..end], '[', ']'),
            '}' => open(&text[..end], '{', '}'),
            _ => false,
        };
        if !tail {
            break;
        }
        end -= last.len_utf8();
    }
    end
}

/// `@ ~ ( ) \ < > |`, the backtick and blanks could act in Markdown; brackets, stars and quotes could end the link's own form.
fn encoded(address: &str) -> String {
    let mut out = String::with_capacity(address.len());
    for c in address.chars() {
        match c {
            '@' | '~' | '(' | ')' | '\\' | '<' | '>' | '|' | '`' | '[' | ']' | '*' | '"' => {
                percent(c, &mut out);
            }
            c if c.is_whitespace() => percent(c, &mut out),
            c => out.push(c),
        }
    }
    out
}

fn percent(c: char, out: &mut String) {
    let mut bytes = [0; 4];
    for byte in c.encode_utf8(&mut bytes).bytes() {
        out.push_str(&format!("%{byte:02X}"));
    }
}

fn has_prefix(text: &str, prefix: &str) -> bool {
    text.get(..prefix.len())
        .is_some_and(|start| start.eq_ignore_ascii_case(prefix))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_web_addresses_are_addresses() {
        for (text, wanted) in [
            ("https://a.nl/x?a=1&b=2#c", Some("https://a.nl/x?a=1&b=2#c")),
            ("HTTP://A.nl", Some("HTTP://A.nl")),
            ("www.a.nl/x", Some("http://www.a.nl/x")),
            ("https://a.nl/@piet", Some("https://a.nl/%40piet")),
            ("https://a.nl/(x) y", Some("https://a.nl/%28x%29%20y")),
            (
                "https://a.nl/`|\\~<>",
                Some("https://a.nl/%60%7C%5C%7E%3C%3E"),
            ),
            ("javascript:alert(1)", None),
            ("data:text/html,x", None),
            ("https:relative", None),
            ("http://", None),
            ("mailto:a@b.nl", None),
            ("ftp://a.nl", None),
            ("/team/channels/town-square", None),
        ] {
            let address = Address::parse(text);
            assert_eq!(address.as_ref().map(Address::as_str), wanted, "{text}");
        }
        let long = format!("https://a.nl/{}", "x".repeat(ADDRESS_CHARS));
        assert_eq!(Address::parse(&long), None);
    }

    #[test]
    fn an_address_in_a_sentence_ends_before_its_punctuation() {
        for (text, wanted) in [
            ("https://a.nl/x. Next", Some("https://a.nl/x")),
            ("https://a.nl/wiki_(x))", Some("https://a.nl/wiki_(x)")),
            ("https://a.nl/x?!…", Some("https://a.nl/x")),
            ("https://a.nl>", Some("https://a.nl")),
            ("http://", None),
            ("www.", None),
            ("www2.a.nl, and", Some("www2.a.nl")),
            ("wwwa.nl", None),
        ] {
            assert_eq!(length(text, None).map(|end| &text[..end]), wanted, "{text}");
        }
        assert_eq!(length("www.a.nl", Some('a')), None, "the tail of a word");
        assert_eq!(length("http://a.nl", Some('a')), Some(11));
    }
}
