use super::*;
use serde_json::json;
use shared::event::Kind;

fn event(body: &Value) -> Event {
    read(body.to_string().as_bytes()).unwrap()
}

fn placed(status: &Value, interview_status: &Value) -> (Option<Status>, Order) {
    let event = event(&json!({
        "id": "1", "status": status, "interview_status": interview_status,
    }));
    (event.status, event.order)
}

#[test]
fn every_pair_of_words_is_placed() {
    let expected = [
        ("draft", "ongoing", Status::InProgress, Stage::Draft),
        ("draft", "completed", Status::Collected, Stage::Draft),
        (
            "draft",
            "completed, stopped early",
            Status::Collected,
            Stage::Draft,
        ),
        ("draft", "failed", Status::Failed, Stage::Draft),
        ("draft", "abandoned", Status::Abandoned, Stage::Draft),
        (
            "draft",
            "terminated, no speech detected",
            Status::Terminated,
            Stage::Draft,
        ),
        ("active", "completed", Status::Completed, Stage::Active),
        (
            "active",
            "completed, stopped early",
            Status::Completed,
            Stage::Active,
        ),
        ("active", "failed", Status::Failed, Stage::Active),
        ("active", "abandoned", Status::Abandoned, Stage::Active),
        (
            "active",
            "terminated, no speech detected",
            Status::Terminated,
            Stage::Active,
        ),
        ("archived", "completed", Status::Archived, Stage::Archived),
        ("archived", "anything", Status::Archived, Stage::Archived),
        (" Active ", " Completed ", Status::Completed, Stage::Active),
    ];
    for (status, interview_status, placed_as, stage) in expected {
        assert_eq!(
            placed(&json!(status), &json!(interview_status)),
            (Some(placed_as), Order::Snapshot(stage)),
            "{status} / {interview_status}"
        );
    }
}

#[test]
fn a_pair_that_is_not_known_is_no_snapshot_and_changes_nothing() {
    let pairs = [
        (json!("active"), json!("ongoing")),
        (json!("active"), json!("completed,stopped early")),
        (json!("draft"), json!(null)),
        (json!("active"), json!({"name": "completed"})),
        (json!("active"), json!("")),
        (json!("paused"), json!("completed")),
        (json!(null), json!("completed")),
    ];
    for (status, interview_status) in pairs {
        let event = event(&json!({
            "id": "1", "status": status, "interview_status": interview_status,
            "recruiter_go_next_round": true, "score": 5, "pdf_export_url": "https://a.example/1",
        }));
        assert_eq!((event.kind, event.order), (Kind::Unknown, Order::Progress));
        assert_eq!((event.status, event.decision), (None, None));
        assert_eq!((event.score, event.report), (None, None));
    }
}

#[test]
fn an_older_envelope_without_an_interview_status_was_submitted() {
    let body = json!({"table": "interview_result", "record": {"id": "1", "status": "active"}});
    let event = event(&body);
    assert_eq!(event.status, Some(Status::Completed));
    assert_eq!(event.report, Some(Report::OnRequest));
}

#[test]
fn a_decision_names_the_kind_and_keeps_the_status() {
    let decided = |decision: Value| {
        let event = event(&json!({
            "id": "1", "status": "active", "interview_status": "completed",
            "recruiter_go_next_round": decision,
        }));
        (event.kind, event.decision, event.status)
    };
    let completed = Some(Status::Completed);
    let selected = (Kind::Decided, Some(Decision::Selected), completed);
    assert_eq!(decided(json!(true)), selected);
    assert_eq!(decided(json!("true")), selected);
    let rejected = (Kind::Decided, Some(Decision::Rejected), completed);
    assert_eq!(decided(json!(false)), rejected);
    let none = (Kind::Attempt(Status::Completed), None, completed);
    assert_eq!(decided(json!(null)), none);
}

#[test]
fn numbers_that_are_text_are_numbers() {
    let event = event(&json!({
        "id": 7, "status": "active", "score": "5.12", "ai_analysis_recruiter_score": "4.2",
    }));
    assert_eq!(event.attempt.as_deref(), Some("7"));
    assert_eq!(event.score.and_then(|score| score.value), Some(5.12));
    assert_eq!(event.details["ai_analysis_recruiter_score"], json!(4.2));
}

#[test]
fn a_report_says_until_when_its_link_works() {
    let report = |until: Value| {
        let body = json!({
            "id": "1", "status": "active", "pdf_export_url": "https://a.example/1",
            "pdf_export_valid_until": until,
        });
        event(&body).report
    };
    let link = |valid_until| Report::from_link(Some("https://a.example/1"), valid_until);
    let until = Timestamp::parse("2024-11-06T05:30:19.961Z").ok();
    assert_eq!(report(json!("2024-11-06T05:30:19.961+00:00")), link(until));
    assert_eq!(report(json!("soon")), link(None));
}

#[test]
fn a_result_without_an_id_is_unreadable() {
    for body in [
        json!({}),
        json!({"id": ""}),
        json!({"id": null, "status": "active"}),
        json!({"record": {"status": "active"}}),
        json!({"record": null}),
    ] {
        let error = read(body.to_string().as_bytes()).unwrap_err();
        assert!(matches!(error, Unreadable::Field("id")), "{body}");
    }
}
