//! `hooks reconcile`, `hooks asked` and what the API says, through the real functions.

use crate::follow_ups::with_imocha;
use crate::operator::{failure, hooks, json};
use crate::stage::{Stage, accepted, eventually, payload};
use crate::vendors::deliver;
use imocha_webhook::Imocha;
use serde_json::{Value, json};
use shared::store::{ConfirmationOutcome, Origin};

const AT: &str = "2026-01-15T10:00:00Z";
const WINDOW: [&str; 6] = [
    "reconcile",
    "imocha",
    "--from",
    "2026-01-15",
    "--to",
    "2026-01-16",
];

/// The payload as it is of another attempt.
pub fn of(id: i64) -> Vec<u8> {
    let mut body: Value = serde_json::from_slice(&payload("imocha/complete.json")).unwrap();
    body["TestInvitationId"] = json!(id);
    body.to_string().into_bytes()
}

#[tokio::test]
async fn a_missed_callback_is_found_asked_for_and_answered_once() {
    let (stage, imocha) = with_imocha().await;
    accepted(deliver::<Imocha>(&stage, "", "", of(11)).await).await;
    for id in [11, 12] {
        imocha.remember(id, of(id));
        imocha.invite(id, "completed", AT);
    }
    imocha.invite(13, "cancelled", AT);
    imocha.invite(14, "expired", AT);
    imocha.invite(15, "completed", "2026-02-15T10:00:00Z");
    stage.settled().await;

    let wait = [&WINDOW[..], &["--wait", "--timeout", "120"]].concat();
    let first = json(&stage, &wait).await;
    for (name, expected) in [
        ("listed", 4),
        ("known", 1),
        ("missing", 1),
        ("asked", 1),
        ("answered", 1),
        ("cancelled", 1),
        ("expired", 1),
    ] {
        assert_eq!(first[name], expected, "{name}: {first}");
    }
    let states = [("12", "completed"), ("13", "cancelled"), ("14", "expired")];
    for (attempt, status) in states {
        let state = stage.settled_state("imocha", attempt).await;
        assert_eq!(state.state.status.unwrap().0.as_str(), status);
    }
    let shown = json(&stage, &["attempts", "show", "imocha", "13"]).await;
    assert_eq!(shown["events"][0]["origin"], "reconcile");

    let second = json(&stage, &wait).await;
    assert_eq!((&second["known"], &second["asked"]), (&json!(4), &json!(0)));
    assert_eq!(imocha.calls(), [vec![12]]);
}

#[tokio::test]
async fn a_callback_that_the_api_contradicts_is_shown_and_does_not_stand() {
    let (stage, imocha) = with_imocha().await;
    imocha.remember(11, of(11));
    imocha.report(11, "status", json!("Terminated"));
    imocha.report(11, "scorePercentage", json!("5.22"));
    accepted(deliver::<Imocha>(&stage, "", "", of(11)).await).await;
    let state = stage.settled_state("imocha", "11").await.state;
    assert_eq!(state.status.unwrap().0.as_str(), "terminated");
    assert_eq!(state.score.unwrap().0.percent, Some(5.22));
    let partition = stage.table.partition("imocha#attempt#11").await.unwrap();
    let confirmation = partition.confirmation.unwrap();
    assert_eq!(confirmation.outcome, ConfirmationOutcome::Differs);
    let origins = partition.events.iter().map(|it| it.summary.origin);
    assert_eq!(origins.filter(|it| *it == Origin::Api).count(), 1);
    let shown = hooks(&stage, &["attempts", "show", "imocha", "11"]).await;
    let shown = String::from_utf8(shown.stdout).unwrap();
    assert!(shown.contains("differs in status: read"), "{shown}");
}

#[tokio::test]
async fn foreign_ids_that_are_not_named_are_found_by_command() {
    let (stage, imocha) = with_imocha().await;
    imocha.hide_foreign();
    for id in [11, 12] {
        imocha.remember(id, of(id));
    }
    // One that iMocha is known to have.
    let known = ["reprocess", "imocha", "11", "--wait", "--timeout", "120"];
    assert_eq!(json(&stage, &known).await["answered"], 1);
    let both = [
        "reprocess",
        "imocha",
        "12",
        "99",
        "--wait",
        "--timeout",
        "120",
    ];
    let came = json(&stage, &both).await;
    assert_eq!(
        (&came["answered"], &came["foreign"]),
        (&json!(1), &json!(1))
    );
}

#[tokio::test]
async fn what_waits_for_an_answer_is_listed() {
    let stage = Stage::new().await;
    json(&stage, &["reprocess", "imocha", "11", "12"]).await;
    let listed = eventually("both were found not to be asked for", || async {
        let listed = json(&stage, &["asked", "list", "--outcome", "failed"]).await;
        (listed.as_array().unwrap().len() == 2).then_some(listed)
    })
    .await;
    assert_eq!(
        (&listed[0]["source"], &listed[0]["times"]),
        (&json!("imocha"), &json!(0))
    );
    let none = json(&stage, &["asked", "list", "--outcome", "unanswered"]).await;
    assert_eq!(none, json!([]));
    let (code, text) = failure(&stage, &["asked", "list", "--outcome", "answered"]).await;
    assert_eq!(code, 2, "{text}");
}

#[tokio::test]
async fn a_reconciliation_without_a_key_or_of_no_time_says_what_to_do() {
    let stage = Stage::new().await;
    let (code, text) = failure(&stage, &WINDOW).await;
    assert_eq!(code, 1, "{text}");
    assert!(text.contains("hooks secrets set imocha-api"), "{text}");
    for (from, to) in [("2026-01-16", "2026-01-15"), ("monday", "2026-01-15")] {
        let args = ["reconcile", "imocha", "--from", from, "--to", to];
        assert_eq!(failure(&stage, &args).await.0, 2, "{from}");
    }
}
