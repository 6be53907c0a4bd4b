//! What a text sets off in a real server: whom it notifies, and which addresses the server fetches because of it. The simulated one
//! notifies nobody and fetches nothing; it tells what would have happened, so that a test can say that nothing does.

use std::collections::BTreeSet;

use serde_json::Value;

use super::model::{Post, Version};
use super::state::State;

/// Words that notify the whole channel.
const EVERYBODY: [&str; 3] = ["all", "channel", "here"];

impl State {
    /// Whom a post notifies by `@`: user names, and `all`, `channel` or `here` for everybody. In lower case, sorted.
    #[must_use]
    pub fn mentions(&self, post: &Post) -> Vec<String> {
        let names: BTreeSet<&str> = self
            .users
            .values()
            .map(|user| user.username.as_str())
            .chain(EVERYBODY)
            .collect();
        let mut found = BTreeSet::new();
        for text in texts_that_notify(post, self.settings.version) {
            for word in words(&without_code(&text)) {
                let Some(name) = word.strip_prefix('@') else {
                    continue;
                };
                let name = name.to_lowercase();
                let endings = std::iter::successors(Some(name.as_str()), |name| {
                    name.strip_suffix(['.', '-', '_', ':'])
                });
                found.extend(
                    endings
                        .into_iter()
                        .find(|name| names.contains(name))
                        .map(str::to_owned),
                );
            }
        }
        found.into_iter().collect()
    }
}

impl Post {
    /// The addresses a server fetches inside `POST /posts`, five seconds each: every Markdown image, and the first bare link of a
    /// post without attachments. `props.unsafe_links` stops both on 11.x.
    #[must_use]
    pub fn fetches(&self, version: Version) -> Vec<String> {
        if version >= Version::V11_6
            && self.props.get("unsafe_links").and_then(Value::as_str) == Some("true")
        {
            return Vec::new();
        }
        let attachments = self.props.get("attachments").and_then(Value::as_array);
        let mut fetched = images(&without_code(&self.message));
        for attachment in attachments.into_iter().flatten() {
            for key in ["pretext", "text"] {
                fetched.extend(images(&without_code(
                    attachment[key].as_str().unwrap_or_default(),
                )));
            }
            for key in ["image_url", "thumb_url", "author_icon", "footer_icon"] {
                fetched.extend(
                    attachment[key]
                        .as_str()
                        .filter(|url| !url.is_empty())
                        .map(str::to_owned),
                );
            }
        }
        if attachments.is_none_or(Vec::is_empty) {
            fetched.extend(first_bare_link(&without_code(&self.message)));
        }
        fetched
    }
}

fn texts_that_notify(post: &Post, version: Version) -> Vec<String> {
    let mut texts = vec![post.message.clone()];
    for attachment in post
        .props
        .get("attachments")
        .and_then(Value::as_array)
        .into_iter()
        .flatten()
    {
        texts.extend(
            ["pretext", "text"]
                .into_iter()
                .filter_map(|key| attachment[key].as_str().map(str::to_owned)),
        );
        // Only newer servers look into the fields.
        let fields = attachment["fields"]
            .as_array()
            .filter(|_| version >= Version::V11_6);
        texts.extend(
            fields
                .into_iter()
                .flatten()
                .filter_map(|field| field["value"].as_str().map(str::to_owned)),
        );
    }
    texts
}

/// Words as the server splits them: at everything but letters, digits and `:.-_@`.
fn words(text: &str) -> impl Iterator<Item = &str> {
    text.split(|letter: char| !(letter.is_alphanumeric() || ":.-_@".contains(letter)))
        .filter(|word| !word.is_empty())
}

/// The text without fenced, indented and inline code, in which nothing counts.
fn without_code(text: &str) -> String {
    let mut kept = String::new();
    let mut fence = None;
    let mut after_blank = true;
    for line in text.split('\n') {
        let trimmed = line.trim_start();
        let marker = ["```", "~~~"]
            .into_iter()
            .find(|marker| trimmed.starts_with(marker));
        match (fence, marker) {
            (None, Some(marker)) => fence = Some(marker),
            (Some(open), Some(marker)) if open == marker => fence = None,
            (Some(_), _) => {}
            (None, None) if after_blank && line.starts_with("    ") => continue,
            (None, None) => {
                kept.push_str(line);
                kept.push('\n');
            }
        }
        after_blank = trimmed.is_empty();
    }
    without_spans(&kept)
}

/// The text without what stands between two runs of equally many backticks.
fn without_spans(text: &str) -> String {
    let mut kept = String::new();
    let mut rest = text;
    while let Some(start) = rest.find('`') {
        kept.push_str(&rest[..start]);
        let run = rest[start..].len() - rest[start..].trim_start_matches('`').len();
        let ticks = &rest[start..start + run];
        let inside = &rest[start + run..];
        let end = inside
            .match_indices(ticks)
            .map(|(at, _)| at)
            .find(|at| !inside[at + run..].starts_with('`') && !inside[..*at].ends_with('`'));
        match end {
            Some(end) => {
                kept.push(' ');
                rest = &inside[end + run..];
            }
            None => {
                kept.push_str(ticks);
                rest = inside;
            }
        }
    }
    kept.push_str(rest);
    kept
}

