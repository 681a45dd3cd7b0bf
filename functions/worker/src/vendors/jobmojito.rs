//! JobMojito's API: <https://cool.jobmojito.com/functions/v1>, `Authorization: Bearer`.

use super::client::Client;
use super::{Resolution, VendorError, from_api};
use serde_json::{Value, json};
use shared::timestamp::Timestamp;

/// JobMojito's API.
pub struct Api(pub(super) Client);

impl Api {
    /// `POST /job-interview-pdf`: makes the PDF and a link to it, which expires.
    pub async fn report_link(&self, attempt: &str) -> Result<Resolution, VendorError> {
        let body =
            json!({ "interview_result_id": attempt, "export_type": "pdf", "store_file": true });
        let request = self.0.post("/job-interview-pdf", &body);
        let export = self.0.json(request).await?;
        let valid_until = export.get("pdf_export_valid_until").and_then(Value::as_str);
        let valid_until = valid_until.and_then(|text| Timestamp::parse_utc(text).ok());
        Ok(from_api(
            export.get("pdf_export_url").and_then(Value::as_str),
            valid_until,
        ))
    }
}
