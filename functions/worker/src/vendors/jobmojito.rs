//! JobMojito's API: <https://cool.jobmojito.com/functions/v1>, `Authorization: Bearer`.

#[cfg(feature = "fuzzing")]
pub(super) mod fuzzing;
mod interview;

use super::client::Client;
use super::{Resolution, ResultAnswer, VendorError, from_api, is_of};
use serde_json::{Value, json};
use shared::key::SourceName;
use shared::timestamp::Timestamp;

/// The source that it is the API of.
pub const SOURCE: SourceName = "jobmojito";

/// JobMojito's API.
pub struct Api(pub(super) Client);

impl Api {
    /// Whether its key is set.
    pub(super) async fn is_on(&self) -> bool {
        self.0.is_on().await
    }

    /// `POST /job-interview-details`: what it says of the result; where that is not to be found or says too little,
    /// `GET /merchant-result-list`.
    pub async fn result(&self, attempt: &str) -> Result<ResultAnswer, VendorError> {
        let body = json!({ "interview_result_id": attempt });
        let details = self.0.bytes(self.0.post("/job-interview-details", &body));
        match details.await {
            Ok((bytes, answer)) => match interview::result(attempt, bytes, &answer)? {
                ResultAnswer::Unclear => self.listed(attempt).await,
                known => Ok(known),
            },
            Err(VendorError::NotFound) => self.listed(attempt).await,
            Err(error) => Err(error),
        }
    }

    async fn listed(&self, attempt: &str) -> Result<ResultAnswer, VendorError> {
        match self.0.bytes(self.0.get("/merchant-result-list")).await {
            Ok((bytes, _)) => interview::listed(attempt, &bytes),
            // A list of so many tells nothing of one, now or later.
            Err(VendorError::TooLarge) => Ok(ResultAnswer::Unclear),
            Err(error) => Err(error),
        }
    }

    /// `POST /job-interview-pdf`: makes the PDF and a link to it, which expires.
    pub(super) async fn report_link(&self, attempt: &str) -> Result<Resolution, VendorError> {
        let body =
            json!({ "interview_result_id": attempt, "export_type": "pdf", "store_file": true });
        let request = self.0.post("/job-interview-pdf", &body);
        exported(&self.0.json(request).await?, attempt)
    }
}

/// The link that an export of this attempt's report names.
fn exported(export: &Value, attempt: &str) -> Result<Resolution, VendorError> {
    if !is_of(export.get("interview_result_id"), attempt) {
        return Err(VendorError::Strange);
    }
    let valid_until = export.get("pdf_export_valid_until").and_then(Value::as_str);
    let valid_until = valid_until.and_then(|text| Timestamp::parse_utc(text).ok());
    let link = export.get("pdf_export_url").and_then(Value::as_str);
    Ok(from_api(link, valid_until))
}
