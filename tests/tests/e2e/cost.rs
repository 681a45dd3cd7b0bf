//! What a delivery costs.

use crate::stage::{Stage, payload};
use crate::vendors::deliver;
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

async fn deliver_all(stage: &Stage) {
    async fn one<S: Caller>(stage: &Stage, version: &str, file: &str) {
        let response = deliver::<S>(stage, version, "msg_1", payload(file)).await;
        assert_eq!(response.status(), 202);
    }
    one::<Imocha>(stage, "", "imocha/complete.json").await;
    one::<Jobmojito>(stage, "", "jobmojito/selected.json").await;
    one::<Testlify>(stage, "v2", "testlify/v2-completed.json").await;
    one::<Xobin>(stage, "submission", "xobin/submission.json").await;
}

/// How many calls there were, but for the tests' own reading of secrets.
fn calls_since(stage: &Stage, before: &CallCounts) -> Vec<(String, u64)> {
    let now = stage.bundle.calls();
    let since = now
        .iter()
        .map(|(call, count)| (call.1.clone(), count - before.get(call).unwrap_or(&0)));
    since
        .filter(|(operation, count)| *count > 0 && operation != "GetSecretValue")
        .collect()
}

#[tokio::test]
async fn a_delivery_new_or_repeated_costs_one_call_of_each_and_a_refused_one_none() {
    let stage = without_worker().await;
    // The first call of each function starts its process, which opens its connections.
    refuse(&stage).await;

    let before = stage.bundle.calls();
    refuse(&stage).await;
    assert_eq!(calls_since(&stage, &before), []);

    for time in ["new", "repeated"] {
        let before = stage.bundle.calls();
        deliver_all(&stage).await;
        let expected = [("UpdateItem".to_owned(), 4), ("SendMessage".to_owned(), 4)];
        assert_eq!(calls_since(&stage, &before), expected, "{time}");
    }
}
