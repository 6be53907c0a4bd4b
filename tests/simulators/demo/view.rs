//! The whole picture as the page draws it: JSON, words included, in one language. Nothing in it but the story.
//!
//! What is named `html` was made by [`markdown::html`] and may be inserted as such; everything else is text.

use serde_json::{Value, json};
use shared::Language;

use super::markdown;
use super::post::is_root;
use super::settings::TIME_ZONE;
use super::stage::Talk;
use super::story::{By, Entry, Fate, Heard, Note, Said, Seen, Story, What};
use super::verdict::doubles;
use super::words;

/// How much of each list is shown, against a page that stays open for days.
const NEWEST: usize = 120;

/// The picture.
pub(super) fn view(story: &Story, talk: &Talk, language: Language) -> Value {
    json!({
        "language": language.code(),
        "zone": TIME_ZONE,
        "weather": {
            "away": story.weather.away,
            "slow": story.weather.slow,
            "losing": story.weather.losing,
            "up": story.weather.up,
            "lives": story.weather.lives,
        },
        "playing": story.weather.playing,
        "conversation": talk.id,
        "closed": talk.is_closed,
        "counters": counters(story),
        "chat": chat(story, talk, language),
        "steps": newest(&story.entries.iter().map(|entry| step(story, entry, language)).collect::<Vec<_>>()),
        "threads": newest(&threads(story, true)),
        "bookings": newest(&threads(story, false)),
    })
}

fn newest(rows: &[Value]) -> &[Value] {
    &rows[rows.len().saturating_sub(NEWEST)..]
}

fn counters(story: &Story) -> Value {
    let count = |fits: fn(&Said) -> bool| story.said.iter().filter(|said| fits(said)).count();
    json!({
        "said": story.said.len(),
        "accepted": count(|said| said.accepted_after.is_some()),
        "waiting": story.waiting(),
        "attempts": story.said.iter().map(|said| said.attempts).sum::<u32>(),
        "delivered": count(|said| said.fate == Fate::Delivered),
        "parked": count(|said| said.fate == Fate::Parked),
        "twice": doubles(story),
    })
}

fn chat(story: &Story, talk: &Talk, language: Language) -> Vec<Value> {
    // Bookings are shown among the messages during which they came.
    let begins = match &talk.id {
        Some(id) => story
            .said
            .iter()
            .position(|said| said.conversation.as_ref() == Some(id)),
        None => story
            .said
            .iter()
            .rposition(|said| said.conversation.is_some())
            .map(|last| last + 1),
    };
    let ours =
        story
            .said
            .iter()
            .skip(begins.unwrap_or(0))
            .filter(|said| match &said.conversation {
                Some(conversation) => talk.id.as_ref() == Some(conversation),
                None => true,
            });
    let mut rows: Vec<_> = ours
        .filter_map(|said| bubble(story, said, language))
        .collect();
    let told = story.heard.iter();
    rows.extend(
        told.filter(|heard| talk.id.as_ref() == Some(&heard.conversation))
            .map(|heard| told_bubble(heard, language)),
    );
    rows.sort_by_key(|row| row["at"].as_i64());
    newest(&rows).to_vec()
}

/// One line of the chat; none for what is seen in another line.
fn bubble(story: &Story, said: &Said, language: Language) -> Option<Value> {
    let (kind, name, text) = match &said.what {
        What::Message { by, name, text, .. } => {
            let kind = match by {
                By::Visitor => "visitor",
                By::Agent => "agent",
            };
            (kind, name.clone(), text.clone())
        }
        What::Notification { title, text } => ("line", String::new(), format!("{title}: {text}")),
        What::Closed { .. } | What::Reopened { .. } => {
            ("line", String::new(), words::about(said, language))
        }
        What::Started { .. } | What::Edited { .. } | What::Withdrawn { .. } => return None,
    };
    let mut last = Some(text);
    let mut state = said;
    for later in &story.said {
        match &later.what {
            What::Edited { of, text } if *of == said.id => {
                last = last.map(|_| text.clone());
                state = later;
            }
            What::Withdrawn { of } if *of == said.id => {
                last = None;
                state = later;
            }
            _ => {}
        }
    }
    let file = match &said.what {
        What::Message { file, .. } if last.is_some() => file.as_ref(),
        _ => None,
    };
    Some(json!({
        "id": said.id,
        "kind": kind,
        "name": name,
        "at": said.at,
        "edited": state.id != said.id && last.is_some(),
        "withdrawn": last.is_none(),
        "text": last,
        "file": file.map(|file| json!({ "name": file.name, "url": format!("sent/{}", said.id) })),
        "state": state_name(&state.fate),
        "note": words::state(state, language),
    }))
}

