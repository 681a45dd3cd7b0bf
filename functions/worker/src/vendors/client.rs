//! One HTTP client for all vendors: time-outs, a limit on what is read, no redirects; and one error that says what to do.

use crate::config::ApiConfig;
use reqwest::{RequestBuilder, Response, StatusCode, header, redirect};
use serde::Deserialize;
use serde_json::Value;
use shared::clock::Clock;
use shared::error::causes;
use shared::secrets::{CachedSecret, Credentials, SecretError, SecretText, SecretsManager};
use std::time::Duration;

const CONNECT: Duration = Duration::from_secs(3);
const WHOLE: Duration = Duration::from_secs(20);
const MOST_BYTES: usize = 4 * 1024 * 1024;
/// When a vendor that does not say so is tried again.
const TRY_AGAIN: Duration = Duration::from_mins(1);
/// When a key that was refused is tried again: a person has to act first.
const KEY_TRY_AGAIN: Duration = Duration::from_mins(30);
/// A vendor may not send us away for longer.
const LONGEST_RETRY_AFTER: Duration = Duration::from_hours(6);

/// A vendor's API did not do what it was asked. Nothing that it sent is quoted.
#[derive(Debug, thiserror::Error)]
pub enum VendorError {
    /// The key is not set.
    #[error("the vendor's API is off: its key is not set")]
    Off,
    /// The key cannot be read.
    #[error("the API key cannot be had")]
    Key(#[source] SecretError),
    /// The HTTP client could not be made, or an address in the settings is none.
    #[error("the settings of the vendor's API are of no use")]
    Settings(#[source] Box<dyn std::error::Error + Send + Sync>),
    /// It could not be reached, or did not answer in time.
    #[error("the vendor could not be reached")]
    Unreachable(#[source] reqwest::Error),
    /// It is overloaded, or we are too fast.
    #[error("the vendor answers {status}")]
    Busy {
        /// What it answers.
        status: StatusCode,
        /// How long it wants to be left alone.
        retry_after: Option<Duration>,
    },
    /// It does not accept the key.
    #[error("the vendor does not accept the API key ({0}): set it with `hooks secrets set`")]
    KeyRefused(StatusCode),
    /// It has no such thing.
    #[error("the vendor has no such thing")]
    NotFound,
    /// It does not accept the request.
    #[error("the vendor does not accept the request ({0})")]
    Rejected(StatusCode),
    /// Its answer is not to be understood.
    #[error("the vendor's answer is not what its documentation says")]
    Strange,
}

impl VendorError {
    /// Whether a person has to act before it can succeed.
    #[must_use]
    pub const fn needs_a_person(&self) -> bool {
        match self {
            Self::Off | Self::Key(_) | Self::Settings(_) | Self::KeyRefused(_) => true,
            Self::Unreachable(_)
            | Self::Busy { .. }
            | Self::NotFound
            | Self::Rejected(_)
            | Self::Strange => false,
        }
    }

    /// Logs that a vendor is to be asked again, once, where it is decided.
    pub(crate) fn log(&self, vendor: &str) {
        let error = causes(self);
        if self.needs_a_person() {
            tracing::error!(vendor, error, "the vendor cannot be asked");
        } else {
            tracing::warn!(vendor, error, "the vendor is asked again later");
        }
    }

    /// How long to wait before the same is tried again.
    #[must_use]
    pub fn try_again_after(&self) -> Duration {
        match self {
            Self::Busy { retry_after, .. } => {
                retry_after.unwrap_or(TRY_AGAIN).min(LONGEST_RETRY_AFTER)
            }
            Self::Off | Self::Key(_) | Self::Settings(_) | Self::KeyRefused(_) => KEY_TRY_AGAIN,
            Self::Unreachable(_) | Self::NotFound | Self::Rejected(_) | Self::Strange => TRY_AGAIN,
        }
    }
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

/// The HTTP client that all vendors share.
pub(super) fn http() -> Result<reqwest::Client, VendorError> {
    shared::tls::use_ring();
    reqwest::Client::builder()
        .connect_timeout(CONNECT)
        .timeout(WHOLE)
        .redirect(redirect::Policy::none())
        .user_agent(concat!("assessment-webhooks/", env!("CARGO_PKG_VERSION")))
        .build()
        .map_err(|error| VendorError::Settings(Box::new(error)))
}

/// One vendor's API.
pub struct Client {
    http: reqwest::Client,
    base_url: String,
    key: CachedSecret<SecretsManager, ApiKey>,
}

impl Client {
    pub(super) fn new(
        http: reqwest::Client,
        api: &ApiConfig,
        secrets: SecretsManager,
        clock: Clock,
    ) -> Self {
        Self {
            http,
            base_url: api.base_url.clone(),
            key: CachedSecret::new(secrets, api.secret_id.clone(), clock),
        }
    }

    pub(super) async fn key(&self) -> Result<SecretText, VendorError> {
        match self.key.versions().await {
            Ok(versions) => Ok(versions.current.api_key.clone()),
            Err(SecretError::Empty { .. } | SecretError::Missing { .. }) => Err(VendorError::Off),
            Err(error) => Err(VendorError::Key(error)),
        }
    }

    pub(super) fn get(&self, path: &str) -> RequestBuilder {
        self.http.get(format!("{}{path}", self.base_url))
    }

    pub(super) fn post(&self, path: &str, body: &Value) -> RequestBuilder {
        self.http
            .post(format!("{}{path}", self.base_url))
            .json(body)
    }
}

/// A vendor's answer: its status, and its body if that is JSON.
pub(super) struct Answer {
    pub status: StatusCode,
    pub body: Option<Value>,
    retry_after: Option<Duration>,
}

impl Answer {
    /// Sends the request and reads the answer, whatever its status.
    pub async fn of(request: RequestBuilder) -> Result<Self, VendorError> {
        let response = request.send().await.map_err(VendorError::Unreachable)?;
        let (status, retry_after) = (response.status(), retry_after(&response));
        let body = limited_body(response).await?;
        Ok(Self {
            status,
            body: serde_json::from_slice(&body).ok(),
            retry_after,
        })
    }

    /// The JSON of an answer that is a success.
    pub fn success(self) -> Result<Value, VendorError> {
        match self.status {
            status if status.is_success() => self.body.ok_or(VendorError::Strange),
            StatusCode::UNAUTHORIZED | StatusCode::FORBIDDEN => {
                Err(VendorError::KeyRefused(self.status))
            }
            StatusCode::NOT_FOUND => Err(VendorError::NotFound),
            status if status.is_server_error() || status == StatusCode::TOO_MANY_REQUESTS => {
                Err(VendorError::Busy {
                    status,
                    retry_after: self.retry_after,
                })
            }
            status => Err(VendorError::Rejected(status)),
        }
    }
}

/// Only the form in seconds: no vendor is known to send a date.
fn retry_after(response: &Response) -> Option<Duration> {
    let seconds = response
        .headers()
        .get(header::RETRY_AFTER)?
        .to_str()
        .ok()?
        .trim()
        .parse()
        .ok()?;
    Some(Duration::from_secs(seconds))
}

async fn limited_body(mut response: Response) -> Result<Vec<u8>, VendorError> {
    let mut body = Vec::new();
    while let Some(chunk) = response.chunk().await.map_err(VendorError::Unreachable)? {
        body.extend_from_slice(&chunk);
        if body.len() > MOST_BYTES {
            return Err(VendorError::Strange);
        }
    }
    Ok(body)
}
