//! No body, header, token, name or address is in a log, at the most talkative level that there is, whatever goes well or wrong.

#[path = "promise_8/words.rs"]
mod words;

use crate::everybody::{Everybody, Recorded, recorded};
use crate::operator::hooks;
use bytes::Bytes;
use futures_util::future::join_all;
use local::engine::Service;
use local::faults::{ErrorAnswer, Fault};
use serde_json::{Value, json};
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use tests::faults::Breaker;
use tests::inbox::Inbox;
use tests::stage::{Stage, eventually, payload};
use tests::stand_ins::API_KEY;
use tests::vendors::secret_value;
use words::Words;

/// The least severe level that the template takes.
const MOST_TALKATIVE: &str = "trace";
const SECRETS: [&str; 8] = [
    "ImochaSecret",
    "JobmojitoSecret",
    "TestlifySecret",
    "XobinSecret",
    "ImochaApiSecret",
    "JobmojitoApiSecret",
    "XobinApiSecret",
    "HashKeySecret",
];

/// What the functions lean on, and what they say where that is down.
const OUTAGES: [(Service, &str); 5] = [
    (Service::DynamoDb, "\"http.status\":503"),
    (
        Service::Sqs,
        "webhook accepted, not enqueued: the sweep will find it",
    ),
    (Service::S3, "job failed"),
    (Service::EventBridge, "a change is not published"),
    (Service::SecretsManager, "\"http.status\":503"),
];
/// Something of each of the other vendors.
const OTHERS: [(&str, &str, &str); 3] = [
    ("jobmojito", "", "jobmojito/submitted.json"),
    ("testlify", "v2", "testlify/v2-completed.json"),
    ("xobin", "submission", "xobin/submission.json"),
];

/// Everything that is in a payload, or secret.
async fn words(stage: &Stage) -> Words {
    let mut words = Words::default();
    for Recorded { name, body, .. } in recorded() {
        words.of_payload(&name, &body);
    }
    for name in SECRETS {
        words.of_secret(name, &secret_value(stage, name).await);
    }
    // What the vendors' APIs answer, too.
    words.add("@example.com", "every address");
    words.add("%40example.com", "every address");
    words
}

/// Every payload in every way that goes well or wrong, and what the worker makes of it.
async fn everything_comes(everybody: &Everybody) {
    let stage = &everybody.stage;
    for (number, one) in recorded().iter().enumerate() {
        let (led, id) = (everybody.led(&one.body), format!("msg_{number}"));
        everybody.remember(one.source, &led);
        let deliver = async |id: String, body: Bytes| {
            let answer = everybody.deliver(one.source, &one.version, &id, body);
            let status = answer.await.status();
            assert_eq!(status, 202, "{}", one.name);
        };
        // With a report that can be fetched, and again; with one whose host is not on the list; and cut off, so that nobody can read it.
        deliver(id.clone(), led.clone()).await;
        deliver(id.clone(), led).await;
        deliver(format!("{id}-as-recorded"), one.body.clone()).await;
        let half = one.body.slice(..one.body.len() / 2);
        deliver(format!("{id}-half"), half).await;
        refused(everybody, one).await;
    }
    let lost = everybody.deliver("testlify", "v1", "", of_somebody_else());
    assert_eq!(lost.await.status(), 202);
    for id in [3_314_697, 3_314_702, 9] {
        everybody
            .vendors
            .imocha
            .invite(id, "completed", "2026-01-15T10:00:00Z");
    }
    everybody.let_everything_happen().await;
    for file in [
        "mixed-batch",
        "poison-not-ours",
        "poison-no-body",
        "fold",
        "publish",
    ] {
        let batch = payload(&format!("sqs/{file}.json"));
        stage.bundle.invoke("WorkerFunction", batch).await.unwrap();
    }
}

/// A body whose report is at a host that is not on the list, of an attempt of its own: among many events of one attempt its link may be overtaken
/// before anybody follows it.
fn of_somebody_else() -> Bytes {
    let body = payload("testlify/v1-completed.json");
    let body = String::from_utf8_lossy(&body).into_owned();
    body.replace("kavita.sandhu+1@", "somebody.else@").into()
}