/// A reply that came from the thread.
fn told_bubble(heard: &Heard, language: Language) -> Value {
    json!({
        "id": heard.id,
        "kind": "agent",
        "name": heard.name,
        "at": heard.at,
        "edited": false,
        "withdrawn": heard.is_deleted,
        "text": (!heard.is_deleted).then_some(&heard.text),
        "file": null,
        "state": "delivered",
        "note": words::from_mattermost(language),
    })
}

const fn state_name(fate: &Fate) -> &'static str {
    match fate {
        Fate::Sending => "sending",
        Fate::Refused => "refused",
        Fate::Accepted => "accepted",
        Fate::Trying => "trying",
        Fate::Waiting => "waiting",
        Fate::Delivered => "delivered",
        Fate::Parked => "parked",
    }
}

fn step(story: &Story, entry: &Entry, language: Language) -> Value {
    let about = entry
        .event
        .as_deref()
        .map(|event| words::about_event(story, event, language));
    json!({
        "number": entry.number,
        "at": entry.at,
        "event": entry.event,
        "about": about,
        "kind": kind(&entry.note),
        "text": words::note(&entry.note, language),
    })
}

/// How a step looks: its sign and colour.
const fn kind(note: &Note) -> &'static str {
    match note {
        Note::Accepted { .. } => "accepted",
        Note::Repeated { .. } => "failed",
        Note::Rejected { .. } | Note::Parked { .. } => "parked",
        Note::Tried { .. } => "tried",
        Note::Found { .. } => "found",
        Note::Failed { .. } => "failed",
        Note::Delivered { .. } | Note::Reached { .. } => "delivered",
        Note::Played { fine: true } | Note::Back | Note::Started { .. } | Note::Slow(false) => {
            "good"
        }
        Note::Replied { .. } => "people",
        Note::Played { fine: false }
        | Note::Away
        | Note::Slow(true)
        | Note::Losing
        | Note::Holding
        | Note::Deleted
        | Note::Killed => "trouble",
    }
}

/// The threads of conversations, or everything else, oldest first.
fn threads(story: &Story, conversations: bool) -> Vec<Value> {
    let mut posts: Vec<&Seen> = story.posts.values().collect();
    posts.sort_by(|a, b| (a.post.create_at, &a.post.id).cmp(&(b.post.create_at, &b.post.id)));
    let roots = posts.iter().filter(|seen| {
        is_root(&seen.post) && seen.post.marker("conversation_id").is_some() == conversations
    });
    roots
        .map(|root| {
            let replies = posts
                .iter()
                .filter(|seen| seen.post.root_id == root.post.id);
            json!({
                "id": root.post.id,
                "gone": root.is_gone,
                "root": post(root),
                "replies": replies.map(|seen| post(seen)).collect::<Vec<_>>(),
            })
        })
        .collect()
}

fn post(seen: &Seen) -> Value {
    let post = &seen.post;
    let attachments = post.props.get("attachments").and_then(Value::as_array);
    json!({
        "id": post.id,
        "author": seen.author,
        "bot": seen.is_bot,
        "at": post.create_at,
        "edited": post.edit_at > 0,
        "html": markdown::html(&post.message),
        "attachments": attachments.into_iter().flatten().map(attachment).collect::<Vec<_>>(),
        "files": files(seen),
        "reactions": reactions(&seen.post.metadata),
    })
}

