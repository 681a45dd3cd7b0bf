//! `hooks reports`, as an operator runs it.

use crate::operator::{failure, json};
use crate::reports::{IMOCHA_ATTEMPT, Vendors};
use crate::stage::{accepted, eventually};
use crate::vendors::deliver;
use imocha_webhook::Imocha;
use serde_json::Value;

/// A stage on which a report of iMocha's is kept.
async fn with_report() -> Vendors {
    let vendors = Vendors::start().await;
    let body = vendors.payload("imocha/complete.json");
    accepted(deliver::<Imocha>(&vendors.stage, "", "", body).await).await;
    vendors.report("imocha", IMOCHA_ATTEMPT).await;
    vendors
}

#[tokio::test]
async fn a_report_is_written_to_a_file_and_not_over_one() {
    let vendors = with_report().await;
    let directory = tempfile::tempdir().unwrap();
    let file = directory.path().join("1.pdf");
    let path = file.to_str().unwrap();
    let args = ["reports", "get", "imocha", IMOCHA_ATTEMPT, "--output", path];
    let written = json(&vendors.stage, &args).await;
    let bytes = std::fs::read(&file).unwrap();
    assert!(bytes.starts_with(b"%PDF-"));
    assert_eq!(written["size_bytes"], bytes.len());
    assert_eq!(written["version"], 1);
    let shown = json(
        &vendors.stage,
        &["attempts", "show", "imocha", IMOCHA_ATTEMPT],
    )
    .await;
    let report = &shown["report"];
    assert_eq!(report["outcome"], "stored");
    for field in [
        "s3_key",
        "sha256",
        "size_bytes",
        "content_type",
        "fetched_at",
    ] {
        assert_eq!(written[field], report[field], "{field}");
    }
    assert_eq!(report["fetched_from"], "event");

    std::fs::write(&file, "mine").unwrap();
    let (code, error) = failure(&vendors.stage, &args).await;
    assert_eq!(code, 2, "{error}");
    assert!(error.contains("--force"), "{error}");
    assert_eq!(std::fs::read(&file).unwrap(), b"mine");
    json(&vendors.stage, &[&args[..], &["--force"]].concat()).await;
    assert_eq!(std::fs::read(&file).unwrap(), bytes);
}

#[tokio::test]
async fn a_link_is_all_that_is_needed_to_read_a_report() {
    let vendors = with_report().await;
    let args = [
        "reports",
        "link",
        "imocha",
        IMOCHA_ATTEMPT,
        "--expires",
        "1h",
    ];
    let link = json(&vendors.stage, &args).await;
    let url = link["url"].as_str().unwrap();
    assert!(
        url.contains("X-Amz-Signature=") && url.contains("X-Amz-Expires=3600"),
        "{url}"
    );
    let response = vendors.stage.http.get(url).send().await.unwrap();
    assert_eq!(response.status(), 200);
    assert!(response.bytes().await.unwrap().starts_with(b"%PDF-"));
    for expires in ["0s", "8d", "soon"] {
        let args = [
            "reports",
            "link",
            "imocha",
            IMOCHA_ATTEMPT,
            "--expires",
            expires,
        ];
        let (code, error) = failure(&vendors.stage, &args).await;
        assert_eq!(code, 2, "{error}");
        assert!(error.contains("7d"), "{error}");
    }
}

#[tokio::test]
async fn what_there_is_no_report_of_is_said_to_be_so() {
    let vendors = with_report().await;
    for (args, expected) in [
        (["get", "imocha", "7"], "nothing is known"),
        (["link", "imocha", "7"], "nothing is known"),
        (["fetch", "imocha", IMOCHA_ATTEMPT], "is kept already"),
    ] {
        let args = [&["reports"][..], &args[..]].concat();
        let (code, error) = failure(&vendors.stage, &args).await;
        assert_eq!(code, 1, "{error}");
        assert!(error.contains(expected), "{error}");
    }
    let args = ["reports", "get", "imocha", IMOCHA_ATTEMPT, "--version", "2"];
    let (code, error) = failure(&vendors.stage, &args).await;
    assert_eq!((code, error.contains("it has 1")), (2, true), "{error}");
}

#[tokio::test]
async fn bytes_that_are_not_those_that_were_fetched_are_not_written() {
    let vendors = with_report().await;
    let kept = vendors.report("imocha", IMOCHA_ATTEMPT).await.kept.unwrap();
    let url = vendors.object_url(&kept.s3_key);
    let other = vendors
        .stage
        .http
        .put(url)
        .body("%PDF-other")
        .send()
        .await
        .unwrap();
    assert_eq!(other.status(), 200);
    let directory = tempfile::tempdir().unwrap();
    let file = directory.path().join("1.pdf");
    let args = [
        "reports",
        "get",
        "imocha",
        IMOCHA_ATTEMPT,
        "--output",
        file.to_str().unwrap(),
    ];
    let (code, error) = failure(&vendors.stage, &args).await;
    assert_eq!(code, 1, "{error}");
    assert!(error.contains("SHA-256"), "{error}");
    assert!(!file.exists());
}

#[tokio::test]
async fn a_report_that_was_deleted_is_said_to_be_gone() {
    let vendors = with_report().await;
    let kept = vendors.report("imocha", IMOCHA_ATTEMPT).await.kept.unwrap();
    let url = vendors.object_url(&kept.s3_key);
    vendors.stage.http.delete(url).send().await.unwrap();
    for command in ["get", "link"] {
        let args = ["reports", command, "imocha", IMOCHA_ATTEMPT];
        let (code, error) = failure(&vendors.stage, &args).await;
        assert_eq!(code, 1, "{error}");
        assert!(error.contains("not in the bucket any more"), "{error}");
    }
}

#[tokio::test]
async fn a_report_that_was_given_up_is_fetched_when_it_is_wanted_again() {
    let stage = crate::stage::Stage::new().await;
    let body = crate::stage::payload("imocha/complete.json");
    accepted(deliver::<Imocha>(&stage, "", "", body).await).await;
    stage.settled().await;
    let args = ["reports", "get", "imocha", IMOCHA_ATTEMPT];
    let (code, error) = failure(&stage, &args).await;
    assert_eq!(code, 1, "{error}");
    assert!(
        error.contains("app.imocha.io"),
        "it says which host: {error}"
    );
    let asked = json(&stage, &["reports", "fetch", "imocha", IMOCHA_ATTEMPT]).await;
    assert_eq!(
        (&asked["version"], &asked["messages"]),
        (&Value::from(1), &Value::from(1))
    );
    // It is looked at again, and refused again.
    eventually("it is given up twice", || async {
        let lines = stage.bundle.logs().into_iter();
        let lost = lines.filter(|line| line.text.contains("a report is not to be had"));
        (lost.count() == 2).then_some(())
    })
    .await;
}