/// One thing after the other is down, by turns refusing and hanging up, while an attempt of iMocha's ends and others are told of once more.
async fn everything_breaks(everybody: &Everybody, breaker: &Breaker) {
    for (number, (down, said)) in OUTAGES.into_iter().enumerate() {
        if down == Service::SecretsManager {
            // Those that live remember theirs.
            for function in everybody.stage.bundle.functions() {
                let killed = everybody.stage.bundle.kill(&function.logical_id);
                killed.await.unwrap();
            }
        }
        let said_before = logs(&everybody.stage).matches(said).count();
        bring_down(breaker, down);
        let mut complete: Value = serde_json::from_slice(&payload("imocha/complete.json")).unwrap();
        complete["TestInvitationId"] = json!(9_000_000 + number);
        let complete = everybody.led(complete.to_string().as_bytes());
        everybody.remember("imocha", &complete);
        let mut calls = vec![("imocha", "", complete)];
        for (source, version, file) in OTHERS {
            // The same words in other bytes: that is another event.
            let blanks = " ".repeat(number + 1);
            let body = [&everybody.led(&payload(file))[..], blanks.as_bytes()].concat();
            calls.push((source, version, body.into()));
        }
        let id = format!("msg_{}", down.name());
        let deliveries = calls.into_iter();
        let deliveries =
            deliveries.map(|(source, version, body)| everybody.deliver(source, version, &id, body));
        join_all(deliveries).await;
        eventually(said, || async {
            (logs(&everybody.stage).matches(said).count() > said_before).then_some(())
        })
        .await;
        breaker.mend();
        everybody.let_everything_happen().await;
    }
}

/// From now on this is down: every other call is answered 5xx, the others not at all.
fn bring_down(breaker: &Breaker, down: Service) {
    let calls = AtomicUsize::new(0);
    breaker.set(move |call| {
        if call.service != down {
            return Fault::None;
        }
        if calls.fetch_add(1, Ordering::SeqCst).is_multiple_of(2) {
            Fault::Answer(ErrorAnswer::internal("down"))
        } else {
            Fault::Disconnect
        }
    });
}

/// The same body with a credential that is none.
async fn refused(everybody: &Everybody, one: &Recorded) {
    let (source, version) = (one.source, one.version.as_str());
    let mut call = everybody.ready(source, version, "msg_x", one.body.clone());
    if call.path.matches('/').count() > 2 && source != "xobin" {
        call.path.push_str("-wrong");
    }
    for (_, value) in &mut call.headers {
        value.push_str("-wrong");
    }
    let status = call.post(&everybody.stage).await.status();
    assert_eq!(status, 401, "{}", one.name);
}

/// What an operator does; of each, what it says on standard error.
async fn an_operator_looks_around(stage: &Stage) -> String {
    let (wrong, window) = ("imocha.0123456789abcdef0123456789abcdef", "2026-01-16");
    let commands: [&[&str]; 16] = [
        &["attempts", "list"],
        &["attempts", "list", "--email", "a@example.com"],
        &["attempts", "show", "imocha", "3314697"],
        &["attempts", "show", "imocha", "1"],
        &["events", "list"],
        &["events", "show", wrong],
        &[
            "reports",
            "get",
            "imocha",
            "3314715",
            "--output",
            "/nowhere/at.pdf",
        ],
        &["reports", "fetch", "testlify", "1"],
        &["replay", "--unreadable"],
        &["replay", "--source", "xobin", "--plan"],
        &[
            "reconcile",
            "imocha",
            "--from",
            "2026-01-15",
            "--to",
            window,
            "--wait",
        ],
        &[
            "reprocess",
            "imocha",
            "3314697",
            "--wait",
            "--timeout",
            "60",
        ],
        &["work", "list"],
        &["dlq", "list"],
        &["redrive"],
        &["erase", "--email", "elena.vasquez@example.com"],
    ];
    let mut said = String::new();
    for command in commands {
        let output = hooks(stage, command).await;
        said.push_str(&String::from_utf8_lossy(&output.stderr));
        assert!(output.status.code().is_some(), "{command:?}");
    }
    said
}

