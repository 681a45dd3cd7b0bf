//! `fold`: works out where an attempt stands from all that is stored of it, and makes the work that follows.
//!
//! The order of the writes is what keeps work from being lost: a new report, marked, and the state that names it are one
//! transaction, so that neither is without the other; the state is written, itself marked as a change to publish, before the
//! mark of the events that it is made of is removed. A fold that is cut short anywhere leaves the event marked, and the next one
//! does the same again.

use crate::job::Job;
use crate::{JobError, Worker, notes};
use shared::attempt::State;
use shared::error::causes;
use shared::event::{Kind, Report, Status};
use shared::fold::{Heard, fold, in_doubt};
use shared::key::{CONFIRMATION, ItemKey};
use shared::metrics::Metric;
use shared::store::{
    ConfirmationOutcome, FIRST_DUE, Partition, ReportItem, ReportOutcome, StateWrite, StoredEvent,
    StoredState,
};
use shared::timestamp::Timestamp;

/// How often a fold starts anew because another one wrote the state first.
pub const ATTEMPTS: usize = 5;

/// What a fold changed.
enum Written {
    /// The state says what the events say, and this follows from it.
    Current { follow_ups: Vec<Job> },
    /// Another fold wrote first.
    Overtaken,
}

impl Worker {
    /// Folds the event at `key`, with all the others of its attempt.
    pub async fn fold(&self, key: &ItemKey, correlation_id: &str) -> Result<(), JobError> {
        match key.attempt() {
            Some((source, attempt)) => {
                self.fold_attempt(key, source, &attempt, correlation_id)
                    .await
            }
            None => self.settle_alone(key).await,
        }
    }

    async fn fold_attempt(
        &self,
        key: &ItemKey,
        source: &str,
        attempt: &str,
        correlation_id: &str,
    ) -> Result<(), JobError> {
        for _ in 0..ATTEMPTS {
            let partition = self.partition_after_erasing(&key.pk).await?;
            let mut events = partition.events.iter();
            let event = events
                .find(|event| event.key == *key)
                .ok_or_else(|| JobError::Gone(key.clone()))?;
            // The key of a long id holds only its hash.
            let attempt = event.summary.attempt.as_deref().unwrap_or(attempt);
            let erased = partition.state.as_ref().filter(|_| partition.is_erased());
            let written = if let Some(state) = erased {
                let follow_ups = pending(&key.pk, state, &[], self.clock.now());
                Written::Current { follow_ups }
            } else {
                self.write_state(&key.pk, source, attempt, &partition)
                    .await?
            };
            if let Written::Current { follow_ups } = written {
                self.settle_asked(source, attempt, &partition).await?;
                self.settle_events(&partition.events).await?;
                self.keep_partition(&partition).await?;
                self.announce(follow_ups, correlation_id).await;
                return Ok(());
            }
        }
        Err(JobError::Contended(key.pk.clone()))
    }

    async fn write_state(
        &self,
        pk: &str,
        source: &str,
        attempt: &str,
        partition: &Partition,
    ) -> Result<Written, JobError> {
        let heard: Vec<Heard> = partition.events.iter().map(StoredEvent::heard).collect();
        let stored = partition.state.as_ref();
        let Some(state) = fold(&heard) else {
            let follow_ups = Vec::new();
            return Ok(Written::Current { follow_ups });
        };
        let in_doubt = self.is_to_be_read(source, partition, &heard).await;
        let doubt = in_doubt.then(|| {
            Job::ReadResult(ItemKey {
                pk: pk.to_owned(),
                sk: CONFIRMATION.to_owned(),
            })
        });
        if let Some(stored) = stored.filter(|stored| stored.state == state) {
            let mut follow_ups = pending(pk, stored, &partition.reports, self.clock.now());
            follow_ups.extend(doubt);
            let current = self.note_fold(stored, in_doubt, &partition.events).await?;
            return Ok(if current {
                Written::Current { follow_ups }
            } else {
                Written::Overtaken
            });
        }
        let new_report = new_report(&state, stored).map(|link| (partition.next_report(), link));
        let people = self.people.versions().await?;
        let candidate_key = state.candidate_key(&people.current);
        let write = StateWrite {
            source,
            attempt,
            state: &state,
            replaces: stored.map_or(0, |stored| stored.version),
            folds: stored.map_or(0, |stored| stored.folds),
            report: stored.and_then(|stored| stored.report),
            new_report,
            in_doubt,
            candidate_key: candidate_key.as_deref(),
            now: self.clock.now(),
        };
        let written = self.table.put_state(write).await?;
        Ok(if written {
            let report = new_report.map(|(number, _)| ReportItem::key(pk, number));
            let mut follow_ups = follow_ups(Some(write.key()), report);
            follow_ups.extend(doubt);
            Written::Current { follow_ups }
        } else {
            Written::Overtaken
        })
    }

    /// Whether the vendor's API is to be asked for the result: there is a doubt, it can be asked, and the work to do so was not
    /// made since the doubt arose.
    async fn is_to_be_read(&self, source: &str, partition: &Partition, heard: &[Heard]) -> bool {
        let calls = heard.iter().filter(|heard| !heard.vouched);
        let newest = calls.map(|heard| heard.last_received).max();
        let known = partition.confirmation.as_ref().is_some_and(|confirmation| {
            confirmation.outcome == ConfirmationOutcome::Pending
                && newest.is_none_or(|newest| newest <= confirmation.requested_at)
        });
        // A fold that clears no mark writes nothing, nor this.
        let is_news = partition.events.iter().any(|event| event.marked);
        is_news && in_doubt(heard) && !known && self.vendors.reads_results(source).await
    }

