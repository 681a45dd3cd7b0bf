//! `reconcile`: compares what iMocha lists with what is stored, and makes the work that follows.
//!
//! A run goes through windows of time, one a message: the list of one window is one call. What is left to look at stands in the
//! run's item, which is marked until its end, and each step is made on condition that no other worker made it; what a step
//! does twice because it was cut short, it does once. Completed attempts that are missing, or stored as less than completed, are
//! asked for, once: what was answered and is behind all the same is read from the API. Cancelled and expired ones, which iMocha
//! calls nobody about, are stored as events.

mod window;

pub use window::windows;

use crate::ask_imocha::SOURCE;
use crate::job::{Job, Reconcile};
use crate::vendors::VendorError;
use crate::vendors::imocha::Invites;
use crate::vendors::imocha::invites::{Invite, InviteState};
use crate::vendors::imocha::known::Trial;
use crate::{JobError, Worker};
use futures_util::{StreamExt, TryStreamExt, stream};
use reqwest::StatusCode;
use shared::event::Status;
use shared::key::{CONFIRMATION, ItemKey, attempt_partition};
use shared::store::{Asked, AskedOutcome, Counts, EventStore, Later, Partition, Run, RunOutcome};
use shared::timestamp::Timestamp;
use std::collections::BTreeSet;
use std::time::Duration;
use window::Part;

/// How many attempts are compared at a time.
const AT_ONCE: usize = 16;
/// When what a run asks for is due by itself: the run asks for all of it at its end, in the fewest calls.
const ASKED_DUE: Duration = Duration::from_mins(10);
const DAY: Duration = Duration::from_hours(24);

/// What of a listed attempt is not as it is listed.
enum Found {
    /// Nothing.
    Known,
    /// It is missing, and asked for by this run or not.
    Missing { asked: bool },
    /// It is missing still though it was sent again: its result is read from the API, if that is not under way.
    Unsaid(Option<ItemKey>),
    /// It was stored by this run.
    Stored(InviteState, Option<ItemKey>),
}

impl Worker {
    /// Begins a run, or makes its next step.
    pub async fn reconcile(&self, which: &Reconcile, correlation_id: &str) -> Result<(), JobError> {
        match which {
            Reconcile::Last { days } => self.begin_run(*days, correlation_id).await,
            Reconcile::Step(key) => self.step_run(key, correlation_id).await,
        }
    }

    /// Without a key there is nothing to compare with, and nobody has to be told time and again.
    async fn begin_run(&self, days: u16, correlation_id: &str) -> Result<(), JobError> {
        if !self.vendors.imocha.is_on().await {
            tracing::info!(vendor = SOURCE, "not reconciled: the API key is not set");
            return Ok(());
        }
        let now = self.clock.now();
        // A schedule's message that comes twice begins one run.
        let hour: String = now
            .to_string()
            .chars()
            .take("2026-01-15T10".len())
            .collect();
        let key = Run::key(SOURCE, &format!("schedule-{hour}"));
        let windows = windows(now.minus(self.looks_back(days)), now);
        if self.table.create_run(&key, &windows, now).await? {
            self.go_on(&key, correlation_id).await;
        }
        Ok(())
    }

    /// Not to what is forgotten already: it would be missing, and come again.
    fn looks_back(&self, days: u16) -> Duration {
        let days = DAY * u32::from(days);
        let kept = self.keep_for.map(|it| it.saturating_sub(DAY).max(it / 2));
        kept.map_or(days, |kept| days.min(kept))
    }

    async fn go_on(&self, key: &ItemKey, correlation_id: &str) {
        let step = Job::Reconcile(Reconcile::Step(key.clone()));
        self.announce(vec![step], correlation_id).await;
    }

    async fn step_run(&self, key: &ItemKey, correlation_id: &str) -> Result<(), JobError> {
        let run = self.table.run(key).await?;
        let run = run.ok_or_else(|| JobError::Gone(key.clone()))?;
        if run.outcome != RunOutcome::Running {
            return Ok(());
        }
        let Some(part) = Part::next(&run.left) else {
            return self.end_run_of(&run, correlation_id).await;
        };
        let Some(state) = InviteState::parse(&part.window.state) else {
            let problem = "the run names a state that iMocha does not have";
            return self.fail_run(&run, RunOutcome::Failed, problem).await;
        };
        let (from, to) = (part.window.from, part.window.to);
        match self.vendors.imocha.invites(state, from, to).await {
            Ok(Invites::Listed(invites)) => {
                let halves = part
                    .halves()
                    .filter(|_| window::is_suspicious(invites.len()));
                if let Some(left) = halves {
                    return self
                        .advance_run_to(&run, left, run.counts, correlation_id)
                        .await;
                }
                if window::is_suspicious(invites.len()) {
                    tracing::warn!(
                        vendor = SOURCE,
                        listed = invites.len(),
                        "a minute lists suspiciously much: there may be more"
                    );
                }
                let counts = self.compare(&run, &invites, correlation_id).await?;
                let counts = run.counts.plus(counts);
                self.advance_run_to(&run, part.rest, counts, correlation_id)
                    .await
            }
            Ok(Invites::Refused(status)) => {
                self.window_refused(&run, &part, status, correlation_id)
                    .await
            }
            Err(VendorError::Off) => {
                self.fail_run(&run, RunOutcome::Off, "the API key is not set")
                    .await
            }
            Err(error) => self.step_failed(&run, &part, error, correlation_id).await,
        }
    }

