//! Xobin's settings for webhooks: where it calls, with which credential, and the calls themselves.

use std::collections::{BTreeMap, VecDeque};
use std::io;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use axum::extract::State;
use axum::response::{IntoResponse, Response};
use axum::routing::post;
use axum::{Json, Router};
use bytes::Bytes;
use http::StatusCode;
use http::header::CONTENT_TYPE;
use reqwest::{Client, redirect};
use serde::{Deserialize, Serialize};
use serde_json::{Value, json};

use super::auth::Auth;

const KINDS: [&str; 3] = ["start", "submission", "updates"];
/// Long enough for a function that has to start first.
const TIMEOUT: Duration = Duration::from_secs(15);

/// What is registered, shared by those who change it and those who look at it.
#[derive(Clone, Debug, Default)]
pub(super) struct Webhooks(Arc<Mutex<Settings>>);

#[derive(Debug, Default)]
struct Settings {
    webhooks: BTreeMap<String, Webhook>,
    auth: Option<Auth>,
    calls: usize,
    answers: VecDeque<(StatusCode, Bytes)>,
}

#[derive(Clone, Debug, Serialize, Deserialize)]
struct Webhook {
    status: bool,
    url: String,
}

#[derive(Deserialize)]
struct Request {
    webhooks: BTreeMap<String, Value>,
    #[serde(default, rename = "updateAll")]
    _update_all: bool,
    #[serde(default, rename = "updateAuth")]
    update_auth: bool,
}

impl Webhooks {
    pub(super) fn router(&self) -> Router {
        Router::new()
            .route("/webhooks", post(register))
            .with_state(self.clone())
    }

    pub(super) fn calls(&self) -> usize {
        self.settings().calls
    }

    pub(super) fn answer_next(&self, status: StatusCode, body: Bytes) {
        self.settings().answers.push_back((status, body));
    }

    pub(super) fn shown(&self) -> Value {
        self.settings().shown()
    }

    pub(super) fn credential(&self) -> Option<(String, String)> {
        self.settings().auth.as_ref().map(Auth::header)
    }

    /// What Xobin's event of this kind comes to: the answer to its call, or none if it makes none.
    pub(super) async fn call(&self, kind: &str, body: Bytes) -> io::Result<Option<StatusCode>> {
        let (webhook, credential) = {
            let settings = self.settings();
            let credential = settings.auth.as_ref().map(Auth::header);
            (settings.webhooks.get(kind).cloned(), credential)
        };
        let Some(webhook) = webhook.filter(|webhook| webhook.status) else {
            return Ok(None);
        };
        // Only the first call in a process takes effect, and all choose the same.
        let _ = rustls::crypto::ring::default_provider().install_default();
        let http = Client::builder()
            .timeout(TIMEOUT)
            .redirect(redirect::Policy::none())
            .no_proxy()
            .build()
            .map_err(io::Error::other)?;
        let request = http
            .post(webhook.url)
            .header(CONTENT_TYPE, "application/json")
            .body(body);
        let request = match credential {
            Some((name, value)) => request.header(name, value),
            None => request,
        };
        let answer = request.send().await.map_err(io::Error::other)?;
        Ok(Some(answer.status()))
    }

    fn settings(&self) -> MutexGuard<'_, Settings> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Settings {
    /// Kinds that are left out keep their values, and so does a credential unless it is to be replaced. What is wrong
    /// anywhere changes nothing.
    fn apply(&mut self, request: &Request) -> Result<(), String> {
        let mut webhooks = self.webhooks.clone();
        for kind in KINDS {
            if let Some(value) = request.webhooks.get(kind) {
                webhooks.insert(kind.to_owned(), webhook(kind, value)?);
            }
        }
        let auth = request.webhooks.get("auth").map(Auth::read).transpose()?;
        if self.auth.is_none() || request.update_auth {
            self.auth = auth.or(self.auth.take());
        }
        self.webhooks = webhooks;
        Ok(())
    }

    /// As it answers: nothing secret is in it.
    fn shown(&self) -> Value {
        let mut shown = json!(self.webhooks);
        if let (Some(auth), Some(fields)) = (&self.auth, shown.as_object_mut()) {
            fields.insert("auth".into(), auth.shown());
        }
        shown
    }
}

fn webhook(kind: &str, value: &Value) -> Result<Webhook, String> {
    let webhook: Webhook = serde_json::from_value(value.clone())
        .map_err(|_| format!("{kind} must have a status and a url"))?;
    let is_url = webhook.url.starts_with("https://") || webhook.url.starts_with("http://");
    if is_url {
        Ok(webhook)
    } else {
        Err(format!("{kind}.url is not a valid URL"))
    }
}

/// Which status Xobin gives what it cannot read is not known.
async fn register(State(webhooks): State<Webhooks>, body: Bytes) -> Response {
    let mut settings = webhooks.settings();
    settings.calls += 1;
    if let Some(answer) = settings.answers.pop_front() {
        return answer.into_response();
    }
    let Ok(request) = serde_json::from_slice::<Request>(&body) else {
        return refuse("webhooks is required");
    };
    match settings.apply(&request) {
        Ok(()) => Json(json!({
            "status": "success",
            "message": "Webhook added successfully",
            "webhook": settings.shown(),
        }))
        .into_response(),
        Err(problem) => refuse(&problem),
    }
}

fn refuse(problem: &str) -> Response {
    (StatusCode::BAD_REQUEST, Json(json!({ "error": problem }))).into_response()
}
