//! Counts what webhooks cost on a bundle of its own: every payload is posted, one after the other, each when nothing of the one before is left to do.

use super::counts::{Counts, SourceCounts, Tally};
use crate::command::demo::deliveries;
use crate::command::demo::results::Results;
use crate::command::demo::stage::Stage;
use crate::sources;
use crate::workspace::{self, Payload};
use ::local::engine::Service;
use ::local::{CallCounts, CapacityUnits, LogLine, Schedules};
use anyhow::{Context, bail};
use bytes::Bytes;
use serde_json::{Value, json};
use std::collections::{BTreeMap, BTreeSet};
use std::path::Path;
use std::time::Duration;

const LOOK_AGAIN: Duration = Duration::from_millis(50);
/// How often it is looked whether everything is settled, for half a minute.
const LOOKS: usize = 600;
/// New work is due after a minute, by when its message has long been handled. What is due later waits for a vendor.
const WAITS: Duration = Duration::from_secs(90);
/// An attempt of its own.
const WARM_ID: i64 = 5_000_001;
const SWEEP: &str = r#"{"version":1,"job":"sweep","correlation_id":"cost"}"#;

/// Counts everything anew.
pub async fn count(root: &Path) -> anyhow::Result<Counts> {
    let stage = Stage::set_with(root, |options| {
        options.schedules = Schedules::Off;
        options.meter = true;
        // Each process opens connections of its own, which are no webhook's.
        options.concurrency = 1;
    })
    .await?;
    let counted = count_on(&stage, root).await;
    stage.clear().await;
    counted
}

async fn count_on(stage: &Stage, root: &Path) -> anyhow::Result<Counts> {
    let before = Reading::of(stage)?;
    warm(stage, root).await?;
    let secret_reads = Reading::of(stage)?.secret_reads_since(&before);
    let mut counted = BTreeMap::new();
    for source in sources::ALL {
        let payloads = workspace::payloads(root, source.name)?;
        let before = stored_bytes(stage).await?;
        let counts = SourceCounts {
            webhooks: u64::try_from(payloads.len())?,
            new: post_all(stage, &payloads).await?,
            stored_bytes: stored_bytes(stage).await? - before,
            repeated: post_all(stage, &payloads).await?,
        };
        counted.insert(source.name.to_owned(), counts);
    }
    Ok(Counts {
        sources: counted,
        sweep: sweep(stage).await?,
        secret_reads,
        custom_metrics: u64::try_from(custom_metrics(&stage.bundle.logs()).len())?,
    })
}

/// Starts every function, which reads its secrets and opens its connections; and has the worker do once what it does once only.
async fn warm(stage: &Stage, root: &Path) -> anyhow::Result<()> {
    for source in sources::ALL {
        let endpoints = source.endpoints(&source.local_secret().to_string())?;
        let endpoint = endpoints.first().context("every source has an endpoint")?;
        post(
            stage,
            source.name,
            endpoint.version,
            Bytes::from_static(b"{}"),
            "msg_warm",
        )
        .await?;
    }
    let results = Results::of(root, &stage.links, [WARM_ID])?;
    let result = results.one().context("there is a result of iMocha")?;
    post(stage, "imocha", "", result.clone(), "").await?;
    settled(stage).await
}

async fn post(
    stage: &Stage,
    source: &str,
    version: &str,
    body: Bytes,
    id: &str,
) -> anyhow::Result<()> {
    let answer = deliveries::post(stage, source, version, body, id).await?;
    if answer.outcome.is_none() {
        bail!("a webhook of {source} was answered {}", answer.status);
    }
    Ok(())
}

async fn post_all(stage: &Stage, payloads: &[Payload]) -> anyhow::Result<Tally> {
    let before = Reading::of(stage)?;
    for payload in payloads {
        let sender = stage.senders.get(payload.source.as_str());
        let sender = sender.context("every source has a sender")?;
        let version = sender.version_of(&payload.path)?;
        let body = Bytes::from(stage.links.lead(&std::fs::read(&payload.path)?));
        let id = format!("msg_{}", payload.stem());
        post(stage, &payload.source, version, body, &id).await?;
        settled(stage).await?;
    }
    Ok(Reading::of(stage)?.since(&before))
}

async fn sweep(stage: &Stage) -> anyhow::Result<Tally> {
    let before = Reading::of(stage)?;
    let message = json!({ "QueueUrl": stage.bundle.queue_url(), "MessageBody": SWEEP });
    stage
        .bundle
        .observe(Service::Sqs, "SendMessage", &message)
        .await?;
    settled(stage).await?;
    Ok(Reading::of(stage)?.since(&before))
}

/// Waits until nothing is to be done now and no message is there, by calls that are not counted.
async fn settled(stage: &Stage) -> anyhow::Result<()> {
    for _ in 0..LOOKS {
        if due(stage).await?.is_empty() && messages(stage).await? == 0 {
            return Ok(());
        }
        tokio::time::sleep(LOOK_AGAIN).await;
    }
    let left = due(stage).await?.join(", ");
    bail!("this is left to do, and no sweep runs here that would find it: {left}")
}

/// What has work to do, but for what waits for a vendor and so is due much later.
async fn due(stage: &Stage) -> anyhow::Result<Vec<String>> {
    let soon = stage.deployment.clock.now().plus(WAITS).unix_ms();
    let input = json!({
        "TableName": stage.bundle.table_name(),
        "IndexName": shared::store::DUE,
    });
    let answer = stage
        .bundle
        .observe(Service::DynamoDb, "Scan", &input)
        .await?;
    let items = answer.get("Items").and_then(Value::as_array);
    let mut due = Vec::new();
    for item in items.context("a Scan finds items")? {
        let text = |path| item.pointer(path).and_then(Value::as_str);
        let due_at = text("/due_at/N").and_then(|ms| ms.parse::<i64>().ok());
        if due_at.context("a mark says when")? <= soon {
            let (pk, sk) = (text("/pk/S"), text("/sk/S"));
            due.push(format!("{} {}", pk.unwrap_or("?"), sk.unwrap_or("?")));
        }
    }
    Ok(due)
}

