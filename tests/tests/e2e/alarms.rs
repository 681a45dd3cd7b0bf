//! The alarms held against the metrics that the code sends: what goes by a metric that nobody sends never
//! tells anything.

use crate::stage::root;
use crate::template::{range, sources, text};
use serde_yaml_ng::Value;
use shared::metrics::Metric;
use std::collections::{BTreeMap, BTreeSet};
use std::path::Path;
use worker::sweep::{MOST_TRIES, delay};

/// The namespace of our own metrics, as the template writes it.
pub const OWN: &str = "assessment-webhooks/${AWS::StackName}";
/// What AWS sends by itself, and by which dimensions.
const OF_AWS: [(&str, &str, &str); 8] = [
    ("AWS/ApiGateway", "4xx", "ApiId"),
    ("AWS/ApiGateway", "5xx", "ApiId"),
    ("AWS/ApiGateway", "Count", "ApiId"),
    ("AWS/Lambda", "ConcurrentExecutions", "FunctionName"),
    ("AWS/Lambda", "Errors", "FunctionName"),
    ("AWS/Lambda", "Throttles", "FunctionName"),
    ("AWS/SQS", "ApproximateAgeOfOldestMessage", "QueueName"),
    ("AWS/SQS", "ApproximateNumberOfMessagesVisible", "QueueName"),
];

/// A metric under one set of dimensions, as an alarm or a widget names it.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct Series {
    pub namespace: String,
    pub name: String,
    pub dimensions: BTreeSet<String>,
}

impl Series {
    pub fn new(namespace: &str, name: &str, dimensions: &[&str]) -> Self {
        Self {
            namespace: namespace.to_owned(),
            name: name.to_owned(),
            dimensions: dimensions.iter().map(|it| (*it).to_owned()).collect(),
        }
    }
}

pub fn resources(kind: &str) -> BTreeMap<String, Value> {
    let template: Value = serde_yaml_ng::from_str(&text()).unwrap();
    let all = template["Resources"].as_mapping().unwrap().iter();
    let named = all.filter(|(_, resource)| resource["Type"] == kind);
    named
        .map(|(name, resource)| (plain(name), resource["Properties"].clone()))
        .collect()
}

pub fn alarms() -> BTreeMap<String, Value> {
    resources("AWS::CloudWatch::Alarm")
}

/// A text, without the tag of an intrinsic.
fn plain(value: &Value) -> String {
    match value {
        Value::Tagged(tagged) => plain(&tagged.value),
        value => value.as_str().unwrap().to_owned(),
    }
}

/// Everything that is sent: by our own code, by the metric filters, by AWS.
pub fn sent() -> BTreeSet<Series> {
    let mut sent = BTreeSet::new();
    for metric in Metric::ALL {
        let breakdowns = metric.breakdowns().iter();
        for dimensions in breakdowns.flat_map(|breakdown| breakdown.dimension_sets()) {
            sent.insert(Series::new(OWN, metric.name(), &dimensions));
        }
    }
    for filter in resources("AWS::Logs::MetricFilter").values() {
        let into = &filter["MetricTransformations"][0];
        let namespace = plain(&into["MetricNamespace"]);
        sent.insert(Series::new(&namespace, &plain(&into["MetricName"]), &[]));
    }
    for (namespace, name, dimension) in OF_AWS {
        sent.insert(Series::new(namespace, name, &[dimension]));
    }
    sent
}

fn watched(alarm: &Value) -> Series {
    let dimensions = alarm.get("Dimensions").and_then(Value::as_sequence);
    let dimensions = dimensions.into_iter().flatten();
    Series {
        namespace: plain(&alarm["Namespace"]),
        name: plain(&alarm["MetricName"]),
        dimensions: dimensions.map(|it| plain(&it["Name"])).collect(),
    }
}

#[test]
fn every_alarm_goes_by_a_metric_that_is_sent() {
    let sent = sent();
    for (name, alarm) in alarms() {
        let watched = watched(&alarm);
        assert!(sent.contains(&watched), "{name} goes by {watched:?}");
    }
}

#[test]
fn every_metric_filter_has_an_alarm() {
    let watched: BTreeSet<Series> = alarms().values().map(watched).collect();
    for (name, filter) in resources("AWS::Logs::MetricFilter") {
        let metric = plain(&filter["MetricTransformations"][0]["MetricName"]);
        assert!(watched.contains(&Series::new(OWN, &metric, &[])), "{name}");
    }
}

#[test]
fn every_alarm_tells_somebody_what_is_the_matter_and_when_it_is_over() {
    for (name, alarm) in alarms() {
        assert!(plain(&alarm["AlarmDescription"]).ends_with('.'), "{name}");
        for actions in ["AlarmActions", "OKActions"] {
            let told = serde_yaml_ng::to_string(&alarm[actions]).unwrap();
            // The topic is always there, whoever listens to it.
            assert_eq!(told, "- !Ref AlarmTopic\n", "{name}: {actions}");
        }
    }
}

