//! The AWS clients: built once, with time-outs, on one HTTP client and one TLS stack (`ring`; docs/adr says why).

use crate::ingest::Budgets;
pub use aws_config::SdkConfig;
use aws_config::retry::RetryConfig;
use aws_config::timeout::TimeoutConfig;
use aws_config::{BehaviorVersion, Region};
use aws_smithy_http_client::tls::Provider;
use aws_smithy_http_client::tls::rustls_provider::CryptoMode;
use std::time::Duration;

const CONNECT: Duration = Duration::from_millis(700);

/// What all clients share. `endpoint_url` is one address for all services, for engines on one's own machine.
pub async fn load(endpoint_url: Option<&str>) -> SdkConfig {
    loader(endpoint_url).load().await
}

/// The same for engines on one's own machine, whose credentials may be anything.
pub async fn load_local(endpoint_url: &str) -> SdkConfig {
    let keys =
        aws_sdk_dynamodb::config::Credentials::new("000000000000", "local", None, None, "local");
    loader(Some(endpoint_url))
        .credentials_provider(keys)
        .region(Region::from_static("eu-west-1"))
        .load()
        .await
}

fn loader(endpoint_url: Option<&str>) -> aws_config::ConfigLoader {
    let http_client = aws_smithy_http_client::Builder::new()
        .tls_provider(Provider::Rustls(CryptoMode::Ring))
        .build_https();
    let loader = aws_config::defaults(BehaviorVersion::latest()).http_client(http_client);
    match endpoint_url {
        Some(url) => loader.endpoint_url(url),
        None => loader,
    }
}

/// The time-outs of a client: of a call with all its tries, and of each try.
#[must_use]
pub fn timeouts(operation: Duration, attempt: Duration) -> TimeoutConfig {
    TimeoutConfig::builder()
        .connect_timeout(CONNECT)
        .operation_timeout(operation)
        .operation_attempt_timeout(attempt)
        .build()
}

/// Up to so many tries of a call, the first included.
#[must_use]
pub fn retries(tries: u32) -> RetryConfig {
    RetryConfig::standard()
        .with_max_attempts(tries)
        .with_initial_backoff(Duration::from_millis(50))
}

/// DynamoDB: up to three tries within a receiver's budget.
#[must_use]
pub fn dynamodb(config: &SdkConfig) -> aws_sdk_dynamodb::Client {
    let config = aws_sdk_dynamodb::config::Builder::from(config)
        .timeout_config(timeouts(
            Budgets::DEFAULT.store,
            Duration::from_millis(1400),
        ))
        .retry_config(retries(3))
        .build();
    aws_sdk_dynamodb::Client::from_conf(config)
}

/// SQS: up to two tries within a receiver's budget. `timeout` is how long a call may take in all.
#[must_use]
pub fn sqs(config: &SdkConfig, timeout: Duration) -> aws_sdk_sqs::Client {
    let config = aws_sdk_sqs::config::Builder::from(config)
        .timeout_config(timeouts(timeout, timeout.mul_f32(0.6)))
        .retry_config(retries(2))
        .build();
    aws_sdk_sqs::Client::from_conf(config)
}

/// SQS, as a receiver uses it.
#[must_use]
pub fn receivers_sqs(config: &SdkConfig) -> aws_sdk_sqs::Client {
    sqs(config, Budgets::DEFAULT.queue)
}

/// Secrets Manager: up to two tries within a receiver's budget.
#[must_use]
pub fn secrets_manager(config: &SdkConfig) -> aws_sdk_secretsmanager::Client {
    let config = aws_sdk_secretsmanager::config::Builder::from(config)
        .timeout_config(timeouts(
            Budgets::DEFAULT.secret,
            Budgets::DEFAULT.secret.mul_f32(0.6),
        ))
        .retry_config(retries(2))
        .build();
    aws_sdk_secretsmanager::Client::from_conf(config)
}
