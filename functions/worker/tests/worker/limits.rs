//! Three workers over one table: what a vendor sees of them.

use crate::world::*;
use futures_util::future::join_all;
use shared::clock::Clock;
use shared::limits::{Limiter, Outcome, Why};
use std::cmp::Reverse;
use std::collections::{BTreeSet, BinaryHeap, VecDeque};
use std::num::NonZeroU32;
use worker::vendors::VendorError;
use worker::vendors::error::Waiting;
use worker::vendors::limits::Limits;

const VENDOR: &str = "acme";
const TOO_FAST: Outcome = Outcome::TooFast { retry_after: None };

fn limits(world: &World, per_minute: u32) -> Limits {
    let limiter = Limiter::per_minute(NonZeroU32::new(per_minute).unwrap());
    Limits::new(VENDOR, limiter, world.table.clone(), world.clock.clone())
}

/// How many updates of the limits there were since this was last asked, failed ones included.
fn updates(world: &World) -> usize {
    let writes = world.platform().take_writes();
    writes.iter().filter(|it| *it == "limits").count()
}

fn milliseconds(clock: &Clock) -> i64 {
    clock.now().unix_ms() - at(0).unix_ms()
}

fn waiting(error: VendorError) -> Waiting {
    match error {
        VendorError::Waiting(waiting) => waiting,
        error => panic!("{error}"),
    }
}

/// Calls that want to be made by three workers, each of which comes back when it is told to, a little late.
struct Backlog<'a> {
    world: &'a World,
    workers: [Limits; 3],
    comes: BinaryHeap<Reverse<(i64, usize)>>,
    /// When each call went, and whether it was borne.
    calls: Vec<(i64, bool)>,
    looks: usize,
}

impl<'a> Backlog<'a> {
    fn of(world: &'a World, per_minute: u32, calls: usize) -> Self {
        Self {
            world,
            workers: [(); 3].map(|()| limits(world, per_minute)),
            comes: (0..calls).map(|call| Reverse((0, call))).collect(),
            calls: Vec::new(),
            looks: 0,
        }
    }

    /// Lets ten minutes pass at a vendor that bears a call at some times and not at others.
    async fn ten_minutes(&mut self, mut bears: impl FnMut(i64) -> bool) {
        while let Some(Reverse((when, call))) = self.comes.pop() {
            if when >= 600_000 {
                return;
            }
            self.world
                .wait_until(at(0).plus(std::time::Duration::from_millis(
                    u64::try_from(when).unwrap(),
                )));
            let worker = &self.workers[self.looks % 3];
            self.looks += 1;
            match worker.admit().await {
                Ok(leave) => {
                    let borne = bears(when);
                    self.calls.push((when, borne));
                    let outcome = if borne { Outcome::Well } else { TOO_FAST };
                    worker.note(outcome, leave.at).await;
                }
                Err(error) => {
                    let late = 20 + i64::try_from(self.looks * 97 % 280).unwrap();
                    let after = waiting(error).after.as_millis().div_ceil(1000).max(1);
                    let back = when + i64::try_from(after).unwrap() * 1000 + late;
                    self.comes.push(Reverse((back, call)));
                }
            }
        }
    }

    fn most_in_a_minute(&self) -> usize {
        let starts = self.calls.iter().map(|(at, _)| *at);
        let of_minute = |start: i64| {
            let minute = start..start + 60_000;
            self.calls
                .iter()
                .filter(|it| minute.contains(&it.0))
                .count()
        };
        starts.map(of_minute).max().unwrap_or_default()
    }
}

#[tokio::test]
async fn three_workers_together_call_at_the_rate_and_never_above_it() {
    let world = world().await;
    let mut backlog = Backlog::of(&world, 30, 310);
    backlog.ten_minutes(|_| true).await;
    assert!(backlog.most_in_a_minute() <= 30);
    assert!(backlog.calls.len() >= 294, "{}", backlog.calls.len());
    // The others' changes make an update fail, not more.
    let (updates, looks) = (updates(&world), backlog.looks);
    assert!(updates <= looks * 2, "{updates} for {looks}");
    assert!(looks <= backlog.calls.len() * 5, "{looks} looks");
}

#[tokio::test]
async fn three_workers_together_call_at_slow_rates_as_well() {
    for per_minute in [6, 10, 15, 20] {
        let world = world().await;
        let wanted = usize::try_from(per_minute * 10).unwrap();
        let mut backlog = Backlog::of(&world, per_minute, wanted + 20);
        backlog.ten_minutes(|_| true).await;
        assert!(backlog.most_in_a_minute() <= usize::try_from(per_minute).unwrap());
        let calls = backlog.calls.len();
        println!("{per_minute}: {calls} of {wanted}, {} looks", backlog.looks);
        assert!(
            calls * 100 >= wanted * 98,
            "{per_minute}: {calls} of {wanted}"
        );
    }
}

