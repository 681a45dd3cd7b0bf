//! SQS behind [`Queue`].

use super::{Queue, QueueError};
use aws_sdk_sqs::Client;

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
}

impl Queue for Sqs {
    async fn send(&self, body: String) -> Result<(), QueueError> {
        let message = self
            .client
            .send_message()
            .queue_url(&self.url)
            .message_body(body);
        match message.send().await {
            Ok(_) => Ok(()),
            Err(error) => Err(QueueError(Box::new(error))),
        }
    }
}
