//! What cannot be done, from its first failure to the day on which what broke it is mended: it dies, is parked, is listed with its
//! cause, brought back, and done.

use crate::operator::json;
use crate::redriving::{assert_each_begins, problems};
use crate::stage::{Stage, accepted, binaries, eventually, payload};
use crate::vendors::deliver;
use bytes::Bytes;
use futures_util::future::BoxFuture;
use imocha_webhook::Imocha;
use jobmojito_webhook::Jobmojito;
use local::engine::Service;
use local::faults::{Call, ErrorAnswer, Fault};
use serde_json::{Value, json as value};
use shared::caller::Caller;
use shared::event::Status;
use shared::key::ItemKey;
use shared::queue::FoldMessage;
use shared::store::ReportItem;
use std::fs::{self, Permissions};
use std::io;
use std::net::IpAddr;
use std::os::unix::fs::{PermissionsExt, symlink};
use std::path::PathBuf;
use std::sync::Arc;
use std::time::Duration;
use tempfile::TempDir;
use tests::environment::variable;
use tests::faults::Breaker;
use worker::download::names::Names;
use worker::job::{Job, Message};

fn writes_a_state(call: &Call) -> bool {
    let is_write = call.service == Service::DynamoDb && call.operation != "Query";
    is_write && String::from_utf8_lossy(&call.body).contains("candidate_key")
}

/// As if the sweep had tried it so often.
async fn try_too_often(stage: &Stage, key: &ItemKey) {
    let far = stage.clock.now().plus(Duration::from_hours(48));
    loop {
        let due = stage.table.due(key.shard(), far, 100).await.unwrap();
        let item = due.into_iter().find(|it| it.key == *key).unwrap();
        if item.tries >= 24 {
            return stage.sweep_now(key).await;
        }
        let later = stage.clock.now().plus(Duration::from_hours(1));
        assert!(stage.table.claim(&item, later).await.unwrap());
    }
}

/// Nothing here is made by hand: a job fails, dies, is parked, is listed with its cause, mended, brought back, and done.
#[tokio::test]
async fn what_failed_is_listed_with_its_cause_and_once_mended_brought_back_and_done() {
    let breaker = Breaker::new();
    let faults = Arc::new(breaker.clone());
    let stage = Stage::with(|options| options.faults = Some(faults)).await;
    breaker.set(|call: &Call| {
        if writes_a_state(call) {
            Fault::Answer(ErrorAnswer::internal("down"))
        } else {
            Fault::None
        }
    });
    stage.send("hello ada@example.com").await;
    let delivered = deliver::<Imocha>(&stage, "", "", payload("imocha/complete.json")).await;
    let (_, id) = accepted(delivered).await;
    eventually("both are dead", || async {
        (stage.dead().await == 2).then_some(())
    })
    .await;
    let event = stage.event(&id).await.unwrap();
    try_too_often(&stage, &event.key).await;
    eventually("it is parked", || async {
        let parked = stage.table.parked().await.unwrap();
        (parked.len() == 1).then_some(())
    })
    .await;

    let letters = json(&stage, &["dlq", "list"]).await;
    let letters = letters.as_array().unwrap();
    let fold = letters.iter().find(|it| it["message"]["job"] == "fold");
    let (fold, cause) = (fold.unwrap(), "DynamoDB's");
    let says = |it: &Value| it["problem"].as_str().unwrap().to_owned();
    assert!(says(fold).contains(cause), "{fold}");
    let other = letters.iter().find(|it| it["message"].is_null()).unwrap();
    assert!(says(other).contains("not one of this queue's"), "{other}");
    let parked = json(&stage, &["work", "list", "--parked"]).await;
    assert_eq!(parked[0]["event"], id.as_str(), "{parked}");
    assert!(says(&parked[0]).contains(cause), "{parked}");
    let plan = json(&stage, &["redrive", "--plan"]).await;
    let found = (&plan["items"]["jobs"], &plan["messages"]["found"]);
    assert_eq!(found, (&value!({ "fold": 1 }), &value!(2)), "{plan}");

    breaker.mend();
    let brought = json(&stage, &["redrive"]).await;
    let expected = value!({ "items": 1, "messages": 2, "more": false });
    assert_eq!(brought, expected);
    let state = stage.settled_state("imocha", "3314697").await;
    assert_eq!(state.state.status.unwrap().0, Status::Completed);
    assert!(stage.table.parked().await.unwrap().is_empty());
    let died_again = eventually("what nobody can mend dies again", || async {
        let letters = json(&stage, &["dlq", "list"]).await;
        letters.as_array().cloned().filter(|it| !it.is_empty())
    })
    .await;
    assert_eq!(died_again.len(), 1);
    assert!(died_again[0]["message"].is_null(), "{died_again:?}");
    let left = json(&stage, &["work", "list"]).await;
    assert_eq!(left, value!([]));
}

