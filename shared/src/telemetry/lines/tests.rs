use super::*;
use serde_json::{Value, json};

fn at_ten() -> Timestamp {
    Timestamp::parse("2026-01-15T10:00:00Z").unwrap()
}

fn line<'a>(by: By<'a>, message: &'static str) -> WideLine<'a> {
    WideLine::new(at_ten(), Level::INFO, message, by)
}

fn written(line: &WideLine<'_>) -> Value {
    let lines = Lines::in_memory("place/stack".into());
    lines.write(line);
    let [written] = lines.take_written().try_into().unwrap();
    written
}

#[test]
fn a_line_is_what_a_person_reads_and_what_cloudwatch_takes_the_metrics_from() {
    let line = line(By::Source("toy"), "webhook accepted")
        .text("event.kind", "attempt.completed")
        .number("http.status", 202)
        .metric(Metric::Duration, 12)
        .metric(Metric::Received, 1);
    let expected = json!({
        "_aws": {
            "CloudWatchMetrics": [{
                "Namespace": "place/stack",
                "Dimensions": [[], ["Source"]],
                "Metrics": [
                    { "Name": "Duration", "Unit": "Milliseconds" },
                    { "Name": "Received", "Unit": "Count" },
                ],
            }],
            "Timestamp": 1_768_471_200_000_i64,
        },
        "timestamp": "2026-01-15T10:00:00.000Z",
        "level": "INFO",
        "message": "webhook accepted",
        "Source": "toy",
        "event.kind": "attempt.completed",
        "http.status": 202,
        "Duration": 12,
        "Received": 1,
    });
    assert_eq!(written(&line), expected);
}

#[test]
fn every_breakdown_brings_its_dimensions_and_their_values() {
    for (by, dimensions) in [
        (By::Source("toy"), json!({ "Source": "toy" })),
        (
            By::SourceAndCause("toy", "wrong"),
            json!({ "Source": "toy", "Cause": "wrong" }),
        ),
        (By::Job("fold"), json!({ "Job": "fold" })),
        (
            By::JobAndSource("fold", "toy"),
            json!({ "Job": "fold", "Source": "toy" }),
        ),
    ] {
        let written = written(&line(by, "done"));
        let sets = &written["_aws"]["CloudWatchMetrics"][0]["Dimensions"];
        let expected: Vec<_> = by.breakdown().dimension_sets().collect();
        assert_eq!(*sets, json!(expected));
        assert!(expected.contains(&Vec::new()), "the total");
        for (name, value) in dimensions.as_object().unwrap() {
            assert_eq!(written[name], *value);
            assert!(expected.iter().any(|set| set.contains(&name.as_str())));
        }
    }
}

#[test]
fn a_text_cannot_end_its_line_or_add_a_field() {
    let text = "a\n{\"level\":\"ERROR\"}\",\"level\":\"ERROR";
    let lines = Lines::in_memory("n".into());
    lines.write(&line(By::Job("fold"), "done").text("error", text));
    let [written] = lines.take_written().try_into().unwrap();
    assert_eq!(
        (&written["error"], &written["level"]),
        (&json!(text), &json!("INFO"))
    );
}

#[test]
fn lines_do_not_mix() {
    let lines = Lines::in_memory("n".into());
    lines.write(&line(By::Source("one"), "first").metric(Metric::Repeated, 1));
    lines.write(&line(By::Source("two"), "second"));
    let [first, second] = lines.take_written().try_into().unwrap();
    assert_eq!(
        (&first["Source"], &first["Repeated"]),
        (&json!("one"), &json!(1))
    );
    assert_eq!(second["Source"], "two");
    assert_eq!(second.get("Repeated"), None);
    assert_eq!(second["_aws"]["CloudWatchMetrics"][0]["Metrics"], json!([]));
    assert!(lines.take_written().is_empty(), "taken");
}
