//! One stream: two halves, each of which ends once, and the bytes that arrived and were not read yet.
//!
//! The handle a program holds, with `AsyncRead` and `AsyncWrite`, is in [`handle`].

use std::collections::VecDeque;

#[cfg(feature = "driver")]
pub(crate) mod handle;

use crate::window::{ReceiveWindow, SendWindow};

/// An emptied buffer larger than this is given back, so that a long-lived stream does not keep what one burst needed. Two of Go's
/// pieces: a body that is read as fast as it comes fills the same buffer again and again.
const KEPT_BUFFER: usize = 64 * 1024;

/// Who opened a stream, and what became of that.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Opening {
    /// We did, and the other end has not acknowledged it.
    Asked,
    /// Both ends know the stream.
    Done,
}

#[derive(Debug)]
pub(crate) struct Stream {
    pub(crate) opening: Opening,
    pub(crate) send: SendWindow,
    pub(crate) receive: ReceiveWindow,
    unread: VecDeque<u8>,
    /// We sent FIN. Set once; a second FIN would kill the session at hashicorp's end.
    pub(crate) fin_sent: bool,
    pub(crate) fin_received: bool,
    /// The other end reset it.
    pub(crate) reset: bool,
    /// Nobody holds it any more: what arrives is dropped, and credited, so that the other end can reach its end.
    pub(crate) orphan: bool,
    /// It is reset as soon as the other end sends something.
    pub(crate) unwanted: bool,
    /// Its writer waits for room in the output and is on the session's list.
    pub(crate) crowded: bool,
}

impl Stream {
    pub(crate) const fn new(opening: Opening) -> Self {
        Self {
            opening,
            send: SendWindow::new(),
            receive: ReceiveWindow::new(),
            unread: VecDeque::new(),
            fin_sent: false,
            fin_received: false,
            reset: false,
            orphan: false,
            unwanted: false,
            crowded: false,
        }
    }

    /// Neither end will send anything more about it.
    pub(crate) const fn is_over(&self) -> bool {
        self.reset || (self.fin_sent && self.fin_received)
    }

    pub(crate) fn push(&mut self, body: &[u8]) {
        self.unread.extend(body);
    }

    pub(crate) fn unread(&self) -> usize {
        self.unread.len()
    }

    /// Moves what is there into `into` and says how much that was.
    pub(crate) fn pull(&mut self, into: &mut [u8]) -> usize {
        let (first, second) = self.unread.as_slices();
        let from_first = first.len().min(into.len());
        into[..from_first].copy_from_slice(&first[..from_first]);
        let from_second = second.len().min(into.len() - from_first);
        into[from_first..from_first + from_second].copy_from_slice(&second[..from_second]);
        let pulled = from_first + from_second;
        if pulled == self.unread.len() {
            self.drop_unread();
        } else {
            self.unread.drain(..pulled);
        }
        pulled
    }

    /// Forgets what was not read and says how much that was.
    pub(crate) fn drop_unread(&mut self) -> usize {
        let dropped = self.unread.len();
        if self.unread.capacity() > KEPT_BUFFER {
            self.unread = VecDeque::new();
        } else {
            self.unread.clear();
        }
        dropped
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn bytes_come_out_in_the_order_they_went_in_whatever_the_pieces() {
        let mut stream = Stream::new(Opening::Done);
        let (mut written, mut read) = (Vec::new(), Vec::new());
        for round in 0..200_u8 {
            let piece: Vec<u8> = (0..round % 37).map(|byte| byte ^ round).collect();
            stream.push(&piece);
            written.extend_from_slice(&piece);
            let mut into = vec![0; usize::from(round % 23)];
            let pulled = stream.pull(&mut into);
            read.extend_from_slice(&into[..pulled]);
        }
        let mut rest = vec![0; stream.unread()];
        stream.pull(&mut rest);
        read.extend_from_slice(&rest);
        assert_eq!(read, written);
        assert_eq!(stream.unread(), 0);
    }
}
