//! `hooks webhooks`: has a vendor call our URLs, and tells when what it was told is not what is deployed now.
//!
//! The commands call no vendor: the worker does, and what came of it stands in the table.

mod deployed;
mod register;
mod request;
mod verify;

pub use register::{register_all, run as register};
pub use verify::{differences, run as verify};

use serde::Serialize;
use shared::registration::Webhook;
use shared::store::{Registration, RegistrationOutcome};
use shared::timestamp::Timestamp;
use std::collections::BTreeMap;
use worker::register::VENDOR;

/// A request and what came of it, as `--json` prints it. Shows no credential.
#[derive(Debug, Serialize)]
struct RequestView {
    vendor: &'static str,
    outcome: RegistrationOutcome,
    message: Option<String>,
    requested_at: Timestamp,
    tried_at: Option<Timestamp>,
    due_at: Option<Timestamp>,
    webhooks: BTreeMap<String, Webhook>,
    auth: Option<String>,
    update_all: bool,
    update_auth: bool,
}

impl RequestView {
    fn of(registration: Registration) -> Self {
        let wanted = registration.wanted;
        Self {
            vendor: VENDOR,
            outcome: registration.outcome,
            message: registration.message,
            requested_at: registration.requested_at,
            tried_at: registration.tried_at,
            due_at: registration.due_at,
            webhooks: wanted.webhooks,
            auth: wanted.auth,
            update_all: wanted.update_all,
            update_auth: wanted.update_auth,
        }
    }

    /// `start, updates; off: submission`.
    fn kinds(&self) -> String {
        let names = |enabled: bool| {
            let webhooks = self.webhooks.iter();
            let names = webhooks.filter(|(_, webhook)| webhook.enabled == enabled);
            names
                .map(|(name, _)| name.as_str())
                .collect::<Vec<_>>()
                .join(", ")
        };
        match (names(true), names(false)) {
            (on, off) if off.is_empty() => on,
            (on, off) if on.is_empty() => format!("off: {off}"),
            (on, off) => format!("{on}; off: {off}"),
        }
    }
}
