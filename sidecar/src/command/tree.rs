//! The command's description for autocompletion, as Mattermost wants it.
//!
//! It exists once for a whole server, so it speaks the server's language; what a reader gets is in the reader's. Before a licence is
//! connected it offers what leads there.

use shared::{
    Language,
    pairing::{ArgumentData, ListItem, Tree, TreeArgument},
};

use super::Topic;
use crate::render::{Catalogue, Key};

pub(super) fn tree(words: &Catalogue, language: Language, connected: bool) -> Tree {
    let say = |key| words.say(language, key, &[]);
    let verb = |trigger: &str, key, role: &str| Tree {
        trigger: trigger.to_owned(),
        help_text: say(key),
        role: role.to_owned(),
        ..Tree::default()
    };
    let mut help = verb("help", Key::TreeHelp, "");
    if connected {
        help.hint = say(Key::TreeHelpHint);
        help.arguments = vec![TreeArgument {
            // Mattermost wants a place without a name to be required; nothing is lost when it stays empty.
            name: String::new(),
            help_text: say(Key::TreeHelpTopic),
            required: true,
            data: ArgumentData::StaticList {
                items: topics(words, language)
                    .into_iter()
                    .map(|(item, help_text)| ListItem {
                        item: item.to_owned(),
                        hint: String::new(),
                        help_text,
                    })
                    .collect(),
            },
        }];
    }
    let setup = verb("setup", Key::TreeSetup, "system_admin");
    let status = verb("status", Key::TreeStatus, "");
    let about = verb("about", Key::TreeAbout, "");
    let (hint, sub_commands) = if connected {
        (
            "[status|help|about|setup]",
            vec![status, help, about, setup],
        )
    } else {
        (
            "[setup|status|help|about]",
            vec![setup, status, help, about],
        )
    };
    Tree {
        trigger: "ireserve".to_owned(),
        hint: hint.to_owned(),
        help_text: say(Key::Tree),
        sub_commands,
        ..Tree::default()
    }
}

/// What help there is.
pub(super) fn topics(words: &Catalogue, language: Language) -> Vec<(&'static str, String)> {
    let about = |topic| match topic {
        Topic::Replies => Key::TopicReplies,
        Topic::Notes => Key::TopicNotes,
        Topic::Commands => Key::TopicCommands,
        Topic::Setup => Key::TopicSetup,
    };
    Topic::ALL
        .into_iter()
        .map(|topic| (topic.name(), words.say(language, about(topic), &[])))
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_node_has_arguments_or_sub_commands_and_a_role_mattermost_knows() {
        fn judge(tree: &Tree) {
            assert!(tree.arguments.is_empty() || tree.sub_commands.is_empty());
            assert!(matches!(
                tree.role.as_str(),
                "" | "system_user" | "system_admin"
            ));
            assert!(tree.trigger.bytes().all(|b| b.is_ascii_lowercase()));
            assert!(!tree.help_text.is_empty(), "{}", tree.trigger);
            tree.sub_commands.iter().for_each(judge);
        }
        let words = Catalogue::new();
        for connected in [false, true] {
            for language in Language::ALL {
                let tree = tree(&words, language, connected);
                judge(&tree);
                let verbs: Vec<&str> = tree
                    .sub_commands
                    .iter()
                    .map(|verb| verb.trigger.as_str())
                    .collect();
                assert_eq!(verbs[0], if connected { "status" } else { "setup" });
                assert_eq!(verbs.len(), 4);
            }
        }
    }
}
