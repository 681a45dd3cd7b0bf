use crate::world::*;
use serde_json::{Value, json};
use shared::event::Report;
use shared::store::{ReportItem, ReportOutcome};
use shared::timestamp::Timestamp;
use worker::JobError;

const PDF: &str = "https://vendor.example.com/1.pdf";

/// What a report that is fetched once came to.
async fn fetched(world: &World, source: &str, attempt: &str, link: &Report) -> ReportItem {
    let key = offer(&world.table, source, attempt, link).await;
    world.worker.fetch_report(&key).await.unwrap();
    world.report(&key).await
}

async fn fetched_link(source: &str, link: &Report) -> ReportItem {
    let world = world().await;
    let report = fetched(&world, source, "1", link).await;
    assert!(world.vendor().asked().is_empty(), "there is a link");
    assert!(world.marked().await.is_empty(), "no more to do");
    report
}

/// The vendor's API was asked and answered this: the report, and when it is asked for again.
async fn asked_for(world: &World, source: &str) -> (ReportItem, Option<Timestamp>) {
    let report = fetched(world, source, "1", &Report::OnRequest).await;
    let marked = world.marked().await;
    (report, marked.first().map(|item| item.due_at))
}

fn assert_resolved(report: &ReportItem, url: &str) {
    assert_eq!(
        report.outcome,
        ReportOutcome::Resolved,
        "{:?}",
        report.problem
    );
    assert_eq!(report.url.as_deref(), Some(url));
    assert_eq!(report.problem, None);
}

fn assert_without_link(report: &ReportItem, outcome: ReportOutcome) {
    assert_eq!(report.outcome, outcome);
    assert_eq!(report.url, None);
    assert!(report.problem.is_some(), "says why");
}

#[tokio::test]
async fn an_absolute_link_is_resolved_without_asking() {
    for source in ["imocha", "jobmojito", "testlify", "xobin"] {
        assert_resolved(&fetched_link(source, &link(PDF)).await, PDF);
    }
}

#[tokio::test]
async fn how_long_a_link_works_is_kept() {
    let link = Report::Link {
        url: PDF.into(),
        valid_until: Some(at(3600)),
    };
    let report = fetched_link("xobin", &link).await;
    assert_resolved(&report, PDF);
    assert_eq!(report.valid_until, Some(at(3600)));
}

#[tokio::test]
async fn a_relative_link_is_one_under_testlifys_base_alone() {
    let relative = link("reports/pdf/1.pdf");
    let expected = "https://reports.example.com/reports/pdf/1.pdf";
    assert_resolved(&fetched_link("testlify", &relative).await, expected);
    let report = fetched_link("imocha", &relative).await;
    assert_without_link(&report, ReportOutcome::Refused);
}

#[tokio::test]
async fn a_link_that_leads_where_none_may_is_refused() {
    let links = [
        "http://vendor.example.com/1.pdf",
        "file:///etc/passwd",
        "https://me:secret@vendor.example.com/1.pdf",
        "//evil.example.com/1.pdf",
    ];
    for url in links {
        let report = fetched_link("testlify", &link(url)).await;
        assert_without_link(&report, ReportOutcome::Refused);
    }
}

#[tokio::test]
async fn imocha_is_asked_for_the_report_by_the_attempts_id() {
    let whole = json!({
        "testInvitationId": "3314697", "score": "6", "scorePercentage": "5.2", "status": null,
        "pdfReportUrl": PDF,
    });
    for body in [whole.clone(), json!({ "result": whole, "errors": null })] {
        let world = world().await;
        world.vendor().will_answer(200, &body);
        let report = fetched(&world, "imocha", "3314697", &Report::OnRequest).await;
        assert_resolved(&report, PDF);
        let asked = world.vendor().only_asked();
        assert_eq!(asked.method, "GET");
        assert_eq!(asked.path, "/imocha/v3/reports/3314697?reportType=1");
        assert_eq!(asked.header("x-api-key"), Some(KEY));
        assert!(world.marked().await.is_empty());
    }
}

#[tokio::test]
async fn jobmojito_is_asked_to_make_the_report() {
    let world = world().await;
    let valid_until = "2026-09-01T12:00:00.000Z";
    let answer = json!({ "pdf_export_url": PDF, "pdf_export_valid_until": valid_until });
    world.vendor().will_answer(200, &answer);
    let (report, _) = asked_for(&world, "jobmojito").await;
    assert_resolved(&report, PDF);
    assert_eq!(report.valid_until, Timestamp::parse(valid_until).ok());
    let asked = world.vendor().only_asked();
    assert_eq!(asked.method, "POST");
    assert_eq!(asked.path, "/jobmojito/job-interview-pdf");
    let expected = format!("Bearer {KEY}");
    assert_eq!(asked.header("authorization"), Some(expected.as_str()));
    let body = json!({ "interview_result_id": "1", "export_type": "pdf", "store_file": true });
    assert_eq!(asked.body, body);
}

