//! Outgoing webhooks: made and deleted until the server has those that are wanted, and no other of ours.
//!
//! What is about to be made is kept first, so that a crash leaves nothing behind that we do not know. All webhooks of a licence carry one
//! token. The bot has the right to manage webhooks only for this moment: it is noted before it is given, and what is noted is taken
//! back at the next activation at the latest. A lease keeps two nodes from doing the same twice.

use std::collections::BTreeSet;

use mattermost_plugin::{Api, Error};
use shared::{
    LicenceId,
    pairing::{Hidden, WantedWebhook, Webhook},
};

use super::rest::{Hook, Rest, RestError, Wish};
use crate::{
    http::{Base, Http},
    settings::kept::{self, KeptBot, KeptError, KeptWebhook, Lent},
    sidecar::random_word,
};

const NAME: &str = "i-Reserve (managed by the plugin)";
const DESCRIPTION: &str =
    "Tells i-Reserve that somebody wrote in a thread. The plugin makes and deletes it.";
/// How long a node may take for all of it, s.
const LEASE: i64 = 120;

/// What is needed for it.
#[derive(Debug)]
pub(crate) struct Office<'a> {
    pub(crate) api: &'a Api,
    pub(crate) http: &'a Http,
    /// The server without TLS; `None` where no such port exists.
    pub(crate) server: Option<Base>,
    pub(crate) bot: &'a KeptBot,
    /// What the webhooks call.
    pub(crate) callback: String,
}

