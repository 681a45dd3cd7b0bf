//! iMocha's API: Process Callbacks, Retrieve Invites and the report, and the callbacks themselves.

use std::io;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use axum::extract::{Path, Query, State};
use axum::response::{IntoResponse, Response};
use axum::routing::{get, post};
use axum::{Json, Router};
use bytes::Bytes;
use http::{HeaderMap, StatusCode};
use serde::Deserialize;
use serde_json::{Value, json};

use super::account::{Account, ForeignReport, MOST_IDS, Processed};
use super::callbacks::{Callbacks, Queue};
use super::host::Host;
use super::key::Key;
use super::{pdf, report};

/// As documented, with the ids behind it.
const NOT_OURS: &str = "testinvitationIds does not belong to account or not found";

/// A stand-in for iMocha's API, with the attempts that it was told to remember.
#[derive(Debug)]
pub struct Imocha {
    host: Host,
    account: Arc<Mutex<Account>>,
    callbacks: Callbacks,
}

#[derive(Clone)]
struct Api {
    account: Arc<Mutex<Account>>,
    queue: Queue,
}

/// The lower-case `i` in `invitation` is iMocha's.
#[derive(Deserialize)]
struct ProcessCallbacks {
    #[serde(rename = "testinvitationIds")]
    ids: Vec<i64>,
}

/// With a capital, unlike all else that iMocha is asked.
#[derive(Deserialize)]
#[serde(rename_all = "PascalCase")]
struct Window {
    start_date_time: String,
    end_date_time: String,
}

#[derive(Deserialize)]
struct Listing {
    state: String,
}

impl Imocha {
    /// Serves those who have the key, in `x-api-key`.
    pub async fn start(api_key: &str) -> io::Result<Self> {
        let account = Arc::<Mutex<Account>>::default();
        let (queue, callbacks) = Callbacks::start()?;
        let api = Api {
            account: Arc::clone(&account),
            queue,
        };
        let key = Key {
            header: "x-api-key",
            value: api_key.to_owned(),
            refusal: refusal(["Invalid API key"]),
        };
        Ok(Self {
            host: Host::start(key.guard(router(api)).merge(pdf::router(&["/PDFReport"]))).await?,
            account,
            callbacks,
        })
    }

    /// Where it is served, without a slash at the end.
    #[must_use]
    pub fn base_url(&self) -> &str {
        self.host.base_url()
    }

    /// Sets where callbacks go: the whole URL of the webhook, with its token. Until then they fail, as if nobody were
    /// there.
    pub fn call_back_to(&self, url: String) {
        self.callbacks.call_back_to(url);
    }

    /// Makes an attempt one of our account. Its callback is exactly this body.
    pub fn remember(&self, id: i64, body: Vec<u8>) {
        locked(&self.account).remember(id, body.into());
    }

    /// The next `times` times that the attempt is asked for, Process Callbacks answers it in `failed`.
    pub fn fail(&self, id: i64, times: usize) {
        locked(&self.account).fail(id, times);
    }

    /// From now on, a call with ids that are not ours is refused without naming them.
    pub fn hide_foreign(&self) {
        locked(&self.account).hide_foreign(true);
    }

    /// From now on, a refusal names them, as it does at first.
    pub fn name_foreign(&self) {
        locked(&self.account).hide_foreign(false);
    }

    /// From now on, this is what the report of an attempt that is not ours is answered with.
    pub fn answer_foreign_reports(&self, how: ForeignReport) {
        locked(&self.account).answer_foreign_reports(how);
    }

    /// From now on the attempt's callback is promised, and never sent.
    pub fn keep_silent(&self, id: i64) {
        locked(&self.account).keep_silent(id);
    }

    /// Has Retrieve Invites list the attempt: `completed`, `cancelled` or `expired`, at a time like `2026-01-15T10:00:00Z`.
    pub fn invite(&self, id: i64, state: &str, at: &str) {
        locked(&self.account).invite(id, state, at);
    }

    /// Has the attempt's report say this instead of what its callback says.
    pub fn report(&self, id: i64, field: &str, value: Value) {
        locked(&self.account).report(id, field, value);
    }

    /// How often Retrieve Invites was called.
    #[must_use]
    pub fn listings(&self) -> usize {
        locked(&self.account).listings()
    }

    /// The ids of every call of Process Callbacks that had the right key, in order: also of those that were refused
    /// because of their ids.
    #[must_use]
    pub fn calls(&self) -> Vec<Vec<i64>> {
        locked(&self.account).calls()
    }

    /// How many callbacks were sent and answered with a 2xx.
    #[must_use]
    pub fn callbacks_sent(&self) -> usize {
        self.callbacks.taken()
    }

