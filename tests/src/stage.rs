//! A bundle for one test, and what tests ask of it.

use crate::stalls;
use aws_sdk_dynamodb::config::timeout::TimeoutConfig;
use aws_sdk_dynamodb::error::ProvideErrorMetadata;
use aws_sdk_dynamodb::types::AttributeValue;
use bytes::Bytes;
use local::binaries::{self, CargoOutput, Profile};
use local::stand_ins::report_hosts;
use local::{Bundle, LogSink, Options, Schedules};
use reqwest::{Response, StatusCode};
use serde_json::{Value, json};
use shared::aws::SdkConfig;
use shared::clock::Clock;
use shared::key::{EventId, ItemKey, LIMITS, SHARDS};
use shared::store::{StoredEvent, StoredState, Table};
use std::future::Future;
use std::path::{Path, PathBuf};
use std::time::Duration;
use tokio::sync::OnceCell;

/// How often a condition is looked at before a test gives up on it: for three minutes.
const LOOKS: usize = 3600;
/// After how many looks, twenty seconds' worth, a test that waits sends a sweep.
const LOOKS_PER_SWEEP: usize = 400;
const LOOK_AGAIN: Duration = Duration::from_millis(50);
/// How often a post is made that is answered 503 where nothing is broken.
const MOST_POSTS: usize = 10;
/// How long a test waits for an engine: that a machine is slow is nothing to fail for.
const PATIENCE: Duration = Duration::from_mins(2);

/// The bundle, and the table as an operator sees it.
pub struct Stage {
    /// The bundle.
    pub bundle: Bundle,
    /// Its table.
    pub table: Table,
    dynamodb: aws_sdk_dynamodb::Client,
    /// Its queues.
    pub sqs: aws_sdk_sqs::Client,
    /// Who calls its API.
    pub http: reqwest::Client,
    /// The time.
    pub clock: Clock,
    /// Whether the test breaks something.
    is_broken: bool,
}

/// The project's directory.
#[must_use]
pub fn root() -> &'static Path {
    Path::new(env!("CARGO_MANIFEST_DIR")).parent().unwrap()
}

/// A payload under `events/`.
#[must_use]
pub fn payload(name: &str) -> Bytes {
    std::fs::read(root().join("events").join(name))
        .unwrap()
        .into()
}

/// The functions' binaries, built once for all tests, and as these are built: a benchmark's are what is released.
pub async fn binaries() -> PathBuf {
    static BUILT: OnceCell<PathBuf> = OnceCell::const_new();
    let build = || async {
        let profile = if cfg!(debug_assertions) {
            Profile::Dev
        } else {
            Profile::Release
        };
        binaries::build(root(), profile, CargoOutput::OnFailure)
            .await
            .unwrap()
    };
    BUILT.get_or_init(build).await.clone()
}

impl Stage {
    /// A bundle without schedules, in memory.
    pub async fn new() -> Self {
        Self::with(|_| {}).await
    }

    /// The same, changed.
    pub async fn with(change: impl FnOnce(&mut Options)) -> Self {
        shared::tls::use_ring();
        let mut options = Options::new(root().join("template.yaml"), binaries().await);
        options.schedules = Schedules::Off;
        options.parameters = report_hosts();
        options.log_sink = LogSink::Memory;
        options.visibility_timeout = Some(Duration::from_secs(1));
        options.concurrency = 2;
        let signing_secret =
            json!({ "signing_secret": "whsec_dGhpcyBpcyBub3QgYSBzZWNyZXQgYXQgYWxsLi4u" });
        options
            .secrets
            .insert("TestlifySecret".into(), signing_secret);
        change(&mut options);
        let is_broken = options.faults.is_some();
        options.faults = stalls::besides(options.faults.take());
        let bundle = Bundle::start(options).await.unwrap();
        let sdk = shared::aws::load_local(bundle.endpoint_url()).await;
        let dynamodb = patient_dynamodb(&sdk);
        Self {
            table: Table::new(dynamodb.clone(), bundle.table_name().to_owned()),
            dynamodb,
            sqs: patient_sqs(&sdk),
            http: reqwest::Client::new(),
            clock: Clock::system(),
            is_broken,
            bundle,
        }
    }

