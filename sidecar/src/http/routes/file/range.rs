//! Which bytes are asked for (RFC 9110, section 14). Pure.

use http::{HeaderMap, HeaderValue, StatusCode, header};

use crate::http::problem::Problem;

/// What a request wants of a file.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Wanted {
    Whole,
    /// From `first` to `last`, both included.
    Part {
        first: u64,
        last: u64,
    },
    /// Bytes that the file does not have.
    Beyond,
}

impl Wanted {
    /// Several ranges, other units and whatever cannot be read count as none, which the RFC allows. So does a range under a condition:
    /// files have no validators here.
    pub(super) fn of(headers: &HeaderMap, size: u64) -> Self {
        let mut ranges = headers.get_all(header::RANGE).iter();
        let (Some(range), None) = (ranges.next(), ranges.next()) else {
            return Self::Whole;
        };
        if headers.contains_key(header::IF_RANGE) {
            return Self::Whole;
        }
        range
            .to_str()
            .ok()
            .and_then(|range| range.strip_prefix("bytes="))
            .and_then(|range| Self::read(range.trim(), size))
            .unwrap_or(Self::Whole)
    }

    fn read(range: &str, size: u64) -> Option<Self> {
        let (first, last) = range.split_once('-')?;
        let number = |text: &str| -> Option<u64> {
            let digits = !text.is_empty() && text.bytes().all(|byte| byte.is_ascii_digit());
            // More digits than fit are a number all the same, and beyond every file.
            digits.then(|| text.parse().unwrap_or(u64::MAX))
        };
        let (first, last) = match (first, last) {
            ("", suffix) => match number(suffix)? {
                0 => return Some(Self::Beyond),
                suffix => (size.saturating_sub(suffix), u64::MAX),
            },
            (first, "") => (number(first)?, u64::MAX),
            (first, last) => (number(first)?, number(last)?),
        };
        if first > last {
            return None;
        }
        if first >= size {
            return Some(Self::Beyond);
        }
        Some(Self::Part {
            first,
            last: last.min(size - 1),
        })
    }
}

/// 416, with the size that would have done.
pub(super) fn beyond(size: u64) -> Problem {
    let all = HeaderValue::from_str(&format!("bytes */{size}")).expect("a number makes a header");
    Problem::blank(
        StatusCode::RANGE_NOT_SATISFIABLE,
        "the file does not have these bytes",
    )
    .with(header::CONTENT_RANGE, all)
    .with(header::CACHE_CONTROL, HeaderValue::from_static("no-store"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn one_range_is_cut_to_the_file_and_all_else_is_the_whole_or_beyond_it() {
        let part = |first, last| Wanted::Part { first, last };
        for (range, size, wanted) in [
            ("bytes=0-3", 10, part(0, 3)),
            ("bytes=4-", 10, part(4, 9)),
            ("bytes=-2", 10, part(8, 9)),
            ("bytes=-99", 10, part(0, 9)),
            ("bytes=8-99999999999999999999999", 10, part(8, 9)),
            ("bytes=9-9", 10, part(9, 9)),
            ("bytes=10-", 10, Wanted::Beyond),
            ("bytes=99999999999999999999999-", 10, Wanted::Beyond),
            ("bytes=-0", 10, Wanted::Beyond),
            ("bytes=0-", 0, Wanted::Beyond),
            ("bytes=-1", 0, Wanted::Beyond),
            ("bytes=0-1,4-5", 10, Wanted::Whole),
            ("bytes=5-4", 10, Wanted::Whole),
            ("bytes=+1-2", 10, Wanted::Whole),
            ("bytes=", 10, Wanted::Whole),
            ("bytes=-", 10, Wanted::Whole),
            ("items=0-1", 10, Wanted::Whole),
        ] {
            let mut headers = HeaderMap::new();
            headers.insert(header::RANGE, range.parse().unwrap());
            assert_eq!(Wanted::of(&headers, size), wanted, "{range} of {size}");
            headers.append(header::RANGE, range.parse().unwrap());
            assert_eq!(Wanted::of(&headers, size), Wanted::Whole, "twice {range}");
            headers.insert(header::RANGE, range.parse().unwrap());
            headers.insert(header::IF_RANGE, "\"x\"".parse().unwrap());
            assert_eq!(Wanted::of(&headers, size), Wanted::Whole, "{range} if");
        }
    }
}
