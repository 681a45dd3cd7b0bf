//! The API key that every vendor asks for, each in a header of its own.

use std::sync::Arc;

use axum::extract::{Request, State};
use axum::middleware::{Next, from_fn_with_state};
use axum::response::{IntoResponse, Response};
use axum::{Json, Router};
use http::StatusCode;
use serde_json::Value;

/// What a call must show, and what is answered when it does not.
pub(super) struct Key {
    pub(super) header: &'static str,
    pub(super) value: String,
    pub(super) refusal: Value,
}

impl Key {
    /// The router, for those who have the key.
    pub(super) fn guard(self, router: Router) -> Router {
        router.layer(from_fn_with_state(Arc::new(self), check))
    }
}

async fn check(State(key): State<Arc<Key>>, request: Request, next: Next) -> Response {
    let shown = request.headers().get(key.header);
    if shown.is_some_and(|shown| shown.as_bytes() == key.value.as_bytes()) {
        return next.run(request).await;
    }
    (StatusCode::UNAUTHORIZED, Json(key.refusal.clone())).into_response()
}
