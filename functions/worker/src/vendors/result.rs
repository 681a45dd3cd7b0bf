//! What a vendor's API says of an attempt's result, in the words of all vendors.

use shared::event::{Event, Score};
use shared::key::SourceName;
use shared::store::Difference;

/// What came of asking for a result.
#[derive(Debug)]
pub enum ResultAnswer {
    /// This is it.
    Known(Box<VendorResult>),
    /// There is none yet: the attempt runs, or is being scored.
    NotYet,
    /// What is said of it is of no use.
    Unclear,
}

/// A result as a vendor's API tells it. `Debug` does not show its body.
pub struct VendorResult {
    /// Whose it is.
    pub source: SourceName,
    /// What it says.
    pub event: Event,
    /// Whether it speaks of the decision at all: one that is silent does not say that there is none.
    pub tells_decision: bool,
    /// Whether it speaks of the score at all.
    pub tells_score: bool,
    /// Further numbers that it may mean by what was reached.
    pub also_reached: Vec<f64>,
    /// The exact bytes.
    pub body: Vec<u8>,
}

impl std::fmt::Debug for VendorResult {
    fn fmt(&self, formatter: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(formatter, "VendorResult({:?})", self.event)
    }
}

impl VendorResult {
    /// In what it differs from what was called in. What either leaves out differs in nothing.
    #[must_use]
    pub fn differences(&self, called: &Event) -> Vec<Difference> {
        let status = called.status.zip(self.event.status);
        let status = status.is_some_and(|(one, other)| one != other);
        let score = called.score.zip(self.event.score);
        let score = score.is_some_and(|(called, read)| self.other_score(called, read));
        let decision = self.tells_decision && called.decision != self.event.decision;
        let differences = [
            (status, Difference::Status),
            (score, Difference::Score),
            (decision, Difference::Decision),
        ];
        let differences = differences.into_iter().filter(|(differs, _)| *differs);
        differences.map(|(_, difference)| difference).collect()
    }

    fn other_score(&self, called: Score, read: Score) -> bool {
        let differ = |one: f64, other: f64| (one - other).abs() >= Score::TOLERANCE;
        let value = called.value.zip(read.value).is_some_and(|(called, read)| {
            let mut meant = std::iter::once(&read).chain(&self.also_reached);
            meant.all(|it| differ(called, *it))
        });
        let maximum = called.maximum.zip(read.maximum);
        value || maximum.is_some_and(|(one, other)| differ(one, other))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use shared::event::{Decision, Status};

    fn event(status: Status, value: Option<f64>) -> Event {
        Event {
            score: Score {
                value,
                ..Score::default()
            }
            .known(),
            ..Event::of_attempt("1".into(), Some(status), None)
        }
    }

    fn result(event: Event) -> VendorResult {
        VendorResult {
            source: "imocha",
            event,
            tells_decision: false,
            tells_score: true,
            also_reached: vec![60.0],
            body: Vec::new(),
        }
    }

    #[test]
    fn what_is_left_out_differs_in_nothing_and_what_may_be_meant_does_not_either() {
        let read = result(event(Status::Completed, Some(6.0)));
        for value in [None, Some(6.0), Some(6.004), Some(60.0)] {
            let called = event(Status::Completed, value);
            assert_eq!(read.differences(&called), [], "{value:?}");
        }
        let decided = Event {
            decision: Some(Decision::Selected),
            ..event(Status::Completed, None)
        };
        assert_eq!(read.differences(&decided), []);
    }

    #[test]
    fn every_difference_is_named() {
        let mut read = result(event(Status::Terminated, Some(6.0)));
        read.tells_decision = true;
        let called = Event {
            decision: Some(Decision::Selected),
            ..event(Status::Completed, Some(7.0))
        };
        let all = [Difference::Status, Difference::Score, Difference::Decision];
        assert_eq!(read.differences(&called), all);
    }
}
