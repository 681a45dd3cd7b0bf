//! A worker with all that it leans on, and what the tests put there.

use crate::bucket::BUCKET;
use crate::names::FixedNames;
use crate::platform::{Platform, RunningPlatform};
use crate::turns::Turn;
use crate::vendor::{RunningVendor, Vendor};
use aws_lambda_events::event::sqs::{SqsEvent, SqsMessage};
use aws_sdk_dynamodb::types::AttributeValue;
use serde_json::{Value, json};
use shared::attempt::State;
use shared::clock::Clock;
use shared::config::Environment;
use shared::event::{Event, Report, Status};
use shared::key::{EventId, EventKey, ItemKey, STATE, SourceName, attempt_partition};
use shared::queue::Sqs;
use shared::secrets::{CachedSecret, SecretsManager};
use shared::store::{
    Asked, Delivery, DueItem, EventStore, Origin, Partition, ReportItem, StateWrite, StoredEvent,
    StoredState, Table,
};
use shared::telemetry::Lines;
use shared::timestamp::Timestamp;
use std::collections::HashMap;
use std::sync::Arc;
use std::time::Duration;
use tempfile::TempDir;
use worker::Worker;
use worker::archive::{self, Archive};
use worker::bus::EventBridge;
use worker::config::WorkerConfig;
use worker::download::Downloads;
use worker::vendors::Vendors;

pub const KEY: &str = "an-api-key";
pub const NAMESPACE: &str = "assessment-webhooks/test";
/// From where reports may be fetched, besides from this machine.
pub const REPORT_HOSTS: &str = "reports.example.com,*.cdn.example.com";
/// As much time as a worker has for a message.
pub const A_WHILE: Duration = Duration::from_secs(58);
pub const MINUTE: i64 = 60;
/// The secret that Xobin shows us.
pub const INBOUND: &str = "xobin-inbound";
pub const PASSWORD: &str = "3tQ9:cTn\"Vb2";

pub struct World {
    pub worker: Arc<Worker>,
    pub table: Table,
    pub clock: Clock,
    config: WorkerConfig,
    client: aws_sdk_dynamodb::Client,
    /// What is known of hosts.
    pub names: Arc<FixedNames>,
    /// Where reports lie while they are fetched.
    pub directory: TempDir,
    aws: RunningPlatform,
    vendors: RunningVendor,
}

/// A worker that keeps things for ever, at the time [`at`]`(0)`.
pub async fn world() -> World {
    world_with(&[]).await
}

/// The same without the vendors' API keys.
pub async fn world_without_keys() -> World {
    let world = world().await;
    for vendor in ["imocha", "jobmojito", "xobin"] {
        world
            .platform()
            .set_secret(vendor, &json!({ "api_key": "" }));
    }
    world
}

/// The same with other settings.
pub async fn world_with(settings: &[(&str, &str)]) -> World {
    let (aws, vendors) = (Platform::start().await, Vendor::start().await);
    let mut config = WorkerConfig::read(&environment(&aws, &vendors, settings)).unwrap();
    let directory = TempDir::new().unwrap();
    config.reports.download.directory = directory.path().to_owned();
    let names = Arc::new(FixedNames::default());
    let clock = Clock::stopped_at(at(0));
    let (worker, client) = worker(&config, &aws.url, &clock, &names).await;
    aws.platform.set_secret("people", &json!({ "key": "k" }));
    for vendor in ["imocha", "jobmojito", "xobin"] {
        aws.platform.set_secret(vendor, &json!({ "api_key": KEY }));
    }
    let inbound = json!({ "username": "xobin", "password": PASSWORD, "header": "x-api-key" });
    aws.platform.set_secret(INBOUND, &inbound);
    World {
        table: worker.table.clone(),
        worker: Arc::new(worker),
        clock,
        config,
        client,
        names,
        directory,
        aws,
        vendors,
    }
}

async fn worker(
    config: &WorkerConfig,
    url: &str,
    clock: &Clock,
    names: &Arc<FixedNames>,
) -> (Worker, aws_sdk_dynamodb::Client) {
    let sdk = shared::aws::load_local(url).await;
    // Without the time-outs of a function: a slow machine is not what is tested here.
    let client = aws_sdk_dynamodb::Client::new(&sdk);
    let table = Table::new(client.clone(), config.table_name.clone());
    let secrets = SecretsManager::new(aws_sdk_secretsmanager::Client::new(&sdk));
    let people_id = config.hash_key_secret_id.clone();
    let queue = shared::aws::sqs(&sdk, Duration::from_mins(2));
    let worker = Worker {
        queue: Sqs::new(queue, config.queue_url.clone()),
        people: CachedSecret::new(secrets.clone(), people_id, clock.clone()),
        vendors: Vendors::new(config, &table, &secrets, clock).unwrap(),
        lines: Lines::in_memory(config.metrics_namespace.clone()),
        downloads: Downloads::new(config.reports.download.clone(), names.clone()).unwrap(),
        archive: Archive::new(archive::s3(&sdk), config.reports.bucket_name.clone()),
        reports: config.reports.clone(),
        bus: EventBridge::new(&sdk, config.event_bus_name.clone(), clock.clone()),
        published_personal_fields: config.published_personal_fields.clone(),
        keep_for: config.keep_for,
        imocha_ask_times: config.imocha_ask_times,
        clock: clock.clone(),
        table,
    };
    (worker, client)
}

