//! Where an attempt stands: a pure function of the events that are stored of it.
//!
//! *Progress* events are steps: the status is the furthest one, the newer between equals; score, decision and report are each
//! the newest word that any event has of them. *Snapshot* events show the whole attempt: the newest of the latest stage is
//! where it stands. "Newer" is the vendor's time where the event has one, else when it was last received, then the key. So
//! the order and number of messages never matter, and the order and number of deliveries only where neither ranks nor the
//! vendor's times tell two events apart.
//!
//! What was read from the vendor's API is *vouched for*, which a call that nobody signed is not: of the steps, it stands against
//! all that had come before it was read, however far that claims to be and however often it comes again. [`in_doubt`] says
//! when the API is to be asked.

mod doubt;

pub use doubt::in_doubt;

use crate::attempt::{Source as By, State};
use crate::event::{Assessment, Candidate, Event, Order, Report, Stage};
use crate::timestamp::Timestamp;

/// An event as it is stored: what it says, and when it was last heard.
#[derive(Clone, Debug, PartialEq)]
pub struct Heard {
    /// The sort key, unique in the attempt.
    pub sk: String,
    /// What it says.
    pub event: Event,
    /// When it was first received.
    pub first_received: Timestamp,
    /// When it was last received.
    pub last_received: Timestamp,
    /// Whether it was read from the vendor's API.
    pub vouched: bool,
}

impl Heard {
    fn age(&self) -> (Timestamp, &str) {
        (
            self.event.occurred_at.unwrap_or(self.last_received),
            &self.sk,
        )
    }

    fn stage(&self) -> Option<Stage> {
        match self.event.order {
            Order::Snapshot(stage) => Some(stage),
            Order::Progress => None,
        }
    }
}

/// Folds an attempt's events into its state. `None` if none of them says anything about where it stands.
#[must_use]
pub fn fold(events: &[Heard]) -> Option<State> {
    let mut by_age: Vec<&Heard> = events.iter().collect();
    by_age.sort_by_key(|heard| heard.age());
    let latest_stage = by_age.iter().filter_map(|heard| heard.stage()).max();
    let state = match latest_stage {
        Some(stage) => of_snapshots(
            by_age
                .iter()
                .copied()
                .filter(|it| it.stage() == Some(stage)),
        ),
        None => of_progress(&by_age),
    };
    let state = State {
        assessment: assessment(&by_age),
        candidate: candidate(&by_age),
        ..state
    };
    state.says_something().then_some(state)
}

fn of_snapshots<'a>(by_age: impl Iterator<Item = &'a Heard>) -> State {
    by_age.last().map(snapshot).unwrap_or_default()
}

fn snapshot(heard: &Heard) -> State {
    let event = &heard.event;
    let by = || By(heard.sk.clone());
    State {
        status: event.status.map(|status| (status, by())),
        vendor_status: event.vendor_status.clone(),
        decision: event.decision.map(|decision| (decision, by())),
        score: event.score.map(|score| (score, by())),
        report: event.report.clone().map(|report| (report, by())),
        assessment: None,
        candidate: None,
    }
}

fn of_progress(by_age: &[&Heard]) -> State {
    let standing = standing(by_age);
    let furthest = standing
        .iter()
        .filter_map(|heard| heard.event.status.map(|status| (status, heard)))
        // The last of equal ones is the newest, since they are in order of age.
        .max_by_key(|(status, _)| status.rank());
    State {
        status: furthest.map(|(status, heard)| (status, By(heard.sk.clone()))),
        vendor_status: furthest.and_then(|(_, heard)| heard.event.vendor_status.clone()),
        decision: newest(by_age, |event| event.decision),
        score: newest(&standing, |event| event.score)
            .or_else(|| newest(by_age, |event| event.score)),
        report: newest_report(by_age),
        assessment: None,
        candidate: None,
    }
}

/// What was read last, if it says how far the attempt is, and what came for the first time after that; everything, if nothing
/// was read.
fn standing<'a>(by_age: &[&'a Heard]) -> Vec<&'a Heard> {
    let Some(read) = last_read(by_age.iter().copied()) else {
        return by_age.to_vec();
    };
    let stands = |heard: &&&Heard| heard.sk == read.sk || heard.first_received > read.last_received;
    by_age.iter().filter(stands).copied().collect()
}

/// What was last read from the vendor's API of how far an attempt is.
fn last_read<'a>(events: impl Iterator<Item = &'a Heard>) -> Option<&'a Heard> {
    events
        .filter(|heard| heard.vouched && heard.event.status.is_some())
        .max_by_key(|heard| heard.last_received)
}

/// A link that one event has is not given up for a later one's word that there is a report somewhere.
fn newest_report(by_age: &[&Heard]) -> Option<(Report, By)> {
    let link = |event: &Event| {
        event
            .report
            .clone()
            .filter(|report| matches!(report, Report::Link { .. }))
    };
    newest(by_age, link).or_else(|| newest(by_age, |event| event.report.clone()))
}

fn newest<T>(by_age: &[&Heard], word: impl Fn(&Event) -> Option<T>) -> Option<(T, By)> {
    by_age
        .iter()
        .rev()
        .find_map(|heard| word(&heard.event).map(|it| (it, By(heard.sk.clone()))))
}

fn assessment(by_age: &[&Heard]) -> Option<Assessment> {
    let words = || {
        by_age
            .iter()
            .rev()
            .filter_map(|heard| heard.event.assessment.as_ref())
    };
    let id = words().next()?.id.clone();
    let title = words().find_map(|it| it.title.clone());
    Some(Assessment { id, title })
}

fn candidate(by_age: &[&Heard]) -> Option<Candidate> {
    let word = |field: fn(&Candidate) -> &Option<String>| {
        let mut candidates = by_age
            .iter()
            .rev()
            .filter_map(|it| it.event.candidate.as_ref());
        candidates.find_map(|candidate| field(candidate).clone())
    };
    Candidate {
        id: word(|it| &it.id),
        external_id: word(|it| &it.external_id),
        email: word(|it| &it.email),
        name: word(|it| &it.name),
    }
    .known()
}

#[cfg(test)]
mod tests;
