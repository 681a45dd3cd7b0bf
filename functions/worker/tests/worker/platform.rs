//! AWS, as far as the worker needs it, behind one address: DynamoDB is an engine, SQS and EventBridge note what they are
//! sent, Secrets Manager knows a few secrets, S3 has one bucket and takes what is not there. Every call passes here first, so
//! that a test can break it or act in between.

use crate::bucket::Bucket;
use crate::turns::Turn;
use axum::Router;
use axum::body::Bytes;
use axum::extract::State;
use axum::http::{HeaderMap, Method, StatusCode, Uri};
use axum::response::{IntoResponse, Response};
use dynoxide::{Database, DynoxideError};
use futures_util::future::BoxFuture;
use local::template::{Place, Template};
use serde::Serialize;
use serde::de::DeserializeOwned;
use serde_json::{Value, json};
use std::collections::{BTreeMap, HashMap};
use std::path::Path;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Mutex};
use tokio::net::TcpListener;
use tokio::task::JoinSet;

/// What comes before the next write or read of an item.
struct Interjection {
    sk_prefix: &'static str,
    act: BoxFuture<'static, ()>,
}

impl Interjection {
    fn new(sk_prefix: &'static str, act: impl Future<Output = ()> + Send + 'static) -> Self {
        let act = Box::pin(act);
        Self { sk_prefix, act }
    }

    /// What is to be done before these items are called for.
    fn take(of: &Mutex<Option<Self>>, items: &[&str]) -> Option<BoxFuture<'static, ()>> {
        let mut of = of.lock().unwrap();
        let taken = of.take_if(|it| items.iter().any(|sk| sk.starts_with(it.sk_prefix)));
        taken.map(|it| it.act)
    }
}

/// How the bus fails.
#[derive(Clone, Copy, PartialEq, Eq)]
pub enum BusFault {
    /// It is not there. EventBridge takes what is meant for it, and forgets it.
    Missing,
    /// No call is answered but with an error.
    Down,
    /// The call is answered, and the entry not taken, for this reason.
    Refuses(&'static str),
}

/// A message that SQS gives only after a while.
#[derive(Clone, Debug, PartialEq)]
pub struct HeldBack {
    pub seconds: i64,
    pub body: Value,
}

#[derive(Default)]
pub struct Platform {
    pub bucket: Bucket,
    secrets: Mutex<HashMap<String, String>>,
    messages: Mutex<Vec<Value>>,
    held_back: Mutex<Vec<HeldBack>>,
    writes: Mutex<Vec<String>>,
    /// How many more writes and messages are let through; all of them if there is none.
    writes_left: Mutex<Option<usize>>,
    queue_is_down: Mutex<bool>,
    /// The entries that the bus was given, and how it fails, if it does.
    published: Mutex<Vec<Value>>,
    bus_fault: Mutex<Option<BusFault>>,
    looks_for_the_bus: AtomicUsize,
    before_write: Mutex<Option<Interjection>>,
    before_read: Mutex<Option<Interjection>>,
    refusal: Mutex<Option<Value>>,
    read_to_fail: Mutex<Option<&'static str>>,
    loses_next_answer: Mutex<bool>,
}

/// A platform that runs; it ends with the test.
pub struct RunningPlatform {
    pub platform: Arc<Platform>,
    pub url: String,
    pub table_name: String,
    gate: Gate,
    tasks: JoinSet<()>,
}

impl RunningPlatform {
    /// Another address for whoever calls the table only when it is his turn.
    pub async fn in_turns(&mut self, turn: Turn) -> String {
        let (listener, url) = bind().await;
        let gate = Gate {
            turn: Some(turn),
            ..self.gate.clone()
        };
        self.tasks.spawn(serve(listener, gate));
        url
    }
}

async fn serve(listener: TcpListener, gate: Gate) {
    let app = Router::new().fallback(answer).with_state(gate);
    axum::serve(listener, app).await.unwrap();
}

impl Platform {
    pub async fn start() -> RunningPlatform {
        let (listener, url) = bind().await;
        let place = Place {
            stack: "suite".into(),
            endpoint_url: url.clone(),
            api_url: url.clone(),
        };
        let template = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../template.yaml");
        let template = Template::read(&template, &BTreeMap::new(), &place).unwrap();
        let [table] = template.tables.try_into().unwrap();
        let database = Database::memory().unwrap();
        let create = serde_json::from_value(table.create).unwrap();
        database.create_table(create).unwrap();
        let platform = Arc::new(Self::default());
        let gate = Gate {
            platform: Arc::clone(&platform),
            database,
            turn: None,
        };
        let mut tasks = JoinSet::new();
        tasks.spawn(serve(listener, gate.clone()));
        RunningPlatform {
            platform,
            url,
            table_name: table.name,
            gate,
            tasks,
        }
    }

