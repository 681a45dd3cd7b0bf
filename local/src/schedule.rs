//! EventBridge Scheduler: sends each schedule's input to its queue, time and again.

use std::sync::Arc;
use std::time::Duration;

use serde_json::json;
use tokio::task::JoinSet;

use crate::engine::{Engines, Service};
use crate::template::ScheduleResource;

/// What EventBridge Scheduler replaces by the id of each execution.
const EXECUTION_ID: &str = "<aws.scheduler.execution-id>";

/// Which schedules run, and how often.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub enum Schedules {
    /// As the template says.
    #[default]
    AsWritten,
    /// All of them this often.
    Every(Duration),
    /// None: a test sends the messages itself.
    Off,
}

/// A schedule expression that AWS would refuse, or that does not run here.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum ExpressionError {
    /// `cron(…)` or `at(…)`.
    #[error(
        "{0} does not run here: rate(…) does; switch the schedules off or override their interval"
    )]
    NotRate(String),
    /// A rate that AWS does not take.
    #[error("{0} is no rate: write rate(1 minute), rate(2 minutes), and so with hours and days")]
    Malformed(String),
}

/// How often a `rate(…)` fires.
///
/// # Errors
///
/// An expression that is not a rate, and one like `rate(1 minutes)`, which AWS refuses at deployment.
pub fn interval(expression: &str) -> Result<Duration, ExpressionError> {
    let rate = expression
        .strip_prefix("rate(")
        .and_then(|rate| rate.strip_suffix(')'));
    let rate = rate.ok_or_else(|| ExpressionError::NotRate(expression.to_owned()))?;
    parse(rate).ok_or_else(|| ExpressionError::Malformed(expression.to_owned()))
}

fn parse(rate: &str) -> Option<Duration> {
    let (count, unit) = rate.split_once(' ')?;
    let count: u32 = count.parse().ok().filter(|count| *count > 0)?;
    let unit = match count {
        1 => unit,
        _ => unit.strip_suffix('s')?,
    };
    let seconds = match unit {
        "minute" => 60,
        "hour" => 3_600,
        "day" => 86_400,
        _ => return None,
    };
    Some(Duration::from_secs(u64::from(count) * seconds))
}

/// The schedules that run; dropping them ends them.
#[derive(Debug)]
pub(crate) struct Ticker {
    _ticks: JoinSet<()>,
}

/// A queue to send to, and what, and how often.
pub(crate) struct Tick {
    pub(crate) schedule: ScheduleResource,
    pub(crate) queue_url: String,
    pub(crate) interval: Duration,
}

impl Ticker {
    pub(crate) fn start(engines: &Arc<Engines>, ticks: Vec<Tick>) -> Self {
        let ticks = ticks.into_iter().map(|tick| run(Arc::clone(engines), tick));
        Self {
            _ticks: ticks.collect(),
        }
    }
}

async fn run(engines: Arc<Engines>, tick: Tick) {
    // The first tick comes after one interval, and a late one is not made up for by two.
    for execution in 1.. {
        tokio::time::sleep(tick.interval).await;
        let body = message(&tick.schedule, execution);
        let input = json!({ "QueueUrl": tick.queue_url, "MessageBody": body });
        if let Err(error) = engines.call(Service::Sqs, "SendMessage", &input).await {
            let schedule = &tick.schedule.logical_id;
            tracing::error!(%schedule, %error, "the schedule's message was not sent");
        }
    }
}

/// What is sent: the schedule's input, in which EventBridge Scheduler puts the id of each execution.
fn message(schedule: &ScheduleResource, execution: u64) -> String {
    let id = format!("{}-{execution}", schedule.logical_id);
    schedule.input.replace(EXECUTION_ID, &id)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_execution_has_an_id_of_its_own() {
        let schedule = ScheduleResource {
            logical_id: "Sweep".into(),
            name: "stack-sweep".into(),
            expression: "rate(1 minute)".into(),
            input: format!(r#"{{"correlation_id":"{EXECUTION_ID}"}}"#),
            target_arn: "arn".into(),
        };
        assert_eq!(message(&schedule, 7), r#"{"correlation_id":"Sweep-7"}"#);
    }

    #[test]
    fn rates_are_read_as_aws_reads_them() {
        let cases = [
            ("rate(1 minute)", Some(60)),
            ("rate(5 minutes)", Some(300)),
            ("rate(1 hour)", Some(3_600)),
            ("rate(12 hours)", Some(43_200)),
            ("rate(1 day)", Some(86_400)),
            ("rate(1 minutes)", None),
            ("rate(5 minute)", None),
            ("rate(0 minutes)", None),
            ("rate(1  minute)", None),
            ("rate(1 second)", None),
            ("rate(minute)", None),
            ("rate(1 minute", None),
            ("cron(0 3 * * ? *)", None),
        ];
        for (expression, seconds) in cases {
            let read = interval(expression).ok().map(|interval| interval.as_secs());
            assert_eq!(read, seconds, "{expression}");
        }
    }

    #[test]
    fn what_does_not_run_here_is_told_from_what_runs_nowhere() {
        assert!(matches!(
            interval("cron(0 3 * * ? *)"),
            Err(ExpressionError::NotRate(_))
        ));
        assert!(matches!(
            interval("rate(1 minutes)"),
            Err(ExpressionError::Malformed(_))
        ));
    }
}
