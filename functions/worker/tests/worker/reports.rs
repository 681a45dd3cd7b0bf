//! The ways to each vendor's reports.

use crate::vendor::pdf;
use crate::world::*;
use serde_json::{Value, json};
use shared::event::{Event, Report, Score, Status};
use shared::store::{ReportItem, ReportOrigin, ReportOutcome};
use shared::timestamp::Timestamp;

const SOURCES: [&str; 4] = ["imocha", "jobmojito", "testlify", "xobin"];
/// Those with an API.
pub const VENDORS: [&str; 3] = ["imocha", "jobmojito", "xobin"];

/// What a report that is fetched once came to.
pub async fn fetched(world: &World, source: &str, attempt: &str, link: &Report) -> ReportItem {
    let key = offer(&world.table, source, attempt, link).await;
    world.fetch(&key).await;
    world.report(&key).await
}

/// The vendor's API was asked and answered this: the report, and when it is asked for again.
pub async fn asked_for(world: &World, source: &str) -> (ReportItem, Option<Timestamp>) {
    let report = fetched(world, source, "1", &Report::OnRequest).await;
    let marked = world.marked().await;
    (report, marked.first().map(|item| item.due_at))
}

/// It is kept, with the bytes that are at this path, and was had so.
pub fn assert_kept(world: &World, report: &ReportItem, name: &str, origin: ReportOrigin) {
    assert_eq!(
        report.outcome,
        ReportOutcome::Stored,
        "{:?}",
        report.problem
    );
    assert_eq!(report.problem, None);
    let kept = report.kept.as_ref().unwrap();
    assert_eq!(kept.origin, origin);
    let object = world
        .platform()
        .bucket
        .objects()
        .remove(&kept.s3_key)
        .unwrap();
    assert_eq!(object.bytes, pdf(&format!("/pdf/{name}")));
}

pub fn assert_not_had(report: &ReportItem, outcome: ReportOutcome, why: &str) {
    assert_eq!(report.outcome, outcome, "{:?}", report.problem);
    assert_eq!((&report.url, &report.kept), (&None, &None));
    let problem = report.problem.as_deref().unwrap();
    assert!(problem.contains(why), "{problem}");
}

#[tokio::test]
async fn an_offered_link_is_followed_without_asking_and_without_credentials() {
    for source in SOURCES {
        let world = world().await;
        let report = fetched(&world, source, "1", &link(&world.pdf("1?t=a%3d"))).await;
        assert_kept(&world, &report, "1", ReportOrigin::Event);
        assert_eq!(report.url, Some(world.pdf("1?t=a%3d")));
        assert!(world.vendor().asked().is_empty(), "there is a link");
        let [asked] = world.vendor().fetched().try_into().unwrap();
        assert_eq!(
            (asked.method.as_str(), asked.path.as_str()),
            ("GET", "/pdf/1?t=a%3d")
        );
        let mut sent: Vec<&str> = asked
            .headers
            .keys()
            .map(reqwest::header::HeaderName::as_str)
            .collect();
        sent.sort_unstable();
        assert_eq!(sent, ["accept", "host", "user-agent"], "{source}");
        assert!(world.marked().await.is_empty(), "no more to do");
    }
}

#[tokio::test]
async fn how_long_a_link_works_is_kept() {
    let world = world().await;
    let link = Report::Link {
        url: world.pdf("1"),
        valid_until: Some(at(3600)),
    };
    let report = fetched(&world, "xobin", "1", &link).await;
    assert_kept(&world, &report, "1", ReportOrigin::Event);
    assert_eq!(report.valid_until, Some(at(3600)));
}

#[tokio::test]
async fn a_relative_link_is_one_under_testlifys_base_alone() {
    let world = world().await;
    let relative = link("pdf/1");
    let report = fetched(&world, "testlify", "1", &relative).await;
    assert_kept(&world, &report, "1", ReportOrigin::Event);
    assert_eq!(report.url, Some(world.pdf("1")));
    world.switch_apis_off();
    let report = fetched(&world, "imocha", "1", &relative).await;
    assert_not_had(&report, ReportOutcome::Refused, "no address");
    let report = fetched(&world, "testlify", "2", &link("//evil.example.com/1.pdf")).await;
    assert_not_had(&report, ReportOutcome::Refused, "another host");
    assert!(world.marked().await.is_empty());
}

