//! SQS behind [`Queue`].

use super::{Queue, QueueError};
use aws_sdk_sqs::Client;
use aws_sdk_sqs::operation::send_message::builders::SendMessageFluentBuilder;
use std::time::Duration;

/// The longest that SQS holds a message back.
pub const LONGEST_DELAY: Duration = Duration::from_mins(15);

/// One SQS queue.
#[derive(Clone, Debug)]
pub struct Sqs {
    client: Client,
    url: String,
}

impl Sqs {
    /// The queue at `url`.
    #[must_use]
    pub fn new(client: Client, url: String) -> Self {
        Self { client, url }
    }

    /// Opens the connection, by a batch without entries: SQS refuses it and nothing is sent.
    pub async fn connect(&self) {
        let empty = self.client.send_message_batch().queue_url(&self.url);
        let refused = empty.set_entries(Some(Vec::new())).send().await;
        tracing::debug!(refused = refused.is_err(), "connected to SQS");
    }

    /// Sends one message that comes after this time at the earliest: SQS counts in whole seconds, up to [`LONGEST_DELAY`].
    pub async fn send_later(&self, body: String, delay: Duration) -> Result<(), QueueError> {
        let seconds = delay.min(LONGEST_DELAY).as_millis().div_ceil(1000);
        let message = self.message(body);
        sent(message.delay_seconds(i32::try_from(seconds).unwrap_or(0))).await
    }

    fn message(&self, body: String) -> SendMessageFluentBuilder {
        let message = self.client.send_message().queue_url(&self.url);
        message.message_body(body)
    }
}

impl Queue for Sqs {
    async fn send(&self, body: String) -> Result<(), QueueError> {
        sent(self.message(body)).await
    }
}

async fn sent(message: SendMessageFluentBuilder) -> Result<(), QueueError> {
    match message.send().await {
        Ok(_) => Ok(()),
        Err(error) => Err(QueueError(Box::new(error))),
    }
}
