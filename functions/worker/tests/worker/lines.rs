use crate::world::*;
use serde_json::{Value, json};
use shared::event::{Report, Status};
use shared::key::ItemKey;
use shared::queue::FoldMessage;
use shared::store::{Delivery, FIRST_DUE};
use std::time::Duration;
use worker::sweep::MOST_TRIES;

const VENDOR_METRICS: [&str; 7] = [
    "VendorAnswered",
    "VendorFailed",
    "VendorTooFast",
    "VendorKeyRefused",
    "VendorWaits",
    "VendorOut",
    "VendorKeyClosed",
];
const SWEEP: &str = r#"{"version":1,"job":"sweep","correlation_id":"s"}"#;

fn fold(delivery: &Delivery) -> String {
    let fold = FoldMessage {
        key: delivery.key.clone(),
        correlation_id: "JKJaXmPLvHcESHA=".into(),
    };
    fold.body()
}

/// The line about the only message.
async fn line_of(world: &World, body: &str) -> Value {
    world.handle(vec![Some(body.to_owned())]).await;
    let [line] = world.take_lines().try_into().unwrap();
    line
}

/// What a line adds to a metric, if CloudWatch takes it from there.
fn metric(line: &Value, name: &str) -> Option<u64> {
    let metrics = line["_aws"]["CloudWatchMetrics"][0]["Metrics"].as_array();
    let is_sent = metrics.unwrap().iter().any(|it| it["Name"] == name);
    is_sent.then(|| line[name].as_u64().unwrap())
}

#[tokio::test]
async fn a_message_is_one_line_with_the_id_of_the_request_that_it_comes_from() {
    let world = world().await;
    let event = step("1", Status::Completed, at(0));
    world.record(&event).await;
    let mut line = line_of(&world, &fold(&event)).await;
    let directive = line["_aws"]["CloudWatchMetrics"][0].take();
    assert_eq!(directive["Namespace"], NAMESPACE);
    assert_eq!(directive["Dimensions"], json!([[], ["Job"], ["Source"]]));
    line.as_object_mut().unwrap().remove("_aws");
    let expected = json!({
        "timestamp": "2026-01-15T10:00:00.000Z",
        "level": "INFO",
        "message": "job done",
        "Job": "fold",
        "Source": "imocha",
        "message.id": "m0",
        "correlation_id": "JKJaXmPLvHcESHA=",
        "event.id": event.id.as_str(),
        "JobDuration": 0,
        "JobsDone": 1,
    });
    assert_eq!(line, expected);
}

#[tokio::test]
async fn a_job_that_fails_is_counted_and_says_why() {
    let world = world().await;
    let line = line_of(&world, &fold(&step("1", Status::Completed, at(0)))).await;
    assert_eq!(
        (metric(&line, "JobsFailed"), metric(&line, "JobsDone")),
        (Some(1), None)
    );
    assert_eq!(
        (&line["level"], &line["message"]),
        (&json!("WARN"), &json!("job failed"))
    );
    assert!(
        line["error"]
            .as_str()
            .unwrap()
            .starts_with("there is no imocha#"),
        "{line}"
    );

    let line = line_of(&world, "not JSON").await;
    assert_eq!(
        (&line["Job"], metric(&line, "JobsFailed")),
        (&json!("unreadable"), Some(1))
    );
    assert_eq!(
        line["error"],
        "the message cannot be read: the message is not one of this queue's: line 1, column 2"
    );
}

#[tokio::test]
async fn a_job_that_runs_out_of_time_is_counted_too() {
    let world = world().await;
    let event = step("1", Status::Completed, at(0));
    world.record(&event).await;
    let failed = world
        .handle_within(Duration::ZERO, vec![Some(fold(&event))])
        .await;
    assert_eq!(failed, ["m0"]);
    let [line] = world.take_lines().try_into().unwrap();
    assert_eq!(
        (&line["error"], metric(&line, "JobsFailed")),
        (&json!("the job ran out of time"), Some(1))
    );
    assert_eq!(line["correlation_id"], "JKJaXmPLvHcESHA=");
}

#[tokio::test]
async fn a_sweep_says_how_much_is_due_and_for_how_long() {
    let world = world().await;
    let nothing = line_of(&world, SWEEP).await;
    assert_eq!(
        (metric(&nothing, "WorkDue"), metric(&nothing, "OldestWork")),
        (Some(0), Some(0))
    );
    assert_eq!(
        nothing["_aws"]["CloudWatchMetrics"][0]["Dimensions"],
        json!([[], ["Job"]])
    );

    world.record(&step("1", Status::Completed, at(0))).await;
    world.record(&step("2", Status::Completed, at(30))).await;
    world.record(&step("3", Status::Completed, at(3600))).await;
    world.wait_until(at(1000).plus(FIRST_DUE));
    let line = &sweep(&world).await.0;
    assert_eq!(
        (metric(line, "WorkDue"), metric(line, "OldestWork")),
        (Some(2), Some(1000))
    );
}