#[tokio::test]
async fn xobin_is_asked_to_share_the_report() {
    let world = world().await;
    let answer = json!({
        "signed_url": PDF, "expires_at": "2026-09-01T12:00:00", "report_id": 1, "assessment_id": 2,
    });
    world.vendor().will_answer(200, &answer);
    let (report, _) = asked_for(&world, "xobin").await;
    assert_resolved(&report, PDF);
    let valid_until = Timestamp::parse("2026-09-01T12:00:00Z").ok();
    assert_eq!(report.valid_until, valid_until);
    let asked = world.vendor().only_asked();
    assert_eq!(asked.method, "POST");
    assert_eq!(asked.path, "/xobin/assessments/reports/1/share");
    assert_eq!(asked.header("apikey"), Some(KEY));
    assert_eq!(asked.body["expiration_hours"], 1);
}

#[tokio::test]
async fn a_link_from_an_api_is_not_trusted_either() {
    let world = world().await;
    let answer = json!({ "pdfReportUrl": "http://169.254.169.254/latest/meta-data" });
    world.vendor().will_answer(200, &answer);
    let (report, due) = asked_for(&world, "imocha").await;
    assert_without_link(&report, ReportOutcome::Refused);
    assert_eq!(due, None);
}

#[tokio::test]
async fn a_report_that_is_not_ready_is_asked_for_again_in_five_minutes() {
    let answers = [
        ("imocha", json!({ "pdfReportUrl": null, "score": null })),
        ("imocha", json!({ "pdfReportUrl": "null" })),
        ("imocha", json!({})),
        ("imocha", json!({ "result": null, "errors": null })),
        ("jobmojito", json!({ "pdf_export_url": "" })),
        ("xobin", json!({ "signed_url": null })),
    ];
    for (source, answer) in answers {
        let world = world().await;
        world.vendor().will_answer(200, &answer);
        let (report, due) = asked_for(&world, source).await;
        assert_eq!(report.outcome, ReportOutcome::Pending, "{answer}");
        assert_eq!(due, Some(at(5 * MINUTE)), "{answer}");
        assert_eq!(world.vendor().asked().len(), 1);
    }
}

#[tokio::test]
async fn a_report_that_was_not_ready_is_resolved_once_it_is() {
    let world = world().await;
    world
        .vendor()
        .will_answer(200, &json!({ "pdfReportUrl": null }));
    world
        .vendor()
        .will_answer(200, &json!({ "pdfReportUrl": PDF }));
    asked_for(&world, "imocha").await;
    world.wait_until(at(5 * MINUTE));
    world.worker.sweep("sweep").await.unwrap();
    world.work_off_queue().await;
    let report = world.report(&report_key("imocha", "1", 1)).await;
    assert_resolved(&report, PDF);
    assert!(world.marked().await.is_empty());
}

#[tokio::test]
async fn a_report_that_the_vendor_does_not_know_yet_is_asked_for_again() {
    for source in ["imocha", "jobmojito", "xobin"] {
        let world = world().await;
        world.vendor().will_answer(404, &json!({ "error": "none" }));
        let (report, due) = asked_for(&world, source).await;
        assert_eq!(report.outcome, ReportOutcome::Pending);
        assert_eq!(due, Some(at(5 * MINUTE)));
    }
}

#[tokio::test]
async fn without_a_key_the_vendor_is_not_asked() {
    for (source, secret) in [
        ("imocha", Some(json!({ "api_key": "" }))),
        ("jobmojito", Some(json!({ "api_key": "" }))),
        ("xobin", None),
    ] {
        let world = world().await;
        match secret {
            Some(secret) => world.platform().set_secret(source, &secret),
            None => world.platform().remove_secret(source),
        }
        let (report, due) = asked_for(&world, source).await;
        assert_without_link(&report, ReportOutcome::Unavailable);
        assert_eq!(due, None);
        assert!(world.vendor().asked().is_empty());
    }
}

#[tokio::test]
async fn a_vendor_that_documents_no_such_call_is_not_asked() {
    let world = world().await;
    let (report, due) = asked_for(&world, "testlify").await;
    assert_without_link(&report, ReportOutcome::Unavailable);
    assert_eq!(due, None);
    assert!(world.vendor().asked().is_empty());
}

#[tokio::test]
async fn an_id_that_would_be_another_path_is_not_asked_for() {
    for (source, attempt) in [
        ("xobin", "../../webhooks"),
        ("xobin", "1/share?x="),
        ("imocha", "1/pdf"),
        ("imocha", "../1"),
    ] {
        let world = world().await;
        let report = fetched(&world, source, attempt, &Report::OnRequest).await;
        assert_without_link(&report, ReportOutcome::Unavailable);
        assert!(world.vendor().asked().is_empty(), "{attempt}");
    }
}

