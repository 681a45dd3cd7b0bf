//! The resources that run on this machine, typed.

mod functions;

use std::collections::BTreeMap;

use serde_json::{Map, Value, json};

use super::document::{Document, Resource};
use super::intrinsics::{Resolver, as_text};
use super::names::{arn, secret_arn};
use super::read::Properties;
use super::{Fault, Template, TemplateError};

pub use functions::{FunctionResource, QueueSource, Route};

/// A table, as `CreateTable` wants it.
#[derive(Debug, Clone)]
pub struct TableResource {
    /// The local name.
    pub name: String,
    /// The input of `CreateTable`.
    pub create: Value,
    /// The attribute that says when an item expires.
    pub time_to_live: Option<String>,
}

/// A queue, as `CreateQueue` wants it.
#[derive(Debug, Clone)]
pub struct QueueResource {
    /// The id in the template.
    pub logical_id: String,
    /// The local name.
    pub name: String,
    /// Its URL on this machine.
    pub url: String,
    /// The attributes of `CreateQueue`, numbers as text.
    pub attributes: BTreeMap<String, String>,
    /// The ARN of its dead-letter queue.
    pub dead_letter_arn: Option<String>,
}

/// A secret and how its first value comes about.
#[derive(Debug, Clone)]
pub struct SecretResource {
    /// The id in the template.
    pub logical_id: String,
    /// The local name.
    pub name: String,
    /// What the template says of it.
    pub description: Option<String>,
    /// Its first value.
    pub content: SecretContent,
}

/// A secret's first value.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum SecretContent {
    /// This text.
    Text(String),
    /// A generated password, put into an object where a key is given for it.
    Generated {
        /// The object around it, and the password's key in it.
        within: Option<(Map<String, Value>, String)>,
        /// How many letters and digits.
        length: usize,
    },
}

/// A schedule that is switched on.
#[derive(Debug, Clone)]
pub struct ScheduleResource {
    /// The id in the template.
    pub logical_id: String,
    /// Its name.
    pub name: String,
    /// Such as `rate(1 minute)`.
    pub expression: String,
    /// The queue that it sends to.
    pub target_arn: String,
    /// What it sends.
    pub input: String,
}

/// What the HTTP API lets through on each of its routes.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Throttle {
    /// Requests at once.
    pub burst: u32,
    /// Requests for each second.
    pub rate: u32,
}

impl QueueResource {
    /// The queue's ARN.
    #[must_use]
    pub fn arn(&self) -> String {
        arn("sqs", &self.name)
    }
}

impl SecretResource {
    /// What `SecretId` may say.
    #[must_use]
    pub fn arn(&self) -> String {
        secret_arn(&self.name)
    }
}

