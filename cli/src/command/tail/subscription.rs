//! A queue and a rule that leads to it, for as long as somebody looks.
//!
//! Both bear one name, made of the bus, the time and a random number, so that what a killed command left behind is found, told
//! from what is in use, and removed by the next one.

use crate::deployment::Deployment;
use anyhow::{Context, bail};
use aws_sdk_eventbridge::error::ProvideErrorMetadata;
use aws_sdk_eventbridge::types::Target;
use aws_sdk_sqs::operation::get_queue_url::GetQueueUrlError;
use aws_sdk_sqs::operation::receive_message::ReceiveMessageError;
use aws_sdk_sqs::types::{Message, QueueAttributeName};
use serde_json::{Value, json};
use sha2::{Digest, Sha256};
use shared::error::causes;
use shared::timestamp::Timestamp;
use std::collections::BTreeSet;
use std::time::Duration;

/// What the names of queue and rule begin with.
const PREFIX: &str = "hooks-tail";
const TARGET: &str = "queue";
const DESCRIPTION: &str = "Made by `hooks tail`, which removes it when it ends.";
const TAG: (&str, &str) = ("made-by", "hooks-tail");
const MOST_AT_ONCE: i32 = 10;
/// Less than what a call may take; who waits is asked again.
const WAIT_SECONDS: i32 = 4;
/// Nobody reads later what nobody read within the hour.
const KEPT_SECONDS: u32 = 3600;

/// A queue and a rule, from [`Subscription::begin`] to [`Subscription::end`].
pub struct Subscription<'a> {
    deployment: &'a Deployment,
    bus: &'a str,
    name: String,
}

impl<'a> Subscription<'a> {
    /// One of this deployment's bus. Nothing is made yet.
    pub fn new(deployment: &'a Deployment) -> anyhow::Result<Self> {
        let bus = deployment.output("EventBusName")?;
        let mut random = [0; 4];
        getrandom::fill(&mut random).context("there is no randomness")?;
        let now = deployment.clock.now().unix_seconds();
        let name = format!("{}{now}-{}", prefix(bus), hex::encode(random));
        Ok(Self {
            deployment,
            bus,
            name,
        })
    }

    /// The bus.
    pub const fn bus(&self) -> &str {
        self.bus
    }

    /// Makes the queue and the rule, and gives the queue's URL. Whatever comes of it, [`Subscription::end`] is to be called.
    pub async fn begin(&self, pattern: &Value) -> anyhow::Result<String> {
        let url = self.create_queue().await?;
        let queue_arn = self.queue_arn(&url).await?;
        let rule_arn = self.create_rule(pattern).await?;
        let policy = policy(&queue_arn, &rule_arn).to_string();
        let allow = self.deployment.sqs.set_queue_attributes().queue_url(&url);
        let allow = allow.attributes(QueueAttributeName::Policy, policy);
        allow
            .send()
            .await
            .context("the queue's policy cannot be set")?;
        let target = Target::builder().id(TARGET).arn(queue_arn).build()?;
        let events = &self.deployment.events;
        let lead = events.put_targets().event_bus_name(self.bus);
        let lead = lead.rule(&self.name).targets(target).send().await;
        let failed = lead.context("the rule's target cannot be set")?;
        if let Some(failed) = failed.failed_entries().first() {
            let code = failed.error_code().unwrap_or("no reason given");
            bail!("the rule's target cannot be set: {code}");
        }
        Ok(url)
    }

    async fn create_queue(&self) -> anyhow::Result<String> {
        let create = self.deployment.sqs.create_queue().queue_name(&self.name);
        let kept = KEPT_SECONDS.to_string();
        let create = create
            .attributes(QueueAttributeName::MessageRetentionPeriod, kept)
            .tags(TAG.0, TAG.1);
        let created = create.send().await.context("the queue cannot be made")?;
        created.queue_url.context("SQS did not say the queue's URL")
    }

