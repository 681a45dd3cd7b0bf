//! The resources that run on this machine, typed.

mod buckets;
mod buses;
mod functions;
mod queues;
mod secrets;
mod tables;

use std::collections::BTreeMap;

use serde_json::Value;

use super::document::{Document, Resource};
use super::intrinsics::Resolver;
use super::read::Properties;
use super::{Template, TemplateError};

pub use buckets::BucketResource;
pub use buses::BusResource;
pub use functions::{FunctionResource, QueueSource, Route};
pub use queues::{QueueResource, ScheduleResource};
pub use secrets::{SecretContent, SecretResource};
pub use tables::TableResource;

/// What the HTTP API lets through on each of its routes.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Throttle {
    /// Requests at once.
    pub burst: u32,
    /// Requests for each second.
    pub rate: u32,
}

/// Reads everything that runs here.
pub(super) fn read(
    document: &Document,
    resolver: &Resolver<'_>,
) -> Result<Template, TemplateError> {
    let apis = of_kind(document, resolver, "AWS::Serverless::HttpApi", throttle)?;
    let schedules = of_kind(
        document,
        resolver,
        "AWS::Scheduler::Schedule",
        queues::schedule,
    )?;
    let globals = &document.function_globals;
    let function = |id: &str, resource: &Resource, resolver: &Resolver<'_>| {
        functions::function(id, resource, globals, resolver)
    };
    Ok(Template {
        functions: of_kind(document, resolver, "AWS::Serverless::Function", function)?,
        tables: of_kind(document, resolver, "AWS::DynamoDB::Table", tables::table)?,
        queues: of_kind(document, resolver, "AWS::SQS::Queue", queues::queue)?,
        buckets: of_kind(document, resolver, "AWS::S3::Bucket", buckets::bucket)?,
        secrets: of_kind(
            document,
            resolver,
            "AWS::SecretsManager::Secret",
            secrets::secret,
        )?,
        buses: of_kind(document, resolver, "AWS::Events::EventBus", buses::bus)?,
        schedules: schedules.into_iter().flatten().collect(),
        throttle: apis.into_iter().flatten().next(),
        outputs: outputs(document, resolver)?,
    })
}

fn of_kind<T>(
    document: &Document,
    resolver: &Resolver<'_>,
    kind: &str,
    read: impl Fn(&str, &Resource, &Resolver<'_>) -> Result<T, TemplateError>,
) -> Result<Vec<T>, TemplateError> {
    let mut found = Vec::new();
    for (id, resource) in document.of_kind(kind) {
        if exists(id, resource.condition.as_deref(), resolver)? {
            found.push(read(id, resource, resolver)?);
        }
    }
    Ok(found)
}

fn exists(
    place: &str,
    condition: Option<&str>,
    resolver: &Resolver<'_>,
) -> Result<bool, TemplateError> {
    condition
        .map_or(Ok(true), |name| resolver.condition(name))
        .map_err(|fault| fault.at(place))
}

fn name(id: &str, resolver: &Resolver<'_>) -> Result<String, TemplateError> {
    resolver.name_of(id).map_err(|fault| fault.at(id))
}

fn throttle(
    id: &str,
    resource: &Resource,
    resolver: &Resolver<'_>,
) -> Result<Option<Throttle>, TemplateError> {
    let properties = Properties::new(id, &resource.properties, resolver);
    let settings = properties
        .value("DefaultRouteSettings")?
        .unwrap_or_default();
    let settings = properties.within(&settings);
    let burst = settings.number("ThrottlingBurstLimit")?;
    let rate = settings.number("ThrottlingRateLimit")?;
    Ok(burst
        .zip(rate)
        .map(|(burst, rate)| Throttle { burst, rate }))
}

fn outputs(
    document: &Document,
    resolver: &Resolver<'_>,
) -> Result<BTreeMap<String, String>, TemplateError> {
    let mut outputs = BTreeMap::new();
    for (name, output) in &document.outputs {
        let condition = output.get("Condition").and_then(Value::as_str);
        if exists(name, condition, resolver)? {
            let properties = Properties::new(name, output, resolver);
            outputs.insert(name.clone(), properties.required_text("Value")?);
        }
    }
    Ok(outputs)
}
