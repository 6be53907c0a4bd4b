//! Mattermost's objects: JSON from the sidecar becomes what the plugin protocol sends.

use base64::{Engine as _, engine::general_purpose::STANDARD};
use mattermost_plugin::{gob, model};
use serde::Deserialize;
use serde_json::Value;
use shared::pairing::{ArgumentData, Tree, TreeArgument};

/// Depth of a button's context: deeper is a way to exhaust the stack of whoever reads it.
const DEPTH: usize = 16;

/// The role that everybody has.
pub(crate) const EVERYBODY: &str = "system_user";

pub(crate) fn data_url(kind: &str, bytes: &[u8]) -> String {
    format!("data:{kind};base64,{}", STANDARD.encode(bytes))
}

/// The autocomplete tree.
pub(crate) fn tree(from: &Tree) -> model::Autocomplete {
    model::Autocomplete {
        trigger: from.trigger.clone(),
        hint: from.hint.clone(),
        help_text: from.help_text.clone(),
        role: role(&from.role),
        arguments: from.arguments.iter().map(argument).collect(),
        sub_commands: from.sub_commands.iter().map(tree).collect(),
    }
}

/// Mattermost shows a node without a role to administrators only; what is for everybody says so.
fn role(role: &str) -> String {
    match role {
        "" => EVERYBODY.to_owned(),
        role => role.to_owned(),
    }
}

fn argument(from: &TreeArgument) -> model::AutocompleteArg {
    let (kind, data) = match &from.data {
        ArgumentData::TextInput { hint, pattern } => (
            "TextInput",
            model::ArgData::Text(model::TextArg {
                hint: hint.clone(),
                pattern: pattern.clone(),
            }),
        ),
        ArgumentData::StaticList { items } => (
            "StaticList",
            model::ArgData::StaticList(model::StaticListArg {
                items: items
                    .iter()
                    .map(|item| model::AutocompleteItem {
                        item: item.item.clone(),
                        hint: item.hint.clone(),
                        help_text: item.help_text.clone(),
                    })
                    .collect(),
            }),
        ),
        ArgumentData::DynamicList { fetch_url } => (
            "DynamicList",
            model::ArgData::DynamicList(model::DynamicListArg {
                fetch_url: look_up(fetch_url),
            }),
        ),
    };
    model::AutocompleteArg {
        name: from.name.clone(),
        help_text: from.help_text.clone(),
        kind: kind.into(),
        required: from.required,
        data: Some(data),
    }
}

/// `lookup?list=NAME` as `lookup/NAME`: the server puts its own path before a relative address and escapes the question mark on the way.
fn look_up(address: &str) -> String {
    match address.split_once("?list=") {
        Some((path, list)) => format!("{path}/{list}"),
        None => address.to_owned(),
    }
}

#[derive(Deserialize, Default)]
#[serde(default)]
struct Attachment {
    fallback: String,
    color: String,
    pretext: String,
    author_name: String,
    author_link: String,
    author_icon: String,
    title: String,
    title_link: String,
    text: String,
    fields: Vec<Field>,
    image_url: String,
    thumb_url: String,
    footer: String,
    footer_icon: String,
    actions: Vec<Action>,
}

#[derive(Deserialize, Default)]
#[serde(default)]
struct Field {
    title: String,
    value: Value,
    short: bool,
}

#[derive(Deserialize, Default)]
#[serde(default)]
struct Action {
    id: String,
    #[serde(rename = "type")]
    kind: String,
    name: String,
    disabled: bool,
    style: String,
    data_source: String,
    options: Vec<Choice>,
    default_option: String,
    integration: Option<Integration>,
}

#[derive(Deserialize, Default)]
#[serde(default)]
struct Choice {
    text: String,
    value: String,
}

#[derive(Deserialize, Default)]
#[serde(default)]
struct Integration {
    url: String,
    context: serde_json::Map<String, Value>,
}

/// An attachment with its buttons.
pub(crate) fn attachment(from: Value) -> Result<model::Attachment, serde_json::Error> {
    let from: Attachment = serde_json::from_value(from)?;
    Ok(model::Attachment {
        fallback: from.fallback,
        color: from.color,
        pretext: from.pretext,
        author_name: from.author_name,
        author_link: from.author_link,
        author_icon: from.author_icon,
        title: from.title,
        title_link: from.title_link,
        text: from.text,
        fields: from
            .fields
            .into_iter()
            .map(|field| model::AttachmentField {
                title: field.title,
                value: value(field.value, DEPTH),
                short: field.short,
            })
            .collect(),
        image_url: from.image_url,
        thumb_url: from.thumb_url,
        footer: from.footer,
        footer_icon: from.footer_icon,
        actions: from.actions.into_iter().map(action).collect(),
    })
}

