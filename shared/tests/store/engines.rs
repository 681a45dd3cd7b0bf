//! The engines that the suite runs on: one in this process, unless the environment names another.
//!
//! | variable | the engine |
//! |---|---|
//! | none | dynoxide, in this process |
//! | `STORE_SUITE_ENDPOINT_URL` | whatever answers there, such as an emulator: each test makes a table of its own there |
//! | `STORE_SUITE_TABLE` | that table of the account whose credentials and region the environment gives, made as `template.yaml` declares it if it is not there. Each test *empties* it: its name has to end with `-store-suite` |
//! | `STORE_SUITE_INDEXED_MS` | how long is waited there before an index is read, which follows its table after a moment: 1000 without it |

use crate::engine::declared_table;
use aws_sdk_dynamodb::Client;
use aws_sdk_dynamodb::client::Waiters;
use aws_sdk_dynamodb::config::Builder;
use aws_sdk_dynamodb::config::interceptors::BeforeTransmitInterceptorContextRef;
use aws_sdk_dynamodb::config::{ConfigBag, Intercept, RuntimeComponents};
use aws_sdk_dynamodb::error::{BoxError, DisplayErrorContext};
use aws_sdk_dynamodb::operation::describe_table::DescribeTableError;
use aws_sdk_dynamodb::types::{
    AttributeDefinition, BillingMode, GlobalSecondaryIndex, KeySchemaElement, Projection,
};
use serde_json::Value;
use std::collections::HashMap;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::thread::ThreadId;
use std::time::Duration;
use tokio::net::TcpListener;
use tokio::sync::{Mutex, OwnedMutexGuard};
use tokio::task::JoinHandle;

/// What a table that may be emptied is called.
const DEDICATED: &str = "-store-suite";
/// The thread of the test that has the one table: each test has one of its own.
static HOLDER: std::sync::Mutex<Option<ThreadId>> = std::sync::Mutex::new(None);
/// How long DynamoDB may take to make a table.
const CREATED: Duration = Duration::from_mins(5);
/// How long after a write an index of the real DynamoDB is taken to know of it, if nobody says.
const INDEXED_MS: u64 = 1000;

/// A table that nobody else uses at the moment.
pub struct Ground {
    pub config: Builder,
    pub name: String,
    _held: Held,
}

/// What lasts as long as the test.
enum Held {
    Server(JoinHandle<()>),
    Nothing,
    Table { _turn: OwnedMutexGuard<()> },
}

impl Drop for Held {
    fn drop(&mut self) {
        match self {
            Self::Server(server) => server.abort(),
            Self::Table { .. } => *HOLDER.lock().unwrap() = None,
            Self::Nothing => {}
        }
    }
}

#[expect(
    clippy::disallowed_methods,
    reason = "which engine the suite runs on and what it generates, which no function reads"
)]
pub fn variable(name: &str) -> Option<String> {
    std::env::var(name).ok().filter(|value| !value.is_empty())
}

pub async fn ground() -> Ground {
    if let Some(name) = variable("STORE_SUITE_TABLE") {
        return of_aws(name).await;
    }
    match variable("STORE_SUITE_ENDPOINT_URL") {
        Some(url) => at(&url).await,
        None => in_process().await,
    }
}

async fn in_process() -> Ground {
    let declared = declared_table();
    let database = dynoxide::Database::memory().unwrap();
    let create = serde_json::from_value(declared.create).unwrap();
    database.create_table(create).unwrap();
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let url = format!("http://{}", listener.local_addr().unwrap());
    let server = tokio::spawn(dynoxide::server::serve_on(listener, database));
    Ground {
        config: Builder::from(&shared::aws::load_local(&url).await),
        name: declared.name,
        _held: Held::Server(server),
    }
}

/// A table of its own for each test: the emulator ends soon enough.
async fn at(url: &str) -> Ground {
    static TABLES: AtomicUsize = AtomicUsize::new(0);
    let number = TABLES.fetch_add(1, Ordering::SeqCst);
    let name = format!("suite-{}-{number}", std::process::id());
    let sdk = shared::aws::load_local(url).await;
    create(&Client::new(&sdk), &name).await;
    Ground {
        config: Builder::from(&sdk),
        name,
        _held: Held::Nothing,
    }
}

