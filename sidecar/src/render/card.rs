//! The card: the root post of a conversation, drawn from what the store knows.
//!
//! ```text
//! 💬 **Sanne de Vries**: "Hoi, kan ik voor zaterdag nog een baan boeken?"  #ireserve-1042     (message)
//! ┃ 🟡 **Wacht sinds 14:01** · niemand                                                        (one attachment)
//! ┃ [Bowling reserveren](https://…) · Receptie · [Openen in i-Reserve](https://…)
//! ┃ conv_93 · begonnen om 14:01 · Websitechat                                                 (its footer)
//! ```
//!
//! The message is what a phone pushes and a search finds; it changes only with the name, or when the quoted text is withdrawn.
//! Its later lines are [`Continued`] and [`continues`], and stay as they stand. Texts are not stored, so the quote is read
//! back from the standing message. Whoever is assigned stands there without `@`: a mention would stay yellow for ever.

use serde_json::{Value as Json, json};
use shared::{ConversationId, Format, Timestamp};

use super::{
    Contact, Draft, Neutral, Voice,
    address::Address,
    catalogue::{Key, Value},
    html,
    ink::unescaped,
    message::visitor_name,
    plain, split,
};
use crate::record::{Card, CardState};

/// What a quote shows, in characters as people count them.
const QUOTE: usize = 120;

/// Whether the conversation had a card before.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum Continued<'a> {
    #[default]
    None,
    /// The thread is full, or stands in an archived channel.
    From { number: u64, permalink: &'a str },
    /// The former card is gone.
    Deleted,
}

/// The card as it is posted. `quote` is the first message, of which the first line is shown.
#[must_use]
pub fn root(
    card: &Card,
    conversation: &ConversationId,
    quote: Option<(&str, Format)>,
    continued: Continued<'_>,
    voice: &Voice,
) -> Draft {
    let quote = quote
        .map(|(text, format)| quote_of(text, format))
        .filter(|quote| !quote.is_empty() && !card.quote_withdrawn);
    let mut message = first_line(card, conversation, quote.as_ref(), voice);
    if let Some(line) = continued_line(continued, voice) {
        message.push('\n');
        message.push_str(&line);
    }
    Draft {
        message,
        attachments: vec![attachment(card, conversation, voice)],
    }
}

/// The card as it is shown after a change. `standing` is its message as it is now.
#[must_use]
pub fn card_again(
    standing: &str,
    card: &Card,
    conversation: &ConversationId,
    voice: &Voice,
) -> Draft {
    let (first, later) = match standing.split_once('\n') {
        Some((first, later)) => (first, Some(later)),
        None => (standing, None),
    };
    let quote = standing_quote(first, card.number).filter(|_| !card.quote_withdrawn);
    let mut message = first_line(card, conversation, quote.as_ref(), voice);
    if let Some(later) = later {
        message.push('\n');
        message.push_str(later);
    }
    Draft {
        message,
        attachments: vec![attachment(card, conversation, voice)],
    }
}

/// The message of a card whose conversation goes on in a new thread. Adding the line twice changes nothing.
#[must_use]
pub fn continues(standing: &str, permalink: &str, voice: &Voice) -> String {
    let Some(link) = Address::parse(permalink) else {
        return standing.to_owned();
    };
    let line = voice.say(Key::Continues, &[("link", Value::Ours(link.as_str()))]);
    if standing.lines().any(|standing| standing == line) {
        return standing.to_owned();
    }
    format!("{standing}\n{line}")
}

fn first_line(
    card: &Card,
    conversation: &ConversationId,
    quote: Option<&Neutral>,
    voice: &Voice,
) -> String {
    let test = if card.test { "**TEST** " } else { "" };
    let name = named(card, conversation, voice);
    let quote = quote
        .map(|quote| format!(": \"{quote}\""))
        .unwrap_or_default();
    format!("{test}💬 **{name}**{quote}{}", hashtag(card.number))
}

fn named(card: &Card, conversation: &ConversationId, voice: &Voice) -> Neutral {
    let name = card.visitor.as_ref().map_or("", |visitor| &visitor.name);
    visitor_name(conversation, name, voice)
}

/// Searching for it finds the card: words of an attachment are not found.
fn hashtag(number: u64) -> String {
    format!("  #ireserve-{number}")
}

fn quote_of(text: &str, format: Format) -> Neutral {
    let plain = match format {
        Format::Plain => text.to_owned(),
        Format::Markdown => plain::write(&html::from_markdown(text)),
        Format::Html => plain::write(&html::from_html(text)),
    };
    let line = plain
        .lines()
        .find(|line| !line.trim().is_empty())
        .unwrap_or_default();
    Neutral::line(&split::shorten(line.trim(), QUOTE))
}

