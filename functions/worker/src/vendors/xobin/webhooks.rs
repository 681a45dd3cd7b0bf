//! `POST /webhooks`: where Xobin calls us, and with which credential.
//!
//! The credential is read from the inbound secret for each call and goes into this one request alone. It is read anew, and not
//! from a cache: what is registered is what is in force at that moment.

use crate::config::WorkerConfig;
use crate::vendors::VendorError;
use crate::vendors::answer::Answer;
use crate::vendors::client::{Admission, Client};
use crate::vendors::quote::{self, MASK, Secrets};
use reqwest::StatusCode;
use serde_json::{Map, Value, json};
use shared::clock::Clock;
use shared::person::HashKey;
use shared::registration::{AUTH, Credential, Wanted};
use shared::secrets::{CachedSecret, SecretError, SecretText, SecretsManager};
use xobin_webhook::{Auth, AuthType, Credentials};

/// The path, below that of the API.
pub const PATH: &str = "/webhooks";
const SUCCESS: &str = "success";

/// What Xobin is to show us.
pub struct Inbound {
    secrets: SecretsManager,
    secret_id: String,
    clock: Clock,
    /// Whether Xobin's own API is reached by https. Only a stand-in on this machine is not, and only it may call us without.
    by_https: bool,
}

/// What one call is made with. Not to be kept.
pub(crate) struct Prepared {
    pub(super) auth: Auth,
    pub(super) admission: Admission,
}

/// Xobin has done what was wanted.
#[derive(Debug)]
pub struct Done {
    /// What it says.
    pub message: Option<String>,
    /// What it shows us from now on.
    pub auth: Auth,
}

/// The webhooks are not registered, or may not be.
#[derive(Debug, thiserror::Error)]
pub enum RegisterError {
    /// The inbound secret cannot be had.
    #[error("the credential that Xobin is to send cannot be had")]
    Inbound(#[source] SecretError),
    /// There is no credential of the sort that was wanted.
    #[error(
        "the inbound secret of xobin holds no credential of the sort `{0}`: set it with `hooks secrets set xobin`"
    )]
    NoCredential(String),
    /// Candidates' data and the credential would travel in the clear.
    #[error("the URL of `{0}` is not https, and Xobin is not given such a one")]
    NotHttps(String),
    /// It could not be asked, or is too busy.
    #[error(transparent)]
    Vendor(#[from] VendorError),
    /// It does not accept our key.
    #[error(
        "Xobin does not accept the API key: set it with `hooks secrets set xobin-api api_key`. It answers {status}: {said}"
    )]
    KeyRefused {
        /// What it answers.
        status: StatusCode,
        /// In its words, masked.
        said: String,
    },
    /// It answers something else than that it is done.
    #[error("Xobin answers {status}: {said}")]
    Refused {
        /// What it answers.
        status: StatusCode,
        /// In its words, masked.
        said: String,
    },
}

impl Inbound {
    pub(in crate::vendors) fn new(
        secrets: SecretsManager,
        config: &WorkerConfig,
        clock: Clock,
    ) -> Self {
        Self {
            secrets,
            secret_id: config.xobin_secret_id.clone(),
            clock,
            by_https: config.xobin.base_url.starts_with("https://"),
        }
    }

    /// The credential that is wanted, for URLs that may be called with it.
    pub(super) async fn auth(&self, wanted: &Wanted) -> Result<Auth, RegisterError> {
        self.check_urls(wanted)?;
        let (secrets, clock) = (self.secrets.clone(), self.clock.clone());
        let secret = CachedSecret::<_, Credentials>::new(secrets, self.secret_id.clone(), clock);
        let versions = secret.versions().await.map_err(RegisterError::Inbound)?;
        let sort = wanted.auth.as_deref();
        let no_credential = || RegisterError::NoCredential(sort.unwrap_or("any").to_owned());
        let sort = match sort.map(AuthType::named) {
            Some(None) => return Err(no_credential()),
            Some(sort) => sort,
            None => None,
        };
        versions.current.auth(sort).ok_or_else(no_credential)
    }

    fn check_urls(&self, wanted: &Wanted) -> Result<(), RegisterError> {
        let mut webhooks = wanted.webhooks.iter();
        let plain = webhooks.find(|(_, webhook)| !webhook.url.starts_with("https://"));
        match plain {
            Some((kind, _)) if self.by_https => Err(RegisterError::NotHttps(kind.clone())),
            _ => Ok(()),
        }
    }
}

