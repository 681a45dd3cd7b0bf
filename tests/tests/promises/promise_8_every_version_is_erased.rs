//! Of a person's reports every version goes, and every delete marker, however many pages S3 lists them on.

use crate::bucket::objects;
use crate::operator::json;
use imocha_webhook::Imocha;
use serde_json::json as value;
use tests::stage::Stage;
use tests::vendors::deliver;

const ADA: &str = "ada@example.com";
/// S3 lists a thousand at a time. The engine here says that there are more, and not where they begin: what is only counted ends there.
const MORE_THAN_A_PAGE: usize = 1003;

/// Puts an object, as a version of its own.
async fn put(stage: &Stage, key: &str) {
    let put = stage.http.put(url(stage, key)).body("%PDF-");
    assert!(put.send().await.unwrap().status().is_success());
}

/// Leaves a delete marker in front of the versions.
async fn delete(stage: &Stage, key: &str) {
    let delete = stage.http.delete(url(stage, key)).send().await;
    assert!(delete.unwrap().status().is_success());
}

fn url(stage: &Stage, key: &str) -> String {
    let bucket = &stage.bundle.outputs()["BucketName"];
    format!("{}/{bucket}/{key}", stage.bundle.endpoint_url())
}

async fn stage_with_adas_attempt() -> Stage {
    let stage = Stage::new().await;
    let body = value!({ "TestInvitationId": 7, "CandidateEmailId": ADA, "Status": "Complete" });
    let answer = deliver::<Imocha>(&stage, "", "", body.to_string()).await;
    assert_eq!(answer.status(), 202);
    stage.settled().await;
    stage
}

fn count(listed: &str, what: &str) -> usize {
    listed.matches(what).count()
}

#[tokio::test]
async fn earlier_versions_and_delete_markers_go_as_well() {
    let stage = stage_with_adas_attempt().await;
    for key in ["a.pdf", "a.pdf", "b.pdf"] {
        put(&stage, &format!("reports/imocha/7/{key}")).await;
    }
    delete(&stage, "reports/imocha/7/a.pdf").await;
    put(&stage, "reports/imocha/77/a.pdf").await;
    let listed = objects(&stage).await;
    let kinds = (
        count(&listed, "<Version>"),
        count(&listed, "<DeleteMarker>"),
    );
    assert_eq!(kinds, (4, 1), "{listed}");
    let dry = json(&stage, &["erase", "--email", ADA, "--dry-run"]).await;
    assert_eq!(dry["attempts"][0]["objects"], 4, "{dry}");
    let receipt = json(&stage, &["erase", "--email", ADA]).await;
    assert_eq!(receipt["attempts"][0]["objects"], 4, "{receipt}");
    let listed = objects(&stage).await;
    let kinds = (
        count(&listed, "<Version>"),
        count(&listed, "<DeleteMarker>"),
    );
    assert_eq!(kinds, (1, 0), "{listed}");
    assert!(listed.contains("imocha/77/"));
}

#[tokio::test]
async fn more_versions_than_s3_lists_at_a_time_go() {
    let stage = stage_with_adas_attempt().await;
    for _ in 0..MORE_THAN_A_PAGE {
        put(&stage, "reports/imocha/7/a.pdf").await;
    }
    let receipt = json(&stage, &["erase", "--email", ADA]).await;
    assert_eq!(receipt["attempts"][0]["objects"], MORE_THAN_A_PAGE);
    let listed = objects(&stage).await;
    assert_eq!(count(&listed, "<Version>"), 0, "{listed}");
}
