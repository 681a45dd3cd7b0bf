//! Functions: their binary, their limits, their variables, and what calls them.

use std::collections::BTreeMap;
use std::time::Duration;

use serde_json::Value;

use super::super::document::Resource;
use super::super::intrinsics::{Resolver, as_text};
use super::super::names::arn;
use super::super::read::Properties;
use super::super::{Fault, TemplateError};

/// A Lambda function.
#[derive(Debug, Clone)]
pub struct FunctionResource {
    /// The id in the template.
    pub logical_id: String,
    /// The local name.
    pub name: String,
    /// The binary's name.
    pub binary: String,
    /// How long one invocation may take.
    pub timeout: Duration,
    /// In MiB; told to the function, not enforced.
    pub memory_size_mb: u32,
    /// The variables that the template sets.
    pub environment: BTreeMap<String, String>,
    /// The routes of the HTTP API that lead to it.
    pub routes: Vec<Route>,
    /// The queues that are polled for it.
    pub sources: Vec<QueueSource>,
}

/// A route of the HTTP API.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Route {
    /// In capital letters; `ANY` is every method.
    pub method: String,
    /// Such as `/things/{id}`.
    pub path: String,
}

/// A queue that is polled for a function.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct QueueSource {
    /// The queue.
    pub queue_arn: String,
    /// Messages in one invocation, at most.
    pub batch_size: u32,
    /// How long to wait for a batch to fill.
    pub window: Duration,
    /// Whether the function names the messages that failed.
    pub reports_failures: bool,
    /// Invocations at once, at most.
    pub maximum_concurrency: Option<u32>,
}

impl FunctionResource {
    /// The function's ARN.
    #[must_use]
    pub fn arn(&self) -> String {
        arn("lambda", &format!("function:{}", self.name))
    }
}

pub(super) fn function(
    id: &str,
    resource: &Resource,
    globals: &Value,
    resolver: &Resolver<'_>,
) -> Result<FunctionResource, TemplateError> {
    let own = Properties::new(id, &resource.properties, resolver);
    let shared = own.within(globals);
    let timeout = own
        .number("Timeout")?
        .or(shared.number("Timeout")?)
        .unwrap_or(3);
    let memory_size_mb = own
        .number("MemorySize")?
        .or(shared.number("MemorySize")?)
        .unwrap_or(128);
    let mut environment = variables(&shared)?;
    environment.extend(variables(&own)?);
    let (routes, sources) = events(&own)?;
    Ok(FunctionResource {
        logical_id: id.to_owned(),
        name: resolver.name_of(id).map_err(|fault| own.fault(fault))?,
        binary: binary(&own.within(&resource.metadata))?,
        timeout: Duration::from_secs(timeout.into()),
        memory_size_mb,
        environment,
        routes,
        sources,
    })
}

fn binary(metadata: &Properties<'_>) -> Result<String, TemplateError> {
    let missing = || metadata.fault(Fault::Missing("Metadata.BuildProperties.Binary"));
    let build = metadata.raw("BuildProperties").ok_or_else(missing)?;
    metadata.within(build).text("Binary")?.ok_or_else(missing)
}

fn variables(properties: &Properties<'_>) -> Result<BTreeMap<String, String>, TemplateError> {
    let Some(environment) = properties.raw("Environment") else {
        return Ok(BTreeMap::new());
    };
    let variables = properties.within(environment).object("Variables")?;
    let texts = variables.into_iter().map(|(name, value)| {
        let text =
            as_text(&value).ok_or_else(|| properties.shape("Environment.Variables", "text"))?;
        Ok((name, text))
    });
    texts.collect()
}

fn events(function: &Properties<'_>) -> Result<(Vec<Route>, Vec<QueueSource>), TemplateError> {
    let (mut routes, mut sources) = (Vec::new(), Vec::new());
    let events = function.raw("Events").and_then(Value::as_object);
    for event in events.into_iter().flat_map(|events| events.values()) {
        let empty = Value::Null;
        let properties = function.within(event.get("Properties").unwrap_or(&empty));
        match event.get("Type").and_then(Value::as_str) {
            Some("HttpApi") => routes.push(route(&properties)?),
            Some("SQS") => sources.extend(source(&properties)?),
            other => {
                let other = other.unwrap_or("no type").to_owned();
                return Err(function.fault(Fault::UnknownEvent(other)));
            }
        }
    }
    Ok((routes, sources))
}

fn route(properties: &Properties<'_>) -> Result<Route, TemplateError> {
    let method = properties.required_text("Method")?.to_uppercase();
    // `X-ANY` is what SAM writes for any method in OpenAPI, and takes here as well.
    let method = if method == "X-AMAZON-APIGATEWAY-ANY-METHOD" {
        "ANY".to_owned()
    } else {
        method
    };
    Ok(Route {
        method,
        path: properties.required_text("Path")?,
    })
}

fn source(properties: &Properties<'_>) -> Result<Option<QueueSource>, TemplateError> {
    if properties.truth("Enabled")? == Some(false) {
        return Ok(None);
    }
    let kinds = properties.value("FunctionResponseTypes")?;
    let kinds = kinds.as_ref().and_then(Value::as_array);
    let reports = |kind: &Value| kind.as_str() == Some("ReportBatchItemFailures");
    let scaling = properties.value("ScalingConfig")?.unwrap_or_default();
    let window = properties
        .number("MaximumBatchingWindowInSeconds")?
        .unwrap_or(0);
    Ok(Some(QueueSource {
        queue_arn: properties.required_text("Queue")?,
        batch_size: properties.number("BatchSize")?.unwrap_or(10).max(1),
        window: Duration::from_secs(window.into()),
        reports_failures: kinds.is_some_and(|kinds| kinds.iter().any(reports)),
        maximum_concurrency: properties.within(&scaling).number("MaximumConcurrency")?,
    }))
}
