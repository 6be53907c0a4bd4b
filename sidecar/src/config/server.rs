//! `[server]`: where we listen and how others reach us.

use std::net::{IpAddr, Ipv4Addr, SocketAddr};

use secrecy::SecretString;
use url::Url;

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
    pub secret: Option<SecretString>,
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
            None => {
                let mut reached = listening;
                if reached.ip().is_unspecified() {
                    reached.set_ip(Ipv4Addr::LOCALHOST.into());
                }
                Url::parse(&format!("http://{reached}"))
                    .expect("a socket address after a scheme is an address")
            }
        }
    }
}
