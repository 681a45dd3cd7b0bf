//! What is deployed now: the URLs, and the credentials that Xobin may show.

use crate::command::endpoints;
use crate::deployment::Deployment;
use crate::sources::{self, Entry};
use anyhow::{Context, bail};
use shared::registration;
use shared::secrets::Stage;
use std::collections::BTreeMap;
use worker::register::VENDOR;
use worker::vendors::xobin::webhooks::credential;
use xobin_webhook::{Auth, AuthType, Credentials};

/// The deployment, as a vendor is told of it. Holds credentials: not for `Debug`.
pub struct Deployed {
    /// The URL of each kind.
    pub urls: BTreeMap<String, String>,
    credentials: Credentials,
}

impl Deployed {
    /// Reads it: the URLs are those of `hooks endpoints`.
    pub async fn read(deployment: &Deployment) -> anyhow::Result<Self> {
        let source = source()?;
        let secret = deployment.inbound_secret(&source).await?;
        let endpoints = endpoints::of_source(deployment, &source, &secret)?;
        if endpoints.is_empty() {
            bail!(
                "the inbound secret of {VENDOR} holds no credential, and every call of it would be answered 503: set one with \
                 `hooks secrets set {VENDOR} password`"
            );
        }
        let urls = endpoints.into_iter();
        Ok(Self {
            urls: urls.map(|it| (it.version.to_owned(), it.url)).collect(),
            credentials: credentials(&secret)?,
        })
    }

    /// The credential of this sort.
    pub fn auth(&self, sort: Option<AuthType>) -> anyhow::Result<Auth> {
        self.credentials.auth(sort).with_context(|| {
            let field = match sort {
                Some(AuthType::ApiKey) => "api_key",
                _ => "password",
            };
            format!(
                "the inbound secret of {VENDOR} holds no such credential: set it with `hooks secrets set {VENDOR} {field}`"
            )
        })
    }

    /// The same, to be held against what is registered.
    pub async fn compared(self, deployment: &Deployment) -> anyhow::Result<registration::Deployed> {
        let people = deployment.hash_key().await?;
        let source = source()?;
        let previous = deployment.inbound_version(&source, Stage::Previous).await?;
        // A previous version that is of no use is believed by nobody.
        let previous = previous.and_then(|text| credentials(&text).ok());
        let all = |credentials: &Credentials| {
            let sorts = AuthType::ALL.into_iter();
            let auths = sorts.filter_map(|sort| credentials.auth(Some(sort)));
            auths.map(|auth| credential(&people, &auth)).collect()
        };
        Ok(registration::Deployed {
            current: all(&self.credentials),
            previous: previous.as_ref().map(all).unwrap_or_default(),
            urls: self.urls,
        })
    }
}

fn source() -> anyhow::Result<Entry> {
    Ok(sources::named(VENDOR)?)
}

/// serde's own message may quote the secret.
fn credentials(text: &str) -> anyhow::Result<Credentials> {
    let credentials = serde_json::from_str(text).ok();
    credentials
        .with_context(|| format!("the inbound secret of {VENDOR} is not of the expected shape"))
}
