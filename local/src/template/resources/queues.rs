//! Queues, and the schedules that send to them.

use std::collections::BTreeMap;

use super::super::document::Resource;
use super::super::intrinsics::{Resolver, as_text};
use super::super::names::queue_arn;
use super::super::read::Properties;
use super::super::{Fault, TemplateError};
use super::name;

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

impl QueueResource {
    /// The queue's ARN.
    #[must_use]
    pub fn arn(&self) -> String {
        queue_arn(&self.name)
    }
}

/// What `CreateQueue` takes of a queue's numbers.
const QUEUE_NUMBERS: [&str; 5] = [
    "VisibilityTimeout",
    "DelaySeconds",
    "MessageRetentionPeriod",
    "MaximumMessageSize",
    "ReceiveMessageWaitTimeSeconds",
];

pub(super) fn queue(
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
    let dead_letter_arn = redrive
        .as_ref()
        .and_then(|redrive| redrive.get("deadLetterTargetArn"));
    let url = resolver.place().reference("AWS::SQS::Queue", &name);
    Ok(QueueResource {
        logical_id: id.to_owned(),
        url,
        name,
        attributes,
        dead_letter_arn: dead_letter_arn.and_then(as_text),
    })
}

pub(super) fn schedule(
    id: &str,
    resource: &Resource,
    resolver: &Resolver<'_>,
) -> Result<Option<ScheduleResource>, TemplateError> {
    let properties = Properties::new(id, &resource.properties, resolver);
    if properties.text("State")?.as_deref() == Some("DISABLED") {
        return Ok(None);
    }
    let target = properties
        .raw("Target")
        .ok_or_else(|| properties.fault(Fault::Missing("Target")))?;
    let target = properties.within(target);
    Ok(Some(ScheduleResource {
        logical_id: id.to_owned(),
        name: name(id, resolver)?,
        expression: properties.required_text("ScheduleExpression")?,
        target_arn: target.required_text("Arn")?,
        input: target.required_text("Input")?,
    }))
}
