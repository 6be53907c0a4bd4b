//! Notifications: a post of their own in the channel of their type.
//!
//! ```text
//! 📅 **Nieuwe boeking** · Sanne de Vries, za 12 dec 19:00, 6 personen      (message)
//! ┃ [Openen in i-Reserve](https://…)                                       (attachment, bar by severity)
//! ┃ Locatie  Zwolle     Bedrag  € 142,50
//! ┃ BWZ-55321                                                              (footer: the subject)
//! ```

use serde_json::{Map, Value as Json, json};
use shared::{Field, Format, Notification, Severity};

use super::{Draft, Neutral, Voice, card, catalogue::Key, message::joined, split::split};

/// Room for ` · ` or ` (99/99) ` and a line break.
const MARK_ROOM: usize = 16;

/// Bytes of fields in one post. Mattermost 11 refuses bodies above 300,000 bytes, and JSON may double a text.
const FIELD_BYTES: usize = 60_000;

/// The posts of one notification, at least one. Long text and many fields go on in further ones, each under the same title.
#[must_use]
pub fn notification(notification: &Notification, voice: &Voice, limit: usize) -> Vec<Draft> {
    let head = head(notification, voice);
    let messages = messages(&head, notification, limit);
    let fields = chunks(&notification.fields);
    let count = messages.len().max(fields.len()).max(1);
    (0..count)
        .map(|at| Draft {
            message: messages.get(at).cloned().unwrap_or_else(|| head.clone()),
            attachments: attachment(notification, at == 0, fields.get(at), voice)
                .into_iter()
                .collect(),
        })
        .collect()
}

fn head(notification: &Notification, voice: &Voice) -> String {
    let (sign, key) = known(&notification.notification_type);
    let title = Neutral::line(notification.title.as_deref().unwrap_or_default());
    let title = if title.is_empty() {
        key.map_or_else(
            || Neutral::line(&notification.notification_type).to_string(),
            |key| voice.say(key, &[]),
        )
    } else {
        title.to_string()
    };
    format!("{sign} **{title}**")
}

fn messages(head: &str, notification: &Notification, limit: usize) -> Vec<String> {
    let body = Neutral::text(&notification.text, notification.format);
    let room = limit.saturating_sub(head.chars().count() + MARK_ROOM);
    let parts = split(body.trimmed(), room);
    let count = parts.len();
    if count == 1 {
        return vec![joined(&format!("{head} · "), &parts[0])];
    }
    parts
        .iter()
        .enumerate()
        .map(|(at, part)| joined(&format!("{head} ({}/{count}) ", at + 1), part))
        .collect()
}

fn known(kind: &str) -> (&'static str, Option<Key>) {
    match kind {
        "booking.created" => ("📅", Some(Key::NotificationBookingCreated)),
        "booking.confirmed" => ("✅", Some(Key::NotificationBookingConfirmed)),
        "booking.changed" => ("✏️", Some(Key::NotificationBookingChanged)),
        "booking.cancelled" => ("❌", Some(Key::NotificationBookingCancelled)),
        "booking.no_show" => ("🚫", Some(Key::NotificationBookingNoShow)),
        "booking.payment_changed" => ("💶", Some(Key::NotificationBookingPaymentChanged)),
        _ => ("🔔", None),
    }
}

/// Fields by post, in order.
fn chunks(fields: &[Field]) -> Vec<Vec<Json>> {
    let mut chunks: Vec<Vec<Json>> = Vec::new();
    let mut used = usize::MAX;
    for field in fields {
        let title = Neutral::bare(&field.title);
        // From 11 on a mention in a value notifies like one in the message (seen on 11.6).
        let value = Neutral::text(&field.value, Format::Plain);
        let size = title.as_str().len() + value.as_str().len();
        if used.saturating_add(size) > FIELD_BYTES {
            chunks.push(Vec::new());
            used = 0;
        }
        used += size;
        if let Some(chunk) = chunks.last_mut() {
            chunk.push(json!({
                "title": title.as_str(),
                "value": value.as_str(),
                "short": field.short,
            }));
        }
    }
    chunks
}

fn attachment(
    notification: &Notification,
    first: bool,
    fields: Option<&Vec<Json>>,
    voice: &Voice,
) -> Option<Json> {
    let mut parts = Map::new();
    if let Some(fields) = fields {
        parts.insert("fields".into(), json!(fields));
    }
    if first && let Some(open) = card::open(notification.url.as_deref(), voice) {
        parts.insert("text".into(), json!(open));
    }
    let subject = Neutral::bare(notification.subject_id.as_deref().unwrap_or_default());
    if first && !subject.is_empty() {
        parts.insert("footer".into(), json!(subject.as_str()));
    }
    // A bar beside nothing says something only when it warns.
    let warns = first && notification.severity != Severity::Info;
    if parts.is_empty() && !warns {
        return None;
    }
    parts.insert("color".into(), json!(colour(notification.severity)));
    let fallback = Neutral::bare(
        notification
            .title
            .as_deref()
            .unwrap_or(&notification.notification_type),
    );
    parts.insert("fallback".into(), json!(fallback.as_str()));
    Some(Json::Object(parts))
}

