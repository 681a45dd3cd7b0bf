//! `register`: has a vendor call our URLs with our credential, as an operator wants it.
//!
//! What is wanted lies in the table, and what came of it is written beside it, where `hooks webhooks` waits for it. The
//! vendor's call may be repeated, so that a crash at any point leads to the same call again. That it is made is noted before
//! it: until the vendor has answered, what it may have changed is in doubt.

use crate::vendors::VendorError;
use crate::vendors::error::{Advice, Waiting};
use crate::vendors::xobin::webhooks::{self, Done, RegisterError};
use crate::{JobError, Worker};
use shared::error::causes;
use shared::key::{ItemKey, REGISTRATION};
use shared::limits::Why;
use shared::person::HashKey;
use shared::registration::Registered;
use shared::secrets::SecretError;
use shared::store::{Registration, RegistrationCall, RegistrationOutcome};
use shared::timestamp::Timestamp;
use std::time::Duration;

/// The vendor whose webhooks can be registered.
pub const VENDOR: &str = "xobin";
/// A call is the only one for this long: longer than a message may take.
const CALL_TAKES: Duration = Duration::from_mins(1);
/// Whoever watches is not told of a wait as short as this.
const SHORT_WAIT: Duration = Duration::from_mins(1);
/// When a secret that cannot be read at the moment is read again.
const SECRET_AGAIN: Duration = Duration::from_mins(1);

/// What came of a call.
struct Settled {
    outcome: RegistrationOutcome,
    message: Option<String>,
    registered: Registered,
    due_at: Option<Timestamp>,
}

impl Worker {
    /// Registers what the item at `key` wants, unless that is done.
    pub async fn register(&self, key: &ItemKey) -> Result<(), JobError> {
        let gone = || JobError::Gone(key.clone());
        let vendor = key.vendor().filter(|vendor| *vendor == VENDOR);
        let vendor = vendor.filter(|_| key.sk == REGISTRATION).ok_or_else(gone)?;
        let registration = self.table.registration(vendor).await?.ok_or_else(gone)?;
        if registration.due_at.is_none() {
            return Ok(());
        }
        let people = self.people.versions().await?;
        let prepared = self.vendors.xobin.prepare(&registration.wanted).await;
        if let Err(RegisterError::Vendor(VendorError::Waiting(waiting))) = prepared
            && waiting.after <= SHORT_WAIT
        {
            return Err(JobError::Waiting(waiting));
        }
        let doubting = match &prepared {
            Ok(_) => registration.registered.doubting(&registration.wanted),
            Err(_) => registration.registered.clone(),
        };
        let Some(call) = self
            .begin_registering(vendor, &registration, &doubting)
            .await?
        else {
            if let Ok(prepared) = prepared {
                self.vendors.xobin.give_back(prepared).await;
            }
            return Ok(());
        };
        let asked = match prepared {
            Ok(prepared) => {
                let xobin = &self.vendors.xobin;
                xobin.register(prepared, &registration.wanted).await
            }
            Err(error) => Err(error),
        };
        let settled = self.settled(registration, doubting, asked, &people.current);
        self.note_registered(&call, settled).await
    }

    async fn begin_registering(
        &self,
        vendor: &str,
        registration: &Registration,
        doubting: &Registered,
    ) -> Result<Option<RegistrationCall>, JobError> {
        let (request, now) = (&registration.request, self.clock.now());
        let until = now.plus(CALL_TAKES);
        let begun = self
            .table
            .begin_registering(vendor, request, doubting, now, until);
        Ok(begun.await?)
    }

    async fn note_registered(
        &self,
        call: &RegistrationCall,
        settled: Settled,
    ) -> Result<(), JobError> {
        let noted = self.table.note_registration(
            call,
            settled.outcome,
            settled.message.as_deref(),
            &settled.registered,
            settled.due_at,
        );
        Ok(noted.await?)
    }

