//! Why a bundle did not start.

use std::path::PathBuf;

use crate::engine::EngineError;
use crate::gateway::RouteError;
use crate::schedule::ExpressionError;
use crate::template::TemplateError;

/// Why a bundle did not start.
#[derive(Debug, thiserror::Error)]
pub enum BundleError {
    /// The template says what cannot be run here.
    #[error("the template does not fit")]
    Template(#[from] TemplateError),
    /// A port is taken, or may not be used.
    #[error("port {port} of 127.0.0.1 could not be opened; choose another, or 0 for a free one")]
    Port {
        /// The port.
        port: u16,
        /// The cause.
        #[source]
        source: std::io::Error,
    },
    /// The data directory could not be used.
    #[error("the data directory {path} could not be made")]
    DataDirectory {
        /// The directory.
        path: PathBuf,
        /// The cause.
        #[source]
        source: std::io::Error,
    },
    /// The file for the functions' output could not be opened.
    #[error("the log file could not be opened")]
    Log(#[source] std::io::Error),
    /// An engine did not start, or refused what the template asks for.
    #[error("an engine refused")]
    Engine(#[from] EngineError),
    /// A function's binary is not there.
    #[error("{path} is not there; build the functions first: cargo build --workspace --bins")]
    NoBinary {
        /// Where it was looked for.
        path: PathBuf,
    },
    /// Two routes are the same, or one is malformed.
    #[error("the HTTP API cannot be made")]
    Route(#[from] RouteError),
    /// A schedule that does not run here.
    #[error("the schedule {schedule} cannot run")]
    Schedule {
        /// Its logical id.
        schedule: String,
        /// The cause.
        #[source]
        source: ExpressionError,
    },
    /// The template lacks what a bundle is made of.
    #[error("the template has no {0}")]
    Lacking(&'static str),
    /// Something refers to a queue that is not in the template.
    #[error("{user} refers to the queue {arn}, which is not in the template")]
    NoQueue {
        /// Whose reference it is.
        user: String,
        /// The queue's ARN.
        arn: String,
    },
    /// The options name a function or a secret that the template does not have.
    #[error("the options name {0}, which the template does not have")]
    UnknownLogicalId(String),
    /// A secret that fields are to be merged into is no JSON object.
    #[error("the secret {0} is no JSON object, so no fields can be merged into it")]
    SecretNotObject(String),
}
