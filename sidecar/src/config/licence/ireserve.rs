//! `[licence.ireserve]` and `attachments`: which of i-Reserve's addresses we call, and whose files we fetch.

use std::net::IpAddr;

use url::{Host, Url};

use crate::{
    config::reader::Reader,
    licence::{
        AddressError, Attachments, Ireserve, LicenceKey, Mode, SigningSecret, is_loopback, outgoing,
    },
};

/// What is written counts, key by key; what is not follows from the licence keys, the first before the others.
pub(super) fn read(settings: &mut Reader<'_>, licence_keys: &[LicenceKey], mode: Mode) -> Ireserve {
    let carried = licence_keys
        .first()
        .map(LicenceKey::ireserve)
        .unwrap_or_default();
    let plain = settings.truth("ireserve.dangerous_plain_http", false);
    let webhook_url = address(settings, "ireserve.webhook_url", plain).or(carried.webhook_url);
    let users_url = address(settings, "ireserve.users_url", plain).or(carried.users_url);
    if plain
        && webhook_url
            .as_ref()
            .is_some_and(|url| url.scheme() == "http" && !is_loopback(url))
    {
        settings.warn(
            "ireserve.dangerous_plain_http",
            "is on: replies to visitors cross the network readable",
        );
    }
    let mut secrets = secrets(settings);
    if secrets.is_empty() {
        secrets.extend(licence_keys.iter().take(2).map(LicenceKey::signing_secret));
    }
    let replies_leave = mode != Mode::Alerts;
    if webhook_url.is_none() && replies_leave {
        settings.warn(
            "ireserve.webhook_url",
            "is missing: replies to visitors wait until it is known",
        );
    } else if secrets.is_empty() && replies_leave {
        settings.warn(
            "ireserve.secrets",
            "is missing: nothing is sent unsigned, so replies to visitors wait",
        );
    }
    Ireserve {
        webhook_url,
        users_url,
        secrets,
        dangerous_plain_http: plain,
    }
}

fn address(settings: &mut Reader<'_>, key: &str, plain: bool) -> Option<Url> {
    let text = settings.text(key)?;
    match outgoing(&text, plain) {
        Ok(url) => Some(url),
        Err(error) => {
            let fix = match error {
                AddressError::PlainHttp => {
                    "use https://, or set `ireserve.dangerous_plain_http = true`"
                }
                AddressError::Unreadable | AddressError::Scheme => {
                    "write an address such as https://acme.i-reserve.net/mattermost/events"
                }
                AddressError::Credentials | AddressError::Fragment => "leave that part out",
            };
            settings.mistake(key, error.to_string(), fix);
            None
        }
    }
}

fn secrets(settings: &mut Reader<'_>) -> Vec<SigningSecret> {
    const KEY: &str = "ireserve.secrets";
    let Some(texts) = settings.texts(KEY) else {
        return Vec::new();
    };
    if !(1..=2).contains(&texts.len()) {
        let detail = format!("has {} entries", texts.len());
        settings.mistake(
            KEY,
            detail,
            "give 1 or 2, the newest first, or leave it out",
        );
    }
    let mut secrets = Vec::new();
    for text in texts {
        match SigningSecret::parse(&text) {
            Ok(secret) => secrets.push(secret),
            Err(error) => settings.mistake(
                KEY,
                format!("has an entry that {error}"),
                "write whsec_ and base64 of 24 to 64 random bytes",
            ),
        }
    }
    secrets
}

pub(super) fn attachments(settings: &mut Reader<'_>, ireserve: &Ireserve) -> Attachments {
    const KEY: &str = "attachments.fetch_hosts";
    let fetch_hosts = match settings.texts(KEY) {
        Some(texts) => hosts(settings, KEY, texts),
        // A name only: a literal address is trusted where somebody wrote it, and nowhere else.
        None => match ireserve.webhook_url.as_ref().and_then(Url::host) {
            Some(Host::Domain(name)) => vec![name.to_owned()],
            _ => Vec::new(),
        },
    };
    Attachments {
        fetch_hosts,
        max_bytes: settings.size("attachments.max_bytes", 100_000_000, 1_000..=1 << 30),
    }
}

fn hosts(settings: &mut Reader<'_>, key: &str, texts: Vec<String>) -> Vec<String> {
    if texts.len() > 50 {
        settings.mistake(
            key,
            format!("has {} entries", texts.len()),
            "keep at most 50",
        );
    }
    let mut hosts = Vec::new();
    for text in texts {
        let Some(host) = host(&text) else {
            settings.mistake(
                key,
                format!("holds `{text}`"),
                "write host names, *.example.org or single addresses, without scheme and port",
            );
            continue;
        };
        if host.starts_with("*.") && host.matches('.').count() == 1 {
            let detail =
                format!("holds `{host}`: files of a whole top-level domain would be fetched");
            settings.warn(key, detail);
        }
        hosts.push(host);
    }
    hosts
}

/// As addresses spell it after parsing: lower case, IDNA, no trailing dot; a literal address in its canonical form.
fn host(text: &str) -> Option<String> {
    let bare = text
        .strip_prefix('[')
        .and_then(|rest| rest.strip_suffix(']'));
    if let Ok(address) = bare.unwrap_or(text).parse::<IpAddr>() {
        return Some(address.to_string());
    }
    let (star, name) = match text.strip_prefix("*.") {
        Some(name) => ("*.", name),
        None => ("", text),
    };
    match Host::parse(name.strip_suffix('.').unwrap_or(name)) {
        Ok(Host::Domain(name)) if !name.contains('*') => Some(format!("{star}{name}")),
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn hosts_are_kept_as_addresses_spell_them() {
        for (text, wanted) in [
            ("*.i-Reserve.NET", Some("*.i-reserve.net")),
            ("bücher.example", Some("xn--bcher-kva.example")),
            ("example.org.", Some("example.org")),
            ("127.0.0.1", Some("127.0.0.1")),
            ("[0:0::1]", Some("::1")),
            ("0x7f.1", None),
            ("*", None),
            ("a.*.b", None),
            ("https://a.b", None),
            ("a.b:80", None),
            ("", None),
        ] {
            assert_eq!(host(text).as_deref(), wanted, "{text}");
        }
    }
}