    fn settled(
        &self,
        registration: Registration,
        doubting: Registered,
        asked: Result<Done, RegisterError>,
        people: &HashKey,
    ) -> Settled {
        let now = self.clock.now();
        let before = registration.registered;
        let error = match asked {
            Ok(Done { message, auth }) => {
                let credential = webhooks::credential(people, &auth);
                return Settled {
                    outcome: RegistrationOutcome::Registered,
                    message,
                    registered: before.with(&registration.wanted, credential, now),
                    due_at: None,
                };
            }
            Err(error) => error,
        };
        log(&error);
        let try_again_after = error.try_again_after();
        Settled {
            outcome: match (&try_again_after, &error) {
                (Some(_), _) => RegistrationOutcome::Waiting,
                (None, RegisterError::Refused { .. }) => RegistrationOutcome::Refused,
                (None, _) => RegistrationOutcome::Failed,
            },
            message: Some(said(&error)),
            registered: if error.leaves_doubt() {
                doubting
            } else {
                before
            },
            due_at: try_again_after.map(|after| now.plus(after)),
        }
    }
}

impl RegisterError {
    /// How long to wait before the same is tried again; `None` if that is for a person to decide, who is told at once.
    fn try_again_after(&self) -> Option<Duration> {
        match self {
            Self::Inbound(error) | Self::Vendor(VendorError::Key(error)) => {
                may_pass(error).then_some(SECRET_AGAIN)
            }
            Self::Vendor(error) => match error.advice() {
                Advice::TryLater(after) => Some(after),
                Advice::FixKey | Advice::GiveUp => None,
            },
            Self::NoCredential(_)
            | Self::NotHttps(_)
            | Self::KeyRefused { .. }
            | Self::Refused { .. } => None,
        }
    }

    /// Whether the vendor may have done it all the same.
    fn leaves_doubt(&self) -> bool {
        match self {
            Self::Vendor(error) => !error.needs_a_person(),
            Self::Refused { status, .. } => !status.is_client_error(),
            Self::Inbound(_)
            | Self::NoCredential(_)
            | Self::NotHttps(_)
            | Self::KeyRefused { .. } => false,
        }
    }
}

/// What the operator reads.
fn said(error: &RegisterError) -> String {
    match error {
        RegisterError::Vendor(VendorError::Off) => {
            "Xobin's API is off: set its key with `hooks secrets set xobin-api api_key`".into()
        }
        RegisterError::Vendor(VendorError::Waiting(waiting)) => waits(waiting),
        // With its cause, which names the secret.
        RegisterError::Inbound(_) => causes(error),
        error => error.to_string(),
    }
}

/// Why Xobin is not called yet.
fn waits(waiting: &Waiting) -> String {
    let until = waiting.until;
    match waiting.why {
        Why::KeyRefused => format!(
            "Xobin refused the API key lately, and is not called before {until}: see that another is set, with \
             `hooks secrets set xobin-api api_key`"
        ),
        Why::Outage => format!("Xobin fails, and is not called before {until}"),
        Why::Paused => format!("Xobin wants to be left alone until {until}"),
        Why::Rate | Why::Contended => {
            format!("too many calls want to go, and this one waits until {until}")
        }
    }
}

fn may_pass(error: &SecretError) -> bool {
    matches!(error, SecretError::Unavailable { .. })
}

/// What a vendor says of a request is not for the log.
fn log(error: &RegisterError) {
    match error {
        RegisterError::Vendor(error) => error.log(VENDOR),
        RegisterError::KeyRefused { status, .. } | RegisterError::Refused { status, .. } => {
            let status = status.as_u16();
            tracing::error!(
                vendor = VENDOR,
                http.status = status,
                "the webhooks are not registered: `hooks webhooks verify xobin` says why"
            );
        }
        error if error.try_again_after().is_some() => {
            let error = causes(error);
            tracing::warn!(vendor = VENDOR, error, "the webhooks are registered later");
        }
        error => {
            let error = causes(error);
            tracing::error!(vendor = VENDOR, error, "the webhooks are not registered");
        }
    }
}
