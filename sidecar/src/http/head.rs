//! What a head must look like before anybody asks what it wants. Pure; security rules of HTTP that hyper leaves to us.

use std::net::{IpAddr, SocketAddr};

use http::{HeaderMap, Method, StatusCode, Uri, Version, header, uri::Authority};

use super::problem::Problem;

/// Where a request came in.
#[derive(Debug, Clone)]
pub(super) struct Doorway {
    /// The listener stands on loopback: a browser may be talked into calling it (DNS rebinding), so the name must be one of ours.
    pub(super) loopback: bool,
    /// The host of `server.public_url`, lower case.
    pub(super) public_host: Option<String>,
}

impl Doorway {
    /// `public_url` as the settings have it; one without a host names nobody.
    pub(super) fn new(listener: SocketAddr, public_url: &str) -> Self {
        let host = public_url
            .parse::<Uri>()
            .ok()
            .and_then(|uri| uri.host().map(plain));
        Self {
            loopback: listener.ip().to_canonical().is_loopback(),
            public_host: host,
        }
    }
}

/// Why a request is refused whatever it asks for. Its connection ends.
pub(super) fn refusal(
    method: &Method,
    uri: &Uri,
    version: Version,
    headers: &HeaderMap,
    doorway: &Doorway,
) -> Option<Problem> {
    if version != Version::HTTP_11 && version != Version::HTTP_10 {
        return Some(Problem::bad_request("only HTTP/1 is spoken here"));
    }
    if method == Method::CONNECT || uri.scheme().is_some() || uri.authority().is_some() {
        return Some(Problem::bad_request(
            "the target must be a path: this is no proxy",
        ));
    }
    if headers.contains_key(header::UPGRADE) {
        return Some(Problem::bad_request("no other protocol is spoken here"));
    }
    coding(headers)
        .or_else(|| host(headers, doorway))
        .or_else(|| {
            let other = headers
                .get_all(header::EXPECT)
                .iter()
                .any(|value| !value.as_bytes().eq_ignore_ascii_case(b"100-continue"));
            other.then(|| {
                Problem::blank(
                    StatusCode::EXPECTATION_FAILED,
                    "only `Expect: 100-continue` is understood",
                )
            })
        })
}

fn coding(headers: &HeaderMap) -> Option<Problem> {
    let mut codings = headers.get_all(header::TRANSFER_ENCODING).iter();
    let one = codings.next();
    let chunked = one.is_none_or(|value| value.as_bytes().eq_ignore_ascii_case(b"chunked"));
    if !chunked || codings.next().is_some() {
        return Some(Problem::bad_request(
            "`Transfer-Encoding` must be `chunked` alone",
        ));
    }
    // hyper forgets a length beside a coding; the framing guard has seen it. This is the second wall.
    if one.is_some() && headers.contains_key(header::CONTENT_LENGTH) {
        return Some(Problem::bad_request(
            "there is a `Content-Length` beside a `Transfer-Encoding`",
        ));
    }
    let encoded = headers
        .get_all(header::CONTENT_ENCODING)
        .iter()
        .any(|value| !value.as_bytes().eq_ignore_ascii_case(b"identity"));
    encoded.then(|| {
        Problem::media_type("compressed bodies are not taken: leave `Content-Encoding` out")
    })
}

fn host(headers: &HeaderMap, doorway: &Doorway) -> Option<Problem> {
    let mut hosts = headers.get_all(header::HOST).iter();
    let (Some(host), None) = (hosts.next(), hosts.next()) else {
        return Some(Problem::bad_request("there must be exactly one `Host`"));
    };
    let named = host
        .to_str()
        .ok()
        .filter(|host| !host.contains('@'))
        .and_then(|host| host.parse::<Authority>().ok());
    let Some(named) = named else {
        return Some(Problem::bad_request("`Host` is no host"));
    };
    let name = plain(named.host());
    let known =
        !doorway.loopback || is_loopback(&name) || doorway.public_host.as_ref() == Some(&name);
    (!known).then(|| {
        Problem::bad_request(
            "`Host` is neither a loopback name nor the host of `server.public_url`: set that to the address callers use",
        )
    })
}

fn plain(host: &str) -> String {
    host.trim_end_matches('.').to_ascii_lowercase()
}

fn is_loopback(name: &str) -> bool {
    let literal = name
        .strip_prefix('[')
        .and_then(|name| name.strip_suffix(']'))
        .unwrap_or(name);
    name == "localhost"
        || name.ends_with(".localhost")
        || literal
            .parse::<IpAddr>()
            .is_ok_and(|address| address.to_canonical().is_loopback())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn judged(listener: &str, fields: &[(&'static str, &str)]) -> Option<u16> {
        let mut headers = HeaderMap::new();
        for (name, value) in fields {
            headers.append(*name, value.parse().unwrap());
        }
        let doorway = Doorway::new(
            listener.parse().unwrap(),
            "https://Chat.Example.org:8443/base",
        );
        let uri = Uri::from_static("/v1/events");
        refusal(&Method::POST, &uri, Version::HTTP_11, &headers, &doorway)
            .map(|problem| problem.status().as_u16())
    }

    #[test]
    fn on_loopback_the_host_is_a_loopback_name_or_the_public_one() {
        let here = "127.0.0.1:0";
        for (host, wanted) in [
            ("127.0.0.1:8070", None),
            ("localhost", None),
            ("LOCALHOST:1", None),
            ("[::1]:8070", None),
            ("127.1.2.3", None),
            ("chat.example.org", None),
            ("chat.example.org.:443", None),
            ("evil.example", Some(400)),
            ("127.0.0.1.evil.example", Some(400)),
            ("localhost.evil.example", Some(400)),
            ("10.0.0.1", Some(400)),
            ("user@localhost", Some(400)),
            ("", Some(400)),
            ("a b", Some(400)),
        ] {
            assert_eq!(judged(here, &[("host", host)]), wanted, "{host:?}");
        }
        assert_eq!(
            judged("0.0.0.0:0", &[("host", "evil.example")]),
            None,
            "elsewhere any name is fine"
        );
        assert_eq!(judged(here, &[]), Some(400), "no host");
        assert_eq!(
            judged(here, &[("host", "localhost"), ("host", "localhost")]),
            Some(400),
            "two hosts"
        );
    }

    #[test]
    fn codings_expectations_and_upgrades_are_as_agreed() {
        for (name, value, wanted) in [
            ("transfer-encoding", "chunked", None),
            ("transfer-encoding", "gzip, chunked", Some(400)),
            ("transfer-encoding", "xchunked", Some(400)),
            ("content-encoding", "identity", None),
            ("content-encoding", "gzip", Some(415)),
            ("expect", "100-Continue", None),
            ("expect", "the unexpected", Some(417)),
            ("upgrade", "h2c", Some(400)),
        ] {
            assert_eq!(
                judged("127.0.0.1:0", &[("host", "localhost"), (name, value)]),
                wanted,
                "{name}: {value}"
            );
        }
    }
}
