//! Mattermost's own calls: a button, a dialog, a look-up. They come without host and type, from a server that keeps only the last write
//! of the answer.
//!
//! Who acts stands in `Mattermost-User-Id`, which the server sets and nobody else can; whatever the body says of it is not read.

use std::time::Duration;

use ::http::{HeaderValue, Method, Request, Response, StatusCode, header};
use mattermost_plugin::{Body, model};
use serde::{Deserialize, Serialize};
use serde_json::{Map, Value, json};
use shared::pairing::{
    self, ActionAnswer, ActionRequest, AutocompleteItem, AutocompleteRequest, DialogAnswer,
    DialogRequest, ListItem, PLUGIN_ID, Wanted,
};
use tokio::time::timeout;

use super::plain;
use crate::{
    desk::Desk,
    objects, place,
    register::members,
    sidecar::{AskError, Why},
    text,
    whisper::{Ear, whisper},
};

/// What Mattermost sends is far smaller; more is somebody who calls the path by hand.
const MOST_BYTES: usize = 256 * 1024;
/// All of it, with the questions to the server. People wait for it.
pub(super) const DEADLINE: Duration = Duration::from_secs(8);

#[derive(Deserialize, Default)]
#[serde(default)]
struct Clicked {
    channel_id: String,
    team_id: String,
    post_id: String,
    trigger_id: String,
    context: Option<Map<String, Value>>,
}

#[derive(Deserialize, Default)]
#[serde(default)]
struct Submitted {
    callback_id: String,
    state: String,
    channel_id: String,
    team_id: String,
    cancelled: bool,
    submission: Option<Map<String, Value>>,
}

pub(super) async fn action(desk: &Desk, request: Request<Body>) -> Response<Vec<u8>> {
    let (user, clicked): (String, Clicked) = match read(request).await {
        Ok(read) => read,
        Err(status) => return plain(status),
    };
    let mut context = clicked.context.unwrap_or_default();
    let selected = match context.remove("selected_option") {
        Some(Value::String(option)) => Some(option),
        _ => None,
    };
    let answered = async {
        let place = where_is(desk, &user, &clicked.channel_id, &clicked.team_id).await?;
        let asked = ActionRequest {
            context: Value::Object(context),
            post_id: clicked.post_id,
            trigger_id: clicked.trigger_id.clone(),
            selected_option: selected,
            place,
        };
        let answer: ActionAnswer = desk
            .sidecar
            .person_asks(pairing::ACTIONS_PATH, &asked, &user)
            .await?;
        Ok(answer)
    };
    match within(answered).await {
        Ok(answer) => {
            carry_out(desk, answer.wanted).await;
            open_dialog(desk, &clicked.trigger_id, answer.dialog).await;
            let mut said = Map::new();
            if let Some(update) = answer.update {
                said.insert("update".into(), update);
            }
            if let Some(text) = answer.ephemeral_text {
                said.insert("ephemeral_text".into(), text.into());
            }
            reply(&said)
        }
        Err(AskError::Refused(StatusCode::FORBIDDEN)) => plain(StatusCode::FORBIDDEN),
        Err(error) => reply(&json!({"ephemeral_text": excuse(desk, &user, &error).await})),
    }
}

pub(super) async fn dialog(desk: &Desk, request: Request<Body>) -> Response<Vec<u8>> {
    let (user, submitted): (String, Submitted) = match read(request).await {
        Ok(read) => read,
        Err(status) => return plain(status),
    };
    if submitted.callback_id == crate::pairing::DIALOG {
        return reply(&crate::pairing::submitted(desk, &user, submitted.cancelled).await);
    }
    let channel = submitted.channel_id;
    let answered = async {
        let place = where_is(desk, &user, &channel, &submitted.team_id).await?;
        let asked = DialogRequest {
            callback_id: submitted.callback_id,
            state: submitted.state,
            submission: submitted
                .submission
                .unwrap_or_default()
                .into_iter()
                .collect(),
            cancelled: submitted.cancelled,
            place,
        };
        let answer: DialogAnswer = desk
            .sidecar
            .person_asks(pairing::DIALOGS_PATH, &asked, &user)
            .await?;
        Ok(answer)
    };
    match within(answered).await {
        Ok(answer) => {
            carry_out(desk, answer.wanted).await;
            if let Some(text) = answer.text.filter(|text| !text.is_empty()) {
                let ear = Ear {
                    user: &user,
                    channel: &channel,
                    root: "",
                };
                whisper(desk, ear, text, Vec::new()).await;
            }
            reply(&json!({"errors": answer.errors, "error": answer.error.unwrap_or_default()}))
        }
        Err(error) => reply(&json!({"error": excuse(desk, &user, &error).await})),
    }
}

