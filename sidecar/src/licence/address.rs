//! Addresses we call: where plain http is allowed, and what is loopback.

use url::{Host, Url};

/// Why an address of i-Reserve is not called.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum AddressError {
    #[error("is no address")]
    Unreadable,
    #[error("must start with https://")]
    Scheme,
    /// Replies of a team would cross the network readable.
    #[error("is plain http to another machine")]
    PlainHttp,
    #[error("carries a user name or password")]
    Credentials,
    #[error("has a fragment (#…), which never reaches a server")]
    Fragment,
}

/// Reads an address that replies are sent to: https, or http where it cannot leave this machine or was allowed by name.
///
/// # Errors
/// What is wrong with it, without repeating it.
pub fn outgoing(text: &str, plain_http_allowed: bool) -> Result<Url, AddressError> {
    let url = Url::parse(text).map_err(|_| AddressError::Unreadable)?;
    if !url.username().is_empty() || url.password().is_some() {
        return Err(AddressError::Credentials);
    }
    if url.fragment().is_some() {
        return Err(AddressError::Fragment);
    }
    match url.scheme() {
        "https" => Ok(url),
        "http" if plain_http_allowed || is_loopback(&url) => Ok(url),
        "http" => Err(AddressError::PlainHttp),
        _ => Err(AddressError::Scheme),
    }
}

/// Whether calls to this address stay on this machine. A name counts only when it is `localhost`.
#[must_use]
pub fn is_loopback(url: &Url) -> bool {
    match url.host() {
        Some(Host::Domain(name)) => name == "localhost",
        Some(Host::Ipv4(address)) => address.is_loopback(),
        Some(Host::Ipv6(address)) => address.is_loopback(),
        None => false,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn replies_go_over_tls_or_stay_on_this_machine() {
        use AddressError::{Credentials, Fragment, PlainHttp, Scheme, Unreadable};
        let cases = [
            ("https://acme.i-reserve.net/x", false, None),
            ("http://127.0.0.1:9/x", false, None),
            ("http://[::1]/x", false, None),
            ("http://localhost:8080", false, None),
            ("http://10.0.0.1/x", false, Some(PlainHttp)),
            ("http://10.0.0.1/x", true, None),
            ("http://localhost.evil.example/", false, Some(PlainHttp)),
            ("ftp://acme.i-reserve.net", true, Some(Scheme)),
            ("https://a:b@acme.i-reserve.net", true, Some(Credentials)),
            ("https://acme.i-reserve.net/#x", true, Some(Fragment)),
            ("acme.i-reserve.net", true, Some(Unreadable)),
        ];
        for (text, allowed, wanted) in cases {
            assert_eq!(outgoing(text, allowed).err(), wanted, "{text}");
        }
    }
}
