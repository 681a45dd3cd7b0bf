//! A webhook's way, written once for all sources: size → authenticate → read → store → enqueue → answer.
//!
//! A delivery, new or repeated, costs one DynamoDB call and one SQS call; one that is refused costs none. It is accepted
//! once the event is stored: if the queue does not take the message, the mark in the table does.

use crate::event::{Event, Kind};
use crate::key::{EventId, ItemKey};
use crate::person::HashKey;
use crate::queue::{FoldMessage, Queue, QueueError};
use crate::secrets::{CachedSecret, SecretError, SecretReader, Stage, Versions};
use crate::source::{AuthenticCall, Call, Reading, Source, Unauthenticated};
use crate::store::{Delivery, EventStore, Origin, Recorded, StoreError};
use futures_util::future::join;
use serde::Serialize;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::Arc;
use std::time::Duration;
use tokio::time::timeout;

/// The largest body that is taken, in bytes.
pub const MAX_BODY_BYTES: usize = 1024 * 1024;

/// How long each thing that the pipeline leans on may take, so that a vendor is answered within five seconds.
#[derive(Clone, Copy, Debug)]
pub struct Budgets {
    /// Reading a secret.
    pub secret: Duration,
    /// The table, with all its tries.
    pub store: Duration,
    /// The queue, with all its tries.
    pub queue: Duration,
}

impl Budgets {
    /// What the functions are built with.
    pub const DEFAULT: Self = Self {
        secret: Duration::from_millis(900),
        store: Duration::from_secs(3),
        queue: Duration::from_secs(1),
    };
}

/// A source's receiver: its own part, and what the pipeline leans on.
pub struct Receiver<S: Source, R, E, Q> {
    /// How its calls are authenticated and read.
    pub source: S,
    /// Its inbound secret.
    pub credentials: CachedSecret<R, S::Credentials>,
    /// The key that people's addresses are hashed with, for a source that needs it.
    pub people: Option<CachedSecret<R, HashKey>>,
    /// Where events are kept.
    pub events: E,
    /// Where follow-up work is announced.
    pub queue: Q,
    /// How long each of them may take.
    pub budgets: Budgets,
}

/// What became of a delivery that was accepted.
#[derive(Debug)]
pub struct Receipt {
    /// The event's id.
    pub id: EventId,
    /// What the vendor is told.
    pub outcome: Outcome,
    /// What the event tells.
    pub kind: Kind,
    /// How often it had come before.
    pub earlier_deliveries: u64,
    /// Which version of the source's credentials vouched for it.
    pub vouched_by: Stage,
    /// Why the worker was not told, if it was not. The work is marked, and comes a minute later.
    pub not_enqueued: Option<NotEnqueued>,
}

/// What the vendor is told of a delivery that was accepted.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "lowercase")]
pub enum Outcome {
    /// A new event.
    Accepted,
    /// An event that came before.
    Duplicate,
    /// Kept, though it cannot be read.
    Unreadable,
    /// Kept, though it is of no known kind.
    Unknown,
    /// A test button.
    Ping,
}

impl Outcome {
    /// The word, as in JSON.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Accepted => "accepted",
            Self::Duplicate => "duplicate",
            Self::Unreadable => "unreadable",
            Self::Unknown => "unknown",
            Self::Ping => "ping",
        }
    }

    const fn of(kind: Kind, recorded: Recorded) -> Self {
        match (kind, recorded) {
            (Kind::Unreadable, _) => Self::Unreadable,
            (Kind::Unknown, _) => Self::Unknown,
            (Kind::Ping, _) => Self::Ping,
            (_, Recorded::New) => Self::Accepted,
            (_, Recorded::Repeat { .. }) => Self::Duplicate,
        }
    }
}

