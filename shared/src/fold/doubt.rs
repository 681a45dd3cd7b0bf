//! When what is stored of an attempt is not to be taken for where it stands, and the vendor's API is to be asked.
//!
//! Of *progress*: a call that claims the attempt to be finished, while nobody has read the result since; or that comes again
//! after it was read, and says something else. Of *snapshots*: one that came, and comes once more after another of its stage was heard,
//! for the first time or again. It may be an earlier state that the attempt has returned to, or a late try of an old call: nothing in
//! it tells. Nor does anything tell which of two was first that were received in the same millisecond: either may have been.

use super::{Heard, last_read};
use crate::event::{Order, Score, Status};

/// Whether the vendor's API is to be asked for the attempt's result.
#[must_use]
pub fn in_doubt(events: &[Heard]) -> bool {
    let snapshots = events.iter().any(|heard| heard.stage().is_some());
    if snapshots {
        returned_to_an_earlier_one(events)
    } else {
        claimed_since_it_was_read(events)
    }
}

fn claimed_since_it_was_read(events: &[Heard]) -> bool {
    let read = last_read(events.iter());
    let mut claims = events
        .iter()
        .filter(|heard| !heard.vouched && heard.event.status.is_some_and(Status::finished));
    claims.any(|claim| read.is_none_or(|read| is_news(claim, read)))
}

/// Whether a claim that was heard after the result was read is new, or contradicts it.
fn is_news(claim: &Heard, read: &Heard) -> bool {
    claim.last_received > read.last_received
        && (claim.first_received > read.last_received
            || claim.event.status != read.event.status
            || contradicts(claim.event.score, read.event.score))
}

fn contradicts(claimed: Option<Score>, read: Option<Score>) -> bool {
    let (Some(claimed), Some(read)) = (claimed, read) else {
        return false;
    };
    let differ = |one: Option<f64>, other: Option<f64>| {
        one.zip(other)
            .is_some_and(|(one, other)| (one - other).abs() >= Score::TOLERANCE)
    };
    differ(claimed.value, read.value) || differ(claimed.maximum, read.maximum)
}

