//! What is counted, as OpenMetrics text. Labels are closed sets and licence ids; a text that somebody wrote is never one.
//!
//! A [`Metrics`] is a handle: a clone counts into the same place. Counters and histograms are moved by whoever does the thing;
//! what the store alone knows (how much waits) is told by [`Metrics::depths`] when somebody asks for the text.

mod labels;

use std::{fmt, sync::Arc, time::Duration};

use prometheus_client::{
    encoding::text,
    metrics::{counter::Counter, family::Family, gauge::Gauge, histogram::Histogram},
    registry::Registry,
};

use labels::{Asked, Broken, Ended, Hinted, Lane, OfLicence, Refused, Stored};
pub use labels::{Dependency, Direction, HintSource, Outcome, ShedReason};

/// The media type of [`Metrics::text`].
pub const CONTENT_TYPE: &str = "application/openmetrics-text; version=1.0.0; charset=utf-8";

/// Every counter, gauge and histogram of this process.
#[derive(Clone)]
pub struct Metrics {
    registry: Arc<Registry>,
    accepted: Family<Lane, Counter>,
    deliveries: Family<Ended, Counter>,
    hints: Family<Hinted, Counter>,
    shed: Family<Refused, Counter>,
    duplicate_posts: Counter,
    unknown: Family<OfLicence, Counter>,
    waiting: Family<Lane, Gauge>,
    parked: Family<Lane, Gauge>,
    oldest: Family<Lane, Gauge>,
    breaker: Family<Broken, Gauge>,
    requests: Timed<Asked>,
    delivery: Timed<Lane>,
    store: Timed<Stored>,
}

type Timed<Labels> = Family<Labels, Histogram, fn() -> Histogram>;

/// What waits of one licence in one direction.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Depth {
    pub licence: String,
    pub direction: Direction,
    pub waiting: u64,
    pub parked: u64,
    /// Age of the oldest that waits; zero when nothing does.
    pub oldest: Duration,
}

impl Metrics {
    #[must_use]
    pub fn new() -> Self {
        let mut registry = Registry::with_prefix("ireserve");
        let own = &mut registry;
        let metrics = Self {
            accepted: listed(
                own,
                "events_accepted",
                "Events made durable",
                Family::default(),
            ),
            deliveries: listed(
                own,
                "deliveries",
                "Ends of attempts to bring an event over",
                Family::default(),
            ),
            hints: listed(
                own,
                "hints",
                "Reasons to look at a thread",
                Family::default(),
            ),
            shed: listed(
                own,
                "events_shed",
                "Events refused to stay within limits",
                Family::default(),
            ),
            duplicate_posts: listed(
                own,
                "duplicate_posts",
                "Posts seen twice in a thread: a bug",
                Counter::default(),
            ),
            unknown: listed(
                own,
                "unknown_events",
                "Events of a type that is not known here",
                Family::default(),
            ),
            waiting: listed(
                own,
                "lane_waiting",
                "Events that wait in lanes",
                Family::default(),
            ),
            parked: listed(
                own,
                "parked",
                "Events that wait for people",
                Family::default(),
            ),
            oldest: listed(
                own,
                "oldest_waiting_seconds",
                "Age of the oldest event that waits",
                Family::default(),
            ),
            breaker: listed(
                own,
                "breaker_open",
                "1 while a dependency is left alone",
                Family::default(),
            ),
            requests: listed(
                own,
                "request_seconds",
                "Time to answer a request",
                Family::new_with_constructor(quick),
            ),
            delivery: listed(
                own,
                "delivery_seconds",
                "Time from acceptance to delivery",
                Family::new_with_constructor(slow),
            ),
            store: listed(
                own,
                "store_seconds",
                "Time of a store operation",
                Family::new_with_constructor(quick),
            ),
            registry: Arc::default(),
        };
        for source in HintSource::ALL {
            metrics.hints.get_or_create(&Hinted { source }).inc_by(0);
        }
        metrics.breaker(Dependency::Mattermost, None, false);
        Self {
            registry: Arc::new(registry),
            ..metrics
        }
    }

