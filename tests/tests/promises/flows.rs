//! What the vendors send of one attempt, and every order and repetition in which it may arrive.
//!
//! The bodies are those under `events/`, as those of an attempt with an id of its own: so hundreds of attempts go the same way on one bundle,
//! and what they come to can be compared.

use bytes::Bytes;
use serde_json::{Value, json};
use shared::attempt::State;
use shared::event::Event;
use shared::key::{EventKey, ItemKey, attempt_partition};
use shared::person::HashKey;
use shared::secrets::SecretText;
use shared::timestamp::Timestamp;
use std::collections::BTreeMap;
use tests::environment::variable;
use tests::stage::payload;

/// The key that people are hashed with, so that Testlify's attempts are known by name.
pub const HASH_KEY: &str = "the-key-of-all-orders";
/// One attempt is one person's; the payloads are of several.
const EMAIL: &str = "candidate@example.com";
const INTERVIEW: &str = "8ede1f10-b176-4a0e-a711-84e0ec876ed6";
const PERSON: &str = "e2fb41a9-064e-4666-b605-b6eb2eba88b3";

/// A body that is sent in the course of an attempt.
#[derive(Clone, Debug)]
pub struct Said {
    /// Which of the source's ways in it takes.
    pub version: &'static str,
    /// The payload, as its file is named.
    pub name: &'static str,
}

/// What one vendor sends of one attempt, in the order in which it happens.
#[derive(Clone, Debug)]
pub struct Flow {
    /// The source.
    pub source: &'static str,
    /// The bodies.
    pub said: Vec<Said>,
    /// Those among them of which the one that was heard last counts, since neither rank nor stage nor a time of the vendor's
    /// tells them apart.
    pub last_counts: Vec<&'static str>,
}

/// The flows that are documented. None is longer than five.
pub fn all() -> Vec<Flow> {
    vec![
        Flow::of("imocha", "", &["in-progress", "complete"]),
        Flow::of("imocha", "", &["in-progress", "terminated", "test-left"])
            .whose_last_counts(&["terminated", "test-left"]),
        Flow::of("jobmojito", "", &["ongoing", "collected"])
            .whose_last_counts(&["ongoing", "collected"]),
        Flow::of("jobmojito", "", &["collected", "submitted", "selected"])
            .whose_last_counts(&["submitted", "selected"]),
        Flow::of("jobmojito", "", &["ongoing", "submitted", "archived"]),
        Flow::of("jobmojito", "", &["collected", "submitted", "rejected"])
            .whose_last_counts(&["submitted", "rejected"]),
        Flow::of("jobmojito", "", &["ongoing", "abandoned"])
            .whose_last_counts(&["ongoing", "abandoned"]),
        Flow::of("jobmojito", "", &["ongoing", "terminated-no-speech"])
            .whose_last_counts(&["ongoing", "terminated-no-speech"]),
        Flow::of("jobmojito", "", &["ongoing", "failed", "active-failed"]),
        Flow::of(
            "testlify",
            "v1",
            &[
                "invited",
                "enrolled",
                "in-progress",
                "completed",
                "score-updated",
            ],
        ),
        Flow::of(
            "testlify",
            "v1",
            &["invited", "invitation-expired", "in-progress"],
        ),
        Flow::of(
            "testlify",
            "v1",
            &["enrolled", "in-progress", "disqualified"],
        ),
        Flow::of("testlify", "v2", &["enrolled", "in-progress", "completed"]),
        Flow::of(
            "testlify",
            "v2",
            &["enrolled", "in-progress", "disqualified"],
        ),
        Flow::xobin(),
    ]
}

