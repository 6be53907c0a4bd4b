//! The gate for addresses that others name: what may be fetched, and a client that cannot be talked into anything else.
//!
//! An event names the address of an attachment, and the sidecar stands where inner services can be reached. So:
//! * only hosts that the licence names ([`FetchHosts`]);
//! * only `https` on port 443, without user info;
//! * only names whose addresses are *all* public, and the connection goes to exactly those that were looked at, so a name that
//!   answers differently a moment later wins nothing;
//! * one exception: an address literal that the operator wrote himself. A name never gets it.
//!
//! The client asks no resolver for literals, so a literal is judged here, before the call. Redirects are not followed.

use std::{
    fmt, io,
    net::{IpAddr, Ipv4Addr, Ipv6Addr, SocketAddr},
    pin::Pin,
    sync::Arc,
    time::Duration,
};

use http::{HeaderValue, Method, header};
use url::{Host, Url};

use super::{BuildError, CallError, Now, Request, Streamed};

/// The hosts from which attachments may be fetched: names, `*.` before a name, and address literals.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct FetchHosts(Vec<Pattern>);

#[derive(Debug, Clone, PartialEq, Eq)]
enum Pattern {
    Name(String),
    /// Everything below this name, at a label boundary, and not the name itself.
    Below(String),
    Literal(IpAddr),
}

/// A host that cannot be one.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("must be a host name, `*.` and a host name, or an address: {0:?}")]
pub struct PatternError(pub String);

/// An address that passed the gate.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Vetted(Url);

/// Why an address does not pass.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, thiserror::Error)]
pub enum Refused {
    #[error("the address cannot be read")]
    Unreadable,
    #[error("the address carries a user name or a password")]
    UserInfo,
    #[error("the host is not one that may be fetched from")]
    Host,
    #[error("only https on port 443 may be fetched")]
    Scheme,
}

impl FetchHosts {
    /// # Errors
    /// With the first entry that is no host.
    pub fn parse<T: AsRef<str>>(entries: &[T]) -> Result<Self, PatternError> {
        entries
            .iter()
            .map(|entry| Pattern::parse(entry.as_ref()))
            .collect::<Result<_, _>>()
            .map(Self)
    }

    /// Whether an address literal is among them, which deserves a remark in a check.
    #[must_use]
    pub fn has_literal(&self) -> bool {
        self.0
            .iter()
            .any(|pattern| matches!(pattern, Pattern::Literal(_)))
    }

    fn allow_name(&self, name: &str) -> bool {
        self.0.iter().any(|pattern| match pattern {
            Pattern::Name(wanted) => wanted == name,
            Pattern::Below(parent) => name
                .strip_suffix(parent.as_str())
                .is_some_and(|rest| rest.len() > 1 && rest.ends_with('.')),
            Pattern::Literal(_) => false,
        })
    }

    fn allow_literal(&self, address: IpAddr) -> bool {
        self.0.contains(&Pattern::Literal(address))
    }
}

impl Pattern {
    fn parse(entry: &str) -> Result<Self, PatternError> {
        let wrong = || PatternError(entry.to_owned());
        if let Ok(address) = entry.parse() {
            return Ok(Self::Literal(address));
        }
        let (below, name) = match entry.strip_prefix("*.") {
            Some(parent) => (true, parent),
            None => (false, entry),
        };
        match (Host::parse(name.strip_suffix('.').unwrap_or(name)), below) {
            (Ok(Host::Domain(name)), _) if name.is_empty() || name.contains('*') => Err(wrong()),
            (Ok(Host::Domain(name)), false) => Ok(Self::Name(name)),
            (Ok(Host::Domain(name)), true) => Ok(Self::Below(name)),
            (Ok(Host::Ipv4(address)), false) => Ok(Self::Literal(address.into())),
            (Ok(Host::Ipv6(address)), false) => Ok(Self::Literal(address.into())),
            _ => Err(wrong()),
        }
    }
}

/// Judges an address by what stands in it. What its name resolves to is judged when the connection is made.
///
/// # Errors
/// With the first rule that it breaks.
pub fn vet(address: &str, hosts: &FetchHosts) -> Result<Vetted, Refused> {
    let mut url = Url::parse(address).map_err(|_| Refused::Unreadable)?;
    if !matches!(url.scheme(), "http" | "https") {
        return Err(Refused::Scheme);
    }
    if !url.username().is_empty() || url.password().is_some() {
        return Err(Refused::UserInfo);
    }
    // What the parser made of the host counts: every octal, hexadecimal and short spelling is a literal by now.
    let literal = match url.host().ok_or(Refused::Unreadable)? {
        Host::Ipv4(address) => IpAddr::from(address),
        Host::Ipv6(address) => IpAddr::from(address),
        Host::Domain(name) => {
            let name = name.strip_suffix('.').unwrap_or(name).to_owned();
            if !hosts.allow_name(&name) {
                return Err(Refused::Host);
            }
            if url.scheme() != "https" || url.port().is_some() {
                return Err(Refused::Scheme);
            }
            url.set_host(Some(&name)).map_err(|_| Refused::Unreadable)?;
            url.set_fragment(None);
            return Ok(Vetted(url));
        }
    };
    if !hosts.allow_literal(literal) {
        return Err(Refused::Host);
    }
    url.set_fragment(None);
    Ok(Vetted(url))
}

