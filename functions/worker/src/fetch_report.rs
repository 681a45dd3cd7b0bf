//! `fetch_report`: has a report that a vendor offers in our own hands before its link dies, or says that it is lost.
//!
//! One worker at a time fetches a report ([`shared::store::Fetching`]). It is had by the first of its vendor's ways that leads
//! to a PDF (`ways`), kept in S3, and then noted; who dies in between leaves a mark, and the next one finds the same bytes
//! under the same name. What is not ready, and what may pass, is due later.

mod miss;
mod ways;

use crate::archive::{self, Kept};
use crate::download::pdf::Pdf;
use crate::job::Job;
use crate::{JobError, Worker, notes};
use miss::{Problem, Verdict};
use shared::error::causes;
use shared::key::ItemKey;
use shared::metrics::Metric;
use shared::store::{Fetching, KeptReport, Later, ReportItem, ReportOrigin, ReportOutcome};
use shared::timestamp::Timestamp;
use std::time::Duration;
use tokio::time::timeout;

/// For how long a worker says that it is at it: as long as a function may run.
pub const FETCHING: Duration = Duration::from_mins(1);
/// How long it takes at most, all ways together.
const MOST_TIME: Duration = Duration::from_secs(45);
/// What is left of a message's time to note what became of it.
const TO_NOTE: Duration = Duration::from_secs(3);
/// When a report that took too long is fetched again.
const TOO_LONG: Duration = Duration::from_mins(1);
/// Where reports expire, bytes that are kept for longer than this already would be gone that much before the report that names
/// them now.
const AS_GOOD_AS_NEW: Duration = Duration::from_hours(24);

/// What is to be fetched.
struct Wanted<'a> {
    report: &'a ReportItem,
    source: &'a str,
    attempt: &'a str,
    correlation_id: &'a str,
}

impl Wanted<'_> {
    /// The state of its attempt, which changes once it is kept.
    fn state(&self) -> ItemKey {
        ItemKey::state_in(&self.report.key.pk)
    }
}

/// A report on this machine's disk.
struct Fetched {
    pdf: Pdf,
    origin: ReportOrigin,
    url: Option<String>,
    valid_until: Option<Timestamp>,
}

/// What became of a report.
enum Found {
    /// It is kept.
    Kept {
        kept: KeptReport,
        url: Option<String>,
        valid_until: Option<Timestamp>,
    },
    /// It was not had, and this is to be done.
    Missed(Verdict),
}

impl Worker {
    /// Fetches the report at `key` in this time. One that is not ready, and a vendor that cannot be reached, make it due later.
    pub async fn fetch_report(
        &self,
        key: &ItemKey,
        time: Duration,
        correlation_id: &str,
    ) -> Result<(), JobError> {
        let gone = || JobError::Gone(key.clone());
        let (source, attempt) = key.attempt().ok_or_else(gone)?;
        let report = self.table.report(key).await?.ok_or_else(gone)?;
        if report.due_at.is_none() {
            return Ok(());
        }
        let now = self.clock.now();
        let Some(fetching) = self.table.begin_fetching(key, now, FETCHING).await? else {
            return Ok(());
        };
        let wanted = Wanted {
            report: &report,
            source,
            attempt: &attempt,
            correlation_id,
        };
        let done = self.fetch_wanted(&wanted, fetching, time).await;
        if done.is_err() {
            self.let_report_go(key, fetching).await;
        }
        done
    }

    async fn fetch_wanted(
        &self,
        wanted: &Wanted<'_>,
        fetching: Fetching,
        time: Duration,
    ) -> Result<(), JobError> {
        let time = time.saturating_sub(TO_NOTE).min(MOST_TIME);
        let found = match timeout(time, self.find_report(wanted)).await {
            Ok(found) => found?,
            Err(_) => Found::Missed(Verdict::Later {
                after: TOO_LONG,
                why: Later::Failed,
                unreachable: true,
                problem: Problem::plain("it took too long"),
            }),
        };
        match found {
            Found::Kept {
                kept,
                url,
                valid_until,
            } => {
                let report = ReportItem {
                    outcome: ReportOutcome::Stored,
                    kept: Some(kept),
                    url,
                    valid_until,
                    problem: None,
                    ..wanted.report.clone()
                };
                self.settle_report(&report, fetching).await?;
                let changed = Job::Publish(wanted.state());
                self.announce(vec![changed], wanted.correlation_id).await;
                Ok(())
            }
            Found::Missed(Verdict::Later {
                after,
                why,
                unreachable,
                problem,
            }) => {
                note_postponed(unreachable);
                self.postpone_report(wanted, fetching, after, why, &problem)
                    .await
            }
            Found::Missed(Verdict::Never {
                outcome,
                problem,
                lost,
            }) => {
                self.give_report_up(wanted, fetching, outcome, problem, lost)
                    .await
            }
        }
    }

    async fn find_report(&self, wanted: &Wanted<'_>) -> Result<Found, JobError> {
        match self.by_any_way(wanted).await? {
            Ok(fetched) => Ok(Found::Kept {
                kept: self.keep_report(wanted, &fetched).await?,
                url: fetched.url,
                valid_until: fetched.valid_until,
            }),
            Err(verdict) => Ok(Found::Missed(verdict)),
        }
    }