fn environment(
    aws: &RunningPlatform,
    vendors: &RunningVendor,
    settings: &[(&str, &str)],
) -> Environment {
    let queue_url = format!("{}/000000000000/queue", aws.url);
    let of_platform = [
        ("TABLE_NAME", aws.table_name.as_str()),
        ("QUEUE_URL", &queue_url),
        // So that reports may be fetched from this machine.
        ("ENDPOINT_URL", &aws.url),
    ];
    settings_of(&vendors.url, &[&of_platform, settings].concat())
}

/// What a worker is told whose vendors are there, and besides or instead these settings.
pub fn settings_of(vendors_url: &str, settings: &[(&str, &str)]) -> Environment {
    let mut all = HashMap::from([
        ("TABLE_NAME", "table".into()),
        ("QUEUE_URL", "http://127.0.0.1/queue".into()),
        ("HASH_KEY_SECRET_ID", "people".into()),
        ("METRICS_NAMESPACE", NAMESPACE.into()),
        ("RETENTION_DAYS", "0".into()),
        ("EVENT_BUS_NAME", "bus".into()),
        ("TESTLIFY_REPORT_BASE_URL", format!("{vendors_url}/")),
        ("BUCKET_NAME", BUCKET.into()),
        ("IMOCHA_REPORT_HOSTS", REPORT_HOSTS.into()),
        ("JOBMOJITO_REPORT_HOSTS", REPORT_HOSTS.into()),
        ("TESTLIFY_REPORT_HOSTS", REPORT_HOSTS.into()),
        ("XOBIN_REPORT_HOSTS", REPORT_HOSTS.into()),
        ("REPORT_MAX_MIB", "1".into()),
        // With a slash at the end, as people write it.
        ("IMOCHA_API_BASE_URL", format!("{vendors_url}/imocha/")),
        ("IMOCHA_API_SECRET_ID", "imocha".into()),
        ("IMOCHA_ASK_TIMES", "5".into()),
        ("JOBMOJITO_API_BASE_URL", format!("{vendors_url}/jobmojito")),
        ("JOBMOJITO_API_SECRET_ID", "jobmojito".into()),
        ("XOBIN_API_BASE_URL", format!("{vendors_url}/xobin")),
        ("XOBIN_API_SECRET_ID", "xobin".into()),
        // So fast that a stopped clock does not matter, unless that is what is tested.
        ("IMOCHA_API_CALLS_PER_MINUTE", "60000".into()),
        ("JOBMOJITO_API_CALLS_PER_MINUTE", "60000".into()),
        ("XOBIN_API_CALLS_PER_MINUTE", "60000".into()),
        ("XOBIN_SECRET_ID", INBOUND.into()),
    ]);
    for (name, value) in settings {
        all.insert(name, (*value).to_owned());
    }
    Environment::of(
        all.into_iter()
            .map(|(name, value)| (name.to_owned(), value)),
    )
}

impl World {
    pub fn platform(&self) -> &Platform {
        &self.aws.platform
    }

    /// The same, for what happens in between.
    pub fn aws_platform(&self) -> Arc<Platform> {
        Arc::clone(&self.aws.platform)
    }

    pub fn vendor(&self) -> &Vendor {
        &self.vendors.vendor
    }

    /// Another worker beside the first, which knows nothing of it.
    pub async fn colleague(&self) -> Worker {
        worker(&self.config, &self.aws.url, &self.clock, &self.names)
            .await
            .0
    }

    /// Another worker, which calls the table only when it is its turn.
    pub async fn worker_in_turns(&mut self, turn: Turn) -> Worker {
        let url = self.aws.in_turns(turn).await;
        worker(&self.config, &url, &self.clock, &self.names).await.0
    }

    /// Where the vendor has a report of this name.
    pub fn pdf(&self, name: &str) -> String {
        format!("{}/pdf/{name}", self.vendors.url)
    }

    /// Takes the keys of all vendors' APIs away.
    pub fn switch_apis_off(&self) {
        for vendor in ["imocha", "jobmojito", "xobin"] {
            self.platform().remove_secret(vendor);
        }
    }

    /// Fetches the report at this key, and publishes what that changes.
    pub async fn fetch(&self, key: &ItemKey) {
        self.worker.fetch_report(key, A_WHILE, "r").await.unwrap();
        self.publish_attempt_of(key).await;
    }

