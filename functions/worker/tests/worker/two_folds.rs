//! Two workers on one attempt at once, stopped between any two of their calls to the table: every way in which their calls can follow
//! each other is tried.

use crate::turns::{Turns, others};
use crate::world::*;
use shared::event::{Event, Order, Stage, Status};
use shared::fold::{Heard, fold};
use shared::store::{Delivery, EventStore, StoredEvent};
use worker::Worker;

/// Two events of an attempt.
type Pair = fn(&str) -> (Delivery, Delivery);

/// The second comes while the first is folded, at any moment of that, and is folded by another worker at once.
async fn fold_both(
    turns: &mut Turns,
    schedule: &[usize],
    (first, second): (&Delivery, &Delivery),
    (one, other): (&Worker, &Worker),
) -> Vec<Vec<usize>> {
    let folds_first = Box::pin(async { one.fold(&first.key, "r").await.unwrap() });
    let folds_second = Box::pin(async {
        other.table.record(second).await.unwrap();
        other.fold(&second.key, "r").await.unwrap();
    });
    let given = turns.give(schedule, [folds_first, folds_second]).await;
    others(schedule, &given)
}

/// Nothing is lost: the state is the fold of both, no event waits, and the report that the state names is the one that it offers.
async fn assert_whole(world: &World, first: &Delivery, schedule: &[usize]) {
    let partition = world.partition(first).await;
    assert_eq!(partition.events.len(), 2, "{schedule:?}");
    let heard: Vec<Heard> = partition.events.iter().map(StoredEvent::heard).collect();
    let stored = partition.state.as_ref().unwrap();
    assert_eq!(Some(&stored.state), fold(&heard).as_ref(), "{schedule:?}");
    let waits = partition.events.iter().any(|event| event.marked);
    assert!(!waits, "{schedule:?}: an event is folded and waits");
    assert!((1..=2).contains(&stored.version), "{schedule:?}");
    let offered = stored.state.report.as_ref().map(|(link, _)| link);
    let named = partition
        .reports
        .iter()
        .find(|report| report.number() == stored.report);
    assert_eq!(named.map(|it| &it.link), offered, "{schedule:?}");
}

/// Runs every schedule there is, each on an attempt of its own. How many there are.
async fn in_every_way(pair: Pair) -> usize {
    let mut world = world_without_keys().await;
    let (mut turns, [first, second]) = Turns::of_two();
    let one = world.worker_in_turns(first).await;
    let other = world.worker_in_turns(second).await;
    let (mut schedules, mut runs) = (vec![Vec::new()], 0);
    while let Some(schedule) = schedules.pop() {
        runs += 1;
        let (first, second) = pair(&runs.to_string());
        world.record(&first).await;
        let events = (&first, &second);
        let more = fold_both(&mut turns, &schedule, events, (&one, &other)).await;
        assert_whole(&world, &first, &schedule).await;
        schedules.extend(more);
    }
    runs
}

#[tokio::test]
async fn two_folds_end_as_one_after_the_other_however_their_calls_follow_each_other() {
    let steps: Pair = |attempt| {
        let begun = step(attempt, Status::InProgress, at(0));
        let done = completed_with(attempt, "https://vendor.example.com/1.pdf", at(10));
        (begun, done)
    };
    let runs = in_every_way(steps).await;
    assert!(runs > 50, "{runs}");
}

#[tokio::test]
async fn two_folds_of_which_the_first_is_further_lose_nothing_either() {
    let backwards: Pair = |attempt| {
        let done = completed_with(attempt, "https://vendor.example.com/1.pdf", at(0));
        let begun = step(attempt, Status::InProgress, at(10));
        (done, begun)
    };
    let runs = in_every_way(backwards).await;
    assert!(runs > 50, "{runs}");
}

#[tokio::test]
async fn two_folds_of_snapshots_end_at_the_newest_however_their_calls_follow_each_other() {
    let snapshots: Pair = |attempt| {
        let snapshot = |status, seconds| {
            let event = Event {
                order: Order::Snapshot(Stage::Active),
                ..Event::of_attempt(attempt.into(), Some(status), None)
            };
            delivery("jobmojito", event, at(seconds))
        };
        (snapshot(Status::Completed, 0), snapshot(Status::Failed, 10))
    };
    let runs = in_every_way(snapshots).await;
    assert!(runs > 50, "{runs}");
}
