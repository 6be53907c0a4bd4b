//! The framing guard: sees in the bytes what hyper accepts and does not tell.
//!
//! A bare LF as line end, a `Content-Length` said twice, and a length beside `Transfer-Encoding` are read in different ways by
//! different servers: whoever stands in front of us may cut the stream at other places than we do, and smuggle a request past
//! its rules. hyper cuts, but hides that there was a doubt. So the bytes pass by here first: a head, then as many bytes as its
//! `Content-Length` says, then the next head.
//!
//! A pure state machine that changes and stops nothing. It names the head that is doubtful by its number; whoever answers that
//! request refuses it and ends the connection. After a doubt or `Transfer-Encoding` it looks no further, because no second
//! request is taken from such a connection.

use super::limits::HEAD_BYTES;

/// Why a head can be read in two ways.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Doubt {
    BareLineEnd,
    TwoLengths,
    LengthAndCoding,
}

impl Doubt {
    pub(super) const fn says(self) -> &'static str {
        match self {
            Self::BareLineEnd => "a line of the head ends without CR LF",
            Self::TwoLengths => "there is more than one `Content-Length`",
            Self::LengthAndCoding => "there is a `Content-Length` beside a `Transfer-Encoding`",
        }
    }
}

/// Where in the stream the next byte belongs.
#[derive(Debug)]
pub(super) struct Guard {
    place: Place,
    /// Heads whose first line has begun.
    heads: u64,
}

#[derive(Debug)]
enum Place {
    Head(Head),
    /// So many bytes of the body are still to come.
    Body(u64),
    /// Nothing more is looked at.
    Through,
}

#[derive(Debug, Default)]
struct Head {
    /// The line as far as it came, without its end; what is longer than any line we read is cut off.
    line: Vec<u8>,
    /// Bytes of the line, also those cut off.
    seen: usize,
    carriage_return: bool,
    /// The request line has been read.
    begun: bool,
    lengths: u32,
    length: Option<u64>,
    coded: bool,
}

enum Next {
    Line,
    End,
}

impl Guard {
    pub(super) fn new() -> Self {
        Self {
            place: Place::Head(Head::default()),
            heads: 0,
        }
    }

    /// The bytes that arrived next. Says which head, counted from 0, is doubtful and why.
    pub(super) fn saw(&mut self, mut bytes: &[u8]) -> Option<(u64, Doubt)> {
        while let Some((&byte, rest)) = bytes.split_first() {
            match &mut self.place {
                Place::Through => return None,
                Place::Body(left) => {
                    let taken =
                        usize::try_from(*left).map_or(bytes.len(), |left| left.min(bytes.len()));
                    *left -= taken as u64;
                    bytes = &bytes[taken..];
                    if *left == 0 {
                        self.place = Place::Head(Head::default());
                    }
                }
                Place::Head(head) => {
                    bytes = rest;
                    match head.take(byte) {
                        Ok(Next::Line) => {}
                        Ok(Next::End) => {
                            let after = head.after();
                            self.heads += 1;
                            self.place = after;
                        }
                        Err(doubt) => {
                            self.place = Place::Through;
                            return Some((self.heads, doubt));
                        }
                    }
                }
            }
        }
        None
    }
}

impl Head {
    fn take(&mut self, byte: u8) -> Result<Next, Doubt> {
        match (self.carriage_return, byte) {
            (true, b'\n') => {
                self.carriage_return = false;
                self.line_ended()
            }
            (true, _) | (false, b'\n') => Err(Doubt::BareLineEnd),
            (false, b'\r') => {
                self.carriage_return = true;
                Ok(Next::Line)
            }
            (false, byte) => {
                self.seen += 1;
                if self.line.len() < HEAD_BYTES {
                    self.line.push(byte);
                }
                Ok(Next::Line)
            }
        }
    }

