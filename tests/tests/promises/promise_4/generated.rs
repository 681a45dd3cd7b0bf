//! Flows that no vendor documents: by a seed, any of the recorded bodies of a source, in any order, again, and several at once.

use super::arrivals::{Arrival, arrive, stage};
use super::shuffle::Shuffle;
use crate::flows::Flow;
use fastrand::Rng;
use futures_util::FutureExt;
use std::panic::AssertUnwindSafe;
use std::sync::Arc;
use tests::environment::variable;
use tests::stage::Stage;

/// How many seeds are run, if nobody says.
const RUNS: u64 = 25;
/// Before all attempts of seeds.
const BEFORE: u64 = 8_000_000;
/// How many deliveries there are of an attempt, at most.
const MOST: usize = 9;

/// What may be said of one attempt.
fn sayings() -> [Flow; 5] {
    let jobmojito = [
        "ongoing",
        "collected",
        "collected-stopped-early",
        "submitted",
        "submitted-stopped-early",
        "selected",
        "rejected",
        "failed",
        "active-failed",
        "terminated-no-speech",
        "abandoned",
        "with-external-id",
        "archived",
    ];
    let v1 = [
        "invited",
        "enrolled",
        "in-progress",
        "completed",
        "score-updated",
        "disqualified",
        "invitation-expired",
    ];
    [
        Flow::of(
            "imocha",
            "",
            &["in-progress", "complete", "terminated", "test-left"],
        ),
        Flow::of("jobmojito", "", &jobmojito),
        Flow::of("testlify", "v1", &v1),
        Flow::of(
            "testlify",
            "v2",
            &["enrolled", "in-progress", "completed", "disqualified"],
        ),
        Flow::xobin(),
    ]
}

/// The attempt of a seed. Of two that are delivered one after the other, the second may come before the first was answered.
fn arrival(seed: u64) -> Arrival {
    let mut rng = Rng::with_seed(seed);
    let flow = sayings()[rng.usize(..5)].clone();
    let count = rng.usize(2..=MOST);
    let mut deliveries: Vec<Vec<usize>> = Vec::new();
    for _ in 0..count {
        let said = rng.usize(..flow.said.len());
        match deliveries.last_mut() {
            Some(at_once) if rng.u8(..3) == 0 => at_once.push(said),
            _ => deliveries.push(vec![said]),
        }
    }
    Arrival {
        flow,
        number: BEFORE + seed,
        deliveries,
    }
}

async fn wrong_with(stage: &Stage, arrival: &Arrival) -> bool {
    AssertUnwindSafe(arrival.ended(stage))
        .catch_unwind()
        .await
        .is_err()
}

/// `ORDER_SEED=17 cargo test -p tests promise_4` runs one seed alone; `ORDER_RUNS=1000` as many, from 1 on.
#[tokio::test(flavor = "multi_thread")]
async fn generated_flows_end_as_the_fold_of_what_is_stored() {
    let runs = variable("ORDER_RUNS").unwrap_or(RUNS);
    let alone: Option<u64> = variable("ORDER_SEED");
    let seeds: Vec<u64> = alone.map_or_else(|| (1..=runs).collect(), |seed| vec![seed]);
    let faults = Arc::new(Shuffle::of(seeds[0]));
    let stage = stage(|options| options.faults = Some(faults)).await;
    let arrivals: Vec<Arrival> = seeds.iter().copied().map(arrival).collect();
    arrive(&stage, &arrivals).await;
    let mut failed = Vec::new();
    for (seed, arrival) in seeds.iter().zip(&arrivals) {
        if wrong_with(&stage, arrival).await {
            failed.push(format!(
                "ORDER_SEED={seed} cargo test -p tests promise_4_one_event_one_effect::generated"
            ));
        }
    }
    assert!(failed.is_empty(), "again: {}", failed.join("\n"));
}
