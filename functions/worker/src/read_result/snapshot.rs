//! What the API says of a snapshot beside those that are stored.
//!
//! A snapshot is the whole of an attempt, and the API's answer may be a part of it. So it is completed from the stored one that
//! agrees with it: the API decides which of them stands.

use crate::vendors::VendorResult;
use shared::event::{Event, Order, Score, Stage};
use shared::store::StoredEvent;

/// The answer as a whole snapshot. `None` if it agrees with several that say different things, or with none and does not say
/// itself how far the attempt is.
pub(super) fn completed(
    result: VendorResult,
    stage: Stage,
    stored: &[StoredEvent],
) -> Option<VendorResult> {
    let mut agreeing = stored
        .iter()
        .filter(|it| it.summary.origin.is_call())
        .map(|it| &it.event)
        .filter(|it| it.order == Order::Snapshot(stage) && agrees(&result, it));
    let Some(first) = agreeing.next() else {
        return result.event.status.is_some().then_some(result);
    };
    if agreeing.any(|other| !says_the_same(first, other)) {
        return None;
    }
    let mut event = first.clone();
    event.details.extend(result.event.details.clone());
    event.report = result.event.report.clone().or(event.report);
    Some(VendorResult { event, ..result })
}

fn agrees(result: &VendorResult, stored: &Event) -> bool {
    let read = &result.event;
    (read.status.is_none() || read.status == stored.status)
        && (!result.tells_decision || read.decision == stored.decision)
        && (!result.tells_score || same_score(read.score, stored.score))
}

fn same_score(one: Option<Score>, other: Option<Score>) -> bool {
    let value = |score: Option<Score>| score.and_then(|score| score.value);
    match (value(one), value(other)) {
        (Some(one), Some(other)) => (one - other).abs() < Score::TOLERANCE,
        (one, other) => one == other,
    }
}

fn says_the_same(one: &Event, other: &Event) -> bool {
    (one.status, one.decision) == (other.status, other.decision)
        && same_score(one.score, other.score)
}