/// Panics when a report's host is looked up, until this file is there: then every host is this machine.
struct Panicking(PathBuf);

/// The variable that names the file.
const MENDED_BY: &str = "RESOLVER_MENDED_BY";
/// What it says: words that must not be logged.
const PANICS_WITH: &str = "nothing is known of";

impl Names for Panicking {
    fn addresses(&self, host: String) -> BoxFuture<'static, io::Result<Vec<IpAddr>>> {
        assert!(self.0.exists(), "{PANICS_WITH} {host}");
        Box::pin(async { Ok(vec![IpAddr::from([127, 0, 0, 1])]) })
    }
}

#[tokio::test]
#[ignore = "it is a process that the next test starts"]
async fn the_worker_with_a_resolver_that_panics() {
    let names = Panicking(variable(MENDED_BY).expect("a path"));
    worker::function::run(Arc::new(names)).await.unwrap();
}

/// The functions' binaries, but for the worker, which is the one above.
async fn binaries_with_that_worker() -> TempDir {
    let (directory, built) = (tempfile::tempdir().unwrap(), binaries().await);
    let functions = ["imocha", "jobmojito", "testlify", "xobin"];
    for function in functions.map(|it| format!("{it}-webhook")) {
        symlink(built.join(&function), directory.path().join(&function)).unwrap();
    }
    let this = std::env::current_exe().unwrap();
    let test = "poison::the_worker_with_a_resolver_that_panics";
    let arguments = format!("--exact {test} --ignored --nocapture");
    let script = format!("#!/bin/sh\nexec '{}' {arguments}\n", this.display());
    let path = directory.path().join("worker");
    fs::write(&path, script).unwrap();
    fs::set_permissions(&path, Permissions::from_mode(0o755)).unwrap();
    directory
}

/// Hands the worker all of these in one batch, and says which of them failed, by their places.
async fn failed_of(stage: &Stage, bodies: &[Option<&str>]) -> Vec<usize> {
    let records = bodies.iter().enumerate().map(|(place, body)| {
        value!({ "messageId": place.to_string(), "eventSource": "aws:sqs", "body": body })
    });
    let records: Vec<Value> = records.collect();
    let batch = value!({ "Records": records }).to_string();
    let answer = stage.bundle.invoke("WorkerFunction", batch).await.unwrap();
    let answer: Value = serde_json::from_slice(&answer).unwrap();
    let failed = answer["batchItemFailures"].as_array().unwrap().iter();
    let places = failed.map(|it| it["itemIdentifier"].as_str().unwrap().parse().unwrap());
    let mut places: Vec<usize> = places.collect();
    places.sort_unstable();
    places
}

/// An event of which no message has come, by the message that would have.
async fn kept<S: Caller>(stage: &Stage, body: impl Into<Bytes>) -> (ItemKey, String) {
    let (_, id) = accepted(deliver::<S>(stage, "", "", body).await).await;
    let key = stage.event(&id).await.unwrap().key;
    (key.clone(), fold(key))
}

fn fold(key: ItemKey) -> String {
    let correlation_id = "t".into();
    FoldMessage {
        key,
        correlation_id,
    }
    .body()
}

