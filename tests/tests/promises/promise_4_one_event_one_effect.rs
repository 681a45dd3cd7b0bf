//! The state is the fold of what is stored, whatever came when and how often: what orders and repetitions do before anything is stored
//! ([`pure`]), against the store ([`stored`]) and through the processes, what many deliveries at once do, and two workers at once ([`races`]).

#[path = "promise_4/arrivals.rs"]
mod arrivals;
#[path = "promise_4/generated.rs"]
mod generated;
#[path = "promise_4/published.rs"]
mod published;
#[path = "promise_4/pure.rs"]
mod pure;
#[path = "promise_4/races.rs"]
mod races;
#[path = "promise_4/shuffle.rs"]
mod shuffle;
#[path = "promise_4/stored.rs"]
mod stored;

use crate::flows;
use crate::ways;
use arrivals::{Arrival, arrive, stage};
use futures_util::future::join_all;
use published::versions;
use shared::key::EventId;
use shuffle::Shuffle;
use std::collections::BTreeMap;
use std::sync::Arc;
use tests::inbox::Inbox;

/// The first attempt's number; each has the one after the one before.
const FIRST: u64 = 7_000_000;

/// All attempts, each with the place of its flow.
fn every_arrival() -> Vec<(usize, Arrival)> {
    let flows = flows::all().into_iter().enumerate();
    let orders = flows.flat_map(|(place, flow)| {
        let orders = flow.orders().into_iter();
        orders.map(move |order| (place, flow.clone(), order))
    });
    let arrivals = (FIRST..).zip(orders).map(|(number, (place, flow, order))| {
        let arrival = Arrival::in_order(&flow, number, &order);
        (place, arrival)
    });
    arrivals.collect()
}

/// On one bundle, whose queue hands messages out in any order and again, and whose bus does not always say what it took.
#[tokio::test(flavor = "multi_thread")]
async fn every_order_and_repetition_of_every_flow_ends_the_same() {
    let faults = Arc::new(Shuffle::of(FIRST));
    let stage = stage(|options| options.faults = Some(faults)).await;
    let inbox = Inbox::of_all_changes(&stage).await;
    let (places, arrivals): (Vec<usize>, Vec<Arrival>) = every_arrival().into_iter().unzip();
    arrive(&stage, &arrivals).await;
    let published = inbox.rest().await;
    assert!(inbox.repeats() > 0, "nothing was published twice");
    let versions = versions(&published);
    let mut ends: BTreeMap<(usize, Option<&str>), String> = BTreeMap::new();
    for (place, arrival) in places.into_iter().zip(&arrivals) {
        let ended = arrival.ended(&stage).await;
        let (words, last_word) = (
            ended.words(arrival),
            arrival.flow.last_word(&arrival.order()),
        );
        let expected = ends.entry((place, last_word));
        assert_eq!(
            *expected.or_insert_with(|| words.clone()),
            words,
            "{arrival:?}"
        );
        if let Some(last_word) = last_word {
            assert_eq!(ended.status_by(), last_word, "{arrival:?}");
        }
        let stored = ended.stored();
        let of_attempt = &versions[&(stored.source.as_str(), stored.attempt.as_str())];
        assert_eq!(of_attempt.last(), Some(&stored.version), "{arrival:?}");
    }
    // One end for each flow, and where the last word counts one for each that can be the last.
    let flows = flows::all().into_iter();
    let expected: usize = flows.map(|flow| flow.last_counts.len().max(1)).sum();
    assert_eq!(ends.len(), expected, "{ends:#?}");
}

/// How many deliveries come at the same moment.
const AT_THE_SAME_MOMENT: usize = 16;

#[tokio::test(flavor = "multi_thread")]
async fn many_deliveries_of_one_event_at_once_are_one_event_in_every_way_in() {
    let stage = ways::stage().await;
    let inbox = Inbox::of_all_changes(&stage).await;
    for way in ways::all(&stage).await {
        // Both of Xobin's ways bring the same events.
        let again = way.name.contains("authorization");
        let before = if again { AT_THE_SAME_MOMENT } else { 0 };
        let call = way.right(stage.clock.now());
        let posts = (0..AT_THE_SAME_MOMENT).map(|_| call.accepted(&stage));
        let mut answers: BTreeMap<EventId, Vec<String>> = BTreeMap::new();
        for (outcome, id) in join_all(posts).await {
            answers.entry(id).or_default().push(outcome);
        }
        let (id, outcomes) = answers.pop_first().unwrap();
        assert!(answers.is_empty(), "{}: it is one event", way.name);
        // A write whose answer was late is made again, and then counts twice; who made it the first time is told of a repeat.
        let new = outcomes.iter().filter(|outcome| *outcome == "accepted");
        let new = new.count();
        assert!(new <= usize::from(!again), "{}: {new} are new", way.name);
        let event = stage.event(&id).await.unwrap();
        let came = (before + AT_THE_SAME_MOMENT) as u64;
        let counted = event.summary.deliveries;
        assert!(counted >= came, "{}: {counted} of {came}", way.name);
    }
    stage.settled().await;
    // No attempt has more than two events among these, and no version is without one.
    for (attempt, versions) in versions(&inbox.rest().await) {
        assert!(versions.len() <= 2, "{attempt:?}: {versions:?}");
    }
}
