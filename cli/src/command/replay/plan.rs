//! `hooks replay --plan`: how many there are, and what some of them would become. Nothing is written.

use super::result::Outcome;
use super::selection::{Chosen, Item};
use crate::deployment::Deployment;
use crate::output::{self, or_dash};
use serde::Serialize;
use shared::error::causes;
use shared::event::{Event, Kind};
use shared::key::EventId;
use shared::person::HashKey;
use shared::replay::Anew;
use shared::store::{ItemError, StoreError};
use std::collections::BTreeMap;

/// How many are read, from the oldest to the newest.
const SAMPLE: usize = 10;

/// What would be done, as `--json` prints it.
#[derive(Debug, Serialize)]
struct Plan {
    found: usize,
    /// How many there are of each kind, as they are stored.
    kinds: BTreeMap<String, usize>,
    sample: Vec<Sampled>,
}

/// One of them, and what would become of it.
#[derive(Debug, Serialize)]
struct Sampled {
    event: EventId,
    kind: Kind,
    outcome: &'static str,
    /// What it would say, if it said something else.
    becomes: Option<Becomes>,
    /// Why it would be left as it is.
    problem: Option<String>,
}

#[derive(Debug, Serialize)]
struct Becomes {
    kind: Kind,
    attempt: Option<String>,
}

impl From<&Event> for Becomes {
    fn from(event: &Event) -> Self {
        Self {
            kind: event.kind,
            attempt: event.attempt.clone(),
        }
    }
}

/// Shows it.
pub async fn show(
    deployment: &Deployment,
    chosen: &Chosen,
    people: &HashKey,
    json: bool,
) -> anyhow::Result<()> {
    let mut plan = Plan {
        found: chosen.items.len(),
        kinds: kinds(&chosen.items),
        sample: Vec::new(),
    };
    for item in spread(&chosen.items, SAMPLE) {
        plan.sample.push(sampled(deployment, item, people).await?);
    }
    if json {
        output::json(&plan)
    } else {
        print(&plan)
    }
}

fn kinds(items: &[Item]) -> BTreeMap<String, usize> {
    let mut kinds = BTreeMap::new();
    for item in items {
        *kinds.entry(item.summary.kind.to_string()).or_default() += 1;
    }
    kinds
}

/// So many of them, the first and the last among them, and the others as far apart as they can be.
fn spread<T>(items: &[T], most: usize) -> Vec<&T> {
    let wanted = items.len().min(most);
    let last = items.len().saturating_sub(1);
    let steps = wanted.saturating_sub(1).max(1);
    let chosen = (0..wanted).filter_map(|step| items.get(step * last / steps));
    chosen.collect()
}

async fn sampled(
    deployment: &Deployment,
    item: &Item,
    people: &HashKey,
) -> anyhow::Result<Sampled> {
    let (outcome, becomes) = match deployment.table.original(&item.key).await {
        Ok(Some(original)) => {
            let anew = item.source.anew(&original, people);
            (Outcome::of(&anew), becomes(&anew))
        }
        Ok(None) => (Outcome::gone(), None),
        Err(StoreError::Item(ItemError::ErasedBody { .. })) => (Outcome::Unchanged, None),
        Err(StoreError::Item(error)) => (Outcome::Failed(causes(&error)), None),
        Err(error) => return Err(error.into()),
    };
    Ok(Sampled {
        event: item.summary.id.clone(),
        kind: item.summary.kind,
        outcome: outcome.name(),
        becomes,
        problem: match outcome {
            Outcome::Failed(problem) => Some(problem),
            _ => None,
        },
    })
}

fn becomes(anew: &Anew) -> Option<Becomes> {
    match anew {
        Anew::Changed(event) => Some(Becomes::from(event.as_ref())),
        Anew::Placed(placed) => Some(Becomes::from(&placed.event)),
        Anew::Unchanged | Anew::Unreadable | Anew::UnreadableNow | Anew::Elsewhere => None,
    }
}

fn print(plan: &Plan) -> anyhow::Result<()> {
    let kinds = plan
        .kinds
        .iter()
        .map(|(kind, count)| format!("{count} {kind}"));
    let kinds: Vec<String> = kinds.collect();
    let rows: Vec<_> = plan.sample.iter().map(row).collect();
    output::table(["event", "kind", "would be", "as", "attempt"], &rows)?;
    output::line(&format!(
        "{} found, of which {} are shown; nothing is changed. {}",
        plan.found,
        rows.len(),
        kinds.join(", ")
    ))
}

fn row(sampled: &Sampled) -> [String; 5] {
    let becomes = sampled.becomes.as_ref();
    let left = sampled.problem.as_ref().map_or("", |problem| problem);
    [
        sampled.event.to_string(),
        sampled.kind.to_string(),
        match left {
            "" => sampled.outcome.to_owned(),
            left => format!("left: {left}"),
        },
        or_dash(becomes.map(|it| it.kind)),
        or_dash(becomes.and_then(|it| it.attempt.as_ref())),
    ]
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_sample_goes_from_the_first_to_the_last() {
        let items: Vec<usize> = (0..1000).collect();
        let sample = spread(&items, 10);
        assert_eq!(sample.len(), 10);
        assert_eq!((sample[0], sample[9]), (&0, &999));
        assert!(sample.is_sorted_by(|a, b| a < b), "{sample:?}");
        assert_eq!(spread(&items[..3], 10), [&0, &1, &2]);
        assert_eq!(spread(&items[..1], 10), [&0]);
        assert!(spread(&items[..0], 10).is_empty());
    }

    #[test]
    fn a_row_says_what_an_event_would_become() {
        let sampled = |outcome: &'static str, becomes, problem: Option<&str>| Sampled {
            event: "xobin.0123456789abcdef0123456789abcdef".parse().unwrap(),
            kind: Kind::Unreadable,
            outcome,
            becomes,
            problem: problem.map(str::to_owned),
        };
        let becomes = Becomes {
            kind: Kind::Decided,
            attempt: Some("7".into()),
        };
        let placed = row(&sampled("placed", Some(becomes), None));
        assert_eq!(
            placed[1..],
            ["unreadable", "placed", "attempt.decided", "7"]
        );
        let left = row(&sampled("failed", None, Some("it is gone")));
        assert_eq!(left[2..], ["left: it is gone", "–", "–"]);
    }
}