    /// iMocha answers a window that it does not take with 401, as it does a key: an attempt that it is known to have tells.
    async fn window_refused(
        &self,
        run: &Run,
        part: &Part,
        status: StatusCode,
        correlation_id: &str,
    ) -> Result<(), JobError> {
        let tried = match self.vendors.imocha.try_key(None).await {
            Ok(Trial::Good) => Ok(()),
            Ok(Trial::Untold) => {
                self.vendors.imocha.doubt_key().await;
                Err(VendorError::KeyRefused(status))
            }
            Err(error) => Err(error),
        };
        if let Err(error) = tried {
            return self.postpone_run(run, error).await;
        }
        if let Some(left) = part.halves() {
            return self
                .advance_run_to(run, left, run.counts, correlation_id)
                .await;
        }
        let problem = "iMocha does not take a window of any width";
        self.fail_run(run, RunOutcome::Failed, problem).await
    }

    /// An answer that is too large or takes too long is of a window that is too wide.
    async fn step_failed(
        &self,
        run: &Run,
        part: &Part,
        error: VendorError,
        correlation_id: &str,
    ) -> Result<(), JobError> {
        let too_wide = matches!(error, VendorError::TooLarge | VendorError::TimedOut(_));
        match part.halves().filter(|_| too_wide) {
            Some(left) => {
                self.advance_run_to(run, left, run.counts, correlation_id)
                    .await
            }
            None => self.postpone_run(run, error).await,
        }
    }

    async fn postpone_run(&self, run: &Run, error: VendorError) -> Result<(), JobError> {
        let error = error.unless_waiting()?;
        error.log(SOURCE);
        let due_at = self.clock.now().plus(error.try_again_after());
        let postponed = self.table.postpone(&run.key, due_at, Later::Failed);
        Ok(postponed.await?)
    }

    async fn advance_run_to(
        &self,
        run: &Run,
        left: Vec<shared::store::Window>,
        counts: Counts,
        correlation_id: &str,
    ) -> Result<(), JobError> {
        let now = self.clock.now();
        if self.table.advance_run(run, &left, counts, now).await? {
            self.go_on(&run.key, correlation_id).await;
        }
        Ok(())
    }

    async fn fail_run(
        &self,
        run: &Run,
        outcome: RunOutcome,
        problem: &str,
    ) -> Result<(), JobError> {
        if outcome == RunOutcome::Failed {
            tracing::error!(item = %run.key, problem, "a reconciliation failed");
        }
        let now = self.clock.now();
        self.table.end_run(run, outcome, Some(problem), now).await?;
        Ok(())
    }

    /// All windows were looked at: what is missing is asked for, in the fewest calls.
    async fn end_run_of(&self, run: &Run, correlation_id: &str) -> Result<(), JobError> {
        let ids = self.table.asked_by_run(&run.key).await?;
        let now = self.clock.now();
        if self.table.end_run(run, RunOutcome::Done, None, now).await? {
            let Counts {
                listed,
                known,
                missing,
                asked,
                ..
            } = run.counts;
            tracing::info!(item = %run.key, listed, known, missing, asked, "reconciled");
            self.announce(Job::ask_imocha(ids), correlation_id).await;
        }
        Ok(())
    }

    async fn compare(
        &self,
        run: &Run,
        invites: &[Invite],
        correlation_id: &str,
    ) -> Result<Counts, JobError> {
        let now = self.clock.now();
        let found = stream::iter(invites).map(|invite| async move {
            let found = self.compare_one(run, invite, now).await?;
            Ok::<_, JobError>((invite.id, found))
        });
        let found: Vec<(i64, Found)> = found.buffer_unordered(AT_ONCE).try_collect().await?;
        let asked: BTreeSet<i64> = found
            .iter()
            .filter(|(_, found)| matches!(found, Found::Missing { asked: true }))
            .map(|(id, _)| *id)
            .collect();
        if !asked.is_empty() {
            self.table.note_asked_by_run(run, &asked, now).await?;
        }
        let counts = found.iter().fold(Counts::default(), |counts, (_, found)| {
            counts.plus(found.counted())
        });
        let jobs = found.into_iter().filter_map(|(_, found)| found.job());
        self.announce(jobs.collect(), correlation_id).await;
        Ok(counts)
    }

