//! Xobin's API: what a report says, a link to it that can be shared, the report itself, and where Xobin calls us.

mod auth;
mod webhooks;

use std::io;

use axum::extract::Path;
use axum::response::{IntoResponse, Response};
use axum::routing::{get, post};
use axum::{Json, Router};
use bytes::Bytes;
use http::{HeaderMap, StatusCode, header};
use serde_json::{Value, json};

use super::host::Host;
use super::key::Key;
use super::pdf;
use webhooks::Webhooks;

/// Later than any test or demonstration, and as integrators saw it: microseconds, and no zone.
const EXPIRES_AT: &str = "2099-01-01T00:00:00.000000";
/// All reports are of one assessment: nothing tells the stand-in of others.
const ASSESSMENT_ID: i64 = 53280;

/// A stand-in for Xobin's API, which has any report, and which remembers what was registered.
#[derive(Debug)]
pub struct Xobin {
    host: Host,
    webhooks: Webhooks,
}

impl Xobin {
    /// Serves those who have the key, in `apiKey`.
    pub async fn start(api_key: &str) -> io::Result<Self> {
        let key = Key {
            // Names of headers have no case.
            header: "apikey",
            value: api_key.to_owned(),
            refusal: json!({ "error": "Invalid API key" }),
        };
        let webhooks = Webhooks::default();
        let router = Router::new()
            .route("/assessments/report/{id}", get(report))
            .route("/assessments/reports/{id}/share", post(share))
            .route("/assessments/reports/{id}/download", post(download))
            .merge(webhooks.router());
        let reports = pdf::router(&["/reports/{*path}", "/assessments/bp/{*path}"]);
        let host = Host::start(key.guard(router).merge(reports)).await?;
        Ok(Self { host, webhooks })
    }

    /// Where it is served, without a slash at the end.
    #[must_use]
    pub fn base_url(&self) -> &str {
        self.host.base_url()
    }

    /// How often webhooks were registered by who had the right key, also in vain.
    #[must_use]
    pub fn registrations(&self) -> usize {
        self.webhooks.calls()
    }

    /// What is registered, as Xobin shows it: by kind of event whether and where it calls, and `auth` with nothing secret in it.
    #[must_use]
    pub fn registered(&self) -> Value {
        self.webhooks.shown()
    }

    /// The header that each of its calls carries, if it was given a credential.
    #[must_use]
    pub fn credential(&self) -> Option<(String, String)> {
        self.webhooks.credential()
    }

    /// Has the next registration that is not spoken for yet change nothing, and be answered so.
    pub fn answer_next(&self, status: StatusCode, body: impl Into<Bytes>) {
        self.webhooks.answer_next(status, body.into());
    }

    /// Calls the URL that is registered for this kind of event, with the credential that is: `None` if none is, or it is
    /// switched off.
    pub async fn call(&self, kind: &str, body: impl Into<Bytes>) -> io::Result<Option<StatusCode>> {
        self.webhooks.call(kind, body.into()).await
    }
}

/// Every report is of somebody who is done.
async fn report(Path(id): Path<String>, headers: HeaderMap) -> Json<Value> {
    let path = format!("/reports/{id}.pdf?signature=opaque");
    Json(json!({
        "assessment_id": ASSESSMENT_ID,
        "candidate_id": format!("candidate-{id}"),
        "completed_date": "2026-01-15T10:00:00.000000",
        "cut_off": 60,
        "email": format!("candidate-{id}@example.com"),
        "invite_status": "completed",
        "name": "A candidate",
        "overall_percentage": 71.5,
        "report_link": pdf::link(&headers, &path),
        "report_id": report_id(id),
        "sections": [],
    }))
}

async fn share(Path(id): Path<String>, headers: HeaderMap) -> Json<Value> {
    let path = format!("/reports/{id}.pdf?signature=opaque");
    Json(json!({
        "signed_url": pdf::link(&headers, &path),
        "expires_at": EXPIRES_AT,
        "report_id": report_id(id),
        "assessment_id": ASSESSMENT_ID,
    }))
}

async fn download(Path(id): Path<String>) -> Response {
    let body = pdf::saying(&format!("The report {id}"));
    ([(header::CONTENT_TYPE, "application/pdf")], body).into_response()
}

/// A number where the id is one, as in Xobin's webhooks.
fn report_id(id: String) -> Value {
    id.parse::<i64>().map_or(Value::String(id), Value::from)
}
