use super::*;
use serde_json::json;
use shared::secrets::SecretText;

fn people() -> HashKey {
    SecretText::from("a key".to_owned()).into()
}

fn said(body: &Value) -> Reading {
    read(body.to_string().as_bytes(), &people()).unwrap()
}

fn event(body: &Value) -> Event {
    match said(body) {
        Reading::Event(event) => *event,
        Reading::Ping => panic!("a ping: {body}"),
    }
}

fn v1(status: &str, more: &Value) -> Value {
    let mut data =
        json!({"assessmentId": "a", "email": "ada@example.com", "candidateStatus": status});
    let more = more.as_object().cloned().unwrap_or_default();
    data.as_object_mut().unwrap().extend(more);
    json!({"type": "candidate", "event": "candidateStatusChanged", "data": data})
}

fn v2(event: &str, status: &Value) -> Value {
    json!({"event": event, "data": {
        "assessmentId": "a", "candidate": {"email": "ada@example.com"}, "status": status,
    }})
}

#[test]
fn every_status_is_placed() {
    let completed_at = json!({"completedAt": "2024-04-02T07:11:56.311Z"});
    let expected = [
        ("INVITED", Some(Status::Invited), None),
        ("ENROLLED", Some(Status::Enrolled), None),
        ("IN_PROGRESS", Some(Status::InProgress), None),
        ("COMPLETED", Some(Status::Completed), None),
        ("DISQUALIFIED", Some(Status::Disqualified), None),
        ("INVITATION_EXPIRED", Some(Status::Expired), None),
        (
            "REJECTED",
            Some(Status::Completed),
            Some(Decision::Rejected),
        ),
        ("SHORTLISTED", None, None),
    ];
    for (word, status, decision) in expected {
        for body in [
            v1(word, &completed_at),
            v2(
                "candidateStatusChanged",
                &json!({
                    "candidateStatus": word, "completedAt": "2024-04-02T07:11:56.311Z",
                }),
            ),
        ] {
            let event = event(&body);
            assert_eq!((event.status, event.decision), (status, decision), "{body}");
            assert_eq!(event.vendor_status.as_deref(), Some(word));
        }
    }
}

#[test]
fn a_rejection_says_nothing_of_the_status_unless_the_candidate_had_finished() {
    for completed_at in [json!(null), json!(""), json!("null"), json!({})] {
        let event = event(&v1(
            "REJECTED",
            &json!({"completedAt": completed_at, "totalScore": 5}),
        ));
        assert_eq!((event.kind, event.status), (Kind::Decided, None));
        assert_eq!((event.score, event.report), (None, None));
    }
}

#[test]
fn the_event_of_version_1_routes_nothing() {
    let mut body = v1("ENROLLED", &json!({"status": "COMPLETED"}));
    body["event"] = json!("completed");
    assert_eq!(event(&body).status, Some(Status::Enrolled));
    body["data"]["candidateStatus"] = json!(null);
    assert_eq!(event(&body).kind, Kind::Unknown);
}

#[test]
fn version_2_says_the_status_in_one_of_several_places() {
    for body in [
        v2("x", &json!({"candidateStatus": "COMPLETED"})),
        v2("x", &json!({"name": "Completed"})),
        v2("x", &json!({"status": "completed"})),
        v2("x", &json!("COMPLETED")),
        v2("completed", &json!({"completedAt": null})),
        v2("completed", &json!(null)),
    ] {
        assert_eq!(event(&body).status, Some(Status::Completed), "{body}");
    }
    let in_progress = event(&v2("in progress", &json!({})));
    assert_eq!(in_progress.status, Some(Status::InProgress));
    assert_eq!(event(&v2("noticed", &json!({}))).kind, Kind::Unknown);
}

#[test]
fn both_versions_are_of_one_attempt_however_the_address_is_written() {
    let mut other = v2("enrolled", &json!({}));
    other["data"]["candidate"]["email"] = json!(" Ada@Example.com ");
    let attempt = event(&v1("INVITED", &json!({}))).attempt;
    assert_eq!(event(&other).attempt, attempt);
    let attempt = attempt.unwrap();
    assert!(
        attempt.starts_with("a.") && !attempt.contains("ada"),
        "{attempt}"
    );
}

#[test]
fn a_candidate_without_an_address_or_an_assessment_is_unreadable() {
    for (field, missing) in [("email", EMAIL), ("assessmentId", ASSESSMENT)] {
        for value in [json!(null), json!(""), json!([])] {
            let mut body = v1("INVITED", &json!({}));
            body["data"][field] = value;
            let error = read(body.to_string().as_bytes(), &people()).unwrap_err();
            assert!(
                matches!(error, Unreadable::Field(name) if name == missing),
                "{body}"
            );
        }
    }
}

#[test]
fn a_ping_names_no_event_no_status_and_no_attempt() {
    for body in [
        json!({}),
        json!({"data": null}),
        json!({"success": true, "data": {"message": "Test"}}),
    ] {
        assert_eq!(said(&body), Reading::Ping, "{body}");
    }
    let drifted = json!({"data": {"assessmentId": "a", "email": "ada@example.com"}});
    assert_eq!(event(&drifted).kind, Kind::Unknown);
    for body in [json!({"type": "order"}), json!({"event": "moved"})] {
        let event = event(&body);
        assert_eq!((event.kind, event.attempt), (Kind::Unknown, None), "{body}");
    }
}

