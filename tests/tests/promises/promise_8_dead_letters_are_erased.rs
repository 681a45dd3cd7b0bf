//! Dead letters of somebody who is erased: whatever else there is of the person, however many there are beside, and whoever
//! else looks at them.

use crate::operator::{hooks, json};
use local::faults::{Call, ErrorAnswer, Fault};
use serde_json::{Value, json as value};
use std::sync::Arc;
use tests::faults::Breaker;
use tests::stage::Stage;

const ADA: &str = "ada@example.com";
const ERASE: [&str; 3] = ["erase", "--email", ADA];

/// Those that can be received, hidden for a while.
async fn visible(stage: &Stage, hidden_seconds: i32) -> Vec<String> {
    let mut letters = Vec::new();
    loop {
        let receive = stage.sqs.receive_message().max_number_of_messages(10);
        let receive = receive.queue_url(stage.bundle.dead_letter_queue_url());
        let receive = receive.visibility_timeout(hidden_seconds).send();
        let received = receive.await.unwrap().messages.unwrap_or_default();
        if received.is_empty() {
            return letters;
        }
        letters.extend(received.into_iter().filter_map(|it| it.body));
    }
}

fn counts(receipt: &Value) -> (u64, u64) {
    let count = |name: &str| receipt[name].as_u64().unwrap();
    (count("dead_letters"), count("left"))
}

#[tokio::test]
async fn dead_letters_that_name_a_person_go_though_the_table_has_nothing_of_the_person() {
    let stage = Stage::new().await;
    stage.bury(&format!("hello {ADA}")).await;
    stage.bury("hello eve@example.com").await;
    let dry = json(&stage, &[&ERASE[..], &["--dry-run"]].concat()).await;
    assert_eq!(counts(&dry), (1, 1), "{dry}");
    let receipt = json(&stage, &ERASE).await;
    assert_eq!(counts(&receipt), (1, 0), "{receipt}");
    assert_eq!(counts(&json(&stage, &ERASE).await), (0, 0));
    assert_eq!(visible(&stage, 600).await, ["hello eve@example.com"]);
}

#[tokio::test]
async fn dead_letters_about_an_attempt_go_though_it_is_erased_already() {
    let stage = Stage::new().await;
    let state = value!({ "TestInvitationId": 7, "Status": "Complete", "CandidateEmailId": ADA });
    let delivered =
        tests::vendors::deliver::<imocha_webhook::Imocha>(&stage, "", "", state.to_string());
    assert_eq!(delivered.await.status(), 202);
    stage.settled().await;
    let erase = ["erase", "--source", "imocha", "--attempt", "7"];
    assert_eq!(counts(&json(&stage, &erase).await), (0, 0));
    let letter = |pk: &str| format!(r#"{{"version":1,"job":"fold","pk":"{pk}","sk":"event#1"}}"#);
    stage.bury(&letter("imocha#attempt#7")).await;
    stage.bury(&letter("imocha#attempt#77")).await;
    assert_eq!(counts(&json(&stage, &erase).await), (1, 0));
    assert_eq!(visible(&stage, 600).await, [letter("imocha#attempt#77")]);
}

#[tokio::test]
async fn among_many_dead_letters_those_of_the_person_go_and_all_others_can_be_seen_at_once() {
    let breaker = Breaker::new();
    let faults = Arc::new(breaker.clone());
    let stage = Stage::with(|options| options.faults = Some(faults)).await;
    for number in 0..120 {
        let name = if number % 40 == 7 {
            ADA
        } else {
            "eve@example.com"
        };
        stage.bury(&format!("{number} {name}")).await;
    }
    let dry = json(&stage, &[&ERASE[..], &["--dry-run"]].concat()).await;
    assert_eq!(counts(&dry), (3, 3));
    assert_eq!(counts(&json(&stage, &ERASE).await), (3, 0));
    let left = json(&stage, &["dlq", "list"]).await;
    assert_eq!(left.as_array().unwrap().len(), 117);

    // One that is to be seen again already cannot be shown: that fails nothing.
    breaker.set(|call: &Call| match call.operation.as_str() {
        "ChangeMessageVisibility" => {
            Fault::Answer(ErrorAnswer::internal("the message is not in flight"))
        }
        _ => Fault::None,
    });
    assert_eq!(counts(&json(&stage, &ERASE).await), (0, 0));
}

#[tokio::test]
async fn an_erasure_that_could_not_look_at_every_dead_letter_says_so_and_fails() {
    let stage = Stage::new().await;
    stage.bury(&format!("hello {ADA}")).await;
    assert_eq!(visible(&stage, 600).await.len(), 1, "somebody is at it");
    let output = hooks(&stage, &[&ERASE[..], &["--json"]].concat()).await;
    assert_eq!(output.status.code(), Some(1));
    let receipt: Value = serde_json::from_slice(&output.stdout).unwrap();
    assert_eq!(counts(&receipt), (0, 1), "{receipt}");
    let said = String::from_utf8_lossy(&output.stderr).into_owned();
    assert!(
        said.contains("dead letters that SQS has not shown"),
        "{said}"
    );
}
