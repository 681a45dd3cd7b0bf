//! The vendors' APIs, called from here alone.

mod answer;
pub mod client;
pub mod error;
#[cfg(feature = "fuzzing")]
#[doc(hidden)]
pub mod fuzzing;
pub mod imocha;
pub mod jobmojito;
pub mod limits;
pub mod quote;
mod raw;
pub mod result;
pub mod testlify;
pub mod xobin;

pub use client::ApiKey;
pub use error::VendorError;

pub(crate) use answer::retry_after;
pub use result::{ResultAnswer, VendorResult};

use crate::config::{ApiConfig, WorkerConfig};
use crate::download::body::Body;
use crate::download::link::LinkError;
use client::{Auth, Client, Timeouts};
use imocha::known::Known;
use limits::Limits;
use serde_json::Value;
use shared::clock::Clock;
use shared::event::Report;
use shared::key::SourceName;
use shared::limits::Limiter;
use shared::secrets::SecretsManager;
use shared::store::Table;
use shared::timestamp::Timestamp;

/// What a vendor's API says of a report.
pub enum Resolution {
    /// It is behind this link, which is not trusted yet.
    Link {
        /// As the vendor wrote it.
        url: String,
        /// Until when it works, where that is known.
        valid_until: Option<Timestamp>,
    },
    /// This is it.
    Pdf(Body),
    /// The vendor is still making it.
    NotReady,
    /// The vendor cannot be asked for it.
    Impossible(&'static str),
}

/// The sources whose vendors have an API that tells results.
pub const RESULTS: [SourceName; 3] = [imocha::SOURCE, jobmojito::SOURCE, xobin::SOURCE];

/// All of them.
pub struct Vendors {
    /// iMocha's.
    pub imocha: imocha::Api,
    jobmojito: jobmojito::Api,
    /// Xobin's.
    pub xobin: xobin::Api,
    testlify: testlify::Links,
}

impl Vendors {
    /// With one HTTP client for all. The table holds what is known of how often each may be called.
    pub fn new(
        config: &WorkerConfig,
        table: &Table,
        secrets: &SecretsManager,
        clock: &Clock,
    ) -> Result<Self, VendorError> {
        let http = client::http(Timeouts::DEFAULT)?;
        let client = |vendor, auth, api: &ApiConfig| {
            let limiter = Limiter::per_minute(api.calls_per_minute);
            let limits = Limits::new(vendor, limiter, table.clone(), clock.clone());
            let (http, secrets) = (http.clone(), secrets.clone());
            Client::new((vendor, auth), limits, http, api, secrets, clock.clone())
        };
        let imocha = client("imocha", Auth::Header("x-api-key"), &config.imocha);
        let jobmojito = client("jobmojito", Auth::Bearer, &config.jobmojito);
        let xobin = client("xobin", Auth::Header("apiKey"), &config.xobin);
        let inbound = xobin::webhooks::Inbound::new(secrets.clone(), config, clock.clone());
        Ok(Self {
            imocha: imocha::Api::new(imocha, Known::new(table.clone(), clock.clone())),
            jobmojito: jobmojito::Api(jobmojito),
            xobin: xobin::Api::new(xobin, inbound),
            testlify: testlify::Links::new(&config.testlify_report_base_url)?,
        })
    }

    /// Whether what the vendor calls in may be in doubt, and its API tells results, and a key is set for it. Xobin's calls carry a
    /// credential.
    pub async fn reads_results(&self, source: &str) -> bool {
        match source {
            imocha::SOURCE => self.imocha.is_on().await,
            jobmojito::SOURCE => self.jobmojito.is_on().await,
            _ => false,
        }
    }

    /// Asks the vendor's API for an attempt's result.
    pub async fn result(&self, source: &str, attempt: &str) -> Result<ResultAnswer, VendorError> {
        match source {
            imocha::SOURCE => self.imocha.result(attempt).await,
            jobmojito::SOURCE => self.jobmojito.result(attempt).await,
            xobin::SOURCE => self.xobin.result(attempt).await,
            _ => Err(VendorError::Off),
        }
    }

    /// The link that an event had, absolute: Testlify's may be relative.
    pub(crate) fn absolute(&self, source: &str, link: &str) -> Result<String, LinkError> {
        if source == "testlify" {
            return self.testlify.absolute(link);
        }
        Ok(link.to_owned())
    }

    /// Asks the vendor's API for a link to an attempt's report.
    pub(crate) async fn report_link(
        &self,
        source: &str,
        attempt: &str,
    ) -> Result<Resolution, VendorError> {
        not_there_yet(match source {
            "imocha" => self.imocha.report_link(attempt).await,
            "jobmojito" => self.jobmojito.report_link(attempt).await,
            "xobin" => self.xobin.report_link(attempt).await,
            _ => Ok(Resolution::Impossible(
                "the vendor documents no call that gives a report's link",
            )),
        })
    }

    /// Asks the vendor's API for the report itself.
    pub(crate) async fn report_pdf(
        &self,
        source: &str,
        attempt: &str,
    ) -> Result<Resolution, VendorError> {
        not_there_yet(match source {
            "imocha" => self.imocha.report_pdf(attempt).await,
            "xobin" => self.xobin.report_pdf(attempt).await,
            _ => Ok(Resolution::Impossible(
                "the vendor documents no call that gives a report",
            )),
        })
    }
}

/// Right after an attempt is finished, its report may not be there yet.
fn not_there_yet(resolution: Result<Resolution, VendorError>) -> Result<Resolution, VendorError> {
    match resolution {
        Err(VendorError::NotFound) => Ok(Resolution::NotReady),
        resolution => resolution,
    }
}

/// A link that the vendor's API gave, or nothing yet.
fn from_api(link: Option<&str>, valid_until: Option<Timestamp>) -> Resolution {
    match Report::from_link(link, valid_until) {
        Some(Report::Link { url, valid_until }) => Resolution::Link { url, valid_until },
        Some(Report::OnRequest) | None => Resolution::NotReady,
    }
}

/// Whether an answer is about what was asked for: some vendors name it, and another's report must not be taken for it.
fn is_of(answered: Option<&Value>, attempt: &str) -> bool {
    match answered {
        Some(Value::String(id)) => id.trim() == attempt,
        Some(Value::Number(id)) => id.to_string() == attempt,
        _ => true,
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    #[test]
    fn an_api_that_has_no_link_yet_is_asked_again() {
        for link in [None, Some(""), Some("null")] {
            assert!(matches!(from_api(link, None), Resolution::NotReady));
        }
    }

    #[test]
    fn an_answer_that_names_another_is_not_of_this_one() {
        for answered in [
            None,
            Some(json!(null)),
            Some(json!(7)),
            Some(json!("7")),
            Some(json!(" 7")),
        ] {
            assert!(is_of(answered.as_ref(), "7"), "{answered:?}");
        }
        for answered in [json!(8), json!("8"), json!("77"), json!("")] {
            assert!(!is_of(Some(&answered), "7"), "{answered}");
        }
    }
}