    /// Whoever clears marks says so in the state, though it stays as it is: a fold that knew less, and has not written yet, is
    /// overtaken then. `false` if this one is.
    async fn note_fold(
        &self,
        stored: &StoredState,
        in_doubt: bool,
        events: &[StoredEvent],
    ) -> Result<bool, JobError> {
        if !events.iter().any(|event| event.marked) {
            return Ok(true);
        }
        let now = self.clock.now();
        Ok(self
            .table
            .keep_state(stored, in_doubt, now, self.keep_for)
            .await?)
    }

    /// What the vendor was asked for is answered by an event that was received after it was asked.
    async fn settle_asked(
        &self,
        source: &str,
        attempt: &str,
        partition: &Partition,
    ) -> Result<(), JobError> {
        let Some(asked) = &partition.asked else {
            return Ok(());
        };
        // What the vendor's API said is no callback.
        let called = partition
            .events
            .iter()
            .filter(|event| event.summary.origin.is_call());
        let answer = called
            .map(|event| (event.summary.last_received, ends(event)))
            .filter(|(received, ends)| asked.is_answered_by(*received, *ends))
            .map(|(received, _)| received)
            .min();
        let Some(answered_at) = answer else {
            return Ok(());
        };
        let answered = asked.clone().answered(answered_at);
        if self.table.settle_asked(source, attempt, &answered).await? {
            let latency_ms = answered.latency_ms;
            notes::add(Metric::Answered, 1);
            if let Some(latency_ms) = latency_ms {
                notes::add(Metric::AnswerLatency, latency_ms);
            }
            tracing::info!(
                webhook.source = source,
                latency_ms,
                "answered what was asked for"
            );
        }
        Ok(())
    }

    async fn settle_events(&self, events: &[StoredEvent]) -> Result<(), JobError> {
        for event in events.iter().filter(|event| event.marked) {
            self.table
                .settle_event(event, self.clock.now(), self.keep_for)
                .await?;
        }
        Ok(())
    }

    async fn keep_partition(&self, partition: &Partition) -> Result<(), JobError> {
        if let Some(keep_for) = self.keep_for {
            self.table
                .keep_partition(partition, self.clock.now(), keep_for)
                .await?;
        }
        Ok(())
    }

    /// What the queue does not take is brought up again by its mark.
    pub(crate) async fn announce(&self, follow_ups: Vec<Job>, correlation_id: &str) {
        for job in follow_ups {
            let name = job.name();
            if let Err(error) = self.send(job, correlation_id).await {
                tracing::warn!(
                    job = name,
                    correlation_id,
                    error = causes(&error),
                    "not enqueued: the sweep will find the work"
                );
            }
        }
    }

    /// An event of no attempt changes no state. One that cannot be read is for a person to look at.
    async fn settle_alone(&self, key: &ItemKey) -> Result<(), JobError> {
        let event = self
            .table
            .event(key)
            .await?
            .ok_or_else(|| JobError::Gone(key.clone()))?;
        if self.erase_alone(&event).await? {
            // It is marked anew, as it is now, and may have come again meanwhile.
            let event = self.table.event(key).await?;
            if let Some(event) = &event {
                self.erase_repeat(event).await?;
            }
            return self.settle_events(event.as_slice()).await;
        }
        if event.event.kind == Kind::Unreadable {
            tracing::error!(
                webhook.source = event.summary.source,
                event.id = event.summary.id.as_str(),
                alarm = "UnreadableAlarm",
                "an event is kept that cannot be read: look at it with `hooks events show`"
            );
        }
        self.settle_events(&[event]).await
    }
}

/// Whether it says how the attempt ended, or may have: nobody knows of one that is erased.
fn ends(event: &StoredEvent) -> bool {
    let is_erased = event.event.kind == Kind::Erased;
    is_erased || event.event.status.is_some_and(Status::finished)
}

/// The report that the state offers, if the one before did not offer the same by the same event.
fn new_report<'a>(state: &'a State, stored: Option<&StoredState>) -> Option<&'a Report> {
    let before = stored.and_then(|stored| stored.state.report.as_ref());
    let offered = state
        .report
        .as_ref()
        .filter(|offered| Some(*offered) != before);
    offered.map(|(link, _)| link)
}

/// What follows from a state that is to be published, and from its report that is to be looked for.
fn follow_ups(state: Option<ItemKey>, report: Option<ItemKey>) -> Vec<Job> {
    let jobs = [state.map(Job::Publish), report.map(Job::FetchReport)];
    jobs.into_iter().flatten().collect()
}

/// What is still to be done about an unchanged state: a fold that was cut short may have told nobody. What was tried and waits
/// is not brought up before its time.
fn pending(pk: &str, stored: &StoredState, reports: &[ReportItem], now: Timestamp) -> Vec<Job> {
    let due = |due_at: Option<Timestamp>| due_at.is_some_and(|it| it <= now.plus(FIRST_DUE));
    let report = stored.report.map(|number| ReportItem::key(pk, number));
    let report = report.filter(|key| {
        let mut reports = reports.iter();
        reports.any(|it| it.key == *key && it.outcome == ReportOutcome::Pending && due(it.due_at))
    });
    let unpublished = !stored.is_published() && due(stored.due_at);
    follow_ups(unpublished.then(|| stored.key()), report)
}