fn action(from: Action) -> model::PostAction {
    model::PostAction {
        id: from.id,
        kind: from.kind,
        name: from.name,
        disabled: from.disabled,
        style: from.style,
        data_source: from.data_source,
        options: from
            .options
            .into_iter()
            .map(|choice| model::ActionOption {
                text: choice.text,
                value: choice.value,
            })
            .collect(),
        default_option: from.default_option,
        integration: from.integration.map(|integration| model::Integration {
            url: integration.url,
            context: integration
                .context
                .into_iter()
                .map(|(key, one)| (key, value(one, DEPTH)))
                .collect(),
        }),
    }
}

/// Any JSON, for the server to read as its own object.
pub(crate) fn any(from: Value) -> gob::Value {
    value(from, DEPTH)
}

/// JSON as Go's `interface{}` has it: all numbers are floats. What lies too deep is nil.
fn value(from: Value, depth: usize) -> gob::Value {
    let Some(depth) = depth.checked_sub(1) else {
        return gob::Value::Nil;
    };
    match from {
        Value::Null => gob::Value::Nil,
        Value::Bool(flag) => flag.into(),
        Value::Number(number) => number.as_f64().map_or(gob::Value::Nil, Into::into),
        Value::String(text) => text.into(),
        Value::Array(list) => gob::Value::list(list.into_iter().map(|one| value(one, depth))),
        Value::Object(map) => {
            gob::Value::map(map.into_iter().map(|(key, one)| (key, value(one, depth))))
        }
    }
}

#[derive(Deserialize, Default)]
#[serde(default)]
struct Dialog {
    callback_id: String,
    title: String,
    introduction_text: String,
    icon_url: String,
    elements: Vec<Element>,
    submit_label: String,
    notify_on_cancel: bool,
    state: String,
}

#[derive(Deserialize, Default)]
#[serde(default)]
struct Element {
    display_name: String,
    name: String,
    #[serde(rename = "type")]
    kind: String,
    subtype: String,
    default: String,
    placeholder: String,
    help_text: String,
    optional: bool,
    min_length: i64,
    max_length: i64,
    data_source: String,
    options: Vec<Choice>,
}

/// A dialog, alone or as the request that would open it.
pub(crate) fn dialog(mut from: Value) -> Result<model::Dialog, serde_json::Error> {
    if let Some(inner) = from.get_mut("dialog") {
        from = inner.take();
    }
    let from: Dialog = serde_json::from_value(from)?;
    Ok(model::Dialog {
        callback_id: from.callback_id,
        title: from.title,
        introduction: from.introduction_text,
        icon_url: from.icon_url,
        elements: from.elements.into_iter().map(element).collect(),
        submit_label: from.submit_label,
        notify_on_cancel: from.notify_on_cancel,
        state: from.state,
    })
}

fn element(from: Element) -> model::DialogElement {
    model::DialogElement {
        display_name: from.display_name,
        name: from.name,
        kind: from.kind,
        sub_kind: from.subtype,
        default: from.default,
        placeholder: from.placeholder,
        help_text: from.help_text,
        optional: from.optional,
        min_length: from.min_length,
        max_length: from.max_length,
        data_source: from.data_source,
        options: from
            .options
            .into_iter()
            .map(|choice| model::DialogOption {
                text: choice.text,
                value: choice.value,
            })
            .collect(),
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn a_button_keeps_its_address_and_its_context() {
        let made = attachment(json!({"text": "t", "fields": [{"title": "a", "value": 5, "short": true}], "actions": [
            {"id": "take", "type": "button", "name": "Take", "integration": {"url": "/plugins/x/action",
                "context": {"mac": "m", "n": 1, "deep": {"list": [true]}}}}]}))
        .unwrap();
        let integration = made.actions[0].integration.as_ref().unwrap();
        assert_eq!(integration.url, "/plugins/x/action");
        assert_eq!(integration.context["mac"].as_str(), Some("m"));
        assert_eq!(
            integration.context["deep"]
                .at(&["list"])
                .unwrap()
                .as_list()
                .unwrap()
                .len(),
            1
        );
        assert_eq!(made.fields[0].value.as_f64(), Some(5.0));
    }

    #[test]
    fn a_dialog_is_the_same_alone_and_inside_its_request() {
        let alone = || json!({"callback_id": "key", "title": "T", "elements": [{"name": "key", "type": "text", "subtype": "password"}]});
        let made = dialog(json!({"trigger_id": "x", "url": "y", "dialog": alone()})).unwrap();
        assert_eq!(made, dialog(alone()).unwrap());
        assert_eq!(made.elements[0].sub_kind, "password");
    }

    #[test]
    fn what_is_for_everybody_says_so() {
        let made = tree(&Tree {
            sub_commands: vec![Tree {
                role: "system_admin".into(),
                ..Tree::default()
            }],
            ..Tree::default()
        });
        assert_eq!(
            (&*made.role, &*made.sub_commands[0].role),
            ("system_user", "system_admin")
        );
    }

    #[test]
    fn a_look_up_gets_an_address_that_survives_the_server() {
        assert_eq!(look_up("lookup?list=open"), "lookup/open");
        assert_eq!(look_up("lookup/open"), "lookup/open");
    }
}
