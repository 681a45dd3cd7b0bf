//! Work that waits when its person is erased: a fold that nobody was told of, a change that the bus has not taken, and what was
//! tried too often and is parked.

use crate::operator::json;
use crate::stores::found;
use imocha_webhook::Imocha;
use local::engine::Service;
use local::faults::{Call, ErrorAnswer, Fault};
use serde_json::{Value, json as value};
use shared::key::attempt_partition;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Duration;
use tests::faults::Breaker;
use tests::inbox::Inbox;
use tests::quiet::until_quiet;
use tests::stage::{Stage, accepted, eventually};
use tests::vendors::deliver;

const ADA: &str = "ada@example.com";
const BUS: (Service, &str) = (Service::EventBridge, "WorkerFunction");
const QUEUE: (Service, &str) = (Service::Sqs, "ImochaFunction");

async fn came(stage: &Stage, attempt: u64) {
    let body =
        value!({ "TestInvitationId": attempt, "CandidateEmailId": ADA, "Status": "Complete" });
    accepted(deliver::<Imocha>(stage, "", "", body.to_string()).await).await;
}

/// From now on these services are down for these functions, and no others. Counts the calls that fail.
fn bring_down(breaker: &Breaker, down: &'static [(Service, &'static str)]) -> Arc<AtomicUsize> {
    let failed = Arc::new(AtomicUsize::new(0));
    let counted = Arc::clone(&failed);
    breaker.set(move |call: &Call| {
        let is_down = |(service, function): &(Service, &str)| {
            call.service == *service && call.function.as_deref() == Some(*function)
        };
        if down.iter().any(is_down) {
            counted.fetch_add(1, Ordering::SeqCst);
            return Fault::Answer(ErrorAnswer::internal("down"));
        }
        Fault::None
    });
    failed
}

/// Takes what is marked of an attempt out of the way, as the sweep does.
async fn park(stage: &Stage, attempt: &str) {
    let pk = attempt_partition("imocha", attempt);
    let far = stage.clock.now().plus(Duration::from_hours(1));
    for shard in 0..shared::key::SHARDS {
        let due = stage.table.due(shard, far, 100).await.unwrap();
        for item in due.iter().filter(|it| it.key.pk == pk) {
            assert!(stage.table.park(item).await.unwrap());
        }
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn what_waits_for_whom_is_erased_comes_to_nothing_and_nobody_is_told_of_it() {
    let breaker = Breaker::new();
    let faults = Arc::new(breaker.clone());
    let stage = Stage::with(|options| {
        options.faults = Some(faults);
        let fields = ("PublishedPersonalFields".into(), "email".into());
        options.parameters.extend([fields]);
    })
    .await;
    let inbox = Inbox::of_all_changes(&stage).await;
    let failed = bring_down(&breaker, &[BUS]);
    came(&stage, 1).await;
    eventually("it is folded, and the bus has not taken it", || async {
        (failed.load(Ordering::SeqCst) > 0).then_some(())
    })
    .await;
    // The bus, too: the worker is still at it.
    bring_down(&breaker, &[BUS, QUEUE]);
    came(&stage, 2).await;
    came(&stage, 3).await;
    park(&stage, "3").await;
    assert_eq!(stage.table.parked().await.unwrap().len(), 1);
    assert_eq!(stage.marked().await.len(), 2, "a change and a fold");

    bring_down(&breaker, &[BUS]);
    let receipt = json(&stage, &["erase", "--email", ADA]).await;
    let attempts = receipt["attempts"].as_array().unwrap();
    assert_eq!(
        (attempts.len(), &receipt["left"]),
        (3, &value!(0)),
        "{receipt}"
    );
    assert!(found(&stage, ADA).await.is_empty());
    assert!(stage.table.parked().await.unwrap().is_empty());

    breaker.mend();
    stage.let_time_pass().await;
    stage.sweep().await;
    stage.settled().await;
    until_quiet(&stage, None).await.unwrap();
    assert!(found(&stage, ADA).await.is_empty());
    let told = inbox.rest().await;
    let [told] = told.as_slice() else {
        panic!("of what nobody had heard of, nobody is told: {told:#?}");
    };
    let data = &told["detail"]["data"];
    assert_eq!(
        (&data["attempt"], &data["erased"]),
        (&value!("1"), &value!(true))
    );
    assert_eq!(data["candidate"], Value::Null);
}
