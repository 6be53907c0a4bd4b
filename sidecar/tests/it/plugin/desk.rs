//! A whole sidecar with a plugin's secret, and a plugin's hand that signs.

use std::{net::SocketAddr, sync::Arc};

use base64::{Engine, engine::general_purpose::URL_SAFE_NO_PAD};
use hmac::{Hmac, Mac};
use secrecy::ExposeSecret;
use serde_json::{Value, json};
use sha2::Sha256;
use shared::{LicenceId, Timestamp};
use sidecar::{
    app::App,
    auth::token,
    clock::Clock,
    config::Settings,
    licence::{Licence, LicenceKey},
};
use simulators::{
    ireserve::{self, IReserve},
    mattermost::{Cast, Mattermost},
};
use tempfile::TempDir;
use tokio_util::{sync::CancellationToken, task::TaskTracker};

use crate::http::raw::{Said, Wire};

pub(super) const SECRET: &str = "a-pairing-secret-of-32-bytes-or-more";
/// Somebody.
pub(super) const ANNA: &str = "annaannaannaannaannaannaan";

/// One life of a sidecar; its folder may outlive it.
pub(super) struct Desk {
    pub(super) public: SocketAddr,
    pub(super) admin: SocketAddr,
    settings: String,
    folder: Arc<TempDir>,
    stop: CancellationToken,
    tasks: TaskTracker,
}

impl Desk {
    pub(super) async fn open() -> Self {
        Self::with(&format!("plugin.pairing_secret = \"{SECRET}\"\n")).await
    }

    /// `settings` as TOML, besides addresses and store.
    pub(super) async fn with(settings: &str) -> Self {
        let folder = Arc::new(tempfile::tempdir().unwrap());
        Self::live(settings.to_owned(), folder).await
    }

    async fn live(settings: String, folder: Arc<TempDir>) -> Self {
        let path = folder.path().join("ireserve.db");
        let whole = format!(
            "server.listen = \"127.0.0.1:0\"\nserver.admin_listen = \"127.0.0.1:0\"\nstore.url = \"sqlite:{}\"\n{settings}",
            path.display()
        );
        let read = Settings::from_toml(&whole);
        let config = read.resolve().unwrap().config;
        let app = Box::pin(App::start(&read, &config, Clock::system()))
            .await
            .unwrap();
        let (public, admin) = (app.public(), app.admin());
        let (stop, tasks) = (CancellationToken::new(), TaskTracker::new());
        let end = stop.clone();
        tasks.spawn(async move { app.run(end).await.unwrap() });
        tasks.close();
        Self {
            public,
            admin,
            settings,
            folder,
            stop,
            tasks,
        }
    }

    /// Ends in order, and lives again on the same store.
    pub(super) async fn restart(self) -> Self {
        self.stop.cancel();
        self.tasks.wait().await;
        Self::live(self.settings.clone(), Arc::clone(&self.folder)).await
    }

    /// The plugin asks, for nobody or for somebody.
    pub(super) async fn plugin(
        &self,
        method: &str,
        path: &str,
        user: Option<&str>,
        body: &Value,
    ) -> Said {
        let mut claims = claims();
        if let Some(user) = user {
            claims["sub"] = json!(user);
        }
        let fields = format!("Authorization: Bearer {}\r\n", signed(SECRET, &claims));
        ask(self.public, method, path, &fields, body).await
    }

    pub(super) async fn configure(&self, configuration: &Value) -> Value {
        let said = self
            .plugin("PUT", "/v1/plugin/configuration", None, configuration)
            .await;
        assert_eq!(said.status, 200, "{said:?}");
        said.json()
    }

    /// Anna types this, there.
    pub(super) async fn types(&self, command: &str, place: &Value) -> Value {
        let body = json!({"command": command, "root_id": "", "trigger_id": "t", "where": place});
        let said = self
            .plugin("POST", "/v1/plugin/commands", Some(ANNA), &body)
            .await;
        assert_eq!(said.status, 200, "{said:?}");
        said.json()
    }

    /// Anna sends the dialog that she was shown, with this in its field.
    pub(super) async fn sends(&self, dialog: &Value, key: &str, place: &Value) -> Said {
        let body = json!({"callback_id": dialog["callback_id"], "state": dialog["state"], "cancelled": false,
            "submission": {"licence_key": key}, "where": place});
        self.plugin("POST", "/v1/plugin/dialogs", Some(ANNA), &body)
            .await
    }

    /// i-Reserve pushes an event with a token of this licence key.
    pub(super) async fn push(&self, key: &LicenceKey, fields: &str, event: &Value) -> Said {
        let fields = format!("{}{fields}", bearer(key));
        ask(self.public, "POST", "/v1/events", &fields, event).await
    }

