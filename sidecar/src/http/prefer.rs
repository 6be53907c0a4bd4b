//! `Prefer: wait=N` (RFC 7240): how long an answer may wait for the delivery. What cannot be read is ignored, as that RFC says.

use std::time::Duration;

use http::HeaderMap;

/// `None`: no waiting was asked for. Above `most` counts as `most`; of several the first counts.
pub(super) fn wait(headers: &HeaderMap, most: Duration) -> Option<Duration> {
    let seconds = headers
        .get_all("prefer")
        .iter()
        .filter_map(|value| value.to_str().ok())
        .flat_map(|value| value.split(','))
        .filter_map(|preference| {
            // Parameters of a preference stand behind a semicolon and none is known for `wait`.
            let (name, value) = preference.split(';').next()?.split_once('=')?;
            name.trim()
                .eq_ignore_ascii_case("wait")
                .then(|| value.trim().trim_matches('"'))
        })
        .next()?;
    let digits = !seconds.is_empty() && seconds.bytes().all(|byte| byte.is_ascii_digit());
    // A number beyond all numbers is above the most, too.
    digits.then(|| seconds.parse().map_or(most, Duration::from_secs).min(most))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_wait_is_read_capped_or_ignored() {
        for (values, wanted) in [
            (&["wait=5"][..], Some(5)),
            (&["wait=0"], Some(0)),
            (&["wait=31"], Some(30)),
            (&["wait=99999999999999999999999"], Some(30)),
            (&["respond-async, Wait = 7"], Some(7)),
            (&["respond-async", "wait=\"9\""], Some(9)),
            (&["wait=3; foo=bar"], Some(3)),
            (&["wait=3, wait=9"], Some(3)),
            (&["wait=soon"], None),
            (&["wait=-1"], None),
            (&["wait=1.5"], None),
            (&["wait"], None),
            (&["wait="], None),
            (&["await=5"], None),
            (&[], None),
        ] {
            let mut headers = HeaderMap::new();
            for value in values {
                headers.append("prefer", value.parse().unwrap());
            }
            let read = wait(&headers, Duration::from_secs(30)).map(|wait| wait.as_secs());
            assert_eq!(read, wanted, "{values:?}");
        }
    }
}
