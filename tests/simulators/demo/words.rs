//! What happened, in words for people who look on. Both languages, because the page speaks both.

use std::time::Duration;

use shared::Language::{self, En, Nl};

use super::sidecar::{Act, How};
use super::story::{Fate, Note, Said, Story, What, reply_of};

/// What one entry says.
pub(super) fn note(note: &Note, language: Language) -> String {
    match (note, language) {
        (Note::Accepted { after }, En) => format!("accepted: safe on disk after {}", time(*after)),
        (Note::Accepted { after }, Nl) => {
            format!("aangenomen: veilig op schijf na {}", time(*after))
        }
        (Note::Repeated { status }, _) => repeated(*status, language),
        (Note::Rejected { why }, En) => format!("refused: {why}"),
        (Note::Rejected { why }, Nl) => format!("geweigerd: {why}"),
        (Note::Tried { act, attempt }, _) => tried(*act, *attempt, language),
        (Note::Found { act }, En) => format!(
            "looked first: {} stands already, so it is not posted again",
            thing(*act, En)
        ),
        (Note::Found { act }, Nl) => format!(
            "eerst gekeken: {} staat er al, dus niet nog eens geplaatst",
            thing(*act, Nl)
        ),
        (Note::Failed { how, reason }, _) => failed(*how, reason, language),
        (
            Note::Delivered {
                after,
                attempts: 0 | 1,
            },
            En,
        ) => format!("delivered after {}", time(*after)),
        (
            Note::Delivered {
                after,
                attempts: 0 | 1,
            },
            Nl,
        ) => format!("bezorgd na {}", time(*after)),
        (Note::Delivered { after, attempts }, En) => {
            format!("delivered after {}, {attempts} attempts", time(*after))
        }
        (Note::Delivered { after, attempts }, Nl) => {
            format!("bezorgd na {}, {attempts} pogingen", time(*after))
        }
        (Note::Reached { after }, En) => format!("the visitor has it after {}", time(*after)),
        (Note::Reached { after }, Nl) => format!("de bezoeker heeft het na {}", time(*after)),
        (Note::Parked { reason }, En) => format!("parked, and its place says so: {reason}"),
        (Note::Parked { reason }, Nl) => format!("geparkeerd, en op zijn plek staat dat: {reason}"),
        _ => world(note, language),
    }
}

fn repeated(status: Option<u16>, language: Language) -> String {
    let why = match (status, language) {
        (Some(status), _) => status.to_string(),
        (None, En) => "no answer".to_owned(),
        (None, Nl) => "geen antwoord".to_owned(),
    };
    match language {
        En => format!("not accepted ({why}): i-Reserve repeats it until it is"),
        Nl => format!("niet aangenomen ({why}): i-Reserve herhaalt het tot het lukt"),
    }
}

/// What people did to the world.
fn world(note: &Note, language: Language) -> String {
    let words = match (note, language) {
        (Note::Away, En) => "Mattermost goes away",
        (Note::Away, Nl) => "Mattermost valt weg",
        (Note::Back, En) => "Mattermost is back",
        (Note::Back, Nl) => "Mattermost is terug",
        (Note::Slow(true), En) => "Mattermost becomes slow",
        (Note::Slow(true), Nl) => "Mattermost wordt traag",
        (Note::Slow(false), En) => "Mattermost is quick again",
        (Note::Slow(false), Nl) => "Mattermost is weer snel",
        (Note::Losing, En) => "the answer to the next post will be lost",
        (Note::Losing, Nl) => "het antwoord op het volgende bericht gaat verloren",
        (Note::Holding, En) => "the answer to the next post will be long in coming",
        (Note::Holding, Nl) => "het antwoord op het volgende bericht laat op zich wachten",
        (Note::Deleted, En) => "a moderator deletes the card, and with it the thread",
        (Note::Deleted, Nl) => "een moderator verwijdert de kaart, en daarmee het draadje",
        (Note::Killed, En) => "the sidecar is killed, in the middle of whatever it did",
        (Note::Killed, Nl) => "de sidecar wordt afgebroken, midden in waar hij mee bezig was",
        (Note::Started { life: 1 }, En) => "the sidecar starts",
        (Note::Started { life: 1 }, Nl) => "de sidecar start",
        (Note::Started { .. }, En) => "the sidecar starts again, on the store that was left",
        (Note::Started { .. }, Nl) => "de sidecar start opnieuw, op de opslag die er nog lag",
        (Note::Played { fine: true }, En) => {
            "the script has ended: every event stands once and in order"
        }
        (Note::Played { fine: true }, Nl) => {
            "het script is klaar: alles staat er precies één keer en op volgorde"
        }
        (Note::Played { fine: false }, En) => "the script was disturbed and has ended",
        (Note::Played { fine: false }, Nl) => "het script is verstoord en gestopt",
        (Note::Replied { by }, En) => return format!("{by} replies in the thread"),
        (Note::Replied { by }, Nl) => return format!("{by} antwoordt in het draadje"),
        _ => "",
    };
    words.to_owned()
}

fn tried(act: Act, attempt: u32, language: Language) -> String {
    let thing = thing(act, language);
    if act == Act::Reply {
        return match language {
            En => format!("sending {thing} to i-Reserve"),
            Nl => format!("stuurt {thing} naar i-Reserve"),
        };
    }
    match (attempt, language) {
        (0 | 1, En) => format!("posting {thing}"),
        (0 | 1, Nl) => format!("plaatst {thing}"),
        (_, En) => format!("posting {thing}, attempt {attempt}"),
        (_, Nl) => format!("plaatst {thing}, poging {attempt}"),
    }
}

