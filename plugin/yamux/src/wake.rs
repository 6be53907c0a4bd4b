//! What the streams, the opener, the acceptor and the driver share: the session, and who waits for what in it.

use std::collections::HashMap;
use std::sync::{Mutex, PoisonError};
use std::task::{Context, Waker};

use crate::frame::StreamId;
use crate::session::{Event, Session};

/// The one lock of a session. A plain mutex: it is held for a few copies of memory and never across an await.
#[derive(Debug)]
pub(crate) struct Shared {
    state: Mutex<State>,
}

#[derive(Debug)]
pub(crate) struct State {
    pub(crate) session: Session,
    pub(crate) waiting: Waiting,
    /// Somebody asked for an orderly end: what is written goes out, then the connection is closed.
    pub(crate) closing: bool,
}

#[derive(Debug, Default)]
pub(crate) struct Waiting {
    pub(crate) driver: Option<Waker>,
    acceptor: Option<Waker>,
    openers: Vec<Waker>,
    readers: HashMap<StreamId, Waker>,
    writers: HashMap<StreamId, Waker>,
}

impl Shared {
    pub(crate) fn new(session: Session) -> Self {
        Self {
            state: Mutex::new(State {
                session,
                waiting: Waiting::default(),
                closing: false,
            }),
        }
    }

    /// Does something to the session and wakes whoever that concerns.
    pub(crate) fn with<R>(&self, act: impl FnOnce(&mut State) -> R) -> R {
        // A panic under the lock would be a fault of ours in the state machine; the others still learn that the session ends.
        let mut state = self.state.lock().unwrap_or_else(PoisonError::into_inner);
        let result = act(&mut state);
        state.wake();
        result
    }
}

impl State {
    fn wake(&mut self) {
        while let Some(event) = self.session.next_event() {
            self.waiting.wake(event);
        }
        if (self.session.has_output() || self.closing || self.session.failure().is_some())
            && let Some(driver) = self.waiting.driver.take()
        {
            driver.wake();
        }
    }
}

impl Waiting {
    pub(crate) fn acceptor(&mut self, context: &Context<'_>) {
        self.acceptor = Some(context.waker().clone());
    }

    pub(crate) fn opener(&mut self, context: &Context<'_>) {
        if !self
            .openers
            .iter()
            .any(|opener| opener.will_wake(context.waker()))
        {
            self.openers.push(context.waker().clone());
        }
    }

    pub(crate) fn reader(&mut self, id: StreamId, context: &Context<'_>) {
        self.readers.insert(id, context.waker().clone());
    }

    pub(crate) fn writer(&mut self, id: StreamId, context: &Context<'_>) {
        self.writers.insert(id, context.waker().clone());
    }

    pub(crate) fn forget(&mut self, id: StreamId) {
        self.readers.remove(&id);
        self.writers.remove(&id);
    }

    fn wake(&mut self, event: Event) {
        match event {
            Event::Incoming => self.acceptor.take().into_iter().for_each(Waker::wake),
            Event::MayOpen => self.openers.drain(..).for_each(Waker::wake),
            Event::Readable(id) => self.readers.remove(&id).into_iter().for_each(Waker::wake),
            Event::Writable(id) => self.writers.remove(&id).into_iter().for_each(Waker::wake),
            Event::Over => {
                self.acceptor.take().into_iter().for_each(Waker::wake);
                self.openers.drain(..).for_each(Waker::wake);
                self.readers.drain().for_each(|(_, reader)| reader.wake());
                self.writers.drain().for_each(|(_, writer)| writer.wake());
            }
        }
    }
}