/// The quote in the first line of a standing card: behind the name, before our hashtag.
fn standing_quote(first: &str, number: u64) -> Option<Neutral> {
    let (_, named) = first.split_once("💬 **")?;
    let after = &named[unescaped(named, "**")? + 2..];
    let quote = after
        .strip_prefix(": \"")?
        .strip_suffix(&hashtag(number))?
        .strip_suffix('"')?;
    Some(Neutral::standing(quote))
}

fn continued_line(continued: Continued<'_>, voice: &Voice) -> Option<String> {
    match continued {
        Continued::None => None,
        Continued::Deleted => Some(voice.say(Key::ContinuedDeleted, &[])),
        Continued::From { number, permalink } => {
            let link = Address::parse(permalink)?;
            let number = number.to_string();
            let values = [
                ("number", Value::Ours(number.as_str())),
                ("link", Value::Ours(link.as_str())),
            ];
            Some(voice.say(Key::Continued, &values))
        }
    }
}

fn attachment(card: &Card, conversation: &ConversationId, voice: &Voice) -> Json {
    let (sign, colour, state) = state(card, voice);
    let nobody = || voice.say(Key::Nobody, &[]);
    let assigned = |name: fn(&str) -> Neutral| {
        card.assigned
            .as_ref()
            .map(|person| name(&person.name))
            .filter(|name| !name.is_empty())
            .map_or_else(nobody, |name| name.to_string())
    };
    let mut lines = vec![format!("{sign} **{state}** · {}", assigned(Neutral::line))];
    let second = [
        page(card),
        department(card),
        open(card.url.as_deref(), voice),
    ];
    let third = contact(card, voice);
    for line in [second.into_iter().flatten().collect(), third] {
        if !line.is_empty() {
            lines.push(line.join(" · "));
        }
    }
    let started = card.started_at.clock(&voice.zone);
    let footer = [
        Neutral::bare(conversation.as_str()).to_string(),
        voice.say(Key::StartedAt, &[("time", Value::Ours(&started))]),
        voice.say(Key::WebsiteChat, &[]),
    ];
    json!({
        "color": colour,
        "fallback": format!("{state} · {}", assigned(Neutral::bare)),
        "text": lines.join("\n"),
        "footer": footer.join(" · "),
    })
}

/// Word, sign and colour: whoever cannot see one has the others.
fn state(card: &Card, voice: &Voice) -> (&'static str, &'static str, String) {
    if card.undelivered {
        return ("⚠️", "#D24B4E", voice.say(Key::StateUndelivered, &[]));
    }
    let (sign, colour, key, since) = match card.state {
        CardState::Waiting(since) => ("🟡", "#F5A623", Key::StateWaiting, since),
        CardState::Answered(since) => ("🟢", "#3DB887", Key::StateAnswered, since),
        CardState::Resolved(since) => ("⚪", "#8E8E93", Key::StateResolved, since),
    };
    let time = time(since, card.started_at, voice);
    (
        sign,
        colour,
        voice.say(key, &[("time", Value::Ours(&time))]),
    )
}

/// A clock says enough on the day the conversation began, which Mattermost shows beside the post.
fn time(moment: Timestamp, started_at: Timestamp, voice: &Voice) -> String {
    if moment.same_day(started_at, &voice.zone) {
        moment.clock(&voice.zone)
    } else {
        moment.date(&voice.zone, voice.language)
    }
}

fn page(card: &Card) -> Option<String> {
    let page = card.page.as_ref()?;
    let title = Neutral::line(page.title.as_deref().unwrap_or_default());
    match Address::parse(&page.url) {
        Some(address) if !title.is_empty() => Some(Neutral::labelled(&title, &address).to_string()),
        Some(_) => Neutral::address(&page.url).map(|address| address.to_string()),
        None => [title, Neutral::line(&page.url)]
            .into_iter()
            .find(|text| !text.is_empty())
            .map(|text| text.to_string()),
    }
}

fn department(card: &Card) -> Option<String> {
    let department = Neutral::line(card.department.as_deref()?);
    (!department.is_empty()).then(|| department.to_string())
}

/// `[Open in i-Reserve](…)`: a label that makes sense when a screen reader says it alone.
pub(super) fn open(url: Option<&str>, voice: &Voice) -> Option<String> {
    let address = Address::parse(url?)?;
    let label = voice.say(Key::OpenInIreserve, &[]);
    Some(format!("[{label}]({})", address.as_str()))
}