    async fn queue_arn(&self, url: &str) -> anyhow::Result<String> {
        let name = QueueAttributeName::QueueArn;
        let get = self.deployment.sqs.get_queue_attributes().queue_url(url);
        let answer = get.attribute_names(name.clone()).send().await;
        let answer = answer.context("the queue cannot be looked at")?;
        let arn = answer.attributes().and_then(|it| it.get(&name)).cloned();
        arn.context("SQS did not say the queue's ARN")
    }

    async fn create_rule(&self, pattern: &Value) -> anyhow::Result<String> {
        let tag = aws_sdk_eventbridge::types::Tag::builder();
        let put = self.deployment.events.put_rule().name(&self.name);
        let put = put
            .event_bus_name(self.bus)
            .event_pattern(pattern.to_string())
            .description(DESCRIPTION)
            .tags(tag.key(TAG.0).value(TAG.1).build()?);
        let put = put.send().await.context("the rule cannot be made")?;
        put.rule_arn
            .context("EventBridge did not say the rule's ARN")
    }

    /// What has come, as soon as there is something, or nothing after a few seconds.
    pub async fn receive(&self, url: &str) -> anyhow::Result<Vec<Message>> {
        let receive = self.deployment.sqs.receive_message().queue_url(url);
        let receive = receive
            .max_number_of_messages(MOST_AT_ONCE)
            .wait_time_seconds(WAIT_SECONDS);
        match receive.send().await {
            Ok(answer) => Ok(answer.messages.unwrap_or_default()),
            Err(error) if error.as_service_error().is_some_and(is_gone) => bail!(
                "the queue {} is gone: another `hooks tail` takes for left behind what is older than a day; start anew",
                self.name
            ),
            Err(error) => Err(error).context("the queue cannot be read"),
        }
    }

    /// Takes a message out of the queue.
    pub async fn done_with(&self, url: &str, message: Message) -> anyhow::Result<()> {
        let delete = self.deployment.sqs.delete_message().queue_url(url);
        let delete = delete.set_receipt_handle(message.receipt_handle);
        let deleted = delete.send().await;
        deleted.context("a message cannot be taken out of the queue")?;
        Ok(())
    }

    /// Removes the queue and the rule, as far as they were made.
    pub async fn end(&self) -> anyhow::Result<()> {
        self.remove(&self.name).await.with_context(|| {
            format!(
                "the queue and the rule {} could not be removed; a `hooks tail` after a day removes them",
                self.name
            )
        })
    }

    /// Removes what a command that was killed left behind. That it cannot be done is told, and is no reason not to go on.
    pub async fn remove_left_behind(&self, after: Duration) {
        let names = match self.names().await {
            Ok(names) => names,
            Err(error) => return tell(&error),
        };
        let now = self.deployment.clock.now();
        for name in names {
            if made_at(&name, self.bus).is_some_and(|at| at.plus(after) <= now)
                && let Err(error) = self.remove(&name).await
            {
                tell(&error);
            }
        }
    }

    /// All queues and rules of this bus that bear such a name.
    async fn names(&self) -> anyhow::Result<BTreeSet<String>> {
        let prefix = prefix(self.bus);
        let queues = self.deployment.sqs.list_queues().queue_name_prefix(&prefix);
        let queues = queues.max_results(1000).into_paginator().items().send();
        let queues = queues.collect::<Result<Vec<String>, _>>().await;
        let queues = queues.context("the queues cannot be listed")?;
        let of_url = |url: String| url.rsplit('/').next().map(str::to_owned);
        let mut names: BTreeSet<String> = queues.into_iter().filter_map(of_url).collect();
        let mut from = None;
        loop {
            let rules = self.deployment.events.list_rules().event_bus_name(self.bus);
            let rules = rules.name_prefix(&prefix).set_next_token(from);
            let rules = rules.send().await.context("the rules cannot be listed")?;
            names.extend(rules.rules().iter().filter_map(|it| it.name.clone()));
            from = rules.next_token;
            if from.is_none() {
                return Ok(names);
            }
        }
    }

