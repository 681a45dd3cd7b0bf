//! What is done when no way leads to a report.

use crate::reports::{VENDORS, asked_for, assert_kept, assert_not_had, fetched};
use crate::world::*;
use serde_json::json;
use shared::event::Report;
use shared::store::{ReportOrigin, ReportOutcome};
use std::time::Duration;
use worker::JobError;
use worker::vendors::VendorError;

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
        world.vendor().will_answer(404, &json!({ "error": "none" }));
        let (report, due) = asked_for(&world, source).await;
        assert_eq!(report.outcome, ReportOutcome::Pending, "{answer}");
        assert_eq!(due, Some(at(5 * MINUTE)), "{answer}");
        let problem = report.problem.unwrap();
        assert!(problem.contains("not ready"), "{problem}");
    }
}

#[tokio::test]
async fn a_report_that_was_not_ready_is_fetched_once_it_is() {
    let world = world().await;
    world
        .vendor()
        .will_answer(200, &json!({ "pdf_export_url": null }));
    let answer = json!({ "pdf_export_url": world.pdf("1") });
    world.vendor().will_answer(200, &answer);
    asked_for(&world, "jobmojito").await;
    world.wait_until(at(5 * MINUTE));
    world.worker.sweep("sweep").await.unwrap();
    world.work_off_queue().await;
    let report = world.report(&report_key("jobmojito", "1", 1)).await;
    assert_kept(&world, &report, "1", ReportOrigin::ApiLink);
    assert!(world.marked().await.is_empty());
}

#[tokio::test]
async fn a_report_that_the_vendor_does_not_know_yet_is_asked_for_again() {
    for source in VENDORS {
        let world = world().await;
        for _ in 0..2 {
            world.vendor().will_answer(404, &json!({ "error": "none" }));
        }
        let (report, due) = asked_for(&world, source).await;
        assert_eq!(report.outcome, ReportOutcome::Pending);
        assert_eq!(due, Some(at(5 * MINUTE)));
    }
}

#[tokio::test]
async fn what_is_behind_no_link_is_looked_for_a_few_times_and_then_given_up() {
    let world = world().await;
    let key = offer(&world.table, "testlify", "1", &link(&world.pdf("1"))).await;
    let mut looks = 0;
    world.vendor().will_serve(404, "");
    world.fetch(&key).await;
    while world.report(&key).await.outcome == ReportOutcome::Pending {
        looks += 1;
        assert!(looks < 20, "it is given up");
        world.vendor().will_serve(404, "");
        let due_at = world.only_marked().await.due_at;
        world.wait_until(due_at);
        world.worker.sweep("sweep").await.unwrap();
        world.work_off_queue().await;
    }
    let report = world.report(&key).await;
    assert_not_had(&report, ReportOutcome::Unavailable, "404");
    assert_eq!(looks, 6);
    let waited = world.clock.now().unix_ms() - at(0).unix_ms();
    assert!((30 * 60_000..90 * 60_000).contains(&waited), "{waited} ms");
    assert!(world.marked().await.is_empty());
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
        assert_not_had(&report, ReportOutcome::Unavailable, "its key is not set");
        assert_eq!(due, None);
        assert!(world.vendor().asked().is_empty());
    }
}

#[tokio::test]
async fn a_vendor_that_documents_no_such_call_is_not_asked() {
    let world = world().await;
    let (report, due) = asked_for(&world, "testlify").await;
    assert_not_had(&report, ReportOutcome::Unavailable, "documents no call");
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
        assert_not_had(
            &report,
            ReportOutcome::Unavailable,
            "the attempt's id is no",
        );
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
            retry_after("Tue, 21 Oct 2025 07:28:00 GMT"),
            "{}",
            minutes(1),
        ),
        (401, None, "{}", minutes(30)),
        (403, None, html, minutes(30)),
        (200, None, html, minutes(1)),
        (200, None, "", minutes(1)),
    ];
    for source in VENDORS {
        for (status, header, body, expected) in cases {
            let world = world().await;
            match header {
                Some(header) => world.vendor().will_answer_with(status, header, body),
                None => world.vendor().will_answer(status, body),
            }
            let (report, due) = asked_for(&world, source).await;
            assert_eq!(report.outcome, ReportOutcome::Pending, "{source} {status}");
            assert_eq!(due, expected, "{source} {status} {header:?}");
            assert!(report.problem.is_some(), "says why");
            assert_eq!(
                world.vendor().asked().len(),
                1,
                "no further call: {source} {status}"
            );
        }
    }
}

#[tokio::test]
async fn a_401_that_names_the_attempt_is_no_word_on_the_key() {
    let world = world().await;
    let not_ours = json!({ "result": null, "errors": ["not found in your account", "1"] });
    world.vendor().will_answer(401, &not_ours);
    world.vendor().will_answer(401, &not_ours);
    let foreign = fetched(&world, "imocha", "1", &Report::OnRequest).await;
    assert_eq!(foreign.outcome, ReportOutcome::Pending);
    assert_eq!(world.vendor().asked().len(), 2, "both ways are tried");
    world
        .vendor()
        .will_answer(200, &json!({ "pdfReportUrl": world.pdf("2") }));
    let ours = fetched(&world, "imocha", "2", &Report::OnRequest).await;
    assert_kept(&world, &ours, "2", ReportOrigin::ApiLink);
}

