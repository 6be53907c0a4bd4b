//! Moments: milliseconds inside, RFC 3339 in UTC outside, a clock of somebody's own for people.

use std::{fmt, str::FromStr, time::Duration};

use serde::{Deserialize, Deserializer, Serialize, Serializer, de::Error as _};

use crate::Language;

/// A moment in milliseconds since 1970, as Mattermost counts. In JSON it is RFC 3339 in UTC.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord, Default)]
pub struct Timestamp(i64);

/// The text is no moment in time.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("must be a time such as 2026-11-22T10:00:00Z")]
pub struct TimestampError;

impl Timestamp {
    #[must_use]
    pub const fn from_millis(millis: i64) -> Self {
        Self(millis)
    }

    #[must_use]
    pub const fn as_millis(self) -> i64 {
        self.0
    }

    /// How long from `earlier` to this; nothing when it lies in the future.
    #[must_use]
    pub fn since(self, earlier: Self) -> Duration {
        Duration::from_millis(u64::try_from(self.0.saturating_sub(earlier.0)).unwrap_or(0))
    }
}

/// What people read. A moment that no calendar holds is written as [`fmt::Display`] does.
impl Timestamp {
    /// The clock on the wall: `14:01`.
    #[must_use]
    pub fn clock(self, zone: &Zone) -> String {
        self.there(zone).map_or_else(
            || self.to_string(),
            |there| format!("{:02}:{:02}", there.hour(), there.minute()),
        )
    }

    /// Day and clock: `Sat 12 Dec 19:00`, `za 12 dec 19:00`. Without a year: what is shown is recent.
    #[must_use]
    pub fn date(self, zone: &Zone, language: Language) -> String {
        let Some(there) = self.there(zone) else {
            return self.to_string();
        };
        let (days, months) = match language {
            Language::En => (&DAYS_EN, &MONTHS_EN),
            Language::Nl => (&DAYS_NL, &MONTHS_NL),
        };
        format!(
            "{} {} {} {:02}:{:02}",
            name(days, there.weekday().to_monday_zero_offset()),
            there.day(),
            name(months, there.month() - 1),
            there.hour(),
            there.minute()
        )
    }

    /// Whether both moments lie on one day there, so that a clock alone says enough.
    #[must_use]
    pub fn same_day(self, other: Self, zone: &Zone) -> bool {
        match (self.there(zone), other.there(zone)) {
            (Some(here), Some(there)) => here.date() == there.date(),
            _ => false,
        }
    }

    fn there(self, zone: &Zone) -> Option<jiff::Zoned> {
        let moment = jiff::Timestamp::from_millisecond(self.0).ok()?;
        Some(moment.to_zoned(zone.0.clone()))
    }
}

const DAYS_EN: [&str; 7] = ["Mon", "Tue", "Wed", "Thu", "Fri", "Sat", "Sun"];
const DAYS_NL: [&str; 7] = ["ma", "di", "wo", "do", "vr", "za", "zo"];
const MONTHS_EN: [&str; 12] = [
    "Jan", "Feb", "Mar", "Apr", "May", "Jun", "Jul", "Aug", "Sep", "Oct", "Nov", "Dec",
];
const MONTHS_NL: [&str; 12] = [
    "jan", "feb", "mrt", "apr", "mei", "jun", "jul", "aug", "sep", "okt", "nov", "dec",
];

fn name<const N: usize>(names: &[&'static str; N], at: i8) -> &'static str {
    usize::try_from(at)
        .ok()
        .and_then(|at| names.get(at))
        .copied()
        .expect("a calendar has seven days and twelve months")
}

/// Where somebody's clock hangs: a zone of the IANA data base, which is compiled in. UTC unless said otherwise.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Zone(jiff::tz::TimeZone);

/// The text names no time zone.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("must be a time zone such as Europe/Amsterdam")]
pub struct ZoneError;

impl Default for Zone {
    fn default() -> Self {
        Self(jiff::tz::TimeZone::UTC)
    }
}

impl fmt::Display for Zone {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.0.iana_name().unwrap_or("UTC"))
    }
}

impl FromStr for Zone {
    type Err = ZoneError;
    fn from_str(text: &str) -> Result<Self, ZoneError> {
        let zone = jiff::tz::TimeZone::get(text).map_err(|_| ZoneError)?;
        // `Etc/Unknown` is a zone to jiff, but nobody's clock hangs there.
        if zone.is_unknown() {
            return Err(ZoneError);
        }
        Ok(Self(zone))
    }
}

