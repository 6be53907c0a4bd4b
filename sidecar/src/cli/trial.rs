//! Trying the way in without i-Reserve: tokens as it would send them, and events posted with one.

use std::{path::PathBuf, time::Duration};

use clap::Args;
use http::{
    HeaderValue, Method,
    header::{AUTHORIZATION, CONTENT_TYPE},
};
use secrecy::ExposeSecret;
use shared::LicenceId;
use url::Url;

use super::{Environment, Failure, Source, resolve, runtime, say};
use crate::{
    auth::token::for_sidecar,
    client::{Answer, Body, CallError, Client, Request},
    clock::Clock,
    config::{Server, duration},
    licence::{Licence, LicenceKey},
};

/// Answers to events are small; whoever sends more is not our sidecar.
const MOST_ANSWER_BYTES: usize = 1024 * 1024;
/// Longer than the longest `Prefer: wait`.
const DEADLINE: Duration = Duration::from_secs(40);

#[derive(Debug, Args)]
pub(super) struct TokenOptions {
    #[command(flatten)]
    settings: Source,
    /// The licence that the token is for.
    #[arg(long, value_name = "ID", required_unless_present = "new_licence")]
    licence: Option<String>,
    /// The key that signs; without it the licence's first with a secret.
    #[arg(long, value_name = "KID")]
    kid: Option<String>,
    /// How long the token lives, up to 1h.
    #[arg(long, value_name = "DURATION", default_value = "1h", value_parser = life)]
    ttl: Duration,
    /// Prints a new licence key for this licence instead; needs no settings.
    #[arg(
        long,
        value_name = "ID",
        requires = "host",
        conflicts_with_all = ["licence", "kid", "ttl", "file"]
    )]
    new_licence: Option<String>,
    /// i-Reserve's host for the new licence key, with a port or path where it has one.
    #[arg(long, value_name = "HOST[/PATH]", requires = "new_licence")]
    host: Option<String>,
}

#[derive(Debug, Args)]
pub(super) struct SendOptions {
    #[command(flatten)]
    settings: Source,
    /// The licence whose key signs.
    #[arg(long, value_name = "ID")]
    licence: String,
    /// Where to; without it the address that the sidecar listens on.
    #[arg(long, value_name = "URL")]
    url: Option<Url>,
    /// Files with one event or an array of events each.
    #[arg(value_name = "FILE.json", required = true)]
    files: Vec<PathBuf>,
}

fn life(text: &str) -> Result<Duration, &'static str> {
    duration(text)
        .filter(|life| (1..=3_600).contains(&life.as_secs()))
        .ok_or("write a duration from 1s to 1h, such as 10m")
}

pub(super) fn token(options: &TokenOptions, environment: Environment) -> Result<(), Failure> {
    let clock = Clock::system();
    if let (Some(licence), Some(host)) = (&options.new_licence, &options.host) {
        let key = LicenceKey::make(licence, host, clock.random())
            .map_err(|error| Failure::Said(format!("the licence key {error}")))?;
        say(&key.expose_text());
        return Ok(());
    }
    let resolved = resolve(&options.settings.gather(environment))?;
    let id = options.licence.as_deref().unwrap_or_default();
    let licence = find(&resolved.config.licences, id)?;
    say(&signed(
        licence,
        options.kid.as_deref(),
        options.ttl,
        &clock,
    )?);
    Ok(())
}

