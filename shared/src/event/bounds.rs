//! How large a normalised event may be, so that it and the raw body fit a DynamoDB item together.
//!
//! The exact bytes are kept beside it, so what is cut here is not lost.

use super::Event;
use serde_json::{Map, Value};

/// The most that a normalised event takes as JSON, in bytes.
pub const MAX_EVENT_BYTES: usize = 64 * 1024;

const MAX_TEXT_CHARACTERS: usize = 1024;
/// As JSON, which writes a control character as six: the texts and the link alone must not be too much.
const MAX_LINK_BYTES: usize = 8 * 1024;
const MAX_DETAIL_CHARACTERS: usize = 16 * 1024;
/// How deep details may nest; JSON readers give up at 128.
const MOST_NESTED: usize = 32;
const DETAILS_OMITTED: &str = "details_omitted";

impl Event {
    /// The same event, cut to a size that is always stored: long texts end in `…`, and details that are still too much
    /// are left out with a note in their place.
    #[must_use]
    pub fn bounded(mut self) -> Self {
        self.bound_texts();
        for value in self.details.values_mut() {
            bound_value(value, MOST_NESTED);
        }
        if json_bytes(&self) > MAX_EVENT_BYTES {
            self.details = Map::from_iter([(DETAILS_OMITTED.to_owned(), Value::Bool(true))]);
        }
        self
    }

    fn bound_texts(&mut self) {
        let candidate = self.candidate.as_mut();
        let of_candidate =
            candidate.map(|it| [&mut it.id, &mut it.external_id, &mut it.email, &mut it.name]);
        let of_event = [&mut self.vendor_status, &mut self.problem];
        for text in of_event
            .into_iter()
            .chain(of_candidate.into_iter().flatten())
            .flatten()
        {
            cut(text, MAX_TEXT_CHARACTERS);
        }
        if let Some(assessment) = &mut self.assessment {
            cut(&mut assessment.id, MAX_TEXT_CHARACTERS);
            assessment
                .title
                .as_mut()
                .into_iter()
                .for_each(|title| cut(title, MAX_TEXT_CHARACTERS));
        }
        if let Some(attempt) = &mut self.attempt {
            // An id is not cut: two that differ at the end would become one.
            *attempt = crate::key::hashed_if_long(attempt, MAX_TEXT_CHARACTERS).into_owned();
        }
        if let Some(super::Report::Link { url, .. }) = &self.report
            && json_bytes(url) > MAX_LINK_BYTES
        {
            // Half a link is none.
            self.report = None;
        }
    }
}

fn json_bytes<T: serde::Serialize + ?Sized>(value: &T) -> usize {
    serde_json::to_vec(value).map_or(usize::MAX, |bytes| bytes.len())
}

/// `levels` is how much deeper the value may nest: what is stored must be read again, one level further down.
fn bound_value(value: &mut Value, levels: usize) {
    match value {
        Value::String(text) => cut(text, MAX_DETAIL_CHARACTERS),
        Value::Array(_) | Value::Object(_) if levels == 0 => *value = Value::Null,
        Value::Array(values) => values.iter_mut().for_each(|it| bound_value(it, levels - 1)),
        Value::Object(fields) => fields
            .values_mut()
            .for_each(|it| bound_value(it, levels - 1)),
        Value::Null | Value::Bool(_) | Value::Number(_) => {}
    }
}

fn cut(text: &mut String, characters: usize) {
    if let Some((end, _)) = text.char_indices().nth(characters) {
        text.truncate(end);
        text.push('…');
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::event::{Assessment, Candidate, Kind};

    #[test]
    fn an_event_of_a_megabyte_is_cut_to_what_is_stored() {
        let long = "ä".repeat(500_000);
        let mut event = Event::of_attempt(long.clone(), None, None);
        event.vendor_status = Some(long.clone());
        event.problem = Some(long.clone());
        event.assessment = Some(Assessment {
            id: long.clone(),
            title: Some(long.clone()),
        });
        event.candidate = Some(Candidate {
            id: Some(long.clone()),
            external_id: Some(long.clone()),
            email: Some(long.clone()),
            name: Some(long.clone()),
        });
        for name in ["a", "b", "c"] {
            event
                .details
                .insert(name.into(), Value::Array(vec![Value::String(long.clone())]));
        }
        let event = event.bounded();
        assert!(
            json_bytes(&event) <= MAX_EVENT_BYTES,
            "{}",
            json_bytes(&event)
        );
        assert_eq!(
            event.details,
            Map::from_iter([(DETAILS_OMITTED.into(), true.into())])
        );
    }

    #[test]
    fn texts_that_json_writes_longer_than_they_are_fit_as_well() {
        let long = "\u{1}".repeat(8 * 1024);
        let mut event = Event::of_attempt(long.clone(), None, None);
        event.vendor_status = Some(long.clone());
        event.problem = Some(long.clone());
        event.report = crate::event::Report::from_link(Some(&long), None);
        event.assessment = Some(Assessment {
            id: long.clone(),
            title: Some(long.clone()),
        });
        event.candidate = Some(Candidate {
            id: Some(long.clone()),
            external_id: Some(long.clone()),
            email: Some(long.clone()),
            name: Some(long),
        });
        let bytes = json_bytes(&event.bounded());
        assert!(bytes <= MAX_EVENT_BYTES, "{bytes}");
    }

    #[test]
    fn details_that_nest_too_deep_to_be_read_again_are_cut() {
        let mut deep = Value::from(1);
        for _ in 0..126 {
            deep = Value::Array(vec![deep]);
        }
        let mut event = Event::new(Kind::Unknown);
        event.details.insert("deep".into(), deep);
        let text = serde_json::to_string(&event.bounded()).unwrap();
        assert!(serde_json::from_str::<Event>(&text).is_ok());
    }

    #[test]
    fn an_ordinary_event_is_left_as_it_is() {
        let mut event = Event::new(Kind::Unknown);
        event.attempt = Some("a#b".into());
        event.details.insert("note".into(), "short".into());
        assert_eq!(event.clone().bounded(), event);
    }
}
