//! Many webhooks at once, and what one costs where much is stored already: what `cargo bench -p tests --bench load` measures.
//!
//! [`bursts`] sends the webhooks of [`candidates`] that nobody else is, holds a [`ledger`] of what was accepted, and looks at the
//! memory of the functions' [`processes`]. [`growth`] counts what a webhook costs as the table, an attempt's history or a body grows.

pub mod bursts;
pub mod candidates;
pub mod growth;
pub mod ledger;
pub mod processes;
mod sending;
mod truth;

use crate::everybody::Everybody;
use local::{LogSink, Schedules};
use serde_json::json;
use std::path::PathBuf;

/// So that the attempts' keys are known beforehand.
const HASH_KEY: &str = "the-same-whenever-there-is-load";

/// What can be chosen about a bundle under load.
pub struct Settings {
    /// Processes of each function, at most.
    pub processes: usize,
    /// Whether what calls of the database consume is reckoned.
    pub meter: bool,
    /// The file that the functions' output goes to.
    pub log: PathBuf,
}

/// A bundle with all vendors, in memory and without schedules.
pub async fn everybody(settings: &Settings) -> Everybody {
    Everybody::start(|options| {
        options.schedules = Schedules::Off;
        options.concurrency = settings.processes;
        options.meter = settings.meter;
        // In memory it would be the bundle's own that grows.
        options.log_sink = LogSink::File(settings.log.clone());
        // As the template has it: under load a batch takes its time.
        options.visibility_timeout = None;
        let key = json!({ "key": HASH_KEY });
        options.secrets.insert("HashKeySecret".into(), key);
    })
    .await
}