    /// Makes what can be counted of these licences visible as zero, so that a first event is a step and not an appearance.
    pub fn know<'a>(&self, licences: impl IntoIterator<Item = &'a str>) {
        for licence in licences {
            let of = || licence.to_owned();
            self.unknown
                .get_or_create(&OfLicence { licence: of() })
                .inc_by(0);
            for reason in ShedReason::ALL {
                self.shed
                    .get_or_create(&Refused {
                        licence: of(),
                        reason,
                    })
                    .inc_by(0);
            }
            for direction in Direction::ALL {
                self.accepted
                    .get_or_create(&Lane::new(licence, direction))
                    .inc_by(0);
                for outcome in [Outcome::Delivered, Outcome::Parked] {
                    self.deliveries
                        .get_or_create(&Ended {
                            licence: of(),
                            direction,
                            outcome,
                        })
                        .inc_by(0);
                }
            }
        }
    }

    pub fn accepted(&self, licence: &str, direction: Direction) {
        self.accepted
            .get_or_create(&Lane::new(licence, direction))
            .inc();
    }

    /// One attempt, or one event, came to this end.
    pub fn ended(&self, licence: &str, direction: Direction, outcome: Outcome) {
        let labels = Ended {
            licence: licence.to_owned(),
            direction,
            outcome,
        };
        self.deliveries.get_or_create(&labels).inc();
    }

    /// From acceptance to the last post.
    pub fn delivered_after(&self, licence: &str, direction: Direction, took: Duration) {
        self.delivery
            .get_or_create(&Lane::new(licence, direction))
            .observe(took.as_secs_f64());
    }

    pub fn hinted(&self, source: HintSource, hints: u64) {
        self.hints.get_or_create(&Hinted { source }).inc_by(hints);
    }

    /// So many events of one request were refused to stay within a limit.
    pub fn shed(&self, licence: &str, reason: ShedReason, events: u64) {
        let licence = licence.to_owned();
        self.shed
            .get_or_create(&Refused { licence, reason })
            .inc_by(events);
    }

    pub fn duplicate_post(&self) {
        self.duplicate_posts.inc();
    }

    pub fn unknown_event(&self, licence: &str) {
        let licence = licence.to_owned();
        self.unknown.get_or_create(&OfLicence { licence }).inc();
    }

    /// `licence` where the dependency is one licence's.
    pub fn breaker(&self, dependency: Dependency, licence: Option<&str>, open: bool) {
        let licence = licence.map(str::to_owned);
        self.breaker
            .get_or_create(&Broken {
                dependency,
                licence,
            })
            .set(i64::from(open));
    }

    /// `route` is one of ours by name, never a path that somebody asked for.
    pub fn answered(&self, route: &'static str, status: u16, took: Duration) {
        self.requests
            .get_or_create(&Asked { route, status })
            .observe(took.as_secs_f64());
    }

    pub fn stored(&self, operation: &'static str, took: Duration) {
        self.store
            .get_or_create(&Stored { operation })
            .observe(took.as_secs_f64());
    }

    /// Replaces what is known of all lanes; a licence that is not named any more disappears.
    pub fn depths(&self, depths: &[Depth]) {
        for family in [&self.waiting, &self.parked, &self.oldest] {
            family.clear();
        }
        for depth in depths {
            let lane = Lane::new(&depth.licence, depth.direction);
            for (family, value) in [
                (&self.waiting, depth.waiting),
                (&self.parked, depth.parked),
                (&self.oldest, depth.oldest.as_secs()),
            ] {
                family
                    .get_or_create(&lane)
                    .set(i64::try_from(value).unwrap_or(i64::MAX));
            }
        }
    }

    /// All of it, as OpenMetrics 1.0.
    #[must_use]
    pub fn text(&self) -> String {
        let mut written = String::new();
        text::encode(&mut written, &self.registry).expect("writing to memory cannot fail");
        written
    }
}