    pub fn set_secret(&self, id: &str, value: &Value) {
        let mut secrets = self.secrets.lock().unwrap();
        secrets.insert(id.to_owned(), value.to_string());
    }

    pub fn remove_secret(&self, id: &str) {
        self.secrets.lock().unwrap().remove(id);
    }

    /// The messages that were sent since this was last asked, but for those that are held back.
    pub fn take_messages(&self) -> Vec<Value> {
        std::mem::take(&mut self.messages.lock().unwrap())
    }

    /// Those that are held back.
    pub fn take_held_back(&self) -> Vec<HeldBack> {
        std::mem::take(&mut self.held_back.lock().unwrap())
    }

    /// What was written since this was last asked, in order: the sort keys of items, those of one transaction together,
    /// `SendMessage` and `PutEvents`.
    pub fn take_writes(&self) -> Vec<String> {
        std::mem::take(&mut self.writes.lock().unwrap())
    }

    /// Lets so many more writes and messages through, and then none, as if the worker had died.
    pub fn cut_off_after(&self, writes: usize) {
        *self.writes_left.lock().unwrap() = Some(writes);
    }

    pub fn mend(&self) {
        *self.writes_left.lock().unwrap() = None;
        *self.queue_is_down.lock().unwrap() = false;
        *self.bus_fault.lock().unwrap() = None;
    }

    /// What the bus has taken since this was last asked: the entries of `PutEvents`.
    pub fn take_published(&self) -> Vec<Value> {
        std::mem::take(&mut self.published.lock().unwrap())
    }

    pub fn break_bus(&self, fault: BusFault) {
        *self.bus_fault.lock().unwrap() = Some(fault);
    }

    /// How often the bus was looked for.
    pub fn looks_for_the_bus(&self) -> usize {
        self.looks_for_the_bus.load(Ordering::SeqCst)
    }

    pub fn take_queue_down(&self) {
        *self.queue_is_down.lock().unwrap() = true;
    }

    /// Does this before the next write of an item whose sort key begins so, or the next `PutEvents`.
    pub fn before_write_of(
        &self,
        sk_prefix: &'static str,
        act: impl Future<Output = ()> + Send + 'static,
    ) {
        *self.before_write.lock().unwrap() = Some(Interjection::new(sk_prefix, act));
    }

    /// Does this before the next read of a single item whose sort key begins so.
    pub fn before_read_of(
        &self,
        sk_prefix: &'static str,
        act: impl Future<Output = ()> + Send + 'static,
    ) {
        *self.before_read.lock().unwrap() = Some(Interjection::new(sk_prefix, act));
    }

    /// Answers the next read of a single item whose sort key begins so with an error.
    pub fn fail_next_read_of(&self, sk_prefix: &'static str) {
        *self.read_to_fail.lock().unwrap() = Some(sk_prefix);
    }

    /// Answers the next write with this error instead of carrying it out.
    pub fn refuse_next_write(&self, error: Value) {
        *self.refusal.lock().unwrap() = Some(error);
    }

    /// Carries the next write out, and does not say so.
    pub fn lose_next_answer(&self) {
        *self.loses_next_answer.lock().unwrap() = true;
    }