pub(super) async fn look_up(desk: &Desk, request: Request<Body>, list: &str) -> Response<Vec<u8>> {
    let Some(user) = acting(&request) else {
        return plain(StatusCode::UNAUTHORIZED);
    };
    let query = request.uri().query().unwrap_or_default().to_owned();
    let said = |name: &str| {
        form_urlencoded::parse(query.as_bytes())
            .find(|(key, _)| key == name)
            .map(|(_, value)| value.into_owned())
            .unwrap_or_default()
    };
    let answered = async {
        let place = where_is(desk, &user, &said("channel_id"), &said("team_id")).await?;
        let asked = AutocompleteRequest {
            list: match list {
                "" => said("list"),
                list => list.to_owned(),
            },
            user_input: said("user_input"),
            root_id: said("root_id"),
            place,
        };
        let items: Vec<AutocompleteItem> = desk
            .sidecar
            .person_asks(pairing::AUTOCOMPLETE_PATH, &asked, &user)
            .await?;
        Ok(items)
    };
    // A list that cannot be had is an empty one: the person may still type.
    let items = within(answered).await.unwrap_or_default();
    let items: Vec<ListItem> = items
        .into_iter()
        .map(|item| ListItem {
            item: item.item,
            hint: item.hint,
            help_text: item.help_text,
        })
        .collect();
    reply(&items)
}

/// Who acts, and what was sent.
async fn read<T: for<'de> Deserialize<'de>>(
    request: Request<Body>,
) -> Result<(String, T), StatusCode> {
    let user = acting(&request).ok_or(StatusCode::UNAUTHORIZED)?;
    if request.method() != Method::POST {
        return Err(StatusCode::METHOD_NOT_ALLOWED);
    }
    let body = request.into_body().collect(MOST_BYTES);
    let body = timeout(DEADLINE, body)
        .await
        .map_err(|_| StatusCode::REQUEST_TIMEOUT)?;
    let body = body.map_err(|_| StatusCode::PAYLOAD_TOO_LARGE)?;
    let read = serde_json::from_slice(&body).map_err(|_| StatusCode::BAD_REQUEST)?;
    Ok((user, read))
}

fn acting<B>(request: &Request<B>) -> Option<String> {
    let user = request.headers().get("mattermost-user-id")?.to_str().ok()?;
    (!user.is_empty()).then(|| user.to_owned())
}

pub(super) async fn where_is(
    desk: &Desk,
    user: &str,
    channel: &str,
    team: &str,
) -> Result<pairing::Where, AskError> {
    place::ask(&desk.api, user, channel, team)
        .await
        .map_err(|error| {
            tracing::warn!("the rights of a person could not be asked: {error}");
            AskError::Shut(Why::NotYet)
        })
}

pub(super) async fn within<T>(
    answered: impl Future<Output = Result<T, AskError>>,
) -> Result<T, AskError> {
    let silent = |_| AskError::Http(crate::http::HttpError::Silent(DEADLINE));
    timeout(DEADLINE, answered).await.map_err(silent)?
}

/// What a person reads when there is no answer.
pub(super) async fn excuse(desk: &Desk, user: &str, error: &AskError) -> String {
    let person = desk.api.get_user(user).await;
    let language = person.map_or_else(|_| Default::default(), |one| text::language(&one.locale));
    match error {
        AskError::Shut(Why::NotYet) => text::starting(language),
        AskError::Shut(_) | AskError::Http(_) => text::no_sidecar(language),
        AskError::Refused(_) | AskError::Garbled(_) => {
            tracing::warn!("a question of a person has no answer: {}", error.reason());
            text::failed(language)
        }
    }
    .to_owned()
}

/// Adds the bot where it is wanted before the person goes on, and has the rest looked at.
pub(super) async fn carry_out(desk: &Desk, wanted: Option<Wanted>) {
    let Some(wanted) = wanted else { return };
    let bot = desk.bot.borrow().clone();
    if let Some(bot) = bot {
        members::add(&desk.api, &bot.id, &wanted.members).await;
    }
    desk.bell.ring_for_a_person();
}

pub(super) async fn open_dialog(desk: &Desk, trigger: &str, dialog: Option<Value>) {
    let Some(dialog) = dialog else { return };
    let dialog = match objects::dialog(dialog) {
        Ok(dialog) => dialog,
        Err(error) => {
            tracing::error!("the sidecar's dialog is none: {error}");
            return;
        }
    };
    let open = model::OpenDialog {
        trigger_id: trigger.to_owned(),
        url: format!("/plugins/{PLUGIN_ID}/dialog"),
        dialog,
    };
    if let Err(error) = desk.api.open_interactive_dialog(open).await {
        tracing::warn!("a dialog could not be opened: {error}");
    }
}

fn reply<T: Serialize>(said: &T) -> Response<Vec<u8>> {
    let body = serde_json::to_vec(said).expect("texts, lists and maps are JSON");
    let mut answer = Response::new(body);
    let kind = HeaderValue::from_static("application/json");
    answer.headers_mut().insert(header::CONTENT_TYPE, kind);
    answer
}
