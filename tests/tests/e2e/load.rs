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
    // Each attempt has changed at least once.
    assert!(outcome.published >= outcome.attempts);
    assert!(outcome.memory.len() == 2 && outcome.memory[1].values().all(|bytes| *bytes > 0));
}

#[tokio::test]
async fn what_a_webhook_costs_does_not_depend_on_how_much_else_is_stored() {
    let directory = tempfile::tempdir().unwrap();
    let mut counted = Vec::new();
    // A machine that is busy makes a call twice, or leaves something to a sweep.
    for _ in 0..3 {
        let rows = growth::of_the_table(&[50, 5_000], 5, log(&directory), |_| {}).await;
        counted = rows.iter().map(|row| counts(&row.cost)).collect();
        assert_eq!(counted.len(), 2);
        if counted[0] == counted[1] {
            break;
        }
    }
    assert_eq!(counted[0], counted[1]);
    let (calls, _, write_units) = counted[0];
    assert!(calls > 2.0 && write_units > 1.0);
}

/// What does not depend on the machine.
fn counts(cost: &Cost) -> (f64, f64, f64) {
    (cost.calls, cost.read_units, cost.write_units)
}
