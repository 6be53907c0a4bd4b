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
    /// Those to wake when the lock is given back.
    woken: Vec<Waker>,
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
        let woken = state.woken();
        // Outside the lock: whoever wakes up comes here first, and an executor may run it at once.
        drop(state);
        woken.into_iter().for_each(Waker::wake);
        result
    }
}

impl State {
    fn woken(&mut self) -> Vec<Waker> {
        while let Some(event) = self.session.next_event() {
            self.waiting.wake(event);
        }
        if self.session.has_output() || self.closing || self.session.failure().is_some() {
            self.waiting.wake_driver();
        }
        std::mem::take(&mut self.waiting.woken)
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

    pub(crate) fn wake_driver(&mut self) {
        self.woken.extend(self.driver.take());
    }

    fn wake(&mut self, event: Event) {
        match event {
            Event::Incoming => self.woken.extend(self.acceptor.take()),
            Event::MayOpen => self.woken.append(&mut self.openers),
            Event::Readable(id) => self.woken.extend(self.readers.remove(&id)),
            Event::Writable(id) => self.woken.extend(self.writers.remove(&id)),
            Event::Over => {
                self.woken.extend(self.acceptor.take());
                self.woken.append(&mut self.openers);
                self.woken
                    .extend(self.readers.drain().map(|(_, reader)| reader));
                self.woken
                    .extend(self.writers.drain().map(|(_, writer)| writer));
            }
        }
    }
}