/// An attempt with a report at a host that has to be looked up, and the message that has it fetched.
async fn offer_a_report(stage: &Stage) -> (ItemKey, String) {
    let submitted = payload("jobmojito/submitted.json");
    let mut submitted: Value = serde_json::from_slice(&submitted).unwrap();
    submitted["pdf_export_url"] = value!("https://reports.invalid/1.pdf");
    let (event, fold) = kept::<Jobmojito>(stage, submitted.to_string()).await;
    assert_eq!(failed_of(stage, &[Some(&fold)]).await, [0; 0]);
    let report = ReportItem::key(&event.pk, 1);
    let fetch = Message {
        job: Job::FetchReport(report.clone()),
        correlation_id: "t".into(),
    };
    (report, fetch.body())
}

#[tokio::test]
async fn a_worker_that_panics_does_the_rest_of_its_batch_and_what_broke_it_comes_back() {
    let (binaries, breaker) = (binaries_with_that_worker().await, Breaker::new());
    let mended = binaries.path().join("mended");
    let stage = Stage::with(|options| {
        options.binaries = binaries.path().into();
        options.faults = Some(Arc::new(breaker.clone()));
        let mended_by = (MENDED_BY.to_owned(), mended.display().to_string());
        options.environment.extend([mended_by]);
    })
    .await;
    let stage = &stage;
    let state = |key: ItemKey| async move {
        let partition = stage.table.partition(&key.pk).await.unwrap();
        partition.state.map(|it| it.state.status.unwrap().0)
    };
    breaker.set(|call: &Call| {
        if call.operation == "SendMessage" {
            Fault::Answer(ErrorAnswer::internal("down"))
        } else {
            Fault::None
        }
    });
    let (report, panics) = offer_a_report(stage).await;
    let (event, good) = kept::<Imocha>(stage, payload("imocha/complete.json")).await;
    breaker.mend();
    let gone = fold(ItemKey {
        pk: "imocha#attempt#9".into(),
        sk: "event#0".into(),
    });
    let not_json = "{";
    let unknown = r#"{"version":7,"job":"fold"}"#;
    let hopeless = [not_json, unknown, &gone].map(Some);
    let bodies = [&hopeless[..], &[None, Some(&panics), Some(&good)]].concat();
    assert_eq!(failed_of(stage, &bodies).await, [0, 1, 2, 3, 4]);
    assert_eq!(state(event).await, Some(Status::Completed));

    // SQS has no message without a body. What panicked is not tried again before its time, and so has no letter.
    for body in hopeless.into_iter().flatten() {
        stage.send(body).await;
    }
    eventually("they are dead", || async {
        (stage.dead().await == 3).then_some(())
    })
    .await;
    let causes = [
        "the message is not one of this queue's",
        "the message is of version 7",
        "what it speaks of is gone",
    ];
    assert_each_begins(&problems(stage, &["dlq", "list"]).await, &causes);
    try_too_often(stage, &report).await;
    let parked = eventually("it is parked", || async {
        let parked = problems(stage, &["work", "list", "--parked"]).await;
        Some(parked).filter(|it| !it.is_empty())
    })
    .await;
    assert_each_begins(&parked, &["the job panicked"]);
    let logs = stage.bundle.logs();
    let said = |words: &str| logs.iter().any(|line| line.text.contains(words));
    assert!(said("\"message\":\"panicked\"") && said("poison.rs"));
    assert!(!said(PANICS_WITH), "what it panicked with may be anybody's");

    fs::write(mended, "").unwrap();
    let brought = json(stage, &["redrive"]).await;
    let expected = value!({ "items": 1, "messages": 3, "more": false });
    assert_eq!(brought, expected);
    // Whoever panicked is no longer believed to be at it.
    stage.let_time_pass().await;
    stage.sweep().await;
    let problem = eventually("the report is looked for", || async {
        stage.table.report(&report).await.unwrap().unwrap().problem
    })
    .await;
    assert!(problem.contains("not public"), "{problem}");
    eventually("what nobody can mend dies again", || async {
        (stage.dead().await == 3).then_some(())
    })
    .await;
    assert_each_begins(&problems(stage, &["dlq", "list"]).await, &causes);
    stage.settled().await;
    let left = json(stage, &["work", "list"]).await;
    assert_eq!(left, value!([]));
}
