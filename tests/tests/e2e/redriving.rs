//! Dead letters and parked work, and how an operator has them back.

use crate::commands::{ask_in_vain, park};
use crate::operator::{hooks, json, signal, started};
use crate::stage::{Stage, eventually};
use local::faults::{Call, ErrorAnswer, Fault};
use serde_json::{Value, json as value};
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use tests::faults::{Breaker, Hold};

const SWEEP: &str = r#"{"version":1,"job":"sweep","correlation_id":"t"}"#;

#[tokio::test]
async fn dead_letters_are_listed_and_stay() {
    let stage = Stage::new().await;
    assert_eq!(json(&stage, &["dlq", "list"]).await, value!([]));
    // More than one answer of SQS holds.
    for _ in 0..11 {
        stage
            .bury(r#"{"version":1,"job":"sweep","correlation_id":"test"}"#)
            .await;
    }
    stage.bury("hello ada@example.com").await;
    let letters = json(&stage, &["dlq", "list"]).await;
    let letters = letters.as_array().unwrap();
    let (ours, others): (Vec<_>, Vec<_>) = letters.iter().partition(|it| it["problem"].is_null());
    assert_eq!((ours.len(), others.len()), (11, 1));
    assert_eq!(ours[0]["message"]["job"], "sweep");
    assert!(ours[0]["received"].as_u64().unwrap() >= 1);
    assert_eq!(others[0]["message"], Value::Null);
    assert!(!others[0].to_string().contains("ada@"), "{}", others[0]);
    // They are as good as before: a second look shows them, and they can be brought back.
    let again = json(&stage, &["dlq", "list"]).await;
    assert_eq!(again.as_array().unwrap().len(), 12);
    let brought = json(&stage, &["redrive"]).await;
    let all = value!({ "items": 0, "messages": 12, "more": false });
    assert_eq!(brought, all);
}

#[tokio::test]
async fn what_was_parked_and_dead_letters_come_back() {
    let stage = Stage::new().await;
    ask_in_vain(&stage, &["11", "12"]).await;
    stage.bury(r#"{"version":1,"job":"sweep"}"#).await;
    park(&stage).await;
    assert_eq!(stage.table.parked().await.unwrap().len(), 2);
    let plan = json(&stage, &["redrive", "--plan"]).await;
    assert_eq!(
        (
            &plan["items"]["found"],
            &plan["items"]["jobs"]["ask_imocha"]
        ),
        (&2.into(), &2.into())
    );
    assert_eq!(plan["messages"]["jobs"], value!({ "sweep": 1 }));
    let first = json(&stage, &["redrive", "--max", "1"]).await;
    let one = value!({ "items": 1, "messages": 0, "more": true });
    assert_eq!(first, one);
    let brought = json(&stage, &["redrive"]).await;
    let rest = value!({ "items": 1, "messages": 1, "more": false });
    assert_eq!(brought, rest);
    assert_eq!(stage.table.count_marked().await.unwrap(), 2);
    assert_eq!(stage.dead().await, 0);
}

/// Why what is listed is there, in order.
pub async fn problems(stage: &Stage, list: &[&str]) -> Vec<String> {
    let listed = json(stage, list).await;
    let listed = listed.as_array().unwrap().iter();
    let mut problems: Vec<String> = listed
        .map(|it| it["problem"].as_str().unwrap().to_owned())
        .collect();
    problems.sort_unstable();
    problems
}

/// There are as many as are expected, and each begins as it is to.
pub fn assert_each_begins(problems: &[String], expected: &[&str]) {
    let begin = |(problem, expected): (&String, &&str)| problem.starts_with(expected);
    let all = problems.len() == expected.len() && problems.iter().zip(expected).all(begin);
    assert!(all, "{problems:?} and not {expected:?}");
}

#[tokio::test]
async fn dead_letters_and_parked_work_say_why_they_are_there() {
    let stage = Stage::new().await;
    ask_in_vain(&stage, &["11"]).await;
    park(&stage).await;
    let key = shared::key::ItemKey::of_attempt("imocha", "11", shared::key::ASKED);
    let trouble = shared::store::Trouble {
        text: "the job panicked".into(),
        at: stage.clock.now(),
    };
    stage.table.note_trouble(&key, &trouble).await.unwrap();
    let parked = json(&stage, &["work", "list", "--parked"]).await;
    assert!(
        parked[0]["problem"]
            .as_str()
            .unwrap()
            .starts_with("the job panicked (")
    );
    stage
        .bury(r#"{"version":1,"job":"ask_imocha","ids":[11],"correlation_id":"t"}"#)
        .await;
    stage.bury(r#"{"version":1,"job":"fold","pk":"imocha#attempt#9","sk":"event#0","correlation_id":"t"}"#).await;
    stage.bury(r#"{"version":7,"job":"fold"}"#).await;
    let expected = [
        "the job panicked",
        "the message is of version 7",
        "what it speaks of is gone",
    ];
    assert_each_begins(&problems(&stage, &["dlq", "list"]).await, &expected);
    let text = hooks(&stage, &["redrive", "--plan"]).await;
    let text = String::from_utf8(text.stdout).unwrap();
    for says in [
        "1 parked item: 1 ask_imocha",
        "3 messages: 1 ask_imocha, 1 fold, 1 not one of this queue's",
        "the job panicked",
        "Nothing is changed",
    ] {
        assert!(text.contains(says), "{says}: {text}");
    }
    assert_eq!(
        stage.table.parked().await.unwrap().len(),
        1,
        "a plan changes nothing"
    );
}

pub async fn bury_sweeps(stage: &Stage, count: usize) {
    for _ in 0..count {
        stage.bury(SWEEP).await;
    }
}

async fn some_are_brought_back(stage: &Stage, of: u64) {
    eventually("some are brought back", || async {
        (stage.dead().await < of).then_some(())
    })
    .await;
}

#[tokio::test]
async fn a_redrive_that_is_stopped_says_so_and_goes_on_where_it_was() {
    let stage = Stage::new().await;
    bury_sweeps(&stage, 30).await;
    let redrive = started(&stage, &["redrive", "--per-second", "5", "--json"]).await;
    some_are_brought_back(&stage, 30).await;
    signal(&redrive, "-INT").await;
    let ended = redrive.wait_with_output().await.unwrap();
    assert_eq!(ended.status.code(), Some(1));
    let stopped: Value = serde_json::from_slice(&ended.stdout).unwrap();
    let brought = stopped["messages"].as_u64().unwrap();
    assert!((1..30).contains(&brought), "{stopped}");
    assert_eq!(stopped["more"], true);
    // What was received and not brought back is there at once.
    let rest = json(&stage, &["redrive"]).await;
    let expected = value!({ "items": 0, "messages": 30 - brought, "more": false });
    assert_eq!(rest, expected);
}

#[tokio::test]
async fn a_redrive_brings_back_no_more_messages_than_it_may() {
    let stage = Stage::new().await;
    bury_sweeps(&stage, 13).await;
    for (most, messages, more) in [("5", 5, true), ("8", 8, false), ("8", 0, false)] {
        let brought = json(&stage, &["redrive", "--max", most]).await;
        let expected = value!({ "items": 0, "messages": messages, "more": more });
        assert_eq!(brought, expected);
    }
}

/// Buries a message that somebody else looks at just now, and for longer than any test lasts.
async fn bury_elsewhere(stage: &Stage) {
    bury_sweeps(stage, 1).await;
    let elsewhere = stage.sqs.receive_message().visibility_timeout(600);
    let url = stage.bundle.dead_letter_queue_url();
    let elsewhere = elsewhere.queue_url(url).send().await.unwrap();
    assert_eq!(elsewhere.messages().len(), 1);
}

#[tokio::test]
async fn a_redrive_says_that_there_is_more_where_sqs_did_not_give_it() {
    let stage = Stage::new().await;
    bury_elsewhere(&stage).await;
    bury_sweeps(&stage, 2).await;
    let brought = json(&stage, &["redrive"]).await;
    assert_eq!(brought, value!({ "items": 0, "messages": 2, "more": true }));
    let listed = hooks(&stage, &["dlq", "list"]).await;
    let said = String::from_utf8_lossy(&listed.stderr).into_owned();
    assert!(said.contains("1 more message"), "{said}");
}

/// The one that came is given in the place of the one that was counted.
#[tokio::test]
async fn a_list_says_that_there_is_more_where_another_one_came_meanwhile() {
    let operators = Hold::new(|call| {
        let asked: Option<Value> = serde_json::from_slice(&call.body).ok();
        call.operation == "ReceiveMessage"
            && asked.is_some_and(|asked| asked["VisibilityTimeout"] == 60)
    });
    let faults = Arc::clone(&operators);
    let stage = Stage::with(|options| options.faults = Some(faults)).await;
    bury_elsewhere(&stage).await;
    let list = started(&stage, &["dlq", "list", "--json"]).await;
    operators.held().await;
    bury_sweeps(&stage, 1).await;
    operators.let_go();
    let ended = list.wait_with_output().await.unwrap();
    let listed: Value = serde_json::from_slice(&ended.stdout).unwrap();
    assert_eq!(listed.as_array().unwrap().len(), 1);
    let said = String::from_utf8_lossy(&ended.stderr).into_owned();
    assert!(said.contains("1 more message"), "{said}");
}

#[tokio::test]
async fn what_dies_while_a_redrive_is_at_it_stays_and_keeps_nothing_else_back() {
    let stage = Stage::new().await;
    bury_sweeps(&stage, 12).await;
    let redrive = started(&stage, &["redrive", "--per-second", "1", "--json"]).await;
    some_are_brought_back(&stage, 12).await;
    // More than one answer of SQS holds.
    for _ in 0..11 {
        stage.bury("died again").await;
    }
    let ended = redrive.wait_with_output().await.unwrap();
    assert!(ended.status.success());
    let brought: Value = serde_json::from_slice(&ended.stdout).unwrap();
    let expected = value!({ "items": 0, "messages": 12, "more": true });
    assert_eq!(brought, expected);
    let letters = json(&stage, &["dlq", "list"]).await;
    assert_eq!(letters.as_array().unwrap().len(), 11, "to be seen at once");
}

#[tokio::test]
async fn a_redrive_that_fails_in_the_middle_says_what_it_has_brought_back() {
    let breaker = Breaker::new();
    let faults = Arc::new(breaker.clone());
    let stage = Stage::with(|options| options.faults = Some(faults)).await;
    bury_sweeps(&stage, 5).await;
    let sent = AtomicUsize::new(0);
    breaker.set(move |call: &Call| {
        let is_operators = call.function.is_none() && call.operation == "SendMessage";
        if is_operators && sent.fetch_add(1, Ordering::SeqCst) >= 3 {
            return Fault::Answer(ErrorAnswer::internal("down"));
        }
        Fault::None
    });
    let ended = hooks(&stage, &["redrive", "--json"]).await;
    assert_eq!(ended.status.code(), Some(1));
    let brought: Value = serde_json::from_slice(&ended.stdout).unwrap();
    let expected = value!({ "items": 0, "messages": 3, "more": true });
    assert_eq!(brought, expected);
    let said = String::from_utf8_lossy(&ended.stderr).into_owned();
    assert!(said.contains("the rest stays where it is"), "{said}");
    breaker.mend();
    let rest = json(&stage, &["redrive"]).await;
    assert_eq!(rest["messages"], 2);
}
