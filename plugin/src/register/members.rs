//! Where the bot must be: in the team, and in the channel.

use mattermost_plugin::{Api, Error};
use shared::pairing::WantedMember;

/// Adds the bot where a person who may decide that wants it. Whoever is a member already stays one.
pub(crate) async fn add(api: &Api, bot: &str, wanted: &[WantedMember]) {
    for place in wanted {
        if let Err(error) = add_one(api, bot, place).await {
            tracing::warn!(channel.id = %place.channel_id, "the bot could not be added to a channel: {error}");
        }
    }
}

async fn add_one(api: &Api, bot: &str, place: &WantedMember) -> Result<(), Error> {
    if !is_in_team(api, bot, &place.team_id).await {
        api.create_team_member(&*place.team_id, bot).await?;
    }
    if !place.channel_id.is_empty()
        && api
            .get_channel_member(&*place.channel_id, bot)
            .await
            .is_err()
    {
        api.add_channel_member(&*place.channel_id, bot).await?;
    }
    Ok(())
}

/// Somebody who left a team is still listed, with the time of leaving.
async fn is_in_team(api: &Api, user: &str, team: &str) -> bool {
    api.get_team_member(team, user)
        .await
        .is_ok_and(|member| member.delete_at == 0)
}
