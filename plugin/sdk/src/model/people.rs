//! Users, teams, channels, bots and rights.

gob::record! {
    /// A user. The server also sends the password's hash and the second factor's secret; they are not read.
    #[derive(Debug, Clone, Default, PartialEq)]
    pub struct User as "User" {
        pub id: String as "Id",
        pub create_at: i64 as "CreateAt",
        pub delete_at: i64 as "DeleteAt",
        pub username: String as "Username",
        pub email: String as "Email",
        pub email_verified: bool as "EmailVerified",
        pub nickname: String as "Nickname",
        pub first_name: String as "FirstName",
        pub last_name: String as "LastName",
        /// Separated by spaces.
        pub roles: String as "Roles",
        pub locale: String as "Locale",
        pub is_bot: bool as "IsBot",
    }
}

gob::record! {
    /// A team.
    #[derive(Debug, Clone, Default, PartialEq)]
    pub struct Team as "Team" {
        pub id: String as "Id",
        pub delete_at: i64 as "DeleteAt",
        pub display_name: String as "DisplayName",
        pub name: String as "Name",
        /// `O` open, `I` by invitation.
        pub kind: String as "Type",
        pub scheme_id: Option<String> as "SchemeId",
    }
}

gob::record! {
    /// A user in a team.
    #[derive(Debug, Clone, Default, PartialEq)]
    pub struct TeamMember as "TeamMember" {
        pub team_id: String as "TeamId",
        pub user_id: String as "UserId",
        /// Separated by spaces.
        pub roles: String as "Roles",
        /// Not 0: has left.
        pub delete_at: i64 as "DeleteAt",
        pub scheme_guest: bool as "SchemeGuest",
        pub scheme_user: bool as "SchemeUser",
        pub scheme_admin: bool as "SchemeAdmin",
        pub explicit_roles: String as "ExplicitRoles",
    }
}

gob::record! {
    /// A channel.
    #[derive(Debug, Clone, Default, PartialEq)]
    pub struct Channel as "Channel" {
        pub id: String as "Id",
        pub delete_at: i64 as "DeleteAt",
        pub team_id: String as "TeamId",
        /// `O` public, `P` private, `D` direct, `G` group.
        pub kind: String as "Type",
        pub display_name: String as "DisplayName",
        pub name: String as "Name",
        pub header: String as "Header",
        pub purpose: String as "Purpose",
        pub creator_id: String as "CreatorId",
    }
}

gob::record! {
    /// A user in a channel.
    #[derive(Debug, Clone, Default, PartialEq)]
    pub struct ChannelMember as "ChannelMember" {
        pub channel_id: String as "ChannelId",
        pub user_id: String as "UserId",
        /// Separated by spaces.
        pub roles: String as "Roles",
        pub scheme_guest: bool as "SchemeGuest",
        pub scheme_user: bool as "SchemeUser",
        pub scheme_admin: bool as "SchemeAdmin",
    }
}

gob::record! {
    /// A bot account.
    #[derive(Debug, Clone, Default, PartialEq)]
    pub struct Bot as "Bot" {
        pub user_id: String as "UserId",
        pub username: String as "Username",
        pub display_name: String as "DisplayName",
        pub description: String as "Description",
        /// The plugin's id for a plugin's bot.
        pub owner_id: String as "OwnerId",
        pub create_at: i64 as "CreateAt",
        pub update_at: i64 as "UpdateAt",
        pub delete_at: i64 as "DeleteAt",
    }
}

gob::record! {
    /// What to change of a bot; `None` leaves it. An empty text cannot be sent: gob leaves it out.
    #[derive(Debug, Clone, Default, PartialEq)]
    pub struct BotPatch as "BotPatch" {
        pub username: Option<String> as "Username",
        pub display_name: Option<String> as "DisplayName",
        pub description: Option<String> as "Description",
    }
}

gob::record! {
    /// A token for REST. Its text comes once, from the call that made it.
    #[derive(Clone, Default, PartialEq)]
    pub struct UserAccessToken as "UserAccessToken" {
        pub id: String as "Id",
        pub token: String as "Token",
        pub user_id: String as "UserId",
        pub description: String as "Description",
        pub is_active: bool as "IsActive",
    }
}

/// Without the token.
impl std::fmt::Debug for UserAccessToken {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("UserAccessToken")
            .field("id", &self.id)
            .field("user_id", &self.user_id)
            .finish_non_exhaustive()
    }
}

gob::record! {
    /// A right; the server looks only at its id, such as `manage_system`.
    #[derive(Debug, Clone, Default, PartialEq)]
    pub struct Permission as "Permission" {
        pub id: String as "Id",
    }
}
