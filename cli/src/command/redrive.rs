//! `hooks redrive`: brings back what was parked, and the messages of the dead-letter queue.

use crate::deployment::Deployment;
use crate::output;
use anyhow::Context;
use serde_json::json;
use shared::queue::Queue;

const MOST_AT_ONCE: i32 = 10;

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

/// Each message is in the queue again before it is deleted from the dead-letter queue: at worst it is there twice. At most
/// as many are moved as were there at the start, since a message that fails again comes back.
async fn dead_letters(deployment: &Deployment) -> anyhow::Result<u64> {
    let queue = deployment.queue()?;
    let dead_letters = deployment.output("DeadLetterQueueUrl")?;
    let (mut moved, all) = (0, deployment.messages("DeadLetterQueueUrl").await?);
    while moved < all {
        let request = deployment
            .sqs
            .receive_message()
            .queue_url(dead_letters)
            .max_number_of_messages(MOST_AT_ONCE);
        let received = request.send().await?;
        if received.messages().is_empty() {
            break;
        }
        for message in received.messages() {
            queue
                .send(message.body().unwrap_or_default().to_owned())
                .await?;
            let handle = message
                .receipt_handle()
                .context("SQS gave a message without a receipt handle")?;
            deployment
                .sqs
                .delete_message()
                .queue_url(dead_letters)
                .receipt_handle(handle)
                .send()
                .await?;
            moved += 1;
        }
    }
    Ok(moved)
}
