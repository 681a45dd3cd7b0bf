//! Faults of a template that `sam validate`, its `--lint` and cfn-lint all let pass, and that AWS refuses or, worse, takes. Each has a
//! rule here, and a mutation of `template.yaml` that shows that the rule finds it.

mod mutations;

use crate::template::text;
use local::schedule::{self, ExpressionError};
use local::template::{Place, Template};
use serde_json::Value as Json;
use serde_yaml_ng::Value as Yaml;
use std::collections::{BTreeMap, BTreeSet};
use std::time::Duration;

/// What Lambda takes.
const CONCURRENCY: std::ops::RangeInclusive<u32> = 2..=1000;
/// What SQS gives at once, unless it is waited for more.
const BATCH_WITHOUT_WINDOW: u32 = 10;
/// As Lambda asks for, so that no message comes again while it is worked on.
const TIMEOUTS_OF_VISIBILITY: u32 = 6;

/// A template in both forms: as the local bundle reads it, and as it stands.
struct Read {
    typed: Template,
    raw: Yaml,
}

/// Every fault that is found. Some, such as a generated key without its template, the local bundle refuses as it reads.
fn faults(text: &str) -> Vec<String> {
    let place = Place {
        stack: "stack".into(),
        endpoint_url: "http://127.0.0.1:1".into(),
        api_url: "http://127.0.0.1:2".into(),
    };
    let typed = match Template::parse(text, &BTreeMap::new(), &place) {
        Ok(typed) => typed,
        Err(error) => return vec![error.to_string()],
    };
    let raw = serde_yaml_ng::from_str(text).unwrap();
    let read = Read { typed, raw };
    let rules = [routes, schedules, polling, visibility, dashboards];
    rules.into_iter().flat_map(|rule| rule(&read)).collect()
}

impl Read {
    /// The resources of a type: their names and properties as they stand.
    fn of_type<'a>(&'a self, kind: &'a str) -> impl Iterator<Item = (&'a str, &'a Yaml)> {
        let resources = self.raw["Resources"].as_mapping().unwrap().iter();
        let all = resources.map(|(name, it)| (name.as_str().unwrap(), it));
        all.filter(move |(_, it)| it["Type"].as_str() == Some(kind))
            .map(|(name, it)| (name, it.get("Properties").unwrap_or(&Yaml::Null)))
    }
}

/// Text, also where an intrinsic such as `!Sub` is around it.
fn written(value: &Yaml) -> Option<&str> {
    match value {
        Yaml::Tagged(tagged) => written(&tagged.value),
        Yaml::Sequence(items) => items.first().and_then(written),
        other => other.as_str(),
    }
}

/// A route's own throttle is for a route that there is.
fn routes(read: &Read) -> Vec<String> {
    let functions = read.typed.functions.iter().flat_map(|it| &it.routes);
    let known: BTreeSet<String> = functions
        .map(|route| format!("{} {}", route.method, route.path))
        .chain(["$default".to_owned()])
        .collect();
    let apis = read.of_type("AWS::Serverless::HttpApi");
    let settings = apis.filter_map(|(_, api)| api.get("RouteSettings")?.as_mapping());
    let named = settings.flat_map(|it| it.keys().filter_map(Yaml::as_str));
    named
        .filter(|route| !known.contains(*route))
        .map(|route| format!("RouteSettings: no function has the route {route}"))
        .collect()
}

fn schedules(read: &Read) -> Vec<String> {
    let expressions = read.typed.schedules.iter().map(|it| &it.expression);
    expressions
        .filter_map(|it| match schedule::interval(it) {
            Err(error @ ExpressionError::Malformed(_)) => Some(error.to_string()),
            Ok(_) | Err(ExpressionError::NotRate(_)) => None,
        })
        .collect()
}

fn polling(read: &Read) -> Vec<String> {
    let mut faults = Vec::new();
    for function in &read.typed.functions {
        let name = &function.logical_id;
        for source in &function.sources {
            if source.batch_size > BATCH_WITHOUT_WINDOW && source.window.is_zero() {
                faults.push(format!(
                    "{name}: BatchSize {} needs a window",
                    source.batch_size
                ));
            }
            if source
                .maximum_concurrency
                .is_none_or(|it| !CONCURRENCY.contains(&it))
            {
                faults.push(format!(
                    "{name}: MaximumConcurrency is not within {CONCURRENCY:?}"
                ));
            }
            if !source.reports_failures {
                faults.push(format!(
                    "{name}: FunctionResponseTypes is not [ReportBatchItemFailures]"
                ));
            }
        }
    }
    faults
}

fn visibility(read: &Read) -> Vec<String> {
    let mut faults = Vec::new();
    for function in &read.typed.functions {
        for source in &function.sources {
            let queue = read.typed.queue_by_arn(&source.queue_arn).unwrap();
            let seconds = queue.attributes.get("VisibilityTimeout");
            let visibility = seconds.map_or(30, |it| it.parse().unwrap());
            let least = function.timeout * TIMEOUTS_OF_VISIBILITY + source.window;
            if Duration::from_secs(visibility) < least {
                let queue = &queue.logical_id;
                faults.push(format!(
                    "{queue}: VisibilityTimeout {visibility} is less than {least:?}"
                ));
            }
        }
    }
    faults
}

/// Intrinsics stand within the strings of the JSON, so that it is JSON also before they are resolved.
fn dashboards(read: &Read) -> Vec<String> {
    let fault = |(name, it): (&str, &Yaml)| {
        let body = it
            .get("DashboardBody")
            .and_then(written)
            .unwrap_or_default();
        match serde_json::from_str::<Json>(body) {
            Ok(body) if body["widgets"].as_array().is_some_and(|it| !it.is_empty()) => None,
            Ok(_) => Some(format!("{name}: the dashboard has no widgets")),
            Err(error) => Some(format!("{name}: the dashboard is no JSON: {error}")),
        }
    };
    let dashboards = read.of_type("AWS::CloudWatch::Dashboard");
    dashboards.filter_map(fault).collect()
}

#[test]
fn the_template_has_none_of_the_faults_that_validators_let_pass() {
    assert_eq!(faults(&text()), Vec::<String>::new());
}
