//! Results that are read from a vendor's API by command.

use crate::operator::{failure, json};
use crate::reports::Vendors;
use crate::stage::Stage;

#[tokio::test]
async fn an_attempt_that_no_webhook_told_of_is_read_by_command() {
    let vendors = Vendors::start().await;
    let attempt = json(&vendors.stage, &["attempts", "read", "xobin", "2197001"]).await;
    assert_eq!(attempt["status"], "completed");
    assert_eq!(attempt["score"]["percent"], 71.5);
    assert_eq!(attempt["events"][0]["origin"], "api");
    let report = vendors.report("xobin", "2197001").await;
    assert!(report.kept.is_some(), "{:?}", report.problem);
}

#[tokio::test]
async fn what_cannot_be_read_is_said() {
    let stage = Stage::new().await;
    let (code, text) = failure(&stage, &["attempts", "read", "xobin", "2197001"]).await;
    assert_eq!(code, 1, "{text}");
    assert!(
        text.contains("hooks secrets set xobin-api api_key"),
        "{text}"
    );
    let (code, text) = failure(&stage, &["attempts", "read", "testlify", "1.a"]).await;
    assert_eq!(code, 2, "{text}");
    assert!(text.contains("imocha, jobmojito, xobin"), "{text}");
}

#[tokio::test]
async fn what_the_api_does_not_know_yet_is_asked_for_later() {
    let vendors = Vendors::start().await;
    let read = ["attempts", "read", "imocha", "77", "--timeout", "2"];
    let (code, text) = failure(&vendors.stage, &read).await;
    assert_eq!(code, 1, "{text}");
    assert!(
        text.contains("within 2 seconds") && text.contains("for a day"),
        "{text}"
    );
}
