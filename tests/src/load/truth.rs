//! What the stores of a bundle say, read past the counters of calls.

use super::ledger::{Stored, Wrong};
use crate::bucket;
use crate::listener::Listener;
use crate::stage::Stage;
use futures_util::{StreamExt, stream};
use local::engine::Service;
use serde_json::{Value, json};
use shared::fold::{Heard, fold};
use shared::store::{Partition, ReportOutcome, StoredEvent};
use std::collections::{BTreeMap, BTreeSet};
use std::time::{Duration, Instant};

const AT_ONCE: usize = 8;
const LOOK_AGAIN: Duration = Duration::from_millis(20);
/// What has not changed for so long does not change any more.
const STANDS_STILL: Duration = Duration::from_mins(3);
const SWEEP_AFTER: Duration = Duration::from_secs(10);

/// Every event that the vendors' calls brought in, by id.
pub(super) async fn events(stage: &Stage) -> BTreeMap<String, Stored> {
    let mut events = BTreeMap::new();
    let mut scan = json!({
        "TableName": stage.bundle.table_name(),
        "FilterExpression": "origin = :webhook",
        "ExpressionAttributeValues": { ":webhook": { "S": "webhook" } },
        "ProjectionExpression": "id, deliveries, raw_sha256",
    });
    loop {
        let mut page = observe(stage, Service::DynamoDb, "Scan", &scan).await;
        for item in page["Items"].as_array().unwrap() {
            let stored = Stored {
                deliveries: item["deliveries"]["N"].as_str().unwrap().parse().unwrap(),
                sha256: item["raw_sha256"]["S"].as_str().unwrap().to_owned(),
            };
            events.insert(item["id"]["S"].as_str().unwrap().to_owned(), stored);
        }
        match page["LastEvaluatedKey"].take() {
            Value::Null => return events,
            next => scan["ExclusiveStartKey"] = next,
        }
    }
}

/// How many items and messages still wait for something.
pub(super) async fn unsettled(stage: &Stage) -> u64 {
    let queue = json!({ "QueueUrl": stage.bundle.queue_url(), "AttributeNames": ["All"] });
    let queue = observe(stage, Service::Sqs, "GetQueueAttributes", &queue).await;
    let messages = [
        "ApproximateNumberOfMessages",
        "ApproximateNumberOfMessagesNotVisible",
    ];
    let messages = messages.map(|it| queue["Attributes"][it].as_str().unwrap().parse::<u64>());
    let table = stage.bundle.table_name();
    let due = json!({ "TableName": table, "IndexName": shared::store::DUE, "Select": "COUNT" });
    let due = observe(stage, Service::DynamoDb, "Scan", &due).await;
    let messages: u64 = messages.map(Result::unwrap).iter().sum();
    messages + due["Count"].as_u64().unwrap()
}

/// Waits until nothing is left to do. What is left when nothing has changed for long. No schedule runs: what lost its message, since
/// a busy machine took it too late, is found by a sweep that is sent when nothing moves.
pub(super) async fn settled(stage: &Stage) -> u64 {
    let (mut least, mut since) = (u64::MAX, Instant::now());
    let mut swept = Instant::now();
    loop {
        let left = unsettled(stage).await;
        if left < least {
            (least, since) = (left, Instant::now());
        }
        if left == 0 || since.elapsed() > STANDS_STILL {
            return left;
        }
        if since.elapsed() > SWEEP_AFTER && swept.elapsed() > SWEEP_AFTER {
            stage.sweep().await;
            swept = Instant::now();
        }
        tokio::time::sleep(LOOK_AGAIN).await;
    }
}

/// Whether each attempt is what follows from its events, its last change has come by the bus, and its reports are in the bucket, each once and with the
/// bytes that are noted. The bucket is to have those of these attempts alone, and is empty afterwards: its engine copies
/// all that it has at each write.
pub(super) async fn of_attempts(
    stage: &Stage,
    partitions: &BTreeSet<String>,
    listener: &Listener,
) -> Wrong {
    let looks = stream::iter(partitions).map(|pk| async move {
        let partition = stage.table.partition(pk).await.unwrap();
        let (keys, not_kept) = kept(stage, &partition).await;
        let wrong = of_attempt(pk, &partition, listener).into_iter();
        let wrong = wrong.chain(not_kept).map(|it| format!("{pk}: {it}"));
        (wrong.collect(), keys)
    });
    let looks: Vec<(Vec<String>, Vec<String>)> = looks.buffer_unordered(AT_ONCE).collect().await;
    let (lost, kept): (Vec<_>, Vec<_>) = looks.into_iter().unzip();
    let mut wrong = Wrong {
        lost: lost.into_iter().flatten().collect(),
        doubled: Vec::new(),
    };
    let mut kept: BTreeSet<String> = kept.into_iter().flatten().collect();
    for key in bucket::emptied(stage).await {
        if !kept.remove(&key) {
            wrong
                .doubled
                .push(format!("{key} is in the bucket once too often"));
        }
    }
    wrong
}

/// The keys of an attempt's reports whose bytes are in the bucket as they are noted, and what is wrong with the others.
async fn kept(stage: &Stage, partition: &Partition) -> (Vec<String>, Vec<String>) {
    let (mut keys, mut wrong) = (Vec::new(), Vec::new());
    for report in &partition.reports {
        match bucket::look_for(stage, report).await {
            Ok((key, _)) => keys.push(key),
            Err(problem) => wrong.push(problem),
        }
    }
    (keys, wrong)
}

fn of_attempt(pk: &str, partition: &Partition, listener: &Listener) -> Vec<String> {
    let mut wrong = Vec::new();
    let heard: Vec<Heard> = partition.events.iter().map(StoredEvent::heard).collect();
    let Some(stored) = &partition.state else {
        return vec!["there is no state".to_owned()];
    };
    if fold(&heard).as_ref() != Some(&stored.state) {
        wrong.push("the state is not the fold of the events that are stored".to_owned());
    }
    if !stored.is_published() {
        let version = stored.version;
        wrong.push(format!("version {version} is not noted to be published"));
    }
    wrong.extend(listener.lacks(pk, stored.version));
    if stored.state.report.is_some() && partition.reports.is_empty() {
        wrong.push("a report is offered, and there is no work to fetch it".to_owned());
    }
    let not_stored = partition
        .reports
        .iter()
        .filter(|it| it.outcome != ReportOutcome::Stored);
    wrong.extend(not_stored.map(|it| format!("{} ends as {:?}", it.key, it.outcome)));
    wrong
}

pub(super) async fn observe(
    stage: &Stage,
    service: Service,
    operation: &str,
    input: &Value,
) -> Value {
    stage
        .bundle
        .observe(service, operation, input)
        .await
        .unwrap()
}
