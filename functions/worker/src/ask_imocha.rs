//! `ask_imocha`: has iMocha send again what was missed. One message is exactly one call of Process Callbacks.
//!
//! That it was asked is written before the call, so that an answer which overtakes the call's own is still an answer. What
//! each id came to stands in its `asked` item; what waits is due again, and the sweep asks for it in the fewest calls.

use crate::job::Job;
use crate::vendors::VendorError;
use crate::vendors::imocha::ProcessCallbacks;
use crate::{JobError, Worker};
use futures_util::{StreamExt, TryStreamExt, stream};
use shared::store::{AskedOutcome, StoreError};
use shared::timestamp::Timestamp;
use std::collections::BTreeSet;
use std::time::Duration;

/// The source that is asked.
pub const SOURCE: &str = "imocha";
/// How long an answer is waited for before it is asked for again.
const ANSWER_DUE: Duration = Duration::from_mins(15);
/// What was promised is not asked for again before: a little less, so that what is due then can be.
const ANSWER_TAKES: Duration = Duration::from_mins(14);
/// An id is not asked for more often than this: a message that came twice makes one call.
const AT_MOST_EVERY: Duration = Duration::from_secs(30);
/// How many items are written at a time.
const AT_ONCE: usize = 16;

impl Worker {
    /// Asks for the ids that still wait, in one call.
    pub async fn ask_imocha(
        &self,
        ids: &BTreeSet<i64>,
        correlation_id: &str,
    ) -> Result<(), JobError> {
        // Nothing is written as asked that cannot be asked.
        let admission = match self.vendors.imocha.admit().await {
            Ok(admission) => admission,
            Err(error) => return self.ask_later(ids, &error).await,
        };
        let now = self.clock.now();
        let ids = self.begin_asking(ids, now).await?;
        if ids.is_empty() {
            return Ok(());
        }
        match self.vendors.imocha.process_callbacks(admission, &ids).await {
            Ok(ProcessCallbacks::Queued { successful }) => {
                self.note_queued(&ids, &successful, now).await
            }
            Ok(ProcessCallbacks::Foreign(foreign)) => {
                self.note_foreign(&ids, &foreign, correlation_id).await
            }
            Err(error) => self.ask_later(&ids, &error).await,
        }
    }

    async fn begin_asking(
        &self,
        ids: &BTreeSet<i64>,
        now: Timestamp,
    ) -> Result<BTreeSet<i64>, JobError> {
        let begun = stream::iter(ids).map(|id| async move {
            let begun = self
                .table
                .begin_asking(SOURCE, &id.to_string(), now, AT_MOST_EVERY, ANSWER_TAKES)
                .await?;
            Ok::<_, StoreError>(begun.then_some(*id))
        });
        let begun: Vec<Option<i64>> = begun.buffer_unordered(AT_ONCE).try_collect().await?;
        Ok(begun.into_iter().flatten().collect())
    }

    /// What is neither promised nor refused counts as failed.
    async fn note_queued(
        &self,
        ids: &BTreeSet<i64>,
        successful: &BTreeSet<i64>,
        now: Timestamp,
    ) -> Result<(), JobError> {
        let due_at = now.plus(ANSWER_DUE);
        let (open, failed): (BTreeSet<i64>, BTreeSet<i64>) =
            ids.iter().partition(|id| successful.contains(id));
        self.note(&open, AskedOutcome::Open, Some(due_at)).await?;
        self.note(&failed, AskedOutcome::Failed, Some(due_at)).await
    }

    /// iMocha refuses the whole call for one id that is not ours: that one is never asked for again, the rest at once.
    async fn note_foreign(
        &self,
        ids: &BTreeSet<i64>,
        foreign: &BTreeSet<i64>,
        correlation_id: &str,
    ) -> Result<(), JobError> {
        let (foreign, rest): (BTreeSet<i64>, BTreeSet<i64>) =
            ids.iter().partition(|id| foreign.contains(id));
        self.note(&foreign, AskedOutcome::Foreign, None).await?;
        let now = self.clock.now();
        let again = stream::iter(&rest).map(|id| self.ask_anew(*id, now));
        again
            .buffer_unordered(AT_ONCE)
            .try_collect::<Vec<_>>()
            .await?;
        for job in Job::ask_imocha(rest) {
            self.send(job, correlation_id).await?;
        }
        Ok(())
    }

    async fn ask_anew(&self, id: i64, now: Timestamp) -> Result<(), StoreError> {
        self.table.ask_anew(SOURCE, &id.to_string(), now).await
    }

    async fn ask_later(&self, ids: &BTreeSet<i64>, error: &VendorError) -> Result<(), JobError> {
        let due_at = self.clock.now().plus(error.try_again_after());
        error.log(SOURCE);
        self.note(ids, AskedOutcome::Failed, Some(due_at)).await
    }

    async fn note(
        &self,
        ids: &BTreeSet<i64>,
        outcome: AskedOutcome,
        due_at: Option<Timestamp>,
    ) -> Result<(), JobError> {
        let notes = stream::iter(ids).map(|id| self.note_one(*id, outcome, due_at));
        notes
            .buffer_unordered(AT_ONCE)
            .try_collect::<Vec<_>>()
            .await?;
        Ok(())
    }

    async fn note_one(
        &self,
        id: i64,
        outcome: AskedOutcome,
        due_at: Option<Timestamp>,
    ) -> Result<(), StoreError> {
        self.table
            .note_asked(SOURCE, &id.to_string(), outcome, due_at)
            .await
    }
}