    /// Publishes the attempt that the item at this key belongs to.
    pub async fn publish_attempt_of(&self, key: &ItemKey) {
        let state = ItemKey {
            pk: key.pk.clone(),
            sk: STATE.into(),
        };
        self.worker.publish(&state).await.unwrap();
    }

    /// Moves the clock on to a time that is not past.
    pub fn wait_until(&self, time: Timestamp) {
        let milliseconds = time.unix_ms() - self.clock.now().unix_ms();
        let milliseconds = u64::try_from(milliseconds).expect("time goes on");
        self.clock.advance(Duration::from_millis(milliseconds));
    }

    /// Stores it, as a receiver does.
    pub async fn record(&self, delivery: &Delivery) {
        self.table.record(delivery).await.unwrap();
        self.platform().take_writes();
    }

    pub async fn fold(&self, delivery: &Delivery) {
        self.worker.fold(&delivery.key, "r").await.unwrap();
    }

    pub async fn partition(&self, delivery: &Delivery) -> Partition {
        self.table.partition(&delivery.key.pk).await.unwrap()
    }

    pub async fn state(&self, delivery: &Delivery) -> StoredState {
        self.partition(delivery).await.state.unwrap()
    }

    pub async fn event(&self, delivery: &Delivery) -> StoredEvent {
        self.table.event(&delivery.key).await.unwrap().unwrap()
    }

    /// An item as it lies in the table.
    pub async fn item(&self, key: &ItemKey) -> HashMap<String, AttributeValue> {
        let get = self.client.get_item().table_name(&self.aws.table_name);
        let get = get.key("pk", AttributeValue::S(key.pk.clone()));
        let get = get.key("sk", AttributeValue::S(key.sk.clone()));
        get.send().await.unwrap().item.unwrap()
    }

    pub async fn report(&self, key: &ItemKey) -> ReportItem {
        self.table.report(key).await.unwrap().unwrap()
    }

    pub async fn asked(&self, id: i64) -> Asked {
        let asked = self.table.asked("imocha", &id.to_string()).await;
        asked.unwrap().unwrap()
    }

    /// Has an operator want these callbacks of iMocha's again.
    pub async fn request(&self, ids: impl IntoIterator<Item = i64>) {
        for id in ids {
            let id = id.to_string();
            self.table
                .request_again("imocha", &id, at(0))
                .await
                .unwrap();
        }
    }

    /// Takes an item away, as expiry or an erasure does.
    pub async fn delete(&self, key: &ItemKey) {
        self.eraser().delete(key).await;
    }

    /// The same, for what happens in between.
    pub fn eraser(&self) -> Eraser {
        Eraser {
            client: self.client.clone(),
            table_name: self.aws.table_name.clone(),
        }
    }

    /// All that is marked, by when it is due.
    pub async fn marked(&self) -> Vec<DueItem> {
        let mut items = Vec::new();
        for shard in 0..shared::key::SHARDS {
            items.extend(self.table.due(shard, at(1_000_000_000), 300).await.unwrap());
        }
        items.sort_by_key(|item| item.due_at);
        items
    }

    /// The reports among it.
    pub async fn marked_reports(&self) -> Vec<DueItem> {
        let mut marked = self.marked().await;
        marked.retain(|item| item.key.sk.starts_with("report#"));
        marked
    }

    /// The only item that is marked.
    pub async fn only_marked(&self) -> DueItem {
        let [item] = self.marked().await.try_into().unwrap();
        item
    }

    /// The lines about the messages that were handled.
    pub fn take_lines(&self) -> Vec<Value> {
        self.worker.lines.take_written()
    }

    pub fn take_messages(&self) -> Vec<Value> {
        self.platform().take_messages()
    }

    /// Handles a batch with these bodies, and tells which of them failed, by their place, in order.
    pub async fn handle(&self, bodies: Vec<Option<String>>) -> Vec<String> {
        self.handle_within(Duration::from_secs(30), bodies).await
    }

    /// The same, with so much time for all of them.
    pub async fn handle_within(&self, time: Duration, bodies: Vec<Option<String>>) -> Vec<String> {
        handle(&self.worker, time, bodies).await
    }

    /// Does what stands in the queue, and what comes of that: then nothing is left to do, now or later.
    pub async fn nothing_is_left_to_do(&self) -> bool {
        self.work_off_queue().await;
        self.marked().await.is_empty()
    }

    /// The changes that the bus has taken since this was last asked, as events.
    pub fn take_changes(&self) -> Vec<Value> {
        let entries = self.platform().take_published().into_iter();
        let details = entries.map(|entry| entry["Detail"].as_str().unwrap().to_owned());
        details
            .map(|it| serde_json::from_str(&it).unwrap())
            .collect()
    }