#[test]
fn the_functions_send_their_metrics_to_where_the_alarms_look() {
    let functions = resources("AWS::Serverless::Function");
    assert_eq!(functions.len(), 5);
    for (name, function) in functions {
        let namespace = &function["Environment"]["Variables"]["METRICS_NAMESPACE"];
        assert_eq!(plain(namespace), OWN, "{name}");
    }
}

#[test]
fn every_metric_is_sent_by_some_code() {
    let code = ["shared/src", "functions/worker/src"].map(|it| code_under(&root().join(it)));
    let code = code.concat();
    for metric in Metric::ALL {
        let named = code.contains(&format!("Metric::{}", metric.name()));
        assert!(named, "nothing sends {metric:?}");
    }
}

#[test]
fn an_error_that_names_its_alarm_names_one_that_there_is() {
    let code = code_under(&root().join("functions/worker/src"));
    let named: BTreeSet<&str> = code
        .split("alarm = \"")
        .skip(1)
        .map(|rest| rest.split('"').next().unwrap())
        .collect();
    assert!(named.len() >= 2, "{named:?}");
    let alarms = alarms();
    for name in named {
        assert!(alarms.contains_key(name), "{name} is no alarm");
    }
}

/// All code under a folder that is not for tests.
fn code_under(folder: &Path) -> String {
    let mut code = String::new();
    for entry in std::fs::read_dir(folder).unwrap() {
        let path = entry.unwrap().path();
        if path.is_dir() {
            code += &code_under(&path);
        } else if path.file_name().is_some_and(|it| it != "tests.rs") {
            let text = std::fs::read_to_string(&path).unwrap();
            code += text.split("#[cfg(test)]").next().unwrap();
        }
    }
    code
}

/// The longest that an alarm may look back, in seconds.
const LONGEST_SIGHT: u64 = 7 * 24 * 3600;

#[test]
fn no_alarm_looks_back_further_than_cloudwatch_does() {
    for (name, alarm) in alarms() {
        let periods = match &alarm["EvaluationPeriods"] {
            Value::Tagged(reference) => {
                let (_, most) = range(&plain(&reference.value)).unwrap();
                most
            }
            number => number.as_u64().unwrap(),
        };
        let seconds = alarm["Period"].as_u64().unwrap() * periods;
        assert!(seconds <= LONGEST_SIGHT, "{name} looks back {seconds} s");
    }
}

#[test]
fn silence_is_watched_for_every_source_that_is_said_to_call_and_for_no_other() {
    let template: Value = serde_yaml_ng::from_str(&text()).unwrap();
    for source in sources() {
        let name = source.logical_id.strip_suffix("Function").unwrap();
        let (hours, condition) = (
            format!("{name}SilenceHours"),
            format!("Watches{name}Silence"),
        );
        assert_eq!(template["Parameters"][hours.as_str()]["Default"], "0");
        let holds = serde_yaml_ng::to_string(&template["Conditions"][condition.as_str()]).unwrap();
        assert!(holds.contains(&hours), "{holds}");
        let alarm = &template["Resources"][format!("{name}SilenceAlarm")];
        assert_eq!(alarm["Condition"], condition.as_str());
        let alarm = &alarm["Properties"];
        assert_eq!(watched(alarm), Series::new(OWN, "Received", &["Source"]));
        assert_eq!(alarm["Dimensions"][0]["Value"], source.name);
        assert_eq!(alarm["TreatMissingData"], "breaching");
    }
}

/// For how long an alarm looks back, in seconds.
fn sight(alarm: &Value) -> u64 {
    alarm["Period"].as_u64().unwrap() * alarm["EvaluationPeriods"].as_u64().unwrap()
}

#[test]
fn work_that_is_tried_until_it_is_parked_raises_an_alarm_that_stays_on_meanwhile() {
    let alarm = &alarms()["OldestWorkAlarm"];
    let (threshold, period) = (alarm["Threshold"].as_u64(), alarm["Period"].as_u64());
    assert_eq!(alarm["DatapointsToAlarm"], 1);
    // It is seen when it is due, and is not due between two tries.
    let mut seen_at = vec![0];
    for tries in 0..MOST_TRIES {
        seen_at.push(seen_at.last().unwrap() + delay(tries).as_secs());
    }
    let old: Vec<u64> = seen_at
        .into_iter()
        .filter(|age| Some(*age) >= threshold)
        .collect();
    assert!(old[0] <= 3600, "it is told within the hour: {old:?}");
    let longest_gap = old.windows(2).map(|pair| pair[1] - pair[0]).max();
    assert!(
        longest_gap.unwrap() + period.unwrap() <= sight(alarm),
        "{old:?}"
    );
}

#[test]
fn sweeps_that_do_not_come_are_noticed_within_a_quarter_of_an_hour() {
    let alarm = &alarms()["NoSweepAlarm"];
    assert_eq!(watched(alarm), Series::new(OWN, "WorkDue", &[]));
    assert_eq!(sight(alarm), 15 * 60);
    assert_eq!(alarm["TreatMissingData"], "breaching");
    assert_eq!(alarm["Statistic"], "SampleCount");
    assert_eq!(alarm["ComparisonOperator"], "LessThanThreshold");
}
