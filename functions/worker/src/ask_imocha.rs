//! `ask_imocha`: has iMocha send again what was missed. One message is exactly one call of Process Callbacks.
//!
//! That it was asked is written before the call, so that an answer which overtakes the call's own is still an answer. What
//! each id came to stands in its `asked` item; what waits is due again, and the sweep asks for it in the fewest calls, until it
//! was asked for as often as is configured: then it is *unanswered*, and a person is told. `refused` finds out what is meant
//! by a refusal that names nobody.

mod refused;

use crate::job::{Job, Search};
use crate::vendors::VendorError;
use crate::vendors::imocha::{Doubt, ProcessCallbacks};
use crate::{JobError, Worker, notes};
use futures_util::{StreamExt, TryStreamExt, stream};
use shared::key::{ASKED, ItemKey};
use shared::metrics::Metric;
use shared::store::{AskedOutcome, Patience, StoreError};
use shared::timestamp::Timestamp;
use std::collections::{BTreeMap, BTreeSet};
use std::time::Duration;

/// The source that is asked.
pub use crate::vendors::imocha::SOURCE;

/// How long an answer is waited for when it was asked for once. Each time it is waited twice as long.
const ANSWER_DUE: Duration = Duration::from_mins(15);
const LONGEST_WAIT: Duration = Duration::from_hours(4);
/// What was promised is not asked for again before: a little less, so that what is due then can be.
const ANSWER_TAKES: Duration = Duration::from_mins(14);
/// An id is not asked for more often than this: a message that came twice makes one call.
const AT_MOST_EVERY: Duration = Duration::from_secs(30);
/// How many items are written at a time.
const AT_ONCE: usize = 16;

/// What is asked for, and for which time.
type Begun = BTreeMap<i64, u64>;

/// How long is waited for the answer to what was asked for this often.
#[must_use]
pub fn answer_due(times: u64) -> Duration {
    let doublings = u32::try_from(times.saturating_sub(1))
        .unwrap_or(u32::MAX)
        .min(16);
    ANSWER_DUE.saturating_mul(1 << doublings).min(LONGEST_WAIT)
}

impl Worker {
    /// Asks for the ids that still wait, in one call.
    pub async fn ask_imocha(
        &self,
        ids: &BTreeSet<i64>,
        search: Option<&Search>,
        correlation_id: &str,
    ) -> Result<(), JobError> {
        if let Some(Search::Probe { suspects }) = search {
            return self.probe(ids, suspects, correlation_id).await;
        }
        // Nothing is written as asked that cannot be asked.
        let admission = match self.vendors.imocha.admit().await {
            Ok(admission) => admission,
            Err(error) => return self.postpone_asking(ids, &error.unless_waiting()?).await,
        };
        let (begun, doubt) = match self.begin(ids).await {
            Ok((begun, doubt)) if !begun.is_empty() => (begun, doubt),
            nothing => {
                self.vendors.imocha.give_back(admission).await;
                return nothing.map(drop);
            }
        };
        let ids: BTreeSet<i64> = begun.keys().copied().collect();
        match self
            .vendors
            .imocha
            .process_callbacks(admission, &ids, doubt)
            .await
        {
            Ok(ProcessCallbacks::Queued { successful }) => {
                self.note_queued(&begun, &successful).await
            }
            Ok(ProcessCallbacks::Foreign(foreign)) => {
                self.note_foreign(&ids, &foreign, correlation_id).await
            }
            Ok(ProcessCallbacks::Refused(status)) if search.is_some() => {
                self.part_refused(&ids, status, correlation_id).await
            }
            Ok(ProcessCallbacks::Refused(status)) => {
                self.all_refused(&ids, status, correlation_id).await
            }
            Err(error) => self.asked_in_vain(&ids, &error).await,
        }
    }

    const fn patience(&self) -> Patience {
        Patience {
            at_most_every: AT_MOST_EVERY,
            answer_takes: ANSWER_TAKES,
            times: self.imocha_ask_times,
        }
    }

    /// Begins to ask for these, and says what a refusal of them would be about. If that cannot be known, none of them was asked for.
    async fn begin(&self, ids: &BTreeSet<i64>) -> Result<(Begun, Doubt), JobError> {
        let begun = self.begin_asking(ids).await?;
        let ids = begun.keys().copied().collect();
        match self.doubt(&ids).await {
            Ok(doubt) => Ok((begun, doubt)),
            Err(error) => {
                self.note_not_asked(&ids, self.clock.now()).await?;
                Err(error)
            }
        }
    }

    /// Notes that these are asked for. What is not to be, because it was asked for as often as it may be, is given up.
    async fn begin_asking(&self, ids: &BTreeSet<i64>) -> Result<Begun, JobError> {
        let now = self.clock.now();
        let begun = stream::iter(ids).map(|id| async move {
            let begun = self.begin_one(*id, now).await?;
            Ok::<_, JobError>(begun.map(|times| (*id, times)))
        });
        let begun: Vec<Option<(i64, u64)>> = begun.buffer_unordered(AT_ONCE).try_collect().await?;
        Ok(begun.into_iter().flatten().collect())
    }

