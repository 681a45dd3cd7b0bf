//! A report that a worker is uploading while its person is erased is waited for, found, and deleted.

use crate::bucket::objects;
use crate::everybody::Everybody;
use crate::operator::json;
use local::faults::Call;
use serde_json::json;
use shared::key::{ItemKey, STATE};
use tests::faults::Hold;
use tests::stage::{accepted, eventually};

const ADA: &str = "ada@example.com";
const ATTEMPT: &str = "7001";

fn is_upload(call: &Call) -> bool {
    call.function.is_some() && call.operation == "PutObject"
}

/// It takes as long as a worker may be at a report: a minute.
#[tokio::test(flavor = "multi_thread")]
async fn a_report_that_is_uploaded_after_its_person_was_erased_is_deleted_as_well() {
    let hold = Hold::new(is_upload);
    let faults = hold.clone();
    let everybody = Everybody::start(|options| options.faults = Some(faults)).await;
    let stage = &everybody.stage;
    let body = json!({
        "TestInvitationId": 7001, "CandidateEmailId": ADA, "Status": "Complete",
        "ReportPDFUrl": "https://app.imocha.io/PDFReport?id=hers",
    });
    let body = everybody.led(body.to_string().as_bytes());
    accepted(everybody.deliver("imocha", "", "", body).await).await;
    hold.held().await;

    let uploaded_late = async {
        let state = ItemKey::of_attempt("imocha", ATTEMPT, STATE);
        eventually("the attempt is erased", || async {
            let state = stage.table.state(&state).await.unwrap();
            state.and_then(|state| state.erased_at)
        })
        .await;
        // This try is lost, and the worker tries once more.
        hold.let_go();
        eventually("the report is uploaded all the same", || async {
            let there = objects(stage).await.contains("<Version>");
            there.then_some(())
        })
        .await;
    };
    let erase = ["erase", "--email", ADA];
    let (receipt, ()) = tokio::join!(json(stage, &erase), uploaded_late);
    assert_eq!(receipt["left"], 0, "{receipt}");
    assert_eq!(receipt["attempts"][0]["objects"], 1, "{receipt}");
    everybody.let_everything_happen().await;
    let objects = objects(stage).await;
    assert!(!objects.contains("<Version>"), "{objects}");
    assert!(!objects.contains("<DeleteMarker>"), "{objects}");
}
