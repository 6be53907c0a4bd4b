//! Objects with something in every field that matters.

use std::collections::BTreeMap;

use mattermost_plugin::gob::Value;
use mattermost_plugin::model::{
    ArgData, Attachment, AttachmentField, Autocomplete, AutocompleteArg, AutocompleteItem, Command,
    Dialog, DialogElement, DialogOption, DynamicListArg, Integration, OpenDialog, PostAction,
    StaticListArg, TextArg,
};

/// A command with every kind of argument.
pub(crate) fn command() -> Command {
    let argument = |kind: &str, data| AutocompleteArg {
        kind: kind.into(),
        help_text: "an argument".into(),
        required: true,
        data: Some(data),
        ..AutocompleteArg::default()
    };
    let leaf = |trigger: &str, arguments| Autocomplete {
        trigger: trigger.into(),
        help_text: "a sub-command".into(),
        arguments,
        ..Autocomplete::default()
    };
    let item = AutocompleteItem {
        item: "one".into(),
        hint: "1".into(),
        help_text: "the first".into(),
    };
    let text = ArgData::Text(TextArg {
        hint: "[text]".into(),
        pattern: String::new(),
    });
    let list = ArgData::StaticList(StaticListArg { items: vec![item] });
    let fetched = ArgData::DynamicList(DynamicListArg {
        fetch_url: "lookup".into(),
    });
    Command {
        trigger: "probe".into(),
        auto_complete: true,
        auto_complete_desc: "does everything once".into(),
        display_name: "Probe".into(),
        autocomplete: Some(Autocomplete {
            role: "system_admin".into(),
            sub_commands: vec![
                leaf("say", vec![argument("TextInput", text)]),
                leaf("pick", vec![argument("StaticList", list)]),
                leaf("find", vec![argument("DynamicList", fetched)]),
            ],
            ..leaf("probe", Vec::new())
        }),
        ..Command::default()
    }
}

pub(crate) fn dialog() -> OpenDialog {
    let choice = DialogElement {
        name: "choice".into(),
        kind: "select".into(),
        optional: true,
        options: vec![DialogOption {
            text: "One".into(),
            value: "1".into(),
        }],
        ..DialogElement::default()
    };
    OpenDialog {
        trigger_id: "trigger".into(),
        url: "/plugins/probe/dialog".into(),
        dialog: Dialog {
            callback_id: "callback".into(),
            title: "Title".into(),
            elements: vec![
                DialogElement {
                    name: "text".into(),
                    kind: "text".into(),
                    max_length: 9,
                    ..choice.clone()
                },
                choice,
            ],
            state: "state".into(),
            ..Dialog::default()
        },
    }
}

pub(crate) fn attachment() -> Attachment {
    let integration = Integration {
        url: "/plugins/probe/action".into(),
        context: BTreeMap::from([("mac".to_owned(), Value::from("m"))]),
    };
    Attachment {
        text: "an attachment".into(),
        fields: vec![AttachmentField {
            title: "field".into(),
            value: Value::from("value"),
            short: true,
        }],
        actions: vec![PostAction {
            id: "take".into(),
            kind: "button".into(),
            name: "Take".into(),
            integration: Some(integration),
            ..PostAction::default()
        }],
        ..Attachment::default()
    }
}
