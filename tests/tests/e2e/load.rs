//! A little load, so that what the benchmark measures is known to work, and what it finds to be found.

use std::path::PathBuf;
use tests::load::bursts::{self, Plan};
use tests::load::growth::{self, Cost};
use tests::load::{Settings, everybody};

fn log(directory: &tempfile::TempDir) -> PathBuf {
    directory.path().join("functions.log")
}

#[tokio::test]
async fn of_a_burst_nothing_is_lost_and_nothing_is_there_twice() {
    let directory = tempfile::tempdir().unwrap();
    let settings = Settings {
        processes: 2,
        meter: false,
        log: log(&directory),
    };
    let everybody = everybody(&settings).await;
    let plan = Plan {
        deliveries: 90,
        burst: 45,
        at_once: 16,
        seed: 1,
    };
    let outcome = bursts::run(&everybody, plan, |_| {}).await;
    let wrong = &outcome.wrong;
    assert!(wrong.is_nothing(), "{wrong:?}");
    assert_eq!(outcome.accepted, 90);
    let repeats = outcome.accepted_alone + outcome.accepted - outcome.webhooks;
    assert!((1..=15).contains(&repeats), "a sixth of 90: {repeats}");
    // Each attempt has changed at least once.
    assert!(outcome.published >= outcome.attempts);
    assert!(outcome.memory.len() == 2 && outcome.memory[1].values().all(|bytes| *bytes > 0));
    let (alive, ended) = (outcome.processes.alive(), &outcome.processes.ended);
    assert!(alive.len() == 5 && alive.values().all(|count| (1..=2).contains(count)));
    assert!(alive.values().any(|count| *count == 2), "{alive:?}");
    assert!(ended.values().all(|ended| *ended == 0), "{ended:?}");
}

#[tokio::test]
async fn what_a_webhook_costs_does_not_depend_on_how_much_else_is_stored() {
    let directory = tempfile::tempdir().unwrap();
    let (mut few, mut many) = ([0.0; 3], [0.0; 3]);
    // A machine that is busy makes a call twice, or leaves something to a sweep.
    for _ in 0..3 {
        let rows = growth::of_the_table(&[50, 5_000], 5, log(&directory), |_| {}).await;
        (few, many) = (counts(&rows[0].cost), counts(&rows[1].cost));
        if are_alike(few, many) {
            break;
        }
    }
    assert!(are_alike(few, many), "{few:?} {many:?}");
    assert!(few.iter().all(|count| *count > 1.0), "{few:?}");
}

/// What does not depend on the machine.
fn counts(cost: &Cost) -> [f64; 3] {
    [cost.calls, cost.read_units, cost.write_units]
}

/// Units are whole for each item, whose size differs by some bytes from one candidate to the next: there were a hundred times as many items.
fn are_alike(few: [f64; 3], many: [f64; 3]) -> bool {
    few.iter().zip(many).all(|(few, many)| many < few * 1.1)
}

/// Where it can be made small, size costs nothing but that; where it cannot, it is paid for by the kilobyte that is written.
#[tokio::test]
async fn a_larger_body_costs_what_it_takes_to_keep_it() {
    let directory = tempfile::tempdir().unwrap();
    let rows = growth::of_the_body(&[1_024, 30_720], log(&directory), |_| {}).await;
    let [words, more_words, noise, more_noise] =
        rows.iter().map(|it| it.cost).collect::<Vec<_>>()[..]
    else {
        panic!("each size of each kind")
    };
    assert!(more_words.write_units < words.write_units * 1.5);
    assert!(more_noise.write_units > noise.write_units * 3.0);
}

#[tokio::test]
async fn a_longer_history_costs_what_it_takes_to_read_it_and_no_more_calls() {
    let directory = tempfile::tempdir().unwrap();
    let (mut fewer, mut more) = (Cost::default(), Cost::default());
    // As above.
    for _ in 0..3 {
        let rows = growth::of_the_history(&[1, 24], log(&directory), |_| {}).await;
        (fewer, more) = (rows[0].cost, rows[1].cost);
        if fewer.calls.total_cmp(&more.calls).is_eq() {
            break;
        }
    }
    assert!(
        fewer.calls.total_cmp(&more.calls).is_eq(),
        "{fewer:?} {more:?}"
    );
    assert!(more.read_units > fewer.read_units, "{fewer:?} {more:?}");
}