#[test]
fn only_a_finished_attempt_has_a_score() {
    let numbers = json!({"totalScore": "37", "totalScoreAchieved": 10, "avgScorePercentage": 27});
    let score = Some(Score {
        value: Some(10.0),
        maximum: Some(37.0),
        percent: Some(27.0),
    });
    for (status, expected) in [
        ("INVITED", None),
        ("ENROLLED", None),
        ("IN_PROGRESS", None),
        ("INVITATION_EXPIRED", None),
        ("COMPLETED", score),
        ("DISQUALIFIED", score),
        ("SHORTLISTED", None),
    ] {
        assert_eq!(event(&v1(status, &numbers)).score, expected, "{status}");
    }
}

#[test]
fn nothing_of_nothing_is_no_score_of_a_disqualified_attempt() {
    let score = |status: &str, percent: Value| {
        let numbers =
            json!({"totalScore": 0, "totalScoreAchieved": 0, "avgScorePercentage": percent});
        event(&v1(status, &numbers)).score
    };
    assert_eq!(score("DISQUALIFIED", json!(null)), None);
    assert!(score("DISQUALIFIED", json!(0)).is_some());
    assert!(score("COMPLETED", json!(null)).is_some());
}

#[test]
fn a_completed_attempt_has_a_report_whether_or_not_its_link_is_there() {
    let report =
        |status: &str, link: Value| event(&v1(status, &json!({"resultLink": link}))).report;
    for link in [json!(null), json!(""), json!("null")] {
        assert_eq!(report("COMPLETED", link.clone()), Some(Report::OnRequest));
        assert_eq!(report("ENROLLED", link), None);
    }
    for link in ["https://cdn-global.net/reports/1.pdf", "reports/1.pdf"] {
        assert_eq!(
            report("COMPLETED", json!(link)),
            Report::from_link(Some(link), None)
        );
        assert_eq!(report("SHORTLISTED", json!(link)), None);
    }
    let mut nested = v2("completed", &json!({"resultLink": "reports/2.pdf"}));
    assert_eq!(
        event(&nested).report,
        Report::from_link(Some("reports/2.pdf"), None)
    );
    nested["data"]["resultLink"] = json!("reports/1.pdf");
    assert_eq!(
        event(&nested).report,
        Report::from_link(Some("reports/1.pdf"), None)
    );
}

#[test]
fn the_bodys_own_time_counts() {
    let expected = Timestamp::from_unix_ms(1_712_041_931_149);
    for time in [
        json!(1_712_041_931_149_i64),
        json!("1712041931149"),
        json!("2024-04-02T07:12:11.149Z"),
    ] {
        let mut body = v1("COMPLETED", &json!({}));
        body["timestamp"] = time;
        assert_eq!(event(&body).occurred_at, expected);
    }
    assert_eq!(event(&v1("COMPLETED", &json!({}))).occurred_at, None);
}

#[test]
fn assessments_are_told_by_their_event() {
    let changed = |name: &str| json!({"type": "assessment", "event": name, "data": {"assessmentId": 7, "name": "Sales"}});
    for (name, change) in [
        ("created", AssessmentChange::Created),
        ("updated", AssessmentChange::Updated),
        ("deleted", AssessmentChange::Deleted),
        ("archived", AssessmentChange::Archived),
    ] {
        let mut body = changed(name);
        let event = event(&body);
        assert_eq!(event.kind, Kind::Assessment(change));
        assert_eq!(
            event.assessment,
            Some(Assessment {
                id: "7".into(),
                title: Some("Sales".into())
            })
        );
        body["data"]["assessmentId"] = json!(null);
        assert!(read(body.to_string().as_bytes(), &people()).is_err());
        let untyped = json!({"event": name, "data": {"assessment": {"id": "7"}}});
        assert_eq!(self::event(&untyped).kind, Kind::Assessment(change));
    }
    assert_eq!(event(&changed("copied")).kind, Kind::Unknown);
}

#[test]
fn details_are_what_people_read() {
    let more = json!({
        "reviewRating": 0, "reviewRemark": "", "candidateStage": "Hired",
        "testLibrary": [
            {"testLibraryTitle": "SQL", "scorePercentage": "30", "scoreAchieved": 3, "questions": [1]},
            {"questions": []}, "nonsense",
        ],
    });
    let parts = json!([{"testLibraryTitle": "SQL", "scorePercentage": 30, "scoreAchieved": 3}]);
    let finished = event(&v1("COMPLETED", &more)).details;
    assert_eq!(
        Value::Object(finished),
        json!({"candidateStage": "Hired", "testLibrary": parts})
    );
    let running = event(&v1("IN_PROGRESS", &more)).details;
    assert_eq!(Value::Object(running), json!({"candidateStage": "Hired"}));
}

#[test]
fn a_persons_name_is_no_assessments_title() {
    let event = event(&v1(
        "INVITED",
        &json!({"name": "Ada", "firstName": "Ada", "lastName": "King"}),
    ));
    assert_eq!(event.assessment.unwrap().title, None);
    assert_eq!(event.candidate.unwrap().name.as_deref(), Some("Ada King"));
}
