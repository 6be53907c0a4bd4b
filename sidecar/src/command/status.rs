//! `/ireserve status`: three lines for members, everything for admins. Every value is measured when asked.

use std::collections::BTreeSet;

use super::{
    Answer, Asker, Desk, Standing, help,
    measure::{LicenceStatus, Overall, Status},
};
use crate::render::{Key, Neutral, Value};

const OK: &str = "🟢";
const ATTENTION: &str = "🟡";
const WRONG: &str = "🔴";

pub(super) async fn status(desk: &Desk, asker: &Asker) -> Answer {
    if !desk.is_connected() && !asker.is_admin() {
        return desk.not_set_up(asker);
    }
    let measured = desk.measure.now().await;
    let board = Board {
        desk,
        asker,
        measured: &measured,
    };
    if asker.is_admin() {
        let mut answer = Answer {
            text: board.whole(&desk.keeper.standing()).join("\n"),
            ..Answer::default()
        };
        if !desk.is_connected() {
            let next = desk.not_set_up(asker);
            answer.text = format!("{}\n\n{}", answer.text, next.text);
            answer.buttons = next.buttons;
        }
        return answer;
    }
    Answer {
        text: board.short().join("\n"),
        ..Answer::default()
    }
}

/// What is shown, to whom.
struct Board<'a> {
    desk: &'a Desk,
    asker: &'a Asker,
    measured: &'a Status,
}