    /// Posts a body with these headers. Where a test breaks nothing, whoever is told to come back does: a function that starts on a
    /// machine that is busy may not have read its secrets in time.
    pub async fn post(
        &self,
        path: &str,
        headers: &[(String, String)],
        body: impl Into<Bytes>,
    ) -> Response {
        let body = body.into();
        let mut tries = if self.is_broken { 1 } else { MOST_POSTS };
        loop {
            let response = self.post_once(path, headers, body.clone()).await;
            tries -= 1;
            if tries == 0 || response.status() != StatusCode::SERVICE_UNAVAILABLE {
                return response;
            }
            tokio::time::sleep(LOOK_AGAIN).await;
        }
    }

    async fn post_once(&self, path: &str, headers: &[(String, String)], body: Bytes) -> Response {
        let mut request = self.http.post(format!("{}{path}", self.bundle.api_url()));
        for (name, value) in headers {
            request = request.header(name, value);
        }
        request.body(body).send().await.unwrap()
    }

    /// The event with this id.
    pub async fn event(&self, id: &EventId) -> Option<StoredEvent> {
        let now = self.clock.now();
        // A test may run over midnight.
        self.table
            .find_event(id, now.minus(Duration::from_hours(24)), now)
            .await
            .unwrap()
    }

    /// Every event of a source.
    pub async fn events(&self, source: &str) -> Vec<shared::store::EventSummary> {
        let now = self.clock.now();
        let yesterday = now.minus(Duration::from_hours(24)).day();
        let mut events = self.table.events_of_day(source, &yesterday).await.unwrap();
        events.extend(self.table.events_of_day(source, &now.day()).await.unwrap());
        events
    }

    /// Whether there is nothing at all in the table.
    pub async fn is_empty(&self) -> bool {
        let scan = self.dynamodb.scan().consistent_read(true);
        let scan = scan.table_name(self.bundle.table_name()).limit(1);
        scan.send().await.unwrap().items().is_empty()
    }

    /// An attempt's state, as soon as nothing of it is left to do.
    pub async fn settled_state(&self, source: &str, attempt: &str) -> StoredState {
        self.settled().await;
        let pk = shared::key::attempt_partition(source, attempt);
        self.table.partition(&pk).await.unwrap().state.unwrap()
    }

    /// Waits until no work is marked, for as long as there is more or less of it. Work whose message a slow machine's queue did not take in time
    /// is left to the sweep, which is sent here, since no schedule runs.
    pub async fn settled(&self) {
        let (mut left, mut looks) = (u64::MAX, 0);
        loop {
            let now = self.table.count_marked().await.unwrap();
            if now == 0 {
                return;
            }
            looks = if now == left { looks + 1 } else { 0 };
            left = now;
            assert!(looks < LOOKS, "{left} items stay marked");
            if looks % LOOKS_PER_SWEEP == LOOKS_PER_SWEEP - 1 {
                self.sweep().await;
            }
            tokio::time::sleep(LOOK_AGAIN).await;
        }
    }

    /// How many messages a queue has, those that are being handled included.
    pub async fn messages(&self, queue_url: &str) -> u64 {
        use aws_sdk_sqs::types::QueueAttributeName::{
            ApproximateNumberOfMessages, ApproximateNumberOfMessagesNotVisible,
        };
        let names = [
            ApproximateNumberOfMessages,
            ApproximateNumberOfMessagesNotVisible,
        ];
        let request = self
            .sqs
            .get_queue_attributes()
            .queue_url(queue_url)
            .set_attribute_names(Some(names.to_vec()));
        let attributes = request.send().await.unwrap().attributes.unwrap();
        names
            .iter()
            .map(|name| attributes[name].parse::<u64>().unwrap())
            .sum()
    }

    /// How many dead letters there are.
    pub async fn dead(&self) -> u64 {
        self.messages(self.bundle.dead_letter_queue_url()).await
    }

    /// Sends a message to the worker.
    pub async fn send(&self, body: &str) {
        self.send_to(self.bundle.queue_url(), body).await;
    }

    /// Puts a message among the dead letters.
    pub async fn bury(&self, body: &str) {
        self.send_to(self.bundle.dead_letter_queue_url(), body)
            .await;
    }

