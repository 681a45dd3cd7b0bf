//! Makes what the template describes: secrets, tables, buckets, queues, buses. What a data directory kept is taken as it is.

use std::time::Duration;

use serde_json::{Map, Value, json};

use super::{BundleError, Options};
use crate::engine::{EngineError, Engines, Service};
use crate::random;
use crate::template::{
    FunctionResource, QueueResource, SecretContent, SecretResource, TableResource, Template,
};

/// Makes everything, in the order in which it depends on each other.
pub(super) async fn provision(
    engines: &Engines,
    template: &Template,
    options: &Options,
) -> Result<(), BundleError> {
    check_names(template, options)?;
    for resource in &template.secrets {
        secret(engines, resource, options.secrets.get(&resource.logical_id)).await?;
    }
    for resource in &template.tables {
        table(engines, resource).await?;
    }
    for resource in &template.buckets {
        engines.objects.create(resource).await?;
    }
    for resource in &template.queues {
        let override_for = options
            .visibility_timeout
            .filter(|_| is_polled(resource, template));
        queue(engines, resource, override_for).await?;
    }
    for resource in &template.buses {
        let create = json!({ "Name": resource.name });
        engines
            .call(Service::EventBridge, "CreateEventBus", &create)
            .await?;
    }
    Ok(())
}

fn check_names(template: &Template, options: &Options) -> Result<(), BundleError> {
    let secrets = |id: &str| {
        template
            .secrets
            .iter()
            .any(|secret| secret.logical_id == id)
    };
    let functions = |id: &str| {
        template
            .functions
            .iter()
            .any(|function| function.logical_id == id)
    };
    let unknown_secret = options.secrets.keys().find(|id| !secrets(id));
    let unknown_function = options
        .function_environment
        .keys()
        .find(|id| !functions(id));
    match unknown_secret.or(unknown_function) {
        Some(id) => Err(BundleError::UnknownLogicalId(id.clone())),
        None => Ok(()),
    }
}

fn is_polled(queue: &QueueResource, template: &Template) -> bool {
    let arn = queue.arn();
    let polls = |function: &FunctionResource| function.sources.iter().any(|it| it.queue_arn == arn);
    template.functions.iter().any(polls)
}

async fn secret(
    engines: &Engines,
    resource: &SecretResource,
    fields: Option<&Value>,
) -> Result<(), BundleError> {
    let text = merged(resource, first_value(&resource.content), fields)?;
    let create = json!({
        "Name": resource.name, "Description": resource.description, "SecretString": text,
    });
    match engines
        .call(Service::SecretsManager, "CreateSecret", &create)
        .await
    {
        Ok(_) => Ok(()),
        Err(error) if error.is("ResourceExistsException") => {
            update(engines, resource, fields).await
        }
        Err(error) => Err(error.into()),
    }
}

/// A secret that was kept gets a new version only if the fields say something else than it does.
async fn update(
    engines: &Engines,
    resource: &SecretResource,
    fields: Option<&Value>,
) -> Result<(), BundleError> {
    if fields.is_none() {
        return Ok(());
    }
    let id = json!({ "SecretId": resource.name });
    let kept = engines
        .call(Service::SecretsManager, "GetSecretValue", &id)
        .await?;
    let kept = kept
        .get("SecretString")
        .and_then(Value::as_str)
        .unwrap_or_default();
    let text = merged(resource, kept.to_owned(), fields)?;
    if text != kept {
        let put = json!({ "SecretId": resource.name, "SecretString": text });
        engines
            .call(Service::SecretsManager, "PutSecretValue", &put)
            .await?;
    }
    Ok(())
}

fn first_value(content: &SecretContent) -> String {
    match content {
        SecretContent::Text(text) => text.clone(),
        SecretContent::Generated {
            within: None,
            length,
        } => random::letters_and_digits(*length),
        SecretContent::Generated {
            within: Some((object, key)),
            length,
        } => {
            let mut object = object.clone();
            object.insert(
                key.clone(),
                Value::String(random::letters_and_digits(*length)),
            );
            Value::Object(object).to_string()
        }
    }
}

fn merged(
    resource: &SecretResource,
    text: String,
    fields: Option<&Value>,
) -> Result<String, BundleError> {
    let Some(fields) = fields else {
        return Ok(text);
    };
    let object: Option<Map<String, Value>> = serde_json::from_str(&text).ok();
    let (Some(mut object), Some(fields)) = (object, fields.as_object()) else {
        return Err(BundleError::SecretNotObject(resource.logical_id.clone()));
    };
    object.extend(fields.clone());
    Ok(Value::Object(object).to_string())
}

async fn table(engines: &Engines, resource: &TableResource) -> Result<(), EngineError> {
    match engines
        .call(Service::DynamoDb, "CreateTable", &resource.create)
        .await
    {
        Ok(_) => {}
        Err(error) if error.is("ResourceInUseException") => {}
        Err(error) => return Err(error),
    }
    let Some(attribute) = &resource.time_to_live else {
        return Ok(());
    };
    let describe = json!({ "TableName": resource.name });
    let described = engines
        .call(Service::DynamoDb, "DescribeTimeToLive", &describe)
        .await?;
    let status = described.pointer("/TimeToLiveDescription/TimeToLiveStatus");
    if status.and_then(Value::as_str) == Some("ENABLED") {
        return Ok(());
    }
    let update = json!({
        "TableName": resource.name,
        "TimeToLiveSpecification": { "AttributeName": attribute, "Enabled": true },
    });
    engines
        .call(Service::DynamoDb, "UpdateTimeToLive", &update)
        .await?;
    Ok(())
}

async fn queue(
    engines: &Engines,
    resource: &QueueResource,
    visibility_timeout: Option<Duration>,
) -> Result<(), EngineError> {
    let mut attributes = resource.attributes.clone();
    if let Some(timeout) = visibility_timeout {
        // Whole seconds, and not none: a message that is visible at once would go round in a circle.
        let seconds = timeout.as_millis().div_ceil(1000).max(1);
        attributes.insert("VisibilityTimeout".to_owned(), seconds.to_string());
    }
    let create = json!({ "QueueName": resource.name, "Attributes": attributes });
    engines.call(Service::Sqs, "CreateQueue", &create).await?;
    Ok(())
}
