//! The calls themselves, in the order of what they are about.

use std::collections::BTreeMap;

use gob::Value;

use super::{Api, failed};
use crate::error::{Error, Failure};
use crate::model::{
    Bot, BotPatch, Channel, ChannelMember, Command, KvSetOptions, OpenDialog, Permission, Post,
    PostList, Team, TeamMember, User, UserAccessToken,
};
use crate::rpc::letters::{One, Three, Two};

/// Declares calls that only pass their arguments on: `name = "GoName" kind(argument: type, …) -> result`.
macro_rules! calls {
    ($($(#[$attribute:meta])* $name:ident = $go:literal $kind:ident($($argument:ident: $type:ty),*) -> $result:ty;)*) => {
        $(
            $(#[$attribute])*
            ///
            /// # Errors
            ///
            /// See [`Error`].
            pub async fn $name(&self, $($argument: impl Into<$type> + Send),*) -> Result<$result, Error> {
                self.$kind($go, &calls!(@arguments $($argument: $type),*)).await
            }
        )*
    };
    (@arguments) => { () };
    (@arguments $a:ident: $ta:ty) => { One::<$ta> { a: $a.into() } };
    (@arguments $a:ident: $ta:ty, $b:ident: $tb:ty) => { Two::<$ta, $tb> { a: $a.into(), b: $b.into() } };
    (@arguments $a:ident: $ta:ty, $b:ident: $tb:ty, $c:ident: $tc:ty) => {
        Three::<$ta, $tb, $tc> { a: $a.into(), b: $b.into(), c: $c.into() }
    };
}

/// The server and its configuration.
impl Api {
    calls! {
        /// Registers a command, or replaces it. To be repeated at each activation.
        register_command = "RegisterCommand" attempt(command: Command) -> ();
        /// Takes a command back.
        unregister_command = "UnregisterCommand" attempt(team_id: String, trigger: String) -> ();
        /// Replaces this plugin's settings.
        save_plugin_config = "SavePluginConfig" act(settings: BTreeMap<String, Value>) -> ();
        /// Shows a dialog to whoever a trigger belongs to.
        open_interactive_dialog = "OpenInteractiveDialog" act(dialog: OpenDialog) -> ();
    }

    /// This plugin's settings as JSON: the manifest's defaults and what is stored. All keys of the outermost object are in lower
    /// case, whatever the manifest says.
    ///
    /// # Errors
    ///
    /// See [`Error`].
    pub async fn load_plugin_configuration(&self) -> Result<Vec<u8>, Error> {
        let One { a } = self.call("LoadPluginConfiguration", &()).await?;
        Ok(a)
    }

    /// The server's whole configuration, by path: `config.at(&["ServiceSettings", "SiteURL"])`. Values that are false, 0 or empty
    /// are absent, so it must **never** be written back.
    ///
    /// # Errors
    ///
    /// See [`Error`].
    pub async fn get_config(&self) -> Result<Value, Error> {
        let One { a } = self.call("GetConfig", &()).await?;
        Ok(a)
    }

    /// This plugin's settings as they are stored, without defaults.
    ///
    /// # Errors
    ///
    /// See [`Error`].
    pub async fn get_plugin_config(&self) -> Result<BTreeMap<String, Value>, Error> {
        let One { a } = self.call("GetPluginConfig", &()).await?;
        Ok(a)
    }

    /// The folder of this plugin's bundle, absolute. It is emptied at each upgrade and, on newer servers, at each start.
    ///
    /// # Errors
    ///
    /// See [`Error`].
    pub async fn get_bundle_path(&self) -> Result<String, Error> {
        let Two { a, b }: Two<String, Option<Failure>> = self.call("GetBundlePath", &()).await?;
        failed(b)?;
        Ok(a)
    }

    /// The server's version, such as `11.6.0`.
    ///
    /// # Errors
    ///
    /// See [`Error`].
    pub async fn get_server_version(&self) -> Result<String, Error> {
        let One { a } = self.call("GetServerVersion", &()).await?;
        Ok(a)
    }

    /// The installation's own id, the same on all nodes of a cluster.
    ///
    /// # Errors
    ///
    /// See [`Error`].
    pub async fn get_diagnostic_id(&self) -> Result<String, Error> {
        let One { a } = self.call("GetDiagnosticId", &()).await?;
        Ok(a)
    }
}

/// People, bots and rights.
impl Api {
    calls! {
        /// A user by id.
        get_user = "GetUser" find(user_id: String) -> User;
        /// A user by name. To be asked before [`Api::ensure_bot_user`], which takes a *person* of that name without a word.
        get_user_by_username = "GetUserByUsername" find(name: String) -> User;
        /// A user by e-mail address.
        get_user_by_email = "GetUserByEmail" find(email: String) -> User;
        /// Sets a user's picture: the bytes of an image.
        set_profile_image = "SetProfileImage" act(user_id: String, image: Vec<u8>) -> ();
        /// Makes a token for REST. For a bot always allowed; each call makes one more. Mattermost 5.38 and newer.
        create_user_access_token = "CreateUserAccessToken" find(token: UserAccessToken) -> UserAccessToken;
        /// Ends a token. Mattermost 5.38 and newer.
        revoke_user_access_token = "RevokeUserAccessToken" act(token_id: String) -> ();
        /// Makes a bot that belongs to this plugin.
        create_bot = "CreateBot" find(bot: Bot) -> Bot;
        /// A bot, also a deleted one if wished.
        get_bot = "GetBot" find(user_id: String, include_deleted: bool) -> Bot;
        /// Changes a bot's names.
        patch_bot = "PatchBot" find(user_id: String, patch: BotPatch) -> Bot;
        /// Switches a bot on or off.
        update_bot_active = "UpdateBotActive" find(user_id: String, active: bool) -> Bot;
    }

    /// Makes sure that this plugin's bot exists and returns its user id. Mattermost 7.1 and newer.
    ///
    /// Ask [`Api::get_user_by_username`] first: if a person has the name, that person's id is returned.
    ///
    /// # Errors
    ///
    /// See [`Error`].
    pub async fn ensure_bot_user(&self, bot: Bot) -> Result<String, Error> {
        let Two { a, b }: Two<String, Option<Failure>> =
            self.call("EnsureBotUser", &One { a: bot }).await?;
        failed(b)?;
        Ok(a)
    }

    /// Whether a user has a right on the whole server, such as `manage_system`.
    ///
    /// # Errors
    ///
    /// See [`Error`].
    pub async fn has_permission_to(&self, user_id: &str, permission: &str) -> Result<bool, Error> {
        let arguments = Two {
            a: user_id.to_owned(),
            b: Permission {
                id: permission.to_owned(),
            },
        };
        let One { a } = self.call("HasPermissionTo", &arguments).await?;
        Ok(a)
    }

    /// Whether a user has a right in a team.
    ///
    /// # Errors
    ///
    /// See [`Error`].
    pub async fn has_permission_to_team(
        &self,
        user_id: &str,
        team_id: &str,
        permission: &str,
    ) -> Result<bool, Error> {
        self.has_permission_in("HasPermissionToTeam", user_id, team_id, permission)
            .await
    }

    /// Whether a user has a right in a channel.
    ///
    /// # Errors
    ///
    /// See [`Error`].
    pub async fn has_permission_to_channel(
        &self,
        user_id: &str,
        channel_id: &str,
        permission: &str,
    ) -> Result<bool, Error> {
        self.has_permission_in("HasPermissionToChannel", user_id, channel_id, permission)
            .await
    }

    async fn has_permission_in(
        &self,
        name: &str,
        user_id: &str,
        place: &str,
        permission: &str,
    ) -> Result<bool, Error> {
        let permission = Permission {
            id: permission.to_owned(),
        };
        let arguments = Three {
            a: user_id.to_owned(),
            b: place.to_owned(),
            c: permission,
        };
        let One { a } = self.call(name, &arguments).await?;
        Ok(a)
    }
}

/// Teams and channels.
impl Api {
    calls! {
        /// A team by id.
        get_team = "GetTeam" find(team_id: String) -> Team;
        /// A team by name.
        get_team_by_name = "GetTeamByName" find(name: String) -> Team;
        /// Adds a user to a team.
        create_team_member = "CreateTeamMember" find(team_id: String, user_id: String) -> TeamMember;
        /// A user's membership in a team.
        get_team_member = "GetTeamMember" find(team_id: String, user_id: String) -> TeamMember;
        /// Replaces a user's roles in a team, such as `team_user team_admin`. A team with its own scheme refuses those with 400.
        update_team_member_roles = "UpdateTeamMemberRoles" find(team_id: String, user_id: String, roles: String) -> TeamMember;
        /// A channel by id.
        get_channel = "GetChannel" find(channel_id: String) -> Channel;
        /// A channel by name.
        get_channel_by_name = "GetChannelByName" find(team_id: String, name: String, include_deleted: bool) -> Channel;
        /// The direct channel of two users; it is made if it does not exist.
        get_direct_channel = "GetDirectChannel" find(user_id: String, other_id: String) -> Channel;
        /// Makes a channel.
        create_channel = "CreateChannel" find(channel: Channel) -> Channel;
        /// Adds a user to a channel.
        add_channel_member = "AddChannelMember" find(channel_id: String, user_id: String) -> ChannelMember;
        /// Adds a user to a channel as if another user did it, with the usual notice.
        add_user_to_channel = "AddUserToChannel" find(channel_id: String, user_id: String, as_user_id: String) -> ChannelMember;
        /// A user's membership in a channel.
        get_channel_member = "GetChannelMember" find(channel_id: String, user_id: String) -> ChannelMember;
    }
}

/// Posts.
impl Api {
    calls! {
        /// Posts something. The server adds the property `from_plugin`.
        create_post = "CreatePost" find(post: Post) -> Post;
        /// Changes a post. It must be complete: what is absent is emptied.
        update_post = "UpdatePost" find(post: Post) -> Post;
        /// Deletes a post.
        delete_post = "DeletePost" act(post_id: String) -> ();
        /// A post by id.
        get_post = "GetPost" find(post_id: String) -> Post;
        /// The posts of a thread.
        get_post_thread = "GetPostThread" find(post_id: String) -> PostList;
    }

    /// Shows a post to one user only, until the next reload.
    ///
    /// # Errors
    ///
    /// See [`Error`].
    pub async fn send_ephemeral_post(&self, user_id: &str, post: Post) -> Result<Post, Error> {
        let One { a }: One<Option<Post>> = self
            .call(
                "SendEphemeralPost",
                &Two {
                    a: user_id.to_owned(),
                    b: post,
                },
            )
            .await?;
        a.ok_or_else(|| Error::Empty("SendEphemeralPost".into()))
    }
}

/// The key-value store. Keys have at most 150 characters; those that begin with `mmi_` belong to the server.
impl Api {
    calls! {
        /// Stores a value; an empty one deletes.
        kv_set = "KVSet" act(key: String, value: Vec<u8>) -> ();
        /// A value; empty if there is none.
        kv_get = "KVGet" value(key: String) -> Vec<u8>;
        /// Deletes a value.
        kv_delete = "KVDelete" act(key: String) -> ();
        /// Stores a value on conditions. False: another value was there.
        kv_set_with_options = "KVSetWithOptions" value(key: String, value: Vec<u8>, options: KvSetOptions) -> bool;
        /// Keys, by page.
        kv_list = "KVList" value(page: i64, per_page: i64) -> Vec<String>;
    }
}

/// The server's log, where each line carries the plugin's id.
impl Api {
    /// Writes a line at the level `debug`, `info`, `warn` or `error`, with keys and values.
    ///
    /// # Errors
    ///
    /// See [`Error`].
    pub async fn log(
        &self,
        level: tracing::Level,
        message: &str,
        fields: &[(&str, String)],
    ) -> Result<(), Error> {
        let name = match level {
            tracing::Level::ERROR => "LogError",
            tracing::Level::WARN => "LogWarn",
            tracing::Level::INFO => "LogInfo",
            _ => "LogDebug",
        };
        // The server's own kit makes texts of all values before it sends them; others would not all survive gob.
        let pairs = fields
            .iter()
            .flat_map(|(key, value)| [Value::from(*key), Value::from(value.as_str())]);
        let arguments = Two {
            a: message.to_owned(),
            b: pairs.collect::<Vec<_>>(),
        };
        self.call(name, &arguments).await
    }
}