impl Vetted {
    /// What is fetched from; at most so many at a time.
    #[must_use]
    pub fn host(&self) -> &str {
        self.0.host_str().unwrap_or_default()
    }
}

/// Whether an address belongs to the public internet. Everything that is not plainly so is not: loopback, private, shared,
/// link-local, multicast, reserved, documentation, benchmarking, and every form that carries an IPv4 address inside an IPv6 one.
#[must_use]
pub fn is_public(address: IpAddr) -> bool {
    match address {
        IpAddr::V4(address) => is_public_v4(address),
        IpAddr::V6(address) => is_public_v6(address),
    }
}

const fn is_public_v4(address: Ipv4Addr) -> bool {
    let [a, b, c, _] = address.octets();
    !matches!(
        (a, b, c),
        (0 | 10 | 127 | 224..=255, _, _)
            | (100, 64..=127, _)
            | (169, 254, _)
            | (172, 16..=31, _)
            | (192, 168, _)
            | (192, 0, 0 | 2)
            | (192, 88, 99)
            | (198, 18 | 19, _)
            | (198, 51, 100)
            | (203, 0, 113)
    )
}

/// Only 2000::/3 is given out to the public. Inside it 2001::/23 (Teredo and other protocol assignments), the documentation
/// ranges and 6to4 are not.
const fn is_public_v6(address: Ipv6Addr) -> bool {
    let [a, b, ..] = address.segments();
    matches!(a, 0x2000..=0x3fff)
        && !matches!(
            (a, b),
            (0x2001, 0x0000..=0x01ff) | (0x2001, 0x0db8) | (0x2002, _) | (0x3fff, 0x0000..=0x0fff)
        )
}

/// One of the addresses of a name is not public, so none of them is used.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("the name leads to an address that is not public")]
pub struct NotPublic;

/// Looks names up; the system's way, or a test's.
pub type Lookup = Arc<
    dyn Fn(String) -> Pin<Box<dyn Future<Output = io::Result<Vec<IpAddr>>> + Send>> + Send + Sync,
>;

/// The client behind the gate.
#[derive(Clone)]
pub struct Fetcher {
    inner: reqwest::Client,
    now: Now,
}

/// Why a vetted address was not fetched.
#[derive(Debug, thiserror::Error)]
pub enum FetchError {
    /// The name leads inside: as forbidden as an inner address.
    #[error(transparent)]
    NotPublic(NotPublic),
    #[error(transparent)]
    Call(CallError),
}

impl Fetcher {
    /// # Errors
    /// When TLS cannot be set up.
    pub fn new(now: Now) -> Result<Self, BuildError> {
        Self::with_lookup(
            now,
            Arc::new(|name| {
                Box::pin(async move {
                    let found = tokio::net::lookup_host((name, 0)).await?;
                    Ok(found.map(|address| address.ip()).collect())
                })
            }),
        )
    }

    /// # Errors
    /// When TLS cannot be set up.
    pub fn with_lookup(now: Now, lookup: Lookup) -> Result<Self, BuildError> {
        super::builder()
            .dns_resolver(PublicOnly(lookup))
            .build()
            .map(|inner| Self { inner, now })
            .map_err(BuildError)
    }

    /// The head of the answer; the whole exchange ends with `deadline`.
    ///
    /// # Errors
    /// When the name leads inside, or as any exchange.
    pub async fn get(&self, address: &Vetted, deadline: Duration) -> Result<Streamed, FetchError> {
        let request = Request::new(Method::GET, address.0.clone()).header(
            header::ACCEPT_ENCODING,
            HeaderValue::from_static("identity"),
        );
        super::open(&self.inner, request, deadline, &self.now)
            .await
            .map_err(|error| {
                if is_not_public(&error) {
                    FetchError::NotPublic(NotPublic)
                } else {
                    FetchError::Call(error)
                }
            })
    }
}

impl fmt::Debug for Fetcher {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Fetcher")
    }
}

fn is_not_public(error: &CallError) -> bool {
    let mut cause = std::error::Error::source(error);
    while let Some(error) = cause {
        if error.is::<NotPublic>() {
            return true;
        }
        cause = error.source();
    }
    false
}

/// Hands out the addresses of a name when all of them are public; the connection goes to these and to no others.
struct PublicOnly(Lookup);

impl fmt::Debug for PublicOnly {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("PublicOnly")
    }
}

impl reqwest::dns::Resolve for PublicOnly {
    fn resolve(&self, name: reqwest::dns::Name) -> reqwest::dns::Resolving {
        let looking = (self.0)(name.as_str().to_owned());
        Box::pin(async move {
            let found = looking.await?;
            if !found.iter().copied().all(is_public) {
                return Err(NotPublic.into());
            }
            let addresses = found.into_iter().map(|address| SocketAddr::new(address, 0));
            Ok(Box::new(addresses) as reqwest::dns::Addrs)
        })
    }
}

#[cfg(test)]
mod tests;
