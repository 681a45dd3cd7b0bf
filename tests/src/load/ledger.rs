//! What the vendors were told that was accepted, held against what is stored.

use shared::key::EventId;
use std::collections::BTreeMap;

/// What was told of each webhook, by its number.
#[derive(Debug, Default)]
pub struct Ledger(BTreeMap<u64, Entry>);

#[derive(Debug)]
struct Entry {
    sha256: String,
    /// How often each event was told to be what it is: there is to be one.
    events: BTreeMap<String, u64>,
    /// How often it was told to be new.
    new: u64,
}

/// An event as it is stored.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Stored {
    /// How often it came.
    pub deliveries: u64,
    /// Of the exact bytes, in hex.
    pub sha256: String,
}

/// What is wrong, in words; nothing, if all is as it has to be.
#[derive(Debug, Default, PartialEq, Eq)]
pub struct Wrong {
    /// What was accepted and is not stored as it came, or is not what follows from it.
    pub lost: Vec<String>,
    /// What is there more than once.
    pub doubled: Vec<String>,
}

impl Ledger {
    /// A webhook with a body of this SHA-256 was accepted.
    pub fn accepted(&mut self, webhook: u64, sha256: &str, event: &EventId, new: bool) {
        let entry = self.0.entry(webhook).or_insert_with(|| Entry {
            sha256: sha256.to_owned(),
            events: BTreeMap::new(),
            new: 0,
        });
        *entry.events.entry(event.to_string()).or_default() += 1;
        entry.new += u64::from(new);
    }

    /// How many webhooks were accepted, however often each.
    #[must_use]
    pub fn webhooks(&self) -> usize {
        self.0.len()
    }

    /// Compares with every event that is stored, by id.
    #[must_use]
    pub fn compare(&self, stored: &BTreeMap<String, Stored>) -> Wrong {
        let mut wrong = Wrong::default();
        let mut told = 0;
        for (number, entry) in &self.0 {
            told += entry.events.len();
            if entry.events.len() > 1 || entry.new > 1 {
                wrong
                    .doubled
                    .push(format!("the webhook {number}: {entry:?}"));
            }
            for (id, accepted) in &entry.events {
                wrong
                    .lost
                    .extend(lost(id, *accepted, &entry.sha256, stored));
            }
        }
        if stored.len() > told {
            let more = stored.len() - told;
            wrong
                .doubled
                .push(format!("{more} events that nobody was told of"));
        }
        wrong
    }
}

/// A delivery that was stored and not answered in time counts as well: there may be more than were accepted.
fn lost(
    id: &str,
    accepted: u64,
    sha256: &str,
    stored: &BTreeMap<String, Stored>,
) -> Option<String> {
    match stored.get(id) {
        None => Some(format!("{id} is not stored")),
        Some(it) if it.sha256 != sha256 => Some(format!("{id} is stored with other bytes")),
        Some(it) if it.deliveries < accepted => Some(format!(
            "{id} counts {} deliveries of {accepted}",
            it.deliveries
        )),
        Some(_) => None,
    }
}

impl Wrong {
    /// Takes in what else is wrong.
    pub fn add(&mut self, other: Self) {
        self.lost.extend(other.lost);
        self.doubled.extend(other.doubled);
    }

    /// Whether nothing is.
    #[must_use]
    pub fn is_nothing(&self) -> bool {
        self.lost.is_empty() && self.doubled.is_empty()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn id(number: u8) -> EventId {
        format!("imocha.{number:032x}").parse().unwrap()
    }

    fn stored(events: &[(&EventId, u64, &str)]) -> BTreeMap<String, Stored> {
        let events = events.iter().map(|(id, deliveries, sha256)| {
            let stored = Stored {
                deliveries: *deliveries,
                sha256: (*sha256).to_owned(),
            };
            (id.to_string(), stored)
        });
        events.collect()
    }

    #[test]
    fn what_is_stored_once_and_counted_is_neither_lost_nor_doubled() {
        let mut ledger = Ledger::default();
        ledger.accepted(1, "a", &id(1), true);
        ledger.accepted(1, "a", &id(1), false);
        ledger.accepted(2, "b", &id(2), true);
        assert_eq!(ledger.webhooks(), 2);
        // The second came once more, and nobody heard the answer.
        let wrong = ledger.compare(&stored(&[(&id(1), 2, "a"), (&id(2), 2, "b")]));
        assert!(wrong.is_nothing(), "{wrong:?}");
    }

    #[test]
    fn what_is_gone_or_another_or_counted_too_seldom_is_lost() {
        let mut ledger = Ledger::default();
        for number in 1..=3 {
            ledger.accepted(number.into(), "a", &id(number), true);
            ledger.accepted(number.into(), "a", &id(number), false);
        }
        let wrong = ledger.compare(&stored(&[(&id(1), 2, "z"), (&id(2), 1, "a")]));
        assert_eq!(wrong.lost.len(), 3, "{wrong:?}");
        assert_eq!(wrong.doubled, Vec::<String>::new());
    }

    #[test]
    fn what_has_two_events_or_is_new_twice_or_was_told_to_nobody_is_doubled() {
        let mut ledger = Ledger::default();
        ledger.accepted(1, "a", &id(1), true);
        ledger.accepted(1, "a", &id(2), true);
        ledger.accepted(2, "b", &id(3), true);
        ledger.accepted(2, "b", &id(3), true);
        let all = [
            (&id(1), 1, "a"),
            (&id(2), 1, "a"),
            (&id(3), 2, "b"),
            (&id(4), 1, "c"),
        ];
        let wrong = ledger.compare(&stored(&all));
        assert_eq!(wrong.doubled.len(), 3, "{wrong:?}");
        assert_eq!(wrong.lost, Vec::<String>::new());
    }
}
