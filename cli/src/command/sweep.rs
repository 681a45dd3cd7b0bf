//! `hooks sweep`: the schedule's message, now.

use crate::deployment::Deployment;
use crate::output;
use serde_json::json;
use shared::queue::Queue;
use worker::job::{Job, Message};

/// Sends it.
pub async fn send(deployment: &Deployment) -> anyhow::Result<()> {
    let message = Message {
        job: Job::Sweep,
        correlation_id: format!("sweep-{}", deployment.clock.now().unix_ms()),
    };
    Ok(deployment.queue()?.send(message.body()).await?)
}

/// The command.
pub async fn run(deployment: &Deployment, json: bool) -> anyhow::Result<()> {
    send(deployment).await?;
    if json {
        return output::json(&json!({ "messages": 1 }));
    }
    output::line("the worker is told to look for work that is due")
}
