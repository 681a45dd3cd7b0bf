//! What was counted, as it lies in `docs/cost-counts.json`.

use anyhow::Context;
use serde::{Deserialize, Serialize};
use std::collections::BTreeMap;
use std::path::Path;

/// How far two counts of what depends on the length of numbers and ids may be apart.
const TOLERANCE: f64 = 0.1;

/// Everything that was counted on one bundle.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Counts {
    /// By source.
    pub sources: BTreeMap<String, SourceCounts>,
    /// What one sweep costs that finds nothing to do.
    pub sweep: Tally,
    /// Secrets that all functions read together when they start, and again every five minutes.
    pub secret_reads: u64,
    /// Metrics that the functions sent, each for each set of values of its dimensions.
    pub custom_metrics: u64,
}

/// What the webhooks of one source cost.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct SourceCounts {
    /// How many webhooks were posted: each payload under `events/`.
    pub webhooks: u64,
    /// All of them, when they came first.
    pub new: Tally,
    /// All of them, when they came again.
    pub repeated: Tally,
    /// What they take in the table and its indexes.
    pub stored_bytes: u64,
}

/// What some webhooks cost.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct Tally {
    /// Calls by their name, such as `dynamodb UpdateItem`. Those of Secrets Manager go by time, and are left out.
    pub calls: BTreeMap<String, u64>,
    /// `DynamoDB`'s write request units, indexes included.
    pub write_units: f64,
    /// `DynamoDB`'s read request units.
    pub read_units: f64,
    /// Lines that the functions wrote into their logs.
    pub log_lines: u64,
    /// The bytes of these lines.
    pub log_bytes: u64,
}

impl Counts {
    /// What was counted last.
    pub fn read(path: &Path) -> anyhow::Result<Self> {
        let name = path.display();
        let text = std::fs::read_to_string(path)
            .with_context(|| format!("{name} cannot be read: `hooks cost --count` makes it"))?;
        serde_json::from_str(&text).with_context(|| format!("{name} is not as it should be"))
    }

    /// Whether both say the same: the same calls, and about the same bytes and units, which depend on lengths of numbers.
    pub fn agrees_with(&self, other: &Self) -> bool {
        let sources = self.sources.iter().zip(&other.sources);
        let agree = |((name, counts), (other_name, other)): ((&String, &SourceCounts), _)| {
            name == other_name && counts.agrees_with(other)
        };
        self.sources.len() == other.sources.len()
            && sources.into_iter().all(agree)
            && self.sweep.agrees_with(&other.sweep)
            && self.secret_reads == other.secret_reads
            && self.custom_metrics == other.custom_metrics
    }
}

impl SourceCounts {
    fn agrees_with(&self, other: &Self) -> bool {
        self.webhooks == other.webhooks
            && self.new.agrees_with(&other.new)
            && self.repeated.agrees_with(&other.repeated)
            && about(number(self.stored_bytes), number(other.stored_bytes))
    }
}

impl Tally {
    fn agrees_with(&self, other: &Self) -> bool {
        self.calls == other.calls
            && self.log_lines == other.log_lines
            && about(self.write_units, other.write_units)
            && about(self.read_units, other.read_units)
            && about(number(self.log_bytes), number(other.log_bytes))
    }

    /// How often a call was made.
    pub fn calls(&self, name: &str) -> f64 {
        number(self.calls.get(name).copied().unwrap_or_default())
    }
}

/// Counts stay far below the 2^53 that a float holds exactly.
#[expect(clippy::cast_precision_loss, reason = "counts are small")]
pub fn number(count: u64) -> f64 {
    count as f64
}

fn about(one: f64, other: f64) -> bool {
    (one - other).abs() <= TOLERANCE * one.max(other)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn counts() -> Counts {
        let tally = Tally {
            calls: BTreeMap::from([("sqs SendMessage".into(), 7)]),
            write_units: 20.0,
            read_units: 3.5,
            log_lines: 14,
            log_bytes: 4000,
        };
        let source = SourceCounts {
            webhooks: 5,
            new: tally.clone(),
            repeated: tally.clone(),
            stored_bytes: 9000,
        };
        Counts {
            sources: BTreeMap::from([("imocha".into(), source)]),
            sweep: tally,
            secret_reads: 11,
            custom_metrics: 3,
        }
    }

    #[test]
    fn a_call_more_is_another_count_and_a_longer_number_is_not() {
        let (counted, mut other) = (counts(), counts());
        other.sweep.log_bytes += 50;
        other.sweep.write_units += 1.0;
        assert!(counted.agrees_with(&other));

        let source = other.sources.get_mut("imocha").unwrap();
        *source.repeated.calls.get_mut("sqs SendMessage").unwrap() += 1;
        assert!(!counted.agrees_with(&other));
    }

    #[test]
    fn a_source_more_or_many_more_bytes_are_another_count() {
        let (counted, mut longer, mut more) = (counts(), counts(), counts());
        longer.sweep.log_bytes *= 2;
        assert!(!counted.agrees_with(&longer));
        let source = more.sources["imocha"].clone();
        more.sources.insert("xobin".into(), source);
        assert!(!counted.agrees_with(&more));
    }
}
