//! `hooks send`: posts a payload as its vendor would.

use crate::args::SendArgs;
use crate::deployment::Deployment;
use crate::exit::WrongUse;
use crate::output;
use crate::sources::{self, Entry};
use anyhow::{Context, bail};
use bytes::Bytes;
use http::StatusCode;
use serde::{Deserialize, Serialize};
use shared::caller::{Delivery, VendorCall};
use std::path::Path;

/// What a vendor was answered.
#[derive(Debug, Serialize, Deserialize)]
pub struct Answer {
    /// The HTTP status.
    #[serde(default)]
    pub status: u16,
    /// The event's id, if the delivery was accepted.
    pub event: Option<String>,
    /// What became of it, if it was accepted.
    pub outcome: Option<String>,
}

/// Posts payloads with a source's credentials.
pub struct Sender {
    http: reqwest::Client,
    api_url: String,
    source: Entry,
    secret: String,
}

impl Sender {
    /// For one source.
    pub async fn new(deployment: &Deployment, source: Entry) -> anyhow::Result<Self> {
        let secret = deployment.inbound_secret(&source).await?;
        let api_url = deployment
            .output("ApiUrl")?
            .trim_end_matches('/')
            .to_owned();
        Ok(Self {
            http: reqwest::Client::new(),
            api_url,
            source,
            secret,
        })
    }

    /// The source's way in that a file is for.
    pub fn version_of(&self, file: &Path) -> anyhow::Result<&'static str> {
        self.source.version_of(&self.secret, file)
    }

    /// Posts one body. `id` is the delivery's, for a vendor that gives one.
    pub async fn post(
        &self,
        deployment: &Deployment,
        version: &str,
        body: Bytes,
        id: &str,
    ) -> anyhow::Result<Answer> {
        let delivery = Delivery {
            version,
            body: &body,
            sent: deployment.clock.now(),
            id,
        };
        let call = self.source.call(&self.secret, delivery)?;
        let sent = self.request(&call).body(body).send().await;
        // The URL may hold a token.
        let response = sent.map_err(reqwest::Error::without_url)?;
        let status = response.status();
        let text = response.bytes().await?;
        if status != StatusCode::ACCEPTED {
            return Ok(Answer {
                status: status.as_u16(),
                event: None,
                outcome: None,
            });
        }
        let answer: Answer =
            serde_json::from_slice(&text).context("the answer is not what a receiver gives")?;
        Ok(Answer {
            status: status.as_u16(),
            ..answer
        })
    }

    fn request(&self, call: &VendorCall) -> reqwest::RequestBuilder {
        let request = self.http.post(format!("{}{}", self.api_url, call.path));
        call.headers.iter().fold(request, |request, (name, value)| {
            request.header(name, value)
        })
    }
}

/// Posts a file.
pub async fn run(deployment: &Deployment, args: &SendArgs, json: bool) -> anyhow::Result<()> {
    let sender = Sender::new(deployment, sources::named(&args.source)?).await?;
    let version = match &args.version {
        Some(version) => version.as_str(),
        None => sender.version_of(&args.file)?,
    };
    let body = std::fs::read(&args.file)
        .map_err(|error| WrongUse(format!("{} cannot be read: {error}", args.file.display())))?;
    let body = Bytes::from(body);
    let id = format!("msg_{:016x}", fastrand::u64(..));
    let mut answers = Vec::new();
    for _ in 0..args.count.get() {
        answers.push(sender.post(deployment, version, body.clone(), &id).await?);
    }
    print(&answers, json)?;
    let refused = answers
        .iter()
        .filter(|answer| answer.outcome.is_none())
        .count();
    if refused > 0 {
        bail!(
            "{refused} of {} deliveries were not accepted",
            answers.len()
        );
    }
    Ok(())
}

fn print(answers: &[Answer], json: bool) -> anyhow::Result<()> {
    if json {
        return output::json(&answers);
    }
    let row = |answer: &Answer| {
        [
            answer.status.to_string(),
            output::or_dash(answer.outcome.as_ref()),
            output::or_dash(answer.event.as_ref()),
        ]
    };
    output::table(
        ["status", "outcome", "event"],
        &answers.iter().map(row).collect::<Vec<_>>(),
    )
}

#[cfg(test)]
mod tests {
    use super::*;
    use shared::timestamp::Timestamp;

    #[test]
    fn the_content_type_is_said_once() {
        shared::tls::use_ring();
        for source in sources::ALL {
            let secret = source.local_secret().to_string();
            let sender = Sender {
                http: reqwest::Client::new(),
                api_url: "http://localhost".into(),
                source,
                secret: secret.clone(),
            };
            for endpoint in source.endpoints(&secret).unwrap() {
                let delivery = Delivery {
                    version: endpoint.version,
                    body: b"{}",
                    sent: Timestamp::EPOCH,
                    id: "msg_1",
                };
                let call = source.call(&secret, delivery).unwrap();
                let request = sender.request(&call).build().unwrap();
                let content_types: Vec<_> =
                    request.headers().get_all("content-type").iter().collect();
                assert_eq!(content_types, ["application/json"], "{}", source.name);
            }
        }
    }
}