fn contact(card: &Card, voice: &Voice) -> Vec<String> {
    let Some(visitor) = card
        .visitor
        .as_ref()
        .filter(|_| voice.contact == Contact::All)
    else {
        return Vec::new();
    };
    [(Key::Email, &visitor.email), (Key::Phone, &visitor.phone)]
        .into_iter()
        .filter_map(|(key, value)| Some((key, Neutral::line(value.as_deref()?))))
        .filter(|(_, value)| !value.is_empty())
        .map(|(key, value)| format!("{}: {value}", voice.say(key, &[])))
        .collect()
}

#[cfg(test)]
mod tests {
    use shared::{Page, Person, Visitor};

    use super::*;
    use crate::render::tests::{dutch, english};

    const PERMALINK: &str = "https://chat.bowling.nl/zwolle/pl/8xk5zqdp4tfc9ykj3w1mo6hr7e";

    fn conversation() -> ConversationId {
        ConversationId::new("conv_93").unwrap()
    }

    fn card() -> Card {
        let mut card = Card::new(1042, "2026-12-12T13:01:00Z".parse().unwrap());
        card.visitor = Some(Visitor {
            name: "Sanne de Vries".into(),
            email: Some("sanne@a.nl".into()),
            ..Visitor::default()
        });
        card.page = Some(Page {
            url: "https://bowling.nl/bowling".into(),
            title: Some("Bowling reserveren".into()),
        });
        card.department = Some("Receptie".into());
        card.url = Some("https://acme.i-reserve.net/c/93".into());
        card
    }

    fn drawn(card: &Card, quote: &str) -> Draft {
        let quote = Some((quote, Format::Plain)).filter(|(quote, _)| !quote.is_empty());
        root(card, &conversation(), quote, Continued::None, &dutch())
    }

    fn text(draft: &Draft) -> &str {
        assert_eq!(draft.attachments.len(), 1);
        draft.attachments[0]["text"].as_str().unwrap()
    }

    #[test]
    fn a_card_shows_who_waits_since_when_and_where() {
        let draft = drawn(
            &card(),
            "Hoi, kan ik voor zaterdag nog een baan boeken?\nGroet",
        );
        assert_eq!(
            draft.message,
            "💬 **Sanne de Vries**: \"Hoi, kan ik voor zaterdag nog een baan boeken?\"  #ireserve-1042"
        );
        assert_eq!(
            draft.attachments,
            [json!({
                "color": "#F5A623",
                "fallback": "Wacht sinds 14:01 · niemand",
                "text": "🟡 **Wacht sinds 14:01** · niemand\n[Bowling reserveren](https://bowling.nl/bowling) · Receptie · [Openen in i-Reserve](https://acme.i-reserve.net/c/93)",
                "footer": "conv_93 · begonnen om 14:01 · Websitechat",
            })]
        );
    }

    #[test]
    fn every_state_has_its_word_sign_and_colour() {
        let at: Timestamp = "2026-12-13T18:00:00Z".parse().unwrap();
        for (state, undelivered, colour, first) in [
            (
                CardState::Waiting(at),
                false,
                "#F5A623",
                "🟡 **Waiting since Sun 13 Dec 18:00** · nobody",
            ),
            (
                CardState::Answered(at),
                false,
                "#3DB887",
                "🟢 **Answered at Sun 13 Dec 18:00** · nobody",
            ),
            (
                CardState::Resolved(at),
                false,
                "#8E8E93",
                "⚪ **Resolved at Sun 13 Dec 18:00** · nobody",
            ),
            (
                CardState::Answered(at),
                true,
                "#D24B4E",
                "⚠️ **Not delivered** · nobody",
            ),
        ] {
            let mut card = card();
            (card.state, card.undelivered) = (state, undelivered);
            let draft = root(&card, &conversation(), None, Continued::None, &english());
            assert_eq!(text(&draft).lines().next(), Some(first));
            assert_eq!(draft.attachments[0]["color"], colour);
        }
    }

