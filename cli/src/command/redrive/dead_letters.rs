//! The dead-letter queue, from which messages are brought back into the queue that they died in.

use crate::deployment::Deployment;
use anyhow::Context;
use aws_sdk_sqs::types::{Message, MessageSystemAttributeName};
use shared::queue::{Queue, Sqs};
use shared::timestamp::Timestamp;

const MOST_AT_ONCE: i32 = 10;
/// With any wait, SQS asks all of its servers for messages and not some. By then it shows again what `hooks dlq list` has read.
const WAIT_SECONDS: i32 = 2;

/// The dead letters that there are when it begins. What is sent from then on has failed again, and stays.
pub(super) struct DeadLetters<'a> {
    deployment: &'a Deployment,
    queue: Sqs,
    began: Timestamp,
}

impl<'a> DeadLetters<'a> {
    pub fn of(deployment: &'a Deployment) -> anyhow::Result<Self> {
        Ok(Self {
            queue: deployment.queue()?,
            began: deployment.clock.now(),
            deployment,
        })
    }

    /// Some of them; none if there are no more.
    pub async fn receive(&self) -> anyhow::Result<Vec<Message>> {
        let request = self
            .deployment
            .sqs
            .receive_message()
            .queue_url(self.deployment.output("DeadLetterQueueUrl")?)
            .max_number_of_messages(MOST_AT_ONCE)
            .wait_time_seconds(WAIT_SECONDS)
            .message_system_attribute_names(MessageSystemAttributeName::SentTimestamp);
        let mut messages = request.send().await?.messages.unwrap_or_default();
        messages.retain(|message| sent_ms(message) < self.began.unix_ms());
        Ok(messages)
    }

    /// The message is in the queue again before it is deleted from the dead-letter queue: at worst it is there twice.
    pub async fn bring_back(&self, message: Message) -> anyhow::Result<()> {
        self.queue.send(message.body.unwrap_or_default()).await?;
        let handle = message.receipt_handle;
        let handle = handle.context("SQS gave a message without a receipt handle")?;
        let request = self.deployment.sqs.delete_message().receipt_handle(handle);
        let dead_letters = self.deployment.output("DeadLetterQueueUrl")?;
        request.queue_url(dead_letters).send().await?;
        Ok(())
    }
}

/// When a message was first sent: that it died does not change it.
fn sent_ms(message: &Message) -> i64 {
    let attributes = message.attributes();
    let sent = attributes.and_then(|it| it.get(&MessageSystemAttributeName::SentTimestamp));
    sent.and_then(|sent| sent.parse().ok()).unwrap_or(0)
}
