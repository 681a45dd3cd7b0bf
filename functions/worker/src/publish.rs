//! `publish`: tells other systems of an attempt that has changed.
//!
//! What is published is the state as it is now. It is published first and noted afterwards, on condition that it is still the
//! version that was published: a job that is cut short in between publishes again, and what changed meanwhile stays work.

use crate::bus::{Bus, BusError};
use crate::change::{Change, Kept};
use crate::fold::ATTEMPTS;
use crate::{JobError, Worker};
use shared::error::causes;
use shared::key::ItemKey;
use shared::store::{ReportItem, StoredState};

impl Worker {
    /// Publishes the state at `key`, unless its last change is published. If the bus does not take it, its mark brings it up
    /// again later.
    pub async fn publish(&self, key: &ItemKey) -> Result<(), JobError> {
        for _ in 0..ATTEMPTS {
            let state = self.table.state(key).await?;
            let state = state.ok_or_else(|| JobError::Gone(key.clone()))?;
            if state.is_published() {
                return Ok(());
            }
            let now = self.clock.now();
            // After the state: a report that is kept from now on is another version of it.
            let report = self.kept_report(&state).await?;
            let change = Change::of(state.clone(), report, &self.published_personal_fields, now);
            if let Err(error) = self.bus.publish(&change).await {
                tell(&error, &state.source);
                return Ok(());
            }
            let now = self.clock.now();
            // That an attempt was erased is known for ever.
            let keep_for = self.keep_for.filter(|_| state.erased_at.is_none());
            let settled = self.table.settle_published(&state, now, keep_for);
            if settled.await? {
                return Ok(());
            }
        }
        Err(JobError::Contended(key.pk.clone()))
    }

    /// The newest report of a state, if its bytes are kept.
    async fn kept_report(&self, state: &StoredState) -> Result<Option<Kept>, JobError> {
        let Some(number) = state.report else {
            return Ok(None);
        };
        let key = ReportItem::key(&state.key().pk, number);
        let report = self.table.report(&key).await?;
        Ok(report.and_then(|it| it.kept).map(|report| Kept {
            bucket: self.reports.bucket_name.clone(),
            report,
        }))
    }
}

fn tell(error: &BusError, source: &str) {
    let cause = causes(error);
    if error.needs_a_person() {
        tracing::error!(
            webhook.source = source,
            error = cause,
            "a change is not published: it is due again later"
        );
    } else {
        tracing::warn!(
            webhook.source = source,
            error = cause,
            "a change is not published: it is due again later"
        );
    }
}
