//! The fast path to the worker. The table is the to-do list: a message that is lost costs a minute, not work.

mod sqs;

pub use sqs::Sqs;

use crate::key::ItemKey;
use serde::{Deserialize, Serialize};
use std::future::Future;

/// The version of the messages that this code writes and reads.
pub const VERSION: u8 = 1;

/// The receivers' only message: an event of this partition is not folded in yet.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Fold {
    /// The event.
    #[serde(flatten)]
    pub key: ItemKey,
    /// The request that the work comes from.
    pub correlation_id: String,
}

impl Fold {
    /// The message's body: `{"version":1,"job":"fold","pk":…,"sk":…,"correlation_id":…}`.
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

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_fold_message_has_the_published_shape() {
        let key = ItemKey {
            pk: "xobin#attempt#1".into(),
            sk: "event#2".into(),
        };
        let fold = Fold {
            key,
            correlation_id: "r".into(),
        };
        let value: serde_json::Value = serde_json::from_str(&fold.body()).unwrap();
        let expected = serde_json::json!({"version": 1, "job": "fold", "pk": "xobin#attempt#1", "sk": "event#2", "correlation_id": "r"});
        assert_eq!(value, expected);
        assert_eq!(serde_json::from_value::<Fold>(value).unwrap(), fold);
    }
}
