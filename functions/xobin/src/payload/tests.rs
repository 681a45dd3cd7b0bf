use super::*;
use serde_json::json;

fn event(kind: &str, body: &Value) -> Event {
    read(Some(kind), body.to_string().as_bytes()).unwrap()
}

#[test]
fn the_path_names_what_happened() {
    let body = json!({"id": 1});
    assert_eq!(event("start", &body).status, Some(Status::InProgress));
    assert_eq!(event("submission", &body).status, Some(Status::Completed));
    for kind in [None, Some(""), Some("finish"), Some("Start")] {
        let event = read(kind, body.to_string().as_bytes()).unwrap();
        assert_eq!(
            (event.kind, event.attempt),
            (Kind::Unknown, None),
            "{kind:?}"
        );
    }
}

#[test]
fn an_attempt_is_the_id_or_the_reports_id_as_number_or_text() {
    for body in [
        json!({"id": 7}),
        json!({"id": "7"}),
        json!({"report_id": 7}),
        json!({"id": null, "report_id": "7"}),
        json!({"id": 7, "report_id": 8}),
    ] {
        for kind in ["start", "submission"] {
            assert_eq!(event(kind, &body).attempt.as_deref(), Some("7"), "{body}");
        }
    }
    for body in [json!({}), json!({"id": ""}), json!({"id": [7]})] {
        let error = read(Some("start"), body.to_string().as_bytes()).unwrap_err();
        assert!(matches!(error, Unreadable::Field("id")), "{body}");
    }
}

#[test]
fn a_start_is_timed_and_scores_nothing() {
    let body = json!({"id": 1, "started_at": "1737521866717", "overall_percentage": 0});
    let event = event("start", &body);
    assert_eq!(
        event.occurred_at,
        Timestamp::from_unix_ms(1_737_521_866_717)
    );
    assert_eq!((event.score, event.report), (None, None));
}

#[test]
fn a_submission_is_timed_where_its_time_can_be_placed() {
    let occurred_at =
        |date: Value| event("submission", &json!({"id": 1, "completed_date": date})).occurred_at;
    let expected = Timestamp::parse("2025-01-22T05:41:12Z").ok();
    assert_eq!(occurred_at(json!("2025-01-22T05:41:12Z")), expected);
    assert_eq!(occurred_at(json!(1_737_524_472_000_i64)), expected);
    for date in [
        json!("2025-01-22T05:41:12"),
        json!("22 January"),
        json!(null),
    ] {
        assert_eq!(occurred_at(date), None);
    }
}

#[test]
fn a_submission_has_a_percentage_and_a_report() {
    let submission = |percentage: Value, link: Value| {
        let body = json!({"id": 1, "overall_percentage": percentage, "report_link": link});
        let event = event("submission", &body);
        (event.score.and_then(|score| score.percent), event.report)
    };
    let url = "https://app.xobin.com/1";
    let link = Report::from_link(Some(url), None);
    assert_eq!(submission(json!("71.5"), json!(url)), (Some(71.5), link));
    let on_request = (None, Some(Report::OnRequest));
    assert_eq!(submission(json!(null), json!(null)), on_request);
    assert_eq!(submission(json!("good"), json!("null")), on_request);
}

#[test]
fn sections_are_their_names_and_percentages() {
    let body = json!({"id": 1, "cut_off": "60", "sections": [
        {"section": "SQL", "percentage": "71.5", "skill_wise_score": []},
        {"title": "Logic", "percentage": null}, {"skill_wise_score": []}, 5,
    ]});
    assert_eq!(
        Value::Object(event("submission", &body).details),
        json!({"cut_off": 60, "sections": [
            {"section": "SQL", "percentage": 71.5}, {"title": "Logic"},
        ]})
    );
}

fn updated(name: &str, status: &Value) -> Event {
    let data = json!({"assessment_id": "7", "assessment_name": "SQL", "status": status});
    event(
        "updates",
        &json!({"event": name, "timestamp": "2026-01-15T10:00:00", "data": data}),
    )
}

#[test]
fn an_update_is_told_by_its_event_and_the_assessments_status() {
    use AssessmentChange::{Archived, Created, Deleted, Updated};
    for (name, status, change) in [
        ("assessments.create", json!("draft"), Created),
        ("assessments.updates", json!("live"), Updated),
        ("assessments.updates", json!(null), Updated),
        ("assessments.updates", json!("Archived"), Archived),
        ("assessments.updates", json!("deleted"), Deleted),
    ] {
        let event = updated(name, &status);
        assert_eq!(event.kind, Kind::Assessment(change), "{name} {status}");
        assert_eq!(event.assessment.map(|it| it.id), Some("7".into()));
        assert_eq!(
            event.occurred_at,
            Timestamp::parse("2026-01-15T10:00:00Z").ok()
        );
    }
    let event = updated("assessments.copied", &json!(null));
    assert_eq!(event.kind, Kind::Unknown);
    assert_eq!(event.vendor_status.as_deref(), Some("assessments.copied"));
}

#[test]
fn an_update_of_nothing_is_unreadable() {
    for (body, field) in [
        (json!({"data": {"assessment_id": 7}}), "event"),
        (json!({"event": "assessments.create"}), "data.assessment_id"),
        (
            json!({"event": "assessments.updates", "data": []}),
            "data.assessment_id",
        ),
    ] {
        let error = read(Some("updates"), body.to_string().as_bytes()).unwrap_err();
        assert!(
            matches!(error, Unreadable::Field(name) if name == field),
            "{body}"
        );
    }
}
