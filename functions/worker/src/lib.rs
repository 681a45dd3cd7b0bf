//! The worker: the follow-up work that webhooks leave behind, and the only function that talks to vendors.
//!
//! One file a job: [`fold`] works out where an attempt stands, [`fetch_report`] finds its report, [`ask_imocha`] has callbacks
//! sent again, [`sweep`] finds what was left undone. [`vendors`] are the vendors' APIs. A job that has to wait makes its item
//! due later and is done; only what is broken fails its message.

pub mod ask_imocha;
pub mod config;
pub mod fetch_report;
pub mod fold;
pub mod job;
pub mod sweep;
pub mod vendors;

use aws_lambda_events::event::sqs::{SqsBatchResponse, SqsEvent, SqsMessage};
use job::{Job, Message, MessageError};
use shared::batch::{Handled, handle_each};
use shared::clock::Clock;
use shared::http::causes;
use shared::key::ItemKey;
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

impl Worker {
    /// Handles a batch of messages: every message by itself.
    pub async fn handle(&self, event: SqsEvent, time_for_each: Duration) -> SqsBatchResponse {
        handle_each(event, time_for_each, |message| self.handle_message(message)).await
    }

    async fn handle_message(&self, message: SqsMessage) -> Handled {
        let started = self.clock.now();
        let message_id = message.message_id.unwrap_or_default();
        let message = match Message::parse(message.body.as_deref()) {
            Ok(message) => message,
            Err(error) => return Handled::Failed(causes(&error)),
        };
        let result = self.run(&message).await;
        let duration_ms = self.clock.now().unix_ms() - started.unix_ms();
        let (job, correlation_id) = (message.job.name(), message.correlation_id.as_str());
        match result {
            Ok(()) => {
                tracing::info!(
                    job,
                    message.id = message_id,
                    correlation_id,
                    duration_ms,
                    "job done"
                );
                Handled::Done
            }
            Err(error) => {
                tracing::warn!(
                    job,
                    message.id = message_id,
                    correlation_id,
                    duration_ms,
                    "job failed"
                );
                Handled::Failed(causes(&error))
            }
        }
    }

    async fn run(&self, message: &Message) -> Result<(), JobError> {
        let correlation_id = &message.correlation_id;
        match &message.job {
            Job::Fold(key) => self.fold(key, correlation_id).await,
            Job::FetchReport(key) => self.fetch_report(key).await,
            Job::AskImocha { ids } => self.ask_imocha(ids, correlation_id).await,
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
