//! One HTTP client for all vendors, and the one way to call them: time-outs, a limit on what is read, no redirects, the key
//! where the vendor wants it.
//!
//! A call has three steps: `Client::admit` gives leave for it, `Client::ask` makes it, and what it came to is noted for
//! the calls after it. `Client::json` is all of them, for a call whose statuses mean what they mean everywhere. Downloads do
//! not pass here.

use super::answer::{Answer, broken_off};
use super::error::VendorError;
use super::limits::{Leave, Limits};
use crate::config::ApiConfig;
use crate::download::body::Body;
use crate::download::pdf::MAGIC;
use crate::notes;
use reqwest::header::HeaderValue;
use reqwest::{RequestBuilder, redirect};
use serde::Deserialize;
use serde_json::Value;
use shared::clock::Clock;
use shared::limits::Outcome;
use shared::metrics::Metric;
use shared::secrets::{CachedSecret, Credentials, SecretError, SecretText, SecretsManager};
use shared::timestamp::Timestamp;
use std::time::Duration;

/// How long a vendor may take for a call that is answered with a file, which is larger than any other answer.
const DOCUMENT: Duration = Duration::from_secs(40);

/// How long a vendor may take.
#[derive(Clone, Copy, Debug)]
pub(super) struct Timeouts {
    /// For the connection, TLS included.
    pub connect: Duration,
    /// Until the answer begins, and between any two parts of it.
    pub answer: Duration,
    /// In all.
    pub whole: Duration,
}

impl Timeouts {
    pub const DEFAULT: Self = Self {
        connect: Duration::from_secs(3),
        answer: Duration::from_secs(10),
        whole: Duration::from_secs(20),
    };
}

/// The secret `{"api_key"}`.
#[derive(Clone, Debug, Deserialize)]
pub struct ApiKey {
    /// The key.
    pub api_key: SecretText,
}

impl Credentials for ApiKey {
    fn is_empty(&self) -> bool {
        self.api_key.is_empty()
    }
}

/// Where a vendor wants its key.
#[derive(Clone, Copy, Debug)]
pub(super) enum Auth {
    /// In a header of its own.
    Header(&'static str),
    /// `Authorization: Bearer`.
    Bearer,
}

/// The HTTP client that all vendors share.
pub(super) fn http(timeouts: Timeouts) -> Result<reqwest::Client, VendorError> {
    shared::tls::use_ring();
    reqwest::Client::builder()
        .connect_timeout(timeouts.connect)
        .read_timeout(timeouts.answer)
        .timeout(timeouts.whole)
        .redirect(redirect::Policy::none())
        .user_agent(concat!("assessment-webhooks/", env!("CARGO_PKG_VERSION")))
        .build()
        .map_err(|error| VendorError::Settings(Box::new(error)))
}

/// What a call for a file is answered with.
pub(super) enum Document {
    /// The file.
    Pdf(Body),
    /// Something else, which may say where the file is.
    Other(Answer),
}

/// Leave to make one call, at once. Not to be kept: it is good for now.
#[derive(Debug)]
#[must_use = "leave that is not used is a call that nobody makes"]
pub(crate) struct Admission {
    key: SecretText,
    leave: Leave,
}

impl Admission {
    /// When it was given.
    pub(super) const fn at(&self) -> Timestamp {
        self.leave.at
    }

