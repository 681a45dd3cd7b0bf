//! Work once created is done, or parked with an alarm; whoever dies between any two side effects loses nothing.

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
