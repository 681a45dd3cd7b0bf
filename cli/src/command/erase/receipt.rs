//! What was erased, and what remains until when. It names nobody: whoever keeps it keeps no address.

use super::remains::{self, Remainder};
use super::subject::{PERSON, Subject};
use crate::output;
use serde::Serialize;
use serde_json::Value;
use shared::event::Kind;
use shared::key::EventId;
use shared::store::{AttemptName, ErasedItems, Partition, Traces};
use shared::timestamp::Timestamp;

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
    #[serde(skip)]
    log_days: Option<u32>,
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
    pub fn of(subject: &Subject, found: &Traces, log_days: Option<u32>) -> Self {
        Self {
            who: subject.json(),
            dry_run: false,
            erased_at: None,
            attempts: Vec::new(),
            mentions: Vec::new(),
            dead_letters: 0,
            searched: found.searched,
            left: found.count(),
            log_days,
        }
    }

    fn remains(&self) -> Vec<Remainder> {
        let is_of_person = self.who.get(PERSON).is_some();
        let remains = |erased_at| remains::remains(erased_at, self.log_days, is_of_person);
        self.erased_at.map(remains).unwrap_or_default()
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
    for remainder in &remains {
        output::line(&remainder.line())?;
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
    use serde_json::json;

    fn receipt(who: Value, erased_at: Option<&str>) -> Receipt {
        Receipt {
            who,
            dry_run: erased_at.is_none(),
            erased_at: erased_at.map(|it| Timestamp::parse(it).unwrap()),
            attempts: Vec::new(),
            mentions: Vec::new(),
            dead_letters: 0,
            searched: 0,
            left: 0,
            log_days: None,
        }
    }

    #[test]
    fn a_receipt_says_what_remains_once_something_is_erased() {
        let (person, attempt) = (json!({ "person": "k" }), json!({ "attempt": "7" }));
        let remains = |who: &Value, erased_at| receipt(who.clone(), erased_at).remains().len();
        let at = Some("2026-01-15T10:00:00Z");
        assert!(remains(&attempt, at) > 0);
        // Of a person the tombstone.
        assert_eq!(remains(&person, at), remains(&attempt, at) + 1);
        assert_eq!(remains(&person, None), 0, "nothing is erased yet");
    }
}
