//! The dashboard held against what is sent: its body is JSON, and every line on it is one that something draws.

use crate::alarms::{OWN, Series, alarms, resources, sent};
use crate::template::sources;
use serde_json::Value;
use shared::metrics::{JOB, Metric, SOURCE};
use std::collections::BTreeSet;
use worker::job::Message;

/// The body, its substitutions as they stand.
fn widgets() -> Vec<Value> {
    let dashboards = resources("AWS::CloudWatch::Dashboard");
    let body = &dashboards["Dashboard"]["DashboardBody"];
    let serde_yaml_ng::Value::Tagged(body) = body else {
        panic!("nothing is substituted")
    };
    let body: Value = serde_json::from_str(body.value.as_str().unwrap()).unwrap();
    body["widgets"].as_array().unwrap().clone()
}

/// A line of a widget: its metric, and the values of its dimensions.
struct Line {
    series: Series,
    dimensions: Vec<(String, String)>,
}

/// The lines of a widget. A `.` is what the line before has at the same place.
fn lines(widget: &Value) -> Vec<Line> {
    let mut before: Vec<String> = Vec::new();
    let mut lines = Vec::new();
    for metric in widget["properties"]["metrics"].as_array().unwrap() {
        let texts = metric.as_array().unwrap().iter().filter_map(Value::as_str);
        let written = texts.enumerate().map(|(place, text)| match text {
            "." => before[place].clone(),
            text => text.to_owned(),
        });
        let line: Vec<String> = written.collect();
        let dimensions: Vec<(String, String)> = line[2..]
            .chunks(2)
            .map(|pair| (pair[0].clone(), pair[1].clone()))
            .collect();
        let names: Vec<&str> = dimensions.iter().map(|(name, _)| name.as_str()).collect();
        let series = Series::new(&line[0], &line[1], &names);
        lines.push(Line { series, dimensions });
        before = line;
    }
    lines
}

fn all_lines() -> Vec<Line> {
    let widgets = widgets().into_iter();
    let metrics = widgets.filter(|widget| widget["type"] == "metric");
    metrics.flat_map(|widget| lines(&widget)).collect()
}

#[test]
fn every_line_on_the_dashboard_is_of_a_metric_that_is_sent() {
    let (sent, lines) = (sent(), all_lines());
    assert!(lines.len() > 30);
    for line in lines {
        assert!(sent.contains(&line.series), "{:?}", line.series);
    }
}

#[test]
fn what_comes_what_is_due_and_what_came_of_reports_is_shown_of_each_source() {
    let sources: BTreeSet<String> = sources().map(|it| it.name.to_owned()).into();
    let lines = all_lines();
    for metric in [
        Metric::Received,
        Metric::Refused,
        Metric::Failed,
        Metric::WorkDue,
        Metric::OldestWork,
        Metric::Parked,
        Metric::ReportsKept,
        Metric::ReportsUnchanged,
        Metric::ReportsPostponed,
        Metric::ReportsUnreachable,
        Metric::ReportsRefused,
        Metric::ReportsUnavailable,
        Metric::ReportsLost,
    ] {
        let of_metric = lines.iter().filter(|it| it.series.name == metric.name());
        let dimensions = of_metric.flat_map(|line| &line.dimensions);
        let shown: BTreeSet<String> = dimensions
            .filter(|(name, _)| name == SOURCE)
            .map(|(_, value)| value.clone())
            .collect();
        assert_eq!(shown, sources, "{metric:?}");
    }
}

#[test]
fn every_metric_of_our_own_is_on_the_dashboard() {
    let shown: BTreeSet<String> = all_lines().into_iter().map(|it| it.series.name).collect();
    let own = sent().into_iter().filter(|it| it.namespace == OWN);
    let missing: BTreeSet<String> = own
        .map(|it| it.name)
        .filter(|name| !shown.contains(name))
        .collect();
    assert!(missing.is_empty(), "{missing:?}");
}

#[test]
fn the_dimensions_on_the_dashboard_have_the_values_that_the_code_gives_them() {
    let sources: BTreeSet<String> = sources().map(|it| it.name.to_owned()).into();
    let mut shown = BTreeSet::new();
    for (name, value) in all_lines().into_iter().flat_map(|it| it.dimensions) {
        if name == SOURCE {
            assert!(sources.contains(&value), "{value}");
            shown.insert(value);
        } else if name == JOB {
            assert_eq!(job_named(&value), value);
        } else {
            assert!(value.starts_with("${"), "{name} is {value}");
        }
    }
    assert_eq!(shown, sources);
}

/// What the worker calls the job of a message that asks for it by this name.
fn job_named(name: &str) -> String {
    let body = serde_json::json!({
        "version": 1, "job": name, "pk": "p", "sk": "s", "ids": [1], "vendor": "xobin",
    });
    let message = Message::parse(Some(&body.to_string()));
    message.unwrap().job.name().to_owned()
}

#[test]
fn every_alarm_that_is_always_there_is_on_the_dashboard() {
    let widgets = widgets();
    let shown = widgets.iter().find(|widget| widget["type"] == "alarm");
    let shown = shown.unwrap()["properties"]["alarms"].as_array().unwrap();
    let shown: BTreeSet<&str> = shown.iter().map(|it| it.as_str().unwrap()).collect();
    let always: Vec<String> = alarms()
        .into_keys()
        .filter(|name| !name.ends_with("SilenceAlarm"))
        .map(|name| format!("${{{name}.Arn}}"))
        .collect();
    assert_eq!(shown, always.iter().map(String::as_str).collect());
}

#[test]
fn no_widget_lies_on_another() {
    let mut taken = BTreeSet::new();
    for widget in widgets() {
        let at = |name: &str| widget[name].as_u64().unwrap();
        for x in at("x")..at("x") + at("width") {
            assert!(x < 24, "{widget}");
            for y in at("y")..at("y") + at("height") {
                assert!(taken.insert((x, y)), "{widget}");
            }
        }
    }
}