impl Board<'_> {
    /// Connection, this channel, queue.
    fn short(&self) -> Vec<String> {
        let here = help::connected(self.desk, self.asker);
        let licences = &self.measured.licences;
        let mut lines: Vec<String> = licences
            .iter()
            .filter(|status| here.as_ref().is_none_or(|licence| licence.id == status.id))
            .map(|status| self.licence(status))
            .collect();
        let name = Neutral::line(&self.asker.place.channel.display_name);
        let channel = ("channel", Value::Neutral(&name));
        lines.push(match &here {
            Some(licence) => {
                let licence = ("licence", Value::Ours(licence.id.as_str()));
                self.say(Key::StatusHere, &[channel, licence])
            }
            None => self.say(Key::StatusNotHere, &[channel]),
        });
        lines.push(self.queue());
        lines
    }

    fn whole(&self, standing: &Standing) -> Vec<String> {
        let state = match self.measured.state {
            Overall::Working => Key::StatusWorking,
            Overall::Attention => Key::StatusAttention,
            Overall::Down => Key::StatusDown,
        };
        let state = self.say(state, &[]);
        let head = [
            ("version", Value::Ours(self.measured.version)),
            ("state", Value::Ours(&state)),
        ];
        let mut lines = vec![self.say(Key::StatusHead, &head)];
        lines.extend(
            self.measured
                .licences
                .iter()
                .map(|status| self.licence(status)),
        );
        lines.extend([
            self.mattermost(),
            self.sidecar(standing),
            self.store(),
            self.queue(),
        ]);
        if !self.measured.licences.is_empty() {
            lines.push(self.channels(standing));
        }
        lines.extend(self.webhooks(standing));
        lines.extend(standing.problems.iter().map(|problem| {
            let setting = problem.key.replace('`', "");
            self.say(Key::StatusSetting, &[("setting", Value::Ours(&setting))])
        }));
        lines
    }

    fn licence(&self, status: &LicenceStatus) -> String {
        let heard = match status.last_event_at {
            Some(at) => {
                let ago = self.span(self.desk.measure.clock.now().since(at).as_secs());
                self.say(Key::StatusHeard, &[("ago", Value::Ours(&ago))])
            }
            None => self.say(Key::StatusNotHeard, &[]),
        };
        let sign = if status.ok { OK } else { ATTENTION };
        let values = [
            ("sign", Value::Ours(sign)),
            ("licence", Value::Ours(status.id.as_str())),
            ("heard", Value::Ours(&heard)),
        ];
        self.say(Key::StatusIreserve, &values)
    }

    fn mattermost(&self) -> String {
        let state = &self.measured.mattermost;
        if state.token_refused {
            return self.say(Key::StatusMattermostToken, &[]);
        }
        let Some(latency) = state.latency_ms.filter(|_| state.ok) else {
            return self.say(Key::StatusMattermostSilent, &[]);
        };
        let latency = latency.to_string();
        let version = state.version.as_deref().unwrap_or("–");
        let values = [
            ("version", Value::Ours(version)),
            ("latency", Value::Ours(&latency)),
        ];
        self.say(Key::StatusMattermost, &values)
    }

    fn sidecar(&self, standing: &Standing) -> String {
        let mode = if standing.managed {
            "managed"
        } else {
            "external"
        };
        let up = self.span(self.measured.uptime_seconds);
        let (mode, up) = (("mode", Value::Ours(mode)), ("up", Value::Ours(&up)));
        if standing.plugin.node.is_empty() {
            return self.say(Key::StatusSidecar, &[mode, up]);
        }
        let node = Neutral::line(&standing.plugin.node);
        self.say(
            Key::StatusSidecarNode,
            &[mode, up, ("node", Value::Neutral(&node))],
        )
    }

    fn store(&self) -> String {
        let store = &self.measured.store;
        if !store.ok {
            return self.say(Key::StatusStoreSilent, &[]);
        }
        let kind = match store.kind {
            "redis" => "Redis".to_owned(),
            _ => self.say(Key::StoreBuiltIn, &[]),
        };
        let (kind, size) = (("kind", Value::Ours(&kind)), size(store.bytes));
        let size = ("size", Value::Ours(&size));
        match store.free_bytes.map(self::size) {
            Some(free) => self.say(
                Key::StatusStore,
                &[kind, size, ("free", Value::Ours(&free))],
            ),
            None => self.say(Key::StatusStoreElsewhere, &[kind, size]),
        }
    }

    fn queue(&self) -> String {
        let sum =
            |of: fn(&LicenceStatus) -> u64| self.measured.licences.iter().map(of).sum::<u64>();
        let out = sum(|status| status.waiting.thread_to_chat).to_string();
        let into = sum(|status| status.waiting.chat_to_thread).to_string();
        let refused = sum(|status| status.parked);
        let sign = if refused == 0 { OK } else { ATTENTION };
        let refused = refused.to_string();
        let values = [
            ("sign", Value::Ours(sign)),
            ("out", Value::Ours(&out)),
            ("in", Value::Ours(&into)),
            ("refused", Value::Ours(&refused)),
        ];
        self.say(Key::StatusQueue, &values)
    }

    fn channels(&self, standing: &Standing) -> String {
        let licences = self.desk.licences.snapshot();
        let connected: BTreeSet<(&str, &str)> = licences
            .iter()
            .flat_map(|licence| {
                let all = licence.channel.iter().chain(licence.departments.values());
                let team = licence.team.as_deref().unwrap_or_default();
                all.map(move |channel| (team, channel.as_str()))
            })
            .collect();
        let count = connected.len().to_string();
        let count = ("count", Value::Ours(&count));
        let waiting: BTreeSet<String> = self
            .measured
            .blocked
            .iter()
            .map(|blocked| {
                self.channel(
                    standing,
                    blocked.licence.as_str(),
                    blocked.channel_id.as_ref().map(|id| id.as_str()),
                )
            })
            .collect();
        if waiting.is_empty() {
            let sign = if connected.is_empty() { WRONG } else { OK };
            return self.say(Key::StatusChannels, &[("sign", Value::Ours(sign)), count]);
        }
        let waiting = waiting.into_iter().collect::<Vec<_>>().join(", ");
        self.say(
            Key::StatusChannelsWaiting,
            &[count, ("channels", Value::Ours(&waiting))],
        )
    }

    /// Only where they do not arrive: nothing is lost without them, and a line for each would hide what matters.
    fn webhooks(&self, standing: &Standing) -> Vec<String> {
        let wanted = &standing.wanted.webhooks;
        wanted
            .iter()
            .filter(|hook| {
                !standing.plugin.callbacks
                    || standing.plugin.without_webhook.contains(&hook.channel_id)
            })
            .map(|hook| {
                let channel = self.channel(standing, hook.licence.as_str(), Some(&hook.channel_id));
                self.say(Key::StatusWebhook, &[("channel", Value::Ours(&channel))])
            })
            .collect()
    }

    /// `~balie` where we know its name, else the licence's.
    fn channel(&self, standing: &Standing, licence: &str, id: Option<&str>) -> String {
        let known = standing
            .places
            .values()
            .find(|place| Some(place.channel_id.as_str()) == id);
        known.map_or_else(|| licence.to_owned(), |place| format!("~{}", place.channel))
    }

    /// In the two largest units that say something.
    fn span(&self, seconds: u64) -> String {
        const MINUTE: u64 = 60;
        const HOUR: u64 = 60 * MINUTE;
        const DAY: u64 = 24 * HOUR;
        let (key, large, small) = match seconds {
            0..MINUTE => (Key::SpanSeconds, seconds, None),
            MINUTE..HOUR => (Key::SpanMinutes, seconds / MINUTE, None),
            HOUR..DAY => (
                Key::SpanHours,
                seconds / HOUR,
                Some(seconds % HOUR / MINUTE),
            ),
            _ => (Key::SpanDays, seconds / DAY, Some(seconds % DAY / HOUR)),
        };
        let (large, small) = (large.to_string(), small.map(|small| small.to_string()));
        let mut values = vec![("large", Value::Ours(large.as_str()))];
        values.extend(small.as_deref().map(|small| ("small", Value::Ours(small))));
        self.say(key, &values)
    }

    fn say(&self, key: Key, values: &[(&'static str, Value<'_>)]) -> String {
        self.desk.say(self.asker, key, values)
    }
}

fn size(bytes: u64) -> String {
    match bytes {
        0..1_000_000 => format!("{} kB", bytes / 1_000),
        1_000_000..1_000_000_000 => format!("{} MB", bytes / 1_000_000),
        _ => format!("{} GB", bytes / 1_000_000_000),
    }
}
