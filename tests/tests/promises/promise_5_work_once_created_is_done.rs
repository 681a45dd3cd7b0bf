//! Work once created is done, or parked with an alarm; whoever dies between any two side effects loses nothing.

use crate::crash::lane::{Lane, Spoilt};
use crate::crash::{self, Settings};

/// One seed alone: `CRASH_SEED=17 cargo test -p tests promise_5 -- --nocapture`. Many: `CRASH_RUNS=1000`.
#[tokio::test(flavor = "multi_thread")]
async fn a_crash_between_any_two_side_effects_loses_nothing() {
    let settings = Settings::of_environment();
    let outcome = crash::run(&settings).await;
    println!("{outcome}");
    assert!(outcome.failures.is_empty(), "{}", outcome.complaint());
    let never = outcome.never_broken();
    assert!(
        never.is_empty(),
        "what is never broken proves nothing: {never:?}"
    );
}

/// The simulation is worth what it would notice.
#[tokio::test(flavor = "multi_thread")]
async fn whatever_is_lost_or_altered_is_noticed_by_the_simulation() {
    let lane = Lane::start().await;
    assert_eq!(lane.notices(0, None).await, [] as [&str; 0]);
    for (number, spoilt) in (1..).zip(Spoilt::ALL) {
        let noticed = lane.notices(number, Some(spoilt)).await;
        let is_said = noticed.iter().any(|it| it.contains(spoilt.says()));
        assert!(is_said, "{spoilt:?}: {noticed:#?}");
    }
    lane.stop().await;
}
