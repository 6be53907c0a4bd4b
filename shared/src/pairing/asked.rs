//! What people ask: commands, buttons, dialogs, look-ups. Each carries who acts in the token's `sub`, and [`Where`] in the body.

use std::{collections::BTreeMap, fmt};

use serde::{Deserialize, Serialize};
use serde_json::Value;

use super::{Wanted, or_default};

/// Where somebody acts and what that person may do there, as the server answered at that moment.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default)]
pub struct Where {
    #[serde(deserialize_with = "or_default")]
    pub team: TeamPlace,
    #[serde(deserialize_with = "or_default")]
    pub channel: ChannelPlace,
    /// The person's language, such as `nl`.
    #[serde(deserialize_with = "or_default")]
    pub locale: String,
    #[serde(deserialize_with = "or_default")]
    pub rights: Rights,
}

/// Empty in a direct channel, which belongs to no team.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default)]
pub struct TeamPlace {
    pub id: String,
    /// As it stands in addresses.
    pub name: String,
}

#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default)]
pub struct ChannelPlace {
    pub id: String,
    pub name: String,
    pub display_name: String,
    /// `O` public, `P` private, `D` direct, `G` group.
    #[serde(rename = "type")]
    pub kind: String,
}

/// Absent means no.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default)]
pub struct Rights {
    /// System administrator.
    pub admin: bool,
    /// May manage this channel: a permission, not a role.
    pub manage_channel: bool,
    /// Is in this channel.
    pub member: bool,
}

/// `POST /v1/plugin/commands`.
#[derive(Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct CommandRequest {
    /// The whole text, with `/ireserve`.
    pub command: String,
    /// The thread it was typed in; empty outside threads.
    #[serde(default, deserialize_with = "or_default")]
    pub root_id: String,
    #[serde(default, deserialize_with = "or_default")]
    pub trigger_id: String,
    #[serde(default, rename = "where", deserialize_with = "or_default")]
    pub place: Where,
}

/// Shown to that person only.
#[derive(Clone, Default, PartialEq, Serialize, Deserialize)]
#[serde(default)]
pub struct CommandAnswer {
    #[serde(deserialize_with = "or_default")]
    pub text: String,
    /// Mattermost's own objects.
    #[serde(deserialize_with = "or_default", skip_serializing_if = "Vec::is_empty")]
    pub attachments: Vec<Value>,
    /// Mattermost's own object: what `dialog` of its `OpenDialogRequest` holds.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub dialog: Option<Value>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub wanted: Option<Wanted>,
}

/// `POST /v1/plugin/actions`: a button, or a choice from a menu.
#[derive(Clone, Default, PartialEq, Serialize, Deserialize)]
pub struct ActionRequest {
    /// What the button carries, with its MAC.
    #[serde(default)]
    pub context: Value,
    pub post_id: String,
    #[serde(default, deserialize_with = "or_default")]
    pub trigger_id: String,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub selected_option: Option<String>,
    #[serde(default, rename = "where", deserialize_with = "or_default")]
    pub place: Where,
}

#[derive(Clone, Default, PartialEq, Serialize, Deserialize)]
#[serde(default)]
pub struct ActionAnswer {
    /// Mattermost's own object: the post as it shall be.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub update: Option<Value>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub ephemeral_text: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub dialog: Option<Value>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub wanted: Option<Wanted>,
}

/// `POST /v1/plugin/dialogs`: a dialog was sent, or closed.
#[derive(Clone, Default, PartialEq, Serialize, Deserialize)]
pub struct DialogRequest {
    #[serde(default, deserialize_with = "or_default")]
    pub callback_id: String,
    #[serde(default, deserialize_with = "or_default")]
    pub state: String,
    /// By field name; texts, numbers, true and false.
    #[serde(default, deserialize_with = "or_default")]
    pub submission: BTreeMap<String, Value>,
    #[serde(default, deserialize_with = "or_default")]
    pub cancelled: bool,
    #[serde(default, rename = "where", deserialize_with = "or_default")]
    pub place: Where,
}

/// With `errors` or `error` the dialog stays open.
#[derive(Clone, Default, PartialEq, Serialize, Deserialize)]
#[serde(default)]
pub struct DialogAnswer {
    /// By field name.
    #[serde(
        deserialize_with = "or_default",
        skip_serializing_if = "BTreeMap::is_empty"
    )]
    pub errors: BTreeMap<String, String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub error: Option<String>,
    /// Shown to that person once the dialog is closed.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub text: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub wanted: Option<Wanted>,
}

/// `POST /v1/plugin/autocomplete` → a list of [`AutocompleteItem`].
#[derive(Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct AutocompleteRequest {
    /// Which list: the value of `list` in the tree's look-up address.
    pub list: String,
    /// What has been typed so far, with the command.
    #[serde(default, deserialize_with = "or_default")]
    pub user_input: String,
    #[serde(default, deserialize_with = "or_default")]
    pub root_id: String,
    #[serde(default, rename = "where", deserialize_with = "or_default")]
    pub place: Where,
}

#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default)]
pub struct AutocompleteItem {
    pub item: String,
    #[serde(deserialize_with = "or_default")]
    pub hint: String,
    #[serde(deserialize_with = "or_default")]
    pub help_text: String,
}

/// Texts of people, and buttons' contexts, stay out.
macro_rules! silent {
    ($($name:ident),*) => {$(
        impl fmt::Debug for $name {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.debug_struct(stringify!($name)).finish_non_exhaustive()
            }
        }
    )*};
}

silent!(
    CommandRequest,
    CommandAnswer,
    ActionRequest,
    ActionAnswer,
    DialogRequest,
    DialogAnswer,
    AutocompleteRequest
);

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn a_command_has_the_contracts_words_and_absent_rights_are_no_rights() {
        let said = json!({"command": "/ireserve help", "root_id": "", "trigger_id": "t",
            "where": {"team": null, "channel": {"id": "c", "name": "n", "display_name": "N", "type": "P"}, "locale": "nl", "rights": {"member": true}}});
        let command: CommandRequest = serde_json::from_value(said).unwrap();
        assert_eq!(command.place.channel.kind, "P");
        assert!(command.place.rights.member && !command.place.rights.admin);
    }

    #[test]
    fn an_answer_says_only_what_it_has() {
        let answer = ActionAnswer {
            ephemeral_text: Some("done".into()),
            ..ActionAnswer::default()
        };
        assert_eq!(
            serde_json::to_value(&answer).unwrap(),
            json!({"ephemeral_text": "done"})
        );
        assert!(!format!("{answer:?}").contains("done"));
    }
}
