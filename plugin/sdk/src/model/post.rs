//! Posts, what hangs on them, and files.

use std::collections::BTreeMap;

use gob::Value;

gob::record! {
    /// A post. To create one, user, channel and message suffice.
    #[derive(Clone, Default, PartialEq)]
    pub struct Post as "Post" {
        pub id: String as "Id",
        pub create_at: i64 as "CreateAt",
        pub update_at: i64 as "UpdateAt",
        pub edit_at: i64 as "EditAt",
        pub delete_at: i64 as "DeleteAt",
        pub user_id: String as "UserId",
        pub channel_id: String as "ChannelId",
        /// The first post of the thread; empty for the first post itself.
        pub root_id: String as "RootId",
        pub original_id: String as "OriginalId",
        pub message: String as "Message",
        /// Empty for what a person wrote, `system_…` for what the server did.
        pub kind: String as "Type",
        pub props: BTreeMap<String, Value> as "Props",
        pub file_ids: Vec<String> as "FileIds",
        pub pending_post_id: String as "PendingPostId",
        pub remote_id: Option<String> as "RemoteId",
    }
}

/// Without the message and the props: people wrote them.
impl std::fmt::Debug for Post {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Post")
            .field("id", &self.id)
            .field("root_id", &self.root_id)
            .field("channel_id", &self.channel_id)
            .field("user_id", &self.user_id)
            .finish_non_exhaustive()
    }
}

gob::record! {
    /// Posts of a thread.
    #[derive(Debug, Clone, Default, PartialEq)]
    pub struct PostList as "PostList" {
        pub order: Vec<String> as "Order",
        pub posts: BTreeMap<String, Post> as "Posts",
    }
}

gob::record! {
    /// A reaction to a post.
    #[derive(Debug, Clone, Default, PartialEq)]
    pub struct Reaction as "Reaction" {
        pub user_id: String as "UserId",
        pub post_id: String as "PostId",
        pub emoji_name: String as "EmojiName",
        pub create_at: i64 as "CreateAt",
        /// Empty on older servers.
        pub channel_id: String as "ChannelId",
    }
}

gob::record! {
    /// What hangs below a post or a command's answer: text, fields, buttons.
    #[derive(Clone, Default, PartialEq)]
    pub struct Attachment as "SlackAttachment" {
        pub fallback: String as "Fallback",
        pub color: String as "Color",
        pub pretext: String as "Pretext",
        pub author_name: String as "AuthorName",
        pub author_link: String as "AuthorLink",
        pub author_icon: String as "AuthorIcon",
        pub title: String as "Title",
        pub title_link: String as "TitleLink",
        pub text: String as "Text",
        pub fields: Vec<AttachmentField> as "Fields",
        pub image_url: String as "ImageURL",
        pub thumb_url: String as "ThumbURL",
        pub footer: String as "Footer",
        pub footer_icon: String as "FooterIcon",
        pub actions: Vec<PostAction> as "Actions",
    }
}

/// Without the texts: people may have written them.
impl std::fmt::Debug for Attachment {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Attachment")
            .field("actions", &self.actions.len())
            .finish_non_exhaustive()
    }
}

gob::record! {
    /// A title and a value in an [`Attachment`].
    #[derive(Debug, Clone, Default, PartialEq)]
    pub struct AttachmentField as "SlackAttachmentField" {
        pub title: String as "Title",
        pub value: Value as "Value",
        pub short: bool as "Short",
    }
}

gob::record! {
    /// A button or a menu in an [`Attachment`].
    #[derive(Debug, Clone, Default, PartialEq)]
    pub struct PostAction as "PostAction" {
        pub id: String as "Id",
        /// `button` or `select`.
        pub kind: String as "Type",
        pub name: String as "Name",
        pub disabled: bool as "Disabled",
        pub style: String as "Style",
        pub data_source: String as "DataSource",
        pub options: Vec<ActionOption> as "Options",
        pub default_option: String as "DefaultOption",
        pub integration: Option<Integration> as "Integration",
    }
}

gob::record! {
    /// An entry of a menu.
    #[derive(Debug, Clone, Default, PartialEq)]
    pub struct ActionOption as "PostActionOptions" {
        pub text: String as "Text",
        pub value: String as "Value",
    }
}

gob::record! {
    /// What the server calls when somebody clicks.
    #[derive(Debug, Clone, Default, PartialEq)]
    pub struct Integration as "PostActionIntegration" {
        pub url: String as "URL",
        pub context: BTreeMap<String, Value> as "Context",
    }
}

gob::record! {
    /// A file of a support packet.
    #[derive(Debug, Clone, Default, PartialEq)]
    pub struct FileData as "FileData" {
        pub name: String as "Filename",
        pub body: Vec<u8> as "Body",
    }
}

gob::record! {
    /// How a value is stored; see [`Api::kv_set_with_options`](crate::Api::kv_set_with_options).
    #[derive(Debug, Clone, Default, PartialEq)]
    pub struct KvSetOptions as "PluginKVSetOptions" {
        /// Only if `old_value` is what is stored now; empty stands for nothing stored.
        pub atomic: bool as "Atomic",
        pub old_value: Vec<u8> as "OldValue",
        /// 0 keeps it for ever.
        pub expire_in_seconds: i64 as "ExpireInSeconds",
    }
}
