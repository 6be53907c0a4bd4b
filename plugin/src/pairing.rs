//! What the plugin itself says to administrators: the line that pairs an external sidecar, and that a managed one stopped.

use std::sync::Arc;

use mattermost_plugin::{
    Api, Error, One, Two, gob,
    model::{CommandArgs, Dialog, DialogElement, OpenDialog, Post, User},
};
use serde_json::{Value, json};
use shared::{Language, pairing::PLUGIN_ID};
use tokio::sync::{mpsc, watch};
use tokio_util::sync::CancellationToken;

use crate::{
    desk::Desk,
    settings::{
        Mode, Settings,
        kept::{self, KeptBot, KeptSecret},
    },
    sidecar::new_secret,
    text::{self, pair},
};

/// The dialog with the line.
pub(crate) const DIALOG: &str = "plugin-pairing";
/// A sidecar that stops and comes back at once is nobody's business.
const TOLD_AT_ATTEMPT: u32 = 3;
/// One message a day, s.
const TOLD_AGAIN: i64 = 24 * 3600;
/// Administrators who are told: a server may have many.
const MOST_TOLD: i64 = 5;

/// `/ireserve setup sidecar`: shows the line once, and another only on request, because the running sidecar then has the wrong one.
pub(crate) async fn asked(desk: &Desk, args: &CommandArgs, again: bool) -> String {
    let person = desk.api.get_user(&*args.user_id).await;
    let language = person.map_or(Language::En, |one| text::language(&one.locale));
    let admin = desk
        .api
        .has_permission_to(&args.user_id, "manage_system")
        .await;
    if !matches!(admin, Ok(true)) {
        return text::admins_only(language).to_owned();
    }
    if desk.settings().console.mode == Mode::Managed {
        return pair::managed(language).to_owned();
    }
    match show(desk, &args.trigger_id, language, again).await {
        Ok(true) => String::new(),
        Ok(false) => pair::shown_before(language).to_owned(),
        Err(error) => {
            tracing::warn!("the pairing line could not be shown: {error}");
            text::failed(language).to_owned()
        }
    }
}

/// False: it was shown before.
async fn show(
    desk: &Desk,
    trigger: &str,
    language: Language,
    again: bool,
) -> Result<bool, kept::KeptError> {
    let mut secret = kept::secret(&desk.api).await?;
    if secret.shown && !again {
        return Ok(false);
    }
    if again {
        secret.secret = new_secret()?;
    }
    desk.api
        .open_interactive_dialog(dialog(trigger, language, &secret))
        .await?;
    secret.shown = true;
    kept::set(&desk.api, kept::SECRET, &secret).await?;
    if desk.look_again().await.is_err() {
        tracing::warn!("the new pairing secret is used from the next change of the settings on");
    }
    Ok(true)
}

fn dialog(trigger: &str, language: Language, secret: &KeptSecret) -> OpenDialog {
    OpenDialog {
        trigger_id: trigger.to_owned(),
        url: format!("/plugins/{PLUGIN_ID}/dialog"),
        dialog: Dialog {
            callback_id: DIALOG.into(),
            title: pair::title(language).into(),
            introduction: pair::introduction(language).into(),
            submit_label: pair::connect(language).into(),
            elements: vec![DialogElement {
                display_name: pair::field(language).into(),
                name: "line".into(),
                kind: "textarea".into(),
                default: format!("IRESERVE__PLUGIN__PAIRING_SECRET={}", secret.secret.0),
                optional: true,
                ..DialogElement::default()
            }],
            ..Dialog::default()
        },
    }
}

/// Somebody pressed Connect: says whether the sidecar answers.
pub(crate) async fn submitted(desk: &Desk, user: &str, cancelled: bool) -> Value {
    if cancelled {
        return json!({});
    }
    let person = desk.api.get_user(user).await;
    let language = person.map_or(Language::En, |one| text::language(&one.locale));
    let admin = desk.api.has_permission_to(user, "manage_system").await;
    if !matches!(admin, Ok(true)) {
        return json!({"error": text::admins_only(language)});
    }
    match desk.sidecar.status().await {
        Ok(_) => {
            desk.bell.ring();
            tracing::info!("{}", pair::connected(Language::En));
            json!({})
        }
        Err(error) => json!({"error": pair::not_connected(language, &error.reason())}),
    }
}

gob::record! {
    /// Which users to list.
    #[derive(Debug, Clone, Default, PartialEq)]
    struct UserGetOptions as "UserGetOptions" {
        role: String as "Role",
        active: bool as "Active",
        per_page: i64 as "PerPage",
    }
}

/// Tells administrators that the sidecar keeps stopping: once a day at most, on whichever node it happens first.
pub(crate) async fn tell_administrators(
    api: Api,
    bot: watch::Receiver<Option<Arc<KeptBot>>>,
    settings: watch::Receiver<Arc<Settings>>,
    mut restarts: mpsc::Receiver<u32>,
    stop: CancellationToken,
) {
    loop {
        let attempt = tokio::select! {
            attempt = restarts.recv() => attempt,
            () = stop.cancelled() => return,
        };
        let Some(attempt) = attempt else { return };
        let Some(bot) = bot.borrow().clone() else {
            continue;
        };
        if attempt < TOLD_AT_ATTEMPT {
            continue;
        }
        let node = settings.borrow().node().to_owned();
        if let Err(error) = tell(&api, &bot.id, &node, attempt).await {
            tracing::warn!("administrators could not be told that the sidecar stopped: {error}");
        }
    }
}

async fn tell(api: &Api, bot: &str, node: &str, attempt: u32) -> Result<(), Error> {
    if !kept::take(api, kept::TOLD_STOPPED, TOLD_AGAIN).await? {
        return Ok(());
    }
    let administrators = UserGetOptions {
        role: "system_admin".into(),
        active: true,
        per_page: MOST_TOLD,
    };
    let Two { a, .. }: Two<Vec<User>, Option<mattermost_plugin::AppError>> =
        api.call("GetUsers", &One { a: administrators }).await?;
    for person in a.iter().filter(|person| !person.is_bot) {
        let channel = api.get_direct_channel(bot, &*person.id).await?;
        let message = text::stopped(text::language(&person.locale), node, attempt);
        let post = Post {
            user_id: bot.to_owned(),
            channel_id: channel.id,
            message,
            ..Post::default()
        };
        api.create_post(post).await?;
    }
    Ok(())
}