async fn messages(stage: &Stage) -> anyhow::Result<u64> {
    let input = json!({ "QueueUrl": stage.bundle.queue_url(), "AttributeNames": ["All"] });
    let operation = "GetQueueAttributes";
    let answer = stage
        .bundle
        .observe(Service::Sqs, operation, &input)
        .await?;
    let numbers = [
        "/Attributes/ApproximateNumberOfMessages",
        "/Attributes/ApproximateNumberOfMessagesNotVisible",
    ];
    let numbers = numbers.map(|path| answer.pointer(path)?.as_str()?.parse::<u64>().ok());
    let known: Option<Vec<u64>> = numbers.into_iter().collect();
    Ok(known.context("a queue knows its messages")?.iter().sum())
}

/// What the table and its indexes hold.
async fn stored_bytes(stage: &Stage) -> anyhow::Result<u64> {
    let input = json!({ "TableName": stage.bundle.table_name() });
    let answer = stage
        .bundle
        .observe(Service::DynamoDb, "DescribeTable", &input)
        .await?;
    let indexes = answer.pointer("/Table/GlobalSecondaryIndexes");
    let indexes = indexes.and_then(Value::as_array).into_iter().flatten();
    let sizes = indexes
        .map(|index| index.get("IndexSizeBytes"))
        .chain([answer.pointer("/Table/TableSizeBytes")])
        .map(|size| size.and_then(Value::as_u64));
    let sizes: Option<Vec<u64>> = sizes.collect();
    Ok(sizes.context("a table knows its size")?.iter().sum())
}

/// The metrics that the lines of the log carry in CloudWatch's embedded format, each with the values of its dimensions: so many
/// are charged for.
fn custom_metrics(lines: &[LogLine]) -> BTreeSet<String> {
    let mut metrics = BTreeSet::new();
    for line in lines {
        let line: Value = serde_json::from_str(&line.text).unwrap_or_default();
        for directive in list(line.pointer("/_aws/CloudWatchMetrics")) {
            for dimensions in list(directive.get("Dimensions")) {
                let values = list(Some(dimensions)).filter_map(|name| line.get(name.as_str()?));
                let values: Vec<String> = values.map(Value::to_string).collect();
                let names = list(directive.get("Metrics")).filter_map(|it| it.get("Name"));
                metrics.extend(names.map(|name| format!("{name} {dimensions} {values:?}")));
            }
        }
    }
    metrics
}

fn list(value: Option<&Value>) -> impl Iterator<Item = &Value> {
    value.and_then(Value::as_array).into_iter().flatten()
}

/// All that was counted up to one moment.
struct Reading {
    calls: CallCounts,
    units: CapacityUnits,
    log_lines: u64,
    log_bytes: u64,
}

impl Reading {
    fn of(stage: &Stage) -> anyhow::Result<Self> {
        let logs = stage.bundle.logs();
        let bytes = logs.iter().map(|line| line.text.len()).sum::<usize>();
        Ok(Self {
            calls: stage.bundle.calls(),
            units: stage
                .bundle
                .capacity_units()
                .context("the bundle is metered")?,
            log_lines: u64::try_from(logs.len())?,
            log_bytes: u64::try_from(bytes)?,
        })
    }

    fn since(&self, before: &Self) -> Tally {
        let of_each_call = self.calls_since(before);
        let by_webhook = of_each_call.filter(|((service, _), _)| service != SECRETS);
        Tally {
            calls: by_webhook
                .map(|((service, operation), count)| (format!("{service} {operation}"), count))
                .collect(),
            write_units: self.units.write - before.units.write,
            read_units: self.units.read - before.units.read,
            log_lines: self.log_lines - before.log_lines,
            log_bytes: self.log_bytes - before.log_bytes,
        }
    }

    fn secret_reads_since(&self, before: &Self) -> u64 {
        let calls = self.calls_since(before);
        let reads = calls.filter(|((service, _), _)| service == SECRETS);
        reads.map(|(_, count)| count).sum()
    }

    fn calls_since<'a>(
        &'a self,
        before: &'a Self,
    ) -> impl Iterator<Item = (&'a (String, String), u64)> {
        let since = self.calls.iter().map(|(call, count)| {
            let earlier = before.calls.get(call).copied().unwrap_or_default();
            (call, count - earlier)
        });
        since.filter(|(_, count)| *count > 0)
    }
}

const SECRETS: &str = "secretsmanager";

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_metric_counts_once_for_each_set_of_values_of_its_dimensions() {
        let line = |source: &str| {
            let metrics = json!([{ "Namespace": "n", "Dimensions": [["stack"], ["stack", "source"]], "Metrics": [{ "Name": "Received" }] }]);
            let line = json!({ "stack": "s", "source": source, "Received": 1, "_aws": { "CloudWatchMetrics": metrics } });
            LogLine {
                function: "f".into(),
                text: line.to_string(),
            }
        };
        let plain = LogLine {
            function: "f".into(),
            text: "no metrics".into(),
        };
        let lines = [line("imocha"), line("xobin"), line("xobin"), plain];
        assert_eq!(custom_metrics(&lines).len(), 3);
    }
}
