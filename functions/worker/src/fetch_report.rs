//! `fetch_report`: finds where an attempt's report is to be had.

use crate::vendors::{Resolution, VendorError};
use crate::{JobError, Worker};
use shared::key::ItemKey;
use shared::store::{ReportItem, ReportOutcome};
use std::time::Duration;

/// When a report that is not ready is asked for again.
const NOT_READY: Duration = Duration::from_mins(5);

impl Worker {
    /// Resolves the link of the report at `key`. A report that is not ready, and a vendor that cannot be reached, make it due
    /// later.
    pub async fn fetch_report(&self, key: &ItemKey) -> Result<(), JobError> {
        let gone = || JobError::Gone(key.clone());
        let (source, attempt) = key.attempt().ok_or_else(gone)?;
        let report = self.table.report(key).await?.ok_or_else(gone)?;
        if report.outcome != ReportOutcome::Pending {
            return Ok(());
        }
        match self.vendors.resolve(source, &attempt, &report.link).await {
            Ok(Resolution::NotReady) => Ok(self
                .table
                .postpone(key, self.clock.now().plus(NOT_READY))
                .await?),
            Ok(resolution) => {
                self.settle_report(settled(report, resolution), source)
                    .await
            }
            Err(error) => {
                let error = error.unless_waiting()?;
                self.postpone_report(key, source, &error).await
            }
        }
    }

    async fn settle_report(&self, report: ReportItem, vendor: &str) -> Result<(), JobError> {
        if let Some(problem) = &report.problem {
            tracing::warn!(vendor, problem, "an attempt's report is not to be had");
        }
        let now = self.clock.now();
        Ok(self
            .table
            .settle_report(&report, now, self.keep_for)
            .await?)
    }

    async fn postpone_report(
        &self,
        key: &ItemKey,
        vendor: &str,
        error: &VendorError,
    ) -> Result<(), JobError> {
        error.log(vendor);
        let due_at = self.clock.now().plus(error.try_again_after());
        Ok(self.table.postpone(key, due_at).await?)
    }
}

fn settled(report: ReportItem, resolution: Resolution) -> ReportItem {
    let (outcome, url, valid_until, problem) = match resolution {
        Resolution::Link { url, valid_until } => {
            (ReportOutcome::Resolved, Some(url), valid_until, None)
        }
        Resolution::Unavailable(why) => {
            (ReportOutcome::Unavailable, None, None, Some(why.to_owned()))
        }
        Resolution::Refused(why) => (ReportOutcome::Refused, None, None, Some(why.to_owned())),
        Resolution::NotReady => (ReportOutcome::Pending, None, None, None),
    };
    ReportItem {
        outcome,
        url,
        valid_until,
        problem,
        due_at: None,
        ..report
    }
}