#[tokio::test]
async fn a_vendor_in_trouble_is_asked_again_when_that_makes_sense() {
    let minutes = |minutes: i64| Some(at(minutes * MINUTE));
    let html = "<html><body>Maintenance</body></html>";
    let retry_after = |seconds| Some(("retry-after", seconds));
    let cases = [
        (500, None, html, minutes(1)),
        (503, retry_after("240"), "{}", minutes(4)),
        (429, retry_after("120"), "{}", minutes(2)),
        (429, None, "{}", minutes(1)),
        (429, retry_after("999999999"), "{}", minutes(6 * 60)),
        (
            429,
            retry_after("Wed, 21 Oct 2026 07:28:00 GMT"),
            "{}",
            minutes(1),
        ),
        (401, None, "{}", minutes(30)),
        (403, None, html, minutes(30)),
        (400, None, "{}", minutes(1)),
        (302, Some(("location", "/elsewhere")), "", minutes(1)),
        (200, None, html, minutes(1)),
        (200, None, "", minutes(1)),
    ];
    for source in ["imocha", "jobmojito", "xobin"] {
        for (status, header, body, expected) in cases {
            let world = world().await;
            match header {
                Some(header) => world.vendor().will_answer_with(status, header, body),
                None => world.vendor().will_answer(status, body),
            }
            let (report, due) = asked_for(&world, source).await;
            assert_eq!(report.outcome, ReportOutcome::Pending, "{source} {status}");
            assert_eq!(due, expected, "{source} {status} {header:?}");
            assert_eq!(world.vendor().asked().len(), 1, "{source} {status}");
        }
    }
}

#[tokio::test]
async fn an_answer_without_end_is_not_read_to_its_end() {
    let world = world().await;
    let endless = format!(
        "{{\"pdfReportUrl\":\"{PDF}\",\"x\":\"{}\"}}",
        "x".repeat(5 << 20)
    );
    world.vendor().will_answer(200, &endless);
    let (report, due) = asked_for(&world, "imocha").await;
    assert_eq!(report.outcome, ReportOutcome::Pending);
    assert_eq!(due, Some(at(MINUTE)));
}

#[tokio::test]
async fn a_vendor_that_cannot_be_reached_is_tried_again_in_a_minute() {
    // Nobody listens on this port.
    let world = world_with(&[("IMOCHA_API_BASE_URL", "http://127.0.0.1:1")]).await;
    let (report, due) = asked_for(&world, "imocha").await;
    assert_eq!(report.outcome, ReportOutcome::Pending);
    assert_eq!(due, Some(at(MINUTE)));
}

#[tokio::test]
async fn a_report_is_resolved_once() {
    let world = world().await;
    world
        .vendor()
        .will_answer(200, &json!({ "pdfReportUrl": PDF }));
    let (before, _) = asked_for(&world, "imocha").await;
    world.worker.fetch_report(&before.key).await.unwrap();
    assert_eq!(world.report(&before.key).await, before);
    assert_eq!(world.vendor().asked().len(), 1);
}

#[tokio::test]
async fn a_report_that_is_gone_fails_its_message() {
    let world = world().await;
    let key = report_key("imocha", "1", 1);
    let result = world.worker.fetch_report(&key).await;
    assert!(matches!(result, Err(JobError::Gone(gone)) if gone == key));
    assert!(world.vendor().asked().is_empty());
}

#[tokio::test]
async fn a_report_that_is_offered_anew_while_one_is_fetched_is_another_to_be_fetched() {
    let world = world().await;
    world
        .vendor()
        .will_answer(200, &json!({ "pdfReportUrl": PDF }));
    let table = world.table.clone();
    world.vendor().meanwhile(async move {
        let link = link("https://vendor.example.com/2.pdf");
        offer(&table, "imocha", "1", &link).await;
    });
    let first = fetched(&world, "imocha", "1", &Report::OnRequest).await;
    assert_resolved(&first, PDF);
    let second = report_key("imocha", "1", 2);
    assert_eq!(world.report(&second).await.outcome, ReportOutcome::Pending);
    assert_eq!(world.only_marked().await.key, second);
    world.worker.fetch_report(&second).await.unwrap();
    let second = world.report(&second).await;
    assert_resolved(&second, "https://vendor.example.com/2.pdf");
    assert_eq!(world.report(&first.key).await, first);
}

#[tokio::test]
async fn a_key_that_is_set_later_is_used() {
    let world = world().await;
    world
        .platform()
        .set_secret("imocha", &json!({ "api_key": "" }));
    let (report, _) = asked_for(&world, "imocha").await;
    assert_eq!(report.outcome, ReportOutcome::Unavailable);
    world
        .platform()
        .set_secret("imocha", &json!({ "api_key": "later" }));
    let answer: Value = json!({ "pdfReportUrl": PDF });
    world.vendor().will_answer(200, &answer);
    let (report, _) = asked_for(&world, "imocha").await;
    assert_resolved(&report, PDF);
    assert_eq!(
        world.vendor().only_asked().header("x-api-key"),
        Some("later")
    );
}
