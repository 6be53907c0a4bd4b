//! `failed`: parked deliveries of a running sidecar, through its admin address.

use std::time::Duration;

use clap::{Args, Subcommand};
use http::{HeaderValue, Method, StatusCode, header::AUTHORIZATION};
use secrecy::ExposeSecret;
use serde_json::{Map, Value, json};
use url::Url;

use super::{Environment, Failure, Source, resolve, runtime, say};
use crate::{
    client::{Client, Request},
    clock::Clock,
    config::{Config, Server},
};

/// A page of the list has up to a thousand entries of a few hundred bytes.
const MOST_ANSWER_BYTES: usize = 4 * 1024 * 1024;
const DEADLINE: Duration = Duration::from_secs(30);

#[derive(Debug, Subcommand)]
pub(super) enum Failed {
    /// Shows what is parked, and why.
    List(Options),
    /// Puts parked deliveries back into their lanes.
    Retry(Options),
    /// Gives parked deliveries up for good.
    Drop(Options),
}

#[derive(Debug, Args)]
pub(super) struct Options {
    #[command(flatten)]
    settings: Source,
    /// Only of this licence.
    #[arg(long, value_name = "ID")]
    licence: Option<String>,
    /// Only of this conversation.
    #[arg(long, value_name = "ID")]
    conversation: Option<String>,
    /// All of them.
    #[arg(long, conflicts_with_all = ["licence", "conversation", "failed_ids"])]
    all: bool,
    /// As JSON, one object.
    #[arg(long)]
    json: bool,
    /// The ids that `list` shows.
    #[arg(value_name = "FAILED_ID", conflicts_with_all = ["licence", "conversation"])]
    failed_ids: Vec<u64>,
}

pub(super) fn run(command: &Failed, environment: Environment) -> Result<(), Failure> {
    let (options, change) = match command {
        Failed::List(options) => (options, None),
        Failed::Retry(options) => (options, Some("retry")),
        Failed::Drop(options) => (options, Some("drop")),
    };
    let unlimited = options.failed_ids.is_empty()
        && options.licence.is_none()
        && options.conversation.is_none();
    if change.is_some() && unlimited && !options.all {
        super::complain(
            "say which: ids that `failed list` shows, --licence, --conversation, or --all",
        );
        return Err(Failure::Reported(2));
    }
    let resolved = resolve(&options.settings.gather(environment))?;
    let admin = Admin::of(&resolved.config)?;
    runtime()?.block_on(async {
        match change {
            None => list(&admin, options).await,
            Some(change) => apply(&admin, options, change).await,
        }
    })
}

async fn list(admin: &Admin, options: &Options) -> Result<(), Failure> {
    let mut items = Vec::new();
    let mut after = None;
    loop {
        let page = admin
            .ask(Method::GET, "/v1/failed", &query(options, after), None)
            .await?;
        items.extend(page["items"].as_array().cloned().unwrap_or_default());
        after = page["next"].as_u64();
        if after.is_none() {
            break;
        }
    }
    if !options.failed_ids.is_empty() {
        items.retain(|item| {
            item["failed_id"]
                .as_u64()
                .is_some_and(|id| options.failed_ids.contains(&id))
        });
    }
    if options.json {
        say(&json!({ "items": items }).to_string());
    } else if items.is_empty() {
        say("nothing is parked");
    }
    for item in items.iter().filter(|_| !options.json) {
        say(&line(item));
    }
    Ok(())
}

async fn apply(admin: &Admin, options: &Options, change: &str) -> Result<(), Failure> {
    let body = if options.failed_ids.is_empty() {
        let filter: Map<String, Value> = query(options, None)
            .into_iter()
            .filter(|(name, _)| *name != "limit")
            .map(|(name, value)| (name.to_owned(), Value::String(value)))
            .collect();
        json!({ "filter": filter })
    } else {
        json!({ "failed_ids": options.failed_ids })
    };
    let answer = admin
        .ask(
            Method::POST,
            &format!("/v1/failed/{change}"),
            &[],
            Some(body),
        )
        .await?;
    let count = answer["count"].as_u64().unwrap_or_default();
    let done = if change == "retry" {
        "put back into their lanes"
    } else {
        "given up"
    };
    if options.json {
        say(&answer.to_string());
    } else {
        say(&format!("{count} {done}"));
    }
    Ok(())
}

fn query(options: &Options, after: Option<u64>) -> Vec<(&'static str, String)> {
    let mut query = vec![("limit", "1000".to_owned())];
    query.extend(options.licence.clone().map(|licence| ("licence", licence)));
    query.extend(
        options
            .conversation
            .clone()
            .map(|conversation| ("conversation_id", conversation)),
    );
    query.extend(after.map(|after| ("after", after.to_string())));
    query
}

fn line(item: &Value) -> String {
    let text = |name: &str| item[name].as_str().unwrap_or("-").to_owned();
    format!(
        "{}  {}  {}  {}  {}  {} attempts  {}",
        item["failed_id"],
        text("parked_at"),
        text("licence"),
        text("conversation_id"),
        text("type"),
        item["attempts"],
        text("reason"),
    )
}

/// The admin address of the sidecar that runs with these settings.
pub(super) struct Admin {
    client: Client,
    address: Url,
    token: Option<HeaderValue>,
}

impl Admin {
    pub(super) fn of(config: &Config) -> Result<Self, Failure> {
        if config.server.admin_listen.port() == 0 {
            return Err(Failure::Said(
                "`server.admin_listen` has port 0, so nobody knows where: give it a port".into(),
            ));
        }
        let clock = Clock::system();
        let client = Client::new(std::sync::Arc::new(move || clock.now()))
            .map_err(|error| Failure::said(&error))?;
        let token = match &config.server.admin_token {
            None => None,
            Some(token) => {
                let value = format!("Bearer {}", token.expose_secret());
                let mut value = HeaderValue::from_str(&value).map_err(|_| {
                    Failure::Said(
                        "`server.admin_token` holds characters that no header takes".into(),
                    )
                })?;
                value.set_sensitive(true);
                Some(value)
            }
        };
        Ok(Self {
            client,
            address: Server::reached(config.server.admin_listen),
            token,
        })
    }

    pub(super) async fn ask(
        &self,
        method: Method,
        path: &str,
        query: &[(&'static str, String)],
        body: Option<Value>,
    ) -> Result<Value, Failure> {
        let mut url = self.address.clone();
        url.set_path(path);
        if !query.is_empty() {
            url.query_pairs_mut().extend_pairs(query);
        }
        let mut request = Request::new(method, url);
        if let Some(token) = &self.token {
            request = request.header(AUTHORIZATION, token.clone());
        }
        if let Some(body) = &body {
            request = request.json(body);
        }
        let answer = self
            .client
            .exchange(request, DEADLINE, MOST_ANSWER_BYTES)
            .await
            .map_err(|error| {
                Failure::Said(format!(
                    "no sidecar answers at {}: {} (is it running with these settings?)",
                    self.address,
                    crate::telemetry::chain(&error)
                ))
            })?;
        if answer.status != StatusCode::OK {
            let said: Value = serde_json::from_slice(&answer.body).unwrap_or_default();
            let detail = said["detail"].as_str().unwrap_or("without a reason");
            return Err(Failure::Said(format!(
                "the sidecar answered {}: {detail}",
                answer.status.as_u16()
            )));
        }
        serde_json::from_slice(&answer.body).map_err(|error| Failure::said(&error))
    }
}
