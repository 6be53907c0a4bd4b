//! `/ireserve setup`: one dialog for the licence key; the channel it was typed in becomes the licence's.

use shared::{ChannelId, pairing::Wanted};

use super::{Answer, Asker, Desk, Dialog, Field, NotConnected, Place, Typed};
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
        Err(error) => {
            let text = desk.say(asker, wrong(error), &[]);
            return Answer {
                errors: [(KEY_FIELD, text)].into(),
                ..Answer::default()
            };
        }
    };
    let licence = key.licence().clone();
    if let Err(error) = desk.keeper.connect(key, place.clone()).await {
        tracing::warn!(
            licence.id = licence.as_str(),
            error = %crate::telemetry::chain(&error),
            "a licence could not be connected"
        );
        return whole(refusal(desk, asker, &error));
    }
    tracing::info!(
        licence.id = licence.as_str(),
        user.id = asker.user.as_str(),
        channel.id = place.channel_id.as_str(),
        "a licence was connected with a channel"
    );
    let standing = desk.keeper.standing();
    let channel = Value::Ours(&place.channel);
    let connected = [
        ("channel", channel),
        ("licence", Value::Ours(licence.as_str())),
    ];
    let mut text = desk.say(asker, Key::SetupHere, &connected);
    if place.public {
        let team = Value::Ours(&place.team);
        text.push('\n');
        text.push_str(&desk.say(
            asker,
            Key::MapPublic,
            &[("channel", channel), ("team", team)],
        ));
    }
    Answer {
        text,
        wanted: Some(Wanted {
            members: standing.members.clone(),
            ..standing.wanted.clone()
        }),
        ..Answer::default()
    }
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

fn refusal(desk: &Desk, asker: &Asker, error: &NotConnected) -> String {
    match error {
        NotConnected::Fixed(setting) => {
            desk.say(asker, Key::MapFixed, &[("setting", Value::Ours(setting))])
        }
        NotConnected::Store(_) | NotConnected::Wrong(_) => desk.say(asker, Key::SetupNotKept, &[]),
    }
}

fn whole(error: String) -> Answer {
    Answer {
        error: Some(error),
        ..Answer::default()
    }
}