/// As signs where the sidecar uses them, else by name.
fn reactions(metadata: &Value) -> Vec<String> {
    let names = metadata["reactions"].as_array().into_iter().flatten();
    names
        .filter_map(|reaction| reaction["emoji_name"].as_str())
        .map(|name| match name {
            "white_check_mark" => "✅".to_owned(),
            "warning" => "⚠️".to_owned(),
            "lock" => "🔒".to_owned(),
            other => format!(":{other}:"),
        })
        .collect()
}

fn attachment(attachment: &Value) -> Value {
    let text = |key: &str| attachment[key].as_str().unwrap_or_default();
    let fields = attachment["fields"].as_array().into_iter().flatten();
    let fields: Vec<_> = fields
        .map(|field| {
            json!({
                "title": field["title"].as_str().unwrap_or_default(),
                "html": markdown::html(field["value"].as_str().unwrap_or_default()),
                "short": field["short"] == json!(true),
            })
        })
        .collect();
    json!({
        "colour": colour(text("color")),
        "html": markdown::html(text("text")),
        "fields": fields,
        "footer": text("footer"),
    })
}

/// `#` and six hexadecimal digits; anything else is no colour.
fn colour(text: &str) -> Option<&str> {
    let digits = text.strip_prefix('#')?;
    let fits = digits.len() == 6 && digits.bytes().all(|byte| byte.is_ascii_hexdigit());
    fits.then_some(text)
}

fn files(seen: &Seen) -> Vec<Value> {
    let files = seen.post.metadata["files"].as_array().into_iter().flatten();
    files
        .map(|file| {
            let id = file["id"].as_str().unwrap_or_default();
            let is_picture = file["mime_type"].as_str().is_some_and(|mime| {
                matches!(
                    mime,
                    "image/png" | "image/jpeg" | "image/gif" | "image/webp"
                )
            });
            json!({
                "name": file["name"],
                "size": file["size"],
                "url": (!seen.is_gone).then(|| format!("files/{id}")),
                "picture": is_picture,
            })
        })
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::mattermost::Post;

    const HOSTILE: &str = "<img src=x onerror=alert(1)>\"'&";

    #[test]
    fn a_hostile_visitor_stays_text_in_every_corner_of_the_picture() {
        let mut story = Story::default();
        let message = What::Message {
            by: By::Visitor,
            name: HOSTILE.into(),
            text: HOSTILE.into(),
            file: None,
        };
        story.say(Said::new("e1".into(), Some("c".into()), message));
        story.accepted("e1");
        let props = json!({
            "ireserve": { "conversation_id": "c", "event_id": "e1", "mark": "m" },
            "attachments": [{ "color": HOSTILE, "text": HOSTILE, "footer": HOSTILE,
                "fields": [{ "title": HOSTILE, "value": HOSTILE, "short": true }] }],
        });
        let seen = Seen {
            post: Post {
                id: "p".into(),
                message: format!("**{HOSTILE}:** {HOSTILE}"),
                props: props.as_object().unwrap().clone(),
                ..Post::default()
            },
            author: HOSTILE.into(),
            is_bot: true,
            is_gone: false,
        };
        story.see(vec![seen]);
        let talk = Talk {
            id: Some("c".into()),
            ..Talk::default()
        };
        let view = view(&story, &talk, Language::En);
        let mut html = Vec::new();
        collect(&view, &mut html);
        assert_eq!(html.len(), 3, "a message, an attachment and a field");
        for html in html {
            assert!(
                html.contains("&lt;img src=x onerror=alert(1)&gt;"),
                "{html}"
            );
            assert!(!html.contains("<img"), "{html}");
        }
        assert_eq!(
            view["threads"][0]["root"]["attachments"][0]["colour"],
            Value::Null
        );
        assert_eq!(
            view["chat"][0]["text"], HOSTILE,
            "text is the page's to escape, once"
        );
    }

    fn collect<'a>(value: &'a Value, found: &mut Vec<&'a str>) {
        match value {
            Value::Array(values) => values.iter().for_each(|value| collect(value, found)),
            Value::Object(fields) => {
                for (key, value) in fields {
                    match value {
                        Value::String(text) if key == "html" => found.push(text),
                        other => collect(other, found),
                    }
                }
            }
            _ => {}
        }
    }
}
