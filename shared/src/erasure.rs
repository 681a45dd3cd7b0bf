//! Who is to be erased, and what of an event is theirs.
//!
//! A person is known by an e-mail address, or by the id that the hiring company gave them; never by a name, which several have.
//! Nothing is read or written here: that is [`crate::store::Table`]'s, and who drives it is the worker and `hooks erase`.

mod readings;

use crate::event::{Candidate, Event, Kind};
use crate::person::HashKey;
use readings::each_reading;
use serde_json::Value;
use std::collections::BTreeSet;
use std::fmt;
use std::ops::ControlFlow;

/// What stands where an address stood.
const MASK: &str = "[erased]";
/// What of an event is where it lies, and not what it says.
const PLACE: [&str; 2] = ["attempt", "id"];
/// What a local part may hold besides letters and digits, as far as vendors' addresses go.
const OF_LOCAL_PART: [char; 6] = ['.', '_', '%', '+', '-', '\''];
const OF_DOMAIN: [char; 2] = ['.', '-'];

/// A person to be erased. `Debug` shows the keyed hash alone.
#[derive(Clone)]
pub struct Person {
    /// Without space around it, in lower case: as people are hashed.
    known_by: String,
    key: String,
}

/// A text that is no e-mail address. It is not quoted.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("that is no e-mail address")]
pub struct InvalidAddress;

/// A text that says nothing.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("an id is not empty")]
pub struct EmptyId;

impl Person {
    /// Who has this address, however it is written.
    pub fn by_email(address: &str, people: &HashKey) -> Result<Self, InvalidAddress> {
        let (local, domain) = address.trim().rsplit_once('@').ok_or(InvalidAddress)?;
        let is_one = !local.is_empty()
            && !domain.is_empty()
            && !address.trim().contains(char::is_whitespace);
        is_one
            .then(|| Self::known_by(address, people))
            .ok_or(InvalidAddress)
    }

    /// Who has this id at the hiring company.
    pub fn by_external_id(id: &str, people: &HashKey) -> Result<Self, EmptyId> {
        if id.trim().is_empty() {
            return Err(EmptyId);
        }
        Ok(Self::known_by(id, people))
    }

    fn known_by(text: &str, people: &HashKey) -> Self {
        Self {
            known_by: normalised(text),
            key: people.hash(text),
        }
    }

    /// The keyed hash that the person is called by.
    #[must_use]
    pub fn key(&self) -> &str {
        &self.key
    }

    /// Whether this is the person.
    #[must_use]
    pub fn is(&self, candidate: &Candidate) -> bool {
        let mut words = words(candidate);
        words.any(|word| normalised(word) == self.known_by)
    }

    /// Whether these bytes name the person by the address. An id may be any word, and is not looked for in a text.
    #[must_use]
    pub fn is_named_in(&self, bytes: &[u8]) -> bool {
        if !self.known_by.contains('@') {
            return false;
        }
        let says_so = |text: &str| in_text(text).any(|address| address == self.known_by);
        // One that is written as no other is may not be told from what stands around it.
        let is_odd = !says_so(&self.known_by);
        let named = each_reading(bytes, |text| {
            if says_so(text) || is_odd && text.to_lowercase().contains(&self.known_by) {
                return ControlFlow::Break(());
            }
            ControlFlow::Continue(())
        });
        named.is_break()
    }

    /// The event without the address, if it names it: each text that does is gone as a whole.
    #[must_use]
    pub fn gone_from(&self, event: &Event) -> Option<Event> {
        let before = serde_json::to_value(event).ok()?;
        let mut after = before.clone();
        self.mask(&mut after);
        if after == before {
            return None;
        }
        serde_json::from_value(after).ok()
    }

    fn mask(&self, value: &mut Value) {
        match value {
            Value::String(text) if self.is_named_in(text.as_bytes()) => MASK.clone_into(text),
            Value::Array(values) => values.iter_mut().for_each(|value| self.mask(value)),
            Value::Object(fields) => {
                let words = fields
                    .iter_mut()
                    .filter(|(name, _)| !PLACE.contains(&name.as_str()));
                words.for_each(|(_, value)| self.mask(value));
            }
            _ => {}
        }
    }
}

impl fmt::Debug for Person {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(formatter, "Person({})", self.key)
    }
}

/// The keyed hashes that a candidate may have been erased by.
#[must_use]
pub fn keys_of(candidate: &Candidate, people: &HashKey) -> BTreeSet<String> {
    words(candidate).map(|word| people.hash(word)).collect()
}

fn words(candidate: &Candidate) -> impl Iterator<Item = &String> {
    [&candidate.email, &candidate.external_id]
        .into_iter()
        .flatten()
}

/// What is left of an event that was erased: that it came, and where it lies.
#[must_use]
pub fn erased(event: &Event) -> Event {
    Event {
        attempt: event.attempt.clone(),
        ..Event::new(Kind::Erased)
    }
}

/// The e-mail addresses in a body, in lower case: as they stand there, as JSON escapes them, as links do, and beneath what the whole body is wrapped in.
/// No more than so `many` different ones are looked for.
#[must_use]
pub fn addresses(bytes: &[u8], many: usize) -> BTreeSet<String> {
    let mut found = BTreeSet::new();
    let _ = each_reading(bytes, |text| {
        for address in in_text(text) {
            if found.len() >= many {
                return ControlFlow::Break(());
            }
            found.insert(address);
        }
        ControlFlow::Continue(())
    });
    found
}

fn in_text(text: &str) -> impl Iterator<Item = String> {
    text.match_indices('@')
        .filter_map(|(at, _)| around(text, at))
}

fn around(text: &str, at: usize) -> Option<String> {
    let (before, after) = (text.get(..at)?, text.get(at + 1..)?);
    let begins = before
        .char_indices()
        .rev()
        .take_while(|(_, it)| it.is_alphanumeric() || OF_LOCAL_PART.contains(it))
        .last()?
        .0;
    let local = before.get(begins..)?.trim_start_matches(['.', '\'']);
    let is_other = |it: char| !it.is_alphanumeric() && !OF_DOMAIN.contains(&it);
    let domain = after.split(is_other).next()?.trim_end_matches(OF_DOMAIN);
    (!local.is_empty() && !domain.is_empty()).then(|| normalised(&format!("{local}@{domain}")))
}

fn normalised(text: &str) -> String {
    text.trim().to_lowercase()
}

#[cfg(test)]
mod tests;
