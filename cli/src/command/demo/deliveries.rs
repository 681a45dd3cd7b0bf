//! What the vendors post.

use super::results::Results;
use super::stage::Stage;
use crate::command::send::Answer;
use crate::deployment::Deployment;
use crate::sources;
use crate::workspace::{self, Payload};
use anyhow::Context;
use bytes::Bytes;
use futures_util::{StreamExt, TryStreamExt, stream};
use serde::Serialize;
use serde_json::Value;
use shared::event::{Event, Status};
use shared::key::{EventId, EventKey, ItemKey};
use shared::store::EventSummary;
use shared::timestamp::Timestamp;
use std::collections::BTreeMap;
use std::path::Path;
use worker::ask_imocha::SOURCE;

const AT_ONCE: usize = 8;

/// How the deliveries were answered.
#[derive(Debug, Default, Serialize)]
pub struct Counts {
    /// All of them.
    pub sent: usize,
    /// Those accepted as something new, test buttons and what is of no known kind among them.
    pub accepted: usize,
    /// Those accepted as a repeat.
    pub duplicate: usize,
    /// Those that were not accepted.
    pub refused: usize,
}

/// What was posted, and how it was answered.
#[derive(Default)]
pub struct Deliveries {
    /// How they were answered.
    pub counts: Counts,
    /// The exact body and the number of deliveries of every event that was accepted and is kept, by id.
    expected: BTreeMap<String, (Bytes, u64)>,
}

/// Every payload under `events/`.
pub fn files(root: &Path) -> anyhow::Result<Vec<Payload>> {
    let mut files = Vec::new();
    for source in sources::ALL {
        files.extend(workspace::payloads(root, source.name)?);
    }
    Ok(files)
}

/// Has the stand-ins know of the files what their vendors' APIs would tell: how each attempt stands in the end.
pub fn remember(stage: &Stage, files: &[Payload]) -> anyhow::Result<()> {
    for payload in files {
        let body = std::fs::read(&payload.path)?;
        let fields: Value = serde_json::from_slice(&body)?;
        match (payload.source.as_str(), payload.stem()) {
            ("imocha", "in-progress") => {}
            ("imocha", _) => {
                let id = fields
                    .get("TestInvitationId")
                    .or(fields.get("TestInvitationId "));
                let id = id.and_then(Value::as_i64);
                stage
                    .imocha
                    .remember(id.context("a callback has an id")?, body);
            }
            // It comes twice among other snapshots of the same interview.
            ("jobmojito", "selected") => {
                let id = fields.get("id").and_then(Value::as_str);
                let id = id.context("a snapshot has an id")?.to_owned();
                stage.jobmojito.remember(&id, fields);
            }
            _ => {}
        }
    }
    Ok(())
}

impl Deliveries {
    /// Posts every file twice, in an order that the seed decides.
    pub async fn post_files(
        &mut self,
        stage: &Stage,
        files: Vec<Payload>,
        seed: u64,
    ) -> anyhow::Result<()> {
        let mut order: Vec<&Payload> = files.iter().chain(&files).collect();
        fastrand::Rng::with_seed(seed).shuffle(&mut order);
        let posts = stream::iter(order).map(|payload| post_file(stage, payload));
        let answers: Vec<(Bytes, Answer)> = posts.buffered(AT_ONCE).try_collect().await?;
        for (body, answer) in answers {
            self.note(body, &answer);
        }
        Ok(())
    }

    /// Posts every one of these results once, and has iMocha's stand-in remember it.
    pub async fn post_results(&mut self, stage: &Stage, results: &Results) -> anyhow::Result<()> {
        let posts = stream::iter(results.iter()).map(|(id, body)| async move {
            stage.imocha.remember(*id, body.to_vec());
            Ok::<_, anyhow::Error>((
                body.clone(),
                post(stage, "imocha", "", body.clone(), "").await?,
            ))
        });
        let answers: Vec<(Bytes, Answer)> = posts.buffered(AT_ONCE).try_collect().await?;
        for (body, answer) in answers {
            self.note(body, &answer);
        }
        Ok(())
    }

