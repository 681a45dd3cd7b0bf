//! Order and repetition against the table: whatever order deliveries come in and how often, what is stored is what they come to, and
//! so is its fold.

use crate::engine::*;
use crate::engines::variable;
use proptest::prelude::*;
use proptest::strategy::ValueTree;
use proptest::test_runner::{Config, RngAlgorithm, TestRng, TestRunner};
use shared::attempt::State;
use shared::event::{Event, Order, Score, Stage, Status};
use shared::fold::{Heard, fold};
use shared::store::{Delivery, StoredEvent};
use std::collections::BTreeMap;

/// How many histories are generated, if nobody says.
const RUNS: u8 = 40;

fn step(status: Status) -> Event {
    Event::of_attempt("7".into(), Some(status), None)
}

/// By the vendor's own clock.
fn told_at(minute: i64, event: Event) -> Event {
    Event {
        occurred_at: Some(at(minute * 60)),
        ..event
    }
}

fn snapshot(status: Status, stage: Stage) -> Event {
    Event {
        order: Order::Snapshot(stage),
        ..step(status)
    }
}

/// What vendors tell of an attempt, and those of which what was heard last counts.
fn histories() -> [(&'static str, Vec<Event>, &'static [usize]); 4] {
    let scored = Event {
        score: Some(Score {
            value: Some(6.0),
            ..Score::default()
        }),
        ..step(Status::Completed)
    };
    [
        (
            "with the vendor's times",
            vec![
                told_at(1, step(Status::Invited)),
                told_at(2, step(Status::Terminated)),
                told_at(3, step(Status::Abandoned)),
            ],
            &[],
        ),
        (
            "with ranks alone",
            vec![step(Status::Invited), step(Status::InProgress), scored],
            &[],
        ),
        (
            "of one rank and without times",
            vec![
                step(Status::InProgress),
                step(Status::Terminated),
                step(Status::Abandoned),
            ],
            &[1, 2],
        ),
        (
            "snapshots",
            vec![
                snapshot(Status::Collected, Stage::Draft),
                snapshot(Status::Completed, Stage::Active),
                snapshot(Status::Failed, Stage::Active),
            ],
            &[1, 2],
        ),
    ]
}

/// Every order of three with at most one of them again.
fn orders() -> Vec<Vec<usize>> {
    let places = (0..3).flat_map(|a| (0..3).flat_map(move |b| (0..3).map(move |c| vec![a, b, c])));
    let (three, extended): (Vec<_>, Vec<_>) = (
        places.clone().collect(),
        places
            .flat_map(|it| (0..3).map(move |d| [&it[..], &[d]].concat()))
            .collect(),
    );
    let whole = |order: &Vec<usize>| (0..3).all(|event| order.contains(&event));
    let both: Vec<Vec<usize>> = [three, extended].concat();
    both.into_iter().filter(whole).collect()
}

/// The deliveries of an attempt, one each second.
fn deliveries(attempt: &str, events: &[Event], order: &[usize]) -> Vec<Delivery> {
    let deliveries = (0..).zip(order).map(|(second, number)| {
        let event = Event {
            attempt: Some(attempt.to_owned()),
            ..events[*number].clone()
        };
        delivery_of(event, number.to_string(), at(second))
    });
    deliveries.collect()
}

/// What is to be stored: each event once, with when it first and last came, and how often.
fn expected(deliveries: &[Delivery]) -> BTreeMap<String, (Heard, u64)> {
    let mut items: BTreeMap<String, (Heard, u64)> = BTreeMap::new();
    for delivery in deliveries {
        let sk = delivery.key.sk.clone();
        let first = || Heard {
            sk: sk.clone(),
            event: delivery.event.clone(),
            first_received: delivery.received,
            last_received: delivery.received,
            vouched: false,
        };
        let (heard, came) = items.entry(sk.clone()).or_insert_with(|| (first(), 0));
        heard.last_received = delivery.received;
        *came += 1;
    }
    items
}

/// Stores the deliveries, compares what is there with what is to be, and folds it.
async fn stored(engine: &Engine, deliveries: &[Delivery], what: &str) -> Option<State> {
    for delivery in deliveries {
        engine.record(delivery).await;
    }
    let partition = engine.table.partition(&deliveries[0].key.pk).await.unwrap();
    let events = partition.events.iter();
    let there: BTreeMap<_, _> = events
        .map(|it| (it.key.sk.clone(), (it.heard(), it.summary.deliveries)))
        .collect();
    let expected = expected(deliveries);
    assert_eq!(there, expected, "{what}");
    let heard: Vec<Heard> = partition.events.iter().map(StoredEvent::heard).collect();
    let model: Vec<Heard> = expected.into_values().map(|(heard, _)| heard).collect();
    let state = fold(&heard);
    assert_eq!(state, fold(&model), "{what}");
    state
}

#[tokio::test]
async fn every_order_and_repetition_is_stored_as_what_it_comes_to() {
    let engine = engine().await;
    for (name, events, last_counts) in histories() {
        let mut ends = BTreeMap::new();
        for (number, order) in orders().iter().enumerate() {
            let (attempt, what) = (format!("{name} {number}"), format!("{name}: {order:?}"));
            let state = stored(&engine, &deliveries(&attempt, &events, order), &what).await;
            let last = order
                .iter()
                .rev()
                .find(|it| last_counts.contains(it))
                .copied();
            let state = state.unwrap();
            let end = (state.status, state.score);
            let same = ends.entry(last).or_insert_with(|| end.clone());
            assert_eq!(*same, end, "{what}");
        }
        assert_eq!(ends.len(), last_counts.len().max(1), "{name}");
    }
}

/// Any history, and any order of it with repeats.
fn any_history() -> impl Strategy<Value = (Vec<Event>, Vec<usize>)> {
    let status = prop::sample::select(Status::ALL.to_vec());
    let stage = prop::sample::select(vec![Stage::Draft, Stage::Active, Stage::Archived]);
    let minute = prop::option::of(0..5_i64);
    let event = (status, prop::option::of(stage), minute).prop_map(|(status, stage, minute)| {
        let order = stage.map_or(Order::Progress, Order::Snapshot);
        let event = Event {
            order,
            ..step(status)
        };
        match minute {
            Some(minute) => told_at(minute, event),
            None => event,
        }
    });
    let events = prop::collection::vec(event, 1..6);
    events.prop_flat_map(|events| {
        let order = prop::collection::vec(0..events.len(), 1..12);
        (Just(events), order)
    })
}

/// `ORDER_SEED=17 cargo test -p shared --test store orders` runs one alone.
#[tokio::test]
async fn any_history_is_stored_as_what_it_comes_to() {
    let engine = engine().await;
    let alone: Option<u8> = variable("ORDER_SEED").map(|seed| seed.parse().unwrap());
    for seed in alone.map_or(1..=RUNS, |seed| seed..=seed) {
        let rng = TestRng::from_seed(RngAlgorithm::ChaCha, &[seed; 32]);
        let mut runner = TestRunner::new_with_rng(Config::default(), rng);
        let (events, order) = any_history().new_tree(&mut runner).unwrap().current();
        let what = format!("ORDER_SEED={seed}: {order:?}");
        stored(
            &engine,
            &deliveries(&seed.to_string(), &events, &order),
            &what,
        )
        .await;
    }
}
