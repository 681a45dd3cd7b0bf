//! Calls as the vendors make them, with the bundle's own credentials.

use crate::stage::{Stage, accepted, eventually};
use bytes::Bytes;
use local::engine::{EngineError, Service};
use reqwest::{Response, StatusCode};
use serde_json::{Value, json};
use shared::caller::{Caller, Delivery, Endpoint};
use shared::key::EventId;
use shared::secrets::Stage as SecretStage;

/// A source's credentials as they stand.
pub async fn credentials<S: Caller>(stage: &Stage) -> S::Credentials {
    serde_json::from_value(secret_value(stage, &secret::<S>()).await).unwrap()
}

/// A secret of the template as it stands.
pub async fn secret_value(stage: &Stage, logical_id: &str) -> Value {
    let current = secret_version(stage, logical_id, SecretStage::Current).await;
    current.unwrap()
}

/// A version of a secret of the template, if there is one, however slow the machine is.
pub async fn secret_version(
    stage: &Stage,
    logical_id: &str,
    version: SecretStage,
) -> Option<Value> {
    let id = stage.bundle.secret_id(logical_id).unwrap();
    let version = match version {
        SecretStage::Current => "AWSCURRENT",
        SecretStage::Previous => "AWSPREVIOUS",
    };
    let get = json!({ "SecretId": id, "VersionStage": version });
    let bundle = &stage.bundle;
    let read = bundle.observe(Service::SecretsManager, "GetSecretValue", &get);
    let secret = match read.await {
        Err(EngineError::Refused { kind, .. }) if kind == "ResourceNotFoundException" => None,
        secret => Some(secret.unwrap()),
    };
    secret.map(|it| serde_json::from_str(it["SecretString"].as_str().unwrap()).unwrap())
}

/// The logical id of a source's inbound secret.
#[must_use]
pub fn secret<S: Caller>() -> String {
    let (first, rest) = S::NAME.split_at(1);
    format!("{}{rest}Secret", first.to_uppercase())
}

/// What the vendor is given.
pub async fn endpoints<S: Caller>(stage: &Stage) -> Vec<Endpoint> {
    S::endpoints(&credentials::<S>(stage).await)
}

/// A call that is ready to be posted.
#[derive(Clone)]
pub struct Ready {
    /// Where to.
    pub path: String,
    /// With what.
    pub headers: Vec<(String, String)>,
    /// The exact body.
    pub body: Bytes,
}

/// Makes the call that the vendor would make.
pub async fn ready<S: Caller>(
    stage: &Stage,
    version: &str,
    id: &str,
    body: impl Into<Bytes>,
) -> Ready {
    let body = body.into();
    let delivery = Delivery {
        version,
        body: &body,
        sent: stage.clock.now(),
        id,
    };
    let call = S::call(&credentials::<S>(stage).await, delivery).unwrap();
    Ready {
        path: call.path,
        headers: call.headers.into_iter().collect(),
        body,
    }
}

impl Ready {
    /// Posts it.
    pub async fn post(&self, stage: &Stage) -> Response {
        stage
            .post(&self.path, &self.headers, self.body.clone())
            .await
    }

    /// Posts it until it is accepted, as its vendor would: a machine that is busy with other things answers 503. The outcome, and the event.
    pub async fn accepted(&self, stage: &Stage) -> (String, EventId) {
        eventually("it is accepted", || async {
            let answer = self.post(stage).await;
            if answer.status() == StatusCode::SERVICE_UNAVAILABLE {
                return None;
            }
            Some(accepted(answer).await)
        })
        .await
    }
}

/// Posts a body as the vendor would.
pub async fn deliver<S: Caller>(
    stage: &Stage,
    version: &str,
    id: &str,
    body: impl Into<Bytes>,
) -> Response {
    ready::<S>(stage, version, id, body).await.post(stage).await
}