    async fn compare_one(
        &self,
        run: &Run,
        invite: &Invite,
        now: Timestamp,
    ) -> Result<Found, JobError> {
        let attempt = invite.id.to_string();
        let pk = attempt_partition(SOURCE, &attempt);
        let partition = self.table.partition(&pk).await?;
        let is_new = partition.state.is_none();
        if partition.is_erased() || is_new && self.is_erased(invite.candidate()).await? {
            // It is not missing: nobody is to have it.
            return Ok(Found::Known);
        }
        match invite.status {
            Status::Cancelled => {
                self.store_invite(run, InviteState::Cancelled, invite, &partition, now)
                    .await
            }
            Status::Expired => {
                self.store_invite(run, InviteState::Expired, invite, &partition, now)
                    .await
            }
            _ => self.ask_if_missing(run, invite, &partition, now).await,
        }
    }

    async fn ask_if_missing(
        &self,
        run: &Run,
        invite: &Invite,
        partition: &Partition,
        now: Timestamp,
    ) -> Result<Found, JobError> {
        // To iMocha what was terminated or left is completed as well, and is stored as what its callback said.
        let enough = invite.status.rank().min(Status::Terminated.rank());
        if reached(partition).is_some_and(|status| status.rank() >= enough) {
            return Ok(Found::Known);
        }
        let by_this_run = |asked: Option<&Asked>| {
            asked.is_some_and(|asked| asked.requested_by.as_deref() == Some(run.id()))
        };
        if by_this_run(partition.asked.as_ref()) {
            return Ok(Found::Missing { asked: true });
        }
        if was_missing_and_answered(partition.asked.as_ref()) {
            return self.read_instead(invite, now).await;
        }
        let (attempt, due_at) = (invite.id.to_string(), now.plus(ASKED_DUE));
        let table = &self.table;
        let request = table.request_missing(SOURCE, &attempt, run.id(), now, due_at);
        // Another worker at this very step may have been faster.
        let asked = request.await? || by_this_run(table.asked(SOURCE, &attempt).await?.as_ref());
        Ok(Found::Missing { asked })
    }

    /// What iMocha sent again was less than it lists, and would be so the next time.
    async fn read_instead(&self, invite: &Invite, now: Timestamp) -> Result<Found, JobError> {
        let key = ItemKey::of_attempt(SOURCE, &invite.id.to_string(), CONFIRMATION);
        let requested = self.table.request_confirmation(&key, now).await?;
        Ok(Found::Unsaid(requested.then_some(key)))
    }

    /// Stores an invitation that came to nothing. One that is stored is stored again only if another such end was noted since.
    async fn store_invite(
        &self,
        run: &Run,
        state: InviteState,
        invite: &Invite,
        partition: &Partition,
        now: Timestamp,
    ) -> Result<Found, JobError> {
        let delivery = invite.delivery(now);
        let stored = partition.events.iter().find(|it| it.key == delivery.key);
        if let Some(stored) = stored {
            let turned = reached(partition)
                .is_some_and(|it| it != invite.status && it.rank() == invite.status.rank());
            if stored.summary.last_received >= run.requested_at {
                return Ok(Found::Stored(state, None));
            }
            if !turned {
                return Ok(Found::Known);
            }
        }
        self.table.record(&delivery).await?;
        Ok(Found::Stored(state, Some(delivery.key)))
    }
}

/// How far an attempt is, as it is stored.
fn reached(partition: &Partition) -> Option<Status> {
    let state = partition.state.as_ref()?;
    state.state.status.as_ref().map(|(status, _)| *status)
}

/// Whether a run wanted it because it was missing, and something came.
fn was_missing_and_answered(asked: Option<&Asked>) -> bool {
    asked.is_some_and(|asked| {
        asked.outcome == AskedOutcome::Answered && asked.requested_by.is_some()
    })
}

impl Found {
    fn counted(&self) -> Counts {
        let counts = Counts {
            listed: 1,
            ..Counts::default()
        };
        match self {
            Self::Known => Counts { known: 1, ..counts },
            Self::Missing { asked } => Counts {
                missing: 1,
                asked: u64::from(*asked),
                ..counts
            },
            Self::Unsaid(_) => Counts {
                missing: 1,
                ..counts
            },
            Self::Stored(InviteState::Cancelled, _) => Counts {
                cancelled: 1,
                ..counts
            },
            Self::Stored(..) => Counts {
                expired: 1,
                ..counts
            },
        }
    }

    /// The work that it makes.
    fn job(self) -> Option<Job> {
        match self {
            Self::Stored(_, event) => event.map(Job::Fold),
            Self::Unsaid(confirmation) => confirmation.map(Job::ReadResult),
            Self::Known | Self::Missing { .. } => None,
        }
    }
}
