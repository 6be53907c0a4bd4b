//! Of Mattermost's types, the fields that the tests look at.

use std::collections::BTreeMap;

use gob::Value;

use crate::model::Url;

gob::record! {
    #[derive(Debug, Clone, Default, PartialEq)]
    pub(crate) struct AppError as "AppError" {
        pub(crate) id: String as "Id",
        pub(crate) message: String as "Message",
        pub(crate) details: String as "DetailedError",
        pub(crate) status: i64 as "StatusCode",
        pub(crate) place: String as "Where",
    }
}

gob::record! {
    #[derive(Debug, Clone, Default, PartialEq)]
    pub(crate) struct User as "User" {
        pub(crate) id: String as "Id",
        pub(crate) username: String as "Username",
        pub(crate) roles: String as "Roles",
    }
}

gob::record! {
    #[derive(Debug, Clone, Default, PartialEq)]
    pub(crate) struct Post as "Post" {
        pub(crate) id: String as "Id",
        pub(crate) user_id: String as "UserId",
        pub(crate) channel_id: String as "ChannelId",
        pub(crate) message: String as "Message",
        pub(crate) props: BTreeMap<String, Prop> as "Props",
    }
}

gob::record! {
    #[derive(Debug, Clone, Default, PartialEq)]
    pub(crate) struct Attachment as "SlackAttachment" {
        pub(crate) text: String as "Text",
        pub(crate) fields: Vec<AttachmentField> as "Fields",
    }
}

gob::record! {
    #[derive(Debug, Clone, Default, PartialEq)]
    pub(crate) struct AttachmentField as "SlackAttachmentField" { pub(crate) title: String as "Title", pub(crate) value: Value as "Value" }
}

gob::interface! {
    #[derive(Debug, Clone, PartialEq)]
    pub(crate) enum Prop {
        Attachments(Vec<Attachment>) as "[]*model.SlackAttachment",
        ..Other
    }
}

gob::record! {
    #[derive(Debug, Clone, Default, PartialEq)]
    pub(crate) struct Context as "Context" {
        pub(crate) request_id: String as "RequestId",
        pub(crate) ip_address: String as "IPAddress" | "IpAddress",
    }
}

gob::record! {
    #[derive(Debug, Clone, Default, PartialEq)]
    pub(crate) struct HttpRequest as "Request" {
        pub(crate) method: String as "Method",
        pub(crate) url: Option<Url> as "URL",
        pub(crate) major: i64 as "ProtoMajor",
        pub(crate) header: BTreeMap<String, Vec<String>> as "Header",
        pub(crate) body: Value as "Body",
    }
}

gob::record! {
    #[derive(Debug, Clone, Default, PartialEq)]
    pub(crate) struct ServeHttp as "Z_ServeHTTPArgs" {
        pub(crate) writer: u32 as "ResponseWriterStream",
        pub(crate) request: HttpRequest as "Request",
        pub(crate) context: Context as "Context",
        pub(crate) body: u32 as "RequestBodyStream",
    }
}

/// Arguments and results whose fields Go calls A and B.
macro_rules! pair {
    ($pair:ident { $($a:ty $(, $b:ty)?)? }) => {
        gob::record! {
            #[derive(Debug, Clone, Default, PartialEq)]
            pub(crate) struct $pair as "Z" { $(pub(crate) a: $a as "A" $(, pub(crate) b: $b as "B")?)? }
        }
    };
}

pair!(GetUserReturns { Option<User>, Option<AppError> });
pair!(CommandReturns { Value, Option<AppError> });
pair!(PostArgs { Context, Option<Post> });
pair!(PostReturns { Option<Post>, Option<AppError> });
