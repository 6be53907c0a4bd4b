//! Which hints arrive, as the running sidecar saw it.

use serde_json::Value;

use super::Checks;

/// Which hints arrive. A bot may ask Mattermost for neither, so what was seen counts. Nothing is lost without them: the slow look
/// finds every reply, only later.
pub(super) fn heard(status: &Value, checks: &mut Checks) {
    let socket = &status["websocket"];
    let reason = socket["reason"].as_str().unwrap_or("not yet");
    match socket["state"].as_str() {
        Some("listening") => checks.ok("websocket", "listening"),
        Some("off") => checks.ok("websocket", "off, as the settings want it"),
        Some(_) => checks.warn(
            "websocket",
            format!("does not stand: {reason}"),
            "let whatever is in front of Mattermost pass WebSockets of /api/v4/websocket",
        ),
        None => {}
    }
    match socket["unread_frames"].as_u64() {
        None | Some(0) => {}
        Some(count) => checks.warn(
            "websocket",
            format!("{count} frames could not be read"),
            "tell us with the version of Mattermost; replies are found by the slow look meanwhile",
        ),
    }
    for licence in status["licences"].as_array().into_iter().flatten() {
        let webhook = &licence["webhook"];
        if webhook.is_null() {
            continue;
        }
        let name = format!("webhook of {}", licence["id"].as_str().unwrap_or_default());
        match webhook["last_call_seconds"].as_u64() {
            Some(seconds) => checks.ok(name, format!("last call {} ago", span(seconds))),
            None => checks.warn(
                name,
                "has a token in the settings, and no call came since the start",
                "write in its channel; if nothing comes, see its callback URL in Mattermost and ServiceSettings.AllowedUntrustedInternalConnections",
            ),
        }
    }
}

/// In the largest unit that says something.
fn span(seconds: u64) -> String {
    match seconds {
        0..120 => format!("{seconds} s"),
        120..7_200 => format!("{} min", seconds / 60),
        7_200..172_800 => format!("{} h", seconds / 3_600),
        _ => format!("{} d", seconds / 86_400),
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::{super::Mark, *};

    #[test]
    fn which_hints_arrive_is_told_from_what_the_running_sidecar_saw() {
        let told = |socket: Value, webhook: Value| {
            let status =
                json!({ "websocket": socket, "licences": [{ "id": "acme", "webhook": webhook }] });
            let mut checks = Checks::default();
            heard(&status, &mut checks);
            let lines = checks.0.iter();
            lines
                .map(|check| (check.result, format!("{}: {}", check.name, check.detail)))
                .collect::<Vec<_>>()
        };
        let listening = json!({ "state": "listening", "reason": null, "unread_frames": 0 });
        assert_eq!(
            told(listening.clone(), json!({ "last_call_seconds": 4 })),
            [
                (Mark::Ok, "websocket: listening".to_owned()),
                (Mark::Ok, "webhook of acme: last call 4 s ago".to_owned()),
            ]
        );
        let never = told(listening, json!({ "last_call_seconds": null }));
        assert_eq!(never[1].0, Mark::Warning, "{never:?}");
        let strange = json!({ "state": "listening", "reason": null, "unread_frames": 7 });
        let strange = told(strange, Value::Null);
        assert_eq!(
            strange[1],
            (
                Mark::Warning,
                "websocket: 7 frames could not be read".to_owned()
            )
        );
        let refused = json!({ "state": "refused", "reason": "a proxy", "unread_frames": 0 });
        let refused = told(refused, Value::Null);
        assert_eq!(
            refused,
            [(
                Mark::Warning,
                "websocket: does not stand: a proxy".to_owned()
            )]
        );
    }
}
