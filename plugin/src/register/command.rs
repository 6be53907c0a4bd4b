//! `/ireserve` and what the client offers while somebody types it.

use mattermost_plugin::{Api, Error, model};
use shared::{Language, pairing::Tree};

use crate::{objects, text};

pub(crate) const TRIGGER: &str = "ireserve";
const ICON: &str = include_str!("../../assets/icon.svg");

/// Registers the command with the sidecar's tree, or with the few verbs that work without it.
pub(crate) async fn register(
    api: &Api,
    language: Language,
    tree: Option<&Tree>,
) -> Result<(), Error> {
    let tree = tree.map_or_else(|| built_in(language), objects::tree);
    api.register_command(model::Command {
        trigger: TRIGGER.into(),
        auto_complete: true,
        auto_complete_desc: text::command_description(language).into(),
        display_name: "i-Reserve".into(),
        description: text::command_description(language).into(),
        autocomplete: Some(tree),
        icon: objects::data_url("image/svg+xml", ICON.as_bytes()),
        ..model::Command::default()
    })
    .await
}

fn built_in(language: Language) -> model::Autocomplete {
    let verb = |trigger: &str, help: &str, role: &str| model::Autocomplete {
        trigger: trigger.into(),
        help_text: help.into(),
        role: role.into(),
        ..model::Autocomplete::default()
    };
    model::Autocomplete {
        trigger: TRIGGER.into(),
        hint: "help".into(),
        role: objects::EVERYBODY.into(),
        help_text: text::command_description(language).into(),
        sub_commands: vec![
            verb("setup", text::setup_help(language), "system_admin"),
            verb("status", text::status_help(language), objects::EVERYBODY),
            verb("help", text::help_help(language), objects::EVERYBODY),
            verb("about", text::about_help(language), objects::EVERYBODY),
        ],
        ..model::Autocomplete::default()
    }
}
