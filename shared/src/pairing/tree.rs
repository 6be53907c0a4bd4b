//! Mattermost's autocomplete tree, with its own JSON names (Go's field names: its types carry no JSON tags).

use serde::{Deserialize, Serialize};

use super::or_default;

/// A command or one of its verbs. A node has arguments or sub-commands, not both.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "PascalCase", default)]
pub struct Tree {
    /// In lower case.
    pub trigger: String,
    #[serde(deserialize_with = "or_default")]
    pub hint: String,
    #[serde(deserialize_with = "or_default")]
    pub help_text: String,
    /// `system_admin`, or `system_user` and empty for everybody: Mattermost itself shows an empty one to administrators only, so the plugin
    /// says `system_user` for it.
    #[serde(rename = "RoleID", deserialize_with = "or_default")]
    pub role: String,
    #[serde(deserialize_with = "or_default")]
    pub arguments: Vec<TreeArgument>,
    #[serde(deserialize_with = "or_default")]
    pub sub_commands: Vec<Self>,
}

/// One argument. Those without a name must be required and come before named ones: Mattermost refuses the command otherwise.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "PascalCase")]
pub struct TreeArgument {
    #[serde(default, deserialize_with = "or_default")]
    pub name: String,
    #[serde(default, deserialize_with = "or_default")]
    pub help_text: String,
    #[serde(default, deserialize_with = "or_default")]
    pub required: bool,
    /// With `Type` on the argument's own level.
    #[serde(flatten)]
    pub data: ArgumentData,
}

/// What an argument may be.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "Type", content = "Data")]
pub enum ArgumentData {
    TextInput {
        #[serde(default, rename = "Hint", deserialize_with = "or_default")]
        hint: String,
        #[serde(default, rename = "Pattern", deserialize_with = "or_default")]
        pattern: String,
    },
    StaticList {
        #[serde(default, rename = "PossibleArguments", deserialize_with = "or_default")]
        items: Vec<ListItem>,
    },
    /// The server asks the plugin: `lookup?list=NAME`, below the plugin's own path.
    DynamicList {
        #[serde(rename = "FetchURL")]
        fetch_url: String,
    },
}

#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "PascalCase", default)]
pub struct ListItem {
    pub item: String,
    #[serde(deserialize_with = "or_default")]
    pub hint: String,
    #[serde(deserialize_with = "or_default")]
    pub help_text: String,
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn a_tree_is_written_as_mattermost_writes_it_and_read_back() {
        let tree = Tree {
            trigger: "ireserve".into(),
            sub_commands: vec![Tree {
                trigger: "take".into(),
                arguments: vec![TreeArgument {
                    name: String::new(),
                    help_text: "which".into(),
                    required: true,
                    data: ArgumentData::DynamicList {
                        fetch_url: "lookup?list=untaken".into(),
                    },
                }],
                ..Tree::default()
            }],
            ..Tree::default()
        };
        let said = serde_json::to_value(&tree).unwrap();
        assert_eq!(
            said["SubCommands"][0]["Arguments"][0],
            json!({"Name": "", "HelpText": "which", "Required": true, "Type": "DynamicList",
                "Data": {"FetchURL": "lookup?list=untaken"}})
        );
        assert_eq!(serde_json::from_value::<Tree>(said).unwrap(), tree);
    }
}
