//! What the worker is told.

use crate::change::{EXPECTED_PERSONAL_FIELDS, PersonalFields};
use shared::config::{ConfigError, Environment};
use std::num::NonZeroU32;
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
    /// `IMOCHA_API_BASE_URL`, `IMOCHA_API_SECRET_ID`, `IMOCHA_API_CALLS_PER_MINUTE`.
    pub imocha: ApiConfig,
    /// `IMOCHA_ASK_TIMES`: how often it is asked for the same.
    pub imocha_ask_times: u64,
    /// The same of `JOBMOJITO`.
    pub jobmojito: ApiConfig,
    /// The same of `XOBIN`.
    pub xobin: ApiConfig,
    /// `XOBIN_SECRET_ID`: what Xobin shows us, for where it is registered.
    pub xobin_secret_id: String,
    /// `TESTLIFY_REPORT_BASE_URL`: what relative links are under.
    pub testlify_report_base_url: String,
    /// `EVENT_BUS_NAME`.
    pub event_bus_name: String,
    /// `PUBLISHED_PERSONAL_FIELDS`; empty is none.
    pub published_personal_fields: PersonalFields,
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
    /// How often it may be called. No vendor publishes its limit.
    pub calls_per_minute: NonZeroU32,
}

impl ApiConfig {
    fn read(environment: &Environment, vendor: &str) -> Result<Self, ConfigError> {
        let base_url = environment.required(&format!("{vendor}_API_BASE_URL"))?;
        Ok(Self {
            base_url: base_url.trim_end_matches('/').to_owned(),
            secret_id: environment.required(&format!("{vendor}_API_SECRET_ID"))?,
            calls_per_minute: environment
                .positive_number(&format!("{vendor}_API_CALLS_PER_MINUTE"))?,
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
            xobin_secret_id: environment.required("XOBIN_SECRET_ID")?,
            testlify_report_base_url: environment.required("TESTLIFY_REPORT_BASE_URL")?,
            event_bus_name: environment.required("EVENT_BUS_NAME")?,
            published_personal_fields: personal_fields(environment)?,
            endpoint_url: environment.endpoint_url()?,
        })
    }
}

fn personal_fields(environment: &Environment) -> Result<PersonalFields, ConfigError> {
    let name = "PUBLISHED_PERSONAL_FIELDS";
    let value = environment.optional(name).unwrap_or_default();
    value.parse().map_err(|_| ConfigError::Invalid {
        name: name.to_owned(),
        value,
        expected: EXPECTED_PERSONAL_FIELDS,
    })
}
