//! What iMocha knows of our account, and what it makes of the ids that it is asked for.

use std::collections::{BTreeMap, BTreeSet};

use bytes::Bytes;
use serde_json::{Map, Value, json};

/// "At a time only 100 records will be processed."
pub(super) const MOST_IDS: usize = 100;

/// The attempts that are ours, and what was asked of them.
#[derive(Debug, Default)]
pub(super) struct Account {
    callbacks: BTreeMap<i64, Bytes>,
    failures_left: BTreeMap<i64, usize>,
    calls: Vec<Vec<i64>>,
    invites: BTreeMap<i64, Invite>,
    reported: BTreeMap<i64, Map<String, Value>>,
    hides_foreign: bool,
    foreign_report: ForeignReport,
    silent: BTreeSet<i64>,
    listings: usize,
}

/// What is answered whoever wants the report of an attempt that is not ours. iMocha documents 404; integrators have seen 401.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum ForeignReport {
    /// 404.
    #[default]
    NotFound,
    /// 401 that names the attempt.
    Named,
    /// 401 that names nobody, as for a key that is not accepted.
    Unnamed,
}

/// What Retrieve Invites knows of an attempt.
#[derive(Debug)]
struct Invite {
    state: String,
    /// Like `2026-01-15T10:00:00Z`: such texts sort as times do.
    at: String,
}

/// What Process Callbacks came to.
pub(super) enum Processed {
    /// More ids than it takes.
    TooMany,
    /// Some are not ours, and so nothing is queued: these, or it is not said which.
    Foreign(Vec<i64>),
    /// What is in `successful` is called back; but for those that are promised and never are.
    Queued {
        successful: Vec<i64>,
        callbacks: Vec<Bytes>,
        failed: Vec<i64>,
    },
}

impl Account {
    pub(super) fn remember(&mut self, id: i64, callback: Bytes) {
        self.callbacks.insert(id, callback);
    }

    pub(super) fn fail(&mut self, id: i64, times: usize) {
        self.failures_left.insert(id, times);
    }

    pub(super) fn hide_foreign(&mut self, hides: bool) {
        self.hides_foreign = hides;
    }

    pub(super) fn answer_foreign_reports(&mut self, how: ForeignReport) {
        self.foreign_report = how;
    }

    pub(super) const fn foreign_report(&self) -> ForeignReport {
        self.foreign_report
    }

    pub(super) fn keep_silent(&mut self, id: i64) {
        self.silent.insert(id);
    }

    pub(super) fn invite(&mut self, id: i64, state: &str, at: &str) {
        let (state, at) = (state.to_owned(), at.to_owned());
        self.invites.insert(id, Invite { state, at });
    }

    pub(super) fn report(&mut self, id: i64, field: &str, value: Value) {
        let fields = self.reported.entry(id).or_default();
        fields.insert(field.to_owned(), value);
    }

    /// What the attempt's report says otherwise than its callback.
    pub(super) fn reported(&self, id: i64) -> Map<String, Value> {
        self.reported.get(&id).cloned().unwrap_or_default()
    }

    pub(super) fn listings(&self) -> usize {
        self.listings
    }

    /// The invites of this state from `start` on and before `end`.
    pub(super) fn list(&mut self, state: &str, start: &str, end: &str) -> Vec<Value> {
        self.listings += 1;
        let listed = self.invites.iter().filter(|(_, invite)| {
            invite.state == state && *start <= *invite.at && *invite.at < *end
        });
        let element = |id: &i64| {
            json!({
                "testInvitationId": id, "testId": 292_930, "name": format!("Candidate {id}"),
                "email": format!("candidate.{id}@example.com"), "invitationtype": "api", "testStatus": word(state),
            })
        };
        listed.map(|(id, _)| element(id)).collect()
    }

    pub(super) fn calls(&self) -> Vec<Vec<i64>> {
        self.calls.clone()
    }

    pub(super) fn body(&self, id: i64) -> Option<Bytes> {
        self.callbacks.get(&id).cloned()
    }

    pub(super) fn process(&mut self, ids: &[i64]) -> Processed {
        self.calls.push(ids.to_vec());
        if ids.len() > MOST_IDS {
            return Processed::TooMany;
        }
        let (ours, foreign): (Vec<i64>, Vec<i64>) =
            ids.iter().partition(|id| self.callbacks.contains_key(id));
        if !foreign.is_empty() {
            let named = if self.hides_foreign { vec![] } else { foreign };
            return Processed::Foreign(named);
        }
        let (failed, successful): (Vec<i64>, Vec<i64>) =
            ours.into_iter().partition(|id| self.fails(*id));
        let spoken = successful.iter().filter(|id| !self.silent.contains(id));
        let callbacks = spoken.filter_map(|id| self.body(*id)).collect();
        Processed::Queued {
            successful,
            callbacks,
            failed,
        }
    }

    /// Counts the failures that were asked for down.
    fn fails(&mut self, id: i64) -> bool {
        match self.failures_left.get_mut(&id) {
            Some(left) if *left > 0 => {
                *left -= 1;
                true
            }
            _ => false,
        }
    }
}

/// The status that a state is in an element of the list.
fn word(state: &str) -> String {
    let (first, rest) = state.split_at_checked(1).unwrap_or_default();
    format!("{}{rest}", first.to_uppercase())
}
