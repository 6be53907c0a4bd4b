//! `[server]`: where we listen and how others reach us.

use std::net::{IpAddr, Ipv4Addr, SocketAddr};

use secrecy::{SecretSlice, SecretString};
use url::Url;

use super::reader::Reader;

/// The settings below `[server]`.
#[derive(Debug, Clone)]
pub struct Server {
    /// Events, webhook, plugin, files.
    pub listen: SocketAddr,
    /// Health, metrics, failed deliveries, dashboard.
    pub admin_listen: SocketAddr,
    /// How i-Reserve reaches events and attachment links; see [`Self::public_url`].
    pub public_url: Option<Url>,
    /// Key of file links and buttons. Without one it is made once and kept in the store.
    pub secret: Option<SecretSlice<u8>>,
    /// What the admin address asks for. Without one it trusts its host, and refuses most when it is not loopback.
    pub admin_token: Option<SecretString>,
    /// Peers that the limit of connections per address does not count.
    pub trusted_proxies: Vec<IpAddr>,
}

impl Server {
    /// The public address; without a setting the one we listen on.
    #[must_use]
    pub fn public_url(&self, listening: SocketAddr) -> Url {
        match &self.public_url {
            Some(url) => url.clone(),
            None => Self::reached(listening),
        }
    }

    /// Where this machine reaches what listens there.
    #[must_use]
    pub fn reached(listening: SocketAddr) -> Url {
        let mut reached = listening;
        if reached.ip().is_unspecified() {
            reached.set_ip(Ipv4Addr::LOCALHOST.into());
        }
        Url::parse(&format!("http://{reached}"))
            .expect("a socket address after a scheme is an address")
    }
}

pub(super) fn read(settings: &mut Reader<'_>) -> Server {
    let listen = socket(settings, "server.listen", 8070);
    let admin_listen = socket(settings, "server.admin_listen", 8071);
    if listen == admin_listen && listen.port() != 0 {
        settings.mistake(
            "server.admin_listen",
            format!("is `{admin_listen}`, as `server.listen`"),
            "give it a port of its own",
        );
    }
    let admin_token = settings.secret("server.admin_token", 16);
    if !admin_listen.ip().is_loopback() && admin_token.is_none() {
        settings.warn(
            "server.admin_listen",
            "is not loopback: without `server.admin_token` all but health and metrics is refused there",
        );
    }
    if !listen.ip().is_loopback() {
        settings.warn(
            "server.listen",
            "is not loopback: tokens and texts cross the network readable unless TLS is done in front",
        );
    }
    Server {
        listen,
        admin_listen,
        public_url: settings.address("server.public_url"),
        secret: settings.secret_bytes("server.secret", 32),
        admin_token,
        trusted_proxies: proxies(settings),
    }
}

fn socket(settings: &mut Reader<'_>, key: &str, port: u16) -> SocketAddr {
    let default = SocketAddr::from((Ipv4Addr::LOCALHOST, port));
    let Some(text) = settings.text(key) else {
        return default;
    };
    let written = match text.strip_prefix("localhost:") {
        Some(port) => format!("127.0.0.1:{port}"),
        None => text.clone(),
    };
    written.parse().unwrap_or_else(|_| {
        settings.mistake(
            key,
            format!("is `{text}`"),
            format!("write an address and a port, such as 127.0.0.1:{port} or [::1]:{port}"),
        );
        default
    })
}

fn proxies(settings: &mut Reader<'_>) -> Vec<IpAddr> {
    const KEY: &str = "server.trusted_proxies";
    let mut addresses = Vec::new();
    for text in settings.texts(KEY).unwrap_or_default() {
        match text.parse() {
            Ok(address) => addresses.push(address),
            Err(_) => settings.mistake(
                KEY,
                format!("holds `{text}`"),
                "write single addresses such as 10.0.0.7",
            ),
        }
    }
    addresses
}