    fn fails_to_read(&self, sk: &str) -> bool {
        let mut read_to_fail = self.read_to_fail.lock().unwrap();
        let taken = read_to_fail.take_if(|prefix| sk.starts_with(*prefix));
        taken.is_some()
    }

    /// Notes a write, unless none is let through any more.
    fn admit(&self, write: &str) -> bool {
        match &mut *self.writes_left.lock().unwrap() {
            Some(0) => return false,
            Some(left) => *left -= 1,
            None => {}
        }
        self.writes.lock().unwrap().push(write.to_owned());
        true
    }

    fn send_message(&self, input: &Value) -> Response {
        if *self.queue_is_down.lock().unwrap() || !self.admit("SendMessage") {
            return failure("QueueDoesNotExist");
        }
        let body = input["MessageBody"].as_str().unwrap();
        let body = serde_json::from_str(body).unwrap();
        match input["DelaySeconds"].as_i64() {
            None | Some(0) => self.messages.lock().unwrap().push(body),
            Some(seconds) => {
                assert!(seconds <= 900, "SQS would refuse it");
                let held_back = HeldBack { seconds, body };
                self.held_back.lock().unwrap().push(held_back);
            }
        }
        success(&json!({ "MessageId": "m" }))
    }

    fn describe_bus(&self) -> Response {
        self.looks_for_the_bus.fetch_add(1, Ordering::SeqCst);
        match *self.bus_fault.lock().unwrap() {
            Some(BusFault::Missing) => failure("ResourceNotFoundException"),
            Some(BusFault::Down) => failure("AccessDeniedException"),
            Some(BusFault::Refuses(_)) | None => success(&json!({ "Name": "bus" })),
        }
    }

    async fn put_events(&self, input: &Value) -> Response {
        if let Some(act) = Interjection::take(&self.before_write, &["PutEvents"]) {
            act.await;
        }
        let fault = *self.bus_fault.lock().unwrap();
        if fault == Some(BusFault::Down) || !self.admit("PutEvents") {
            return failure("AccessDeniedException");
        }
        let entries = input["Entries"].as_array().unwrap();
        if let Some(BusFault::Refuses(code)) = fault {
            let refused = json!({ "ErrorCode": code, "ErrorMessage": "on purpose" });
            let answer = json!({ "FailedEntryCount": entries.len(), "Entries": [refused] });
            return success(&answer);
        }
        if fault.is_none() {
            self.published.lock().unwrap().extend_from_slice(entries);
        }
        if std::mem::take(&mut *self.loses_next_answer.lock().unwrap()) {
            return StatusCode::INTERNAL_SERVER_ERROR.into_response();
        }
        success(&json!({ "FailedEntryCount": 0, "Entries": [{ "EventId": "e" }] }))
    }

