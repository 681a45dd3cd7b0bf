//! A whole bundle in this process: what the template describes, running.

mod assembly;
mod error;
mod options;
mod passing;
mod provision;

use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::Duration;

use bytes::Bytes;
use serde_json::Value;

pub use error::BundleError;
pub use options::Options;

use crate::calls::{CallCounts, Calls};
use crate::engine::{EngineError, Engines, Service};
use crate::function::{Function, InvokeError};
use crate::logs::{LogLine, Logs};
use crate::meter::{CapacityUnits, Meter};
use crate::poller::Poller;
use crate::schedule::Ticker;
use crate::server::Server;
use crate::template::Template;

/// How long an invocation under way may take once the bundle is being stopped.
const GRACE: Duration = Duration::from_secs(3);

/// A bundle that runs. Dropping it ends everything at once; [`Bundle::stop`] ends it in order.
pub struct Bundle {
    template: Template,
    /// The ids that the accessors speak of, found once at the start.
    landmarks: Landmarks,
    api_url: String,
    endpoint_url: String,
    functions: Vec<Arc<Function>>,
    calls: Arc<Calls>,
    meter: Option<Arc<Meter>>,
    logs: Arc<Logs>,
    engines: Arc<Engines>,
    running: Running,
}

struct Landmarks {
    table_name: String,
    queue_url: String,
    dead_letter_queue_url: String,
}

struct Running {
    gateway: Server,
    endpoint: Server,
    pollers: Vec<Poller>,
    ticker: Ticker,
}

/// A function of the bundle, and what leads to it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct FunctionInfo {
    /// Its id in the template.
    pub logical_id: String,
    /// Its binary.
    pub binary: String,
    /// The keys of its routes, such as `POST /things/{id}`.
    pub routes: Vec<String>,
    /// The ids of its living processes.
    pub processes: Vec<u32>,
}

impl Bundle {
    /// Starts everything, and returns when it can be used.
    ///
    /// # Errors
    ///
    /// A template that does not fit, a port that is taken, a binary that is not there; see [`BundleError`].
    pub async fn start(options: Options) -> Result<Self, BundleError> {
        assembly::start(options).await
    }

    /// Where the HTTP API is served, without a slash at the end.
    #[must_use]
    pub fn api_url(&self) -> &str {
        &self.api_url
    }

    /// Where the engines are served: what `ENDPOINT_URL` is for a function.
    #[must_use]
    pub fn endpoint_url(&self) -> &str {
        &self.endpoint_url
    }

    /// The name of the table.
    #[must_use]
    pub fn table_name(&self) -> &str {
        &self.landmarks.table_name
    }

    /// The URL of the queue that a function polls.
    #[must_use]
    pub fn queue_url(&self) -> &str {
        &self.landmarks.queue_url
    }

    /// The URL of that queue's dead-letter queue.
    #[must_use]
    pub fn dead_letter_queue_url(&self) -> &str {
        &self.landmarks.dead_letter_queue_url
    }

    /// What `SecretId` is for a secret of the template.
    #[must_use]
    pub fn secret_id(&self, logical_id: &str) -> Option<String> {
        let secret = self
            .template
            .secrets
            .iter()
            .find(|secret| secret.logical_id == logical_id);
        secret.map(crate::template::SecretResource::arn)
    }

    /// The template's outputs, as the deployed stack would have them.
    #[must_use]
    pub fn outputs(&self) -> &BTreeMap<String, String> {
        &self.template.outputs
    }

    /// All that the template says, with this bundle's names.
    #[must_use]
    pub fn template(&self) -> &Template {
        &self.template
    }

    /// The functions, and their processes of this moment.
    #[must_use]
    pub fn functions(&self) -> Vec<FunctionInfo> {
        self.functions
            .iter()
            .map(|function| info(function))
            .collect()
    }

    /// How often each operation was called by whoever speaks HTTP to the endpoint, up to now.
    #[must_use]
    pub fn calls(&self) -> CallCounts {
        self.calls.snapshot()
    }

    /// What the database's calls among them consumed, if [`Options::meter`] asks for it.
    #[must_use]
    pub fn capacity_units(&self) -> Option<CapacityUnits> {
        self.meter.as_ref().map(|meter| meter.snapshot())
    }

    /// Calls an engine as an observer, whose calls are neither counted nor open to faults.
    ///
    /// # Errors
    ///
    /// The engine refuses the call.
    pub async fn observe(
        &self,
        service: Service,
        operation: &str,
        input: &Value,
    ) -> Result<Value, EngineError> {
        self.engines.call(service, operation, input).await
    }

    /// The functions' output so far, if it is collected in memory.
    #[must_use]
    pub fn logs(&self) -> Vec<LogLine> {
        self.logs.lines()
    }

    /// Invokes a function, named by its logical id or its binary, as `aws lambda invoke` does.
    ///
    /// # Errors
    ///
    /// The function's own error, its death, or its time-out.
    pub async fn invoke(
        &self,
        function: &str,
        payload: impl Into<Bytes>,
    ) -> Result<Bytes, InvokeError> {
        self.function(function)?.invoke(payload.into()).await
    }

    /// Kills all processes of a function, busy or idle, and returns when they are gone. The next invocation
    /// starts a new one.
    ///
    /// # Errors
    ///
    /// There is no such function.
    pub async fn kill(&self, function: &str) -> Result<(), InvokeError> {
        self.function(function)?.kill().await;
        Ok(())
    }

    /// Takes no more requests, lets those under way finish for a short while, and ends every process.
    pub async fn stop(self) {
        let Running {
            gateway,
            endpoint,
            pollers,
            ticker,
        } = self.running;
        drop(ticker);
        for poller in &pollers {
            poller.pause();
        }
        gateway.stop().await;
        futures_util::future::join_all(self.functions.iter().map(|it| it.stop(GRACE))).await;
        for poller in pollers {
            poller.join().await;
        }
        endpoint.stop().await;
        self.engines.stop().await;
    }

    fn function(&self, name: &str) -> Result<&Arc<Function>, InvokeError> {
        let mut functions = self.functions.iter();
        let named = |function: &&Arc<Function>| {
            let resource = function.resource();
            resource.logical_id == name || resource.binary == name
        };
        functions
            .find(named)
            .ok_or_else(|| InvokeError::Unknown(name.to_owned()))
    }
}

impl std::fmt::Debug for Bundle {
    fn fmt(&self, formatter: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        formatter
            .debug_struct("Bundle")
            .field("api_url", &self.api_url)
            .field("endpoint_url", &self.endpoint_url)
            .finish_non_exhaustive()
    }
}

fn info(function: &Function) -> FunctionInfo {
    let resource = function.resource();
    let keys = resource
        .routes
        .iter()
        .map(|route| format!("{} {}", route.method, route.path));
    FunctionInfo {
        logical_id: resource.logical_id.clone(),
        binary: resource.binary.clone(),
        routes: keys.collect(),
        processes: function.processes(),
    }
}
