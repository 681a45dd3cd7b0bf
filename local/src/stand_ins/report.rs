//! iMocha's report of an attempt, with what its callback says.

use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE;
use serde_json::{Map, Value, json};

/// Every field that is documented; what the callback does not say is null or empty.
pub(super) fn of(id: i64, callback: &[u8], pdf_url: &str) -> Value {
    let callback: Map<String, Value> = serde_json::from_slice(callback).unwrap_or_default();
    let said = |name| field(&callback, name);
    json!({
        "testInvitationId": id,
        "testId": null,
        "candidateEmail": said("CandidateEmailId"),
        "attemptedOn": said("AttemptedOn"),
        "status": said("Status"),
        "score": said("CandidateScore"),
        "scorePercentage": null,
        "candidatePoints": said("CandidateScore"),
        "totalTestPoints": said("TotalScore"),
        "testName": null,
        "pdfReportUrl": pdf_url,
        "performanceCategory": said("PerformanceCategory"),
        "sections": [],
        "skills": [],
    })
}

/// The names in older callbacks have a space at their end.
fn field(callback: &Map<String, Value>, name: &str) -> Value {
    let mut fields = callback.iter();
    let found = fields.find(|(key, _)| key.trim_end() == name);
    found.map_or(Value::Null, |(_, value)| value.clone())
}

/// Like iMocha's own, it ends in an escaped `=`: who decodes or encodes it once too often is found out.
pub(super) fn pdf_path(id: i64) -> String {
    let opaque = URL_SAFE.encode(id.to_be_bytes()).replace('=', "%3d");
    format!("/PDFReport?id={opaque}")
}