    pub(super) async fn metrics(&self) -> String {
        let said = ask(self.admin, "GET", "/metrics", "", &Value::Null).await;
        String::from_utf8(said.body).unwrap()
    }
}

impl Drop for Desk {
    fn drop(&mut self) {
        self.stop.cancel();
    }
}

/// What a plugin of this server would say.
pub(super) fn configuration(mattermost: &Mattermost, cast: &Cast) -> Value {
    json!({
        "site_url": "https://chat.example.org", "server_version": "11.6.0", "locale": "en", "cluster": false,
        "node_id": "mm-1", "plugin_version": "0.1.0",
        "bot": {"id": cast.bot.id, "username": "i-reserve", "token": cast.bot.token},
        "mattermost_url": mattermost.url(), "public_url": "https://chat.example.org/plugins/nl.i-reserve.mattermost",
        "team": {"send_delay": "3s"}, "licence_keys": [], "webhooks": [],
        "callbacks": {"allowed": true, "detail": ""},
    })
}

/// An admin in the public channel `webchat`.
pub(super) fn webchat(cast: &Cast) -> Value {
    json!({
        "team": {"id": cast.team_id, "name": cast.team},
        "channel": {"id": cast.webchat, "name": "webchat", "display_name": "Webchat", "type": "O"},
        "locale": "en", "rights": {"admin": true, "manage_channel": true, "member": true},
    })
}

/// An i-Reserve that knows this key of its licence.
pub(super) async fn ireserve(licence: &str, byte: u8) -> (IReserve, LicenceKey) {
    let ireserve = IReserve::start().await.unwrap();
    let theirs = ireserve::LicenceKey::new(licence, &ireserve.host(), [byte; 32]);
    ireserve.expect_secrets(&[&theirs.webhook_secret()]);
    let key = LicenceKey::make(licence, &ireserve.host(), [byte; 32]);
    (ireserve, key.unwrap())
}

/// A key of an i-Reserve that is nowhere.
pub(super) fn licence_key(licence: &str, byte: u8) -> LicenceKey {
    LicenceKey::make(licence, "acme.i-reserve.net", [byte; 32]).unwrap()
}

pub(super) fn started(event: &str, conversation: &str) -> Value {
    json!({"id": event, "type": "conversation.started", "data": {"conversation_id": conversation,
        "visitor": {"name": "Sanne de Vries"}, "page": {"url": "https://bowling.example/prijzen"}}})
}

pub(super) fn claims() -> Value {
    let now = Clock::system().now().as_millis() / 1_000;
    json!({"iss": "ireserve-plugin", "aud": "ireserve-sidecar", "iat": now, "exp": now + 60})
}

/// A token as the plugin makes it.
pub(super) fn signed(secret: &str, claims: &Value) -> String {
    signed_as(&json!({"alg": "HS256", "typ": "JWT"}), secret, claims)
}

pub(super) fn signed_as(head: &Value, secret: &str, claims: &Value) -> String {
    let part = |value: &Value| URL_SAFE_NO_PAD.encode(value.to_string());
    let text = format!("{}.{}", part(head), part(claims));
    let mut mac = Hmac::<Sha256>::new_from_slice(secret.as_bytes()).unwrap();
    mac.update(text.as_bytes());
    let tag = URL_SAFE_NO_PAD.encode(mac.finalize().into_bytes());
    format!("{text}.{tag}")
}

pub(super) fn bearer(key: &LicenceKey) -> String {
    let licence = Licence {
        id: LicenceId::new(key.licence().as_str()).unwrap(),
        keys: vec![key.token_key()],
        ..crate::http::desk::licence("acme")
    };
    let now: Timestamp = Clock::system().now();
    let token = token::for_sidecar(&licence, None, 600, now).unwrap();
    format!("Authorization: Bearer {}\r\n", token.expose_secret())
}

pub(super) async fn ask(
    to: SocketAddr,
    method: &str,
    path: &str,
    fields: &str,
    body: &Value,
) -> Said {
    let body = if body.is_null() {
        String::new()
    } else {
        body.to_string()
    };
    let kind = if body.is_empty() {
        ""
    } else {
        "Content-Type: application/json\r\n"
    };
    let mut wire = Wire::to(to).await;
    let head = format!(
        "{method} {path} HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\nContent-Length: {}\r\n{kind}{fields}\r\n",
        body.len()
    );
    wire.write(format!("{head}{body}")).await;
    wire.answers().await.remove(0)
}