/// The line about the sweep, and those of the sources.
async fn sweep(world: &World) -> (Value, Vec<Value>) {
    world.handle(vec![Some(SWEEP.to_owned())]).await;
    let mut lines = world.take_lines();
    let of_job = lines.pop().unwrap();
    assert_eq!(of_job["Job"], "sweep");
    (of_job, lines)
}

#[tokio::test]
async fn what_is_due_is_told_of_each_source_without_being_counted_twice() {
    let world = world().await;
    assert_eq!(sweep(&world).await.1, [] as [Value; 0]);
    offer(&world.table, "xobin", "1", &Report::OnRequest).await;
    world.record(&step("1", Status::Completed, at(600))).await;
    world.record(&step("2", Status::Completed, at(630))).await;
    world.wait_until(at(1000).plus(FIRST_DUE));

    let (all, sources) = sweep(&world).await;
    assert_eq!(metric(&all, "WorkDue"), Some(3));
    let told: Vec<_> = sources
        .iter()
        .map(|line| {
            (
                line["Source"].as_str().unwrap(),
                metric(line, "WorkDue").unwrap(),
                metric(line, "OldestWork").unwrap(),
            )
        })
        .collect();
    assert_eq!(told, [("imocha", 2, 400), ("xobin", 1, 1000)]);
    for line in &sources {
        let directive = &line["_aws"]["CloudWatchMetrics"][0];
        assert_eq!(directive["Dimensions"], json!([["Source"]]));
        assert_eq!(metric(line, "Parked"), None);
        assert_eq!(line["correlation_id"], "s");
    }
}

#[tokio::test]
async fn what_is_tried_again_and_again_grows_older_by_every_sweep() {
    let world = world().await;
    world.record(&step("1", Status::Completed, at(0))).await;
    let first = at(0).plus(FIRST_DUE);
    for _ in 0..8 {
        let due_at = world.only_marked().await.due_at;
        world.wait_until(due_at);
        let seconds = due_at.milliseconds_since(first) / 1000;
        let (all, sources) = sweep(&world).await;
        assert_eq!(metric(&all, "OldestWork"), Some(seconds));
        assert_eq!(metric(&sources[0], "OldestWork"), Some(seconds));
        // Its message is lost each time.
        world.take_messages();
    }
    assert!(world.only_marked().await.due_at > first.plus(Duration::from_hours(2)));
}

#[tokio::test]
async fn a_sweep_that_could_not_look_everywhere_does_not_say_that_nothing_is_due() {
    let world = world().await;
    world.record(&step("1", Status::Completed, at(0))).await;
    world.wait_until(at(0).plus(FIRST_DUE));
    world.platform().cut_off_after(0);
    let line = line_of(&world, SWEEP).await;
    assert_eq!(
        (metric(&line, "WorkDue"), metric(&line, "OldestWork")),
        (None, None)
    );
    assert_eq!(metric(&line, "JobsFailed"), Some(1));
}

#[tokio::test]
async fn what_is_parked_is_counted() {
    let world = world().await;
    world.record(&step("1", Status::InProgress, at(0))).await;
    for _ in 0..MOST_TRIES {
        world.wait_until(world.only_marked().await.due_at);
        assert_eq!(metric(&sweep(&world).await.0, "Parked"), None);
    }
    world.wait_until(world.only_marked().await.due_at);
    let (all, sources) = sweep(&world).await;
    assert_eq!(metric(&all, "Parked"), Some(1));
    assert_eq!(sources.len(), 1);
    assert_eq!(sources[0]["Source"], "imocha");
    assert_eq!(metric(&sources[0], "Parked"), Some(1));
}

/// The line about a report that JobMojito's API is to be asked for, which takes one call.
async fn asked_for_report(world: &World, report: &ItemKey) -> Value {
    let message = json!({
        "version": 1, "job": "fetch_report", "pk": report.pk, "sk": report.sk, "correlation_id": "r",
    });
    let line = line_of(world, &message.to_string()).await;
    assert_eq!(line["Source"], "jobmojito");
    line
}

