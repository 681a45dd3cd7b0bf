//! The worker as a Lambda function: its settings, all that it leans on, and Lambda's loop.

use crate::Worker;
use crate::archive::{self, Archive};
use crate::bus::EventBridge;
use crate::config::WorkerConfig;
use crate::download::Downloads;
use crate::download::names::Names;
use crate::vendors::Vendors;
use aws_lambda_events::event::sqs::SqsEvent;
use lambda_runtime::{Error, LambdaEvent, service_fn};
use shared::aws;
use shared::clock::Clock;
use shared::config::Environment;
use shared::queue::Sqs;
use shared::secrets::{CachedSecret, SecretsManager};
use shared::store::Table;
use shared::telemetry::{self, Lines};
use shared::timestamp::Timestamp;
use std::convert::Infallible;
use std::sync::Arc;
use std::time::Duration;

/// What a call to SQS may take: the worker has more time than a receiver.
const QUEUE_TIMEOUT: Duration = Duration::from_secs(5);
/// What is left of the function's time when a message's own is up, so that the batch is still answered.
const TO_ANSWER: Duration = Duration::from_secs(2);
/// For an invocation that is over before it begins, and so has no deadline: Lambda makes none, but `cargo lambda watch` has all
/// of them end in 1970. As long as the template gives.
const UNLIMITED: Duration = Duration::from_mins(1);

/// Handles batches under any Lambda Runtime API, one after the other, until the process is ended. `names` knows the addresses of
/// the hosts that have reports.
///
/// # Errors
///
/// If the settings cannot be read, or Lambda's runtime API cannot be asked.
pub async fn run(names: Arc<dyn Names>) -> Result<(), Error> {
    let environment = Environment::of_process();
    let clock = Clock::system();
    telemetry::start(&environment, &clock)?;
    let config = telemetry::settings(WorkerConfig::read(&environment))?;
    let worker = worker(config, names, clock).await?;
    let worker = &worker;
    let service = service_fn(|event: LambdaEvent<SqsEvent>| async move {
        let left = time_left(worker.clock.now(), event.context.deadline);
        Ok::<_, Infallible>(worker.handle(event.payload, left).await)
    });
    lambda_runtime::run(service).await
}

/// How long the messages of a batch may take, all at once or one after the other.
fn time_left(now: Timestamp, deadline_ms: u64) -> Duration {
    let now_ms = u64::try_from(now.unix_ms()).unwrap_or_default();
    let left = Duration::from_millis(deadline_ms.saturating_sub(now_ms));
    let left = if left.is_zero() { UNLIMITED } else { left };
    left.saturating_sub(TO_ANSWER)
}

async fn worker(
    config: WorkerConfig,
    names: Arc<dyn Names>,
    clock: Clock,
) -> Result<Worker, Error> {
    let sdk = aws::load(config.endpoint_url.as_deref()).await;
    let secrets = SecretsManager::new(aws::secrets_manager(&sdk));
    let table = Table::new(aws::dynamodb(&sdk), config.table_name.clone());
    Ok(Worker {
        queue: Sqs::new(aws::sqs(&sdk, QUEUE_TIMEOUT), config.queue_url.clone()),
        people: CachedSecret::new(
            secrets.clone(),
            config.hash_key_secret_id.clone(),
            clock.clone(),
        ),
        vendors: Vendors::new(&config, &table, &secrets, &clock)?,
        lines: Lines::to_stdout(config.metrics_namespace.clone()),
        downloads: Downloads::new(config.reports.download.clone(), names)?,
        archive: Archive::new(archive::s3(&sdk), config.reports.bucket_name.clone()),
        reports: config.reports,
        bus: EventBridge::new(&sdk, config.event_bus_name, clock.clone()),
        published_personal_fields: config.published_personal_fields,
        table,
        keep_for: config.keep_for,
        imocha_ask_times: config.imocha_ask_times,
        clock,
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_batch_ends_before_its_invocation_does() {
        let now = Timestamp::from_unix_ms(1_767_268_800_000).unwrap();
        let left = |deadline| time_left(now, deadline).as_millis();
        assert_eq!(left(1_767_268_860_000), 58_000);
        assert_eq!(left(1_767_268_801_000), 0);
    }

    #[test]
    fn an_invocation_that_ended_before_it_began_has_the_templates_time() {
        let now = Timestamp::from_unix_ms(1_767_268_800_000).unwrap();
        assert_eq!(time_left(now, 600_000), Duration::from_secs(58));
    }
}
