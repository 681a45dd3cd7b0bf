//! Xobin's API: <https://app.xobin.com/api/v2>, header `apiKey`.

use super::client::Client;
use super::{Resolution, VendorError, from_api};
use serde_json::{Value, json};
use shared::timestamp::Timestamp;

/// How long a link is to work: it is followed at once.
const EXPIRATION_HOURS: u8 = 1;

/// Xobin's API.
pub struct Api(pub(super) Client);

impl Api {
    /// `POST /assessments/reports/<report_id>/share`: makes a link that works for an hour.
    pub async fn report_link(&self, attempt: &str) -> Result<Resolution, VendorError> {
        if !attempt
            .bytes()
            .all(|byte| byte.is_ascii_alphanumeric() || byte == b'-')
        {
            // It would be another path.
            return Ok(Resolution::Unavailable("the attempt's id is no report id"));
        }
        let body = json!({ "expiration_hours": EXPIRATION_HOURS });
        let request = self
            .0
            .post(&format!("/assessments/reports/{attempt}/share"), &body);
        let shared = self.0.json(request).await?;
        let valid_until = shared.get("expires_at").and_then(Value::as_str);
        let valid_until = valid_until.and_then(|text| Timestamp::parse_utc(text).ok());
        Ok(from_api(
            shared.get("signed_url").and_then(Value::as_str),
            valid_until,
        ))
    }
}
