//! What can be chosen about a bundle.

use std::collections::BTreeMap;
use std::path::PathBuf;
use std::sync::Arc;
use std::time::Duration;

use serde_json::Value;

use crate::callers::Callers;
use crate::faults::Faults;
use crate::logs::LogSink;
use crate::schedule::Schedules;

/// What can be chosen about a bundle; [`Options::new`] gives what suits most.
#[derive(Clone)]
#[non_exhaustive]
pub struct Options {
    /// The SAM template.
    pub template: PathBuf,
    /// The directory of the functions' binaries.
    pub binaries: PathBuf,
    /// The stack's name, with which the names of tables, queues and secrets begin.
    pub stack_name: String,
    /// The template's parameters that differ from their defaults.
    pub parameters: BTreeMap<String, String>,
    /// The port of the HTTP API; 0 takes a free one.
    pub api_port: u16,
    /// The port of the AWS endpoint; 0 takes a free one.
    pub endpoint_port: u16,
    /// Where tables, objects and secrets are kept. Without it they live in memory. Queues always do: the table is the
    /// to-do list.
    pub data_directory: Option<PathBuf>,
    /// Variables of every function, over the template's own.
    pub environment: BTreeMap<String, String>,
    /// Variables of one function by its logical id, over all others.
    pub function_environment: BTreeMap<String, BTreeMap<String, String>>,
    /// Fields of secrets by logical id, merged over what the template generates.
    pub secrets: BTreeMap<String, Value>,
    /// The visibility time-out of every queue that a function polls, in place of the template's.
    pub visibility_timeout: Option<Duration>,
    /// How long a batch is waited for, in place of the template's window.
    pub batching_window: Option<Duration>,
    /// Which schedules run, and how often.
    pub schedules: Schedules,
    /// Where the functions' output goes.
    pub log_sink: LogSink,
    /// What breaks calls to the engines.
    pub faults: Option<Arc<dyn Faults>>,
    /// Where the functions' processes are known: also to whoever breaks what they call elsewhere.
    pub callers: Callers,
    /// Whether what calls of the database consume is reckoned: see [`crate::Bundle::capacity_units`].
    pub meter: bool,
    /// Processes of each function, at most. Above it, invocations wait for their turn: this limit is the
    /// machine's, where Lambda would start another environment.
    pub concurrency: usize,
}

impl Options {
    /// Everything in memory, on free ports, as the template says.
    #[must_use]
    pub fn new(template: impl Into<PathBuf>, binaries: impl Into<PathBuf>) -> Self {
        Self {
            template: template.into(),
            binaries: binaries.into(),
            stack_name: "local".to_owned(),
            parameters: BTreeMap::new(),
            api_port: 0,
            endpoint_port: 0,
            data_directory: None,
            environment: BTreeMap::new(),
            function_environment: BTreeMap::new(),
            secrets: BTreeMap::new(),
            visibility_timeout: None,
            batching_window: None,
            schedules: Schedules::default(),
            log_sink: LogSink::default(),
            faults: None,
            callers: Callers::default(),
            meter: false,
            concurrency: 4,
        }
    }
}

impl std::fmt::Debug for Options {
    /// Without the secrets.
    fn fmt(&self, formatter: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        formatter
            .debug_struct("Options")
            .field("template", &self.template)
            .field("binaries", &self.binaries)
            .field("stack_name", &self.stack_name)
            .field("data_directory", &self.data_directory)
            .field("schedules", &self.schedules)
            .finish_non_exhaustive()
    }
}