#[tokio::test]
async fn imocha_is_asked_for_the_report_by_the_attempts_id() {
    for wrap in [
        (|report| report) as fn(Value) -> Value,
        |report| json!({ "result": report, "errors": null }),
    ] {
        let world = world().await;
        let whole = json!({
            "testInvitationId": "3314697", "score": "6", "scorePercentage": "5.2", "status": null,
            "pdfReportUrl": world.pdf("1"),
        });
        world.vendor().will_answer(200, &wrap(whole));
        let report = fetched(&world, "imocha", "3314697", &Report::OnRequest).await;
        assert_kept(&world, &report, "1", ReportOrigin::ApiLink);
        let asked = world.vendor().only_asked();
        assert_eq!(asked.method, "GET");
        assert_eq!(asked.path, "/imocha/v3/reports/3314697?reportType=1");
        assert_eq!(asked.header("x-api-key"), Some(KEY));
        let [fetched] = world.vendor().fetched().try_into().unwrap();
        assert_eq!(
            fetched.header("x-api-key"),
            None,
            "the key is the API's alone"
        );
        assert!(world.marked().await.is_empty());
    }
}

#[tokio::test]
async fn imochas_pdf_is_taken_as_a_file_or_as_a_link_to_one() {
    let file = String::from_utf8(pdf("/pdf/1")).unwrap();
    for (answer, origin) in [
        (None, ReportOrigin::ApiLink),
        (Some(file), ReportOrigin::Api),
    ] {
        let world = world().await;
        let link = json!({ "result": { "reportUrl": world.pdf("1") }, "errors": null });
        world
            .vendor()
            .will_answer(200, &json!({ "pdfReportUrl": null }));
        world
            .vendor()
            .will_answer(200, &answer.unwrap_or(link.to_string()));
        let (report, _) = asked_for(&world, "imocha").await;
        assert_kept(&world, &report, "1", origin);
        let asked = world.vendor().asked();
        assert_eq!(asked[1].path, "/imocha/v3/reports/1/pdf");
        assert_eq!(asked[1].header("x-api-key"), Some(KEY));
    }
}

#[tokio::test]
async fn jobmojito_is_asked_to_make_the_report() {
    let world = world().await;
    let valid_until = "2026-09-01T12:00:00.000Z";
    let answer = json!({
        "pdf_export_url": world.pdf("1"), "pdf_export_valid_until": valid_until,
    });
    world.vendor().will_answer(200, &answer);
    let (report, _) = asked_for(&world, "jobmojito").await;
    assert_kept(&world, &report, "1", ReportOrigin::ApiLink);
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
        "signed_url": world.pdf("1"), "expires_at": "2026-09-01T12:00:00", "report_id": 1,
        "assessment_id": 2,
    });
    world.vendor().will_answer(200, &answer);
    let (report, _) = asked_for(&world, "xobin").await;
    assert_kept(&world, &report, "1", ReportOrigin::ApiLink);
    let valid_until = Timestamp::parse("2026-09-01T12:00:00Z").ok();
    assert_eq!(report.valid_until, valid_until);
    let asked = world.vendor().only_asked();
    assert_eq!(asked.method, "POST");
    assert_eq!(asked.path, "/xobin/assessments/reports/1/share");
    assert_eq!(asked.header("apikey"), Some(KEY));
    assert_eq!(asked.body["expiration_hours"], 1);
}

#[tokio::test]
async fn what_xobin_does_not_share_is_downloaded() {
    let world = world().await;
    world
        .vendor()
        .will_answer(422, &json!({ "error": "Sharing is off" }));
    world
        .vendor()
        .will_answer(200, std::str::from_utf8(&pdf("/pdf/1")).unwrap());
    let (report, _) = asked_for(&world, "xobin").await;
    assert_kept(&world, &report, "1", ReportOrigin::Api);
    assert_eq!(report.url, None);
    let [_, download] = world.vendor().asked().try_into().unwrap();
    assert_eq!(download.method, "POST");
    assert_eq!(download.path, "/xobin/assessments/reports/1/download");
    assert_eq!(download.header("apikey"), Some(KEY));
}

