//! HTTP requests that reach the server below `/plugins/{id}` and are handed to the plugin.
//!
//! A request comes with the numbers of two streams. On one the plugin asks for the body piece by piece ([`Body`]), on the other
//! it calls the server's response writer ([`ResponseWriter`]). Neither holds more than a piece in memory.

mod body;
mod response;

use std::collections::BTreeMap;
use std::str::FromStr;
use std::sync::Arc;

use gob::CodedBy;
use http::{HeaderMap, HeaderName, HeaderValue, Method, Uri};

pub use body::{Body, TooLarge};
pub use response::{BodyWriter, ResponseWriter};

use crate::broker::Broker;
use crate::error::Error;
use crate::hooks::Context;

/// Go's `http.Header`.
pub(crate) type GoHeader = BTreeMap<String, Vec<String>>;

gob::record! {
    /// What the server sends of a request; newer and older versions have these fields in common.
    #[derive(Debug, Clone, Default, PartialEq)]
    pub(crate) struct GoRequest as "Request" {
        pub(crate) method: String as "Method",
        pub(crate) url: Url as "URL",
        pub(crate) header: GoHeader as "Header",
        pub(crate) host: String as "Host",
        pub(crate) remote_address: String as "RemoteAddr",
        pub(crate) request_uri: String as "RequestURI",
    }
}

gob::record! {
    #[derive(Debug, Clone, Default, PartialEq)]
    pub(crate) struct ServeHttpArgs as "Z_ServeHTTPArgs" {
        pub(crate) response: u32 as "ResponseWriterStream",
        pub(crate) request: GoRequest as "Request",
        pub(crate) context: Context as "Context",
        pub(crate) body: u32 as "RequestBodyStream",
    }
}

/// Go's `url.URL`, which codes itself as its text.
#[derive(Debug, Clone, Default, PartialEq)]
pub(crate) struct Url(pub(crate) String);

impl gob::Opaque for Url {
    const GO_NAME: &'static str = "URL";
    const CODED_BY: CodedBy = CodedBy::BinaryMarshaler;

    fn is_zero(&self) -> bool {
        self.0.is_empty()
    }

    fn to_bytes(&self) -> Vec<u8> {
        self.0.clone().into_bytes()
    }

    fn from_bytes(bytes: &[u8]) -> Option<Self> {
        String::from_utf8(bytes.to_vec()).ok().map(Self)
    }
}

gob::opaque!(Url);

/// Where a request came from; among its extensions. Calls that the server itself makes to a plugin (buttons, dialogs, look-ups)
/// have empty texts here.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Origin {
    /// The address of the client, or of the proxy before the server.
    pub remote_address: String,
    /// The path and query as the client sent them, with `/plugins/{id}`.
    pub request_uri: String,
}

/// The request as Rust knows it, and the writer for its answer.
///
/// # Errors
///
/// The streams could not be opened.
pub(crate) async fn open(
    args: ServeHttpArgs,
    broker: &Arc<Broker>,
) -> Result<(Option<http::Request<Body>>, ResponseWriter), Error> {
    let writer = ResponseWriter::new(broker.dial_ahead(args.response).await?);
    // Absent in theory; in practice there is always one, and it must be dialled, or the server waits 5 s for it.
    let body = match args.body {
        0 => Body::empty(),
        number => Body::new(broker.dial_ahead(number).await?),
    };
    Ok((request(args.request, body), writer))
}

/// `None` when method or address mean nothing. Headers that HTTP does not allow are left out.
fn request(from: GoRequest, body: Body) -> Option<http::Request<Body>> {
    let mut request = http::Request::new(body);
    *request.method_mut() = Method::from_str(&from.method).ok()?;
    *request.uri_mut() = match from.url.0.as_str() {
        "" => Uri::from_static("/"),
        address => Uri::from_str(address).ok()?,
    };
    *request.headers_mut() = headers(&from.header);
    if let Ok(host) = HeaderValue::from_str(&from.host)
        && !host.is_empty()
    {
        request.headers_mut().insert(http::header::HOST, host);
    }
    request.extensions_mut().insert(Origin {
        remote_address: from.remote_address,
        request_uri: from.request_uri,
    });
    Some(request)
}

pub(crate) fn headers(from: &GoHeader) -> HeaderMap {
    let pairs = from
        .iter()
        .flat_map(|(name, values)| values.iter().map(move |value| (name, value)));
    pairs
        .filter_map(|(name, value)| {
            Some((
                HeaderName::from_str(name).ok()?,
                HeaderValue::from_str(value).ok()?,
            ))
        })
        .fold(HeaderMap::new(), |mut headers, (name, value)| {
            headers.append(name, value);
            headers
        })
}

pub(crate) fn go_header(from: &HeaderMap) -> GoHeader {
    let mut header = GoHeader::new();
    for (name, value) in from {
        let value = String::from_utf8_lossy(value.as_bytes()).into_owned();
        header
            .entry(canonical(name.as_str()))
            .or_default()
            .push(value);
    }
    header
}

/// Go's spelling: the first letter of each word is large.
fn canonical(name: &str) -> String {
    let mut start = true;
    name.chars()
        .map(|letter| {
            let letter = if start {
                letter.to_ascii_uppercase()
            } else {
                letter
            };
            start = letter == '-';
            letter
        })
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_request_keeps_what_was_asked_and_by_whom() {
        let from = GoRequest {
            method: "POST".into(),
            url: Url("/a%20b?x=1&x=2".into()),
            header: GoHeader::from([
                ("X-Two".into(), vec!["1".into(), "2".into()]),
                ("Not allowed".into(), vec!["x".into()]),
            ]),
            host: "example.org".into(),
            remote_address: "10.0.0.1:5".into(),
            request_uri: "/plugins/x/a%20b".into(),
        };
        let request = request(from, Body::empty()).unwrap();
        assert_eq!(request.uri(), "/a%20b?x=1&x=2");
        assert_eq!(request.headers().get_all("x-two").iter().count(), 2);
        assert_eq!(request.headers()["host"], "example.org");
        assert_eq!(request.headers().len(), 3);
        assert_eq!(
            request.extensions().get::<Origin>().unwrap().remote_address,
            "10.0.0.1:5"
        );
    }

    #[test]
    fn a_call_of_the_server_itself_has_neither_host_nor_path() {
        let bare = GoRequest {
            method: "GET".into(),
            ..GoRequest::default()
        };
        let bare = request(bare, Body::empty()).unwrap();
        assert_eq!(bare.uri(), "/");
        assert!(bare.headers().is_empty());
        let broken = GoRequest {
            method: "GET".into(),
            url: Url("/\u{0}".into()),
            ..GoRequest::default()
        };
        assert!(request(broken, Body::empty()).is_none());
    }

    #[test]
    fn header_names_go_out_in_the_spelling_of_go() {
        let mut headers = HeaderMap::new();
        headers.append("content-type", HeaderValue::from_static("text/plain"));
        headers.append("x-a", HeaderValue::from_static("1"));
        headers.append("x-a", HeaderValue::from_static("2"));
        let header = go_header(&headers);
        assert_eq!(header["Content-Type"], ["text/plain"]);
        assert_eq!(header["X-A"], ["1", "2"]);
    }
}
