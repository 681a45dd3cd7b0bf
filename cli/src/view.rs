//! What is shown of attempts and events, as `docs/interfaces.md` publishes it.

use crate::deployment::Deployment;
use crate::output::or_dash;
use crate::sources::Entry;
use futures_util::{StreamExt, TryStreamExt, stream};
use serde::Serialize;
use shared::event::{Assessment, Candidate, Decision, Event, Report, Score, Status};
use shared::key::attempt_partition;
use shared::store::{
    Asked, Confirmation, EventSummary, Partition, ReportOrigin, ReportOutcome, StoredState,
};
use shared::timestamp::Timestamp;
use std::collections::BTreeSet;
use std::num::NonZeroU32;
use std::time::Duration;

const AT_ONCE: usize = 16;
/// How far back a list goes: each day costs sixteen queries for each source.
const MOST_DAYS: u32 = 1000;
const DAY: Duration = Duration::from_hours(24);

/// An attempt, as `attempts list --json` prints it.
#[derive(Debug, Serialize)]
pub struct AttemptView {
    pub source: String,
    pub attempt: String,
    pub status: Option<Status>,
    pub vendor_status: Option<String>,
    pub decision: Option<Decision>,
    pub score: Option<Score>,
    pub report: Option<ReportView>,
    pub assessment: Option<Assessment>,
    pub candidate: Option<Candidate>,
    pub version: u64,
    /// When it was erased, if it was.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub erased_at: Option<Timestamp>,
}

/// An attempt's report.
#[derive(Debug, Serialize)]
pub struct ReportView {
    /// Its number among those of its attempt.
    pub version: Option<u64>,
    pub outcome: ReportOutcome,
    pub url: Option<String>,
    pub s3_key: Option<String>,
    pub sha256: Option<String>,
    pub size_bytes: Option<u64>,
    pub content_type: Option<String>,
    pub fetched_at: Option<Timestamp>,
    pub fetched_from: Option<ReportOrigin>,
    pub valid_until: Option<Timestamp>,
    /// Why it is not kept, where that is known.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub problem: Option<String>,
}

/// An attempt with its events, as `attempts show --json` prints it.
#[derive(Debug, Serialize)]
pub struct AttemptDetails {
    #[serde(flatten)]
    pub attempt: AttemptView,
    pub events: Vec<EventSummary>,
    pub asked: Option<Asked>,
    pub confirmation: Option<Confirmation>,
}

/// An event, as `events show --json` prints it.
#[derive(Debug, Serialize)]
pub struct EventDetails {
    #[serde(flatten)]
    pub summary: EventSummary,
    pub event: Event,
    /// How often its bytes were read anew and said something else.
    pub replays: u64,
}

impl AttemptView {
    fn new(stored: StoredState, partition: &Partition) -> Self {
        let state = stored.state;
        let report = state
            .report
            .as_ref()
            .map(|(link, _)| report(link, stored.report, partition));
        Self {
            source: stored.source,
            attempt: stored.attempt,
            status: state.status.map(|(status, _)| status),
            vendor_status: state.vendor_status,
            decision: state.decision.map(|(decision, _)| decision),
            score: state.score.map(|(score, _)| score),
            report,
            assessment: state.assessment,
            candidate: state.candidate,
            version: stored.version,
            erased_at: stored.erased_at,
        }
    }

    /// The columns that people read.
    pub const HEADINGS: [&str; 8] = [
        "vendor",
        "candidate",
        "assessment",
        "status",
        "decision",
        "score",
        "report",
        "attempt",
    ];

    /// The row for people.
    pub fn row(&self) -> [String; 8] {
        [
            self.source.clone(),
            or_dash(self.person()),
            or_dash(
                self.assessment
                    .as_ref()
                    .map(|it| it.title.as_ref().unwrap_or(&it.id)),
            ),
            self.standing(),
            or_dash(self.decision),
            or_dash(self.score.map(score)),
            or_dash(self.report.as_ref().map(ReportView::text)),
            self.attempt.clone(),
        ]
    }

    fn standing(&self) -> String {
        match self.erased_at {
            Some(_) => "erased".to_owned(),
            None => or_dash(self.status),
        }
    }

    fn person(&self) -> Option<&String> {
        let candidate = self.candidate.as_ref()?;
        let known_by = candidate.name.as_ref().or(candidate.email.as_ref());
        known_by
            .or(candidate.external_id.as_ref())
            .or(candidate.id.as_ref())
    }
}