    /// How many callbacks are queued or being sent: neither taken nor given up.
    #[must_use]
    pub fn callbacks_under_way(&self) -> usize {
        self.callbacks.under_way()
    }
}

fn router(api: Api) -> Router {
    Router::new()
        .route("/v3/callbacks/process", post(process_callbacks))
        .route("/v3/candidates/testattempts", post(retrieve_invites))
        .route("/v3/reports/{id}", get(read_report))
        .route("/v3/reports/{id}/pdf", get(read_pdf))
        .with_state(api)
}

/// A body that cannot be read is 400. Which status iMocha gives it is not known.
async fn process_callbacks(State(api): State<Api>, body: Bytes) -> Response {
    let Ok(asked) = serde_json::from_slice::<ProcessCallbacks>(&body) else {
        return refuse(StatusCode::BAD_REQUEST, ["Invalid request body"]);
    };
    match locked(&api.account).process(&asked.ids) {
        Processed::TooMany => {
            let message = format!("At a time only {MOST_IDS} records will be processed");
            refuse(StatusCode::BAD_REQUEST, [message])
        }
        Processed::Foreign(ids) => {
            // Not 403 or 404: that is how it is documented.
            let ids = ids.iter().map(ToString::to_string);
            let errors = std::iter::once(NOT_OURS.to_owned()).chain(ids);
            refuse(StatusCode::UNAUTHORIZED, errors)
        }
        Processed::Queued {
            successful,
            callbacks,
            failed,
        } => {
            for body in callbacks {
                api.queue.add(body);
            }
            let ids = json!({ "successful": successful, "failed": failed });
            let result = json!({ "testinvitationIds": ids });
            Json(json!({ "result": result, "errors": null })).into_response()
        }
    }
}

/// What cannot be read is 401, as it is seen to be.
async fn retrieve_invites(
    State(api): State<Api>,
    Query(listing): Query<Listing>,
    body: Bytes,
) -> Response {
    let window = serde_json::from_slice(&body).ok();
    let window = window.filter(|window: &Window| window.start_date_time < window.end_date_time);
    let known = ["completed", "cancelled", "expired"].contains(&&*listing.state);
    let Some(window) = window.filter(|_| known) else {
        let message = "StartDateTime, EndDateTime or state is not valid";
        return refuse(StatusCode::UNAUTHORIZED, [message]);
    };
    let (start, end) = (window.start_date_time, window.end_date_time);
    let listed = locked(&api.account).list(&listing.state, &start, &end);
    if listed.is_empty() {
        return refuse(StatusCode::NOT_FOUND, ["No test attempts found"]);
    }
    let result = json!({ "testAttempts": listed });
    Json(json!({ "result": result, "errors": null })).into_response()
}

async fn read_report(
    State(api): State<Api>,
    Path(id): Path<String>,
    headers: HeaderMap,
) -> Response {
    match known(&api, &id) {
        Some((id, callback)) => {
            let link = pdf::link(&headers, &report::pdf_path(id));
            let otherwise = locked(&api.account).reported(id);
            Json(report::of(id, &callback, &link, otherwise)).into_response()
        }
        None => refuse_foreign(&api, &id),
    }
}

/// What iMocha answers is not documented: here, JSON with the link somewhere in it.
async fn read_pdf(State(api): State<Api>, Path(id): Path<String>, headers: HeaderMap) -> Response {
    match known(&api, &id) {
        Some((id, _)) => {
            let link = pdf::link(&headers, &report::pdf_path(id));
            Json(json!({ "result": { "pdfReportUrl": link }, "errors": null })).into_response()
        }
        None => refuse_foreign(&api, &id),
    }
}

/// A report that is not ours.
fn refuse_foreign(api: &Api, id: &str) -> Response {
    match locked(&api.account).foreign_report() {
        ForeignReport::NotFound => refuse(StatusCode::NOT_FOUND, ["testInvitationId not found"]),
        ForeignReport::Named => refuse(StatusCode::UNAUTHORIZED, [NOT_OURS, id]),
        ForeignReport::Unnamed => refuse(StatusCode::UNAUTHORIZED, [NOT_OURS]),
    }
}

fn known(api: &Api, id: &str) -> Option<(i64, Bytes)> {
    let id = id.parse().ok()?;
    Some((id, locked(&api.account).body(id)?))
}

fn refuse<T: Into<Value>>(status: StatusCode, errors: impl IntoIterator<Item = T>) -> Response {
    (status, Json(refusal(errors))).into_response()
}

fn refusal<T: Into<Value>>(errors: impl IntoIterator<Item = T>) -> Value {
    json!({ "result": null, "errors": errors.into_iter().map(Into::into).collect::<Vec<Value>>() })
}

fn locked(account: &Mutex<Account>) -> MutexGuard<'_, Account> {
    account.lock().unwrap_or_else(PoisonError::into_inner)
}
