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