    async fn begin_one(&self, id: i64, now: Timestamp) -> Result<Option<u64>, JobError> {
        let (attempt, patience) = (id.to_string(), self.patience());
        let begin = self.table.begin_asking(SOURCE, &attempt, now, patience);
        if let Some(times) = begin.await? {
            return Ok(Some(times));
        }
        let table = &self.table;
        let give_up = table.give_up_asking(SOURCE, &attempt, now, patience, self.keep_for);
        if give_up.await? {
            let item = ItemKey::of_attempt(SOURCE, &attempt, ASKED);
            notes::add(Metric::Unanswered, 1);
            tracing::error!(
                item = %item,
                times = patience.times,
                alarm = "UnansweredAlarm",
                "unanswered: iMocha did not send it again; `hooks asked list` names it"
            );
        }
        Ok(None)
    }

    /// What is neither promised nor refused counts as failed.
    async fn note_queued(&self, begun: &Begun, successful: &BTreeSet<i64>) -> Result<(), JobError> {
        let now = self.clock.now();
        let ours = begun.keys().find(|id| successful.contains(id));
        if let Some(known) = ours {
            self.vendors.imocha.known.note(*known).await?;
        }
        self.each(begun.iter(), |(id, times)| async move {
            let outcome = if successful.contains(id) {
                AskedOutcome::Open
            } else {
                AskedOutcome::Failed
            };
            let due_at = now.plus(answer_due(*times));
            self.table
                .note_asked(SOURCE, &id.to_string(), outcome, Some(due_at))
                .await
        })
        .await
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
        self.settle_foreign(&foreign).await?;
        self.ask_anew(&rest).await?;
        for job in Job::ask_imocha(rest) {
            self.send(job, correlation_id).await?;
        }
        Ok(())
    }

    async fn settle_foreign(&self, ids: &BTreeSet<i64>) -> Result<(), JobError> {
        self.each(ids, |id| async move {
            self.table
                .note_asked(SOURCE, &id.to_string(), AskedOutcome::Foreign, None)
                .await
        })
        .await
    }

    /// These count as not asked, and a message that asks for them follows. If it gets lost, they are due like what is open.
    async fn ask_anew(&self, ids: &BTreeSet<i64>) -> Result<(), JobError> {
        let due_at = self.clock.now().plus(ANSWER_DUE);
        self.each(ids, |id| async move {
            self.table.ask_anew(SOURCE, &id.to_string(), due_at).await
        })
        .await
    }

    /// Puts off what was not begun.
    async fn postpone_asking(
        &self,
        ids: &BTreeSet<i64>,
        error: &VendorError,
    ) -> Result<(), JobError> {
        error.log(SOURCE);
        let due_at = self.clock.now().plus(error.try_again_after());
        self.note_later(ids, due_at).await
    }

    /// Puts off what was begun, and counts as not asked.
    async fn asked_in_vain(
        &self,
        ids: &BTreeSet<i64>,
        error: &VendorError,
    ) -> Result<(), JobError> {
        error.log(SOURCE);
        let due_at = self.clock.now().plus(error.try_again_after());
        self.note_not_asked(ids, due_at).await
    }

    async fn note_later(&self, ids: &BTreeSet<i64>, due_at: Timestamp) -> Result<(), JobError> {
        self.each(ids, |id| async move {
            self.table
                .note_asked(SOURCE, &id.to_string(), AskedOutcome::Failed, Some(due_at))
                .await
        })
        .await
    }

    async fn note_not_asked(&self, ids: &BTreeSet<i64>, due_at: Timestamp) -> Result<(), JobError> {
        self.each(ids, |id| async move {
            self.table
                .note_not_asked(SOURCE, &id.to_string(), due_at)
                .await
        })
        .await
    }

    /// Does something for each of them, some at a time.
    async fn each<T, F: Future<Output = Result<(), StoreError>>>(
        &self,
        all: impl IntoIterator<Item = T>,
        act: impl Fn(T) -> F,
    ) -> Result<(), JobError> {
        let acts = stream::iter(all).map(act);
        acts.buffer_unordered(AT_ONCE)
            .try_collect::<Vec<_>>()
            .await?;
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_not_answered_is_waited_for_twice_as_long_each_time() {
        let minutes = |times| answer_due(times).as_secs() / 60;
        assert_eq!([1, 2, 3, 4, 5, 6].map(minutes), [15, 30, 60, 120, 240, 240]);
        assert_eq!(answer_due(0), ANSWER_DUE);
        assert_eq!(answer_due(u64::MAX), LONGEST_WAIT);
    }
}
