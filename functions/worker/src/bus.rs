//! The event bus that other systems read results from.
//!
//! `PutEvents` answers 200 for an entry that it does not take, and says in the answer which and why; and it takes, and forgets,
//! what is meant for a bus that does not exist. So the answer is read, and the bus is looked for before it is believed in.

use crate::change::{Change, SOURCE, TYPE};
use aws_sdk_eventbridge::Client;
use aws_sdk_eventbridge::error::ProvideErrorMetadata;
use aws_sdk_eventbridge::operation::put_events::PutEventsOutput;
use aws_sdk_eventbridge::primitives::DateTime;
use aws_sdk_eventbridge::types::PutEventsRequestEntry;
use shared::aws::{self, SdkConfig};
use shared::clock::Clock;
use shared::timestamp::Timestamp;
use std::error::Error;
use std::future::Future;
use std::sync::{Mutex, PoisonError};
use std::time::Duration;

/// What a call to EventBridge may take, with all its tries.
const TIMEOUT: Duration = Duration::from_secs(5);
const TRY_TIMEOUT: Duration = Duration::from_secs(2);
const TRIES: u32 = 3;
/// For how long a bus that was seen is believed to be there.
const SEEN_FOR: Duration = Duration::from_mins(1);

/// Where changes are published.
pub trait Bus: Send + Sync {
    /// Publishes one change. Once it is done, the bus has it.
    fn publish(&self, change: &Change) -> impl Future<Output = Result<(), BusError>> + Send;
}

/// The bus did not take a change.
#[derive(Debug, thiserror::Error)]
pub enum BusError {
    /// EventBridge refused, or did not answer in time.
    #[error("EventBridge's {operation} failed")]
    Unavailable {
        /// Which call.
        operation: &'static str,
        /// Why.
        #[source]
        cause: Box<dyn Error + Send + Sync>,
    },
    /// There is no such bus.
    #[error("there is no event bus {0}: was it deleted beside the stack?")]
    Missing(String),
    /// The call was answered, and the event was not taken.
    #[error("EventBridge did not take the event: {code}")]
    Refused {
        /// EventBridge's word for why.
        code: String,
    },
}

impl BusError {
    /// Whether a person has to act, or whether it passes.
    #[must_use]
    pub fn needs_a_person(&self) -> bool {
        match self {
            Self::Missing(_) => true,
            Self::Refused { code } => !matches!(
                code.as_str(),
                "InternalException" | "InternalFailure" | "ThrottlingException"
            ),
            Self::Unavailable { .. } => false,
        }
    }
}

/// EventBridge behind [`Bus`].
pub struct EventBridge {
    client: Client,
    name: String,
    clock: Clock,
    seen: Mutex<Option<Timestamp>>,
}

impl EventBridge {
    /// The bus of this name.
    #[must_use]
    pub fn new(sdk: &SdkConfig, name: String, clock: Clock) -> Self {
        let config = aws_sdk_eventbridge::config::Builder::from(sdk)
            .timeout_config(aws::timeouts(TIMEOUT, TRY_TIMEOUT))
            .retry_config(aws::retries(TRIES))
            .build();
        Self {
            client: Client::from_conf(config),
            name,
            clock,
            seen: Mutex::default(),
        }
    }

    async fn look_for_the_bus(&self) -> Result<(), BusError> {
        let now = self.clock.now();
        if self.last_seen().is_some_and(|at| now < at.plus(SEEN_FOR)) {
            return Ok(());
        }
        let request = self.client.describe_event_bus().name(&self.name);
        match request.send().await {
            Ok(_) => {
                *self.seen.lock().unwrap_or_else(PoisonError::into_inner) = Some(now);
                Ok(())
            }
            Err(error) if error.code() == Some("ResourceNotFoundException") => {
                Err(BusError::Missing(self.name.clone()))
            }
            Err(error) => Err(unavailable("DescribeEventBus", error)),
        }
    }

    fn last_seen(&self) -> Option<Timestamp> {
        *self.seen.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Bus for EventBridge {
    async fn publish(&self, change: &Change) -> Result<(), BusError> {
        self.look_for_the_bus().await?;
        let entry = PutEventsRequestEntry::builder()
            .event_bus_name(&self.name)
            .source(SOURCE)
            .detail_type(TYPE)
            .time(DateTime::from_millis(change.time().unix_ms()))
            .detail(change.json());
        let request = self.client.put_events().entries(entry.build());
        let answer = request.send().await;
        taken(&answer.map_err(|error| unavailable("PutEvents", error))?)
    }
}

/// Whether the one entry was taken.
fn taken(answer: &PutEventsOutput) -> Result<(), BusError> {
    let entry = answer.entries().first();
    let code = entry.and_then(|entry| entry.error_code());
    let id = entry.and_then(|entry| entry.event_id());
    if answer.failed_entry_count() == 0 && code.is_none() && id.is_some() {
        return Ok(());
    }
    Err(BusError::Refused {
        code: code.unwrap_or("no reason given").to_owned(),
    })
}

fn unavailable(operation: &'static str, error: impl Error + Send + Sync + 'static) -> BusError {
    BusError::Unavailable {
        operation,
        cause: Box::new(error),
    }
}
