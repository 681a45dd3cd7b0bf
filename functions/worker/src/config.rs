//! What the worker is told.

use shared::config::{ConfigError, Environment};
use std::time::Duration;

/// The worker's settings.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct WorkerConfig {
    /// `TABLE_NAME`.
    pub table_name: String,
    /// `QUEUE_URL`.
    pub queue_url: String,
    /// `HASH_KEY_SECRET_ID`.
    pub hash_key_secret_id: String,
    /// `METRICS_NAMESPACE`.
    pub metrics_namespace: String,
    /// `RETENTION_DAYS`; 0 is for ever.
    pub keep_for: Option<Duration>,
    /// `IMOCHA_API_BASE_URL`, `IMOCHA_API_SECRET_ID`.
    pub imocha: ApiConfig,
    /// `IMOCHA_ASK_TIMES`: how often it is asked for the same.
    pub imocha_ask_times: u64,
    /// `JOBMOJITO_API_BASE_URL`, `JOBMOJITO_API_SECRET_ID`.
    pub jobmojito: ApiConfig,
    /// `XOBIN_API_BASE_URL`, `XOBIN_API_SECRET_ID`.
    pub xobin: ApiConfig,
    /// `TESTLIFY_REPORT_BASE_URL`: what relative links are under.
    pub testlify_report_base_url: String,
    /// `ENDPOINT_URL`.
    pub endpoint_url: Option<String>,
}

/// Where a vendor's API is, and where its key.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ApiConfig {
    /// Without a slash at the end.
    pub base_url: String,
    /// The secret `{"api_key"}`. While the key is empty, the API is off.
    pub secret_id: String,
}

impl ApiConfig {
    fn read(environment: &Environment, vendor: &str) -> Result<Self, ConfigError> {
        let base_url = environment.required(&format!("{vendor}_API_BASE_URL"))?;
        Ok(Self {
            base_url: base_url.trim_end_matches('/').to_owned(),
            secret_id: environment.required(&format!("{vendor}_API_SECRET_ID"))?,
        })
    }
}

impl WorkerConfig {
    /// Reads it.
    pub fn read(environment: &Environment) -> Result<Self, ConfigError> {
        let days = environment.whole_number("RETENTION_DAYS")?;
        Ok(Self {
            table_name: environment.required("TABLE_NAME")?,
            queue_url: environment.required("QUEUE_URL")?,
            hash_key_secret_id: environment.required("HASH_KEY_SECRET_ID")?,
            metrics_namespace: environment.required("METRICS_NAMESPACE")?,
            keep_for: (days > 0).then(|| Duration::from_hours(24) * days),
            imocha: ApiConfig::read(environment, "IMOCHA")?,
            imocha_ask_times: environment.whole_number("IMOCHA_ASK_TIMES")?.into(),
            jobmojito: ApiConfig::read(environment, "JOBMOJITO")?,
            xobin: ApiConfig::read(environment, "XOBIN")?,
            testlify_report_base_url: environment.required("TESTLIFY_REPORT_BASE_URL")?,
            endpoint_url: environment.endpoint_url()?,
        })
    }
}