#[tokio::test]
async fn an_answer_is_counted_once_with_how_long_it_took() {
    let world = world().await;
    world.request([7]).await;
    let queued = json!({ "result": { "testinvitationIds": { "successful": [7] } } });
    world.vendor().will_answer(200, &queued);
    let ask = r#"{"version":1,"job":"ask_imocha","ids":[7],"correlation_id":"a"}"#;
    line_of(&world, ask).await;
    let callback = step("7", Status::InProgress, at(90));
    world.wait_until(at(95));
    world.record(&callback).await;
    for expected in [Some(1), None] {
        let line = line_of(&world, &fold(&callback)).await;
        let counted = ["Answered", "AnswerLatency"].map(|name| metric(&line, name));
        assert_eq!(counted, [expected, expected.map(|_| 90_000)]);
    }
    let asked = world.asked(7).await;
    assert_eq!(asked.latency_ms, Some(90_000));
}

#[tokio::test]
async fn a_callback_is_counted_as_contradicted_if_the_api_says_something_else() {
    for (status, counted) in [("Complete", None), ("Terminated", Some(1))] {
        let world = world().await;
        let done = step("7", Status::Completed, at(0));
        world.record(&done).await;
        line_of(&world, &fold(&done)).await;
        let report = json!({ "testInvitationId": 7, "status": status });
        world.vendor().will_answer(200, &report);
        let messages = world.take_messages().into_iter();
        let mut reads = messages.filter(|it| it["job"] == "read_result");
        let line = line_of(&world, &reads.next().unwrap().to_string()).await;
        assert_eq!(metric(&line, "Contradicted"), counted, "{status}");
        assert_eq!(
            (&line["Job"], &line["Source"]),
            (&json!("read_result"), &json!("imocha"))
        );
    }
}

#[tokio::test]
async fn a_report_is_counted_as_kept_or_lost_and_as_neither_where_nobody_can_be_asked() {
    let world = world_without_keys().await;
    for (offered, counted) in [
        (link(&world.pdf("1")), [Some(1), None]),
        (link("https://not-listed.com/1.pdf"), [None, Some(1)]),
        (Report::OnRequest, [None, None]),
    ] {
        let report = offer(&world.table, "jobmojito", "1", &offered).await;
        let line = asked_for_report(&world, &report).await;
        let names = ["ReportsKept", "ReportsLost"];
        assert_eq!(
            names.map(|name| metric(&line, name)),
            counted,
            "{offered:?}"
        );
    }
}

#[tokio::test]
async fn what_a_vendors_api_answers_is_counted() {
    for (status, counted) in [
        (200, vec!["VendorAnswered"]),
        (404, vec!["VendorAnswered"]),
        (429, vec!["VendorTooFast"]),
        (500, vec!["VendorFailed"]),
        (401, vec!["VendorAnswered", "VendorKeyRefused"]),
    ] {
        let world = world().await;
        let report = offer(&world.table, "jobmojito", "1", &Report::OnRequest).await;
        world.vendor().will_answer(status, "{}");
        let line = asked_for_report(&world, &report).await;
        for name in VENDOR_METRICS {
            let expected = counted.contains(&name).then_some(1);
            assert_eq!(metric(&line, name), expected, "{status}: {name}");
        }
    }
}

#[tokio::test]
async fn a_key_that_a_known_id_shows_to_be_bad_is_counted_once() {
    let world = world().await;
    let event = step("7", Status::InProgress, at(0));
    world.record(&event).await;
    world.fold(&event).await;
    world.request([7]).await;
    let not_ours = json!({ "result": null, "errors": ["not found"] });
    world.vendor().will_answer(401, &not_ours);
    let ask = r#"{"version":1,"job":"ask_imocha","ids":[7],"correlation_id":"t"}"#;
    let line = line_of(&world, ask).await;
    assert_eq!(metric(&line, "VendorKeyRefused"), Some(1));
}

#[tokio::test]
async fn a_call_that_is_not_made_is_counted_by_why_it_is_not() {
    for (status, counted) in [(401, "VendorKeyClosed"), (429, "VendorWaits")] {
        let world = world().await;
        let report = offer(&world.table, "jobmojito", "1", &Report::OnRequest).await;
        world.vendor().will_answer(status, "{}");
        asked_for_report(&world, &report).await;
        let line = asked_for_report(&world, &report).await;
        assert_eq!(world.vendor().asked().len(), 1, "{status}");
        for name in VENDOR_METRICS {
            assert_eq!(
                metric(&line, name),
                (name == counted).then_some(1),
                "{name}"
            );
        }
    }
}