fn logs(stage: &Stage) -> String {
    let lines = stage.bundle.logs().into_iter().map(|line| line.text);
    lines.collect::<Vec<_>>().join("\n")
}

#[tokio::test(flavor = "multi_thread")]
async fn nothing_of_any_payload_or_secret_is_in_a_log_or_on_standard_error() {
    let breaker = Breaker::new();
    let everybody = Everybody::among(Arc::new(breaker.clone()), |options| {
        let level = ("LogLevel".to_owned(), MOST_TALKATIVE.to_owned());
        options.parameters.extend([level]);
    })
    .await;
    let stage = &everybody.stage;
    let api_url = stage.bundle.api_url();
    everybody.vendors.imocha.call_back_to({
        let call = everybody.ready("imocha", "", "", Bytes::new());
        format!("{api_url}{}", call.path)
    });
    Inbox::of_all_changes(stage).await;
    let words = words(stage).await;
    assert_words_are_gathered(&words);

    everything_comes(&everybody).await;
    everything_breaks(&everybody, &breaker).await;
    let said = an_operator_looks_around(stage).await;
    everybody.let_everything_happen().await;

    let logs = logs(stage);
    assert_everything_was_said(&logs);
    let found = [words.found_in(&logs), words.found_in(&said)].concat();
    assert!(found.is_empty(), "{}", found.join("\n"));
}

/// Each sort of word is among them.
fn assert_words_are_gathered(words: &Words) {
    assert!(words.len() > 1000, "{}", words.len());
    for word in [
        "kavita.sandhu+1@example.com",
        "a@example.com",
        "YUBleGFtcGxlLmNvbQ",
        "Kavita",
        "Westmark",
        "India",
        "Elena Vasquez",
        "https://app.imocha.io/PDFReport?id=OXP5R5ayMu8nrHfnh2g%3d%3d",
        "\"CandidateScore\":6",
        API_KEY,
    ] {
        assert!(words.has(word), "{word}");
    }
}

/// The run that is looked at is one in which things were said: at the level, of every function, of what went well and wrong.
fn assert_everything_was_said(logs: &str) {
    let parts = [
        "\"level\":\"DEBUG\"",
        "\"level\":\"WARN\"",
        "\"level\":\"ERROR\"",
        "webhook accepted",
        "\"http.status\":401",
        "a report is kept",
        "a report is not to be had",
        "an event is kept that cannot be read",
        "job failed",
        "reconciled",
        "\"Source\":\"imocha\"",
        "\"Source\":\"jobmojito\"",
        "\"Source\":\"testlify\"",
        "\"Source\":\"xobin\"",
    ];
    let missing: Vec<&str> = parts.into_iter().filter(|it| !logs.contains(it)).collect();
    assert!(missing.is_empty(), "nobody said: {missing:?}");
}

#[test]
fn a_line_with_any_of_the_words_is_found() {
    let mut words = Words::default();
    for Recorded { name, body, .. } in recorded() {
        words.of_payload(&name, &body);
    }
    words.of_secret(
        "a secret",
        &json!({ "token": "0123456789", "header": "x-webhook-token" }),
    );
    let quiet = "{\"level\":\"INFO\",\"message\":\"webhook accepted\",\"Source\":\"imocha\"}";
    assert_eq!(words.found_in(quiet), [] as [String; 0]);
    for word in words.iter() {
        for line in [
            format!("{quiet}\nsaid {word} of it"),
            json!({ "message": format!("said {word}") }).to_string(),
        ] {
            let is_plain = word.chars().all(|it| it != '\\' && !it.is_control());
            assert!(!is_plain || !words.found_in(&line).is_empty(), "{word}");
        }
    }
    let inside = format!("a body: {}", json!({ "CandidateEmailId": "a@example.com" }));
    assert!(!words.found_in(&inside).is_empty());
}
