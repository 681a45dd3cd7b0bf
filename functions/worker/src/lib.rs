//! The worker: the follow-up work that webhooks leave behind, and the only function that talks to vendors.
//!
//! One file a job: [`fold`] works out where an attempt stands, [`publish`] tells other systems of it, [`fetch_report`] has its
//! report in our own hands, [`read_result`] has the vendor's API confirm it, [`ask_imocha`] has callbacks sent again, [`register`]
//! has a vendor call us, [`sweep`] finds what was left undone. What comes of somebody who is erased is erased by the fold (`erase`). [`vendors`] are the vendors' APIs, [`download`] follows their links,
//! [`archive`] is where reports are kept, [`bus`] is where a [`change`] is published; [`function`] puts all together. A job that has to
//! wait makes its item due later and is done; only what is broken fails its message.

pub mod archive;
pub mod ask_imocha;
pub mod bus;
pub mod change;
pub mod config;
pub mod download;
mod erase;
pub mod fetch_report;
pub mod fold;
pub mod function;
pub mod job;
mod line;
mod notes;
pub mod publish;
pub mod read_result;
pub mod reconcile;
pub mod register;
pub mod sweep;
pub mod vendors;
mod wait;

use archive::{Archive, ArchiveError};
use aws_lambda_events::event::sqs::{SqsBatchResponse, SqsEvent, SqsMessage};
use bus::EventBridge;
use change::PersonalFields;
use config::ReportsConfig;
use download::Downloads;
use download::error::DownloadError;
use futures_util::FutureExt;
use job::{Job, Message, MessageError};
use line::About;
use shared::batch::{Handled, handle_each};
use shared::clock::Clock;
use shared::error::causes;
use shared::key::{EventId, ItemKey};
use shared::person::HashKey;
use shared::queue::{Queue, QueueError, Sqs};
use shared::secrets::{CachedSecret, SecretError, SecretsManager};
use shared::store::{StoreError, Table, Trouble};
use shared::telemetry::Lines;
use std::panic::AssertUnwindSafe;
use std::time::Duration;
use tokio::time::{Instant, timeout_at};
use tracing::Instrument;
use vendors::Vendors;
use vendors::error::Waiting;

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
    /// Where changes are published.
    pub bus: EventBridge,
    /// What of a person is published with them.
    pub published_personal_fields: PersonalFields,
    /// Where the line about each message goes.
    pub lines: Lines,
    /// How reports are fetched.
    pub downloads: Downloads,
    /// From where, and from where not.
    pub reports: ReportsConfig,
    /// Where they are kept.
    pub archive: Archive,
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
    /// A report could not be kept.
    #[error(transparent)]
    Archive(#[from] ArchiveError),
    /// A report could not be written down.
    #[error(transparent)]
    Download(#[from] DownloadError),
    /// The item that the message speaks of is not there.
    #[error("there is no {0}")]
    Gone(ItemKey),
    /// A vendor may not be called yet. The message is done: the work is due later.
    #[error("a vendor is not called before {}", .0.until)]
    Waiting(Waiting),
    /// Others changed the state as often as this job tried to.
    #[error("the state of {0} was changed by others {times} times in a row", times = fold::ATTEMPTS)]
    Contended(String),
    /// Our own code broke. Its text may quote what it was working on; the panic hook has logged where it was.
    #[error("the job panicked")]
    Panicked,
    /// The time for the whole batch was up.
    #[error("the job ran out of time")]
    OutOfTime,
}

impl JobError {
    /// Whether a person has to act before it can succeed, or whether it passes; what does not pass after all ends in the
    /// dead-letter queue or is parked, each of which has its own alarm.
    const fn needs_a_person(&self) -> bool {
        match self {
            Self::Archive(error) => error.needs_a_person(),
            Self::Secret(error) => match error {
                SecretError::Missing { .. }
                | SecretError::Malformed { .. }
                | SecretError::Empty { .. } => true,
                SecretError::Unavailable { .. } => false,
            },
            Self::Panicked => true,
            Self::Message(_)
            | Self::Store(_)
            | Self::Queue(_)
            | Self::Download(_)
            | Self::Gone(_)
            | Self::Waiting(_)
            | Self::Contended(_)
            | Self::OutOfTime => false,
        }
    }
}

/// What is left of a batch's time to note why a job was not done.
const TO_NOTE: Duration = Duration::from_secs(1);

impl Worker {
    /// Handles a batch of messages: every message by itself.
    pub async fn handle(&self, event: SqsEvent, time: Duration) -> SqsBatchResponse {
        // What is left is for noting what became of it.
        let deadline = Instant::now() + time.saturating_sub(TO_NOTE.min(time / 10));
        handle_each(event, time, |message| {
            self.handle_message(message, deadline)
        })
        .await
    }

    async fn handle_message(&self, message: SqsMessage, deadline: Instant) -> Handled {
        let began = self.clock.now();
        let message_id = message.message_id.unwrap_or_default();
        let parsed = Message::parse(message.body.as_deref());
        let (result, notes) = notes::taken(async {
            match &parsed {
                Ok(message) => self.run_until(deadline, message).await,
                Err(error) => Err(JobError::Message(*error)),
            }
        })
        .await;
        let about = About {
            message_id: &message_id,
            message: parsed.as_ref().ok(),
            began,
            ended: self.clock.now(),
        };
        self.lines
            .write(&about.line(result.as_ref().copied(), &notes));
        match (result, parsed) {
            (Ok(()), _) => Handled::Done,
            (Err(error), parsed) => {
                if let Ok(message) = parsed {
                    self.note_trouble(&message.job, &error).await;
                }
                Handled::Failed
            }
        }
    }

    /// Notes beside the work why it was not done, for whoever finds it parked. If that fails as well, the log has it.
    async fn note_trouble(&self, job: &Job, error: &JobError) {
        let trouble = Trouble {
            text: causes(error),
            at: self.clock.now(),
        };
        for key in job.items() {
            if let Err(error) = self.table.note_trouble(&key, &trouble).await {
                let (item, error) = (key.to_string(), causes(&error));
                tracing::warn!(item, error, "why the work was not done is not noted");
                return;
            }
        }
    }

    async fn run_or_wait(&self, deadline: Instant, message: &Message) -> Result<(), JobError> {
        match self.run(deadline, message).await {
            Err(JobError::Waiting(waiting)) => self.wait(message, waiting).await,
            Err(JobError::Gone(key)) if self.is_of_erased_attempt(&key).await? => Ok(()),
            result => result,
        }
    }

    /// A job that breaks, or takes too long, is a job that failed.
    async fn run_until(&self, deadline: Instant, message: &Message) -> Result<(), JobError> {
        // An error's span, so that it is there at any level of the log.
        let span = tracing::error_span!(
            "job",
            job = message.job.name(),
            event.id = message.job.event_id().as_ref().map(EventId::as_str),
            correlation_id = message.correlation_id
        );
        // Boxed: the futures of all jobs, one in the other, are deeper than the compiler looks.
        let work = self.run_or_wait(deadline, message).boxed_local();
        let work = AssertUnwindSafe(work).catch_unwind();
        match timeout_at(deadline, work.instrument(span)).await {
            Ok(Ok(result)) => result,
            Ok(Err(_)) => Err(JobError::Panicked),
            Err(_) => Err(JobError::OutOfTime),
        }
    }

    async fn run(&self, deadline: Instant, message: &Message) -> Result<(), JobError> {
        let correlation_id = &message.correlation_id;
        match &message.job {
            Job::Fold(key) => self.fold(key, correlation_id).await,
            Job::Publish(key) => self.publish(key).await,
            Job::FetchReport(key) => {
                let time = deadline.saturating_duration_since(Instant::now());
                self.fetch_report(key, time, correlation_id).await
            }
            Job::AskImocha { ids, search } => {
                self.ask_imocha(ids, search.as_ref(), correlation_id).await
            }
            Job::Register(key) => self.register(key).await,
            Job::ReadResult(key) => self.read_result(key, correlation_id).await,
            Job::Reconcile(which) => self.reconcile(which, correlation_id).await,
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
