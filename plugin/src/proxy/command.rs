//! `/ireserve`: asked of the sidecar; without one the plugin has a few sentences of its own.

use mattermost_plugin::model::{CommandArgs, CommandResponse};
use serde_json::Value;
use shared::{
    Language,
    pairing::{COMMANDS_PATH, CommandAnswer, CommandRequest},
};

use super::asked::{carry_out, excuse, open_dialog, where_is, within};
use crate::{
    desk::Desk,
    pairing,
    sidecar::{AskError, Door, Why},
    text, whisper,
};

/// Answers within 8 s, whatever the sidecar does.
pub(crate) async fn answer(desk: &Desk, args: CommandArgs) -> CommandResponse {
    let (text, attachments) = words(desk, &args).await;
    whisper::answer(desk, &args, text, attachments).await
}

/// What is said, and what hangs below it.
async fn words(desk: &Desk, args: &CommandArgs) -> (String, Vec<Value>) {
    let said = |text| (text, Vec::new());
    let words: Vec<&str> = args.command.split_whitespace().skip(1).collect();
    if words.first() == Some(&"setup") && words.get(1) == Some(&"sidecar") {
        let again = words.get(2) == Some(&"new");
        return said(pairing::asked(desk, args, again).await);
    }
    if let Door::Shut(why) = desk.sidecar.door() {
        return said(alone(desk, args, words.first(), &why).await);
    }
    let asked = async {
        let place = where_is(desk, &args.user_id, &args.channel_id, &args.team_id).await?;
        let request = CommandRequest {
            command: args.command.clone(),
            root_id: args.root_id.clone(),
            trigger_id: args.trigger_id.clone(),
            place,
        };
        let answer: CommandAnswer = desk
            .sidecar
            .person_asks(COMMANDS_PATH, &request, &args.user_id)
            .await?;
        Ok(answer)
    };
    match within(asked).await {
        Ok(answer) => {
            carry_out(desk, answer.wanted).await;
            open_dialog(desk, &args.trigger_id, answer.dialog).await;
            (answer.text, answer.attachments)
        }
        Err(AskError::Shut(why)) => said(alone(desk, args, words.first(), &why).await),
        Err(error) => said(excuse(desk, &args.user_id, &error).await),
    }
}

/// What can be said without a sidecar.
async fn alone(desk: &Desk, args: &CommandArgs, verb: Option<&&str>, why: &Why) -> String {
    let person = desk.api.get_user(&*args.user_id).await;
    let language = person.map_or(Language::En, |one| text::language(&one.locale));
    match verb {
        None | Some(&"help") => text::help(language),
        Some(&"about") => text::about(language),
        Some(&("status" | "setup")) => {
            let admin = desk
                .api
                .has_permission_to(&args.user_id, "manage_system")
                .await;
            match admin {
                Ok(true) => text::why(language, why),
                _ if *why == Why::NotYet => text::starting(language).to_owned(),
                _ => text::no_sidecar(language).to_owned(),
            }
        }
        Some(_) if *why == Why::NotYet => text::starting(language).to_owned(),
        Some(_) => text::no_sidecar(language).to_owned(),
    }
}
