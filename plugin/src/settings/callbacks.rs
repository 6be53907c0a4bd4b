//! Whether the server may call itself, as an outgoing webhook to its own address makes it.
//!
//! Mattermost refuses addresses that are reserved or its own, unless `AllowedUntrustedInternalConnections` names them: hosts,
//! addresses and networks, separated by spaces or commas.

use std::net::{IpAddr, Ipv4Addr, Ipv6Addr};

use http::Uri;
use ipnet::IpNet;
use shared::pairing::Callbacks;
use tokio::net::{UdpSocket, lookup_host};

/// Looks where the site's name leads from here, as the server would.
pub(crate) async fn callbacks(site_url: &str, allowed: &str) -> Callbacks {
    let no = |detail: String| Callbacks {
        allowed: false,
        detail,
    };
    let uri: Option<Uri> = site_url.parse().ok();
    let Some(host) = uri.as_ref().and_then(Uri::host) else {
        return no("the site URL is empty, or is no address".to_owned());
    };
    let host = host.trim_start_matches('[').trim_end_matches(']');
    if names(allowed).any(|name| name == host) {
        return yes();
    }
    let found: Vec<IpAddr> = match lookup_host((host, 0)).await {
        Ok(found) => found.map(|address| address.ip().to_canonical()).collect(),
        Err(_) => return no(format!("the name {host} leads nowhere from this server")),
    };
    for address in found {
        if !is_listed(address, allowed) && (is_reserved(address) || is_own(address).await) {
            return no(format!(
                "the server may not call {address}: add {host} to AllowedUntrustedInternalConnections (System Console, Environment, Developer)"
            ));
        }
    }
    yes()
}

fn yes() -> Callbacks {
    Callbacks {
        allowed: true,
        detail: String::new(),
    }
}

fn names(allowed: &str) -> impl Iterator<Item = &str> {
    allowed.split([' ', ',']).filter(|name| !name.is_empty())
}

fn is_listed(address: IpAddr, allowed: &str) -> bool {
    names(allowed).any(|name| {
        name.parse::<IpAddr>().is_ok_and(|listed| listed == address)
            || name
                .parse::<IpNet>()
                .is_ok_and(|net| net.contains(&address))
    })
}

/// An address of this machine can be bound to; no other can.
async fn is_own(address: IpAddr) -> bool {
    UdpSocket::bind((address, 0)).await.is_ok()
}

const fn is_reserved(address: IpAddr) -> bool {
    match address {
        IpAddr::V4(v4) => is_reserved_v4(v4),
        IpAddr::V6(v6) => is_reserved_v6(v6),
    }
}

const fn is_reserved_v4(v4: Ipv4Addr) -> bool {
    let [a, b, c, _] = v4.octets();
    v4.is_private()
        || v4.is_loopback()
        || v4.is_link_local()
        || v4.is_documentation()
        || a == 0
        || a >= 224
        || (a == 100 && b & 0xc0 == 64)
        || (a == 198 && b & 0xfe == 18)
        || (a == 192 && b == 0 && c == 0)
}

const fn is_reserved_v6(v6: Ipv6Addr) -> bool {
    v6.is_loopback()
        || v6.is_unspecified()
        || v6.is_multicast()
        || v6.is_unique_local()
        || v6.is_unicast_link_local()
        || matches!(v6.segments(), [0x2001, 0xdb8, ..] | [0x64, 0xff9b, ..])
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test]
    async fn a_site_on_loopback_must_be_named_and_then_is_allowed() {
        let site = "http://127.0.0.1:8065";
        let refused = callbacks(site, "").await;
        assert!(!refused.allowed);
        assert!(
            refused.detail.contains("add 127.0.0.1 to"),
            "{}",
            refused.detail
        );
        for allowed in ["127.0.0.1", "localhost, 127.0.0.0/8", "::1 127.0.0.1"] {
            assert!(callbacks(site, allowed).await.allowed, "{allowed}");
        }
        assert!(!callbacks(site, "127.0.0.10 10.0.0.0/8").await.allowed);
    }

    #[tokio::test]
    async fn a_public_address_needs_no_entry_and_no_address_is_said() {
        assert!(callbacks("https://93.184.216.34", "").await.allowed);
        assert!(!callbacks("", "").await.allowed);
    }
}
