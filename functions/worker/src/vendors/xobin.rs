//! Xobin's API: <https://app.xobin.com/api/v2>, header `apiKey`.

#[cfg(feature = "fuzzing")]
pub(super) mod fuzzing;
mod report;
pub mod webhooks;

use super::answer::Answer;
use super::client::{Client, Document};
use super::{Resolution, ResultAnswer, VendorError, from_api, is_of};
use serde_json::{Value, json};
use shared::key::SourceName;
use shared::registration::Wanted;
use shared::timestamp::Timestamp;
use webhooks::{Done, Inbound, Prepared, RegisterError};

/// The source that it is the API of.
pub const SOURCE: SourceName = "xobin";
/// How long a link is to work: it is followed at once.
const EXPIRATION_HOURS: u8 = 1;

/// Xobin's API.
pub struct Api {
    client: Client,
    inbound: Inbound,
}

impl Api {
    pub(super) fn new(client: Client, inbound: Inbound) -> Self {
        Self { client, inbound }
    }

    /// All that [`Self::register`] needs, so that nothing is noted as asked that is not asked.
    pub(crate) async fn prepare(&self, wanted: &Wanted) -> Result<Prepared, RegisterError> {
        let auth = self.inbound.auth(wanted).await?;
        let admission = self.client.admit().await?;
        Ok(Prepared { auth, admission })
    }

    /// Gives leave back that is not used.
    pub(crate) async fn give_back(&self, prepared: Prepared) {
        self.client.give_back(prepared.admission).await;
    }

    /// `POST /webhooks`: has Xobin call us.
    pub(crate) async fn register(
        &self,
        prepared: Prepared,
        wanted: &Wanted,
    ) -> Result<Done, RegisterError> {
        webhooks::register(&self.client, prepared, wanted).await
    }

    /// `GET /assessments/report/<report_id>`: what it says of the result.
    pub(super) async fn result(&self, attempt: &str) -> Result<ResultAnswer, VendorError> {
        if !is_report_id(attempt) {
            return Ok(ResultAnswer::Unclear);
        }
        let request = self.client.get(&format!("/assessments/report/{attempt}"));
        let (bytes, answer) = self.client.bytes(request).await?;
        report::result(attempt, bytes, &answer)
    }

    /// `POST /assessments/reports/<report_id>/share`: makes a link that works for an hour.
    pub(super) async fn report_link(&self, attempt: &str) -> Result<Resolution, VendorError> {
        if !is_report_id(attempt) {
            return Ok(NO_ID);
        }
        let body = json!({ "expiration_hours": EXPIRATION_HOURS });
        let request = self.client.post(&path(attempt, "share"), &body);
        shared_link(&self.client.json(request).await?, attempt)
    }

    /// `POST /assessments/reports/<report_id>/download`: the PDF.
    pub(super) async fn report_pdf(&self, attempt: &str) -> Result<Resolution, VendorError> {
        if !is_report_id(attempt) {
            return Ok(NO_ID);
        }
        let request = self.client.post(&path(attempt, "download"), &json!({}));
        match self.client.document(request, Answer::outcome).await? {
            Document::Pdf(body) => Ok(Resolution::Pdf(body)),
            Document::Other(answer) => answer.success().and(Err(VendorError::Strange)),
        }
    }
}

/// The link that a share of this attempt's report names.
fn shared_link(share: &Value, attempt: &str) -> Result<Resolution, VendorError> {
    if !is_of(share.get("report_id"), attempt) {
        return Err(VendorError::Strange);
    }
    let valid_until = share.get("expires_at").and_then(Value::as_str);
    let valid_until = valid_until.and_then(|text| Timestamp::parse_utc(text).ok());
    let link = share.get("signed_url").and_then(Value::as_str);
    Ok(from_api(link, valid_until))
}

const NO_ID: Resolution = Resolution::Impossible("the attempt's id is no report id");

/// Anything else would be another path.
fn is_report_id(attempt: &str) -> bool {
    attempt
        .bytes()
        .all(|byte| byte.is_ascii_alphanumeric() || byte == b'-')
}

fn path(report_id: &str, call: &str) -> String {
    format!("/assessments/reports/{report_id}/{call}")
}