impl Flow {
    /// Of these payloads, by one way in.
    pub fn of(source: &'static str, version: &'static str, names: &[&'static str]) -> Self {
        let said = names.iter().map(|name| Said { version, name });
        Self {
            source,
            said: said.collect(),
            last_counts: Vec::new(),
        }
    }

    /// Xobin's, whose path says what a body is.
    pub fn xobin() -> Self {
        let said = ["start", "submission"].map(|name| Said {
            version: name,
            name,
        });
        Self {
            said: said.into(),
            ..Self::of("xobin", "", &[])
        }
    }

    fn whose_last_counts(mut self, names: &[&'static str]) -> Self {
        self.last_counts = names.to_vec();
        self
    }

    /// What the vendor calls the attempt with this number.
    pub fn id(&self, number: u64) -> String {
        match self.source {
            "jobmojito" => format!("912ff898-2e65-4a31-8ff5-{number:012x}"),
            "testlify" => format!("{number:024x}"),
            _ => number.to_string(),
        }
    }

    /// The attempt with this number, as it is called here.
    pub fn attempt(&self, number: u64) -> String {
        let id = self.id(number);
        if self.source != "testlify" {
            return id;
        }
        format!("{id}.{}", people().hash(EMAIL))
    }

    /// Where everything about it lies.
    pub fn partition(&self, number: u64) -> String {
        attempt_partition(self.source, &self.attempt(number))
    }

    /// What is sent of the attempt with this number.
    pub fn body(&self, said: usize, number: u64) -> Bytes {
        let Said { version, name } = self.said[said];
        let file = match self.source {
            "testlify" => format!("testlify/{version}-{name}.json"),
            source => format!("{source}/{name}.json"),
        };
        let mut body: Value = serde_json::from_slice(&payload(&file)).unwrap();
        for (field, value) in self.fields(number) {
            if let Some(place) = body.pointer_mut(field) {
                *place = value;
            }
        }
        body.to_string().into()
    }

    /// What makes a payload that of an attempt, wherever it has it.
    fn fields(&self, number: u64) -> Vec<(&'static str, Value)> {
        let id = self.id(number);
        match self.source {
            "imocha" => vec![
                ("/TestInvitationId", json!(number)),
                ("/CandidateEmailId", json!(EMAIL)),
            ],
            "jobmojito" => vec![
                ("/id", json!(id)),
                ("/interview_id", json!(INTERVIEW)),
                ("/profile_interview_id", json!(PERSON)),
            ],
            "testlify" => vec![
                ("/data/assessmentId", json!(id)),
                ("/data/assessment/id", json!(id)),
                ("/data/email", json!(EMAIL)),
                ("/data/candidate/email", json!(EMAIL)),
            ],
            _ => vec![("/id", json!(number)), ("/report_id", json!(number))],
        }
    }

    /// Where the event lies that it is, however often it comes.
    pub fn event(&self, said: usize, number: u64) -> ItemKey {
        let version = self.said[said].version;
        let key = match (self.source, version) {
            ("testlify", "v2") => EventKey::from_delivery_id(&delivery_id(said, number)),
            ("xobin", kind) => EventKey::from_body(Some(kind), &self.body(said, number)),
            _ => EventKey::from_body(None, &self.body(said, number)),
        };
        let event = Event::of_attempt(self.attempt(number), None, None);
        ItemKey::of_event(self.source, &event, &key, Timestamp::EPOCH)
    }

    /// The orders in which it arrives where each costs something: of two and of three events all with at most one repeat. Of more every
    /// permutation, with one of its events twice, another one each time; `ORDERS=all` has all of these, too: of five, 1,920.
    pub fn orders(&self) -> Vec<Vec<usize>> {
        let kinds = self.said.len();
        match variable::<String>("ORDERS").as_deref() {
            Some("all") => arrangements(kinds, 1),
            Some(other) => panic!("ORDERS is `all` or not there, and not `{other}`"),
            None if kinds <= 3 => arrangements(kinds, 1),
            None => permutations_with_a_repeat(kinds),
        }
    }

    /// Which of those was heard last of which the last counts.
    pub fn last_word(&self, order: &[usize]) -> Option<&'static str> {
        let names = order.iter().rev().map(|said| self.said[*said].name);
        names
            .into_iter()
            .find(|name| self.last_counts.contains(name))
    }
}

/// What a vendor calls the delivery of a body of this attempt, where it gives it an id.
pub fn delivery_id(said: usize, number: u64) -> String {
    format!("msg_{number}_{said}")
}

/// The key as the functions have it.
pub fn people() -> HashKey {
    HashKey::from(SecretText::from(HASH_KEY.to_owned()))
}

/// Where an attempt stands and who says so, in words that are the same for each attempt that stands there: `names` are its events' by
/// their sort keys.
pub fn in_words(state: &State, id: &str, names: &BTreeMap<String, &str>) -> String {
    let mut words = serde_json::to_string(state).unwrap();
    for (sk, name) in names {
        words = words.replace(sk, name);
    }
    words.replace(id, "the attempt")
}

/// Every sequence of `0..kinds` that has each of them and at most so many repeats.
pub fn arrangements(kinds: usize, most_repeats: usize) -> Vec<Vec<usize>> {
    let mut all = Vec::new();
    for length in kinds..=kinds + most_repeats {
        extend(&mut Vec::new(), kinds, length, &mut all);
    }
    all
}

fn extend(begun: &mut Vec<usize>, kinds: usize, length: usize, all: &mut Vec<Vec<usize>>) {
    let missing = (0..kinds).filter(|kind| !begun.contains(kind)).count();
    let left = length - begun.len();
    if missing > left {
        return;
    }
    if left == 0 {
        all.push(begun.clone());
        return;
    }
    for kind in 0..kinds {
        begun.push(kind);
        extend(begun, kinds, length, all);
        begun.pop();
    }
}

/// Every permutation, each with one of its own again somewhere in it.
fn permutations_with_a_repeat(kinds: usize) -> Vec<Vec<usize>> {
    let permutations = arrangements(kinds, 0).into_iter().enumerate();
    let with_a_repeat = permutations.map(|(nth, mut order)| {
        order.insert(nth * 7 % (kinds + 1), nth % kinds);
        order
    });
    with_a_repeat.collect()
}

#[test]
fn every_order_is_there_once() {
    assert_eq!(arrangements(2, 1).len(), 2 + 6);
    assert_eq!(arrangements(3, 1).len(), 6 + 36);
    assert_eq!(arrangements(5, 1).len(), 120 + 1800);
    let mut all = arrangements(4, 2);
    let count = all.len();
    all.sort();
    all.dedup();
    assert_eq!(all.len(), count);
    let repeated = permutations_with_a_repeat(5);
    assert_eq!(repeated.len(), 120);
    assert!(repeated.iter().all(|order| order.len() == 6));
}
