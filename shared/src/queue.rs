//! The fast path to the worker. The table is the to-do list: a message that is lost costs a minute, not work.

mod sqs;

pub use sqs::{LONGEST_DELAY, Sqs};

use crate::key::ItemKey;
use std::future::Future;

/// The version of the messages that this code writes and reads.
pub const VERSION: u8 = 1;

/// The receivers' only message: the event at this key is not folded in yet.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct FoldMessage {
    /// The event.
    pub key: ItemKey,
    /// The request that the work comes from.
    pub correlation_id: String,
}

impl FoldMessage {
    /// The message's body: `{"version":1,"job":"fold","pk":…,"sk":…,"correlation_id":…}`. The worker's own enum of all jobs
    /// reads it, and a test there holds the two together.
    #[must_use]
    pub fn body(&self) -> String {
        serde_json::json!({
            "version": VERSION,
            "job": "fold",
            "pk": self.key.pk,
            "sk": self.key.sk,
            "correlation_id": self.correlation_id,
        })
        .to_string()
    }
}

/// A message could not be sent. The work is marked in the table and will be found there.
#[derive(Debug, thiserror::Error)]
#[error("the queue did not take the message")]
pub struct QueueError(#[source] pub Box<dyn std::error::Error + Send + Sync>);

/// Where messages go.
pub trait Queue: Send + Sync {
    /// Sends one message.
    fn send(&self, body: String) -> impl Future<Output = Result<(), QueueError>> + Send;
}