/// The addresses of `![…](address)`.
fn images(text: &str) -> Vec<String> {
    let after_marks = text.match_indices("![").map(|(at, _)| &text[at + 2..]);
    let addresses = after_marks
        .filter_map(|rest| rest.split_once("]("))
        .map(|(_, rest)| rest);
    addresses
        .filter_map(|rest| rest.split([')', ' ', '\n']).next())
        .map(|address| address.trim_matches(['<', '>']).to_owned())
        .filter(|address| address.starts_with("http://") || address.starts_with("https://"))
        .collect()
}

/// The first `http://…` or `https://…` that stands in the text itself, not as the target of a link.
fn first_bare_link(text: &str) -> Option<String> {
    let starts = text.match_indices("http").map(|(at, _)| at);
    let bare = starts.filter(|at| !text[..*at].ends_with("](") && !text[..*at].ends_with('['));
    bare.map(|at| {
        text[at..]
            .split(|letter: char| letter.is_whitespace() || ")>]\"".contains(letter))
            .next()
            .unwrap_or_default()
    })
    .find(|link| {
        let host = link
            .strip_prefix("http://")
            .or_else(|| link.strip_prefix("https://"));
        host.is_some_and(|host| {
            host.starts_with(|letter: char| letter.is_alphanumeric() || letter == '[')
        })
    })
    .map(str::to_owned)
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::super::model::User;
    use super::super::state::Settings;
    use super::*;

    fn post(message: &str, props: Value) -> Post {
        Post {
            message: message.to_owned(),
            props: props.as_object().cloned().unwrap_or_default(),
            ..Post::default()
        }
    }

    /// The table of what was seen on running servers.
    #[test]
    fn mentions_are_found_where_real_servers_found_them() {
        let mut state = State::new(Settings::default());
        state
            .users
            .insert("u".to_owned(), User::person("lotte", "", ""));
        for (text, wanted) in [
            ("@all", "all"),
            ("@ALL", "all"),
            ("\\@all", "all"),
            ("> @all", "all"),
            ("**@all**", "all"),
            ("(@all)", "all"),
            ("[@all](http://x)", "all"),
            ("<@all>", "all"),
            ("- @all", "all"),
            ("#@all", "all"),
            ("@all.", "all"),
            ("@here", "here"),
            ("hello @lotte.", "lotte"),
            ("`a` @all", "all"),
            ("unclosed ` @all", "all"),
            ("`@all`", ""),
            ("``a ` @all``", ""),
            ("```\n@all\n```", ""),
            ("    @all", ""),
            ("x@all", ""),
            ("＠all", ""),
            ("@\u{2060}all", ""),
            ("&#64;all", ""),
            ("@allergic", ""),
        ] {
            assert_eq!(
                state.mentions(&post(text, json!({}))).join(" "),
                wanted,
                "{text:?}"
            );
        }
    }

    #[test]
    fn newer_servers_look_into_the_fields_of_attachments() {
        let card = post(
            "",
            json!({ "attachments": [{ "title": "@here", "text": "@channel", "fields": [{ "title": "@here", "value": "@all" }] }] }),
        );
        for (version, wanted) in [(Version::V9_11, "channel"), (Version::V11_6, "all channel")] {
            let state = State::new(Settings {
                version,
                ..Settings::default()
            });
            assert_eq!(state.mentions(&card).join(" "), wanted, "{version:?}");
        }
    }

    #[test]
    fn images_and_the_first_bare_link_are_fetched() {
        for (text, wanted) in [
            ("see http://a.b/c and http://d", "http://a.b/c"),
            ("<http://a>", "http://a"),
            (
                "![x](http://a/1.png) ![](https://b/2.png)",
                "http://a/1.png https://b/2.png",
            ),
            ("[text](http://a)", ""),
            ("[http://a](http://a)", ""),
            ("`http://a`", ""),
            ("!\u{2060}[x](http://a)", ""),
            ("http:\u{2060}//a", ""),
            ("localhost:80/x", ""),
        ] {
            assert_eq!(
                post(text, json!({})).fetches(Version::V11_6).join(" "),
                wanted,
                "{text:?}"
            );
        }
        let unsafe_links = post("http://a", json!({ "unsafe_links": "true" }));
        assert_eq!(unsafe_links.fetches(Version::V11_6).len(), 0);
        assert_eq!(unsafe_links.fetches(Version::V9_11).len(), 1);
        let card = post(
            "http://a",
            json!({ "attachments": [{ "text": "![](http://b)", "image_url": "http://c" }] }),
        );
        assert_eq!(card.fetches(Version::V11_6), ["http://b", "http://c"]);
    }
}
