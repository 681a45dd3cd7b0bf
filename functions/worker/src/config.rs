//! What the worker is told.

use crate::change::{EXPECTED_PERSONAL_FIELDS, PersonalFields};
use crate::download::DownloadConfig;
use crate::download::hosts::{self, ReportHosts};
use shared::config::{ConfigError, Environment};
use std::collections::BTreeMap;
use std::num::NonZeroU32;
use std::path::PathBuf;
use std::time::Duration;
use url::Url;

/// The vendors whose reports are fetched, as their variables call them.
const VENDORS: [(&str, &str); 4] = [
    ("imocha", "IMOCHA"),
    ("jobmojito", "JOBMOJITO"),
    ("testlify", "TESTLIFY"),
    ("xobin", "XOBIN"),
];
/// What a Lambda function may write to.
const DIRECTORY: &str = "/tmp";
/// The largest `REPORT_MAX_MIB`: [`crate::download::AT_ONCE`] of them have to find room in the directory.
pub const MOST_MIB: u32 = 100;

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
    /// How reports are fetched and kept.
    pub reports: ReportsConfig,
    /// `ENDPOINT_URL`.
    pub endpoint_url: Option<String>,
}

/// How reports are fetched and kept.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ReportsConfig {
    /// `BUCKET_NAME`.
    pub bucket_name: String,
    /// `<VENDOR>_REPORT_HOSTS`, by source.
    pub hosts: BTreeMap<&'static str, ReportHosts>,
    /// Whether stand-ins on this machine may be called. They may where `ENDPOINT_URL` is set, and so never on AWS, where that
    /// stops the start.
    pub stand_ins: bool,
    /// `REPORT_MAX_MIB`, and where reports lie while they are fetched.
    pub download: DownloadConfig,
}

impl ReportsConfig {
    fn read(environment: &Environment) -> Result<Self, ConfigError> {
        let most_mib = most_mib(environment)?;
        let hosts =
            VENDORS.map(|(source, vendor)| Ok((source, report_hosts(environment, vendor)?)));
        Ok(Self {
            bucket_name: environment.required("BUCKET_NAME")?,
            hosts: hosts.into_iter().collect::<Result<_, ConfigError>>()?,
            stand_ins: environment.endpoint_url()?.is_some(),
            download: DownloadConfig {
                directory: PathBuf::from(DIRECTORY),
                most_bytes: u64::from(most_mib) * 1024 * 1024,
            },
        })
    }
}

fn report_hosts(environment: &Environment, vendor: &str) -> Result<ReportHosts, ConfigError> {
    let name = format!("{vendor}_REPORT_HOSTS");
    let value = environment.required(&name)?;
    value.parse().map_err(|_| ConfigError::Invalid {
        name,
        value,
        expected: hosts::EXPECTED,
    })
}