    fn secret(&self, input: &Value) -> Response {
        let id = input["SecretId"].as_str().unwrap();
        let secrets = self.secrets.lock().unwrap();
        match (secrets.get(id), input["VersionStage"].as_str()) {
            (Some(text), Some("AWSCURRENT")) => {
                success(&json!({ "Name": id, "SecretString": text }))
            }
            _ => failure("ResourceNotFoundException"),
        }
    }
}

pub async fn bind() -> (TcpListener, String) {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let url = format!("http://{}", listener.local_addr().unwrap());
    (listener, url)
}

#[derive(Clone)]
struct Gate {
    platform: Arc<Platform>,
    database: Database,
    /// Whose turn is waited for before the table is called.
    turn: Option<Turn>,
}

async fn answer(
    State(gate): State<Gate>,
    method: Method,
    uri: Uri,
    headers: HeaderMap,
    body: Bytes,
) -> Response {
    if method == Method::PUT {
        return gate.platform.bucket.put(&uri, &headers, body);
    }
    let target = headers["x-amz-target"].to_str().unwrap().to_owned();
    let input: Value = serde_json::from_slice(&body).unwrap();
    match target.as_str() {
        "AmazonSQS.SendMessage" => gate.platform.send_message(&input),
        "secretsmanager.GetSecretValue" => gate.platform.secret(&input),
        "AWSEvents.DescribeEventBus" => gate.platform.describe_bus(),
        "AWSEvents.PutEvents" => gate.platform.put_events(&input).await,
        _ => {
            if let Some(turn) = &gate.turn {
                turn.wait().await;
            }
            gate.database(&target, &input).await
        }
    }
}

impl Gate {
    async fn database(&self, target: &str, input: &Value) -> Response {
        if let Some(sk) = read(target, input) {
            if let Some(act) = Interjection::take(&self.platform.before_read, &[sk]) {
                act.await;
            }
            if self.platform.fails_to_read(sk) {
                return failure("ValidationException");
            }
        }
        let write = written(target, input);
        if let Some(write) = &write {
            // Taken out first, so that it may itself write.
            if let Some(act) = Interjection::take(&self.platform.before_write, write) {
                act.await;
            }
            if let Some(error) = self.platform.refusal.lock().unwrap().take() {
                return (StatusCode::BAD_REQUEST, error.to_string()).into_response();
            }
            if !self.platform.admit(&write.join(" + ")) {
                return failure("ValidationException");
            }
        }
        let answer = call(&self.database, target, input);
        if write.is_some() && std::mem::take(&mut *self.platform.loses_next_answer.lock().unwrap())
        {
            return StatusCode::INTERNAL_SERVER_ERROR.into_response();
        }
        answer
    }
}

/// Without a hop over HTTP, which would cost more than the engine does.
fn call(database: &Database, target: &str, input: &Value) -> Response {
    match target.split_once('.').unwrap().1 {
        "DeleteItem" => done(input, |it| database.delete_item(it)),
        "GetItem" => done(input, |it| database.get_item(it)),
        "PutItem" => done(input, |it| database.put_item(it)),
        "Query" => done(input, |it| database.query(it)),
        "Scan" => done(input, |it| database.scan(it)),
        "TransactWriteItems" => done(input, |it| database.transact_write_items(it)),
        "UpdateItem" => done(input, |it| database.update_item(it)),
        other => panic!("nobody here is known to call {other}"),
    }
}

fn done<I: DeserializeOwned, O: Serialize>(
    input: &Value,
    act: impl FnOnce(I) -> Result<O, DynoxideError>,
) -> Response {
    let input = serde_json::from_value(input.clone()).unwrap();
    match act(input) {
        Ok(output) => success(&serde_json::to_value(output).unwrap()),
        Err(error) => {
            let status = StatusCode::from_u16(error.status_code()).unwrap();
            (status, error.to_json()).into_response()
        }
    }
}

/// The sort keys that a call writes, if it is a write.
fn written<'a>(target: &str, input: &'a Value) -> Option<Vec<&'a str>> {
    let updated = |update: &'a Value| update["Key"]["sk"]["S"].as_str().unwrap();
    match target.split_once('.')?.1 {
        "UpdateItem" => Some(vec![updated(input)]),
        "PutItem" => Some(vec![input["Item"]["sk"]["S"].as_str().unwrap()]),
        "TransactWriteItems" => {
            let items = input["TransactItems"].as_array().unwrap().iter();
            let writes = items.flat_map(|item| item.as_object().unwrap().values());
            Some(writes.map(updated).collect())
        }
        _ => None,
    }
}

/// The sort key of the item that a call reads, if it reads a single one.
fn read<'a>(target: &str, input: &'a Value) -> Option<&'a str> {
    let reads = target.ends_with(".GetItem");
    reads.then(|| input["Key"]["sk"]["S"].as_str().unwrap())
}

fn success(body: &Value) -> Response {
    (StatusCode::OK, body.to_string()).into_response()
}

/// An error that the SDKs do not try again.
fn failure(kind: &str) -> Response {
    let body = json!({ "__type": kind, "message": "on purpose" });
    (StatusCode::BAD_REQUEST, body.to_string()).into_response()
}