/// The queue did not take the message.
#[derive(Debug, thiserror::Error)]
pub enum NotEnqueued {
    /// It said so.
    #[error(transparent)]
    Failed(#[from] QueueError),
    /// It did not answer.
    #[error("the queue did not answer in time")]
    TimedOut,
}

/// Why a delivery is not accepted.
#[derive(Debug, thiserror::Error)]
pub enum Refusal {
    /// The body is larger than [`MAX_BODY_BYTES`].
    #[error("a body of {bytes} bytes is over the limit of {MAX_BODY_BYTES}")]
    TooLarge {
        /// Its size.
        bytes: usize,
    },
    /// Its sender is not known.
    #[error("not authenticated")]
    Unauthenticated(#[from] Unauthenticated),
    /// A secret cannot be had.
    #[error("a secret cannot be had")]
    Secret(#[from] SecretError),
    /// A secret was not read in time.
    #[error("a secret was not read in time")]
    SecretTimedOut,
    /// The event could not be stored.
    #[error("the event could not be stored")]
    Store(#[from] StoreError),
    /// The event was not stored in time.
    #[error("the event was not stored in time")]
    StoreTimedOut,
    /// Our own code broke.
    #[error("the receiver panicked")]
    Panicked,
}

impl<S: Source, R: SecretReader, E: EventStore, Q: Queue> Receiver<S, R, E, Q> {
    /// Takes one call.
    pub async fn receive(&self, call: Call) -> Result<Receipt, Refusal> {
        let call = within_limit(call)?;
        // At once, so that one budget covers both.
        let (credentials, people) = join(self.credentials(), self.people()).await;
        let call = call.authenticate(&self.source, &*credentials?)?;
        let people = people?;
        let delivery = match read(&self.source, &call, &people) {
            Reading::Ping => return Ok(self.answer_ping(&call)),
            Reading::Event(event) => self.delivery(&call, *event),
        };
        let recorded = timeout(self.budgets.store, self.events.record(&delivery))
            .await
            .map_err(|_| Refusal::StoreTimedOut)??;
        let not_enqueued = self.enqueue(&call, &delivery).await.err();
        Ok(Receipt {
            outcome: Outcome::of(delivery.event.kind, recorded),
            id: delivery.id,
            kind: delivery.event.kind,
            earlier_deliveries: match recorded {
                Recorded::New => 0,
                Recorded::Repeat { earlier_deliveries } => earlier_deliveries,
            },
            vouched_by: call.vouched_by,
            not_enqueued,
        })
    }

    async fn credentials(&self) -> Result<Arc<Versions<S::Credentials>>, Refusal> {
        let versions = timeout(self.budgets.secret, self.credentials.versions()).await;
        Ok(versions.map_err(|_| Refusal::SecretTimedOut)??)
    }

    async fn people(&self) -> Result<HashKey, Refusal> {
        let Some(people) = &self.people else {
            return Ok(HashKey::default());
        };
        let versions = timeout(self.budgets.secret, people.versions())
            .await
            .map_err(|_| Refusal::SecretTimedOut)??;
        Ok(versions.current.clone())
    }

    fn delivery(&self, call: &AuthenticCall, event: Event) -> Delivery {
        let event_key = self.source.event_key(call);
        let key = ItemKey::of_event(S::NAME, &event, &event_key, call.received);
        Delivery {
            id: EventId::new(S::NAME, &key),
            key,
            source: S::NAME,
            event,
            body: call.body.clone(),
            received: call.received,
            origin: Origin::Webhook,
        }
    }

    fn answer_ping(&self, call: &AuthenticCall) -> Receipt {
        Receipt {
            id: self.delivery(call, Event::new(Kind::Ping)).id,
            outcome: Outcome::Ping,
            kind: Kind::Ping,
            earlier_deliveries: 0,
            vouched_by: call.vouched_by,
            not_enqueued: None,
        }
    }

    async fn enqueue(&self, call: &AuthenticCall, delivery: &Delivery) -> Result<(), NotEnqueued> {
        let fold = FoldMessage {
            key: delivery.key.clone(),
            correlation_id: call.correlation_id.clone(),
        };
        timeout(self.budgets.queue, self.queue.send(fold.body()))
            .await
            .map_err(|_| NotEnqueued::TimedOut)??;
        Ok(())
    }
}

fn within_limit(call: Call) -> Result<Call, Refusal> {
    let bytes = call.body.len();
    if bytes > MAX_BODY_BYTES {
        return Err(Refusal::TooLarge { bytes });
    }
    Ok(call)
}

/// Reads the body, as what can be stored of it. What cannot be read, be it for a fault of the reader's, becomes an event that is
/// kept until it can.
pub fn read<S: Source>(source: &S, call: &AuthenticCall, people: &HashKey) -> Reading {
    let read = catch_unwind(AssertUnwindSafe(|| source.read(call, people)));
    let event = match read {
        Ok(Ok(Reading::Ping)) => return Reading::Ping,
        Ok(Ok(Reading::Event(event))) => *event,
        Ok(Err(unreadable)) => unreadable_event(unreadable.to_string()),
        Err(_) => unreadable_event("the reader panicked".into()),
    };
    Reading::from(event.bounded())
}

fn unreadable_event(problem: String) -> Event {
    Event {
        problem: Some(problem),
        ..Event::new(Kind::Unreadable)
    }
}

#[cfg(test)]
mod tests;