pub(super) fn send(options: &SendOptions, environment: Environment) -> Result<(), Failure> {
    let resolved = resolve(&options.settings.gather(environment))?;
    let licence = find(&resolved.config.licences, &options.licence)?;
    let url = match &options.url {
        Some(url) => events_url(url),
        None => listening(&resolved.config.server)?,
    };
    let clock = Clock::system();
    let now = clock.clone();
    let client = Client::new(std::sync::Arc::new(move || now.now()))
        .map_err(|error| Failure::said(&error))?;
    runtime()?.block_on(async {
        let mut all_taken = true;
        for file in &options.files {
            let name = file.display();
            let body = std::fs::read(file)
                .map_err(|error| Failure::Said(format!("{name} cannot be read: {error}")))?;
            let token = signed(licence, None, Duration::from_secs(60), &clock)?;
            match post(&client, url.clone(), &token, body).await {
                Ok(answer) => {
                    all_taken &= answer.status.is_success();
                    let body = String::from_utf8_lossy(&answer.body);
                    say(&format!(
                        "{name}: {} {}",
                        answer.status.as_u16(),
                        body.trim_end()
                    ));
                }
                Err(error) => {
                    all_taken = false;
                    say(&format!("{name}: {}", crate::telemetry::chain(&error)));
                }
            }
        }
        if all_taken {
            Ok(())
        } else {
            Err(Failure::Reported(super::FAILED))
        }
    })
}

async fn post(client: &Client, url: Url, token: &str, body: Vec<u8>) -> Result<Answer, CallError> {
    let mut bearer = HeaderValue::from_str(&format!("Bearer {token}"))
        .expect("a token is base64url and dots, which every header takes");
    bearer.set_sensitive(true);
    let request = Request::new(Method::POST, url)
        .header(AUTHORIZATION, bearer)
        .header(CONTENT_TYPE, HeaderValue::from_static("application/json"))
        .body(Body::Whole(body.into()));
    client.exchange(request, DEADLINE, MOST_ANSWER_BYTES).await
}

fn find<'a>(licences: &'a [Licence], id: &str) -> Result<&'a Licence, Failure> {
    let found = LicenceId::new(id)
        .ok()
        .and_then(|id| licences.iter().find(|licence| licence.id == id));
    found.ok_or_else(|| {
        let known: Vec<&str> = licences.iter().map(|licence| licence.id.as_str()).collect();
        let known = match known[..] {
            [] => "there is none".to_owned(),
            _ => format!("there is {}", known.join(", ")),
        };
        Failure::Said(format!("the settings have no licence {id}: {known}"))
    })
}

fn signed(
    licence: &Licence,
    kid: Option<&str>,
    life: Duration,
    clock: &Clock,
) -> Result<String, Failure> {
    let seconds = i64::try_from(life.as_secs()).unwrap_or(i64::MAX);
    for_sidecar(licence, kid, seconds, clock.now())
        .map(|token| token.expose_secret().to_owned())
        .map_err(|error| Failure::said(&error))
}

fn listening(server: &Server) -> Result<Url, Failure> {
    if server.listen.port() == 0 {
        let text = "`server.listen` has port 0, so nobody knows where: give --url";
        return Err(Failure::Said(text.to_owned()));
    }
    Ok(events_url(&Server::reached(server.listen)))
}

/// The events below an address, wherever the sidecar is mounted; unless the address already names them.
fn events_url(url: &Url) -> Url {
    let mut url = url.clone();
    let path = url.path().trim_end_matches('/').to_owned();
    if !path.ends_with("/v1/events") {
        url.set_path(&format!("{path}/v1/events"));
    }
    url
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn events_are_posted_below_whatever_address_is_given() {
        for (url, wanted) in [
            ("http://127.0.0.1:8070", "http://127.0.0.1:8070/v1/events"),
            ("http://h/v1/events", "http://h/v1/events"),
            (
                "https://h/plugins/nl.i-reserve.mattermost/",
                "https://h/plugins/nl.i-reserve.mattermost/v1/events",
            ),
        ] {
            assert_eq!(events_url(&Url::parse(url).unwrap()).as_str(), wanted);
        }
    }

    #[test]
    fn a_life_is_a_second_to_an_hour() {
        assert_eq!(life("10m"), Ok(Duration::from_secs(600)));
        for bad in ["0", "500ms", "2h", "x"] {
            assert!(life(bad).is_err(), "{bad}");
        }
    }
}
