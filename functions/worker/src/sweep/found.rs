//! What a sweep found, in all and of each source.

use shared::metrics::{By, Metric};
use shared::store::DueItem;
use shared::telemetry::WideLine;
use shared::timestamp::Timestamp;
use std::collections::BTreeMap;
use tracing::Level;

/// What a sweep found.
#[derive(Debug, Default)]
pub(super) struct Found {
    all: Tally,
    /// Of each source that has a part in it.
    by_source: BTreeMap<String, Tally>,
    /// What iMocha is to be asked for, with what all shards have.
    pub asked: Vec<i64>,
}

/// What was found, and what was done about it.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
struct Tally {
    /// How many items were due.
    due: u64,
    /// Since when the one that waited longest was to be done.
    oldest: Option<Timestamp>,
    /// How many were taken out of the way.
    parked: u64,
}

impl Tally {
    fn add(&mut self, other: Self) {
        self.due += other.due;
        self.oldest = self.oldest.into_iter().chain(other.oldest).min();
        self.parked += other.parked;
    }

    fn of_due(item: &DueItem) -> Self {
        Self {
            due: 1,
            oldest: Some(item.due_since),
            parked: 0,
        }
    }

    const fn of_parked() -> Self {
        Self {
            due: 0,
            oldest: None,
            parked: 1,
        }
    }

    /// The two that only a sweep which saw everything may say: another one would say too little.
    fn of_what_is_due(&self, now: Timestamp) -> [(Metric, u64); 2] {
        let waited_ms = self.oldest.map_or(0, |since| now.milliseconds_since(since));
        [
            (Metric::WorkDue, self.due),
            (Metric::OldestWork, waited_ms / 1000),
        ]
    }
}

impl Found {
    /// Notes that an item was due.
    pub fn note_due(&mut self, item: &DueItem) {
        self.note(item, Tally::of_due(item));
    }

    /// Notes that an item was parked.
    pub fn note_parked(&mut self, item: &DueItem) {
        self.note(item, Tally::of_parked());
    }

    fn note(&mut self, item: &DueItem, tally: Tally) {
        self.all.add(tally);
        if let Some(source) = item.key.source_or_vendor() {
            let of_source = self.by_source.entry(source.to_owned());
            of_source.or_default().add(tally);
        }
    }

    /// With what another shard has.
    pub fn add(&mut self, other: Self) {
        self.all.add(other.all);
        for (source, tally) in other.by_source {
            self.by_source.entry(source).or_default().add(tally);
        }
        self.asked.extend(other.asked);
    }

    /// What is due in all, noughts included.
    pub fn due_in_all(&self, now: Timestamp) -> [(Metric, u64); 2] {
        self.all.of_what_is_due(now)
    }

    /// A line for each source that has a part in it. `everything` is whether the sweep saw all that is due.
    pub fn lines<'a>(
        &'a self,
        now: Timestamp,
        everything: bool,
        correlation_id: &'a str,
    ) -> impl Iterator<Item = WideLine<'a>> {
        self.by_source.iter().filter_map(move |(source, tally)| {
            let due = tally.of_what_is_due(now).into_iter();
            let due = due.filter(|_| everything && tally.due > 0);
            let parked = (tally.parked > 0).then_some((Metric::Parked, tally.parked));
            let mut metrics = due.chain(parked).peekable();
            metrics.peek()?;
            let by = By::PartOfSource(source);
            let line = WideLine::new(now, Level::INFO, "work of a source is due", by)
                .text("correlation_id", correlation_id);
            Some(metrics.fold(line, |line, (metric, value)| line.metric(metric, value)))
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use shared::key::ItemKey;

    fn at(seconds: i64) -> Timestamp {
        Timestamp::from_unix_ms(seconds * 1000).unwrap()
    }

    fn item(pk: &str, since: i64) -> DueItem {
        DueItem {
            key: ItemKey {
                pk: pk.into(),
                sk: "event#1".into(),
            },
            due_at: at(since + 50),
            due_since: at(since),
            tries: 3,
        }
    }

    fn shard(items: &[DueItem]) -> Found {
        let mut found = Found::default();
        for item in items {
            found.note_due(item);
        }
        found
    }

    #[test]
    fn what_all_shards_have_is_summed_up_by_source_and_in_all() {
        let mut found = shard(&[item("xobin#attempt#1", 70), item("imocha#attempt#1", 30)]);
        found.add(shard(&[item("imocha#unplaced#2026-01-15#a", 20)]));
        found.add(shard(&[item("vendor#imocha", 90)]));
        let [due, oldest] = found.due_in_all(at(100));
        assert_eq!((due.1, oldest.1), (4, 80));
        let imocha = found.by_source["imocha"].of_what_is_due(at(100));
        assert_eq!(imocha, [(Metric::WorkDue, 3), (Metric::OldestWork, 80)]);
        let xobin = found.by_source["xobin"].of_what_is_due(at(100));
        assert_eq!(xobin, [(Metric::WorkDue, 1), (Metric::OldestWork, 30)]);
    }

    #[test]
    fn a_source_without_work_has_no_line_and_one_that_was_not_seen_whole_says_what_was_parked_only()
    {
        let mut found = shard(&[item("xobin#attempt#1", 70), item("imocha#attempt#1", 30)]);
        found.note_parked(&item("xobin#attempt#1", 70));
        assert_eq!(found.lines(at(100), true, "c").count(), 2);
        assert_eq!(found.lines(at(100), false, "c").count(), 1);
        assert_eq!(Found::default().lines(at(100), true, "c").count(), 0);
    }
}