impl Default for Metrics {
    fn default() -> Self {
        Self::new()
    }
}

impl fmt::Debug for Metrics {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Metrics").finish_non_exhaustive()
    }
}

fn listed<M>(registry: &mut Registry, name: &str, help: &str, metric: M) -> M
where
    M: prometheus_client::registry::Metric + Clone,
{
    registry.register(name, help, metric.clone());
    metric
}

/// From 0.5 ms, a store on a good disk, to the 30 s of a caller that waits.
fn quick() -> Histogram {
    Histogram::new([
        0.0005, 0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1.0, 2.5, 5.0, 10.0, 30.0,
    ])
}

/// From one post on a quick server to the seven days after which an event is parked.
fn slow() -> Histogram {
    Histogram::new([
        0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1.0, 2.5, 5.0, 10.0, 30.0, 60.0, 300.0, 3_600.0,
        86_400.0, 604_800.0,
    ])
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_name_of_the_operators_page_stands_in_the_text() {
        let metrics = Metrics::new();
        metrics.know(["acme"]);
        metrics.accepted("acme", Direction::ChatToThread);
        metrics.ended("acme", Direction::ThreadToChat, Outcome::InDoubt);
        metrics.hinted(HintSource::Webhook, 2);
        metrics.shed("acme", ShedReason::Rate, 3);
        metrics.duplicate_post();
        metrics.unknown_event("acme");
        metrics.breaker(Dependency::Ireserve, Some("acme"), true);
        metrics.answered("events", 202, Duration::from_millis(3));
        metrics.delivered_after("acme", Direction::ChatToThread, Duration::from_millis(40));
        metrics.stored("accept", Duration::from_millis(2));
        metrics.depths(&[Depth {
            licence: "acme".into(),
            direction: Direction::ChatToThread,
            waiting: 5,
            parked: 1,
            oldest: Duration::from_secs(90),
        }]);
        let text = metrics.text();
        for line in [
            r#"ireserve_events_accepted_total{licence="acme",direction="chat_to_thread"} 1"#,
            r#"ireserve_events_accepted_total{licence="acme",direction="thread_to_chat"} 0"#,
            r#"ireserve_deliveries_total{licence="acme",direction="thread_to_chat",outcome="in_doubt"} 1"#,
            r#"ireserve_hints_total{source="webhook"} 2"#,
            r#"ireserve_events_shed_total{licence="acme",reason="rate"} 3"#,
            "ireserve_duplicate_posts_total 1",
            r#"ireserve_unknown_events_total{licence="acme"} 1"#,
            r#"ireserve_lane_waiting{licence="acme",direction="chat_to_thread"} 5"#,
            r#"ireserve_parked{licence="acme",direction="chat_to_thread"} 1"#,
            r#"ireserve_oldest_waiting_seconds{licence="acme",direction="chat_to_thread"} 90"#,
            r#"ireserve_breaker_open{dependency="mattermost"} 0"#,
            r#"ireserve_breaker_open{dependency="ireserve",licence="acme"} 1"#,
            r#"ireserve_request_seconds_count{route="events",status="202"} 1"#,
            r#"ireserve_delivery_seconds_count{licence="acme",direction="chat_to_thread"} 1"#,
            r#"ireserve_store_seconds_count{operation="accept"} 1"#,
        ] {
            assert!(
                text.lines().any(|written| written == line),
                "{line} is missing in\n{text}"
            );
        }
        assert!(text.ends_with("# EOF\n"), "OpenMetrics ends with its mark");
    }

    #[test]
    fn a_licence_that_left_has_no_depth_any_more() {
        let metrics = Metrics::new();
        metrics.depths(&[Depth {
            licence: "gone".into(),
            direction: Direction::ChatToThread,
            waiting: 1,
            parked: 0,
            oldest: Duration::ZERO,
        }]);
        metrics.depths(&[]);
        assert!(!metrics.text().contains("gone"));
    }
}
