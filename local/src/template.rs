//! The project's SAM template, read as the one source of what there is: routes, tables, queues, secrets,
//! schedules, variables. What is deployed and what runs here cannot differ, because both come from it.
//!
//! Only what is used is evaluated: alarms, roles and policies may say what they like.
//!
//! ```text
//! text ─▶ Document (YAML tags made long forms) ─▶ Resolver (intrinsics, local names) ─▶ Template (typed)
//! ```

mod conditions;
mod document;
mod intrinsics;
mod names;
mod read;
mod resources;

use std::collections::BTreeMap;
use std::path::Path;

pub use names::{ACCOUNT, Place, REGION, queue_arn, secret_arn};
pub use resources::{
    BucketResource, BusResource, FunctionResource, QueueResource, QueueSource, Route,
    ScheduleResource, SecretContent, SecretResource, TableResource, Throttle,
};

use document::Document;
use intrinsics::Resolver;

/// All that the template says, with local names and without intrinsics.
#[derive(Debug, Clone)]
pub struct Template {
    /// The Lambda functions.
    pub functions: Vec<FunctionResource>,
    /// The tables.
    pub tables: Vec<TableResource>,
    /// The queues.
    pub queues: Vec<QueueResource>,
    /// The buckets.
    pub buckets: Vec<BucketResource>,
    /// The secrets.
    pub secrets: Vec<SecretResource>,
    /// The event buses.
    pub buses: Vec<BusResource>,
    /// The schedules that are switched on.
    pub schedules: Vec<ScheduleResource>,
    /// The HTTP API's throttle for each route, if it has one.
    pub throttle: Option<Throttle>,
    /// The outputs, resolved.
    pub outputs: BTreeMap<String, String>,
}

/// Why a template could not be read. Each says where, and what can be done.
#[derive(Debug, thiserror::Error)]
pub enum TemplateError {
    /// The file could not be opened.
    #[error("the template {path} could not be read")]
    Unreadable {
        /// The file.
        path: String,
        /// The cause.
        #[source]
        source: std::io::Error,
    },
    /// The text is not YAML.
    #[error("the template is not valid YAML")]
    NotYaml(#[source] serde_yaml_ng::Error),
    /// The YAML holds something that no template has.
    #[error("the template has {0}, which is no part of a SAM template")]
    NotTemplate(String),
    /// A part of the template is at fault.
    #[error("{place}: {fault}")]
    At {
        /// The resource, output or condition.
        place: String,
        /// What is wrong there.
        fault: Fault,
    },
    /// A parameter was set that the template does not have.
    #[error("the template has no parameter {0}; see its Parameters for the names")]
    UnknownParameter(String),
    /// A parameter was set to a value that the template does not allow.
    #[error("the parameter {name} cannot be {value:?}; the template allows {allowed}")]
    ParameterNotAllowed {
        /// The parameter.
        name: String,
        /// What it was set to.
        value: String,
        /// What it can be.
        allowed: String,
    },
}

/// What is wrong at one place of a template.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum Fault {
    /// An intrinsic that is not known here.
    #[error("the intrinsic {0} is not known here; add it to local/src/template/intrinsics.rs")]
    UnknownIntrinsic(String),
    /// An intrinsic whose arguments do not fit.
    #[error("{0} has arguments that do not fit it")]
    BadArguments(&'static str),
    /// A name that nothing bears.
    #[error("{0} names no parameter or resource of this template")]
    UnknownName(String),
    /// A condition that is not there.
    #[error("there is no condition {0}")]
    UnknownCondition(String),
    /// An attribute that is not known of this type.
    #[error(
        "{resource} ({kind}) has no attribute {attribute} here; add it to local/src/template/names.rs"
    )]
    UnknownAttribute {
        /// The logical id.
        resource: String,
        /// The resource's type.
        kind: String,
        /// The attribute.
        attribute: String,
    },
    /// A parameter without a value.
    #[error("the parameter {0} has no default; set it")]
    NoValue(String),
    /// A property that has to be there.
    #[error("{0} is missing")]
    Missing(&'static str),
    /// A property of the wrong shape.
    #[error("{property} should be {expected}")]
    WrongShape {
        /// The property.
        property: &'static str,
        /// What it should be.
        expected: &'static str,
    },
    /// An event source that does not run here.
    #[error("events of type {0} do not run here; HttpApi and SQS do")]
    UnknownEvent(String),
    /// Conditions that need each other.
    #[error("the conditions go round in a circle at {0}")]
    Circle(String),
}

impl Template {
    /// Reads a template file.
    ///
    /// # Errors
    ///
    /// A file that cannot be read, or that says what is not known here.
    pub fn read(
        path: &Path,
        parameters: &BTreeMap<String, String>,
        place: &Place,
    ) -> Result<Self, TemplateError> {
        let text = std::fs::read_to_string(path).map_err(|source| TemplateError::Unreadable {
            path: path.display().to_string(),
            source,
        })?;
        Self::parse(&text, parameters, place)
    }

    /// Reads a template's text.
    ///
    /// # Errors
    ///
    /// As [`Template::read`].
    pub fn parse(
        text: &str,
        parameters: &BTreeMap<String, String>,
        place: &Place,
    ) -> Result<Self, TemplateError> {
        let document = Document::parse(text)?;
        let resolver = Resolver::new(&document, parameters, place)?;
        resources::read(&document, &resolver)
    }

    /// The queue with this ARN.
    #[must_use]
    pub fn queue_by_arn(&self, arn: &str) -> Option<&QueueResource> {
        self.queues.iter().find(|queue| queue.arn() == arn)
    }
}

impl Fault {
    fn at(self, place: &str) -> TemplateError {
        TemplateError::At {
            place: place.to_owned(),
            fault: self,
        }
    }
}

#[cfg(test)]
#[path = "template/tests.rs"]
mod tests;