const fn colour(severity: Severity) -> &'static str {
    match severity {
        Severity::Info => "#5D89EA",
        Severity::Success => "#3DB887",
        Severity::Warning => "#F5A623",
        Severity::Error => "#D24B4E",
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::render::{
        PART,
        tests::{dutch, english},
    };

    fn booking(text: &str) -> Notification {
        Notification {
            notification_type: "booking.created".into(),
            title: None,
            text: text.into(),
            format: Format::Plain,
            fields: vec![
                Field {
                    title: "Locatie".into(),
                    value: "Zwolle".into(),
                    short: true,
                },
                Field {
                    title: "Bedrag ~x".into(),
                    value: "€ 142,50 @all".into(),
                    short: true,
                },
            ],
            url: Some("https://acme.i-reserve.net/b/1".into()),
            severity: Severity::Info,
            subject_id: Some("BWZ_55321".into()),
            attachments: Vec::new(),
        }
    }

    #[test]
    fn a_booking_is_one_post_with_its_facts_beside_it() {
        let drafts = notification(&booking("Sanne de Vries, za 12 dec 19:00"), &dutch(), PART);
        assert_eq!(
            drafts,
            [Draft {
                message: "📅 **Nieuwe boeking** · Sanne de Vries, za 12 dec 19:00".into(),
                attachments: vec![json!({
                    "color": "#5D89EA",
                    "fallback": "booking.created",
                    "text": "[Openen in i-Reserve](https://acme.i-reserve.net/b/1)",
                    "fields": [
                        {"title": "Locatie", "value": "Zwolle", "short": true},
                        {"title": "Bedrag ~\u{2060}x", "value": "€ 142,50 @\u{2060}all", "short": true},
                    ],
                    "footer": "BWZ_55321",
                })],
            }]
        );
    }

    #[test]
    fn titles_follow_the_type_unless_i_reserve_gives_one() {
        for (kind, title, wanted) in [
            ("booking.confirmed", None, "✅ **Booking confirmed** · x"),
            ("booking.changed", None, "✏️ **Booking changed** · x"),
            ("booking.cancelled", None, "❌ **Booking cancelled** · x"),
            ("booking.no_show", None, "🚫 **Guest did not show up** · x"),
            (
                "booking.payment_changed",
                None,
                "💶 **Payment changed** · x",
            ),
            ("stock_low", None, "🔔 **stock\\_low** · x"),
            (
                "booking.created",
                Some("Feest @all"),
                "📅 **Feest @\u{2060}all** · x",
            ),
            ("booking.created", Some(" "), "📅 **New booking** · x"),
        ] {
            let mut booking = booking("x");
            booking.notification_type = kind.into();
            booking.title = title.map(Into::into);
            assert_eq!(
                notification(&booking, &english(), PART)[0].message,
                wanted,
                "{kind}"
            );
        }
    }

    #[test]
    fn the_bar_follows_the_severity_and_stands_only_beside_something() {
        let mut plain = booking("");
        (plain.fields, plain.url, plain.subject_id) = (Vec::new(), None, None);
        let drafts = notification(&plain, &english(), PART);
        assert_eq!(
            drafts,
            [Draft {
                message: "📅 **New booking**".into(),
                attachments: Vec::new()
            }]
        );
        for (severity, colour) in [
            (Severity::Success, "#3DB887"),
            (Severity::Warning, "#F5A623"),
            (Severity::Error, "#D24B4E"),
        ] {
            plain.severity = severity;
            assert_eq!(
                notification(&plain, &english(), PART)[0].attachments[0]["color"],
                colour
            );
        }
    }

    #[test]
    fn long_text_and_many_fields_go_on_in_further_posts_under_the_same_title() {
        let mut long = booking(&"Regel na regel. ".repeat(2_000));
        let field = Field {
            title: "t".into(),
            value: "ë".repeat(2_000),
            short: false,
        };
        long.fields = vec![field; 50];
        let drafts = notification(&long, &english(), PART);
        assert_eq!(drafts.len(), 4);
        for draft in &drafts {
            assert!(draft.message.starts_with("📅 **New booking**"));
            assert!(draft.message.chars().count() <= PART);
        }
        assert!(drafts[2].message.starts_with("📅 **New booking** (3/3) "));
        let fields = |draft: &Draft| draft.attachments[0]["fields"].as_array().unwrap().len();
        assert_eq!(drafts.iter().map(fields).sum::<usize>(), 50);
    }
}
