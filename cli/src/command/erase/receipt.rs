//! What was erased, and what remains until when. It names nobody: whoever keeps it keeps no address.

use super::subject::Subject;
use crate::output::{self, or_dash};
use serde::Serialize;
use serde_json::Value;
use shared::event::Kind;
use shared::key::EventId;
use shared::store::{AttemptName, ErasedItems, Partition, Traces};
use shared::timestamp::Timestamp;
use std::time::Duration;

/// To any second of this time the table can be restored: DynamoDB's own, since the template says no other.
const POINT_IN_TIME_RECOVERY: Duration = Duration::from_hours(35 * 24);

/// An attempt that is erased.
#[derive(Debug, Default, Serialize)]
pub struct ErasedAttempt {
    pub source: String,
    pub attempt: String,
    /// Events that say nothing any more.
    pub events: usize,
    /// Reports, as the table knew them.
    pub reports: usize,
    /// Versions of their objects in the bucket.
    pub objects: usize,
    /// Confirmations, requests, and parts of bodies; the parts are counted as they go, and not by a dry run.
    pub others: usize,
}

/// What remains, of which this stack is not the master.
#[derive(Debug, Serialize)]
pub struct Remainder {
    what: &'static str,
    /// Until when, where that is known.
    until: Option<Timestamp>,
}

/// What was done, as `--json` prints it.
#[derive(Debug, Serialize)]
pub struct Receipt {
    /// Who, by the keyed hash; or which attempt.
    pub who: Value,
    pub dry_run: bool,
    /// When it was done.
    pub erased_at: Option<Timestamp>,
    pub attempts: Vec<ErasedAttempt>,
    /// Events of others, or of nobody, whose bytes named the person.
    pub mentions: Vec<EventId>,
    pub dead_letters: usize,
    /// How many items of the table were looked at, each time.
    pub searched: u64,
    /// How many traces were found when all was done.
    pub left: usize,
}

impl ErasedAttempt {
    /// What there is of one that is not erased yet.
    pub fn of(pk: &str, partition: &Partition) -> Self {
        let events = partition.events.iter();
        let mut attempt = Self {
            events: events.filter(|it| it.event.kind != Kind::Erased).count(),
            reports: partition.reports.len(),
            others: usize::from(partition.asked.is_some())
                + usize::from(partition.confirmation.is_some()),
            ..Self::default()
        };
        if let Some(name) = AttemptName::of(pk, partition) {
            attempt.is(&name);
        }
        attempt
    }

    /// What it is called.
    pub fn is(&mut self, name: &AttemptName) {
        name.source().clone_into(&mut self.source);
        name.attempt().clone_into(&mut self.attempt);
    }

    /// This went, too.
    pub fn add(&mut self, erased: ErasedItems) {
        self.events += erased.events;
        self.reports += erased.reports;
        self.others += erased.others;
    }
}

impl Receipt {
    /// Of somebody of whom this was found.
    pub fn of(subject: &Subject, found: &Traces) -> Self {
        Self {
            who: subject.json(),
            dry_run: false,
            erased_at: None,
            attempts: Vec::new(),
            mentions: Vec::new(),
            dead_letters: 0,
            searched: found.searched,
            left: found.count(),
        }
    }

    /// What `docs/erasing.md` lists as well.
    fn remains(&self) -> Vec<Remainder> {
        let Some(erased_at) = self.erased_at else {
            return Vec::new();
        };
        let recoverable = Some(erased_at.plus(POINT_IN_TIME_RECOVERY));
        let remainder = |what, until| Remainder { what, until };
        vec![
            remainder(
                "what the table was before, for point-in-time recovery: whoever restores it has to erase anew",
                recoverable,
            ),
            remainder(
                "backups and exports that you have made yourself, of the table or the bucket",
                None,
            ),
            remainder(
                "what other systems have taken from the event bus: each of these attempts is published as erased",
                None,
            ),
            remainder(
                "what the vendors have: they are to be asked themselves",
                None,
            ),
            remainder(
                "reports whose attempt has already expired from the table: the bucket's own expiry ends them, or `--source … --attempt …`",
                None,
            ),
            remainder(
                "logs, which hold nobody's name or address: events' and attempts' ids, for as long as `LogRetentionDays` says",
                None,
            ),
        ]
    }
}

/// Prints it.
pub fn print(receipt: &Receipt, json: bool) -> anyhow::Result<()> {
    let remains = receipt.remains();
    if json {
        let mut value = serde_json::to_value(receipt)?;
        if let Some(fields) = value.as_object_mut() {
            fields.insert("remains".into(), serde_json::to_value(&remains)?);
        }
        return output::json(&value);
    }
    let rows: Vec<_> = receipt.attempts.iter().map(row).collect();
    output::table(
        [
            "vendor", "attempt", "events", "reports", "objects", "others",
        ],
        &rows,
    )?;
    for event in &receipt.mentions {
        output::line(&format!(
            "{event} names the person, and is of someone else or nobody"
        ))?;
    }
    output::line(&summary(receipt))?;
    for Remainder { what, until } in &remains {
        output::line(&format!("remains until {}: {what}", or_dash(*until)))?;
    }
    Ok(())
}

fn row(attempt: &ErasedAttempt) -> [String; 6] {
    [
        attempt.source.clone(),
        attempt.attempt.clone(),
        attempt.events.to_string(),
        attempt.reports.to_string(),
        attempt.objects.to_string(),
        attempt.others.to_string(),
    ]
}

fn summary(receipt: &Receipt) -> String {
    let (attempts, mentions) = (receipt.attempts.len(), receipt.mentions.len());
    let Receipt {
        dead_letters, left, ..
    } = receipt;
    let counted = format!(
        "{attempts} attempts, {mentions} events that name the person besides, {dead_letters} dead letters"
    );
    match receipt.erased_at {
        None => format!("{counted}: nothing is changed"),
        Some(erased_at) => format!("{counted}: erased {erased_at}; {left} traces are left"),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const TEMPLATE: &str = include_str!("../../../../template.yaml");
    const PAGE: &str = include_str!("../../../../docs/erasing.md");

    fn receipt(erased_at: Option<&str>) -> Receipt {
        Receipt {
            who: Value::Null,
            dry_run: erased_at.is_none(),
            erased_at: erased_at.map(|it| Timestamp::parse(it).unwrap()),
            attempts: Vec::new(),
            mentions: Vec::new(),
            dead_letters: 0,
            searched: 0,
            left: 0,
        }
    }

    #[test]
    fn a_receipt_lists_what_the_page_about_erasing_does() {
        let (_, table) = PAGE.split_once("| what remains | until |\n").unwrap();
        let rows = table.lines().take_while(|line| line.starts_with('|'));
        // Without the line below the heading.
        let rows = rows.count() - 1;
        let receipt = receipt(Some("2026-01-15T10:00:00Z"));
        assert_eq!(receipt.remains().len(), rows);
    }

    #[test]
    fn a_receipt_says_until_when_the_table_can_be_restored() {
        let remains = receipt(Some("2026-01-15T10:00:00Z")).remains();
        let until = remains[0].until.unwrap().to_string();
        assert_eq!(until, "2026-02-19T10:00:00.000Z", "35 days later");
        let restored = "PointInTimeRecoveryEnabled: true";
        assert!(TEMPLATE.contains(restored) && !TEMPLATE.contains("RecoveryPeriodInDays"));
        assert!(PAGE.contains("| 35 days after."));
        assert!(receipt(None).remains().is_empty(), "nothing is erased yet");
    }
}