/// Why a team's webhooks are not as wanted.
#[derive(Debug, thiserror::Error)]
enum Trouble {
    #[error("{0}")]
    Server(#[from] Error),
    #[error("{0}")]
    Kept(#[from] KeptError),
    #[error("{0}")]
    Rest(#[from] RestError),
}

/// Makes it so, and says for each wanted webhook its token or why there is none. `None`: another node is at it.
pub(crate) async fn settle(
    office: &Office<'_>,
    wanted: &[WantedWebhook],
) -> Result<Option<Vec<Webhook>>, KeptError> {
    let api = office.api;
    let mut known: Vec<KeptWebhook> = kept::get(api, kept::WEBHOOKS).await?.unwrap_or_default();
    if wanted.is_empty() && known.is_empty() {
        return Ok(Some(Vec::new()));
    }
    if !kept::take(api, kept::WEBHOOK_LEASE, LEASE).await? {
        return Ok(None);
    }
    let reports = all_teams(office, wanted, &mut known).await;
    // The lease ends by itself as well.
    let _ = api.kv_delete(kept::WEBHOOK_LEASE).await;
    reports.map(Some)
}

async fn all_teams(
    office: &Office<'_>,
    wanted: &[WantedWebhook],
    known: &mut Vec<KeptWebhook>,
) -> Result<Vec<Webhook>, KeptError> {
    *known = kept::get(office.api, kept::WEBHOOKS)
        .await?
        .unwrap_or_default();
    for wish in wanted {
        if !known.iter().any(|one| is(one, wish)) {
            let token = token_of(&wish.licence, known)?;
            known.push(KeptWebhook {
                licence: wish.licence.clone(),
                team_id: wish.team_id.clone(),
                channel_id: wish.channel_id.clone(),
                hook_id: None,
                token,
            });
        }
    }
    kept::set(office.api, kept::WEBHOOKS, known).await?;
    let teams: BTreeSet<String> = known.iter().map(|one| one.team_id.clone()).collect();
    let mut reports = Vec::new();
    for team in teams {
        let wishes: Vec<&WantedWebhook> = wanted.iter().filter(|one| one.team_id == team).collect();
        match one_team(office, &team, &wishes, known).await {
            Ok(made) => reports.extend(made),
            Err(trouble) => {
                tracing::warn!(team.id = %team, "outgoing webhooks are not as wanted: {trouble}");
                let report = |wish: &&WantedWebhook| Webhook {
                    licence: wish.licence.clone(),
                    channel_id: wish.channel_id.clone(),
                    token: None,
                    error: Some(trouble.to_string()),
                };
                reports.extend(wishes.iter().map(report));
            }
        }
    }
    Ok(reports)
}

fn is(known: &KeptWebhook, wish: &WantedWebhook) -> bool {
    known.licence == wish.licence
        && known.channel_id == wish.channel_id
        && known.team_id == wish.team_id
}

fn token_of(licence: &LicenceId, known: &[KeptWebhook]) -> Result<Hidden, KeptError> {
    match known.iter().find(|one| one.licence == *licence) {
        Some(one) => Ok(one.token.clone()),
        None => Ok(random_word()?.into()),
    }
}

async fn one_team(
    office: &Office<'_>,
    team: &str,
    wishes: &[&WantedWebhook],
    known: &mut Vec<KeptWebhook>,
) -> Result<Vec<Webhook>, Trouble> {
    let Some(server) = &office.server else {
        return Err(Error::Refused {
            method: "outgoing webhooks".into(),
            reason: "the server listens with TLS only, so make them by hand".into(),
        }
        .into());
    };
    let lent = lend(office, team).await?;
    let rest = Rest {
        http: office.http,
        base: server,
        token: &office.bot.token,
    };
    let done = with_right(office, &rest, team, wishes, known).await;
    if let Some(lent) = lent {
        take_back(office.api, &office.bot.id, &[lent]).await;
    }
    done
}

async fn with_right(
    office: &Office<'_>,
    rest: &Rest<'_>,
    team: &str,
    wishes: &[&WantedWebhook],
    known: &mut Vec<KeptWebhook>,
) -> Result<Vec<Webhook>, Trouble> {
    let mut there: Vec<Hook> = rest.hooks(team).await?;
    there.retain(|hook| hook.creator_id == office.bot.id && hook.display_name == NAME);
    let mut reports = Vec::new();
    for wish in wishes {
        let Some(one) = known.iter_mut().find(|one| is(one, wish)) else {
            continue;
        };
        let fits = |hook: &Hook| {
            hook.channel_id == one.channel_id
                && hook.token == one.token
                && hook.callback_urls == [office.callback.as_str()]
        };
        let made = match there.iter().position(fits) {
            Some(place) => Ok(there.swap_remove(place)),
            None => create(office, rest, one).await,
        };
        let (token, error) = match made {
            Ok(hook) => {
                one.hook_id = Some(hook.id);
                (Some(one.token.clone()), None)
            }
            Err(error) => (None, Some(error.to_string())),
        };
        reports.push(Webhook {
            licence: wish.licence.clone(),
            channel_id: wish.channel_id.clone(),
            token,
            error,
        });
    }
    // What is left is ours and not wanted: of a channel, an address or a token that is over, or doubled.
    for hook in &there {
        rest.delete(&hook.id).await?;
        tracing::info!(channel.id = %hook.channel_id, "an outgoing webhook that is not wanted was deleted");
    }
    known.retain(|one| one.team_id != team || wishes.iter().any(|wish| is(one, wish)));
    kept::set(office.api, kept::WEBHOOKS, known).await?;
    Ok(reports)
}

async fn create(
    office: &Office<'_>,
    rest: &Rest<'_>,
    one: &KeptWebhook,
) -> Result<Hook, RestError> {
    let wish = Wish {
        team_id: &one.team_id,
        channel_id: &one.channel_id,
        display_name: NAME,
        description: DESCRIPTION,
        callback_urls: [&office.callback],
        content_type: "application/json",
        token: &one.token,
    };
    let made = rest.create(&wish).await?;
    tracing::info!(channel.id = %one.channel_id, "an outgoing webhook was made");
    Ok(made)
}

/// Gives the bot the right in one team, noted first. `None`: it had it, and keeps it.
async fn lend(office: &Office<'_>, team: &str) -> Result<Option<Lent>, Trouble> {
    let (api, bot) = (office.api, &*office.bot.id);
    let member = api.get_team_member(team, bot).await?;
    if member.roles.split(' ').any(|role| role == "team_admin") {
        return Ok(None);
    }
    let lent = Lent {
        team_id: team.to_owned(),
        roles_before: member.roles,
    };
    let mut noted: Vec<Lent> = kept::get(api, kept::LENT).await?.unwrap_or_default();
    noted.retain(|one| one.team_id != team);
    noted.push(lent.clone());
    kept::set(api, kept::LENT, &noted).await?;
    let roles = format!("{} team_admin", lent.roles_before);
    if let Err(error) = api.update_team_member_roles(team, bot, roles).await {
        take_back(api, bot, &[lent]).await;
        return Err(error.into());
    }
    Ok(Some(lent))
}

/// Takes back whatever is still noted, from a moment that was cut off.
pub(crate) async fn take_back_all(api: &Api, bot: &str) {
    match kept::get::<Vec<Lent>>(api, kept::LENT).await {
        Ok(noted) => take_back(api, bot, &noted.unwrap_or_default()).await,
        Err(error) => {
            tracing::warn!("whether the bot still has a lent right is not known: {error}")
        }
    }
}

async fn take_back(api: &Api, bot: &str, lent: &[Lent]) {
    for one in lent {
        let taken = api
            .update_team_member_roles(&*one.team_id, bot, &*one.roles_before)
            .await;
        // Whoever is in that team no more has no right there either.
        let gone = matches!(&taken, Err(Error::App(error)) if error.status == 404);
        if let Err(error) = taken
            && !gone
        {
            tracing::error!(team.id = %one.team_id, "the bot keeps a right that was lent, until the next try: {error}");
            continue;
        }
        if let Err(error) = strike(api, one).await {
            tracing::warn!("a lent right was taken back and is still noted: {error}");
        }
    }
}

async fn strike(api: &Api, one: &Lent) -> Result<(), Error> {
    let mut noted: Vec<Lent> = kept::get(api, kept::LENT).await?.unwrap_or_default();
    noted.retain(|other| other.team_id != one.team_id);
    kept::set(api, kept::LENT, &noted).await
}
