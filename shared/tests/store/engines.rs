//! The engines that the suite runs on: one in this process, unless the environment names another.
//!
//! | variable | the engine |
//! |---|---|
//! | none | dynoxide, in this process |
//! | `STORE_SUITE_ENDPOINT_URL` | whatever answers there, such as an emulator: each test makes a table of its own there |
//! | `STORE_SUITE_TABLE` | that table of the account whose credentials and region the environment gives. Each test *empties* it: its name has to end with `-store-suite`, and it has to be as `template.yaml` declares it |

use crate::engine::declared_table;
use aws_sdk_dynamodb::Client;
use aws_sdk_dynamodb::config::Builder;
use aws_sdk_dynamodb::config::interceptors::BeforeTransmitInterceptorContextRef;
use aws_sdk_dynamodb::config::{ConfigBag, Intercept, RuntimeComponents};
use aws_sdk_dynamodb::error::BoxError;
use serde_json::Value;
use std::collections::HashMap;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Duration;
use tokio::net::TcpListener;
use tokio::sync::{Mutex, OwnedMutexGuard};
use tokio::task::JoinHandle;

/// What a table that may be emptied is called.
const DEDICATED: &str = "-store-suite";
/// How long after a write an index of the real DynamoDB is taken to know of it.
const INDEXED: Duration = Duration::from_secs(1);

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
        if let Self::Server(server) = self {
            server.abort();
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
    let mut create = declared_table().create;
    create["TableName"] = Value::from(name.as_str());
    shared::tls::use_ring();
    let call = reqwest::Client::new()
        .post(url)
        .header("x-amz-target", "DynamoDB_20120810.CreateTable")
        .header("content-type", "application/x-amz-json-1.0")
        .header(
            "authorization",
            "AWS4-HMAC-SHA256 Credential=000000000000/20260115/eu-west-1/dynamodb/aws4_request",
        )
        .body(create.to_string());
    let answer = call.send().await.unwrap();
    let status = answer.status();
    assert!(status.is_success(), "{}", answer.text().await.unwrap());
    Ground {
        config: Builder::from(&shared::aws::load_local(url).await),
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
    let turn = Arc::clone(TURN.get_or_init(Arc::default))
        .lock_owned()
        .await;
    let sdk = shared::aws::load(None).await;
    empty(&Client::new(&sdk), &name).await;
    Ground {
        config: Builder::from(&sdk).interceptor(Patient),
        name,
        _held: Held::Table { _turn: turn },
    }
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

/// Waits before an index is read: it follows its table after a moment, which the engines at hand do at once.
#[derive(Debug)]
struct Patient;

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
            std::thread::sleep(INDEXED);
        }
        Ok(())
    }
}
