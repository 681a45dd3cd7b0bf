//! Xobin's API: a link to a report that can be shared.

use std::io;

use axum::extract::Path;
use axum::routing::post;
use axum::{Json, Router};
use serde_json::{Value, json};

use super::host::Host;
use super::key::Key;

/// Later than any test or demonstration, and as integrators saw it: microseconds, and no zone.
const EXPIRES_AT: &str = "2099-01-01T00:00:00.000000";
/// All reports are of one assessment: nothing tells the stand-in of others.
const ASSESSMENT_ID: i64 = 53280;

/// A stand-in for Xobin's API, which has any report.
#[derive(Debug)]
pub struct Xobin(Host);

impl Xobin {
    /// Serves those who have the key, in `apiKey`.
    pub async fn start(api_key: &str) -> io::Result<Self> {
        let key = Key {
            // Names of headers have no case.
            header: "apikey",
            value: api_key.to_owned(),
            refusal: json!({ "error": "Invalid API key" }),
        };
        let router = Router::new().route("/assessments/reports/{id}/share", post(share));
        Ok(Self(Host::start(key.guard(router)).await?))
    }

    /// Where it is served, without a slash at the end.
    #[must_use]
    pub fn base_url(&self) -> &str {
        self.0.base_url()
    }
}

async fn share(Path(id): Path<String>) -> Json<Value> {
    Json(json!({
        "signed_url": format!("https://app.xobin.com/reports/{id}.pdf?signature=opaque"),
        "expires_at": EXPIRES_AT,
        "report_id": report_id(id),
        "assessment_id": ASSESSMENT_ID,
    }))
}

/// A number where the id is one, as in Xobin's webhooks.
fn report_id(id: String) -> Value {
    id.parse::<i64>().map_or(Value::String(id), Value::from)
}
