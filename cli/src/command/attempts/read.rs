//! `hooks attempts read`: has the worker ask a vendor's API for an attempt's result.
//!
//! The command makes the work and a message, and watches the work: only the worker talks to vendors. What the API says is kept as
//! an event and folded, like all others.

use crate::args::AttemptsReadArgs;
use crate::deployment::Deployment;
use crate::exit::WrongUse;
use crate::sources;
use anyhow::{Context, bail};
use shared::key::{CONFIRMATION, ItemKey};
use shared::queue::Queue;
use shared::store::{Confirmation, ConfirmationOutcome};
use std::time::Duration;
use worker::job::{Job, Message};
use worker::vendors::RESULTS;

const LOOK_AGAIN: Duration = Duration::from_millis(300);

/// Has the result read, waits for it, and shows the attempt.
pub async fn read(
    deployment: &Deployment,
    args: &AttemptsReadArgs,
    json: bool,
) -> anyhow::Result<()> {
    let source = sources::named(&args.attempt.source)?.name;
    if !RESULTS.contains(&source) {
        let text = format!(
            "{source} has no API that tells a result: {} have",
            RESULTS.join(", ")
        );
        return Err(WrongUse(text).into());
    }
    let key = ItemKey::of_attempt(source, &args.attempt.attempt, CONFIRMATION);
    request(deployment, &key).await?;
    let confirmation = watch(deployment, &key, args.timeout).await?;
    end(&confirmation, source, args.timeout)?;
    super::show(deployment, &args.attempt, json).await
}

/// What waits to be read already is read now.
async fn request(deployment: &Deployment, key: &ItemKey) -> anyhow::Result<()> {
    let now = deployment.clock.now();
    deployment.table.request_confirmation(key, now).await?;
    let message = Message {
        job: Job::ReadResult(key.clone()),
        correlation_id: format!("attempts-read-{}", now.unix_ms()),
    };
    deployment.queue()?.send(message.body()).await?;
    Ok(())
}

async fn watch(
    deployment: &Deployment,
    key: &ItemKey,
    timeout_seconds: u32,
) -> anyhow::Result<Confirmation> {
    let timeout = Duration::from_secs(timeout_seconds.into());
    let until = deployment.clock.now().plus(timeout);
    loop {
        let confirmation = deployment.table.confirmation(key).await?;
        let confirmation = confirmation.context("the work to read the result is gone")?;
        let is_read = confirmation.outcome != ConfirmationOutcome::Pending;
        let is_over = is_read && is_folded(deployment, key).await?;
        if is_over || deployment.clock.now() >= until {
            return Ok(confirmation);
        }
        tokio::time::sleep(LOOK_AGAIN).await;
    }
}

/// Whether what was read is part of the attempt's state.
async fn is_folded(deployment: &Deployment, key: &ItemKey) -> anyhow::Result<bool> {
    let partition = deployment.table.partition(&key.pk).await?;
    Ok(partition.events.iter().all(|event| !event.marked))
}

/// Fails if there is no result, and says why.
fn end(confirmation: &Confirmation, source: &str, timeout_seconds: u32) -> anyhow::Result<()> {
    match confirmation.outcome {
        ConfirmationOutcome::Confirmed | ConfirmationOutcome::Differs => Ok(()),
        ConfirmationOutcome::Absent => bail!("{source}'s API does not know the attempt"),
        ConfirmationOutcome::Unclear => {
            bail!("what {source}'s API says of the attempt cannot be placed: see the worker's log")
        }
        ConfirmationOutcome::Off => {
            bail!("{source}'s API key is not set: `hooks secrets set {source}-api api_key`")
        }
        ConfirmationOutcome::Pending => bail!(
            "{source}'s API has not told the result within {timeout_seconds} seconds: the worker asks again, at growing distances, for a day; `hooks attempts show` tells what came of it"
        ),
    }
}
