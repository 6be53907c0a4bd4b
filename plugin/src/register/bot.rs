//! The account that posts: made once, with picture and token, and never somebody else's.
//!
//! `EnsureBotUser` returns a *person* of the wished name without an error, and a token would then be that person's. So the name is
//! looked up first, a name that somebody else has is remembered and not asked for again, and no token is made before the server has
//! confirmed that the account is a bot of ours.

use mattermost_plugin::{
    Api, Error,
    model::{Bot, UserAccessToken},
};
use shared::{Language, pairing::PLUGIN_ID};

use crate::{
    settings::kept::{self, KeptBot, KeptError},
    text,
};

const NAMES: [&str; 2] = ["i-reserve", "i-reserve-bot"];
const PICTURE: &[u8] = include_bytes!("../../assets/bot.png");
/// To be raised when the picture changes.
const PICTURE_NUMBER: u32 = 1;
/// How long another node may take to make the bot, s.
const LEASE: i64 = 30;

/// Why there is no bot.
#[derive(Debug, thiserror::Error)]
pub(crate) enum BotError {
    #[error("both names of the bot, {} and {}, belong to others", NAMES[0], NAMES[1])]
    NamesTaken,
    #[error("the account {0} is no bot of this plugin")]
    NotOurs(String),
    #[error("another node is making the bot")]
    ElseWhere,
    #[error("the bot could not be made")]
    Kept(#[from] KeptError),
}

impl From<Error> for BotError {
    fn from(error: Error) -> Self {
        Self::Kept(error.into())
    }
}

/// The bot, with a token; makes what is missing. `renew` says that the server refuses this token.
pub(crate) async fn ensure(
    api: &Api,
    language: Language,
    renew: Option<&str>,
) -> Result<KeptBot, BotError> {
    let bot: KeptBot = kept::get(api, kept::BOT).await?.unwrap_or_default();
    let complete = !bot.token.0.is_empty() && renew.is_none_or(|refused| refused != bot.token.0);
    if complete && let Ok(there) = api.get_bot(&*bot.id, true).await {
        if there.delete_at > 0 {
            api.update_bot_active(&*bot.id, true).await?;
        }
        if bot.picture == PICTURE_NUMBER {
            return Ok(bot);
        }
    }
    if !kept::take(api, kept::BOT_LEASE, LEASE).await? {
        return Err(BotError::ElseWhere);
    }
    let made = make(api, language, renew).await;
    // The lease ends by itself as well.
    let _ = api.kv_delete(kept::BOT_LEASE).await;
    made
}

async fn make(api: &Api, language: Language, renew: Option<&str>) -> Result<KeptBot, BotError> {
    // Whoever had the lease before may have done it all.
    let mut bot: KeptBot = kept::get(api, kept::BOT).await?.unwrap_or_default();
    let account = account(api, language, &mut bot).await?;
    bot.id = account.user_id;
    bot.username = account.username;
    if renew.is_some_and(|refused| refused == bot.token.0) {
        // It is refused anyway; revoked, it can never come back.
        let _ = api.revoke_user_access_token(&*bot.token_id).await;
        bot.token = String::new().into();
    }
    if bot.token.0.is_empty() {
        let wish = UserAccessToken {
            user_id: bot.id.clone(),
            description: "i-Reserve sidecar".into(),
            ..UserAccessToken::default()
        };
        let made = api.create_user_access_token(wish).await?;
        bot.token = made.token.into();
        bot.token_id = made.id;
        tracing::info!("a token was made for the bot @{}", bot.username);
    }
    kept::set(api, kept::BOT, &bot).await?;
    if bot.picture != PICTURE_NUMBER {
        match api.set_profile_image(&*bot.id, PICTURE).await {
            Ok(()) => {
                bot.picture = PICTURE_NUMBER;
                kept::set(api, kept::BOT, &bot).await?;
            }
            // A bot without a picture works.
            Err(error) => tracing::warn!("the bot gets no picture: {error}"),
        }
    }
    Ok(bot)
}

/// A bot of ours: the one we had, or the first name that is free or already ours.
async fn account(api: &Api, language: Language, bot: &mut KeptBot) -> Result<Bot, BotError> {
    if !bot.id.is_empty()
        && let Ok(there) = api.get_bot(&*bot.id, true).await
    {
        return Ok(there);
    }
    bot.token = String::new().into();
    for name in NAMES.iter().skip(usize::from(bot.first_name_taken)) {
        match api.get_user_by_username(*name).await {
            Err(Error::App(error)) if error.status == 404 => {
                return create(api, language, name).await;
            }
            Err(error) => return Err(error.into()),
            Ok(user) => match api.get_bot(&*user.id, true).await {
                Ok(there) if user.is_bot && there.owner_id == PLUGIN_ID => return Ok(there),
                _ => {
                    tracing::warn!("the name @{name} belongs to somebody else");
                    bot.first_name_taken = true;
                    kept::set(api, kept::BOT, bot).await?;
                }
            },
        }
    }
    Err(BotError::NamesTaken)
}

async fn create(api: &Api, language: Language, name: &str) -> Result<Bot, BotError> {
    let wish = Bot {
        username: name.to_owned(),
        display_name: "i-Reserve".into(),
        description: text::bot_description(language).into(),
        ..Bot::default()
    };
    let id = match api.ensure_bot_user(wish.clone()).await {
        // Before 7.1.
        Err(Error::NoSuchMethod(_)) => api.create_bot(wish).await?.user_id,
        made => made?,
    };
    let made = api.get_bot(&*id, true).await;
    let made = made.map_err(|_| BotError::NotOurs(name.to_owned()))?;
    tracing::info!("the bot @{} was made", made.username);
    Ok(made)
}