fn returned_to_an_earlier_one(events: &[Heard]) -> bool {
    let latest = events.iter().filter_map(Heard::stage).max();
    let of_stage = || {
        events.iter().filter(|heard| {
            heard.stage() == latest && matches!(heard.event.order, Order::Snapshot(_))
        })
    };
    let Some(newest) = of_stage().max_by_key(|heard| heard.age()) else {
        return false;
    };
    let may_lie_between = |other: &Heard| {
        other.sk != newest.sk
            && other.last_received >= newest.first_received
            && other.last_received <= newest.last_received
    };
    let came_again = newest.last_received > newest.first_received;
    came_again && !newest.vouched && of_stage().any(may_lie_between)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::event::{Event, Stage};
    use crate::timestamp::Timestamp;

    fn at(seconds: i64) -> Timestamp {
        Timestamp::from_unix_ms(1_768_471_200_000 + seconds * 1000).unwrap()
    }

    /// Heard first and last at these seconds.
    fn heard(sk: &str, (first, last): (i64, i64), event: Event) -> Heard {
        Heard {
            sk: sk.into(),
            event,
            first_received: at(first),
            last_received: at(last),
            vouched: false,
        }
    }

    fn read(sk: &str, at: i64, event: Event) -> Heard {
        Heard {
            vouched: true,
            ..heard(sk, (at, at), event)
        }
    }

    fn step(status: Status, value: Option<f64>) -> Event {
        Event {
            score: Score {
                value,
                maximum: Some(115.0),
                percent: None,
            }
            .known(),
            ..Event::of_attempt("1".into(), Some(status), None)
        }
    }

    fn snapshot(status: Status, stage: Stage) -> Event {
        Event {
            order: Order::Snapshot(stage),
            ..step(status, None)
        }
    }

    #[test]
    fn a_claim_that_it_is_finished_is_in_doubt_until_the_result_is_read() {
        let claim = heard("a", (1, 1), step(Status::Completed, Some(6.0)));
        assert!(in_doubt(std::slice::from_ref(&claim)));
        let result = read("b", 2, step(Status::Completed, Some(6.001)));
        assert!(!in_doubt(&[claim.clone(), result.clone()]));
        // Another result settles it just as well.
        let other = read("b", 2, step(Status::Terminated, Some(1.0)));
        assert!(!in_doubt(&[claim, other]));
    }

    #[test]
    fn what_is_not_finished_is_not_asked_for() {
        assert!(!in_doubt(&[]));
        for status in [Status::InProgress, Status::Expired, Status::Cancelled] {
            assert!(
                !in_doubt(&[heard("a", (1, 1), step(status, None))]),
                "{status}"
            );
        }
    }

    #[test]
    fn a_repeat_of_what_was_read_is_no_news_and_a_contradiction_is() {
        let result = read("b", 5, step(Status::Completed, Some(6.0)));
        let repeated = |status, value| heard("a", (1, 9), step(status, value));
        assert!(!in_doubt(&[
            repeated(Status::Completed, Some(6.0)),
            result.clone()
        ]));
        assert!(!in_doubt(&[
            repeated(Status::Completed, None),
            result.clone()
        ]));
        assert!(in_doubt(&[
            repeated(Status::Terminated, Some(6.0)),
            result.clone()
        ]));
        assert!(in_doubt(&[
            repeated(Status::Completed, Some(7.0)),
            result.clone()
        ]));
        // Read once more since.
        let again = read("b", 10, step(Status::Completed, Some(6.0)));
        assert!(!in_doubt(&[repeated(Status::Completed, Some(7.0)), again]));
    }

    #[test]
    fn a_call_that_is_new_after_the_reading_is_in_doubt_whatever_it_says() {
        let result = read("b", 5, step(Status::Completed, Some(6.0)));
        let new = heard("c", (6, 6), step(Status::Completed, Some(6.0)));
        assert!(in_doubt(&[result.clone(), new]));
        let begun_anew = heard("c", (6, 6), step(Status::InProgress, None));
        assert!(!in_doubt(&[result, begun_anew]));
    }

    #[test]
    fn a_snapshot_that_comes_once_more_after_another_is_in_doubt() {
        let a = |last| heard("a", (1, last), snapshot(Status::Completed, Stage::Active));
        let b = |last| heard("b", (5, last), snapshot(Status::Failed, Stage::Active));
        assert!(!in_doubt(&[a(1)]));
        assert!(!in_doubt(&[a(3)]), "a repeat with nothing in between");
        assert!(!in_doubt(&[a(1), b(5)]));
        assert!(!in_doubt(&[a(1), b(9)]));
        assert!(in_doubt(&[a(7), b(5)]));
        assert!(in_doubt(&[a(7), b(9)]), "either may be the late one");
        let settled = |last| Heard {
            last_received: at(last),
            ..read("c", 8, snapshot(Status::Failed, Stage::Active))
        };
        assert!(!in_doubt(&[a(7), b(5), settled(8)]));
        assert!(in_doubt(&[a(10), b(5), settled(8)]), "and once more");
        assert!(!in_doubt(&[a(10), b(5), settled(11)]));
    }

    #[test]
    fn snapshots_of_one_millisecond_may_have_come_in_either_order() {
        let one = |sk, times| heard(sk, times, snapshot(Status::Completed, Stage::Active));
        assert!(in_doubt(&[one("a", (1, 7)), one("b", (1, 3))]));
        assert!(in_doubt(&[one("a", (1, 7)), one("b", (1, 7))]));
        assert!(in_doubt(&[one("b", (1, 7)), one("a", (7, 7))]));
        assert!(!in_doubt(&[one("a", (1, 1)), one("b", (2, 7))]));
        // By its key, what came once stands, and a repeat before it is none after it.
        assert!(!in_doubt(&[one("a", (1, 7)), one("b", (7, 7))]));
        assert!(!in_doubt(&[one("a", (1, 1)), one("b", (1, 1))]));
    }

    #[test]
    fn stages_tell_snapshots_apart_without_a_doubt() {
        let draft = heard("a", (1, 9), snapshot(Status::Collected, Stage::Draft));
        let active = heard("b", (5, 5), snapshot(Status::Completed, Stage::Active));
        assert!(!in_doubt(&[draft, active]));
    }
}
