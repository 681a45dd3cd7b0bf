//! The queue, the worker, and what they make of what they cannot read.

use crate::stage::{Stage, accepted, eventually, payload};
use crate::vendors::{deliver, endpoints};
use imocha_webhook::Imocha;
use local::stand_ins::Imocha as ImochaApi;
use serde_json::{Value, json};
use shared::key::{CONFIRMATION, ItemKey};
use shared::queue::FoldMessage;
use shared::registration::Wanted;
use shared::store::{AskedOutcome, RegistrationOutcome, ReportOutcome};
use std::collections::BTreeMap;
use worker::job::{Job, Message};
use xobin_webhook::Xobin;

#[tokio::test]
async fn poison_ends_in_the_dead_letter_queue_and_holds_up_nobody() {
    let stage = Stage::new().await;
    let gone = FoldMessage {
        key: shared::key::ItemKey {
            pk: "imocha#attempt#9".into(),
            sk: "event#0".into(),
        },
        correlation_id: String::new(),
    };
    let poison = [
        "hello",
        "{}",
        r#"{"version":99,"job":"fold"}"#,
        r#"{"version":1,"job":"dance"}"#,
        &gone.body(),
    ];
    for body in poison {
        stage.send(body).await;
    }
    accepted(deliver::<Imocha>(&stage, "", "", payload("imocha/complete.json")).await).await;
    assert_eq!(stage.settled_state("imocha", "3314697").await.version, 1);
    eventually("all poison is in the dead-letter queue", || async {
        let dead = stage.dead().await;
        (dead == 5 && stage.messages(stage.bundle.queue_url()).await == 0).then_some(())
    })
    .await;
}

#[tokio::test]
async fn the_messages_under_events_do_what_their_names_say() {
    let stage = Stage::new().await;
    accepted(deliver::<Imocha>(&stage, "", "", payload("imocha/complete.json")).await).await;
    stage.settled().await;
    let (table, wanted) = (&stage.table, Wanted::default());
    let request = table.request_registration("xobin", "r", &wanted, false, stage.clock.now());
    assert!(request.await.unwrap());
    let confirmation = ItemKey::of_attempt("imocha", "3314697", CONFIRMATION);
    let request = table.request_confirmation(&confirmation, stage.clock.now());
    assert!(request.await.unwrap());
    let failed = async |name: &str| -> Vec<Value> {
        let answer = stage
            .bundle
            .invoke("WorkerFunction", payload(&format!("sqs/{name}.json")))
            .await
            .unwrap();
        let answer: Value = serde_json::from_slice(&answer).unwrap();
        answer["batchItemFailures"]
            .as_array()
            .cloned()
            .unwrap_or_default()
    };
    for good in [
        "fold",
        "publish",
        "fetch-report",
        "read-result",
        "reconcile",
        "ask-imocha",
        "register",
        "sweep",
    ] {
        assert!(failed(good).await.is_empty(), "{good}");
    }
    // Its API is off, which was found out.
    let registration = table.registration("xobin").await.unwrap().unwrap();
    assert_eq!(registration.outcome, RegistrationOutcome::Failed);
    for poison in [
        "poison-not-ours",
        "poison-unknown-version",
        "poison-no-body",
    ] {
        assert_eq!(failed(poison).await.len(), 1, "{poison}");
    }
    assert_eq!(failed("mixed-batch").await.len(), 2);
}

#[tokio::test]
async fn a_report_without_a_link_is_not_there_while_the_api_is_off() {
    let stage = Stage::new().await;
    let mut body: Value = serde_json::from_slice(&payload("xobin/submission.json")).unwrap();
    body.as_object_mut().unwrap().remove("report_link");
    accepted(deliver::<Xobin>(&stage, "submission", "", body.to_string()).await).await;
    stage.settled().await;
    let partition = stage
        .table
        .partition("xobin#attempt#2196821")
        .await
        .unwrap();
    assert_eq!(partition.reports[0].outcome, ReportOutcome::Unavailable);
}

/// A bundle whose worker asks this stand-in, which calls back to it.
pub async fn with_imocha() -> (Stage, ImochaApi) {
    with_imocha_and(&[]).await
}

/// The same, with these settings of the worker.
pub async fn with_imocha_and(settings: &[(&str, &str)]) -> (Stage, ImochaApi) {
    let imocha = ImochaApi::start("key").await.unwrap();
    let stage = Stage::with(|options| {
        let base_url = (
            "IMOCHA_API_BASE_URL".to_owned(),
            imocha.base_url().to_owned(),
        );
        let as_fast_as_this_machine = ("IMOCHA_API_CALLS_PER_MINUTE".to_owned(), "6000".to_owned());
        let settings = settings.iter().copied();
        let mut settings: BTreeMap<String, String> = settings
            .map(|(name, value)| (name.to_owned(), value.to_owned()))
            .collect();
        settings.extend([base_url, as_fast_as_this_machine]);
        let environment = &mut options.function_environment;
        environment.insert("WorkerFunction".into(), settings);
        options
            .secrets
            .insert("ImochaApiSecret".into(), json!({ "api_key": "key" }));
    })
    .await;
    let path = endpoints::<Imocha>(&stage).await[0].path.clone();
    imocha.call_back_to(format!("{}{path}", stage.bundle.api_url()));
    (stage, imocha)
}

#[tokio::test]
async fn imocha_answers_with_a_repeat_says_who_is_foreign_and_is_asked_again_for_what_failed() {
    let (stage, imocha) = with_imocha().await;
    let body = payload("imocha/complete.json");
    let (_, id) = accepted(deliver::<Imocha>(&stage, "", "", body.clone()).await).await;
    imocha.remember(3_314_697, body.to_vec());
    imocha.remember(3_314_702, payload("imocha/terminated.json").to_vec());
    imocha.fail(3_314_702, 1);
    let ids = [3_314_697, 3_314_702, 94_761];
    for attempt in ids {
        stage
            .table
            .request_again("imocha", &attempt.to_string(), stage.clock.now())
            .await
            .unwrap();
    }
    for job in Job::ask_imocha(ids) {
        stage
            .send(
                &Message {
                    job,
                    correlation_id: "test".into(),
                }
                .body(),
            )
            .await;
    }
    let becomes = async |attempt: i64, outcome| {
        eventually("what was asked for has come to it", || async {
            let asked = stage
                .table
                .asked("imocha", &attempt.to_string())
                .await
                .unwrap()
                .unwrap();
            (asked.outcome == outcome).then_some(())
        })
        .await;
    };
    becomes(94_761, AskedOutcome::Foreign).await;
    becomes(3_314_697, AskedOutcome::Answered).await;
    becomes(3_314_702, AskedOutcome::Failed).await;
    assert!(stage.event(&id).await.unwrap().summary.deliveries >= 2);
    // The whole call was refused for one foreign id; the rest was asked for at once.
    assert_eq!(
        imocha.calls(),
        [
            vec![94_761, 3_314_697, 3_314_702],
            vec![3_314_697, 3_314_702]
        ]
    );
    assert_eq!(stage.dead().await, 0);
}
