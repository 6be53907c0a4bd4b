//! Dialogs: a form that a person fills in.

gob::record! {
    /// Opens a dialog for whoever just used a command or a button.
    #[derive(Debug, Clone, Default, PartialEq)]
    pub struct OpenDialog as "OpenDialogRequest" {
        /// From the command or the click; good for a few seconds.
        pub trigger_id: String as "TriggerId",
        /// Where the answer goes, a path of the plugin with `/plugins/{id}`.
        pub url: String as "URL",
        pub dialog: Dialog as "Dialog",
    }
}

gob::record! {
    /// A form.
    #[derive(Debug, Clone, Default, PartialEq)]
    pub struct Dialog as "Dialog" {
        pub callback_id: String as "CallbackId",
        pub title: String as "Title",
        pub introduction: String as "IntroductionText",
        pub icon_url: String as "IconURL",
        pub elements: Vec<DialogElement> as "Elements",
        pub submit_label: String as "SubmitLabel",
        pub notify_on_cancel: bool as "NotifyOnCancel",
        /// Comes back with the answer.
        pub state: String as "State",
    }
}

gob::record! {
    /// One field of a form.
    #[derive(Debug, Clone, Default, PartialEq)]
    pub struct DialogElement as "DialogElement" {
        pub display_name: String as "DisplayName",
        pub name: String as "Name",
        /// `text`, `textarea`, `select`, `bool` or `radio`.
        pub kind: String as "Type",
        pub sub_kind: String as "SubType",
        pub default: String as "Default",
        pub placeholder: String as "Placeholder",
        pub help_text: String as "HelpText",
        pub optional: bool as "Optional",
        pub min_length: i64 as "MinLength",
        pub max_length: i64 as "MaxLength",
        pub data_source: String as "DataSource",
        pub options: Vec<DialogOption> as "Options",
    }
}

gob::record! {
    /// An entry of a choice.
    #[derive(Debug, Clone, Default, PartialEq)]
    pub struct DialogOption as "PostActionOptions" {
        pub text: String as "Text",
        pub value: String as "Value",
    }
}