#[tokio::test]
async fn three_workers_together_find_a_lower_limit_that_nobody_told_them() {
    let world = world().await;
    let mut backlog = Backlog::of(&world, 40, 300);
    // Twenty in any minute, which is half of what is configured.
    let mut borne: VecDeque<i64> = VecDeque::new();
    let bears = move |now| {
        borne.retain(|it| *it > now - 60_000);
        let bears = borne.len() < 20;
        borne.extend(bears.then_some(now));
        bears
    };
    backlog.ten_minutes(bears).await;
    let later: Vec<_> = backlog.calls.iter().filter(|it| it.0 >= 60_000).collect();
    let refused = later.iter().filter(|it| !it.1).count();
    assert!(refused * 50 <= later.len(), "{refused} of {}", later.len());
    assert!(later.len() >= 9 * 13, "{} in nine minutes", later.len());
}

#[tokio::test]
async fn a_call_costs_one_update_and_a_success_after_successes_none() {
    let world = world().await;
    let limits = limits(&world, 60);
    for second in [0, 2, 4] {
        world.wait_until(at(second));
        let leave = limits.admit().await.unwrap();
        assert_eq!(updates(&world), 1);
        limits.note(Outcome::Well, leave.at).await;
        assert_eq!(updates(&world), 0);
    }
    world.wait_until(at(6));
    let leave = limits.admit().await.unwrap();
    limits.note(TOO_FAST, leave.at).await;
    assert_eq!(updates(&world), 2);
}

#[tokio::test]
async fn who_knows_nothing_learns_it_from_the_update_that_fails() {
    let world = world().await;
    let (one, other) = (limits(&world, 60), limits(&world, 60));
    one.admit().await.unwrap();
    updates(&world);
    let waiting = waiting(other.admit().await.unwrap_err());
    assert_eq!(waiting.why, Why::Rate);
    assert_eq!(updates(&world), 2, "one that fails, one that does not");
}

#[tokio::test]
async fn of_many_workers_at_the_same_instant_one_calls() {
    let world = world().await;
    let workers: Vec<_> = (0..20).map(|_| limits(&world, 60)).collect();
    let decisions = join_all(workers.iter().map(Limits::admit)).await;
    let (gone, waiting): (Vec<_>, Vec<_>) = decisions
        .into_iter()
        .map(|it| it.map_err(waiting))
        .partition(Result::is_ok);
    assert_eq!(gone.len(), 1);
    let waiting: Vec<Waiting> = waiting.into_iter().map(Result::unwrap_err).collect();
    let by_rate = waiting.iter().filter(|it| it.why == Why::Rate);
    let times: BTreeSet<i64> = by_rate.clone().map(|it| it.until.unix_ms()).collect();
    assert_eq!(times.len(), by_rate.count(), "each a time of its own");
    for contended in waiting.iter().filter(|it| it.why != Why::Rate) {
        assert_eq!((contended.why, contended.until), (Why::Contended, at(5)));
    }
}

#[tokio::test]
async fn workers_of_one_process_do_not_overtake_each_other() {
    let world = world().await;
    let limits = limits(&world, 60);
    let decisions = join_all((0..10).map(|_| limits.admit())).await;
    assert_eq!(decisions.iter().filter(|it| it.is_ok()).count(), 1);
    assert_eq!(updates(&world), 10);
}

#[tokio::test]
async fn leave_that_is_given_back_is_the_next_ones_unless_another_call_went() {
    let world = world().await;
    let (limits, others) = (limits(&world, 1), limits(&world, 1));
    let unused = limits.admit().await.unwrap();
    assert!(others.admit().await.is_err(), "it is not their turn");
    limits.give_back(unused).await;
    assert!(limits.admit().await.is_err(), "somebody has queued since");
    world.wait_until(at(2 * 61));
    let unused = limits.admit().await.unwrap();
    limits.give_back(unused).await;
    let _used = limits.admit().await.unwrap();
    assert!(limits.admit().await.is_err(), "one call has gone");
}

#[tokio::test]
async fn while_the_vendor_is_down_one_worker_of_three_finds_out_each_ten_seconds() {
    let world = world().await;
    let workers = [(); 3].map(|()| limits(&world, 600));
    let mut probes = Vec::new();
    for second in 0..120 {
        world.wait_until(at(0).plus(std::time::Duration::from_secs(second)));
        for worker in &workers {
            if let Ok(leave) = worker.admit().await {
                probes.push(milliseconds(&world.clock));
                let failed = Outcome::Failed { retry_after: None };
                worker.note(failed, leave.at).await;
            }
        }
    }
    let noticed = 3;
    assert!(probes[noticed - 1] < 3000, "{probes:?}");
    let apart = probes[noticed..].windows(2).map(|two| two[1] - two[0]);
    assert!(apart.clone().all(|it| it >= 10_000), "{probes:?}");
    assert!(apart.count() >= 10, "{probes:?}");
}

#[tokio::test]
async fn without_the_table_nobody_calls_and_what_a_call_came_to_is_no_failure_of_it() {
    let world = world().await;
    let limits = limits(&world, 60);
    let leave = limits.admit().await.unwrap();
    world.platform().cut_off_after(0);
    limits.note(TOO_FAST, leave.at).await;
    world.wait_until(at(10));
    let error = limits.admit().await.unwrap_err();
    assert!(matches!(error, VendorError::Store(_)), "{error}");
    world.platform().mend();
    limits.admit().await.unwrap();
}
