//! A vendor that tries again until it is accepted.

use super::candidates::Webhook;
use crate::everybody::Everybody;
use reqwest::StatusCode;
use serde_json::Value;
use shared::key::EventId;
use std::time::{Duration, Instant};

const TRIES: u32 = 12;
const FIRST_PAUSE: Duration = Duration::from_millis(50);

/// What came of a webhook.
pub(super) struct Accepted {
    pub(super) event: EventId,
    /// Whether it was told to be new, and no repeat.
    pub(super) new: bool,
    /// How long the try took that was accepted.
    pub(super) took: Duration,
    /// How many tries were not.
    pub(super) turned_away: u64,
}

/// Sends it until it is accepted; why not, if it never is.
pub(super) async fn send(everybody: &Everybody, webhook: &Webhook) -> Result<Accepted, String> {
    let (mut why, mut pause) = (String::new(), FIRST_PAUSE);
    for turned_away in 0..u64::from(TRIES) {
        let started = Instant::now();
        match once(everybody, webhook).await {
            Ok((event, new)) => {
                return Ok(Accepted {
                    event,
                    new,
                    took: started.elapsed(),
                    turned_away,
                });
            }
            Err(because) => why = because,
        }
        tokio::time::sleep(pause).await;
        pause *= 2;
    }
    Err(format!("turned away {TRIES} times, with {why} at last"))
}

/// The event, and whether it is new.
async fn once(everybody: &Everybody, webhook: &Webhook) -> Result<(EventId, bool), String> {
    let Webhook {
        source,
        version,
        id,
        body,
        ..
    } = webhook;
    let call = everybody.ready(source, version, id, body.clone());
    let url = format!("{}{}", everybody.stage.bundle.api_url(), call.path);
    let mut request = everybody.stage.http.post(url).body(call.body);
    for (name, value) in &call.headers {
        request = request.header(name, value);
    }
    let answer = request
        .send()
        .await
        .map_err(|it| it.without_url().to_string())?;
    if answer.status() != StatusCode::ACCEPTED {
        return Err(answer.status().to_string());
    }
    let answer: Value = answer
        .json()
        .await
        .map_err(|it| it.without_url().to_string())?;
    let text = |name: &str| answer[name].as_str().ok_or("an answer without an event");
    let event = text("event")?
        .parse()
        .map_err(|_| "an answer with a bad id")?;
    Ok((event, text("outcome")? == "accepted"))
}