    /// Each of these results is to come once more, or for the first time, as a callback that iMocha was asked for.
    pub fn expect_callbacks(&mut self, results: &Results) {
        for (id, body) in results.iter() {
            let event = Event::of_attempt(id.to_string(), Some(Status::Completed), None);
            let key = EventKey::from_body(None, body);
            let key = ItemKey::of_event(SOURCE, &event, &key, Timestamp::EPOCH);
            self.expect_once(EventId::new(SOURCE, &key).as_str(), body.clone());
        }
    }

    /// Notes that a vendor posted by itself what had come before.
    pub fn note_repeat(&mut self, body: &Bytes, accepted: bool) {
        self.counts.sent += 1;
        if !accepted {
            self.counts.refused += 1;
            return;
        }
        self.counts.duplicate += 1;
        let mut expected = self.expected.values_mut();
        if let Some((_, deliveries)) = expected.find(|(known, _)| known == body) {
            *deliveries += 1;
        }
    }

    fn note(&mut self, body: Bytes, answer: &Answer) {
        self.counts.sent += 1;
        match answer.outcome.as_deref() {
            None => self.counts.refused += 1,
            Some("duplicate") => self.counts.duplicate += 1,
            Some(_) => self.counts.accepted += 1,
        }
        self.expect(body, answer);
    }

    fn expect(&mut self, body: Bytes, answer: &Answer) {
        if let (Some(event), Some(outcome)) = (&answer.event, &answer.outcome)
            && outcome != "ping"
        {
            self.expect_once(event, body);
        }
    }

    fn expect_once(&mut self, event: &str, body: Bytes) {
        let expected = self.expected.entry(event.to_owned());
        expected.or_insert((body, 0)).1 += 1;
    }

    /// What of the accepted deliveries is not stored as it came.
    pub async fn missing(
        &self,
        deployment: &Deployment,
        events: &[EventSummary],
    ) -> anyhow::Result<Vec<String>> {
        let stored: BTreeMap<&str, &EventSummary> = events
            .iter()
            .map(|event| (event.id.as_str(), event))
            .collect();
        let checks = stream::iter(&self.expected).map(|(id, (body, deliveries))| {
            let summary = stored.get(id.as_str()).copied();
            async move {
                match summary {
                    None => Ok(Some(format!("the event {id} is not stored"))),
                    Some(event) if event.deliveries != *deliveries => Ok(Some(format!(
                        "the event {id} counts {} deliveries, not {deliveries}",
                        event.deliveries
                    ))),
                    Some(event) => different_body(deployment, event, body).await,
                }
            }
        });
        let missing: Vec<Option<String>> = checks.buffered(AT_ONCE).try_collect().await?;
        Ok(missing.into_iter().flatten().collect())
    }
}

async fn different_body(
    deployment: &Deployment,
    event: &EventSummary,
    body: &Bytes,
) -> anyhow::Result<Option<String>> {
    let now = deployment.clock.now();
    let stored = deployment
        .table
        .find_event(&event.id, event.first_received, now)
        .await?;
    let stored =
        stored.with_context(|| format!("the event {} is not found by its id", event.id))?;
    let same = deployment.table.event_body(&stored).await? == *body;
    Ok((!same).then(|| format!("the body of {} is not the one that came", event.id)))
}

async fn post_file(stage: &Stage, payload: &Payload) -> anyhow::Result<(Bytes, Answer)> {
    let (version, body) = (version_of(stage, payload)?, body_of(stage, payload)?);
    let id = format!("msg_{}", payload.stem());
    let answer = post(stage, &payload.source, version, body.clone(), &id).await?;
    Ok((body, answer))
}

/// Which of its vendor's ways in a payload takes.
pub fn version_of(stage: &Stage, payload: &Payload) -> anyhow::Result<&'static str> {
    let sender = stage.senders.get(payload.source.as_str());
    sender
        .context("every source has a sender")?
        .version_of(&payload.path)
}

/// A payload as it is posted: its links lead to the stand-ins.
pub fn body_of(stage: &Stage, payload: &Payload) -> anyhow::Result<Bytes> {
    Ok(stage.links.lead(&std::fs::read(&payload.path)?).into())
}

/// Posts a body as a source's vendor would.
pub async fn post(
    stage: &Stage,
    source: &str,
    version: &str,
    body: Bytes,
    id: &str,
) -> anyhow::Result<Answer> {
    let sender = stage
        .senders
        .get(source)
        .context("every source has a sender")?;
    sender.post(&stage.deployment, version, body, id).await
}
