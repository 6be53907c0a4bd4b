//! Slash commands: what is registered, what a person typed, what is answered.

use std::collections::BTreeMap;

use gob::Value;

use super::post::Attachment;

gob::record! {
    /// A command to register.
    #[derive(Debug, Clone, Default, PartialEq)]
    pub struct Command as "Command" {
        /// Empty: in all teams.
        pub team_id: String as "TeamId",
        /// The word after the slash, in lower case.
        pub trigger: String as "Trigger",
        pub auto_complete: bool as "AutoComplete",
        pub auto_complete_desc: String as "AutoCompleteDesc",
        pub auto_complete_hint: String as "AutoCompleteHint",
        pub display_name: String as "DisplayName",
        pub description: String as "Description",
        pub autocomplete: Option<Autocomplete> as "AutocompleteData",
        /// `data:image/svg+xml;base64,…`
        pub icon: String as "AutocompleteIconData",
    }
}

gob::record! {
    /// What the client offers while somebody types. A node has arguments or sub-commands, not both.
    #[derive(Debug, Clone, PartialEq)]
    pub struct Autocomplete as "AutocompleteData" {
        /// In lower case.
        pub trigger: String as "Trigger",
        pub hint: String as "Hint",
        pub help_text: String as "HelpText",
        /// Who is offered this: [`Autocomplete::EVERYBODY`], or `system_admin`. An empty role is nobody's: such a node is offered to
        /// system administrators only, to whom everything is.
        pub role: String as "RoleID",
        pub arguments: Vec<AutocompleteArg> as "Arguments",
        pub sub_commands: Vec<Autocomplete> as "SubCommands",
    }
}

impl Autocomplete {
    /// The role that every person has.
    pub const EVERYBODY: &'static str = "system_user";
}

/// Offered to everybody, as with Mattermost's kit for Go.
impl Default for Autocomplete {
    fn default() -> Self {
        Self {
            trigger: String::new(),
            hint: String::new(),
            help_text: String::new(),
            role: Self::EVERYBODY.into(),
            arguments: Vec::new(),
            sub_commands: Vec::new(),
        }
    }
}

gob::record! {
    /// One argument. Those without a name must be required and come before named ones; the server refuses the command otherwise.
    #[derive(Debug, Clone, Default, PartialEq)]
    pub struct AutocompleteArg as "AutocompleteArg" {
        pub name: String as "Name",
        pub help_text: String as "HelpText",
        /// `TextInput`, `StaticList` or `DynamicList`, as `data` is.
        pub kind: String as "Type",
        pub required: bool as "Required",
        pub data: Option<ArgData> as "Data",
    }
}

gob::interface! {
    /// What an argument may be.
    #[derive(Debug, Clone, PartialEq)]
    pub enum ArgData {
        /// Any text.
        Text(TextArg) as "*model.AutocompleteTextArg",
        /// One of a list.
        StaticList(StaticListArg) as "*model.AutocompleteStaticListArg",
        /// One of a list that the server fetches from the plugin.
        DynamicList(DynamicListArg) as "*model.AutocompleteDynamicListArg",
    }
}

gob::record! {
    /// Any text.
    #[derive(Debug, Clone, Default, PartialEq)]
    pub struct TextArg as "AutocompleteTextArg" {
        pub hint: String as "Hint",
        pub pattern: String as "Pattern",
    }
}

gob::record! {
    /// One of a list.
    #[derive(Debug, Clone, Default, PartialEq)]
    pub struct StaticListArg as "AutocompleteStaticListArg" {
        pub items: Vec<AutocompleteItem> as "PossibleArguments",
    }
}

gob::record! {
    /// An entry of a list.
    #[derive(Debug, Clone, Default, PartialEq)]
    pub struct AutocompleteItem as "AutocompleteListItem" {
        pub item: String as "Item",
        pub hint: String as "Hint",
        pub help_text: String as "HelpText",
    }
}

gob::record! {
    /// One of a list that the server fetches.
    #[derive(Debug, Clone, Default, PartialEq)]
    pub struct DynamicListArg as "AutocompleteDynamicListArg" {
        /// A path of the plugin.
        pub fetch_url: String as "FetchURL",
    }
}

gob::record! {
    /// What a person typed, and where. Older servers also send the person's session with its token; it is not read.
    #[derive(Clone, Default, PartialEq)]
    pub struct CommandArgs as "CommandArgs" {
        pub user_id: String as "UserId",
        pub channel_id: String as "ChannelId",
        pub team_id: String as "TeamId",
        pub root_id: String as "RootId",
        /// For opening a dialog, within a few seconds.
        pub trigger_id: String as "TriggerId",
        /// The whole text, with the slash.
        pub command: String as "Command",
        pub site_url: String as "SiteURL",
    }
}

/// Without the command: a person wrote it.
impl std::fmt::Debug for CommandArgs {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("CommandArgs")
            .field("user_id", &self.user_id)
            .field("channel_id", &self.channel_id)
            .field("team_id", &self.team_id)
            .field("root_id", &self.root_id)
            .finish_non_exhaustive()
    }
}

gob::record! {
    /// What a command answers.
    #[derive(Clone, Default, PartialEq)]
    pub struct CommandResponse as "CommandResponse" {
        /// `ephemeral`, for that person only, or `in_channel`.
        pub kind: String as "ResponseType",
        pub text: String as "Text",
        pub username: String as "Username",
        pub channel_id: String as "ChannelId",
        pub icon_url: String as "IconURL",
        pub props: BTreeMap<String, Value> as "Props",
        pub goto_location: String as "GotoLocation",
        pub trigger_id: String as "TriggerId",
        pub attachments: Vec<Attachment> as "Attachments",
    }
}

impl CommandResponse {
    /// A text that only the person sees who used the command.
    #[must_use]
    pub fn ephemeral(text: impl Into<String>) -> Self {
        Self {
            kind: "ephemeral".into(),
            text: text.into(),
            ..Self::default()
        }
    }
}

/// Without the texts: they may repeat what a person wrote.
impl std::fmt::Debug for CommandResponse {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("CommandResponse")
            .field("kind", &self.kind)
            .field("attachments", &self.attachments.len())
            .finish_non_exhaustive()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_node_is_offered_to_everybody_unless_it_says_otherwise_and_an_absent_role_stays_absent() {
        assert_eq!(Autocomplete::default().role, "system_user");
        let for_nobody = Autocomplete {
            role: String::new(),
            ..Autocomplete::default()
        };
        let mut bytes = Vec::new();
        gob::Encoder::new().encode(&for_nobody, &mut bytes).unwrap();
        let mut decoder = gob::Decoder::new();
        decoder.feed(&bytes);
        assert_eq!(decoder.decode::<Autocomplete>().unwrap(), for_nobody);
    }
}