#[tokio::test]
async fn a_link_that_has_died_is_made_anew() {
    for status in [403, 404, 410] {
        for (source, field) in [
            ("imocha", "pdfReportUrl"),
            ("jobmojito", "pdf_export_url"),
            ("xobin", "signed_url"),
        ] {
            let world = world().await;
            world.vendor().will_serve(status, "gone");
            world
                .vendor()
                .will_answer(200, &json!({ field: world.pdf("new") }));
            let report = fetched(&world, source, "1", &link(&world.pdf("dead"))).await;
            assert_kept(&world, &report, "new", ReportOrigin::ApiLink);
            assert_eq!(report.url, Some(world.pdf("new")), "{source} {status}");
        }
    }
}

#[tokio::test]
async fn a_link_that_is_known_to_have_died_is_followed_last() {
    let world = world().await;
    let dead = Report::Link {
        url: world.pdf("dead"),
        valid_until: Some(at(0)),
    };
    let answer = json!({ "pdf_export_url": world.pdf("new") });
    world.vendor().will_answer(200, &answer);
    let report = fetched(&world, "jobmojito", "1", &dead).await;
    assert_kept(&world, &report, "new", ReportOrigin::ApiLink);
    assert_eq!(world.vendor().fetched().len(), 1);
    // Where nobody can make another, it is worth a look.
    world.switch_apis_off();
    let report = fetched(&world, "jobmojito", "2", &dead).await;
    assert_kept(&world, &report, "dead", ReportOrigin::Event);
}

#[tokio::test]
async fn a_page_in_a_reports_place_is_another_reason_to_ask_the_api() {
    let world = world().await;
    world
        .vendor()
        .will_serve(200, "<html><body>Sign in</body></html>");
    world
        .vendor()
        .will_answer(200, &json!({ "signed_url": world.pdf("1") }));
    let report = fetched(&world, "xobin", "1", &link(&world.pdf("page"))).await;
    assert_kept(&world, &report, "1", ReportOrigin::ApiLink);
}

#[tokio::test]
async fn a_report_after_a_score_update_is_fetched_again() {
    let world = world().await;
    for name in ["completed", "score-updated"] {
        let report = fetched(&world, "testlify", "1.a", &link(&world.pdf(name))).await;
        assert_kept(&world, &report, name, ReportOrigin::Event);
    }
    assert_eq!(world.platform().bucket.objects().len(), 2);
}

#[tokio::test]
async fn a_score_update_with_the_same_pdf_name_has_the_pdf_fetched_again() {
    let world = world().await;
    let at_link = |second, value| {
        let event = Event {
            report: Some(link(&world.pdf("same"))),
            occurred_at: Some(at(second)),
            score: Some(Score {
                value: Some(value),
                ..Score::default()
            }),
            ..Event::of_attempt("1.a".into(), Some(Status::Completed), None)
        };
        delivery("testlify", event, at(second))
    };
    for (second, value) in [(0, 10.0), (60, 20.0)] {
        let event = at_link(second, value);
        world.wait_until(at(second));
        world.record(&event).await;
        world
            .vendor()
            .will_serve(200, &format!("%PDF-1.4\n{value}\n%%EOF\n"));
        world.fold(&event).await;
        world.work_off_queue().await;
    }
    assert_eq!(world.vendor().fetched().len(), 2);
    assert_eq!(
        world.platform().bucket.objects().len(),
        2,
        "each is its own version"
    );
}

#[tokio::test]
async fn an_answer_that_is_of_another_attempt_is_not_believed() {
    for (source, field, id) in [
        ("imocha", "pdfReportUrl", "testInvitationId"),
        ("xobin", "signed_url", "report_id"),
    ] {
        let world = world().await;
        let answer = json!({ field: world.pdf("1"), id: 2 });
        world.vendor().will_answer(200, &answer);
        let (report, due) = asked_for(&world, source).await;
        assert_eq!(report.outcome, ReportOutcome::Pending, "{source}");
        assert!(report.problem.is_some(), "says why");
        assert_eq!(due, Some(at(MINUTE)), "{source}");
        assert!(world.vendor().fetched().is_empty(), "{source}");
    }
}

#[tokio::test]
async fn a_link_from_an_api_is_not_trusted_either() {
    let world = world().await;
    let answer = json!({ "pdf_export_url": "http://169.254.169.254/latest/meta-data" });
    world.vendor().will_answer(200, &answer);
    let (report, due) = asked_for(&world, "jobmojito").await;
    assert_not_had(&report, ReportOutcome::Refused, "not https");
    assert_eq!(due, None);
}
