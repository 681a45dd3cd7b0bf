//! `read_result`: asks a vendor's API for the result of an attempt that is in doubt, and keeps what it says as an event.
//!
//! Nothing signs iMocha's callbacks, so that each claim of one to be finished is in doubt until the API has confirmed it; of
//! JobMojito's snapshots, one that comes again after another; and any of which an operator wants to know. What the API says is folded like all other events, and vouched
//! for. Where it does not know the result yet it is asked again, at growing distances, for a day.

mod snapshot;

use crate::job::Job;
use crate::vendors::{ResultAnswer, VendorError, VendorResult, jobmojito};
use crate::{JobError, Worker, notes};
use shared::event::{Event, Order, Report, Status};
use shared::fold::{Heard, fold};
use shared::key::{EventId, EventKey, ItemKey};
use shared::metrics::Metric;
use shared::store::{
    Confirmation, ConfirmationOutcome, Delivery, Difference, EventStore, Later, Origin, Partition,
    StoredEvent,
};
use shared::timestamp::Timestamp;
use std::time::Duration;

/// When a result that is not known yet is asked for again, at first; then after as long as it has been waited for.
const NOT_YET: Duration = Duration::from_mins(5);
/// For how long it is asked for.
const AT_MOST: Duration = Duration::from_hours(24);

impl Worker {
    /// Asks for the result that the confirmation at `key` wants.
    pub async fn read_result(&self, key: &ItemKey, correlation_id: &str) -> Result<(), JobError> {
        let gone = || JobError::Gone(key.clone());
        let (source, attempt) = key.attempt().ok_or_else(gone)?;
        let confirmation = self.table.confirmation(key).await?.ok_or_else(gone)?;
        if confirmation.outcome != ConfirmationOutcome::Pending {
            return Ok(());
        }
        // Whatever comes from now on may be newer than the answer.
        let read_at = self.clock.now();
        let confirmation = Confirmation {
            read_at: Some(read_at),
            ..confirmation
        };
        match self.vendors.result(source, &attempt).await {
            Ok(ResultAnswer::Known(result)) => {
                self.take_result(key, confirmation, *result, read_at, correlation_id)
                    .await
            }
            Ok(ResultAnswer::NotYet) => {
                let differs = ConfirmationOutcome::Differs;
                self.ask_for_a_day(key, confirmation, differs, read_at)
                    .await
            }
            Ok(ResultAnswer::Unclear) => {
                self.end(key, confirmation, ConfirmationOutcome::Unclear)
                    .await
            }
            Err(VendorError::Off) => self.end(key, confirmation, ConfirmationOutcome::Off).await,
            Err(VendorError::NotFound) => {
                let absent = ConfirmationOutcome::Absent;
                self.ask_for_a_day(key, confirmation, absent, read_at).await
            }
            Err(error) => {
                let error = error.unless_waiting()?;
                error.log(source);
                let due_at = read_at.plus(error.try_again_after());
                Ok(self.table.postpone(key, due_at, Later::Failed).await?)
            }
        }
    }

    /// The event comes first: cut short, the same is read again, and is a repeat.
    async fn take_result(
        &self,
        key: &ItemKey,
        confirmation: Confirmation,
        result: VendorResult,
        read_at: Timestamp,
        correlation_id: &str,
    ) -> Result<(), JobError> {
        let partition = self.table.partition(&key.pk).await?;
        if partition.is_erased() {
            // What would only be erased again is not stored.
            return self
                .end(key, confirmation, ConfirmationOutcome::Unclear)
                .await;
        }
        let called = called(&partition);
        let is_snapshot = matches!(result.event.order, Order::Snapshot(_));
        let Some(result) = placed(result, &partition) else {
            return self
                .end(key, confirmation, ConfirmationOutcome::Unclear)
                .await;
        };
        let differences = called.map_or_else(Vec::new, |called| result.differences(&called));
        if differences.contains(&Difference::Status)
            && !result.event.status.is_some_and(Status::finished)
            && waits(&confirmation, read_at)
        {
            // The API may be behind the callback.
            return self.later(key, &confirmation, read_at).await;
        }
        let delivery = delivery(result, read_at);
        self.table.record(&delivery).await?;
        let outcome = if differences.is_empty() {
            ConfirmationOutcome::Confirmed
        } else {
            ConfirmationOutcome::Differs
        };
        tell(key, &differences, is_snapshot);
        let settled = Confirmation {
            outcome,
            differences,
            ..confirmation
        };
        self.settle(key, &settled).await?;
        self.announce(vec![Job::Fold(delivery.key)], correlation_id)
            .await;
        Ok(())
    }

