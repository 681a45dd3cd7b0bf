//! Xobin is told where to call, and calls there.

use super::deliveries::{self, Deliveries};
use super::follow_ups::Registered;
use super::stage::Stage;
use crate::command::webhooks;
use crate::workspace::Payload;
use bytes::Bytes;
use std::collections::BTreeMap;
use worker::register::VENDOR;

const TIMEOUT_SECONDS: u32 = 180;

/// What came of it, and the calls that Xobin made by what was registered, with whether each was accepted.
pub struct Called {
    registered: Registered,
    calls: Vec<(Bytes, bool)>,
}

impl Called {
    /// Counts the calls among the deliveries.
    pub fn note(self, deliveries: &mut Deliveries) -> Registered {
        for (body, accepted) in &self.calls {
            deliveries.note_repeat(body, *accepted);
        }
        self.registered
    }
}

/// Has all kinds registered, holds them against what is deployed, and has Xobin call each with a payload that came before.
pub async fn register(stage: &Stage, files: &[Payload]) -> anyhow::Result<Called> {
    let registration = webhooks::register_all(&stage.deployment, TIMEOUT_SECONDS).await?;
    let registered = &registration.registered;
    let differences = webhooks::differences(&stage.deployment, registered).await?;
    let mut calls = Vec::new();
    for (kind, body) in bodies(stage, files)? {
        if let Some(status) = stage.xobin.call(kind, body.clone()).await? {
            calls.push((body, status.is_success()));
        }
    }
    Ok(Called {
        registered: Registered {
            webhooks: registered.webhooks.len(),
            differences: differences.len(),
            calls: calls.len(),
            accepted: calls.iter().filter(|(_, accepted)| *accepted).count(),
        },
        calls,
    })
}

/// One payload of each kind.
fn bodies(stage: &Stage, files: &[Payload]) -> anyhow::Result<BTreeMap<&'static str, Bytes>> {
    let files = files.iter().filter(|payload| payload.source == VENDOR);
    let bodies = files.map(|payload| {
        let kind = deliveries::version_of(stage, payload)?;
        Ok((kind, deliveries::body_of(stage, payload)?))
    });
    bodies.collect()
}
