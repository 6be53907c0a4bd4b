//! `/ireserve setup`: one dialog for the licence key, which i-Reserve itself is asked about; the channel it was typed in becomes the
//! licence's.

use shared::{ChannelId, pairing::Wanted};

use super::{Answer, Asker, Desk, Dialog, Field, Greeted, NotConnected, Place, Typed};
use crate::{
    licence::{LicenceKey, LicenceKeyError},
    render::{Key, Value},
};

/// The dialog's name.
pub(super) const CALLBACK: &str = "setupkey";
/// The name of its one field.
pub const KEY_FIELD: &str = "licence_key";

/// The dialog, for whoever may.
pub(super) fn ask(desk: &Desk, asker: &Asker) -> Answer {
    if !asker.is_admin() {
        return desk.text(asker, Key::NoRightAdmin, &[]);
    }
    let Some(place) = place(asker) else {
        return desk.text(asker, Key::SetupElsewhere, &[]);
    };
    let state = serde_json::to_string(&place).expect("a place is plain data");
    Answer {
        dialog: Some(Dialog {
            callback: CALLBACK,
            state,
            title: desk.say(asker, Key::DialogKeyTitle, &[]),
            fields: vec![Field {
                name: KEY_FIELD,
                label: desk.say(asker, Key::DialogKeyField, &[]),
                help: desk.say(asker, Key::DialogKeyHelp, &[]),
                longest: LicenceKey::MOST_BYTES,
            }],
            submit: desk.say(asker, Key::DialogKeySubmit, &[]),
        }),
        ..Answer::default()
    }
}

/// What was typed into it. Rights are asked anew: between dialog and answer they may have gone.
pub(super) async fn connect(desk: &Desk, asker: &Asker, typed: &Typed, place: Place) -> Answer {
    if !asker.is_admin() {
        return whole(desk.say(asker, Key::NoRightAdmin, &[]));
    }
    // Copying often brings a blank or a line end along.
    let key = match LicenceKey::parse(typed.0.trim()) {
        Ok(key) => key,
        Err(error) => return at_field(desk.say(asker, wrong(error), &[])),
    };
    let (licence, host) = (key.licence().clone(), key.host().to_owned());
    let greeted = match desk.keeper.connect(key, place.clone()).await {
        Ok(greeted) => greeted,
        Err(error) => {
            tracing::warn!(
                licence.id = licence.as_str(),
                error = %crate::telemetry::chain(&error),
                "a licence could not be connected"
            );
            return refusal(desk, asker, &error, &host);
        }
    };
    tracing::info!(
        licence.id = licence.as_str(),
        user.id = asker.user.as_str(),
        channel.id = place.channel_id.as_str(),
        "a licence was connected with a channel"
    );
    let standing = desk.keeper.standing();
    Answer {
        text: connected(desk, asker, licence.as_str(), &greeted, &place),
        wanted: Some(Wanted {
            members: standing.members.clone(),
            ..standing.wanted.clone()
        }),
        ..Answer::default()
    }
}

/// How i-Reserve answers, whether it reaches us, where conversations appear, and who can read them.
fn connected(
    desk: &Desk,
    asker: &Asker,
    licence: &str,
    greeted: &Greeted,
    place: &Place,
) -> String {
    let ms = greeted.answered.as_millis().to_string();
    let heard = [("licence", Value::Ours(licence)), ("ms", Value::Ours(&ms))];
    let channel = ("channel", Value::Ours(&place.channel));
    let mut lines = match greeted.reaches_us {
        true => vec![desk.say(asker, Key::SetupConnected, &heard)],
        false => vec![
            desk.say(asker, Key::SetupConnectedOut, &heard),
            desk.say(
                asker,
                Key::SetupWaiting,
                &[("address", Value::Ours(&greeted.events_url))],
            ),
        ],
    };
    lines.push(desk.say(asker, Key::SetupHere, &[channel]));
    if place.public {
        let team = ("team", Value::Ours(&place.team));
        lines.push(desk.say(asker, Key::MapPublic, &[channel, team]));
    }
    lines.join("\n")
}

/// Where somebody is, if conversations could appear there.
fn place(asker: &Asker) -> Option<Place> {
    let (team, channel) = (&asker.place.team, &asker.place.channel);
    let public = match channel.kind.as_str() {
        "O" => true,
        "P" => false,
        // Direct and group channels belong to no team.
        _ => return None,
    };
    let plain = |text: &str| {
        (1..=64).contains(&text.len())
            && text
                .bytes()
                .all(|b| b.is_ascii_lowercase() || b.is_ascii_digit() || b"-_.".contains(&b))
    };
    (plain(&team.id) && plain(&team.name) && plain(&channel.name)).then_some(())?;
    Some(Place {
        team_id: team.id.clone(),
        team: team.name.clone(),
        channel_id: ChannelId::new(channel.id.as_str()).ok()?,
        channel: channel.name.clone(),
        public,
    })
}

const fn wrong(error: LicenceKeyError) -> Key {
    match error {
        LicenceKeyError::Prefix => Key::NotOne,
        LicenceKeyError::Incomplete | LicenceKeyError::Host => Key::Incomplete,
        LicenceKeyError::TooLong { .. }
        | LicenceKeyError::Licence
        | LicenceKeyError::Secret
        | LicenceKeyError::Check => Key::Mistyped,
    }
}

/// What is wrong with the key stands at its field, everything else below the dialog; in either case it stays open.
fn refusal(desk: &Desk, asker: &Asker, error: &NotConnected, host: &str) -> Answer {
    let host = ("host", Value::Ours(host));
    match error {
        NotConnected::Refused { status } => {
            let status = status.to_string();
            at_field(desk.say(asker, Key::NotTaken, &[("status", Value::Ours(&status))]))
        }
        NotConnected::Busy { status } => {
            let status = status.to_string();
            let values = [host, ("status", Value::Ours(&status))];
            whole(desk.say(asker, Key::SetupAnswered, &values))
        }
        NotConnected::Silent(_) => {
            let reason = desk.say(asker, Key::ReasonNoAnswer, &[]);
            let values = [host, ("reason", Value::Ours(&reason))];
            whole(desk.say(asker, Key::SetupUnreachable, &values))
        }
        NotConnected::Fixed(setting) => {
            whole(desk.say(asker, Key::MapFixed, &[("setting", Value::Ours(setting))]))
        }
        NotConnected::Store(_) | NotConnected::Wrong(_) => {
            whole(desk.say(asker, Key::SetupNotKept, &[]))
        }
    }
}

fn at_field(error: String) -> Answer {
    Answer {
        errors: [(KEY_FIELD, error)].into(),
        ..Answer::default()
    }
}

fn whole(error: String) -> Answer {
    Answer {
        error: Some(error),
        ..Answer::default()
    }
}