/// The one table, for one test at a time.
async fn of_aws(name: String) -> Ground {
    static TURN: std::sync::OnceLock<Arc<Mutex<()>>> = std::sync::OnceLock::new();
    assert!(
        name.ends_with(DEDICATED),
        "STORE_SUITE_TABLE={name}: the suite empties its table, whose name has to end with {DEDICATED}"
    );
    let turn = Arc::clone(TURN.get_or_init(Arc::default)).lock_owned();
    let this = Some(std::thread::current().id());
    // Not held while this fails: what the test has is dropped then, and looks at it.
    let holder = *HOLDER.lock().unwrap();
    assert_ne!(
        holder, this,
        "this test has the table: it is to drop it before it takes another"
    );
    let turn = turn.await;
    *HOLDER.lock().unwrap() = this;
    let sdk = shared::aws::load(None).await;
    let client = Client::new(&sdk);
    if is_there(&client, &name).await {
        empty(&client, &name).await;
    } else {
        create(&client, &name).await;
    }
    Ground {
        config: Builder::from(&sdk).interceptor(Patient(indexed())),
        name,
        _held: Held::Table { _turn: turn },
    }
}

async fn is_there(client: &Client, name: &str) -> bool {
    match client.describe_table().table_name(name).send().await {
        Ok(_) => true,
        Err(error) => {
            let is_missing = error
                .as_service_error()
                .is_some_and(DescribeTableError::is_resource_not_found_exception);
            assert!(is_missing, "{name}: {}", DisplayErrorContext(&error));
            false
        }
    }
}

/// Makes a table as `template.yaml` declares it, and waits until it can be used.
async fn create(client: &Client, name: &str) {
    let declared = declared_table().create;
    let create = client
        .create_table()
        .table_name(name)
        .billing_mode(BillingMode::PayPerRequest)
        .set_attribute_definitions(Some(each(&declared["AttributeDefinitions"], attribute)))
        .set_key_schema(Some(each(&declared["KeySchema"], key)))
        .set_global_secondary_indexes(Some(each(&declared["GlobalSecondaryIndexes"], index)));
    create.send().await.unwrap();
    let there = client.wait_until_table_exists().table_name(name);
    there.wait(CREATED).await.unwrap();
}

fn each<T>(declared: &Value, read: impl Fn(&Value) -> T) -> Vec<T> {
    declared.as_array().unwrap().iter().map(read).collect()
}

fn text(declared: &Value, name: &str) -> String {
    declared[name].as_str().unwrap().to_owned()
}

fn attribute(declared: &Value) -> AttributeDefinition {
    AttributeDefinition::builder()
        .attribute_name(text(declared, "AttributeName"))
        .attribute_type(text(declared, "AttributeType").as_str().into())
        .build()
        .unwrap()
}

fn key(declared: &Value) -> KeySchemaElement {
    KeySchemaElement::builder()
        .attribute_name(text(declared, "AttributeName"))
        .key_type(text(declared, "KeyType").as_str().into())
        .build()
        .unwrap()
}

fn index(declared: &Value) -> GlobalSecondaryIndex {
    let projected = &declared["Projection"];
    let others = projected.get("NonKeyAttributes");
    let others = others.map(|names| each(names, |name| name.as_str().unwrap().to_owned()));
    let projection = Projection::builder()
        .projection_type(text(projected, "ProjectionType").as_str().into())
        .set_non_key_attributes(others);
    GlobalSecondaryIndex::builder()
        .index_name(text(declared, "IndexName"))
        .set_key_schema(Some(each(&declared["KeySchema"], key)))
        .projection(projection.build())
        .build()
        .unwrap()
}

async fn empty(client: &Client, name: &str) {
    let scan = client
        .scan()
        .table_name(name)
        // What the test before has just written is there, too.
        .consistent_read(true)
        .projection_expression("pk, sk");
    let mut pages = scan.into_paginator().items().send();
    while let Some(key) = pages.next().await {
        let key: HashMap<_, _> = key.unwrap();
        let delete = client.delete_item().table_name(name).set_key(Some(key));
        delete.send().await.unwrap();
    }
}

fn indexed() -> Duration {
    let ms = variable("STORE_SUITE_INDEXED_MS").map(|ms| ms.parse().unwrap());
    Duration::from_millis(ms.unwrap_or(INDEXED_MS))
}

/// Waits before an index is read: it follows its table after a moment, which the engines at hand do at once.
#[derive(Debug)]
struct Patient(Duration);

impl Intercept for Patient {
    fn name(&self) -> &'static str {
        "Patient"
    }

    fn read_before_transmit(
        &self,
        context: &BeforeTransmitInterceptorContextRef<'_>,
        _: &RuntimeComponents,
        _: &mut ConfigBag,
    ) -> Result<(), BoxError> {
        let body = context.request().body().bytes().unwrap_or_default();
        if body.windows(11).any(|it| it == b"\"IndexName\"") {
            std::thread::sleep(self.0);
        }
        Ok(())
    }
}
