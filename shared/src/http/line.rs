//! The one line about a request, which is also where the metrics of its source come from.

use super::status;
use crate::error::causes;
use crate::ingest::{Outcome, Receipt, Refusal};
use crate::metrics::{By, Metric};
use crate::telemetry::WideLine;
use crate::timestamp::Timestamp;
use http::StatusCode;
use tracing::Level;

/// What every line about a request says.
pub(super) struct About<'a> {
    pub source: &'static str,
    pub correlation_id: &'a str,
    pub body_bytes: usize,
    pub began: Timestamp,
    pub ended: Timestamp,
}

impl<'a> About<'a> {
    pub fn accepted(&self, receipt: &'a Receipt) -> WideLine<'a> {
        let (level, message) = match receipt.not_enqueued {
            None => (Level::INFO, "webhook accepted"),
            Some(_) => (
                Level::WARN,
                "webhook accepted, not enqueued: the sweep will find it",
            ),
        };
        let line = self
            .line(
                level,
                message,
                StatusCode::ACCEPTED,
                By::Source(self.source),
            )
            .text("webhook.outcome", receipt.outcome.as_str())
            .text("webhook.credential", receipt.vouched_by.as_str())
            .text("event.id", receipt.id.as_str())
            .text("event.kind", receipt.kind.to_string())
            .number("event.earlier_deliveries", receipt.earlier_deliveries)
            .metric(Metric::Duration, self.duration_ms())
            .metric(Metric::Received, 1);
        let line = match outcome_metric(receipt.outcome) {
            Some(metric) => line.metric(metric, 1),
            None => line,
        };
        match &receipt.not_enqueued {
            Some(error) => line
                .metric(Metric::NotEnqueued, 1)
                .text("error", causes(error)),
            None => line,
        }
    }

    /// A fault of ours is for a person to act on; a call that is not believed is not.
    pub fn refused(&self, refusal: &Refusal) -> WideLine<'a> {
        let (status, by) = (
            status(refusal),
            By::SourceAndCause(self.source, cause(refusal)),
        );
        let line = if status.is_server_error() {
            self.line(Level::ERROR, "webhook not accepted", status, by)
                .text("webhook.outcome", "failed")
                .metric(Metric::Duration, self.duration_ms())
                .metric(Metric::Failed, 1)
        } else {
            self.line(Level::INFO, "webhook refused", status, by)
                .text("webhook.outcome", "refused")
                .metric(Metric::Refused, 1)
        };
        line.text("error", causes(refusal))
    }

    fn line(
        &self,
        level: Level,
        message: &'static str,
        status: StatusCode,
        by: By<'a>,
    ) -> WideLine<'a> {
        WideLine::new(self.ended, level, message, by)
            .text("webhook.source", self.source)
            .text("correlation_id", self.correlation_id)
            .number("http.status", status.as_u16().into())
            .number("http.body_bytes", self.body_bytes as u64)
    }

    fn duration_ms(&self) -> u64 {
        self.ended.milliseconds_since(self.began)
    }
}

/// What an outcome counts as, besides as received.
const fn outcome_metric(outcome: Outcome) -> Option<Metric> {
    match outcome {
        Outcome::Accepted => None,
        Outcome::Duplicate => Some(Metric::Repeated),
        Outcome::Unreadable => Some(Metric::Unreadable),
        Outcome::Unknown => Some(Metric::Unknown),
        Outcome::Ping => Some(Metric::Pinged),
    }
}

/// Why a call was refused or failed, in one word.
const fn cause(refusal: &Refusal) -> &'static str {
    match refusal {
        Refusal::TooLarge { .. } => "too_large",
        Refusal::Unauthenticated(unauthenticated) => unauthenticated.as_str(),
        Refusal::Secret(_) | Refusal::SecretTimedOut => "secret",
        Refusal::Store(_) | Refusal::StoreTimedOut => "store",
        Refusal::Panicked => "panic",
    }
}

#[cfg(test)]
mod tests;