    /// The key that the call is made with, for whoever must not show it.
    pub(super) const fn key(&self) -> &SecretText {
        &self.key
    }
}

/// One vendor's API.
pub struct Client {
    vendor: &'static str,
    http: reqwest::Client,
    base_url: String,
    auth: Auth,
    key: CachedSecret<SecretsManager, ApiKey>,
    limits: Limits,
    clock: Clock,
}

impl Client {
    pub(super) fn new(
        (vendor, auth): (&'static str, Auth),
        limits: Limits,
        http: reqwest::Client,
        api: &ApiConfig,
        secrets: SecretsManager,
        clock: Clock,
    ) -> Self {
        Self {
            vendor,
            http,
            base_url: api.base_url.clone(),
            auth,
            key: CachedSecret::new(secrets, api.secret_id.clone(), clock.clone()),
            limits,
            clock,
        }
    }

    async fn key(&self) -> Result<SecretText, VendorError> {
        match self.key.versions().await {
            Ok(versions) => Ok(versions.current.api_key.clone()),
            Err(SecretError::Empty { .. } | SecretError::Missing { .. }) => Err(VendorError::Off),
            Err(error) => Err(VendorError::Key(error)),
        }
    }

    /// Whether there is a key to call with. One that cannot be read just now may be.
    pub(super) async fn is_on(&self) -> bool {
        !matches!(self.key().await, Err(VendorError::Off))
    }

    pub(super) fn get(&self, path: &str) -> RequestBuilder {
        self.http.get(format!("{}{path}", self.base_url))
    }

    pub(super) fn post(&self, path: &str, body: &Value) -> RequestBuilder {
        self.http
            .post(format!("{}{path}", self.base_url))
            .json(body)
    }

    /// Leave for one call, or why and until when there is none. What must be written before a call is written after this:
    /// then nothing is noted as asked that is not asked.
    pub(super) async fn admit(&self) -> Result<Admission, VendorError> {
        Ok(Admission {
            key: self.key().await?,
            leave: self.limits.admit().await?,
        })
    }

    /// Gives leave back that is not used: nobody else has to wait for a call that is not made.
    pub(super) async fn give_back(&self, admission: Admission) {
        self.limits.give_back(admission.leave).await;
    }

    /// Counts a call that was undecided against the key, since nothing can tell what it was about.
    pub(super) async fn doubt_key(&self) {
        let now = self.clock.now();
        self.limits.note(Outcome::KeyDoubted, now).await;
    }

    /// Makes the call, whatever the answer's status. `judge` says what the answer means for the calls that come after it:
    /// [`Answer::outcome`], unless this call's statuses mean something else. A 401 that may be about the ids, for example, is
    /// [`Outcome::Undecided`] until another call has shown whether the key is good; that one's 401 is then
    /// [`Outcome::KeyRefused`].
    pub(super) async fn ask(
        &self,
        admission: Admission,
        request: RequestBuilder,
        judge: impl FnOnce(&Answer) -> Outcome,
    ) -> Result<Answer, VendorError> {
        let answer = self.answer(&admission, request).await;
        let outcome = match &answer {
            Ok(answer) => judge(answer),
            Err(error) => without_answer(error),
        };
        self.note(&admission, outcome).await;
        answer
    }

    /// The JSON that a call is answered with: leave, call and success in one.
    pub(super) async fn json(&self, request: RequestBuilder) -> Result<Value, VendorError> {
        let admission = self.admit().await?;
        self.ask(admission, request, Answer::outcome)
            .await?
            .success()
    }

    /// The same, with the exact bytes that it was read from.
    pub(super) async fn bytes(
        &self,
        request: RequestBuilder,
    ) -> Result<(Vec<u8>, Value), VendorError> {
        let admission = self.admit().await?;
        let mut answer = self.ask(admission, request, Answer::outcome).await?;
        let bytes = std::mem::take(&mut answer.bytes);
        Ok((bytes, answer.success()?))
    }

    /// The PDF or the JSON that a call is answered with. `judge` is as in [`Client::ask`].
    pub(super) async fn document(
        &self,
        request: RequestBuilder,
        judge: impl FnOnce(&Answer) -> Outcome,
    ) -> Result<Document, VendorError> {
        let admission = self.admit().await?;
        let request = self.authenticated(request, &admission.key)?;
        let document = Document::read(request.timeout(DOCUMENT)).await;
        let outcome = match &document {
            Ok(Document::Pdf(_)) => Outcome::Well,
            Ok(Document::Other(answer)) => judge(answer),
            Err(error) => without_answer(error),
        };
        self.note(&admission, outcome).await;
        document
    }

    async fn answer(
        &self,
        admission: &Admission,
        request: RequestBuilder,
    ) -> Result<Answer, VendorError> {
        exchange(self.authenticated(request, &admission.key)?).await
    }

    fn authenticated(
        &self,
        request: RequestBuilder,
        key: &SecretText,
    ) -> Result<RequestBuilder, VendorError> {
        let Auth::Header(name) = self.auth else {
            return Ok(request.bearer_auth(key.expose()));
        };
        let mut value = HeaderValue::from_str(key.expose())
            .map_err(|error| VendorError::Settings(Box::new(error)))?;
        value.set_sensitive(true);
        Ok(request.header(name, value))
    }

    /// Notes what an admitted call came to, for the calls after it.
    async fn note(&self, admission: &Admission, outcome: Outcome) {
        let duration_ms = self.clock.now().unix_ms() - admission.at().unix_ms();
        tracing::info!(
            vendor = self.vendor,
            outcome = outcome.name(),
            duration_ms,
            "vendor called"
        );
        notes::add(metric(outcome), 1);
        self.limits.note(outcome, admission.at()).await;
    }
}

/// The request, and its answer, whatever its status.
async fn exchange(request: RequestBuilder) -> Result<Answer, VendorError> {
    Answer::read(request.send().await.map_err(not_sent)?).await
}

impl Document {
    /// Reads no more than it needs to tell a PDF by its first bytes.
    async fn read(request: RequestBuilder) -> Result<Self, VendorError> {
        let mut response = request.send().await.map_err(not_sent)?;
        let mut seen = Vec::new();
        while seen.len() < MAGIC.len() {
            match response.chunk().await.map_err(broken_off)? {
                Some(piece) => seen.extend_from_slice(&piece),
                None => break,
            }
        }
        if response.status().is_success() && seen.starts_with(MAGIC) {
            return Ok(Self::Pdf(Body::after(seen.into(), response)));
        }
        Ok(Self::Other(Answer::read_after(seen, response).await?))
    }
}

/// What a call counts as.
const fn metric(outcome: Outcome) -> Metric {
    match outcome {
        Outcome::Well | Outcome::Undecided | Outcome::KeyDoubted | Outcome::KeyRefused => {
            Metric::VendorAnswered
        }
        Outcome::TooFast { .. } => Metric::VendorTooFast,
        Outcome::Failed { .. } => Metric::VendorFailed,
    }
}

fn not_sent(error: reqwest::Error) -> VendorError {
    if error.is_builder() {
        VendorError::Settings(Box::new(error))
    } else if error.is_timeout() && !error.is_connect() {
        VendorError::TimedOut(error)
    } else {
        VendorError::Unreachable(error)
    }
}

/// What a call without an answer says of the vendor: an answer that is too large shows that it is there.
fn without_answer(error: &VendorError) -> Outcome {
    match error {
        VendorError::Unreachable(_) | VendorError::TimedOut(_) | VendorError::CutOff(_) => {
            Outcome::Failed { retry_after: None }
        }
        _ => Outcome::Well,
    }
}

#[cfg(test)]
mod tests;
