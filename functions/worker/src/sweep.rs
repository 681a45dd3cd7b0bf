//! `sweep`: finds the work that is due, claims it, and puts it back into the queue; parks what was tried too often.

mod found;

use crate::ask_imocha::SOURCE as IMOCHA;
use crate::job::{Job, Reconcile};
use crate::register::VENDOR as REGISTERED_VENDOR;
use crate::{JobError, Worker, notes};
use found::Found;
use futures_util::{StreamExt, stream};
use shared::error::causes;
use shared::key::{
    ASKED, CONFIRMATION, EVENT_PREFIX, REGISTRATION, REPORT_PREFIX, RUN_PREFIX, SHARDS, STATE,
};
use shared::metrics::Metric;
use shared::store::DueItem;
use shared::timestamp::Timestamp;
use std::time::Duration;

/// How often an item is claimed before it is parked.
pub const MOST_TRIES: u64 = 24;
const FIRST_DELAY: Duration = Duration::from_mins(1);
const LONGEST_DELAY: Duration = Duration::from_hours(1);
/// How many items of a shard one sweep takes. The next one comes in a minute.
const MOST_OF_A_SHARD: i32 = 200;
const SHARDS_AT_ONCE: usize = 4;

/// When an item that was claimed this often is due again: growing, up to an hour.
#[must_use]
pub fn delay(tries: u64) -> Duration {
    let doublings = u32::try_from(tries).unwrap_or(u32::MAX).min(16);
    FIRST_DELAY
        .saturating_mul(1 << doublings)
        .min(LONGEST_DELAY)
}

/// What a claimed item wants done.
enum Work {
    Send(Job),
    /// iMocha is asked for many at a time.
    AskImocha(i64),
    /// Nothing that this code knows.
    Strange,
}

impl Worker {
    /// Sweeps all shards once. A shard that fails is for the next sweep, and takes nothing from what the others claimed.
    pub async fn sweep(&self, correlation_id: &str) -> Result<(), JobError> {
        let now = self.clock.now();
        let shards =
            stream::iter(0..SHARDS).map(|shard| self.sweep_shard(shard, now, correlation_id));
        let mut swept = shards.buffer_unordered(SHARDS_AT_ONCE);
        let (mut found, mut failure) = (Found::default(), None);
        while let Some((of_shard, result)) = swept.next().await {
            found.add(of_shard);
            failure = result.err().or(failure);
        }
        for job in Job::ask_imocha(std::mem::take(&mut found.asked)) {
            self.enqueue(job, correlation_id).await;
        }
        self.tell(&found, now, failure.is_none(), correlation_id);
        failure.map_or(Ok(()), Err)
    }

    /// Tells what was found: in all in the line about the job, and in a line of each source that has a part in it. `everything` is
    /// whether all that is due was seen.
    fn tell(&self, found: &Found, now: Timestamp, everything: bool, correlation_id: &str) {
        if everything {
            for (metric, value) in found.due_in_all(now) {
                notes::add(metric, value);
            }
        }
        for line in found.lines(now, everything, correlation_id) {
            self.lines.write(&line);
        }
    }

    async fn sweep_shard(
        &self,
        shard: u8,
        now: Timestamp,
        correlation_id: &str,
    ) -> (Found, Result<(), JobError>) {
        let mut found = Found::default();
        let result = self
            .sweep_items(shard, now, correlation_id, &mut found)
            .await;
        (found, result)
    }

    async fn sweep_items(
        &self,
        shard: u8,
        now: Timestamp,
        correlation_id: &str,
        found: &mut Found,
    ) -> Result<(), JobError> {
        let items = self.table.due(shard, now, MOST_OF_A_SHARD).await?;
        for item in &items {
            found.note_due(item);
        }
        for item in items {
            let due_again = now.plus(delay(item.tries));
            if item.tries >= MOST_TRIES {
                self.park(&item, found).await?;
            } else if self.table.claim(&item, due_again).await? {
                match work(&item) {
                    Work::Send(job) => self.enqueue(job, correlation_id).await,
                    Work::AskImocha(id) => found.asked.push(id),
                    Work::Strange => self.park_strange(&item, due_again, found).await?,
                }
            }
        }
        Ok(())
    }

    async fn park(&self, item: &DueItem, found: &mut Found) -> Result<(), JobError> {
        if self.table.park(item).await? {
            // At once: the alarm hears of it also if the sweep runs out of time.
            notes::add(Metric::Parked, 1);
            found.note_parked(item);
            tracing::error!(
                item = %item.key,
                tries = item.tries,
                alarm = "ParkedAlarm",
                "parked: `hooks redrive` brings it back"
            );
        }
        Ok(())
    }

    async fn park_strange(
        &self,
        item: &DueItem,
        claimed_until: Timestamp,
        found: &mut Found,
    ) -> Result<(), JobError> {
        let claimed = DueItem {
            due_at: claimed_until,
            tries: item.tries + 1,
            ..item.clone()
        };
        self.park(&claimed, found).await
    }

    /// What the queue does not take is due again by itself.
    async fn enqueue(&self, job: Job, correlation_id: &str) {
        if let Err(error) = self.send(job, correlation_id).await {
            tracing::warn!(
                correlation_id,
                error = causes(&error),
                "not enqueued: the item is due again later"
            );
        }
    }
}

fn work(item: &DueItem) -> Work {
    let sk = item.key.sk.as_str();
    if sk.starts_with(EVENT_PREFIX) {
        return Work::Send(Job::Fold(item.key.clone()));
    }
    if sk.starts_with(REPORT_PREFIX) {
        return Work::Send(Job::FetchReport(item.key.clone()));
    }
    if sk == STATE {
        return Work::Send(Job::Publish(item.key.clone()));
    }
    if sk == CONFIRMATION {
        return Work::Send(Job::ReadResult(item.key.clone()));
    }
    if sk.starts_with(RUN_PREFIX) && item.key.vendor() == Some(IMOCHA) {
        return Work::Send(Job::Reconcile(Reconcile::Step(item.key.clone())));
    }
    if sk == REGISTRATION && item.key.vendor() == Some(REGISTERED_VENDOR) {
        return Work::Send(Job::Register(item.key.clone()));
    }
    match item.key.attempt() {
        Some((IMOCHA, attempt)) if sk == ASKED => {
            attempt.parse().map_or(Work::Strange, Work::AskImocha)
        }
        _ => Work::Strange,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn delays_grow_up_to_an_hour() {
        let minutes: Vec<u64> = (0..MOST_TRIES)
            .map(|tries| delay(tries).as_secs() / 60)
            .collect();
        assert_eq!(minutes[..8], [1, 2, 4, 8, 16, 32, 60, 60]);
        assert!(minutes[8..].iter().all(|minutes| *minutes == 60));
        assert_eq!(delay(u64::MAX), LONGEST_DELAY);
    }
}
