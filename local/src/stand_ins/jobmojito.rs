//! JobMojito's API: the export of an interview as PDF.

use std::io;

use axum::response::{IntoResponse, Response};
use axum::routing::post;
use axum::{Json, Router};
use bytes::Bytes;
use http::{HeaderMap, StatusCode};
use serde::Deserialize;
use serde_json::{Value, json};

use super::host::Host;
use super::key::Key;
use super::pdf;

/// Later than any test or demonstration: whether a link is out of date is not the stand-in's to say.
const VALID_UNTIL: &str = "2099-01-01T00:00:00.000Z";

/// A stand-in for JobMojito's API, which has a PDF of any interview.
#[derive(Debug)]
pub struct Jobmojito(Host);

#[derive(Deserialize)]
struct ExportPdf {
    interview_result_id: String,
}

impl Jobmojito {
    /// Serves those who have the key, as bearer.
    pub async fn start(api_key: &str) -> io::Result<Self> {
        let key = Key {
            header: "authorization",
            value: format!("Bearer {api_key}"),
            refusal: error("The API key is not valid", "authorization"),
        };
        let router = Router::new().route("/job-interview-pdf", post(export_pdf));
        let reports = pdf::router(&["/storage/{*path}"]);
        Ok(Self(Host::start(key.guard(router).merge(reports)).await?))
    }

    /// Where it is served, without a slash at the end.
    #[must_use]
    pub fn base_url(&self) -> &str {
        self.0.base_url()
    }
}

async fn export_pdf(headers: HeaderMap, body: Bytes) -> Response {
    let asked = serde_json::from_slice(&body).ok();
    let asked = asked.filter(|asked: &ExportPdf| !asked.interview_result_id.is_empty());
    let Some(ExportPdf {
        interview_result_id: id,
    }) = asked
    else {
        let missing = error(
            "The id of the interview result is missing",
            "interview_result_id",
        );
        return (StatusCode::UNPROCESSABLE_ENTITY, Json(missing)).into_response();
    };
    let path = format!("/storage/v1/object/sign/pdf/{id}.pdf?token=opaque");
    let url = pdf::link(&headers, &path);
    Json(json!({ "pdf_export_url": url, "pdf_export_valid_until": VALID_UNTIL })).into_response()
}

fn error(message: &str, name: &str) -> Value {
    json!({ "error": message, "name": name })
}