#[tokio::test]
async fn one_401_that_names_nobody_does_not_shut_imocha_and_three_in_a_row_do() {
    let world = world().await;
    for (called, attempt) in ["1", "2", "3"].into_iter().enumerate() {
        assert_eq!(world.vendor().asked().len(), called);
        world.vendor().will_answer(401, "{}");
        fetched(&world, "imocha", attempt, &Report::OnRequest).await;
        world.clock.advance(Duration::from_mins(1));
    }
    assert_eq!(world.vendor().asked().len(), 3);
    let key = offer(&world.table, "imocha", "4", &Report::OnRequest).await;
    let waits = world.worker.fetch_report(&key, A_WHILE, "r").await;
    assert!(matches!(waits, Err(JobError::Waiting(_))), "{waits:?}");
    assert_eq!(world.vendor().asked().len(), 3, "it is called no more");
}

#[tokio::test]
async fn once_an_attempt_is_known_no_number_of_foreign_ones_shuts_imocha() {
    // So slow that the call that tells is not its turn at once.
    let world = world_with(&[("IMOCHA_API_CALLS_PER_MINUTE", "30")]).await;
    let url = world.pdf("7");
    world.vendor().answers(move |call| {
        let ours = call.path.contains("/reports/7?");
        let report = json!({ "testInvitationId": 7, "pdfReportUrl": url });
        Some(if ours {
            (200, report)
        } else {
            (401, json!({}))
        })
    });
    let ours = fetched(&world, "imocha", "7", &Report::OnRequest).await;
    assert_kept(&world, &ours, "7", ReportOrigin::ApiLink);
    for foreign in ["1", "2", "3", "4"] {
        world.clock.advance(Duration::from_mins(1));
        let report = fetched(&world, "imocha", foreign, &Report::OnRequest).await;
        assert_eq!(report.outcome, ReportOutcome::Pending);
        let problem = report.problem.unwrap();
        assert!(problem.contains("not ready"), "{problem}");
    }
    world.clock.advance(Duration::from_mins(1));
    let answer = world.worker.vendors.result("imocha", "7").await;
    assert!(answer.is_ok(), "{answer:?}");
    // The key goes bad: the known one is refused as well, and that is enough.
    world.vendor().answers(|_| Some((401, json!({}))));
    world.clock.advance(Duration::from_mins(1));
    let before = world.vendor().asked().len();
    let refused = fetched(&world, "imocha", "8", &Report::OnRequest).await;
    assert!(refused.problem.unwrap().contains("API key"));
    assert_eq!(world.vendor().asked().len(), before + 2);
    world.clock.advance(Duration::from_mins(1));
    let waits = world.worker.vendors.result("imocha", "9").await;
    assert!(matches!(waits, Err(VendorError::Waiting(_))), "{waits:?}");
}

#[tokio::test]
async fn a_known_attempt_that_imocha_has_no_more_is_forgotten() {
    let world = world().await;
    let note = world
        .table
        .note_known("imocha", "7", at(0), Duration::from_mins(1));
    note.await.unwrap();
    world
        .vendor()
        .answers(|_| Some((401, json!({ "errors": ["not found", "7"] }))));
    let foreign = fetched(&world, "imocha", "1", &Report::OnRequest).await;
    let problem = foreign.problem.unwrap();
    assert!(problem.contains("not ready"), "{problem}");
    assert_eq!(world.table.known("imocha").await.unwrap(), None);
}

#[tokio::test]
async fn an_export_that_is_of_another_attempt_is_not_kept() {
    let another = [
        (
            "jobmojito",
            json!({ "interview_result_id": "2", "pdf_export_url": "x" }),
        ),
        (
            "imocha",
            json!({ "testInvitationId": 2, "pdfReportUrl": "x" }),
        ),
    ];
    for (source, mut answer) in another {
        let world = world().await;
        for field in ["pdf_export_url", "pdfReportUrl"] {
            if answer.get(field).is_some() {
                answer[field] = json!(world.pdf("2"));
            }
        }
        world.vendor().will_answer(200, &answer);
        world.vendor().will_answer(200, &answer);
        let report = fetched(&world, source, "1", &Report::OnRequest).await;
        assert_eq!(report.outcome, ReportOutcome::Pending, "{source}");
        assert!(world.platform().bucket.objects().is_empty(), "{source}");
    }
}

#[tokio::test]
async fn a_vendor_that_says_no_is_asked_a_few_times_more() {
    for source in VENDORS {
        let world = world().await;
        for _ in 0..2 {
            world
                .vendor()
                .will_answer(400, &json!({ "error": "no", "name": "id" }));
        }
        let (report, due) = asked_for(&world, source).await;
        assert_eq!(report.outcome, ReportOutcome::Pending, "{source}");
        assert_eq!(due, Some(at(5 * MINUTE)), "{source}");
    }
}

#[tokio::test]
async fn an_answer_without_end_is_not_read_to_its_end() {
    let world = world().await;
    let url = world.pdf("1");
    let endless = format!(
        "{{\"pdf_export_url\":\"{url}\",\"x\":\"{}\"}}",
        "x".repeat(5 << 20)
    );
    world.vendor().will_answer(200, &endless);
    let (report, due) = asked_for(&world, "jobmojito").await;
    assert_eq!(report.outcome, ReportOutcome::Pending);
    assert_eq!(due, Some(at(5 * MINUTE)));
    assert!(world.vendor().fetched().is_empty());
}

#[tokio::test]
async fn a_vendor_that_cannot_be_reached_is_tried_again_in_a_minute() {
    // Nobody listens on this port.
    let world = world_with(&[("IMOCHA_API_BASE_URL", "http://127.0.0.1:1")]).await;
    let (report, due) = asked_for(&world, "imocha").await;
    assert_eq!(report.outcome, ReportOutcome::Pending);
    assert_eq!(due, Some(at(MINUTE)));
}
