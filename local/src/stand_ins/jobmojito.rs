//! JobMojito's API: the export of an interview as PDF, and the interview's result.

use std::collections::BTreeMap;
use std::io;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use axum::extract::State;
use axum::response::{IntoResponse, Response};
use axum::routing::{get, post};
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

/// A stand-in for JobMojito's API, which has a PDF of any interview, and the results that it was told to remember.
#[derive(Debug)]
pub struct Jobmojito {
    host: Host,
    results: Results,
}

type Results = Arc<Mutex<BTreeMap<String, Value>>>;

#[derive(Deserialize)]
struct OfInterview {
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
        let results = Results::default();
        let router = Router::new()
            .route("/job-interview-pdf", post(export_pdf))
            .route("/job-interview-details", post(details))
            .route("/merchant-result-list", get(list))
            .with_state(Arc::clone(&results));
        let reports = pdf::router(&["/storage/{*path}"]);
        let host = Host::start(key.guard(router).merge(reports)).await?;
        Ok(Self { host, results })
    }

    /// Makes this what an interview has come to, as its webhook would say it.
    pub fn remember(&self, id: &str, result: Value) {
        locked(&self.results).insert(id.to_owned(), result);
    }

    /// Where it is served, without a slash at the end.
    #[must_use]
    pub fn base_url(&self) -> &str {
        self.host.base_url()
    }
}

fn asked(body: &[u8]) -> Option<String> {
    let asked = serde_json::from_slice(body).ok();
    let asked = asked.map(|asked: OfInterview| asked.interview_result_id);
    asked.filter(|id| !id.is_empty())
}

fn refuse(status: StatusCode, message: &str) -> Response {
    (status, Json(error(message, "interview_result_id"))).into_response()
}

fn no_id() -> Response {
    let message = "The id of the interview result is missing";
    refuse(StatusCode::UNPROCESSABLE_ENTITY, message)
}

async fn details(State(results): State<Results>, body: Bytes) -> Response {
    let Some(id) = asked(&body) else {
        return no_id();
    };
    match locked(&results).get(&id) {
        Some(result) => Json(json!({ "data": result })).into_response(),
        None => refuse(StatusCode::NOT_FOUND, "There is no such interview result"),
    }
}

/// The list tells less than the details.
async fn list(State(results): State<Results>) -> Json<Value> {
    let results = locked(&results);
    let row = |(id, result): (&String, &Value)| {
        json!({
            "interview_result_id": id, "status": result.get("status"), "score": result.get("score"),
        })
    };
    Json(json!({ "data": results.iter().map(row).collect::<Vec<_>>() }))
}

async fn export_pdf(headers: HeaderMap, body: Bytes) -> Response {
    let Some(id) = asked(&body) else {
        return no_id();
    };
    let path = format!("/storage/v1/object/sign/pdf/{id}.pdf?token=opaque");
    let url = pdf::link(&headers, &path);
    Json(json!({ "pdf_export_url": url, "pdf_export_valid_until": VALID_UNTIL })).into_response()
}

fn error(message: &str, name: &str) -> Value {
    json!({ "error": message, "name": name })
}

fn locked(results: &Results) -> MutexGuard<'_, BTreeMap<String, Value>> {
    results.lock().unwrap_or_else(PoisonError::into_inner)
}
