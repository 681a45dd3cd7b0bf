//! The worker: the follow-up work that webhooks leave behind, and the only function that talks to vendors.
//!
//! One file a job: [`fold`] works out where an attempt stands, [`fetch_report`] finds its report, [`read_result`] has the vendor's
//! API confirm it, [`ask_imocha`] has callbacks sent again, [`sweep`] finds what was left undone. [`vendors`] are the vendors' APIs. A job that has to wait makes its item
//! due later and is done; only what is broken fails its message.

pub mod ask_imocha;
pub mod config;
pub mod fetch_report;
pub mod fold;
pub mod job;
pub mod read_result;
pub mod sweep;
pub mod vendors;

use aws_lambda_events::event::sqs::{SqsBatchResponse, SqsEvent, SqsMessage};
use job::{Job, Message, MessageError};
use shared::batch::{Handled, handle_each};
use shared::clock::Clock;
use shared::error::causes;
use shared::key::{EventId, ItemKey};
use shared::person::HashKey;
use shared::queue::{Queue, QueueError, Sqs};
use shared::secrets::{CachedSecret, SecretError, SecretsManager};
use shared::store::{StoreError, Table};
use std::time::Duration;
use vendors::Vendors;

/// What all jobs lean on.
pub struct Worker {
    /// The table.
    pub table: Table,
    /// The queue, for the work that work makes.
    pub queue: Sqs,
    /// The key that people's addresses are hashed with.
    pub people: CachedSecret<SecretsManager, HashKey>,
    /// The vendors' APIs.
    pub vendors: Vendors,
    /// The time.
    pub clock: Clock,
    /// How long things are kept once they are done with; `None` is for ever.
    pub keep_for: Option<Duration>,
    /// How often iMocha is asked for the same, before a person is told.
    pub imocha_ask_times: u64,
}

/// A job could not be done, and its message is to come again.
#[derive(Debug, thiserror::Error)]
pub enum JobError {
    /// The message is none that this code can read.
    #[error("the message cannot be read")]
    Message(#[from] MessageError),
    /// The table failed.
    #[error(transparent)]
    Store(#[from] StoreError),
    /// The queue failed.
    #[error(transparent)]
    Queue(#[from] QueueError),
    /// A secret cannot be had.
    #[error(transparent)]
    Secret(#[from] SecretError),
    /// The item that the message speaks of is not there.
    #[error("there is no {0}")]
    Gone(ItemKey),
    /// Others changed the state as often as this job tried to.
    #[error("the state of {0} was changed by others {times} times in a row", times = fold::ATTEMPTS)]
    Contended(String),
}

impl JobError {
    /// Whether a person has to act before it can succeed, or whether it passes; what does not pass after all ends in the
    /// dead-letter queue or is parked, each of which has its own alarm.
    const fn needs_a_person(&self) -> bool {
        match self {
            Self::Secret(error) => match error {
                SecretError::Missing { .. }
                | SecretError::Malformed { .. }
                | SecretError::Empty { .. } => true,
                SecretError::Unavailable { .. } => false,
            },
            Self::Message(_)
            | Self::Store(_)
            | Self::Queue(_)
            | Self::Gone(_)
            | Self::Contended(_) => false,
        }
    }
}

/// The one line about a message.
struct Line<'a> {
    message_id: &'a str,
    message: Option<&'a Message>,
    duration_ms: i64,
}

/// A macro, since a level is a constant. Fields that are not known are left out.
macro_rules! line {
    ($level:ident, $line:expr, $text:literal $(, $($added:tt)+)?) => {
        tracing::$level!(
            job = $line.message.map(|message| message.job.name()),
            event.id = $line.message.and_then(|message| message.job.event_id()).as_ref().map(EventId::as_str),
            correlation_id = $line.message.map(|message| message.correlation_id.as_str()),
            message.id = $line.message_id,
            duration_ms = $line.duration_ms,
            $($($added)+,)?
            $text
        )
    };
}

impl Line<'_> {
    fn log(&self, error: Option<&JobError>) {
        match error {
            None => line!(info, self, "job done"),
            Some(error) if error.needs_a_person() => {
                line!(error, self, "job failed", error = causes(error));
            }
            Some(error) => line!(warn, self, "job failed", error = causes(error)),
        }
    }
}

impl Worker {
    /// Handles a batch of messages: every message by itself.
    pub async fn handle(&self, event: SqsEvent, time: Duration) -> SqsBatchResponse {
        handle_each(event, time, |message| self.handle_message(message)).await
    }

    async fn handle_message(&self, message: SqsMessage) -> Handled {
        let started = self.clock.now();
        let message_id = message.message_id.unwrap_or_default();
        let parsed = Message::parse(message.body.as_deref());
        let result = match &parsed {
            Ok(message) => self.run(message).await,
            Err(error) => Err(JobError::Message(*error)),
        };
        let line = Line {
            message_id: &message_id,
            message: parsed.as_ref().ok(),
            duration_ms: self.clock.now().unix_ms() - started.unix_ms(),
        };
        line.log(result.as_ref().err());
        if result.is_ok() {
            Handled::Done
        } else {
            Handled::Failed
        }
    }

    async fn run(&self, message: &Message) -> Result<(), JobError> {
        let correlation_id = &message.correlation_id;
        match &message.job {
            Job::Fold(key) => self.fold(key, correlation_id).await,
            Job::FetchReport(key) => self.fetch_report(key).await,
            Job::AskImocha { ids, search } => {
                self.ask_imocha(ids, search.as_ref(), correlation_id).await
            }
            Job::ReadResult(key) => self.read_result(key, correlation_id).await,
            Job::Sweep => self.sweep(correlation_id).await,
        }
    }

    async fn send(&self, job: Job, correlation_id: &str) -> Result<(), QueueError> {
        let message = Message {
            job,
            correlation_id: correlation_id.to_owned(),
        };
        self.queue.send(message.body()).await
    }
}
