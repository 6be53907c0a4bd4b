//! A peer over HTTP that notes what it is asked and answers by a script: the sidecar, or the server's REST interface.

use std::{net::SocketAddr, sync::Arc, time::Duration};

use bytes::Bytes;
use http::{HeaderMap, Method, Request, Response};
use http_body_util::{BodyExt, Full};
use hyper::{body::Incoming, server::conn::http1, service::service_fn};
use hyper_util::rt::TokioIo;
use serde_json::{Value, json};
use tokio::{net::TcpListener, sync::watch, task::JoinSet, time::timeout};

/// Longer than anything here takes on a busy machine.
const PATIENCE: Duration = Duration::from_secs(30);

/// A request as it came.
#[derive(Debug, Clone)]
pub(crate) struct Seen {
    pub(crate) method: Method,
    /// With the query.
    pub(crate) path: String,
    pub(crate) headers: HeaderMap,
    pub(crate) body: Bytes,
}

impl Seen {
    pub(crate) fn json(&self) -> Value {
        serde_json::from_slice(&self.body).unwrap_or_default()
    }

    /// The claims of its bearer token.
    pub(crate) fn claims(&self) -> Value {
        use base64::{Engine as _, engine::general_purpose::URL_SAFE_NO_PAD};
        let token = self.headers["authorization"].to_str().unwrap();
        let claims = token.split('.').nth(1).unwrap();
        serde_json::from_slice(&URL_SAFE_NO_PAD.decode(claims).unwrap()).unwrap()
    }
}

type Script = dyn Fn(&Seen) -> Response<Vec<u8>> + Send + Sync;

/// Listens until it is dropped.
#[derive(Debug)]
pub(crate) struct Peer {
    pub(crate) address: SocketAddr,
    seen: watch::Receiver<Vec<Seen>>,
    _tasks: JoinSet<()>,
}

impl Peer {
    pub(crate) async fn start(
        script: impl Fn(&Seen) -> Response<Vec<u8>> + Send + Sync + 'static,
    ) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let address = listener.local_addr().unwrap();
        let (noted, seen) = watch::channel(Vec::new());
        let (noted, script): (_, Arc<Script>) = (Arc::new(noted), Arc::new(script));
        let mut tasks = JoinSet::new();
        tasks.spawn(async move {
            let mut connections = JoinSet::new();
            loop {
                let (stream, _) = listener.accept().await.unwrap();
                let (noted, script) = (Arc::clone(&noted), Arc::clone(&script));
                connections.spawn(async move {
                    let answer = service_fn(|request| one(request, &noted, &*script));
                    // Whoever hangs up has its reasons.
                    let _ = http1::Builder::new()
                        .serve_connection(TokioIo::new(stream), answer)
                        .await;
                });
            }
        });
        Self {
            address,
            seen,
            _tasks: tasks,
        }
    }

    pub(crate) fn url(&self) -> String {
        format!("http://{}", self.address)
    }

    pub(crate) fn seen(&self) -> Vec<Seen> {
        self.seen.borrow().clone()
    }

    /// Waits until such a request has come, and returns the latest.
    pub(crate) async fn until(&self, what: &str, is: impl Fn(&Seen) -> bool) -> Seen {
        let mut seen = self.seen.clone();
        let found = async {
            loop {
                if let Some(one) = seen.borrow_and_update().iter().rev().find(|one| is(one)) {
                    return one.clone();
                }
                seen.changed().await.unwrap();
            }
        };
        let found = timeout(PATIENCE, found).await;
        found.unwrap_or_else(|_| panic!("{what} never came: {:?}", self.seen.borrow()))
    }
}

async fn one(
    request: Request<Incoming>,
    noted: &watch::Sender<Vec<Seen>>,
    script: &Script,
) -> Result<Response<Full<Bytes>>, hyper::Error> {
    let (parts, body) = request.into_parts();
    let seen = Seen {
        method: parts.method,
        path: parts.uri.to_string(),
        headers: parts.headers,
        body: body.collect().await?.to_bytes(),
    };
    noted.send_modify(|all| all.push(seen.clone()));
    Ok(script(&seen).map(|body| Full::new(body.into())))
}

pub(crate) fn answer(status: u16, body: &Value) -> Response<Vec<u8>> {
    Response::builder()
        .status(status)
        .header("content-type", "application/json")
        .body(body.to_string().into_bytes())
        .unwrap()
}

/// A sidecar that takes everything and wants nothing; `more` answers the rest.
pub(crate) async fn sidecar(more: impl Fn(&Seen) -> Option<Value> + Send + Sync + 'static) -> Peer {
    Peer::start(move |seen| {
        if let Some(said) = more(seen) {
            return answer(200, &said);
        }
        match seen.path.as_str() {
            "/v1/plugin/status" => answer(200, &json!({"configured": true})),
            "/v1/plugin/configuration" => {
                answer(200, &json!({"state": "unconnected", "problems": []}))
            }
            "/v1/plugin/hints" => answer(200, &json!({})),
            _ => answer(404, &json!({})),
        }
    })
    .await
}

pub(crate) fn is_configuration(seen: &Seen) -> bool {
    seen.method == Method::PUT && seen.path == "/v1/plugin/configuration"
}
