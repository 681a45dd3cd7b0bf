//! `hooks redrive`: brings back what was parked, and the messages of the dead-letter queue.

use crate::deployment::Deployment;
use crate::output;
use anyhow::Context;
use aws_sdk_sqs::types::{Message, MessageSystemAttributeName};
use serde_json::json;
use shared::queue::{Queue, Sqs};

const MOST_AT_ONCE: i32 = 10;
/// With any wait, SQS asks all of its servers for messages and not some. By then it shows again what `hooks dlq list` has read.
const WAIT_SECONDS: i32 = 2;

/// Brings both back.
pub async fn run(deployment: &Deployment, json: bool) -> anyhow::Result<()> {
    let items = parked(deployment).await?;
    let messages = dead_letters(deployment).await?;
    if json {
        return output::json(&json!({ "items": items, "messages": messages }));
    }
    output::line(&format!(
        "{items} parked items are due again, {messages} messages are back in the queue"
    ))
}

async fn parked(deployment: &Deployment) -> anyhow::Result<usize> {
    let mut brought_back = 0;
    for item in deployment.table.parked().await? {
        if deployment
            .table
            .redrive(&item, deployment.clock.now())
            .await?
        {
            brought_back += 1;
        }
    }
    Ok(brought_back)
}

/// All that was there when this began. What was sent since then has failed again, and stays.
async fn dead_letters(deployment: &Deployment) -> anyhow::Result<u64> {
    let (queue, began) = (deployment.queue()?, deployment.clock.now());
    let mut moved = 0;
    loop {
        let mut messages = receive(deployment).await?;
        messages.retain(|message| sent_ms(message) < began.unix_ms());
        if messages.is_empty() {
            return Ok(moved);
        }
        for message in messages {
            bring_back(deployment, &queue, message).await?;
            moved += 1;
        }
    }
}

async fn receive(deployment: &Deployment) -> anyhow::Result<Vec<Message>> {
    let request = deployment
        .sqs
        .receive_message()
        .queue_url(deployment.output("DeadLetterQueueUrl")?)
        .max_number_of_messages(MOST_AT_ONCE)
        .wait_time_seconds(WAIT_SECONDS)
        .message_system_attribute_names(MessageSystemAttributeName::SentTimestamp);
    Ok(request.send().await?.messages.unwrap_or_default())
}

/// When a message was first sent: that it died does not change it.
fn sent_ms(message: &Message) -> i64 {
    let attributes = message.attributes();
    let sent = attributes.and_then(|it| it.get(&MessageSystemAttributeName::SentTimestamp));
    sent.and_then(|sent| sent.parse().ok()).unwrap_or(0)
}

/// The message is in the queue again before it is deleted from the dead-letter queue: at worst it is there twice.
async fn bring_back(deployment: &Deployment, queue: &Sqs, message: Message) -> anyhow::Result<()> {
    queue.send(message.body.unwrap_or_default()).await?;
    let handle = message.receipt_handle;
    let handle = handle.context("SQS gave a message without a receipt handle")?;
    let request = deployment.sqs.delete_message().receipt_handle(handle);
    let dead_letters = deployment.output("DeadLetterQueueUrl")?;
    request.queue_url(dead_letters).send().await?;
    Ok(())
}