    /// Does what stands in the queue, and what comes of that, until nothing is left.
    pub async fn work_off_queue(&self) {
        assert!(self.work_off_queue_or_fail().await, "a message failed");
    }

    /// The same, until something fails: then `false`.
    pub async fn work_off_queue_or_fail(&self) -> bool {
        loop {
            let messages = self.take_messages();
            if messages.is_empty() {
                return true;
            }
            let bodies = messages.iter().map(|it| Some(it.to_string())).collect();
            if !self.handle(bodies).await.is_empty() {
                return false;
            }
        }
    }
}

/// Has this worker handle a batch with these bodies, and tells which of them failed, by their place, in order.
pub async fn handle(worker: &Worker, time: Duration, bodies: Vec<Option<String>>) -> Vec<String> {
    let messages = bodies.into_iter().zip(0..).map(|(body, number)| {
        let mut message = SqsMessage::default();
        message.message_id = Some(format!("m{number}"));
        message.body = body;
        message
    });
    let mut event = SqsEvent::default();
    event.records = messages.collect();
    let response = worker.handle(event, time).await;
    let failures = response.batch_item_failures.into_iter();
    let mut failed: Vec<_> = failures.map(|it| it.item_identifier).collect();
    // Which was done first does not matter.
    failed.sort();
    failed
}

/// What takes items away.
pub struct Eraser {
    client: aws_sdk_dynamodb::Client,
    table_name: String,
}

impl Eraser {
    pub async fn delete(&self, key: &ItemKey) {
        let delete = self.client.delete_item().table_name(&self.table_name);
        let delete = delete.key("pk", AttributeValue::S(key.pk.clone()));
        let delete = delete.key("sk", AttributeValue::S(key.sk.clone()));
        delete.send().await.unwrap();
    }
}

/// A time, in seconds from a fixed one.
pub fn at(seconds: i64) -> Timestamp {
    Timestamp::from_unix_ms(1_768_471_200_000 + seconds * 1000).unwrap()
}

/// An event as it came then; its body is its own JSON, so that another event is another body.
pub fn delivery(source: SourceName, event: Event, received: Timestamp) -> Delivery {
    let body = serde_json::to_vec(&event).unwrap();
    let event_key = EventKey::from_body(None, &body);
    let key = ItemKey::of_event(source, &event, &event_key, received);
    Delivery {
        id: EventId::new(source, &key),
        key,
        source,
        event,
        body: body.into(),
        received,
        origin: Origin::Webhook,
    }
}

/// An attempt of iMocha's has come this far.
pub fn step(attempt: &str, status: Status, received: Timestamp) -> Delivery {
    let event = Event::of_attempt(attempt.into(), Some(status), None);
    delivery("imocha", event, received)
}

/// It is completed, and this is its report.
pub fn completed_with(attempt: &str, url: &str, received: Timestamp) -> Delivery {
    let event = Event {
        report: Some(link(url)),
        ..Event::of_attempt(attempt.into(), Some(Status::Completed), None)
    };
    delivery("imocha", event, received)
}

pub fn again(delivery: &Delivery, received: Timestamp) -> Delivery {
    Delivery {
        received,
        ..delivery.clone()
    }
}

pub fn link(url: &str) -> Report {
    Report::Link {
        url: url.into(),
        valid_until: None,
    }
}

/// What tells the worker to publish an attempt.
pub fn publish_message(key: &ItemKey, correlation_id: &str) -> Value {
    json!({
        "version": 1, "job": "publish", "pk": key.pk, "sk": key.sk, "correlation_id": correlation_id,
    })
}

/// Has the attempt offer a report anew, and tells where that lies. The state is published, so that the report alone is work.
pub async fn offer(table: &Table, source: &str, attempt: &str, link: &Report) -> ItemKey {
    let pk = attempt_partition(source, attempt);
    let partition = table.partition(&pk).await.unwrap();
    let number = partition.next_report();
    let write = StateWrite {
        source,
        attempt,
        state: &State::default(),
        replaces: partition.state.as_ref().map_or(0, |state| state.version),
        folds: partition.state.map_or(0, |state| state.folds),
        report: None,
        new_report: Some((number, link)),
        in_doubt: false,
        candidate_key: None,
        now: at(0),
    };
    assert!(table.put_state(write).await.unwrap());
    let stored = table.state(&write.key()).await.unwrap().unwrap();
    let settled = table.settle_published(&stored, at(0), None).await;
    assert!(settled.unwrap());
    ReportItem::key(&pk, number)
}

pub fn report_key(source: &str, attempt: &str, number: u64) -> ItemKey {
    ReportItem::key(&attempt_partition(source, attempt), number)
}

pub fn state_key(source: &str, attempt: &str) -> ItemKey {
    ItemKey::of_attempt(source, attempt, STATE)
}
