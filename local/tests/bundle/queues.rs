//! Messages, and what becomes of those that fail.

use std::time::Duration;

use local::{Bundle, Schedules};

use crate::support::{eventually, message_count, options, records, send, send_all};

#[tokio::test]
async fn a_message_that_is_done_is_deleted() {
    let mut options = options();
    // Whatever the machine does meanwhile, it does not come again.
    options.visibility_timeout = Some(Duration::from_mins(10));
    let bundle = Bundle::start(options).await.unwrap();
    send(&bundle, "one").await;
    eventually("the queue is empty", async || {
        message_count(&bundle, bundle.queue_url()).await == 0
    })
    .await;
    assert_eq!(records(&bundle), ["one 1"]);
    bundle.stop().await;
}

#[tokio::test]
async fn only_what_failed_comes_again_and_ends_among_the_dead_letters() {
    let mut options = options();
    // Wide enough for both messages to be one batch.
    options.batching_window = Some(Duration::from_millis(300));
    // Long enough for both to be done, since the good one must not come again.
    options.visibility_timeout = Some(Duration::from_secs(4));
    let bundle = Bundle::start(options).await.unwrap();
    send(&bundle, "fail").await;
    send(&bundle, "good").await;
    let dead_letters = bundle.dead_letter_queue_url();
    eventually("it is a dead letter", async || {
        message_count(&bundle, dead_letters).await == 1
    })
    .await;
    let mut records = records(&bundle);
    records.sort();
    assert_eq!(records, ["fail 1", "fail 2", "good 1"]);
    assert_eq!(message_count(&bundle, bundle.queue_url()).await, 0);
    bundle.stop().await;
}

#[tokio::test]
async fn a_batch_comes_again_as_a_whole_if_the_failure_is_unnamed_or_the_process_dies() {
    for how in ["fail unnamed", "exit", "error"] {
        let mut options = options();
        options.batching_window = Some(Duration::from_millis(300));
        let bundle = Bundle::start(options).await.unwrap();
        send_all(&bundle, &["good", how]).await;
        let twice = || {
            records(&bundle)
                .iter()
                .filter(|record| record.starts_with("good"))
                .count()
                >= 2
        };
        eventually("the good one came again", async || twice()).await;
        bundle.stop().await;
    }
}

#[tokio::test]
async fn a_schedule_sends_its_message_time_and_again() {
    let mut options = options();
    options.schedules = Schedules::Every(Duration::from_millis(20));
    let bundle = Bundle::start(options).await.unwrap();
    let ticks = || {
        records(&bundle)
            .iter()
            .filter(|record| record.as_str() == "tick 1")
            .count()
    };
    eventually("it ticked three times", async || ticks() >= 3).await;
    bundle.stop().await;
}
