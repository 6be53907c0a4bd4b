//! Absences: how often a visitor came back, so that the team is told once that he is away and once more when he has left again.
//!
//! In memory alone. What is forgotten by a restart costs at most a line that is not said: whoever says it names it by what is
//! counted here, and the store takes each name once.

use std::{
    collections::HashMap,
    sync::{Mutex, PoisonError},
};

use shared::ConversationId;

use crate::record::Presence;

/// Conversations whose visitor was away. An i-Reserve that says so of all of them does not fill our memory.
const MOST: usize = 10_000;

#[derive(Debug, Default)]
pub(super) struct Absences(Mutex<HashMap<ConversationId, Absence>>); // plain: held for one count, never across an await

#[derive(Debug, Default)]
struct Absence {
    away: bool,
    returns: u32,
}

impl Absences {
    /// Takes down where the visitor is, and says how often he had come back before.
    pub(super) fn note(&self, conversation: &ConversationId, presence: Presence) -> u32 {
        let mut known = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        let here = presence == Presence::Delivered;
        if !known.contains_key(conversation) {
            // Whoever was never away has not come back.
            if here {
                return 0;
            }
            if known.len() >= MOST {
                known.clear();
            }
        }
        let absence = known.entry(conversation.clone()).or_default();
        if here && absence.away {
            absence.returns = absence.returns.saturating_add(1);
        }
        absence.away = !here;
        absence.returns
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_absence_ends_when_a_reply_reaches_the_visitor() {
        let absences = Absences::default();
        let conversation: ConversationId = "conv".parse().unwrap();
        let notes = [
            (Presence::Delivered, 0),
            (Presence::Offline, 0),
            (Presence::Offline, 0),
            (Presence::Delivered, 1),
            (Presence::Delivered, 1),
            (Presence::Closed, 1),
            (Presence::Delivered, 2),
        ];
        for (at, (presence, wanted)) in notes.into_iter().enumerate() {
            assert_eq!(absences.note(&conversation, presence), wanted, "note {at}");
        }
    }

    #[test]
    fn absences_without_end_fill_no_memory() {
        let absences = Absences::default();
        for n in 0..=MOST {
            let conversation = format!("c{n}").parse().unwrap();
            let _ = absences.note(&conversation, Presence::Offline);
        }
        assert!(absences.0.lock().unwrap().len() <= MOST);
    }
}
