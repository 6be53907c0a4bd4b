//! Who and what is in a real server: the same as in the simulated one.

use serde_json::{Value, json};

use super::{RealError, answered, id_of};
use crate::api::Api;
use crate::mattermost::{Account, Cast};

/// Of everybody here.
const PASSWORD: &str = "Passw0rd!x";

/// What a new server gets.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Furniture {
    /// Everything in [`Cast`].
    WithBot,
    /// Without a bot: a plugin makes its own. The one in [`Cast`] is nobody.
    WithoutBot,
}

/// Makes the people and channels of [`Cast`] over REST. The first account of a server is its admin.
pub(super) async fn furnish(url: &str, furniture: Furniture) -> Result<Cast, RealError> {
    let admin = person(url, "admin1", "", "").await?;
    let api = Api::new(url, &admin.token);
    let team = created(
        &api,
        "/teams",
        json!({ "name": "support", "display_name": "Support", "type": "O" }),
    )
    .await?;
    let team_id = id_of(&team, "id");
    let mut channels = Vec::new();
    for (name, title, kind) in [
        ("webchat", "Webchat", "O"),
        ("bookings", "Bookings", "O"),
        ("vip", "Vip", "P"),
    ] {
        let channel = created(
            &api,
            "/channels",
            json!({ "team_id": team_id, "name": name, "display_name": title, "type": kind }),
        )
        .await?;
        channels.push(id_of(&channel, "id"));
    }
    let bot = match furniture {
        Furniture::WithBot => Some(bot(&api).await?),
        Furniture::WithoutBot => None,
    };
    let lotte = person(url, "lotte", "Lotte", "Jansen").await?;
    let jan = person(url, "jan", "Jan", "Jansen").await?;
    for account in bot.iter().chain([&lotte, &jan]) {
        created(
            &api,
            &format!("/teams/{team_id}/members"),
            json!({ "team_id": team_id, "user_id": account.id }),
        )
        .await?;
        for channel in &channels {
            created(
                &api,
                &format!("/channels/{channel}/members"),
                json!({ "user_id": account.id }),
            )
            .await?;
        }
    }
    let mut channels = channels.into_iter();
    let mut next = || channels.next().unwrap_or_default();
    Ok(Cast {
        team: "support".to_owned(),
        team_id,
        webchat: next(),
        bookings: next(),
        vip: next(),
        bot: bot.unwrap_or_else(nobody),
        lotte,
        jan,
        admin,
    })
}

async fn bot(api: &Api) -> Result<Account, RealError> {
    let bot = created(
        api,
        "/bots",
        json!({ "username": "i-reserve", "display_name": "i-Reserve" }),
    )
    .await?;
    let id = id_of(&bot, "user_id");
    let token = created(
        api,
        &format!("/users/{id}/tokens"),
        json!({ "description": "test" }),
    )
    .await?;
    Ok(Account {
        id,
        username: "i-reserve".to_owned(),
        token: id_of(&token, "token"),
    })
}

const fn nobody() -> Account {
    Account {
        id: String::new(),
        username: String::new(),
        token: String::new(),
    }
}

async fn person(
    url: &str,
    username: &str,
    first_name: &str,
    last_name: &str,
) -> Result<Account, RealError> {
    let anybody = Api::new(url, "");
    let user = json!({ "username": username, "email": format!("{username}@example.com"), "password": PASSWORD,
        "first_name": first_name, "last_name": last_name });
    let id = id_of(&created(&anybody, "/users", user).await?, "id");
    let login = answered(
        "login",
        anybody
            .post(
                "/users/login",
                &json!({ "login_id": username, "password": PASSWORD }),
            )
            .await?,
    )?;
    Ok(Account {
        id,
        username: username.to_owned(),
        token: login.header("token").to_owned(),
    })
}

async fn created(api: &Api, path: &str, body: Value) -> Result<Value, RealError> {
    Ok(answered(path, api.post(path, &body).await?)?.json())
}