fn report(link: &Report, number: Option<u64>, partition: &Partition) -> ReportView {
    let key = number.map(|number| shared::store::ReportItem::key("", number).sk);
    let item = partition
        .reports
        .iter()
        .find(|item| Some(&item.key.sk) == key.as_ref());
    let (offered, valid_until) = match link {
        Report::Link { url, valid_until } => (Some(url.clone()), *valid_until),
        Report::OnRequest => (None, None),
    };
    let kept = item.and_then(|item| item.kept.as_ref());
    ReportView {
        version: number,
        outcome: item.map_or(ReportOutcome::Pending, |item| item.outcome),
        url: item.and_then(|item| item.url.clone()).or(offered),
        s3_key: kept.map(|kept| kept.s3_key.clone()),
        sha256: kept.map(|kept| kept.sha256.clone()),
        size_bytes: kept.map(|kept| kept.size_bytes),
        content_type: kept.map(|kept| kept.content_type.clone()),
        fetched_at: kept.map(|kept| kept.fetched_at),
        fetched_from: kept.map(|kept| kept.origin),
        valid_until: item.and_then(|item| item.valid_until).or(valid_until),
        problem: item.and_then(|item| item.problem.clone()),
    }
}

impl ReportView {
    fn text(&self) -> String {
        match (self.outcome, self.size_bytes, &self.problem) {
            (ReportOutcome::Stored, Some(size), _) => format!("kept, {size} bytes"),
            (ReportOutcome::Resolved, ..) => "link found, not kept".to_owned(),
            (_, _, Some(problem)) => problem.clone(),
            _ => "not fetched yet".to_owned(),
        }
    }
}

/// A score for people: `6 of 115, 5.2 %`.
pub fn score(score: Score) -> String {
    let value = match (score.value, score.maximum) {
        (Some(value), Some(maximum)) => Some(format!("{value} of {maximum}")),
        (Some(value), None) => Some(value.to_string()),
        _ => None,
    };
    let percent = score.percent.map(|percent| format!("{percent} %"));
    [value, percent]
        .into_iter()
        .flatten()
        .collect::<Vec<_>>()
        .join(", ")
}

/// The events of the last `days` of these sources, oldest first.
pub async fn events(
    deployment: &Deployment,
    sources: &[Entry],
    days: NonZeroU32,
) -> anyhow::Result<Vec<EventSummary>> {
    let today = deployment.clock.now();
    let days = (0..days.get().min(MOST_DAYS)).map(|back| today.minus(DAY * back).day());
    let queries: Vec<(&str, String)> = days
        .flat_map(|day| sources.iter().map(move |source| (source.name, day.clone())))
        .collect();
    let found =
        stream::iter(&queries).map(|(source, day)| deployment.table.events_of_day(source, day));
    let found: Vec<Vec<EventSummary>> = found.buffered(AT_ONCE).try_collect().await?;
    let mut events: Vec<EventSummary> = found.into_iter().flatten().collect();
    events.sort_by(|a, b| (a.first_received, &a.id).cmp(&(b.first_received, &b.id)));
    Ok(events)
}

/// The attempts that these events are of, in the order of their sources and ids.
pub async fn attempts(
    deployment: &Deployment,
    events: &[EventSummary],
) -> anyhow::Result<Vec<AttemptView>> {
    let keys: BTreeSet<(&str, &str)> = events
        .iter()
        .filter_map(|event| Some((event.source.as_str(), event.attempt.as_deref()?)))
        .collect();
    let views =
        stream::iter(keys).map(|(source, attempt)| attempt_view(deployment, source, attempt));
    let views: Vec<Option<AttemptView>> = views.buffered(AT_ONCE).try_collect().await?;
    Ok(views.into_iter().flatten().collect())
}

/// One attempt. `None` if no event has been folded into a state of it.
pub async fn attempt_view(
    deployment: &Deployment,
    source: &str,
    attempt: &str,
) -> anyhow::Result<Option<AttemptView>> {
    let mut partition = deployment
        .table
        .partition(&attempt_partition(source, attempt))
        .await?;
    let state = partition.state.take();
    Ok(state.map(|state| AttemptView::new(state, &partition)))
}

/// One attempt with its events and what was asked for. `None` if nothing is stored of it.
pub async fn attempt_details(
    deployment: &Deployment,
    source: &str,
    attempt: &str,
) -> anyhow::Result<Option<AttemptDetails>> {
    let mut partition = deployment
        .table
        .partition(&attempt_partition(source, attempt))
        .await?;
    let nothing = partition.events.is_empty() && partition.asked.is_none();
    if nothing && partition.state.is_none() {
        return Ok(None);
    }
    // What was only asked for, or is not folded in yet, has no state.
    let state = partition.state.take().unwrap_or_else(|| StoredState {
        source: source.to_owned(),
        attempt: attempt.to_owned(),
        ..StoredState::default()
    });
    let attempt = AttemptView::new(state, &partition);
    let mut events: Vec<EventSummary> = partition
        .events
        .into_iter()
        .map(|event| event.summary)
        .collect();
    events.sort_by_key(|event| event.first_received);
    Ok(Some(AttemptDetails {
        attempt,
        events,
        asked: partition.asked,
        confirmation: partition.confirmation,
    }))
}
