//! A vendor's limits as a worker sees them: [`shared::limits`] decides, the table remembers for all workers.
//!
//! Each call costs one conditional update before it, and one more after it only if it came to something else than is known. The
//! state is never read: a worker writes what follows from the last one that it saw, and an update that fails brings the one that
//! is stored. Calls of one process go one after the other, so that they do not overtake each other.

use super::error::{VendorError, Waiting};
use crate::notes;
use shared::clock::Clock;
use shared::error::causes;
use shared::limits::{Decision, Limiter, Outcome, State, Why};
use shared::metrics::Metric;
use shared::store::{LimitsWrite, StoreError, StoredLimits, Table};
use shared::timestamp::Timestamp;
use std::time::Duration;
use tokio::sync::Mutex;

/// How often an update is tried while other workers are faster.
const MOST_TRIES: usize = 8;
/// When who found no way through comes back.
const CONTENDED: Duration = Duration::from_secs(5);

/// Leave for one call. The table has it as a call that was made.
#[derive(Debug)]
pub struct Leave {
    /// When it was given.
    pub at: Timestamp,
    before: State,
    after: State,
}

/// One vendor's limits.
pub struct Limits {
    vendor: &'static str,
    limiter: Limiter,
    table: Table,
    clock: Clock,
    known: Mutex<StoredLimits>,
}

impl Limits {
    /// Those of this vendor, of which nothing is known yet.
    #[must_use]
    pub fn new(vendor: &'static str, limiter: Limiter, table: Table, clock: Clock) -> Self {
        Self {
            vendor,
            limiter,
            table,
            clock,
            known: Mutex::default(),
        }
    }

    /// Leave for one call, now. Else until when to wait: if a call may not go, none of it is a failure.
    pub async fn admit(&self) -> Result<Leave, VendorError> {
        let mut known = self.known.lock().await;
        for _ in 0..MOST_TRIES {
            let now = self.clock.now();
            let before = known.state().clone();
            let (decision, after) = self.limiter.admit(&before, now);
            if self
                .put(&mut known, after.clone())
                .await
                .map_err(VendorError::Store)?
            {
                return match decision {
                    Decision::Go => Ok(Leave {
                        at: now,
                        before,
                        after,
                    }),
                    Decision::Wait { until, why } => Err(waiting(now, until, why)),
                };
            }
        }
        let now = self.clock.now();
        Err(waiting(now, now.plus(CONTENDED), Why::Contended))
    }

    /// Takes leave back that was not used, if nothing has happened since. Else it is as if the call had been made.
    pub async fn give_back(&self, leave: Leave) {
        let mut known = self.known.lock().await;
        if *known.state() != leave.after {
            return;
        }
        if let Err(error) = self.put(&mut known, leave.before).await {
            let (vendor, error) = (self.vendor, causes(&error));
            tracing::warn!(vendor, error, "leave that was not used is not given back");
        }
    }

    /// Takes in what a call came to. That this could not be stored is no failure of the call: the next one tells again.
    pub async fn note(&self, outcome: Outcome, admitted_at: Timestamp) {
        let mut known = self.known.lock().await;
        for _ in 0..MOST_TRIES {
            let now = self.clock.now();
            let before = known.state().clone();
            let state = self.limiter.note(&before, outcome, admitted_at, now);
            if state == before {
                return;
            }
            match self.put(&mut known, state).await {
                Ok(true) => return self.log(outcome, &before, known.state()),
                Ok(false) => {}
                Err(error) => {
                    let (vendor, error) = (self.vendor, causes(&error));
                    tracing::warn!(vendor, error, "what a call came to is not noted");
                    return;
                }
            }
        }
        let vendor = self.vendor;
        tracing::warn!(
            vendor,
            "what a call came to is not noted: others were faster each time"
        );
    }

    /// Whether the state that follows from what is known is stored. Either way, what is stored is known then.
    async fn put(&self, known: &mut StoredLimits, state: State) -> Result<bool, StoreError> {
        let (stored, written) = match self.table.put_limits(self.vendor, known, state).await? {
            LimitsWrite::Written(stored) => (stored, true),
            LimitsWrite::Overtaken(stored) => (stored, false),
        };
        *known = stored;
        Ok(written)
    }

    fn log(&self, outcome: Outcome, before: &State, after: &State) {
        let vendor = self.vendor;
        match (before.open(), after.open()) {
            // Also if it was so before: then the key was tried again.
            (_, Some(Why::KeyRefused)) if outcome.is_about_the_key() => {
                notes::add(Metric::VendorKeyRefused, 1);
                tracing::error!(
                    vendor,
                    alarm = "VendorKeyAlarm",
                    "the vendor refuses the API key, and is called no more: set another with `hooks secrets set`"
                );
            }
            (None, Some(_)) => tracing::warn!(vendor, "the vendor fails: it is only probed now"),
            (Some(_), None) => tracing::info!(vendor, "the vendor answers again"),
            _ => {}
        }
    }
}

fn waiting(now: Timestamp, until: Timestamp, why: Why) -> VendorError {
    notes::add(metric(why), 1);
    let after = until.unix_ms().saturating_sub(now.unix_ms());
    VendorError::Waiting(Waiting {
        until,
        after: Duration::from_millis(u64::try_from(after).unwrap_or(0)),
        why,
    })
}

/// What a call counts as that is not made.
const fn metric(why: Why) -> Metric {
    match why {
        Why::Rate | Why::Paused | Why::Contended => Metric::VendorWaits,
        Why::Outage => Metric::VendorOut,
        Why::KeyRefused => Metric::VendorKeyClosed,
    }
}
