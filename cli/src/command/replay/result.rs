//! What came of a replay.

use super::selection::{Chosen, Item, Rest};
use crate::output;
use serde::Serialize;
use shared::key::EventId;
use shared::replay::Anew;
use shared::store::ReplayOutcome;

/// What came of it, as `--json` prints it.
#[derive(Debug, Default, Serialize)]
pub struct Replayed {
    /// How many were chosen, ids that no event was found for among them.
    pub found: usize,
    /// How many say what they said.
    pub unchanged: usize,
    /// How many say something else of the same, and were replaced.
    pub changed: usize,
    /// How many have their place now, which was not known.
    pub placed: usize,
    /// How many still cannot be read.
    pub unreadable: usize,
    /// How many are left as they are for another reason.
    pub failed: usize,
    /// What those are called now that have their place.
    pub moved: Vec<Moved>,
    /// What is wrong with those that failed.
    pub problems: Vec<Problem>,
    /// What is left, if it was stopped.
    pub resume: Option<Rest>,
}

/// An event's id says where it lies.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Moved {
    event: EventId,
    to: EventId,
}

/// Why an event is left as it is.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Problem {
    event: EventId,
    problem: String,
}

impl Problem {
    /// Of this event.
    pub fn new(event: &EventId, problem: &str) -> Self {
        Self {
            event: event.clone(),
            problem: problem.to_owned(),
        }
    }
}

/// What came of one event.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Outcome {
    /// It says what it said.
    Unchanged,
    /// It says something else.
    Changed,
    /// It has its place, and this id there.
    Placed(EventId),
    /// It still cannot be read.
    Unreadable,
    /// It is left as it is, for this reason.
    Failed(String),
}

impl Outcome {
    /// What its reader says, as far as it is known without writing.
    pub fn of(anew: &Anew) -> Self {
        match anew {
            Anew::Unchanged => Self::Unchanged,
            Anew::Changed(_) => Self::Changed,
            Anew::Placed(placed) => Self::Placed(placed.id.clone()),
            Anew::Unreadable => Self::Unreadable,
            Anew::UnreadableNow => {
                Self::Failed("today's reader cannot read it, and an earlier one could".into())
            }
            Anew::Elsewhere => Self::Failed(
                "today's reader takes it for something else than what it lies with".into(),
            ),
        }
    }

    /// The event is not there any more.
    pub fn gone() -> Self {
        Self::Failed("it is gone".into())
    }

    /// Why nothing was written.
    pub fn not_written(why: ReplayOutcome) -> Self {
        let why = match why {
            ReplayOutcome::Written | ReplayOutcome::Overtaken => {
                "others write it at the same time: try again"
            }
            ReplayOutcome::Unsettled => {
                "the worker is not done with it: try again, after `hooks redrive` if `hooks work list` shows it as parked"
            }
            ReplayOutcome::Taken => {
                "another body has come with the same delivery id, and lies where this one belongs"
            }
            ReplayOutcome::TooEarly => {
                "it is large, and can be moved only once the day (UTC) is over on which it came"
            }
        };
        Self::Failed(why.into())
    }

    /// In one word.
    pub const fn name(&self) -> &'static str {
        match self {
            Self::Unchanged => "unchanged",
            Self::Changed => "changed",
            Self::Placed(_) => "placed",
            Self::Unreadable => "unreadable",
            Self::Failed(_) => "failed",
        }
    }
}

impl Replayed {
    /// Before the first of these.
    pub fn of(chosen: &Chosen) -> Self {
        Self {
            found: chosen.items.len() + chosen.problems.len(),
            failed: chosen.problems.len(),
            problems: chosen.problems.clone(),
            ..Self::default()
        }
    }

    /// How many of those that were chosen are done with.
    pub const fn done(&self) -> usize {
        self.unchanged + self.changed + self.placed + self.unreadable + self.failed
    }

    /// What came of one of them.
    pub fn note(&mut self, item: &Item, outcome: Outcome) {
        let event = &item.summary.id;
        match outcome {
            Outcome::Unchanged => self.unchanged += 1,
            Outcome::Changed => self.changed += 1,
            Outcome::Unreadable => self.unreadable += 1,
            Outcome::Placed(to) => {
                self.placed += 1;
                self.moved.push(Moved {
                    event: event.clone(),
                    to,
                });
            }
            Outcome::Failed(problem) => {
                self.failed += 1;
                self.problems.push(Problem::new(event, &problem));
            }
        }
    }
}

/// Prints it.
pub fn print(replayed: &Replayed, json: bool) -> anyhow::Result<()> {
    if json {
        return output::json(replayed);
    }
    for Moved { event, to } in &replayed.moved {
        output::line(&format!("{event} is {to} now"))?;
    }
    for Problem { event, problem } in &replayed.problems {
        output::line(&format!("{event}: {}", output::shown(problem)))?;
    }
    output::line(&summary(replayed))
}

fn summary(replayed: &Replayed) -> String {
    let Replayed {
        found,
        unchanged,
        changed,
        placed,
        unreadable,
        failed,
        ..
    } = replayed;
    format!(
        "{found} found: {unchanged} unchanged, {changed} changed, {placed} placed, {unreadable} still unreadable, {failed} failed"
    )
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::sources;
    use shared::event::Kind;
    use shared::key::ItemKey;
    use shared::store::{EventSummary, Origin};
    use shared::timestamp::Timestamp;

    const ID: &str = "xobin.0123456789abcdef0123456789abcdef";

    fn item() -> Item {
        Item {
            key: ItemKey::of_vendor("xobin", "event#1"),
            summary: EventSummary {
                id: ID.parse().unwrap(),
                source: "xobin".into(),
                attempt: None,
                kind: Kind::Unreadable,
                first_received: Timestamp::EPOCH,
                last_received: Timestamp::EPOCH,
                deliveries: 1,
                origin: Origin::Webhook,
            },
            source: sources::named("xobin").unwrap(),
        }
    }

    #[test]
    fn every_outcome_is_counted_once_and_named_where_a_person_needs_the_name() {
        let to: EventId = "xobin.ffffffffffffffffffffffffffffffff".parse().unwrap();
        let mut replayed = Replayed {
            found: 5,
            ..Replayed::default()
        };
        for (done, outcome) in [
            Outcome::Unchanged,
            Outcome::Changed,
            Outcome::Placed(to.clone()),
            Outcome::Unreadable,
            Outcome::Failed("it is gone".into()),
        ]
        .into_iter()
        .enumerate()
        {
            assert_eq!(replayed.done(), done);
            replayed.note(&item(), outcome);
        }
        assert_eq!(
            summary(&replayed),
            "5 found: 1 unchanged, 1 changed, 1 placed, 1 still unreadable, 1 failed"
        );
        let event: EventId = ID.parse().unwrap();
        assert_eq!(replayed.problems, [Problem::new(&event, "it is gone")]);
        assert_eq!(replayed.moved, [Moved { event, to }]);
    }

    #[test]
    fn what_an_earlier_reader_could_read_is_left_and_said_to_be() {
        assert_eq!(Outcome::of(&Anew::Unreadable), Outcome::Unreadable);
        for anew in [Anew::UnreadableNow, Anew::Elsewhere] {
            let Outcome::Failed(why) = Outcome::of(&anew) else {
                panic!("{anew:?}");
            };
            assert!(why.contains("today's reader"), "{why}");
        }
    }
}
