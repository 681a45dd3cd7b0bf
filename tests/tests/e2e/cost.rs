//! What a delivery costs.

use crate::stage::{Stage, payload};
use crate::vendors::{Ready, ready};
use imocha_webhook::Imocha;
use jobmojito_webhook::Jobmojito;
use local::CallCounts;
use shared::caller::Caller;
use std::time::Duration;
use testlify_webhook::Testlify;
use xobin_webhook::Xobin;

/// The bundle with a worker that is not called, so that every call is a receiver's.
async fn without_worker() -> Stage {
    // A batch is waited for this long, unless ten messages are there.
    Stage::with(|options| options.batching_window = Some(Duration::from_mins(5))).await
}

async fn refuse(stage: &Stage) {
    for path in [
        "/webhooks/imocha/wrong",
        "/webhooks/jobmojito",
        "/webhooks/testlify",
        "/webhooks/xobin/start",
    ] {
        assert_eq!(stage.post(path, &[], "{}").await.status(), 401);
    }
}

/// One call of each source, made beforehand: making it reads the source's secret.
async fn calls(stage: &Stage) -> [Ready; 4] {
    async fn one<S: Caller>(stage: &Stage, version: &str, file: &str) -> Ready {
        ready::<S>(stage, version, "msg_1", payload(file)).await
    }
    [
        one::<Imocha>(stage, "", "imocha/complete.json").await,
        one::<Jobmojito>(stage, "", "jobmojito/selected.json").await,
        one::<Testlify>(stage, "v2", "testlify/v2-completed.json").await,
        one::<Xobin>(stage, "submission", "xobin/submission.json").await,
    ]
}

fn calls_since(stage: &Stage, before: &CallCounts) -> Vec<(String, u64)> {
    let now = stage.bundle.calls();
    let since = now
        .iter()
        .map(|(call, count)| (call.1.clone(), count - before.get(call).unwrap_or(&0)));
    since.filter(|(_, count)| *count > 0).collect()
}

/// What each source's call costs, each once new and once repeated.
async fn calls_of_deliveries() -> [Vec<(String, u64)>; 2] {
    let stage = without_worker().await;
    let calls = calls(&stage).await;
    // The first call of each function starts its process, which opens its connections.
    refuse(&stage).await;
    let mut costs = [Vec::new(), Vec::new()];
    for cost in &mut costs {
        let before = stage.bundle.calls();
        for call in &calls {
            assert_eq!(call.post(&stage).await.status(), 202);
        }
        *cost = calls_since(&stage, &before);
    }
    costs
}

#[tokio::test]
async fn a_delivery_costs_one_call_of_each_whether_it_is_new_or_repeated() {
    let each = [("UpdateItem".to_owned(), 4), ("SendMessage".to_owned(), 4)];
    let expected = [each.to_vec(), each.to_vec()];
    let mut costs = calls_of_deliveries().await;
    // A machine that is busy makes a call twice.
    for _ in 0..2 {
        if costs != expected {
            costs = calls_of_deliveries().await;
        }
    }
    assert_eq!(costs, expected);
}

#[tokio::test]
async fn a_delivery_that_is_refused_costs_nothing() {
    let stage = without_worker().await;
    // As above.
    refuse(&stage).await;
    let before = stage.bundle.calls();
    refuse(&stage).await;
    assert_eq!(calls_since(&stage, &before), []);
}