    #[test]
    fn a_card_of_which_little_is_known_says_what_it_can() {
        let bare = Card::new(7, Timestamp::from_millis(0));
        let draft = drawn(&bare, "");
        assert!(
            draft.message.starts_with("💬 **Bezoeker "),
            "{}",
            draft.message
        );
        assert!(draft.message.ends_with("**  #ireserve-7"));
        assert_eq!(text(&draft), "🟡 **Wacht sinds 01:00** · niemand");

        let mut untitled = card();
        untitled.page = Some(Page {
            url: "https://a.nl/?a=1&b=@x".into(),
            title: None,
        });
        untitled.test = true;
        untitled.assigned = Some(Person {
            name: "Anna @all".into(),
            email: None,
        });
        let draft = drawn(&untitled, "");
        assert!(draft.message.starts_with("**TEST** 💬 "));
        assert!(
            text(&draft)
                .contains("\n[https://a.nl/?a=1&b=%40x](https://a.nl/?a=1&b=%40x) · Receptie")
        );
        assert!(text(&draft).starts_with("🟡 **Wacht sinds 14:01** · Anna @\u{2060}all\n"));
    }

    #[test]
    fn a_page_without_a_web_address_is_only_named() {
        let mut card = card();
        card.url = Some("javascript:alert(1)".into());
        card.page = Some(Page {
            url: "javascript:alert(1)".into(),
            title: Some("Klik [hier](http://x)".into()),
        });
        let draft = drawn(&card, "");
        assert_eq!(
            text(&draft).lines().nth(1),
            Some("Klik \\[hier\\](http:\u{2060}//x) · Receptie")
        );
    }

    #[test]
    fn contact_details_are_shown_as_far_as_the_team_wants() {
        let all = root(
            &card(),
            &conversation(),
            None,
            Continued::None,
            &english().showing(Contact::All),
        );
        assert_eq!(text(&all).lines().nth(2), Some("E-mail: sanne@a.nl"));
        let none = root(
            &card(),
            &conversation(),
            None,
            Continued::None,
            &english().showing(Contact::None),
        );
        assert!(!none.message.contains("Sanne") && !text(&none).contains("sanne"));
    }

    #[test]
    fn a_quote_is_one_harmless_line_of_120_characters() {
        let draft = drawn(&card(), &format!("\n @all {}", "ë".repeat(200)));
        let quote = standing_quote(&draft.message, 1042).unwrap();
        assert!(quote.as_str().starts_with("@\u{2060}all ë") && quote.as_str().ends_with('…'));
        assert_eq!(
            quote.as_str().chars().filter(|c| *c != '\u{2060}').count(),
            QUOTE
        );
        let html = root(
            &card(),
            &conversation(),
            Some(("<p>Hoi <b>jij</b></p><p>x</p>", Format::Html)),
            Continued::None,
            &dutch(),
        );
        assert!(
            html.message.contains("**: \"Hoi jij\"  #"),
            "{}",
            html.message
        );
    }

    #[test]
    fn drawing_again_keeps_the_quote_and_changes_the_name() {
        let mut card = card();
        let quote = "zei \"ja\"  #ireserve-1042\" en **nee**";
        let first = root(
            &card,
            &conversation(),
            Some((quote, Format::Plain)),
            Continued::Deleted,
            &dutch(),
        );
        assert_eq!(
            card_again(&first.message, &card, &conversation(), &dutch()),
            first,
            "nothing changed"
        );

        card.visitor.as_mut().unwrap().name = "Sanne **Smit**".into();
        let again = card_again(&first.message, &card, &conversation(), &dutch());
        assert!(
            again
                .message
                .starts_with("💬 **Sanne \\*\\*Smit\\*\\***: \"zei \"ja\""),
            "{}",
            again.message
        );
        assert!(
            again
                .message
                .ends_with("\nHet vorige draadje van dit gesprek is verwijderd.")
        );

        card.quote_withdrawn = true;
        let without = card_again(&again.message, &card, &conversation(), &dutch());
        assert!(
            without
                .message
                .starts_with("💬 **Sanne \\*\\*Smit\\*\\***  #ireserve-1042\n")
        );
        assert_eq!(
            card_again(&without.message, &card, &conversation(), &dutch()),
            without
        );
    }

    #[test]
    fn a_conversation_that_moved_is_linked_both_ways() {
        let from = Continued::From {
            number: 1042,
            permalink: PERMALINK,
        };
        let new = root(&card(), &conversation(), None, from, &english());
        assert_eq!(
            new.message.lines().nth(1),
            Some(format!("Continued from [#1042]({PERMALINK}).").as_str())
        );

        let old = drawn(&card(), "Hoi").message;
        let linked = continues(&old, PERMALINK, &english());
        assert_eq!(
            linked,
            format!("{old}\nThis conversation continues in [a new thread]({PERMALINK}).")
        );
        assert_eq!(
            continues(&linked, PERMALINK, &english()),
            linked,
            "an edit may be repeated"
        );
    }
}
