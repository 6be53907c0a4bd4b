//! `check`: tries everything that a working installation needs. One line each, with what to mend; changes nothing.

mod heard;

use std::{collections::BTreeSet, path::Path, sync::Arc, time::Duration};

use clap::Args;
use http::{Method, header::DATE};
use serde::Serialize;
use serde_json::json;
use tokio::sync::watch;

use super::{Environment, Failure, Source, failed::Admin, resolve, runtime, say};
use crate::{
    auth::link::LinkKey,
    client::{self, Client, Request},
    clock::Clock,
    config::{Config, Location},
    ireserve::{self, Addresses, connect, refusals::Refusals},
    licence::{Channel, Current, Licence, Licences},
    mattermost::{ChannelKind, Fault, Mattermost, Version},
};

/// Tokens live for minutes; the contract allows clocks to differ by this much.
const CLOCKS: Duration = Duration::from_secs(30);
const DEADLINE: Duration = Duration::from_secs(10);
/// Tested against this version and newer ones.
const OLDEST: Version = Version {
    major: 9,
    minor: 11,
    patch: 0,
};

#[derive(Debug, Args)]
pub(super) struct Options {
    #[command(flatten)]
    settings: Source,
    /// As JSON, one object.
    #[arg(long)]
    json: bool,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[serde(rename_all = "lowercase")]
enum Mark {
    Ok,
    Warning,
    Error,
}

/// One thing that was tried.
#[derive(Debug, Serialize)]
struct Check {
    name: String,
    result: Mark,
    detail: String,
    fix: Option<String>,
}

#[derive(Debug, Default)]
struct Checks(Vec<Check>);

impl Checks {
    fn ok(&mut self, name: impl Into<String>, detail: impl Into<String>) {
        self.0.push(Check {
            name: name.into(),
            result: Mark::Ok,
            detail: detail.into(),
            fix: None,
        });
    }

    fn warn(&mut self, name: impl Into<String>, detail: impl Into<String>, fix: impl Into<String>) {
        let fix = Some(fix.into());
        self.0.push(Check {
            name: name.into(),
            result: Mark::Warning,
            detail: detail.into(),
            fix,
        });
    }

