//! Buttons and dialogs as Mattermost wants them, with the MAC by which we know them again.
//!
//! Anybody who may post can build a button that points at the plugin, and anybody at all can send what looks like a dialog. The MAC says
//! that we made it, and for a dialog also whom it was shown to; whether that person still may is asked elsewhere, each time.

use std::sync::Arc;

use serde_json::{Value, json};
use shared::{ConversationId, LicenceId, UserId, pairing::PLUGIN_ID};

use crate::{
    auth::link::LinkKey,
    command::{Button, Dialog},
};

#[derive(Debug)]
pub(super) struct Seal(Arc<LinkKey>);

impl Seal {
    pub(super) const fn new(key: Arc<LinkKey>) -> Self {
        Self(key)
    }

    /// One attachment with these buttons; none without any.
    pub(super) fn buttons(&self, buttons: &[Button]) -> Vec<Value> {
        let actions: Vec<Value> = buttons
            .iter()
            .map(|button| {
                let mac = self.0.context(None, None, button.action);
                json!({
                    "id": button.action, "name": button.label, "type": "button",
                    "integration": {
                        "url": format!("/plugins/{PLUGIN_ID}/action"),
                        "context": {"action": button.action, "mac": mac},
                    },
                })
            })
            .collect();
        let labels: Vec<&str> = buttons.iter().map(|button| button.label.as_str()).collect();
        if actions.is_empty() {
            return Vec::new();
        }
        vec![json!({"fallback": labels.join(" · "), "actions": actions})]
    }

    /// What a button of ours means. `None`: it is none.
    pub(super) fn action(&self, context: &Value) -> Option<String> {
        let text = |name: &str| match context.get(name) {
            None | Some(Value::Null) => Some(None),
            Some(Value::String(text)) => Some(Some(text.as_str())),
            Some(_) => None,
        };
        let licence = text("licence")?.map(LicenceId::new).transpose().ok()?;
        let conversation = text("conversation")?
            .map(ConversationId::new)
            .transpose()
            .ok()?;
        let (action, mac) = (text("action")??, text("mac")??);
        self.0
            .is_ours(licence.as_ref(), conversation.as_ref(), action, mac)
            .then(|| action.to_owned())
    }

    pub(super) fn dialog(&self, dialog: &Dialog, user: &UserId) -> Value {
        let mac = self
            .0
            .context(None, None, &meaning(dialog.callback, user, &dialog.state));
        let elements: Vec<Value> = dialog
            .fields
            .iter()
            .map(|field| {
                json!({
                    "display_name": field.label, "name": field.name, "type": "text",
                    "subtype": "password", "help_text": field.help, "optional": false,
                    "min_length": 0, "max_length": field.longest,
                })
            })
            .collect();
        json!({
            "callback_id": dialog.callback, "title": dialog.title, "elements": elements,
            "submit_label": dialog.submit, "notify_on_cancel": true,
            "state": format!("{mac}.{}", dialog.state),
        })
    }

    /// The state that we gave this dialog for this person.
    pub(super) fn state<'a>(
        &self,
        callback: &str,
        user: &UserId,
        state: &'a str,
    ) -> Option<&'a str> {
        let (mac, state) = state.split_once('.')?;
        self.0
            .is_ours(None, None, &meaning(callback, user, state), mac)
            .then_some(state)
    }
}

/// No action of a button has a line feed, so a button's MAC is never a dialog's.
fn meaning(callback: &str, user: &UserId, state: &str) -> String {
    format!("dialog\n{callback}\n{user}\n{state}")
}

#[cfg(test)]
mod tests {
    use super::*;

    fn seal() -> Seal {
        Seal::new(Arc::new(LinkKey::new(&[7; 32])))
    }

    #[test]
    fn a_button_is_known_again_and_a_changed_one_is_not() {
        let buttons = [Button {
            label: "Set up now".into(),
            action: "setup",
        }];
        let made = seal().buttons(&buttons);
        let context = &made[0]["actions"][0]["integration"]["context"];
        assert_eq!(seal().action(context).as_deref(), Some("setup"));
        for (name, value) in [
            ("action", json!("status")),
            ("action", json!(1)),
            ("licence", json!("acme")),
            ("conversation", json!("c")),
            ("mac", json!("")),
            ("mac", Value::Null),
        ] {
            let mut changed = context.clone();
            changed[name] = value;
            assert_eq!(seal().action(&changed), None, "{changed}");
        }
        for context in [json!(null), json!([]), json!("setup")] {
            assert_eq!(seal().action(&context), None);
        }
        assert!(seal().buttons(&[]).is_empty());
    }

    #[test]
    fn a_dialog_comes_back_from_whom_it_was_shown_to() {
        let dialog = Dialog {
            callback: "setupkey",
            state: "{\"a\":\"b.c\"}".into(),
            title: "Connect".into(),
            fields: Vec::new(),
            submit: "Connect".into(),
        };
        let user = UserId::new("u".repeat(26)).unwrap();
        let other = UserId::new("v".repeat(26)).unwrap();
        let shown = seal().dialog(&dialog, &user);
        let state = shown["state"].as_str().unwrap();
        assert_eq!(
            seal().state("setupkey", &user, state),
            Some("{\"a\":\"b.c\"}")
        );
        assert_eq!(seal().state("setupkey", &other, state), None);
        assert_eq!(seal().state("other", &user, state), None);
        assert_eq!(
            seal().state("setupkey", &user, &state.replace("b.c", "b.d")),
            None
        );
        assert_eq!(seal().state("setupkey", &user, "{}"), None);
    }
}