fn most_mib(environment: &Environment) -> Result<u32, ConfigError> {
    let name = "REPORT_MAX_MIB";
    let most = environment.whole_number(name)?;
    if (1..=MOST_MIB).contains(&most) {
        return Ok(most);
    }
    Err(ConfigError::Invalid {
        name: name.to_owned(),
        value: most.to_string(),
        expected: "a whole number from 1 to 100",
    })
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

/// A key goes there: in the clear to a stand-in on this machine alone, as the template's parameters have it.
fn base_url(environment: &Environment, name: String) -> Result<String, ConfigError> {
    let value = environment.required(&name)?;
    let fits = Url::parse(&value).is_ok_and(|url| {
        let is_here = matches!(url.host_str(), Some("localhost" | "127.0.0.1"));
        let is_secret = url.scheme() == "https" || is_here && url.scheme() == "http";
        let is_plain = url.username().is_empty() && url.password().is_none();
        is_secret && is_plain && url.query().is_none() && url.fragment().is_none()
    });
    if fits {
        return Ok(value.trim_end_matches('/').to_owned());
    }
    Err(ConfigError::Invalid {
        name,
        value,
        expected: "an address that begins with https:// and has neither a user nor a query",
    })
}

impl ApiConfig {
    fn read(environment: &Environment, vendor: &str) -> Result<Self, ConfigError> {
        Ok(Self {
            base_url: base_url(environment, format!("{vendor}_API_BASE_URL"))?,
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
            reports: ReportsConfig::read(environment)?,
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

#[cfg(test)]
mod tests {
    use super::*;

    fn read(changed: (&str, &str)) -> Result<ReportsConfig, ConfigError> {
        let hosts = VENDORS.map(|(source, vendor)| {
            let name = format!("{vendor}_REPORT_HOSTS");
            (name, format!("{source}.example.com"))
        });
        let others = [("BUCKET_NAME", "b"), ("REPORT_MAX_MIB", "50"), changed];
        let others = others.map(|(name, value)| (name.to_owned(), value.to_owned()));
        ReportsConfig::read(&Environment::of(hosts.into_iter().chain(others)))
    }

    #[test]
    fn every_vendor_has_its_own_hosts() {
        let reports = read(("REPORT_MAX_MIB", "50")).unwrap();
        assert_eq!(reports.download.most_bytes, 50 * 1024 * 1024);
        for (source, _) in VENDORS {
            let hosts = &reports.hosts[source];
            let of = |other: &str| hosts.have(&format!("{other}.example.com"));
            let whose: Vec<&str> = VENDORS
                .map(|(name, _)| name)
                .into_iter()
                .filter(|it| of(it))
                .collect();
            assert_eq!(whose, [source]);
        }
    }

    #[test]
    fn a_setting_of_the_reports_that_is_none_is_named_and_shown() {
        for (name, value) in [
            ("IMOCHA_REPORT_HOSTS", "https://app.imocha.io"),
            ("XOBIN_REPORT_HOSTS", "*.com"),
            ("TESTLIFY_REPORT_HOSTS", "127.0.0.1"),
            ("REPORT_MAX_MIB", "0"),
            ("REPORT_MAX_MIB", "101"),
            ("REPORT_MAX_MIB", "-1"),
        ] {
            let error = read((name, value)).unwrap_err().to_string();
            assert!(error.contains(name) && error.contains(value), "{error}");
        }
        let absent = Err(ConfigError::Absent("JOBMOJITO_REPORT_HOSTS".into()));
        assert_eq!(read(("JOBMOJITO_REPORT_HOSTS", "")), absent);
    }

    #[test]
    fn a_key_is_sent_in_the_clear_to_ones_own_machine_alone() {
        let read = |value: &str| {
            let settings = [
                ("ACME_API_BASE_URL", value),
                ("ACME_API_SECRET_ID", "acme"),
                ("ACME_API_CALLS_PER_MINUTE", "60"),
            ];
            let settings = settings.map(|(name, value)| (name.to_owned(), value.to_owned()));
            ApiConfig::read(&Environment::of(settings), "ACME").map(|api| api.base_url)
        };
        let api = read("https://api.example.com/v3/").unwrap();
        assert_eq!(api, "https://api.example.com/v3");
        for here in ["http://127.0.0.1:9001", "http://localhost:9001/v3"] {
            assert_eq!(read(here).as_deref(), Ok(here));
        }
        for wrong in [
            "http://127.0.0.1.example.com",
            "http://api.example.com",
            "api.example.com",
            "ftp://api.example.com",
            "https://me:secret@api.example.com",
            "https://api.example.com/?key=1",
            "https://api.example.com/#v3",
        ] {
            let error = read(wrong).unwrap_err().to_string();
            let says = error.contains("ACME_API_BASE_URL") && error.contains("https://");
            assert!(says, "{wrong}: {error}");
        }
    }

    #[test]
    fn stand_ins_may_be_called_on_ones_own_machine_alone() {
        let url = "http://127.0.0.1:9001";
        let stand_ins = |changed| read(changed).unwrap().stand_ins;
        assert!(!stand_ins(("ENDPOINT_URL", "")));
        assert!(stand_ins(("ENDPOINT_URL", url)));
        assert!(!stand_ins(("AWS_LAMBDA_INITIALIZATION_TYPE", "on-demand")));
    }
}
