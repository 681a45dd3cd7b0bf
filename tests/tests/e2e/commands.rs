//! `hooks`, as an operator runs it: its own binary, its exit codes, what it prints.

use crate::stage::{Stage, binaries, eventually, payload, root};
use serde_json::Value;
use shared::store::AskedOutcome;
use std::process::Output;
use tokio::process::Command;

async fn hooks(stage: &Stage, args: &[&str]) -> Output {
    let outputs = stage.bundle.outputs();
    let secret = |source: &str| outputs[&format!("{source}SecretId")].clone();
    Command::new(binaries().await.join("hooks"))
        .args(args)
        .current_dir(root())
        .env("ENDPOINT_URL", stage.bundle.endpoint_url())
        .env("API_URL", stage.bundle.api_url())
        .env("TABLE_NAME", stage.bundle.table_name())
        .env("QUEUE_URL", stage.bundle.queue_url())
        .env(
            "DEAD_LETTER_QUEUE_URL",
            stage.bundle.dead_letter_queue_url(),
        )
        .env("HASH_KEY_SECRET_ID", secret("HashKey"))
        .env("IMOCHA_SECRET_ID", secret("Imocha"))
        .env("JOBMOJITO_SECRET_ID", secret("Jobmojito"))
        .env("TESTLIFY_SECRET_ID", secret("Testlify"))
        .env("XOBIN_SECRET_ID", secret("Xobin"))
        .output()
        .await
        .unwrap()
}

async fn json(stage: &Stage, args: &[&str]) -> Value {
    let output = hooks(stage, &[args, &["--json"]].concat()).await;
    assert!(
        output.status.success(),
        "{args:?}: {}",
        String::from_utf8_lossy(&output.stderr)
    );
    serde_json::from_slice(&output.stdout).unwrap()
}

/// The exit code, and what it says.
async fn failure(stage: &Stage, args: &[&str]) -> (i32, String) {
    let output = hooks(stage, args).await;
    (
        output.status.code().unwrap(),
        String::from_utf8_lossy(&output.stderr).into_owned(),
    )
}

#[tokio::test]
async fn a_payload_is_sent_found_and_read_back() {
    let stage = Stage::new().await;
    let endpoints = json(&stage, &["endpoints"]).await;
    let sources: Vec<&str> = endpoints
        .as_array()
        .unwrap()
        .iter()
        .map(|it| it["source"].as_str().unwrap())
        .collect();
    assert_eq!(
        sources,
        [
            "imocha",
            "jobmojito",
            "testlify",
            "testlify",
            "xobin",
            "xobin",
            "xobin"
        ]
    );

    let file = root().join("events/testlify/v1-completed.json");
    let sent = json(
        &stage,
        &[
            "send",
            file.to_str().unwrap(),
            "--source",
            "testlify",
            "--count",
            "2",
        ],
    )
    .await;
    assert_eq!(
        (&sent[0]["outcome"], &sent[1]["outcome"]),
        (&"accepted".into(), &"duplicate".into())
    );
    stage.settled().await;

    let events = json(&stage, &["events", "list"]).await;
    let id = events[0]["id"].as_str().unwrap();
    assert_eq!(
        (&events[0]["deliveries"], &events[0]["kind"]),
        (&2.into(), &"attempt.completed".into())
    );
    assert_eq!(
        json(&stage, &["events", "show", id]).await["event"]["status"],
        "completed"
    );
    assert_eq!(
        hooks(&stage, &["events", "show", id, "--raw"]).await.stdout,
        payload("testlify/v1-completed.json")
    );

    let attempt = events[0]["attempt"].as_str().unwrap();
    let details = json(&stage, &["attempts", "show", "testlify", attempt]).await;
    assert_eq!(details["score"]["maximum"], 32.0);
    let email = details["candidate"]["email"]
        .as_str()
        .unwrap()
        .to_uppercase();
    let found = json(
        &stage,
        &[
            "attempts",
            "list",
            "--email",
            &email,
            "--status",
            "completed",
        ],
    )
    .await;
    assert_eq!(found[0]["attempt"], attempt);
    assert_eq!(
        json(&stage, &["attempts", "list", "--status", "invited"]).await,
        serde_json::json!([])
    );
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

#[tokio::test]
async fn what_was_parked_and_dead_letters_come_back() {
    let stage = Stage::new().await;
    // Ids that nobody will answer for, since the API is off.
    json(&stage, &["reprocess", "imocha", "11", "12"]).await;
    stage
        .sqs
        .send_message()
        .queue_url(stage.bundle.dead_letter_queue_url())
        .message_body(r#"{"version":1,"job":"sweep"}"#)
        .send()
        .await
        .unwrap();
    // What the worker makes of them comes first, since it would make them due again.
    for id in ["11", "12"] {
        eventually("the worker has found the API to be off", || async {
            let asked = stage.table.asked("imocha", id).await.unwrap().unwrap();
            (asked.outcome == AskedOutcome::Failed).then_some(())
        })
        .await;
    }
    let later = stage.clock.now().plus(std::time::Duration::from_hours(48));
    for shard in 0..shared::key::SHARDS {
        for item in stage.table.due(shard, later, 100).await.unwrap() {
            assert!(stage.table.park(&item).await.unwrap());
        }
    }
    assert_eq!(stage.table.parked().await.unwrap().len(), 2);
    let brought = json(&stage, &["redrive"]).await;
    assert_eq!(brought, serde_json::json!({ "items": 2, "messages": 1 }));
    assert_eq!(stage.table.count_marked().await.unwrap(), 2);
    assert_eq!(
        stage.messages(stage.bundle.dead_letter_queue_url()).await,
        0
    );
}
