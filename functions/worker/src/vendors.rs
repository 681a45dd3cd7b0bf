//! The vendors' APIs, called from here alone.

mod answer;
pub mod client;
pub mod error;
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

pub use result::{ResultAnswer, VendorResult};

use crate::config::{ApiConfig, WorkerConfig};
use client::{Auth, Client, Timeouts};
use limits::Limits;
use shared::clock::Clock;
use shared::event::Report;
use shared::limits::Limiter;
use shared::secrets::SecretsManager;
use shared::store::Table;
use shared::timestamp::Timestamp;
use url::Url;

/// Where a report turned out to be.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Resolution {
    /// Here.
    Link {
        /// An absolute https address.
        url: String,
        /// Until when it works, where that is known.
        valid_until: Option<Timestamp>,
    },
    /// The vendor is still making it.
    NotReady,
    /// The vendor has none, or cannot be asked.
    Unavailable(&'static str),
    /// The link is none that may be followed.
    Refused(&'static str),
}

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
            imocha: imocha::Api(imocha),
            jobmojito: jobmojito::Api(jobmojito),
            xobin: xobin::Api::new(xobin, inbound),
            testlify: testlify::Links::new(&config.testlify_report_base_url)?,
        })
    }

    /// Whether the vendor has an API that tells results, and a key is set for it.
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
            _ => Err(VendorError::Off),
        }
    }

    /// Finds out where an attempt's report is, asking the vendor's API if there is no link.
    pub async fn resolve(
        &self,
        source: &str,
        attempt: &str,
        report: &Report,
    ) -> Result<Resolution, VendorError> {
        let resolved = match (report, source) {
            (Report::Link { url, .. }, "testlify") => Ok(self.testlify.resolve(url)),
            (Report::Link { url, valid_until }, _) => Ok(absolute(url, *valid_until)),
            (Report::OnRequest, "imocha") => self.imocha.report_link(attempt).await,
            (Report::OnRequest, "jobmojito") => self.jobmojito.report_link(attempt).await,
            (Report::OnRequest, "xobin") => self.xobin.report_link(attempt).await,
            (Report::OnRequest, _) => Ok(Resolution::Unavailable(
                "the vendor documents no call that gives a report's link",
            )),
        };
        match resolved {
            Err(VendorError::Off) => Ok(Resolution::Unavailable(
                "the vendor's API is off: its key is not set",
            )),
            // Right after an attempt is finished, its report may not be there yet.
            Err(VendorError::NotFound) => Ok(Resolution::NotReady),
            resolved => resolved,
        }
    }
}

/// A link that the vendor gave whole.
fn absolute(link: &str, valid_until: Option<Timestamp>) -> Resolution {
    match Url::parse(link) {
        Ok(url) if is_web(&url) => Resolution::Link {
            url: url.into(),
            valid_until,
        },
        Ok(_) => Resolution::Refused("the link is not https, or carries credentials"),
        Err(_) => Resolution::Refused("the link is not an address"),
    }
}

fn is_web(url: &Url) -> bool {
    url.scheme() == "https"
        && url.has_host()
        && url.username().is_empty()
        && url.password().is_none()
}

/// A link that the vendor's API gave, or nothing yet.
fn from_api(link: Option<&str>, valid_until: Option<Timestamp>) -> Resolution {
    match Report::from_link(link, valid_until) {
        Some(Report::Link { url, valid_until }) => absolute(&url, valid_until),
        Some(Report::OnRequest) | None => Resolution::NotReady,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_https_without_credentials_is_a_link() {
        let link = |text| absolute(text, None);
        assert!(matches!(
            link("https://app.imocha.io/PDFReport?id=OXP5%3d"),
            Resolution::Link { .. }
        ));
        for text in [
            "http://app.imocha.io/1",
            "file:///etc/passwd",
            "https://me:secret@app.imocha.io/1",
            "reports/1.pdf",
            "javascript:alert(1)",
            "https://",
        ] {
            assert!(matches!(link(text), Resolution::Refused(_)), "{text}");
        }
    }

    #[test]
    fn an_api_that_has_no_link_yet_is_asked_again() {
        for link in [None, Some(""), Some("null")] {
            assert_eq!(from_api(link, None), Resolution::NotReady);
        }
    }
}