impl Serialize for Zone {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_str(self)
    }
}

impl<'de> Deserialize<'de> for Zone {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        String::deserialize(deserializer)?
            .parse()
            .map_err(D::Error::custom)
    }
}

impl std::ops::Add<Duration> for Timestamp {
    type Output = Self;
    fn add(self, later: Duration) -> Self {
        Self(self.0.saturating_add(millis(later)))
    }
}

impl std::ops::Sub<Duration> for Timestamp {
    type Output = Self;
    fn sub(self, earlier: Duration) -> Self {
        Self(self.0.saturating_sub(millis(earlier)))
    }
}

impl fmt::Display for Timestamp {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match jiff::Timestamp::from_millisecond(self.0) {
            Ok(moment) => moment.fmt(f),
            Err(_) => write!(f, "{} ms", self.0),
        }
    }
}

impl FromStr for Timestamp {
    type Err = TimestampError;
    fn from_str(text: &str) -> Result<Self, TimestampError> {
        let moment: jiff::Timestamp = text.parse().map_err(|_| TimestampError)?;
        Ok(Self(moment.as_millisecond()))
    }
}

impl Serialize for Timestamp {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_str(self)
    }
}

impl<'de> Deserialize<'de> for Timestamp {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        String::deserialize(deserializer)?
            .parse()
            .map_err(D::Error::custom)
    }
}

fn millis(duration: Duration) -> i64 {
    i64::try_from(duration.as_millis()).unwrap_or(i64::MAX)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_moment_survives_json_to_the_millisecond() {
        let moment = Timestamp::from_millis(1_795_332_318_020);
        let json = serde_json::to_string(&moment).unwrap();
        assert_eq!(json, "\"2026-11-22T07:25:18.02Z\"");
        assert_eq!(serde_json::from_str::<Timestamp>(&json).unwrap(), moment);
    }

    #[test]
    fn offsets_are_understood_and_words_refused() {
        assert_eq!(
            "2026-11-22T12:00:00+02:00".parse(),
            "2026-11-22T10:00:00Z".parse::<Timestamp>()
        );
        assert_eq!("yesterday".parse::<Timestamp>(), Err(TimestampError));
    }

    #[test]
    fn a_clock_follows_its_zone_through_summer_and_winter() {
        let amsterdam: Zone = "Europe/Amsterdam".parse().unwrap();
        for (moment, clock, en, nl) in [
            (
                "2026-12-12T18:00:00Z",
                "19:00",
                "Sat 12 Dec 19:00",
                "za 12 dec 19:00",
            ),
            (
                "2026-07-01T22:05:00Z",
                "00:05",
                "Thu 2 Jul 00:05",
                "do 2 jul 00:05",
            ),
        ] {
            let at: Timestamp = moment.parse().unwrap();
            assert_eq!(at.clock(&amsterdam), clock, "{moment}");
            assert_eq!(at.date(&amsterdam, Language::En), en, "{moment}");
            assert_eq!(at.date(&amsterdam, Language::Nl), nl, "{moment}");
        }
        let late: Timestamp = "2026-12-12T23:30:00Z".parse().unwrap();
        assert_eq!(late.clock(&Zone::default()), "23:30");
        let later = late + Duration::from_secs(3_600);
        assert!(late.same_day(later, &amsterdam), "both on the 13th there");
        assert!(!late.same_day(later, &Zone::default()));
    }

    #[test]
    fn a_zone_is_known_by_its_name_or_refused() {
        assert_eq!(
            "Europe/Amsterdam".parse::<Zone>().unwrap().to_string(),
            "Europe/Amsterdam"
        );
        assert_eq!("UTC".parse::<Zone>().unwrap().to_string(), "UTC");
        for wrong in ["Mars/Olympus", "", "+02:00", "../../etc/passwd"] {
            assert_eq!(wrong.parse::<Zone>(), Err(ZoneError), "{wrong}");
        }
    }

    #[test]
    fn a_moment_outside_every_calendar_is_still_written() {
        let far = Timestamp::from_millis(i64::MAX);
        assert!(far.clock(&Zone::default()).ends_with(" ms"));
    }
}
