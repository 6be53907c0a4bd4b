//! What the scripted server answers, and what it was asked.

use std::collections::HashMap;
use std::sync::{Arc, Mutex, PoisonError};

use gob::Gob;

use crate::rpc::server::{Answer, Service, Work};

type Respond = dyn Fn(&mut gob::Decoder) -> Result<Box<dyn Answer>, gob::Error> + Send + Sync;

#[derive(Default)]
pub(super) struct Script {
    // Plain: held for a look-up, never across an await.
    answers: Mutex<HashMap<String, Arc<Respond>>>,
    calls: Mutex<Vec<String>>,
}

impl std::fmt::Debug for Script {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Script")
            .field("calls", &self.calls())
            .finish_non_exhaustive()
    }
}

impl Script {
    pub(super) fn answer<A, R>(
        &self,
        method: &str,
        respond: impl Fn(A) -> R + Send + Sync + 'static,
    ) where
        A: Gob + 'static,
        R: Gob + Send + 'static,
    {
        let respond = move |decoder: &mut gob::Decoder| -> Result<Box<dyn Answer>, gob::Error> {
            Ok(Box::new(respond(decoder.decode()?)))
        };
        let mut answers = self.answers.lock().unwrap_or_else(PoisonError::into_inner);
        answers.insert(method.to_owned(), Arc::new(respond));
    }

    pub(super) fn calls(&self) -> Vec<String> {
        self.calls
            .lock()
            .unwrap_or_else(PoisonError::into_inner)
            .clone()
    }
}

impl Service for Script {
    fn take(
        self: &Arc<Self>,
        method: &str,
        decoder: &mut gob::Decoder,
    ) -> Result<Option<Work>, gob::Error> {
        let name = method.strip_prefix("Plugin.").unwrap_or(method);
        let respond = self
            .answers
            .lock()
            .unwrap_or_else(PoisonError::into_inner)
            .get(name)
            .cloned();
        let answer = match respond {
            Some(respond) => Some(respond(decoder)?),
            None => {
                decoder.skip()?;
                None
            }
        };
        self.calls
            .lock()
            .unwrap_or_else(PoisonError::into_inner)
            .push(name.to_owned());
        Ok(answer.map(|answer| -> Work { Box::pin(async { Ok(answer) }) }))
    }
}
