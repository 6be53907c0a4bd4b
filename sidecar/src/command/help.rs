//! Help for the place where it is asked, and what this is.

use std::sync::Arc;

use shared::ChannelId;

use super::{Answer, Asker, Desk, Topic, parse::VERBS};
use crate::{
    licence::{Channel, Licence, Mode},
    render::{Key, Value},
};

/// Short help for this place.
pub(super) fn here(desk: &Desk, asker: &Asker) -> Answer {
    if !desk.is_connected() {
        return desk.not_set_up(asker);
    }
    let Some(licence) = connected(desk, asker) else {
        let key = if asker.is_admin() {
            Key::HelpUnmappedAdmin
        } else {
            Key::HelpUnmapped
        };
        return desk.text(asker, key, &[]);
    };
    replies(desk, asker, licence.mode)
}

pub(super) fn topic(desk: &Desk, asker: &Asker, topic: Topic) -> Answer {
    match topic {
        Topic::Replies => {
            let mode = connected(desk, asker).map_or(Mode::TwoWay, |licence| licence.mode);
            replies(desk, asker, mode)
        }
        Topic::Notes => desk.text(asker, Key::HelpNotes, &[]),
        Topic::Commands => commands(desk, asker),
        Topic::Setup => {
            let key = if asker.is_admin() {
                Key::HelpSetupAdmin
            } else {
                Key::HelpSetup
            };
            desk.text(asker, key, &[])
        }
    }
}

pub(super) fn about(desk: &Desk, asker: &Asker) -> Answer {
    let standing = desk.keeper.standing();
    let known = |text: &str| {
        if text.is_empty() {
            "–".to_owned()
        } else {
            text.to_owned()
        }
    };
    let (plugin, server) = (
        known(&standing.plugin.plugin_version),
        known(&standing.plugin.server_version),
    );
    let values = [
        ("version", Value::Ours(env!("CARGO_PKG_VERSION"))),
        ("plugin", Value::Ours(&plugin)),
        ("server", Value::Ours(&server)),
    ];
    desk.text(asker, Key::About, &values)
}

pub(super) fn unknown(
    desk: &Desk,
    asker: &Asker,
    word: &str,
    near: Option<&'static str>,
) -> Answer {
    match near {
        Some(verb) => {
            let values = [("word", Value::Ours(word)), ("verb", Value::Ours(verb))];
            desk.text(asker, Key::UnknownVerb, &values)
        }
        None => desk.text(asker, Key::UnknownWord, &[("word", Value::Ours(word))]),
    }
}

/// The licence whose conversations appear in this channel.
pub(super) fn connected(desk: &Desk, asker: &Asker) -> Option<Arc<Licence>> {
    let place = &asker.place;
    let id = ChannelId::new(place.channel.id.as_str()).ok();
    let is_here = |licence: &Licence, channel: &Channel| match channel {
        Channel::Id(own) => Some(own) == id.as_ref(),
        Channel::Name(name) => {
            *name == place.channel.name
                && licence
                    .team
                    .as_ref()
                    .is_none_or(|team| *team == place.team.name)
        }
    };
    desk.licences
        .snapshot()
        .iter()
        .find(|licence| {
            licence
                .channel
                .iter()
                .chain(licence.departments.values())
                .any(|channel| is_here(licence, channel))
        })
        .cloned()
}

fn replies(desk: &Desk, asker: &Asker, mode: Mode) -> Answer {
    let how = match mode {
        Mode::TwoWay => Key::HelpReply,
        Mode::AskFirst => Key::HelpAskFirst,
        Mode::Alerts => Key::HelpAlerts,
    };
    let mut keys = vec![
        Key::HelpTitle,
        how,
        Key::HelpMoreNotes,
        Key::HelpMarks,
        Key::HelpAll,
    ];
    if asker.is_admin() {
        keys.push(Key::HelpAdmin);
    }
    lines(desk, asker, keys)
}

fn commands(desk: &Desk, asker: &Asker) -> Answer {
    let mut keys = vec![Key::CommandsTitle];
    for verb in VERBS {
        keys.push(match verb {
            "setup" if !asker.is_admin() => continue,
            "setup" => Key::CommandSetup,
            "status" => Key::CommandStatus,
            "help" => Key::CommandHelp,
            _ => Key::CommandAbout,
        });
    }
    lines(desk, asker, keys)
}

fn lines(desk: &Desk, asker: &Asker, keys: Vec<Key>) -> Answer {
    let lines: Vec<String> = keys
        .into_iter()
        .map(|key| desk.say(asker, key, &[]))
        .collect();
    Answer {
        text: lines.join("\n"),
        ..Answer::default()
    }
}