    /// The rule first, so that nothing is sent to a queue that is gone.
    async fn remove(&self, name: &str) -> anyhow::Result<()> {
        let events = &self.deployment.events;
        let release = events.remove_targets().event_bus_name(self.bus);
        let release = release.rule(name).ids(TARGET).send().await;
        absent_or(release)?;
        let delete = events.delete_rule().event_bus_name(self.bus);
        absent_or(delete.name(name).send().await)?;
        if let Some(url) = self.url_of(name).await? {
            let delete = self.deployment.sqs.delete_queue().queue_url(url);
            delete.send().await?;
        }
        Ok(())
    }

    async fn url_of(&self, name: &str) -> anyhow::Result<Option<String>> {
        let get = self.deployment.sqs.get_queue_url().queue_name(name);
        match get.send().await {
            Ok(answer) => Ok(answer.queue_url),
            Err(error) if error.as_service_error().is_some_and(is_absent) => Ok(None),
            Err(error) => Err(error).context("the queue cannot be looked for"),
        }
    }
}

fn is_absent(error: &GetQueueUrlError) -> bool {
    error.is_queue_does_not_exist()
}

fn is_gone(error: &ReceiveMessageError) -> bool {
    error.is_queue_does_not_exist()
}

/// Who wants something removed does not mind that it is not there.
fn absent_or<T, E>(result: Result<T, E>) -> anyhow::Result<()>
where
    E: ProvideErrorMetadata + std::error::Error + Send + Sync + 'static,
{
    match result {
        Err(error) if error.code() != Some("ResourceNotFoundException") => {
            Err(error).context("the rule cannot be removed")
        }
        Ok(_) | Err(_) => Ok(()),
    }
}

fn tell(error: &anyhow::Error) {
    let cause = causes(error.as_ref());
    eprintln!("what an earlier `hooks tail` may have left behind stays: {cause}");
}

/// What all names of one bus begin with. A bus may have a longer name than a rule may.
fn prefix(bus: &str) -> String {
    let mut digest = hex::encode(Sha256::digest(bus));
    digest.truncate(8);
    format!("{PREFIX}-{digest}-")
}

/// When what bears this name was made, if it is such a name.
fn made_at(name: &str, bus: &str) -> Option<Timestamp> {
    let (seconds, _) = name.strip_prefix(&prefix(bus))?.split_once('-')?;
    let seconds: i64 = seconds.parse().ok()?;
    Timestamp::from_unix_ms(seconds.checked_mul(1000)?)
}

/// Lets this rule, and nobody else, send to the queue.
fn policy(queue_arn: &str, rule_arn: &str) -> Value {
    json!({
        "Version": "2012-10-17",
        "Statement": [{
            "Effect": "Allow",
            "Principal": { "Service": "events.amazonaws.com" },
            "Action": "sqs:SendMessage",
            "Resource": queue_arn,
            "Condition": { "ArnEquals": { "aws:SourceArn": rule_arn } },
        }],
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_name_says_when_it_was_made_and_for_which_bus() {
        let name = format!("{}1768471200-01234567", prefix("bus"));
        assert!(name.len() <= 64, "a rule's name has at most 64 letters");
        let made = made_at(&name, "bus").unwrap();
        assert_eq!(made.to_string(), "2026-01-15T10:00:00.000Z");
        assert!(made_at(&name, "another").is_none());
        for name in ["hooks-tail-", "other", &format!("{}x-1", prefix("bus"))] {
            assert!(made_at(name, "bus").is_none(), "{name}");
        }
    }

    #[test]
    fn the_queue_takes_from_its_rule_alone() {
        let policy = policy("queue", "rule");
        let statement = &policy["Statement"][0];
        assert_eq!(statement["Resource"], "queue");
        assert_eq!(statement["Condition"]["ArnEquals"]["aws:SourceArn"], "rule");
        assert_eq!(statement["Principal"]["Service"], "events.amazonaws.com");
    }
}
