//! Where somebody acts and what that person may do there: asked from the server each time, all questions at once.

use mattermost_plugin::{Api, Error};
use shared::pairing::{ChannelPlace, Rights, TeamPlace, Where};

/// Asks. What does not exist, or is not told, is empty: no right comes from that.
pub(crate) async fn ask(api: &Api, user: &str, channel: &str, team: &str) -> Result<Where, Error> {
    let (person, admin, channel, member) = tokio::join!(
        api.get_user(user),
        api.has_permission_to(user, "manage_system"),
        async {
            match channel {
                "" => None,
                id => api.get_channel(id).await.ok(),
            }
        },
        async {
            match channel {
                "" => false,
                id => api.get_channel_member(id, user).await.is_ok(),
            }
        },
    );
    let (person, admin) = (person?, admin?);
    let Some(channel) = channel else {
        return Ok(Where {
            locale: person.locale,
            rights: Rights {
                admin,
                ..Rights::default()
            },
            ..Where::default()
        });
    };
    let manages = match channel.kind.as_str() {
        "O" => Some("manage_public_channel_properties"),
        "P" => Some("manage_private_channel_properties"),
        _ => None,
    };
    // In a direct channel the team is the one the person looks at.
    let team = if channel.team_id.is_empty() {
        team
    } else {
        &channel.team_id
    };
    let (manage_channel, team) = tokio::join!(
        async {
            match manages {
                None => Ok(false),
                Some(right) => {
                    api.has_permission_to_channel(user, &channel.id, right)
                        .await
                }
            }
        },
        async {
            match team {
                "" => TeamPlace::default(),
                id => api.get_team(id).await.map_or_else(
                    |_| TeamPlace::default(),
                    |team| TeamPlace {
                        id: team.id,
                        name: team.name,
                    },
                ),
            }
        },
    );
    Ok(Where {
        team,
        channel: ChannelPlace {
            id: channel.id,
            name: channel.name,
            display_name: channel.display_name,
            kind: channel.kind,
        },
        locale: person.locale,
        rights: Rights {
            admin,
            manage_channel: manage_channel?,
            member,
        },
    })
}