/// Reads everything that runs here.
pub(super) fn read(document: &Document, resolver: &Resolver<'_>) -> Result<Template, TemplateError> {
    let apis = of_kind(document, resolver, "AWS::Serverless::HttpApi", throttle)?;
    let schedules = of_kind(document, resolver, "AWS::Scheduler::Schedule", schedule)?;
    let globals = &document.function_globals;
    let function = |id: &str, resource: &Resource, resolver: &Resolver<'_>| {
        functions::function(id, resource, globals, resolver)
    };
    Ok(Template {
        functions: of_kind(document, resolver, "AWS::Serverless::Function", function)?,
        tables: of_kind(document, resolver, "AWS::DynamoDB::Table", table)?,
        queues: of_kind(document, resolver, "AWS::SQS::Queue", queue)?,
        secrets: of_kind(document, resolver, "AWS::SecretsManager::Secret", secret)?,
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

fn exists(place: &str, condition: Option<&str>, resolver: &Resolver<'_>) -> Result<bool, TemplateError> {
    condition.map_or(Ok(true), |name| resolver.condition(name)).map_err(|fault| fault.at(place))
}

fn name(id: &str, resolver: &Resolver<'_>) -> Result<String, TemplateError> {
    resolver.name_of(id).map_err(|fault| fault.at(id))
}

/// What `CreateTable` takes of a table's properties; the rest are settings of other operations.
const TABLE_PROPERTIES: [&str; 6] = [
    "AttributeDefinitions",
    "KeySchema",
    "BillingMode",
    "GlobalSecondaryIndexes",
    "LocalSecondaryIndexes",
    "ProvisionedThroughput",
];

fn table(
    id: &str,
    resource: &Resource,
    resolver: &Resolver<'_>,
) -> Result<TableResource, TemplateError> {
    let properties = Properties::new(id, &resource.properties, resolver);
    let name = name(id, resolver)?;
    let mut create = Map::new();
    create.insert("TableName".to_owned(), json!(name));
    for property in TABLE_PROPERTIES {
        if let Some(value) = properties.value(property)? {
            create.insert(property.to_owned(), value);
        }
    }
    let time_to_live = properties.value("TimeToLiveSpecification")?.unwrap_or_default();
    let time_to_live = properties.within(&time_to_live);
    let on = time_to_live.truth("Enabled")?.unwrap_or(false);
    let attribute = time_to_live.text("AttributeName")?;
    Ok(TableResource { name, create: Value::Object(create), time_to_live: attribute.filter(|_| on) })
}

/// What `CreateQueue` takes of a queue's numbers.
const QUEUE_NUMBERS: [&str; 5] = [
    "VisibilityTimeout",
    "DelaySeconds",
    "MessageRetentionPeriod",
    "MaximumMessageSize",
    "ReceiveMessageWaitTimeSeconds",
];

fn queue(
    id: &str,
    resource: &Resource,
    resolver: &Resolver<'_>,
) -> Result<QueueResource, TemplateError> {
    let properties = Properties::new(id, &resource.properties, resolver);
    let name = name(id, resolver)?;
    let mut attributes = BTreeMap::new();
    for property in QUEUE_NUMBERS {
        if let Some(number) = properties.number(property)? {
            attributes.insert(property.to_owned(), number.to_string());
        }
    }
    let redrive = properties.value("RedrivePolicy")?;
    if let Some(redrive) = &redrive {
        attributes.insert("RedrivePolicy".to_owned(), redrive.to_string());
    }
    let dead_letter_arn = redrive.as_ref().and_then(|redrive| redrive.get("deadLetterTargetArn"));
    let url = resolver.place().reference("AWS::SQS::Queue", &name);
    Ok(QueueResource {
        logical_id: id.to_owned(),
        url,
        name,
        attributes,
        dead_letter_arn: dead_letter_arn.and_then(as_text),
    })
}

/// What Secrets Manager generates when the template does not say how long.
const PASSWORD_LENGTH: u32 = 32;

fn secret(
    id: &str,
    resource: &Resource,
    resolver: &Resolver<'_>,
) -> Result<SecretResource, TemplateError> {
    let properties = Properties::new(id, &resource.properties, resolver);
    let content = match (properties.text("SecretString")?, properties.raw("GenerateSecretString")) {
        (Some(text), _) => SecretContent::Text(text),
        (None, Some(generate)) => generated(&properties.within(generate))?,
        (None, None) => return Err(properties.fault(Fault::Missing("GenerateSecretString"))),
    };
    let description = properties.text("Description")?;
    Ok(SecretResource { logical_id: id.to_owned(), name: name(id, resolver)?, description, content })
}

fn generated(properties: &Properties<'_>) -> Result<SecretContent, TemplateError> {
    let length = properties.number("PasswordLength")?.unwrap_or(PASSWORD_LENGTH);
    let length = usize::try_from(length).unwrap_or(usize::MAX).min(4096);
    let template = properties.text("SecretStringTemplate")?;
    let within = match (template, properties.text("GenerateStringKey")?) {
        (None, None) => None,
        (Some(template), Some(key)) => match serde_json::from_str(&template) {
            Ok(Value::Object(object)) => Some((object, key)),
            _ => return Err(properties.shape("SecretStringTemplate", "a JSON object")),
        },
        // CloudFormation takes one without the other, and Secrets Manager then refuses it.
        (None, Some(_)) => return Err(properties.fault(Fault::Missing("SecretStringTemplate"))),
        (Some(_), None) => return Err(properties.fault(Fault::Missing("GenerateStringKey"))),
    };
    Ok(SecretContent::Generated { within, length })
}

fn schedule(
    id: &str,
    resource: &Resource,
    resolver: &Resolver<'_>,
) -> Result<Option<ScheduleResource>, TemplateError> {
    let properties = Properties::new(id, &resource.properties, resolver);
    if properties.text("State")?.as_deref() == Some("DISABLED") {
        return Ok(None);
    }
    let target = properties.raw("Target").ok_or_else(|| properties.fault(Fault::Missing("Target")))?;
    let target = properties.within(target);
    Ok(Some(ScheduleResource {
        logical_id: id.to_owned(),
        name: name(id, resolver)?,
        expression: properties.required_text("ScheduleExpression")?,
        target_arn: target.required_text("Arn")?,
        input: target.required_text("Input")?,
    }))
}

fn throttle(
    id: &str,
    resource: &Resource,
    resolver: &Resolver<'_>,
) -> Result<Option<Throttle>, TemplateError> {
    let properties = Properties::new(id, &resource.properties, resolver);
    let settings = properties.value("DefaultRouteSettings")?.unwrap_or_default();
    let settings = properties.within(&settings);
    let burst = settings.number("ThrottlingBurstLimit")?;
    let rate = settings.number("ThrottlingRateLimit")?;
    Ok(burst.zip(rate).map(|(burst, rate)| Throttle { burst, rate }))
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