    async fn send_to(&self, queue_url: &str, body: &str) {
        let message = self.sqs.send_message().message_body(body);
        message.queue_url(queue_url).send().await.unwrap();
    }

    /// Has the worker look for work that is due.
    pub async fn sweep(&self) {
        self.send(r#"{"version":1,"job":"sweep","correlation_id":"test"}"#)
            .await;
    }

    /// Lets so much time pass, as far as unfinished work goes, that all that waits is due: whoever said that he is at it is
    /// not believed any more, and vendors may be called again. Nothing that came in changes.
    pub async fn let_time_pass(&self) {
        for key in self.marked().await {
            self.make_due(
                &key,
                "SET due_at = :past REMOVE fetched_until, calling_until",
            )
            .await;
        }
        for vendor in ["imocha", "jobmojito", "xobin"] {
            let key = ItemKey::of_vendor(vendor, LIMITS);
            let delete = self.dynamodb.delete_item();
            let delete = delete.table_name(self.bundle.table_name());
            let delete = delete.key("pk", AttributeValue::S(key.pk));
            let delete = delete.key("sk", AttributeValue::S(key.sk));
            delete.send().await.unwrap();
        }
    }

    /// What has unfinished work that is not parked.
    pub async fn marked(&self) -> Vec<ItemKey> {
        let far = self.clock.now().plus(Duration::from_hours(24 * 365));
        let mut marked = Vec::new();
        for shard in 0..SHARDS {
            let due = self.table.due(shard, far, 1000).await.unwrap();
            marked.extend(due.into_iter().map(|item| item.key));
        }
        marked
    }

    /// Makes an item's work due now, and has the worker look for it.
    pub async fn sweep_now(&self, key: &ItemKey) {
        assert!(self.make_due(key, "SET due_at = :past").await, "{key}");
        self.sweep().await;
    }

    /// Whether the item still had work to do.
    async fn make_due(&self, key: &ItemKey, update: &str) -> bool {
        let past = self.clock.now().minus(Duration::from_secs(1)).unix_ms();
        let request = self
            .dynamodb
            .update_item()
            .table_name(self.bundle.table_name())
            .key("pk", AttributeValue::S(key.pk.clone()))
            .key("sk", AttributeValue::S(key.sk.clone()))
            .condition_expression("attribute_exists(due_at)")
            .update_expression(update)
            .expression_attribute_values(":past", AttributeValue::N(past.to_string()));
        match request.send().await {
            Ok(_) => true,
            Err(error) => {
                let code = error.code().map(str::to_owned);
                assert_eq!(code.as_deref(), Some("ConditionalCheckFailedException"));
                false
            }
        }
    }
}

/// The database, for who has more time than a function.
fn patient_dynamodb(sdk: &SdkConfig) -> aws_sdk_dynamodb::Client {
    let config = aws_sdk_dynamodb::config::Builder::from(sdk);
    aws_sdk_dynamodb::Client::from_conf(config.timeout_config(patience()).build())
}

/// The queues, in the same way.
fn patient_sqs(sdk: &SdkConfig) -> aws_sdk_sqs::Client {
    let config = aws_sdk_sqs::config::Builder::from(sdk);
    aws_sdk_sqs::Client::from_conf(config.timeout_config(patience()).build())
}

fn patience() -> TimeoutConfig {
    TimeoutConfig::builder()
        .connect_timeout(PATIENCE)
        .operation_timeout(PATIENCE)
        .build()
}

/// Waits for a condition, and fails the test if it does not come.
pub async fn eventually<T, F: Future<Output = Option<T>>>(what: &str, look: impl Fn() -> F) -> T {
    for _ in 0..LOOKS {
        if let Some(found) = look().await {
            return found;
        }
        tokio::time::sleep(LOOK_AGAIN).await;
    }
    panic!("in vain waited until {what}");
}

/// An accepted delivery's outcome and event.
pub async fn accepted(response: Response) -> (String, EventId) {
    assert_eq!(response.status(), 202);
    let answer: Value = response.json().await.unwrap();
    (
        answer["outcome"].as_str().unwrap().to_owned(),
        answer["event"].as_str().unwrap().parse().unwrap(),
    )
}
