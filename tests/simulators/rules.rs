//! Faults that apply now and then: which call, when, and what.

use std::collections::VecDeque;

use crate::random::Random;

/// How often a rule applies.
#[derive(Debug, Clone, Copy, PartialEq)]
pub enum When {
    /// To the next so many calls, then never again.
    Next(u32),
    /// To each call with this probability.
    Chance(f64),
    /// To the first `hits` of every `of` calls.
    Cycle {
        /// How many of a round are hit.
        hits: u32,
        /// How many calls a round has.
        of: u32,
    },
    /// Until the rules are cleared.
    Always,
}

#[derive(Debug)]
struct Rule<F> {
    call: String,
    when: When,
    calls: u32,
    fault: F,
}

/// A list of rules. The first that fits and is due decides.
#[derive(Debug)]
pub(crate) struct Rules<F>(VecDeque<Rule<F>>);

impl<F> Default for Rules<F> {
    fn default() -> Self {
        Self(VecDeque::new())
    }
}

impl<F: Clone> Rules<F> {
    /// `call` is a call's whole name, or its beginning and `*`.
    pub(crate) fn add(&mut self, call: &str, when: When, fault: F) {
        self.0.push_back(Rule {
            call: call.to_owned(),
            when,
            calls: 0,
            fault,
        });
    }

    pub(crate) fn clear(&mut self) {
        self.0.clear();
    }

    /// The fault of a call that begins now.
    pub(crate) fn decide(&mut self, call: &str, random: &Random) -> Option<F> {
        let found = self
            .0
            .iter_mut()
            .position(|rule| fits(&rule.call, call) && rule.is_due(random))?;
        let rule = &mut self.0[found];
        let fault = rule.fault.clone();
        if let When::Next(left) = &mut rule.when {
            *left = left.saturating_sub(1);
            if *left == 0 {
                self.0.remove(found);
            }
        }
        Some(fault)
    }
}

impl<F> Rule<F> {
    fn is_due(&mut self, random: &Random) -> bool {
        let call = self.calls;
        self.calls = self.calls.wrapping_add(1);
        match self.when {
            When::Next(left) => left > 0,
            When::Always => true,
            When::Chance(p) => random.chance(p),
            When::Cycle { hits, of } => call % of.max(1) < hits,
        }
    }
}

fn fits(rule: &str, call: &str) -> bool {
    match rule.split_once('*') {
        Some((start, _)) => call.starts_with(start),
        None => rule == call,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn hits(when: When, calls: usize) -> Vec<bool> {
        let mut rules = Rules::default();
        rules.add("POST *", when, ());
        let random = Random::seeded(7);
        (0..calls)
            .map(|_| rules.decide("POST /posts", &random).is_some())
            .collect()
    }

    #[test]
    fn a_rule_for_the_next_two_calls_ends_after_two_calls_of_its_kind() {
        let mut rules = Rules::default();
        rules.add("POST /posts", When::Next(2), ());
        let random = Random::seeded(1);
        let seen: Vec<_> = ["GET /x", "POST /posts", "POST /posts", "POST /posts"]
            .into_iter()
            .map(|call| rules.decide(call, &random).is_some())
            .collect();
        assert_eq!(seen, [false, true, true, false]);
    }

    #[test]
    fn a_cycle_hits_two_of_three() {
        assert_eq!(
            hits(When::Cycle { hits: 2, of: 3 }, 6),
            [true, true, false, true, true, false]
        );
    }

    #[test]
    fn chance_hits_about_as_often_as_it_says() {
        let count = hits(When::Chance(0.3), 1_000)
            .into_iter()
            .filter(|hit| *hit)
            .count();
        assert!((240..=360).contains(&count), "{count} of 1000 at 0.3");
    }
}
