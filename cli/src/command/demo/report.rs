//! What came of it.

use super::deliveries::Counts;
use super::held::Held;
use super::published;
use crate::command::attempts;
use crate::output;
use crate::view::AttemptView;
use anyhow::bail;
use serde::Serialize;
use shared::store::EventSummary;
use std::collections::BTreeSet;

/// Everything that the demo shows.
pub struct Report {
    pub deliveries: Counts,
    pub events: Vec<EventSummary>,
    pub attempts: Vec<AttemptView>,
    pub imocha: ImochaCounts,
    pub held: Held,
    pub published: published::Counts,
    pub unsettled: u64,
    pub elapsed_ms: i64,
    /// The attempts that only their number is of interest of.
    pub bulk: BTreeSet<String>,
    /// What is not as it has to be.
    pub missing: Vec<String>,
}

/// What came of asking iMocha.
#[derive(Debug, Serialize)]
pub struct ImochaCounts {
    pub ids_asked: usize,
    pub calls: usize,
    pub answered: usize,
    pub failed: usize,
    pub foreign: usize,
}

/// The report as `--json` prints it.
#[derive(Serialize)]
struct Printed<'a> {
    deliveries: &'a Counts,
    events: Vec<PrintedEvent<'a>>,
    attempts: &'a [AttemptView],
    imocha: &'a ImochaCounts,
    #[serde(flatten)]
    held: &'a Held,
    published: &'a published::Counts,
    unsettled: u64,
    elapsed_ms: i64,
}

#[derive(Serialize)]
struct PrintedEvent<'a> {
    id: &'a str,
    source: &'a str,
    attempt: Option<&'a str>,
    kind: String,
}

impl Report {
    /// Prints it.
    pub fn print(&self, json: bool) -> anyhow::Result<()> {
        if json {
            return output::json(&self.printed());
        }
        let (bulk, shown): (Vec<&AttemptView>, Vec<&AttemptView>) =
            self.attempts.iter().partition(|attempt| {
                attempt.source == "imocha" && self.bulk.contains(&attempt.attempt)
            });
        output::line("")?;
        attempts::print(shown)?;
        let finished = bulk
            .iter()
            .filter(|attempt| attempt.status.is_some_and(shared::event::Status::finished))
            .count();
        output::line(&format!(
            "… and {} more attempts of imocha, {finished} of them finished",
            bulk.len()
        ))?;
        output::line("")?;
        self.print_counts()
    }

    fn print_counts(&self) -> anyhow::Result<()> {
        let Counts {
            sent,
            accepted,
            duplicate,
            refused,
        } = self.deliveries;
        let ImochaCounts {
            ids_asked,
            calls,
            answered,
            failed,
            foreign,
        } = self.imocha;
        output::line(&format!(
            "deliveries  {sent} sent: {accepted} accepted, {duplicate} repeated, {refused} refused"
        ))?;
        output::line(&format!(
            "events      {} stored, each with its exact bytes",
            self.events.len()
        ))?;
        output::line(&format!("attempts    {}", self.attempts.len()))?;
        let offered = self.attempts.iter().filter_map(|it| it.report.as_ref());
        let kept = offered.filter(|report| report.s3_key.is_some()).count();
        output::line(&format!(
            "reports     {kept} kept, each with the SHA-256 of what was fetched"
        ))?;
        output::line(&format!(
            "asked again {ids_asked} results of iMocha in {calls} calls: {answered} answered, {failed} failed, {foreign} foreign"
        ))?;
        self.held.print()?;
        output::line(&format!(
            "published   {} changes of {} attempts",
            self.published.events, self.published.attempts
        ))?;
        output::line(&format!("unsettled   {}", self.unsettled))?;
        output::line(&format!("took        {} ms", self.elapsed_ms))
    }

    fn printed(&self) -> Printed<'_> {
        let events = self.events.iter().map(|event| PrintedEvent {
            id: event.id.as_str(),
            source: &event.source,
            attempt: event.attempt.as_deref(),
            kind: event.kind.to_string(),
        });
        Printed {
            deliveries: &self.deliveries,
            events: events.collect(),
            attempts: &self.attempts,
            imocha: &self.imocha,
            held: &self.held,
            published: &self.published,
            unsettled: self.unsettled,
            elapsed_ms: self.elapsed_ms,
        }
    }

    /// Fails if anything is missing, and says what.
    pub fn complain(&self) -> anyhow::Result<()> {
        let mut missing = self.missing.clone();
        let of = |source: &str, attempt: &str| {
            self.attempts
                .iter()
                .any(|it| it.source == source && it.attempt == attempt)
        };
        let placed = self
            .events
            .iter()
            .filter_map(|event| Some((&event.source, event.attempt.as_ref()?)));
        missing.extend(
            placed
                .filter(|(source, attempt)| !of(source, attempt))
                .map(|(source, attempt)| format!("the attempt {attempt} of {source} has no state")),
        );
        if self.deliveries.refused > 0 {
            missing.push(format!(
                "{} deliveries were refused",
                self.deliveries.refused
            ));
        }
        if self.imocha.answered < self.imocha.ids_asked {
            missing.push(format!(
                "{} of {} ids were answered",
                self.imocha.answered, self.imocha.ids_asked
            ));
        }
        if self.imocha.calls != self.held.plan.bulk_calls() {
            missing.push(format!("iMocha was called {} times", self.imocha.calls));
        }
        missing.extend(self.held.otherwise(&self.attempts));
        if self.unsettled > 0 {
            missing.push(format!(
                "{} items or messages are not settled",
                self.unsettled
            ));
        }
        missing.sort();
        missing.dedup();
        if missing.is_empty() {
            return Ok(());
        }
        bail!("something is missing:\n  {}", missing.join("\n  "))
    }
}