/// Has it registered.
pub(super) async fn register(
    client: &Client,
    prepared: Prepared,
    wanted: &Wanted,
) -> Result<Done, RegisterError> {
    let Prepared { auth, admission } = prepared;
    let secrets = secrets(&auth, admission.key());
    let request = client.post(PATH, &body(wanted, &auth));
    let answer = client.ask(admission, request, Answer::outcome).await?;
    let message = message(answer, &secrets)?;
    Ok(Done { message, auth })
}

/// The whole body of the request. Holds the credential.
#[must_use]
pub fn body(wanted: &Wanted, auth: &Auth) -> Value {
    let webhooks = wanted.webhooks.iter().map(|(kind, webhook)| {
        let webhook = json!({ "status": webhook.enabled, "url": webhook.url });
        (kind.clone(), webhook)
    });
    let mut webhooks: Map<String, Value> = webhooks.collect();
    webhooks.insert(AUTH.to_owned(), auth_body(auth));
    json!({
        "webhooks": webhooks,
        "updateAll": wanted.update_all,
        "updateAuth": wanted.update_auth,
    })
}

fn auth_body(auth: &Auth) -> Value {
    match auth {
        Auth::Basic { username, password } => json!({
            "type": auth.sort(),
            "basic": { "username": username.expose(), "password": password.expose() },
        }),
        Auth::ApiKey { header, key } => json!({
            "type": auth.sort(),
            "apikey": { "header": header, "apikey": key.expose() },
        }),
    }
}

/// The same credential with nothing secret in it, for whoever wants to see the request.
#[must_use]
pub fn masked(auth: Auth) -> Auth {
    let mask = || SecretText::from(MASK.to_owned());
    match auth {
        Auth::Basic { username, .. } => Auth::Basic {
            username,
            password: mask(),
        },
        Auth::ApiKey { header, .. } => Auth::ApiKey {
            header,
            key: mask(),
        },
    }
}

/// What is kept of a credential.
#[must_use]
pub fn credential(people: &HashKey, auth: &Auth) -> Credential {
    let (name, secret) = match auth {
        Auth::Basic { username, password } => (username.expose(), password.expose()),
        Auth::ApiKey { header, key } => (header.as_str(), key.expose()),
    };
    let sort = auth.sort();
    // With the length, so that no two credentials are one text.
    let text = format!("{sort} {} {name} {secret}", name.len());
    Credential {
        sort: sort.as_str().to_owned(),
        fingerprint: people.fingerprint(&text),
    }
}

/// What it could echo.
pub(super) fn secrets(auth: &Auth, key: &SecretText) -> Secrets {
    let own = match auth {
        Auth::Basic { password, .. } => password,
        Auth::ApiKey { key, .. } => key,
    };
    let (_, header) = auth.header();
    let encoded = header.trim_start_matches("Basic ").to_owned();
    let exposed = [own, key].map(|it| it.expose().to_owned());
    Secrets::new(exposed.into_iter().chain([encoded]))
}

/// What it says, if that is a success.
pub(super) fn message(answer: Answer, secrets: &Secrets) -> Result<Option<String>, RegisterError> {
    let status = answer.status;
    if status == StatusCode::TOO_MANY_REQUESTS || status.is_server_error() {
        return Err(answer
            .success()
            .err()
            .unwrap_or(VendorError::Strange)
            .into());
    }
    let body = answer.body.as_ref();
    if status.is_success() && body.is_some_and(says_success) {
        let message = body.and_then(|body| body.get("message")?.as_str());
        return Ok(message.map(|message| quote::text(message, secrets)));
    }
    let said = body.map_or_else(
        || quote::text(&answer.text(), secrets),
        |body| quote::json(body, secrets),
    );
    Err(match status {
        StatusCode::UNAUTHORIZED | StatusCode::FORBIDDEN => {
            RegisterError::KeyRefused { status, said }
        }
        status => RegisterError::Refused { status, said },
    })
}

fn says_success(body: &Value) -> bool {
    let status = body.get("status").and_then(Value::as_str);
    status.is_some_and(|status| status.trim().eq_ignore_ascii_case(SUCCESS))
}