fn thing(act: Act, language: Language) -> String {
    let words = match (act, language) {
        (Act::Card(1), En) => "the card",
        (Act::Card(1), Nl) => "de kaart",
        (Act::Card(_), En) => "a new card, because the old one is gone",
        (Act::Card(_), Nl) => "een nieuwe kaart, want de oude is weg",
        (Act::Part(0), En) => "it",
        (Act::Part(0), Nl) => "het",
        (Act::Part(part), En) => return format!("part {}", part + 1),
        (Act::Part(part), Nl) => return format!("deel {}", part + 1),
        (Act::Withdrawn, En) => "the line that says it was withdrawn",
        (Act::Withdrawn, Nl) => "de regel dat het is ingetrokken",
        (Act::Placeholder, En) => "the line that keeps its place",
        (Act::Placeholder, Nl) => "de regel die zijn plek houdt",
        (Act::Reply, En) => "the reply",
        (Act::Reply, Nl) => "het antwoord",
        (Act::Change, En) => "the change",
        (Act::Change, Nl) => "de wijziging",
    };
    words.to_owned()
}

fn failed(how: How, reason: &str, language: Language) -> String {
    let words = match (how, language) {
        (How::NotSent, En) => "not sent, waiting to try again",
        (How::NotSent, Nl) => "niet verstuurd, wacht om het opnieuw te proberen",
        (How::InDoubt, En) => "no answer: it may stand, so look before trying again",
        (How::InDoubt, Nl) => "geen antwoord: misschien staat het er, dus eerst kijken",
        (How::Paused, En) => "Mattermost asks for a pause",
        (How::Paused, Nl) => "Mattermost vraagt om een pauze",
        (How::Blocked, En) => "waits until somebody repairs this",
        (How::Blocked, Nl) => "wacht tot iemand dit herstelt",
        (How::Refused, En) => "Mattermost does not accept it",
        (How::Refused, Nl) => "Mattermost neemt het niet aan",
    };
    format!("{words} ({reason})")
}

/// What an event is, in a few words.
pub(super) fn about(said: &Said, language: Language) -> String {
    match (&said.what, language) {
        (What::Started { .. }, En) => "conversation started".to_owned(),
        (What::Started { .. }, Nl) => "gesprek begonnen".to_owned(),
        (What::Message { text, .. }, _) => format!("“{}”", short(text)),
        (What::Edited { .. }, En) => "edit of the message".to_owned(),
        (What::Edited { .. }, Nl) => "wijziging van het bericht".to_owned(),
        (What::Withdrawn { .. }, En) => "withdrawal of the message".to_owned(),
        (What::Withdrawn { .. }, Nl) => "intrekking van het bericht".to_owned(),
        (What::Closed { .. }, En) => "conversation closed".to_owned(),
        (What::Closed { .. }, Nl) => "gesprek gesloten".to_owned(),
        (What::Reopened { .. }, En) => "conversation reopened".to_owned(),
        (What::Reopened { .. }, Nl) => "gesprek heropend".to_owned(),
        (What::Notification { title, .. }, _) => title.clone(),
    }
}

/// How far an event has come, as the visitor's side shows it.
pub(super) fn state(said: &Said, language: Language) -> String {
    let delivered = said.delivered_after.map(time).unwrap_or_default();
    let words = match (&said.fate, language) {
        (Fate::Sending, En) => "not accepted yet",
        (Fate::Sending, Nl) => "nog niet aangenomen",
        (Fate::Refused, En) => "refused",
        (Fate::Refused, Nl) => "geweigerd",
        (Fate::Accepted, En) => "accepted, waiting its turn",
        (Fate::Accepted, Nl) => "aangenomen, wacht op zijn beurt",
        (Fate::Trying, En) => "accepted, on its way",
        (Fate::Trying, Nl) => "aangenomen, onderweg",
        (Fate::Waiting, En) => "accepted, tried again soon",
        (Fate::Waiting, Nl) => "aangenomen, wordt opnieuw geprobeerd",
        (Fate::Delivered, En) => return format!("in Mattermost after {delivered}"),
        (Fate::Delivered, Nl) => return format!("in Mattermost na {delivered}"),
        (Fate::Parked, En) => "parked",
        (Fate::Parked, Nl) => "geparkeerd",
    };
    words.to_owned()
}

/// Where a reply came from.
pub(super) fn from_mattermost(language: Language) -> String {
    match language {
        En => "written in Mattermost",
        Nl => "geschreven in Mattermost",
    }
    .to_owned()
}

/// The same for an event that is only known by its id.
pub(super) fn about_event(story: &Story, id: &str, language: Language) -> String {
    if let Some(seen) = reply_of(id).and_then(|post| story.posts.get(post)) {
        return format!("{}: “{}”", seen.author, short(&seen.post.message));
    }
    story
        .event(id)
        .map_or_else(|| id.to_owned(), |said| about(said, language))
}

fn short(text: &str) -> String {
    const LONG: usize = 34;
    let mut short: String = text.chars().take(LONG).collect();
    if short.len() < text.len() {
        short = short.trim_end().to_owned() + "…";
    }
    short.replace('\n', " ")
}

/// `48 ms`, `2.4 s`.
pub(super) fn time(duration: Duration) -> String {
    let millis = duration.as_millis();
    if millis < 1_000 {
        format!("{millis} ms")
    } else {
        format!("{:.1} s", duration.as_secs_f64())
    }
}
