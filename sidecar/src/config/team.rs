//! `[team]`: how the team in Mattermost works with conversations.

use std::time::Duration;

use shared::Language;

use super::reader::Reader;
use crate::licence::{ContactDetails, Team, WhoMayMap};

pub(super) fn read(settings: &mut Reader<'_>) -> Team {
    const SECOND: Duration = Duration::from_secs(1);
    let send_delay = settings.duration(
        "team.send_delay",
        Duration::ZERO,
        Duration::from_millis(1)..=30 * SECOND,
        Some("to send at once"),
    );
    let reminder = settings.duration(
        "team.reminder",
        180 * SECOND,
        SECOND..=86_400 * SECOND,
        Some("for no reminders"),
    );
    who_may_reply(settings);
    Team {
        send_delay,
        default_language: settings.choice(
            "team.default_language",
            Language::En,
            &Language::ALL,
            Language::code,
        ),
        receipts: settings.truth("team.receipts", true),
        reminder: (!reminder.is_zero()).then_some(reminder),
        who_may_map: settings.choice(
            "team.who_may_map",
            WhoMayMap::ManageChannel,
            &WhoMayMap::ALL,
            WhoMayMap::name,
        ),
        extra_note_prefixes: prefixes(settings),
        contact_details: settings.choice(
            "team.contact_details",
            ContactDetails::Name,
            &ContactDetails::ALL,
            ContactDetails::name,
        ),
        allow_files: settings.truth("team.allow_files", true),
    }
}

fn who_may_reply(settings: &mut Reader<'_>) {
    const KEY: &str = "team.who_may_reply";
    match settings.text(KEY).as_deref() {
        None | Some("members") => {}
        Some("assigned") => settings.mistake(
            KEY,
            "is `assigned`, and nobody can take a conversation in this build",
            "use members",
        ),
        Some(other) => {
            let detail = format!("is `{other}`");
            settings.mistake(KEY, detail, "use members");
        }
    }
}

fn prefixes(settings: &mut Reader<'_>) -> Vec<String> {
    const KEY: &str = "team.extra_note_prefixes";
    let prefixes = settings.texts(KEY).unwrap_or_default();
    if prefixes.len() > 20 {
        settings.mistake(
            KEY,
            format!("has {} entries", prefixes.len()),
            "keep at most 20",
        );
    }
    if prefixes.iter().any(|prefix| prefix.trim().is_empty()) {
        let fix = "leave blank entries out: every reply begins with nothing and would stay inside";
        settings.mistake(KEY, "has a blank entry", fix);
    }
    if prefixes.iter().any(|prefix| prefix.chars().count() > 64) {
        settings.mistake(KEY, "has an entry of more than 64 characters", "shorten it");
    }
    prefixes
}
