//! What iMocha promises and never sends: asked for as often as it may be, given up, told, and answered after all.

use crate::follow_ups::with_imocha_and;
use crate::operator::json;
use crate::reconciling::of;
use crate::stage::{Stage, accepted, eventually};
use crate::vendors::deliver;
use imocha_webhook::Imocha;
use local::stand_ins::ForeignReport;
use serde_json::{Value, json};
use shared::key::{ASKED, CONFIRMATION, ItemKey};
use shared::store::{Asked, AskedOutcome};
use std::time::Duration;
use tests::quiet::until_quiet;
use worker::ask_imocha::answer_due;

/// Longer than iMocha is ever waited for.
const A_LONG_TIME: Duration = Duration::from_hours(5);

async fn asked(stage: &Stage, attempt: &str) -> Asked {
    let asked = stage.table.asked("imocha", attempt).await.unwrap();
    asked.unwrap()
}

/// Lets hours pass whenever iMocha has promised it, until it is given up.
async fn until_given_up(stage: &Stage, attempt: &str) {
    let key = ItemKey::of_attempt("imocha", attempt, ASKED);
    eventually("it was asked for as often as it may be", || async {
        let asked = asked(stage, attempt).await;
        if is_promised(stage, &key, &asked).await {
            let passed = stage.bundle.let_time_pass(&key.pk, &key.sk, A_LONG_TIME);
            assert!(passed.await.unwrap());
            stage.sweep().await;
        }
        (asked.outcome == AskedOutcome::Unanswered).then_some(())
    })
    .await;
}

/// Whether iMocha was asked just now, and what it said is noted: then it is due as late as a promise is.
async fn is_promised(stage: &Stage, key: &ItemKey, asked: &Asked) -> bool {
    let now = stage.clock.now();
    let far = now.plus(A_LONG_TIME);
    let due = stage.table.due(key.shard(), far, 1000).await.unwrap();
    let due = due.iter().find(|item| item.key == *key);
    let asked_at = asked.asked_at.filter(|it| now < it.plus(A_LONG_TIME));
    asked.outcome == AskedOutcome::Open
        && due
            .zip(asked_at)
            .is_some_and(|(due, asked_at)| due.due_at >= asked_at.plus(answer_due(asked.times)))
}

/// What the worker logged, as JSON.
fn lines(stage: &Stage) -> Vec<Value> {
    let logs = stage.bundle.logs();
    let worker = logs.iter().filter(|line| line.function == "WorkerFunction");
    let lines = worker.filter_map(|line| serde_json::from_str(&line.text).ok());
    lines.collect()
}

#[tokio::test]
async fn what_is_never_sent_is_given_up_after_the_configured_times_and_somebody_is_told() {
    let (stage, imocha) = with_imocha_and(&[("IMOCHA_ASK_TIMES", "2")]).await;
    imocha.remember(21, of(21));
    imocha.keep_silent(21);
    json(&stage, &["reprocess", "imocha", "21"]).await;
    until_given_up(&stage, "21").await;
    assert_eq!(imocha.calls(), [[21], [21]]);

    let listed = json(&stage, &["asked", "list", "--outcome", "unanswered"]).await;
    let listed = listed.as_array().unwrap();
    assert_eq!(listed.len(), 1);
    assert_eq!(
        (&listed[0]["attempt"], &listed[0]["times"]),
        (&json!("21"), &json!(2))
    );

    let lines = eventually("the line about the message is written", || async {
        let lines = lines(&stage);
        let counted = lines.iter().any(|line| line["Unanswered"] == 1);
        counted.then_some(lines)
    })
    .await;
    let told = lines
        .iter()
        .filter(|line| line["alarm"] == "UnansweredAlarm");
    let told: Vec<&Value> = told.collect();
    assert_eq!(told.len(), 1);
    assert_eq!(
        (&told[0]["level"], &told[0]["times"]),
        (&json!("ERROR"), &json!(2))
    );
    let counted = lines.iter().filter(|line| line["Unanswered"] == 1);
    let metrics = counted.map(|line| line["_aws"]["CloudWatchMetrics"][0]["Metrics"].to_string());
    let metrics: Vec<String> = metrics.collect();
    assert!(
        metrics.len() == 1 && metrics[0].contains("Unanswered"),
        "{metrics:?}"
    );

    // What nobody called about is read from the API, which is no answer.
    let result = ItemKey::of_attempt("imocha", "21", CONFIRMATION);
    stage.sweep_now(&result).await;
    let state = stage.settled_state("imocha", "21").await;
    assert_eq!(state.state.status.unwrap().0.as_str(), "completed");
    assert_eq!(asked(&stage, "21").await.outcome, AskedOutcome::Unanswered);

    // It comes after all.
    accepted(deliver::<Imocha>(&stage, "", "", of(21)).await).await;
    stage.settled().await;
    assert_eq!(asked(&stage, "21").await.outcome, AskedOutcome::Answered);
    let none = json(&stage, &["asked", "list", "--outcome", "unanswered"]).await;
    assert_eq!(none, json!([]));
}

#[tokio::test]
async fn a_report_that_is_refused_like_a_bad_key_holds_up_no_other_attempt() {
    let (stage, imocha) = with_imocha_and(&[]).await;
    imocha.answer_foreign_reports(ForeignReport::Named);
    imocha.remember(32, of(32));
    // Whoever knows the URL can say that an attempt is finished which iMocha does not have.
    accepted(deliver::<Imocha>(&stage, "", "", of(31)).await).await;
    accepted(deliver::<Imocha>(&stage, "", "", of(32)).await).await;
    let result = ItemKey::of_attempt("imocha", "32", CONFIRMATION);
    let mut other = Value::Null;
    for _ in 0..5 {
        until_quiet(&stage, Some(&imocha)).await.unwrap();
        other = json(&stage, &["attempts", "show", "imocha", "32"]).await;
        if other["confirmation"]["outcome"] == "confirmed" {
            break;
        }
        // What is known of iMocha's limits stays: they must not hold it up.
        stage.sweep_now(&result).await;
    }
    assert_eq!(other["confirmation"]["outcome"], "confirmed");
    assert_eq!(other["status"], "completed");
    let shown = json(&stage, &["attempts", "show", "imocha", "31"]).await;
    assert_eq!(shown["confirmation"]["outcome"], "pending");
    let lines = lines(&stage);
    let called = lines
        .iter()
        .filter(|line| line["message"] == "vendor called");
    assert!(called.count() >= 2, "both were asked for: {lines:?}");
    let closed = lines
        .iter()
        .filter(|line| line["VendorKeyRefused"].is_number());
    assert_eq!(closed.count(), 0);
}