    fn fail(&mut self, name: impl Into<String>, detail: impl Into<String>, fix: impl Into<String>) {
        let fix = Some(fix.into());
        self.0.push(Check {
            name: name.into(),
            result: Mark::Error,
            detail: detail.into(),
            fix,
        });
    }
}

pub(super) fn run(options: &Options, environment: Environment) -> Result<(), Failure> {
    let resolved = resolve(&options.settings.gather(environment))?;
    let mut checks = Checks::default();
    match &resolved.warnings[..] {
        [] => checks.ok("config", "every setting is right"),
        warnings => {
            for warning in warnings {
                checks.warn("config", warning.to_string(), "see docs/configuration.md");
            }
        }
    }
    runtime()?.block_on(try_all(&resolved.config, &mut checks))?;
    let failed = checks.0.iter().any(|check| check.result == Mark::Error);
    if options.json {
        say(&json!({ "ok": !failed, "checks": checks.0 }).to_string());
    } else {
        checks.0.iter().for_each(|check| say(&line(check)));
    }
    if failed {
        Err(Failure::Reported(super::FAILED))
    } else {
        Ok(())
    }
}

fn line(check: &Check) -> String {
    let mark = match check.result {
        Mark::Ok => "ok     ",
        Mark::Warning => "warning",
        Mark::Error => "error  ",
    };
    let fix = check
        .fix
        .as_ref()
        .map(|fix| format!(" ({fix})"))
        .unwrap_or_default();
    format!("{mark}  {}: {}{fix}", check.name, check.detail)
}

async fn try_all(config: &Config, checks: &mut Checks) -> Result<(), Failure> {
    let clock = Clock::system();
    let now: client::Now = {
        let clock = clock.clone();
        Arc::new(move || clock.now())
    };
    let client = Client::new(Arc::clone(&now)).map_err(|error| Failure::said(&error))?;
    store(config, checks);
    running(config, checks).await;
    let mattermost = Mattermost::new(client.clone());
    match &config.mattermost {
        None => checks.warn(
            "mattermost",
            "no account is set",
            "the plugin tells it, or set [mattermost]",
        ),
        Some(account) => {
            mattermost.connect(account.url.clone(), account.token.clone());
            if server(&mattermost, checks).await {
                for licence in &config.licences {
                    channels(&mattermost, licence, checks).await;
                }
            }
        }
    }
    let (_, licences) = Current::new(Licences::new(config.licences.iter().cloned()));
    let (_, addresses) = watch::channel(Addresses {
        site: mattermost.url(),
        public: config.server.public_url(config.server.listen),
    });
    let parts = ireserve::Parts {
        client: client.clone(),
        now,
        licences,
        links: Arc::new(LinkKey::new(&[0; 32])),
        addresses,
        refusals: Refusals::default(),
    };
    for licence in &config.licences {
        introduce(&parts, licence, checks).await;
        clocks(&client, licence, &clock, checks).await;
    }
    Ok(())
}

fn store(config: &Config, checks: &mut Checks) {
    let shown = config.store.location.shown();
    let Location::Sqlite(path) = &config.store.location else {
        return checks.ok(
            "store",
            format!("{shown} (its settings are checked at every start)"),
        );
    };
    let folder = path
        .parent()
        .filter(|folder| !folder.as_os_str().is_empty())
        .unwrap_or_else(|| Path::new("."));
    match std::fs::metadata(folder) {
        Ok(found) if found.is_dir() && !found.permissions().readonly() => checks.ok("store", shown),
        Ok(_) => checks.fail(
            "store",
            format!("{} cannot be written", folder.display()),
            "give it to the sidecar's user",
        ),
        Err(_) => checks.warn(
            "store",
            format!("{} does not exist yet", folder.display()),
            "it is made at the first start",
        ),
    }
}

/// What only a running sidecar knows.
async fn running(config: &Config, checks: &mut Checks) {
    let Ok(admin) = Admin::of(config) else {
        return checks.warn(
            "service",
            "nobody knows its admin address",
            "give `server.admin_listen` a port",
        );
    };
    match admin.ask(Method::GET, "/v1/status", &[], None).await {
        Err(_) => checks.warn(
            "service",
            "it is not running with these settings",
            "start `ireserve-sidecar serve`",
        ),
        Ok(status) => {
            checks.ok(
                "service",
                format!(
                    "running, {}",
                    status["state"].as_str().unwrap_or("without a state")
                ),
            );
            heard::heard(&status, checks);
            for blocked in status["blocked"].as_array().into_iter().flatten() {
                let reason = blocked["reason"]
                    .as_str()
                    .unwrap_or("for an unknown reason")
                    .to_owned();
                checks.fail(
                    "lanes",
                    format!("some wait: {reason}"),
                    "they go on by themselves once it is mended",
                );
            }
        }
    }
}

/// Says whether it makes sense to ask more.
async fn server(mattermost: &Mattermost, checks: &mut Checks) -> bool {
    match mattermost.version().await {
        Ok(Some(version)) if version < OLDEST => {
            checks.warn(
                "mattermost",
                format!("version {version} is not tested"),
                format!("use {OLDEST} or newer"),
            );
        }
        Ok(version) => {
            let version = version.map_or_else(
                || "of unknown version".to_owned(),
                |version| version.to_string(),
            );
            checks.ok("mattermost", format!("answers, {version}"));
        }
        Err(fault) => {
            checks.fail(
                "mattermost",
                fault.to_string(),
                "see `mattermost.url`, and whether the server runs",
            );
            return false;
        }
    }
    match mattermost.knows_us().await {
        Ok(me) if me.is_bot => checks.ok("token", format!("belongs to the bot @{}", me.username)),
        Ok(me) => checks.warn(
            "token",
            format!("belongs to a person, @{}", me.username),
            "make a bot account",
        ),
        Err(fault) => {
            let fix = "make a new token for the bot; its owner must be active";
            checks.fail("token", fault.to_string(), fix);
            return false;
        }
    }
    if let Ok(limits) = mattermost.limits().await {
        match limits.files_allowed {
            true => checks.ok("files", format!("up to {} bytes", limits.max_file_size)),
            false => checks.warn(
                "files",
                "Mattermost takes none",
                "set FileSettings.EnableFileAttachments",
            ),
        }
        match limits.shows_emails {
            true => checks.ok(
                "e-mails",
                "are shown, so that authors are found in i-Reserve",
            ),
            false => checks.warn(
                "e-mails",
                "are hidden, so that authors go by their Mattermost names",
                "set PrivacySettings.ShowEmailAddress",
            ),
        }
    }
    true
}

async fn channels(mattermost: &Mattermost, licence: &Licence, checks: &mut Checks) {
    let name = format!("channels of {}", licence.id);
    let Some(team) = &licence.team else {
        return checks.warn(
            name,
            "no team is set",
            "set `team`, or let people connect channels",
        );
    };
    let team = match mattermost.team_by_name(team).await {
        Ok(team) => team,
        Err(fault) => {
            return checks.fail(
                name,
                format!("team {team}: {fault}"),
                "add the bot to the team",
            );
        }
    };
    let wanted: BTreeSet<&str> = licence
        .channel
        .iter()
        .chain(licence.departments.values())
        .chain(licence.notifications.values())
        .map(Channel::as_str)
        .collect();
    for channel in wanted {
        one_channel(mattermost, &name, &team.name, channel, checks).await;
    }
}

async fn one_channel(
    mattermost: &Mattermost,
    name: &str,
    team: &str,
    channel: &str,
    checks: &mut Checks,
) {
    let found = match Channel::parse(channel) {
        Some(Channel::Id(id)) => mattermost.channel(&id).await,
        _ => mattermost.channel_by_name(team, channel).await,
    };
    let found = match found {
        Ok(found) => found,
        Err(Fault::Gone(_) | Fault::Forbidden(_)) => {
            let fix = "make it, or invite the bot if it is private";
            return checks.fail(
                name,
                format!("~{channel} does not exist, or the bot may not see it"),
                fix,
            );
        }
        Err(fault) => return checks.fail(name, format!("~{channel}: {fault}"), "try again"),
    };
    if found.delete_at > 0 {
        return checks.fail(
            name,
            format!("~{channel} is archived"),
            "restore it, or choose another",
        );
    }
    let member = match mattermost.bot().await {
        Ok(bot) => mattermost.is_member(&found.id, &bot).await.unwrap_or(false),
        Err(_) => false,
    };
    match (member, found.kind) {
        (true, _) => checks.ok(name, format!("~{channel}")),
        (false, ChannelKind::Public) => {
            checks.ok(name, format!("~{channel} (the bot joins it by itself)"))
        }
        (false, _) => checks.fail(name, format!("the bot is not in ~{channel}"), "invite it"),
    }
}

async fn introduce(parts: &ireserve::Parts, licence: &Licence, checks: &mut Checks) {
    let name = format!("i-reserve of {}", licence.id);
    match connect::introduce(parts, licence, true).await {
        Ok(_) => checks.ok(name, "takes what we sign"),
        Err(error @ connect::ConnectError::Incomplete(_)) => {
            checks.warn(
                name,
                error.to_string(),
                "set `ireserve.webhook_url` and `ireserve.secrets`, or a licence key",
            );
        }
        Err(error) => {
            let fix = "see the address, the signing secret, and i-Reserve itself";
            checks.fail(name, error.to_string(), fix);
        }
    }
}

/// Its own answer says what time it has.
async fn clocks(client: &Client, licence: &Licence, clock: &Clock, checks: &mut Checks) {
    let Some(url) = &licence.ireserve.webhook_url else {
        return;
    };
    let Ok(answer) = client
        .exchange(Request::new(Method::HEAD, url.clone()), DEADLINE, 1024)
        .await
    else {
        return;
    };
    let Some(theirs) = answer
        .headers
        .get(DATE)
        .and_then(|date| date.to_str().ok())
        .and_then(client::date::parse)
    else {
        return;
    };
    let ours = clock.now();
    let apart = ours.since(theirs).max(theirs.since(ours));
    let name = format!("clock of {}", licence.id);
    match apart <= CLOCKS {
        true => checks.ok(
            name,
            format!(
                "{} s difference (limit {} s)",
                apart.as_secs(),
                CLOCKS.as_secs()
            ),
        ),
        false => checks.fail(
            name,
            format!(
                "differs by {} s (limit {} s)",
                apart.as_secs(),
                CLOCKS.as_secs()
            ),
            "set the time of this machine",
        ),
    }
}