    fn line_ended(&mut self) -> Result<Next, Doubt> {
        let empty = self.seen == 0;
        self.seen = 0;
        let line = std::mem::take(&mut self.line);
        if !self.begun {
            // Empty lines before a request line are allowed (RFC 9112, 2.2) and hyper skips them.
            self.begun = !empty;
            return Ok(Next::Line);
        }
        if empty {
            return Ok(Next::End);
        }
        let Some(colon) = line.iter().position(|&byte| byte == b':') else {
            return Ok(Next::Line);
        };
        let name = &line[..colon];
        if name.eq_ignore_ascii_case(b"content-length") {
            self.lengths += 1;
            self.length = std::str::from_utf8(&line[colon + 1..])
                .ok()
                .and_then(|value| value.trim().parse().ok());
        } else if name.eq_ignore_ascii_case(b"transfer-encoding") {
            self.coded = true;
        }
        match (self.lengths, self.coded) {
            (1.., true) => Err(Doubt::LengthAndCoding),
            (2.., _) => Err(Doubt::TwoLengths),
            _ => Ok(Next::Line),
        }
    }

    /// What follows this head.
    fn after(&self) -> Place {
        match (self.lengths, self.length) {
            // A length that we cannot read is one that hyper refuses.
            (1.., None) => Place::Through,
            _ if self.coded => Place::Through,
            (_, Some(length)) if length > 0 => Place::Body(length),
            _ => Place::Head(Self::default()),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Whole and byte by byte must come to the same.
    fn judged(stream: &str) -> Option<(u64, Doubt)> {
        let whole = Guard::new().saw(stream.as_bytes());
        let mut guard = Guard::new();
        let dribbled = stream.bytes().find_map(|byte| guard.saw(&[byte]));
        assert_eq!(whole, dribbled, "{stream:?}");
        whole
    }

    #[test]
    fn what_can_be_read_in_two_ways_is_named_with_the_number_of_its_head() {
        let fine = "POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 3\r\n\r\nabc";
        for (name, stream, wanted) in [
            ("one request", fine.to_owned(), None),
            ("two requests", format!("{fine}{fine}"), None),
            ("empty lines between", format!("{fine}\r\n\r\n{fine}"), None),
            (
                "a body that looks like a head",
                fine.replace("abc", "\n\n\r"),
                None,
            ),
            (
                "bare LF",
                "GET / HTTP/1.1\nHost: a\r\n\r\n".to_owned(),
                Some((0, Doubt::BareLineEnd)),
            ),
            (
                "bare CR",
                "GET / HTTP/1.1\r\nHost: a\rb: c\r\n\r\n".to_owned(),
                Some((0, Doubt::BareLineEnd)),
            ),
            (
                "bare LF as the end",
                "GET / HTTP/1.1\r\nHost: a\r\n\n".to_owned(),
                Some((0, Doubt::BareLineEnd)),
            ),
            (
                "two equal lengths in the second head",
                format!(
                    "{fine}POST / HTTP/1.1\r\nContent-Length: 3\r\ncontent-length: 3\r\n\r\nabc"
                ),
                Some((1, Doubt::TwoLengths)),
            ),
            (
                "length, then chunks",
                "POST / HTTP/1.1\r\nContent-Length: 3\r\nTransfer-Encoding: chunked\r\n\r\n"
                    .to_owned(),
                Some((0, Doubt::LengthAndCoding)),
            ),
            (
                "chunks, then length",
                "POST / HTTP/1.1\r\nTransfer-Encoding: chunked\r\nContent-Length: 3\r\n\r\n"
                    .to_owned(),
                Some((0, Doubt::LengthAndCoding)),
            ),
            (
                "chunks alone, whatever they hold",
                "POST / HTTP/1.1\r\nTransfer-Encoding: chunked\r\n\r\n3\nabc\n".to_owned(),
                None,
            ),
        ] {
            assert_eq!(judged(&stream), wanted, "{name}");
        }
    }

    #[test]
    fn an_endless_line_is_not_kept() {
        let mut guard = Guard::new();
        for _ in 0..100 {
            assert_eq!(guard.saw(&[b'x'; 4096]), None);
        }
        let Place::Head(head) = &guard.place else {
            panic!("still in the head")
        };
        assert_eq!(head.line.len(), HEAD_BYTES);
    }
}
