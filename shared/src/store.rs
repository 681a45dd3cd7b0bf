//! The table: every event exactly as it came, where every attempt stands, and all work that is still to do.
//!
//! Three shapes of the same thing are kept apart: the vendor's JSON is a source's own, the normalised event is
//! [`crate::event`]'s, and the stored item is what stands here: [`Table`] translates.

mod asked;
mod attempts;
mod body;
mod changes;
mod confirmations;
mod due;
mod erased_attempts;
mod erasures;
mod events;
mod item;
mod known;
mod limits;
mod registrations;
mod replays;
mod reports;
mod runs;
mod search;
mod table;
mod trouble;
mod update;

pub use asked::{Asked, AskedOutcome, Patience};
pub use attempts::{Partition, StateWrite, StoredState};
pub use confirmations::{Confirmation, ConfirmationOutcome, Difference};
pub use due::{DueItem, FIRST_DUE, Later};
pub use erased_attempts::{AttemptName, ErasedItems};
pub use erasures::Tombstone;
pub use events::{EventSummary, Origin, StoredEvent};
pub use item::ItemError;
pub use limits::{LimitsWrite, StoredLimits};
pub use registrations::{Registration, RegistrationCall, RegistrationOutcome};
pub use replays::{Original, ReplayOutcome};
pub use reports::{Fetching, KeptReport, ReportItem, ReportOrigin, ReportOutcome};
pub use runs::{Counts, Run, RunOutcome, Window};
pub use search::Traces;
pub use table::{BY_CANDIDATE, BY_DAY, DUE, TIME_TO_LIVE, Table};
pub use trouble::Trouble;

use crate::event::Event;
use crate::key::{EventId, ItemKey, SourceName};
use crate::timestamp::Timestamp;
use bytes::Bytes;
use std::fmt;
use std::future::Future;

/// An event that came just now, to be stored or counted. `Debug` does not show its body.
#[derive(Clone)]
pub struct Delivery {
    /// Where it belongs.
    pub key: ItemKey,
    /// What it is called.
    pub id: EventId,
    /// Whose it is.
    pub source: SourceName,
    /// What it says.
    pub event: Event,
    /// The exact bytes.
    pub body: Bytes,
    /// When it came.
    pub received: Timestamp,
    /// What brought it in. That of the first delivery stays.
    pub origin: Origin,
}

impl fmt::Debug for Delivery {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(
            formatter,
            "Delivery({}, {} bytes)",
            self.id,
            self.body.len()
        )
    }
}

/// What the table knew of an event before.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Recorded {
    /// Nothing: it is stored now.
    New,
    /// It was there: it is counted now.
    Repeat {
        /// How often it had come before.
        earlier_deliveries: u64,
    },
}

/// The table could not be read or written.
#[derive(Debug, thiserror::Error)]
pub enum StoreError {
    /// DynamoDB refused, or did not answer in time.
    #[error("DynamoDB's {operation} failed")]
    Unavailable {
        /// Which call.
        operation: &'static str,
        /// Why.
        #[source]
        cause: Box<dyn std::error::Error + Send + Sync>,
    },
    /// An item is not as this code writes it.
    #[error("an item of the table cannot be read")]
    Item(#[from] ItemError),
    /// Others wrote an item as often as this tried to.
    #[error("{0} was written by others time and again")]
    Contended(ItemKey),
}

/// What a receiver needs of the table.
pub trait EventStore: Send + Sync {
    /// Stores the event or, if it is there already, counts it; and marks it as work to do, either way.
    fn record(
        &self,
        delivery: &Delivery,
    ) -> impl Future<Output = Result<Recorded, StoreError>> + Send;
}