    /// The API does not know the result. After a day, it has none, which contradicts whoever has called of one. JobMojito's does not
    /// say of all that they are there.
    async fn ask_for_a_day(
        &self,
        key: &ItemKey,
        confirmation: Confirmation,
        at_last: ConfirmationOutcome,
        read_at: Timestamp,
    ) -> Result<(), JobError> {
        if waits(&confirmation, read_at) {
            return self.later(key, &confirmation, read_at).await;
        }
        let partition = self.table.partition(&key.pk).await?;
        let is_told = key.source() != Some(jobmojito::SOURCE);
        let differences = match called(&partition) {
            Some(_) if is_told => vec![Difference::Status],
            _ => Vec::new(),
        };
        tell(key, &differences, false);
        let settled = Confirmation {
            outcome: at_last,
            differences,
            ..confirmation
        };
        self.settle(key, &settled).await
    }

    async fn later(
        &self,
        key: &ItemKey,
        confirmation: &Confirmation,
        read_at: Timestamp,
    ) -> Result<(), JobError> {
        let waited_ms = read_at.unix_ms() - confirmation.requested_at.unix_ms();
        let waited = Duration::from_millis(u64::try_from(waited_ms).unwrap_or_default());
        let due_at = read_at.plus(waited.max(NOT_YET));
        Ok(self.table.postpone(key, due_at, Later::NotYet).await?)
    }

    async fn end(
        &self,
        key: &ItemKey,
        confirmation: Confirmation,
        outcome: ConfirmationOutcome,
    ) -> Result<(), JobError> {
        tracing::warn!(item = %key, outcome = outcome.name(), "a result is not confirmed");
        let settled = Confirmation {
            outcome,
            differences: Vec::new(),
            ..confirmation
        };
        self.settle(key, &settled).await
    }

    async fn settle(&self, key: &ItemKey, confirmation: &Confirmation) -> Result<(), JobError> {
        let now = self.clock.now();
        Ok(self
            .table
            .settle_confirmation(key, confirmation, now, self.keep_for)
            .await?)
    }
}

fn waits(confirmation: &Confirmation, now: Timestamp) -> bool {
    now < confirmation.requested_at.plus(AT_MOST)
}

/// Where the attempt stands by what the vendor has called us of alone. `None` if it never has.
fn called(partition: &Partition) -> Option<Event> {
    let called = partition
        .events
        .iter()
        .filter(|event| event.summary.origin.is_call());
    let heard: Vec<Heard> = called.map(StoredEvent::heard).collect();
    let state = fold(&heard)?;
    let status = state.status.map(|(status, _)| status);
    let decision = state.decision.map(|(decision, _)| decision);
    Some(Event {
        score: state.score.map(|(score, _)| score),
        ..Event::of_attempt(String::new(), status, decision)
    })
}

/// The result as an event beside those that are stored. `None` if it cannot be told what it means beside them.
fn placed(result: VendorResult, partition: &Partition) -> Option<VendorResult> {
    if let Order::Snapshot(stage) = result.event.order {
        return snapshot::completed(result, stage, &partition.events);
    }
    // A report that nobody offers is asked for; one that is offered is not looked for twice.
    let offered = partition.events.iter().any(|it| it.event.report.is_some());
    let completed = result.event.status == Some(Status::Completed);
    let report = (completed && !offered).then_some(Report::OnRequest);
    let event = Event {
        report,
        ..result.event
    };
    Some(VendorResult { event, ..result })
}

fn delivery(result: VendorResult, read_at: Timestamp) -> Delivery {
    let event_key = EventKey::from_body(Some("result"), &result.body);
    let event = result.event.bounded();
    let key = ItemKey::of_event(result.source, &event, &event_key, read_at);
    Delivery {
        id: EventId::new(result.source, &key),
        key,
        source: result.source,
        event,
        body: result.body.into(),
        received: read_at,
        origin: Origin::Api,
    }
}

/// A callback that is contradicted may be forged. A snapshot that is was late, and is what was looked for.
fn tell(key: &ItemKey, differences: &[Difference], is_snapshot: bool) {
    if differences.is_empty() {
        return;
    }
    if is_snapshot {
        tracing::info!(item = %key, ?differences, "a late snapshot is set aside");
    } else {
        notes::add(Metric::Contradicted, 1);
        tracing::error!(
            item = %key,
            ?differences,
            alarm = "ContradictedAlarm",
            "a callback is contradicted by the vendor's API: see `hooks attempts show`"
        );
    }
}
