//! A receiving function: wired once for all sources.

use crate::aws;
use crate::clock::Clock;
use crate::config::{Environment, ReceiverConfig};
use crate::error::causes;
use crate::http::{handle, without_address};
use crate::ingest::{Budgets, Receiver};
use crate::queue::Sqs;
use crate::secrets::{CachedSecret, SecretsManager};
use crate::source::Source;
use crate::store::Table;
use crate::telemetry::{self, Lines};
pub use lambda_http::Error;
use lambda_http::tower::ServiceExt;
use lambda_http::{Adapter, Request, lambda_runtime, service_fn};
use std::convert::Infallible;

type LambdaReceiver<S> = Receiver<S, SecretsManager, Table, Sqs>;

/// Runs a source's function under any Lambda Runtime API.
pub async fn run<S: Source>(source: S) -> Result<(), Error> {
    let environment = Environment::of_process();
    let clock = Clock::system();
    telemetry::start(&environment, &clock)?;
    let config = telemetry::settings(ReceiverConfig::read(&environment, S::HASHES_PEOPLE))?;
    let lines = Lines::to_stdout(config.metrics_namespace.clone());
    let receiver = receiver(source, config, &clock).await;
    connect(&receiver).await;
    let (receiver, clock, lines) = (&receiver, &clock, &lines);
    let service = service_fn(|request: Request| async move {
        Ok::<_, Infallible>(handle(receiver, clock, lines, request).await)
    });
    lambda_runtime::run(Adapter::from(service).map_request(without_address)).await
}

async fn receiver<S: Source>(
    source: S,
    config: ReceiverConfig,
    clock: &Clock,
) -> LambdaReceiver<S> {
    let sdk = aws::load(config.endpoint_url.as_deref()).await;
    let secrets = SecretsManager::new(aws::secrets_manager(&sdk));
    Receiver {
        source,
        credentials: CachedSecret::new(secrets.clone(), config.source_secret_id, clock.clone()),
        people: config
            .hash_key_secret_id
            .map(|id| CachedSecret::new(secrets, id, clock.clone())),
        events: Table::new(aws::dynamodb(&sdk), config.table_name),
        queue: Sqs::new(aws::receivers_sqs(&sdk), config.queue_url),
        budgets: Budgets::DEFAULT,
    }
}

/// Opens all connections and reads the secrets during init, so that the first webhook after a cold start finds both. What
/// fails here is tried again with the first webhook.
async fn connect<S: Source>(receiver: &LambdaReceiver<S>) {
    let credentials = async {
        if let Err(error) = receiver.credentials.versions().await {
            tracing::error!(
                webhook.source = S::NAME,
                error = causes(&error),
                "no credentials yet"
            );
        }
    };
    let people = async {
        if let Some(people) = &receiver.people
            && let Err(error) = people.versions().await
        {
            tracing::error!(
                webhook.source = S::NAME,
                error = causes(&error),
                "no hash key yet"
            );
        }
    };
    futures_util::future::join4(
        credentials,
        people,
        receiver.events.connect(S::NAME),
        receiver.queue.connect(),
    )
    .await;
}
