//! `hooks`, as an operator runs it: its own binary, its exit codes, what it prints.

use crate::operator::{failure, hooks, json};
use crate::stage::{Stage, eventually, payload, root};
use serde_json::Value;
use shared::store::AskedOutcome;
use tests::quiet::until_quiet;

const SENT: &str = "testlify/v1-completed.json";

/// Posts [`SENT`] as its vendor would.
async fn send(stage: &Stage, count: &str) -> Value {
    let file = root().join("events").join(SENT);
    let file = file.to_str().unwrap();
    let args = ["send", file, "--source", "testlify", "--count", count];
    json(stage, &args).await
}

#[tokio::test]
async fn endpoints_are_shown_of_every_way_in() {
    let stage = Stage::new().await;
    let endpoints = json(&stage, &["endpoints"]).await;
    let endpoints = endpoints.as_array().unwrap();
    let ways: Vec<(&str, &str)> = endpoints
        .iter()
        .map(|it| {
            (
                it["source"].as_str().unwrap(),
                it["version"].as_str().unwrap(),
            )
        })
        .collect();
    assert_eq!(
        ways,
        [
            ("imocha", ""),
            ("jobmojito", ""),
            ("testlify", "v1"),
            ("testlify", "v2"),
            ("xobin", "start"),
            ("xobin", "submission"),
            ("xobin", "updates")
        ]
    );
}

#[tokio::test]
async fn what_is_sent_twice_is_accepted_and_then_a_duplicate() {
    let stage = Stage::new().await;
    let sent = send(&stage, "2").await;
    let outcomes = [&sent[0]["outcome"], &sent[1]["outcome"]];
    assert_eq!(outcomes, ["accepted", "duplicate"]);
    assert_eq!(sent[0]["event"], sent[1]["event"]);
}

#[tokio::test]
async fn an_event_is_listed_shown_and_read_back_byte_for_byte() {
    let stage = Stage::new().await;
    let sent = send(&stage, "2").await;
    let id = sent[0]["event"].as_str().unwrap();
    stage.settled().await;
    let events = json(&stage, &["events", "list"]).await;
    assert_eq!(events[0]["id"], id);
    assert!(events[0]["deliveries"].as_u64().unwrap() >= 2);
    assert_eq!(events[0]["kind"], "attempt.completed");
    let shown = json(&stage, &["events", "show", id]).await;
    assert_eq!(shown["event"]["status"], "completed");
    let raw = hooks(&stage, &["events", "show", id, "--raw"]).await;
    assert_eq!(raw.stdout, payload(SENT));
}

#[tokio::test]
async fn an_attempt_is_shown_and_found_by_its_person_and_status() {
    let stage = Stage::new().await;
    send(&stage, "1").await;
    stage.settled().await;
    let attempts = json(&stage, &["attempts", "list"]).await;
    let attempt = attempts[0]["attempt"].as_str().unwrap();
    let details = json(&stage, &["attempts", "show", "testlify", attempt]).await;
    assert_eq!(details["score"]["maximum"], 32.0);
    let email = details["candidate"]["email"].as_str().unwrap();
    let email = email.to_uppercase();
    let by_person = ["attempts", "list", "--email", &email];
    let by_person = [&by_person[..], &["--status", "completed"]].concat();
    assert_eq!(json(&stage, &by_person).await[0]["attempt"], attempt);
    let invited = json(&stage, &["attempts", "list", "--status", "invited"]).await;
    assert_eq!(invited, serde_json::json!([]));
}

#[tokio::test]
async fn wrong_use_is_told_from_failure_and_says_what_to_do() {
    let stage = Stage::new().await;
    let ids = ["reprocess", "imocha", "-1", "0", "7", "7", "x"];
    let (code, text) = failure(&stage, &ids).await;
    assert_eq!(code, 2, "{text}");
    for id in ["`-1`", "`0`", "`7`", "`x`"] {
        assert!(text.contains(id), "{text}");
    }
    assert_eq!(stage.messages(stage.bundle.queue_url()).await, 0);
    for (args, code, says) in [
        (vec!["events", "show", "nonsense"], 2, "32 hex digits"),
        (
            vec!["events", "show", "imocha.0123456789abcdef0123456789abcdef"],
            1,
            "there is no event",
        ),
        (
            vec!["events", "show", "mocha.0123456789abcdef0123456789abcdef"],
            2,
            "the sources are",
        ),
        (vec!["attempts", "show", "imocha", "1"], 1, "attempts list"),
        (vec!["attempts", "list", "--status", "done"], 2, "no status"),
        (
            vec!["send", "absent.json", "--source", "imocha"],
            2,
            "absent.json",
        ),
        (vec!["reprocess", "imocha"], 2, "--file"),
        (vec!["dance"], 2, "dance"),
    ] {
        let (actual, text) = failure(&stage, &args).await;
        assert_eq!(actual, code, "{args:?}: {text}");
        assert!(text.contains(says), "{args:?}: {text}");
    }
}

/// Has ids asked for that nobody will answer for, since the API is off.
pub async fn ask_in_vain(stage: &Stage, ids: &[&str]) {
    json(stage, &[&["reprocess", "imocha"], ids].concat()).await;
    for id in ids {
        eventually("the worker has found the API to be off", || async {
            let asked = stage.table.asked("imocha", id).await.unwrap().unwrap();
            (asked.outcome == AskedOutcome::Failed).then_some(())
        })
        .await;
    }
    until_quiet(stage, None).await.unwrap();
}

/// Parks all that is marked.
pub async fn park(stage: &Stage) {
    let later = stage.clock.now().plus(std::time::Duration::from_hours(48));
    for shard in 0..shared::key::SHARDS {
        for item in stage.table.due(shard, later, 100).await.unwrap() {
            assert!(stage.table.park(&item).await.unwrap());
        }
    }
}

#[tokio::test]
async fn waiting_for_what_nobody_answers_ends_and_says_what_still_waits() {
    let stage = Stage::new().await;
    let args = [
        "reprocess",
        "imocha",
        "11",
        "12",
        "--wait",
        "--timeout",
        "5",
    ];
    let (code, text) = failure(&stage, &args).await;
    assert_eq!(code, 1, "{text}");
    for says in ["2 of 2 ids still wait after 5 seconds", "11 (", "12 ("] {
        assert!(text.contains(says), "{text}");
    }
    let (code, text) = failure(&stage, &["reprocess", "imocha", "1", "--timeout", "5"]).await;
    assert_eq!(code, 2, "{text}");
}

#[tokio::test]
async fn work_is_listed_with_what_is_parked_told_apart() {
    let stage = Stage::new().await;
    ask_in_vain(&stage, &["11"]).await;
    park(&stage).await;
    ask_in_vain(&stage, &["12"]).await;
    let work = json(&stage, &["work", "list"]).await;
    let told: Vec<_> = work
        .as_array()
        .unwrap()
        .iter()
        .map(|it| {
            (
                it["attempt"].as_str().unwrap(),
                it["state"].as_str().unwrap(),
            )
        })
        .collect();
    assert_eq!(told, [("11", "parked"), ("12", "later")]);
    let parked = json(&stage, &["work", "list", "--parked"]).await;
    assert_eq!(parked, serde_json::json!([work[0]]));
    assert_eq!(parked[0]["source"], "imocha");
    assert_eq!(parked[0]["job"], "ask_imocha");
    assert_eq!(parked[0]["event"], Value::Null);
    assert_eq!(parked[0]["pk"], "imocha#attempt#11");
}
