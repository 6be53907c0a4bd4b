//! Durations and sizes as people write them.

use std::time::Duration;

/// `250ms`, `30s`, `5m`, `2h`, `7d`; `0` needs no unit.
pub(crate) fn duration(text: &str) -> Option<Duration> {
    let (number, unit) = split(text)?;
    let milliseconds = match unit {
        "ms" => 1,
        "s" => 1_000,
        "m" => 60_000,
        "h" => 3_600_000,
        "d" => 86_400_000,
        "" if number == 0 => 0,
        _ => return None,
    };
    number.checked_mul(milliseconds).map(Duration::from_millis)
}

/// `100MB` and `64MiB`: powers of 1000 and of 1024.
pub(crate) fn size(text: &str) -> Option<u64> {
    let (number, unit) = split(text)?;
    let bytes = match unit {
        "KB" => 1_000,
        "MB" => 1_000_000,
        "GB" => 1_000_000_000,
        "KiB" => 1 << 10,
        "MiB" => 1 << 20,
        "GiB" => 1 << 30,
        _ => return None,
    };
    number.checked_mul(bytes)
}

fn split(text: &str) -> Option<(u64, &str)> {
    let digits = text.bytes().take_while(u8::is_ascii_digit).count();
    let (number, unit) = text.split_at(digits);
    Some((number.parse().ok()?, unit))
}

/// As it would be written, in the largest unit that loses nothing.
pub(super) fn written(duration: Duration) -> String {
    let milliseconds = duration.as_millis();
    for (unit, length) in [
        ("d", 86_400_000),
        ("h", 3_600_000),
        ("m", 60_000),
        ("s", 1_000),
    ] {
        if milliseconds > 0 && milliseconds.is_multiple_of(length) {
            return format!("{}{unit}", milliseconds / length);
        }
    }
    format!("{milliseconds}ms")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn durations_have_a_unit_and_do_not_overflow() {
        for (text, wanted) in [
            ("250ms", Some(250)),
            ("30s", Some(30_000)),
            ("5m", Some(300_000)),
            ("2h", Some(7_200_000)),
            ("7d", Some(604_800_000)),
            ("0", Some(0)),
            ("0s", Some(0)),
            ("5", None),
            ("5 s", None),
            ("-5s", None),
            ("1.5s", None),
            ("", None),
            ("s", None),
            ("99999999999999999999d", None),
            ("18446744073709551615d", None),
        ] {
            let wanted = wanted.map(Duration::from_millis);
            assert_eq!(duration(text), wanted, "{text:?}");
        }
    }

    #[test]
    fn sizes_count_in_thousands_or_in_1024s() {
        for (text, wanted) in [
            ("100MB", Some(100_000_000)),
            ("16MiB", Some(16_777_216)),
            ("1KB", Some(1_000)),
            ("1GiB", Some(1_073_741_824)),
            ("100", None),
            ("100mb", None),
            ("18446744073709551615GB", None),
        ] {
            assert_eq!(size(text), wanted, "{text:?}");
        }
    }

    #[test]
    fn a_duration_is_written_in_its_largest_unit() {
        for text in ["250ms", "30s", "90s", "5m", "36h", "7d"] {
            assert_eq!(written(duration(text).unwrap()), text);
        }
    }
}