    /// Keeps a report, unless the attempt has it already.
    async fn keep_report(
        &self,
        wanted: &Wanted<'_>,
        fetched: &Fetched,
    ) -> Result<KeptReport, JobError> {
        let (key, sha256) = (&wanted.report.key, hex::encode(fetched.pdf.sha256));
        let s3_key =
            archive::object_key(key, &sha256).ok_or_else(|| JobError::Gone(key.clone()))?;
        let now = self.clock.now();
        let known_since = self.kept_since(&key.pk, &sha256).await?;
        let (kept, fetched_at) = match known_since {
            // If it is there, its time goes on from then. Somebody may have deleted it.
            Some(since) if self.lasts(since, now) => {
                match self.archive.keep(&s3_key, &fetched.pdf).await? {
                    Kept::Before => (Kept::Before, since),
                    Kept::Now => (Kept::Now, now),
                }
            }
            Some(_) => (self.archive.renew(&s3_key, &fetched.pdf).await?, now),
            None => (self.archive.keep(&s3_key, &fetched.pdf).await?, now),
        };
        notes::add(Metric::ReportsKept, 1);
        if known_since.is_some() {
            notes::add(Metric::ReportsUnchanged, 1);
        }
        tracing::info!(
            vendor = wanted.source,
            report.size_bytes = fetched.pdf.size_bytes,
            report.new = kept == Kept::Now,
            "a report is kept"
        );
        Ok(KeptReport {
            s3_key,
            sha256,
            size_bytes: fetched.pdf.size_bytes,
            content_type: archive::CONTENT_TYPE.to_owned(),
            fetched_at,
            origin: fetched.origin,
        })
    }

    /// Since when the bucket has these bytes, by what the attempt's reports say.
    async fn kept_since(&self, pk: &str, sha256: &str) -> Result<Option<Timestamp>, JobError> {
        let reports = self.table.reports(pk).await?;
        let kept = reports.iter().filter_map(|report| report.kept.as_ref());
        let same = kept.filter(|kept| kept.sha256 == sha256);
        Ok(same.map(|kept| kept.fetched_at).max())
    }

    /// Whether what was kept then lasts about as long as what is kept now.
    fn lasts(&self, since: Timestamp, now: Timestamp) -> bool {
        self.keep_for.is_none() || since.plus(AS_GOOD_AS_NEW) > now
    }

    async fn settle_report(&self, report: &ReportItem, fetching: Fetching) -> Result<(), JobError> {
        let now = self.clock.now();
        let settled = self
            .table
            .settle_report(report, fetching, now, self.keep_for)
            .await?;
        if !settled {
            tracing::warn!(report = %report.key, "it took too long: another worker fetches the report now");
        }
        Ok(())
    }

    async fn postpone_report(
        &self,
        wanted: &Wanted<'_>,
        fetching: Fetching,
        after: Duration,
        why: Later,
        problem: &Problem,
    ) -> Result<(), JobError> {
        let key = &wanted.report.key;
        let logged = problem.logged.as_str();
        tracing::info!(vendor = wanted.source, report = %key, problem = logged, "a report is fetched later");
        let due_at = self.clock.now().plus(after);
        self.table
            .postpone_report(key, fetching, due_at, why, Some(&problem.kept))
            .await?;
        Ok(())
    }

    async fn give_report_up(
        &self,
        wanted: &Wanted<'_>,
        fetching: Fetching,
        outcome: ReportOutcome,
        problem: Problem,
        lost: bool,
    ) -> Result<(), JobError> {
        let (vendor, key) = (wanted.source, &wanted.report.key);
        let logged = problem.logged.as_str();
        notes::add(metric_of(outcome), 1);
        if lost {
            notes::add(Metric::ReportsLost, 1);
            tracing::warn!(
                vendor,
                report = %key,
                problem = logged,
                alarm = "ReportsLostAlarm",
                "a report is not to be had"
            );
        } else {
            tracing::info!(vendor, report = %key, problem = logged, "no report: the vendor cannot be asked for it");
        }
        let report = ReportItem {
            outcome,
            problem: Some(problem.kept),
            ..wanted.report.clone()
        };
        self.settle_report(&report, fetching).await
    }

    /// If this fails as well, it is free by itself in a minute.
    async fn let_report_go(&self, key: &ItemKey, fetching: Fetching) {
        if let Err(error) = self.table.stop_fetching(key, fetching).await {
            tracing::warn!(report = %key, error = causes(&error), "the report is not free at once");
        }
    }
}

fn note_postponed(unreachable: bool) {
    notes::add(Metric::ReportsPostponed, 1);
    if unreachable {
        notes::add(Metric::ReportsUnreachable, 1);
    }
}

/// What counts a report that is given up.
const fn metric_of(outcome: ReportOutcome) -> Metric {
    match outcome {
        ReportOutcome::Refused => Metric::ReportsRefused,
        ReportOutcome::Unavailable
        | ReportOutcome::Pending
        | ReportOutcome::Resolved
        | ReportOutcome::Stored => Metric::ReportsUnavailable,
    }
}
