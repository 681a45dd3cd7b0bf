//! Counts the calls that reach the engines, since what a delivery costs is a promise that tests hold.

use std::collections::BTreeMap;
use std::sync::{Mutex, PoisonError};

use crate::engine::Service;

/// How often each operation was called: `("dynamodb", "UpdateItem") → 3`.
pub type CallCounts = BTreeMap<(String, String), u64>;

/// The counter; the platform's own calls (the poller's, the scheduler's) are not in it.
#[derive(Debug, Default)]
pub(crate) struct Calls {
    counts: Mutex<CallCounts>,
}

impl Calls {
    pub(crate) fn count(&self, service: Service, operation: &str) {
        let key = (service.name().to_owned(), operation.to_owned());
        let mut counts = self.counts.lock().unwrap_or_else(PoisonError::into_inner);
        *counts.entry(key).or_default() += 1;
    }

    pub(crate) fn snapshot(&self) -> CallCounts {
        self.counts
            .lock()
            .unwrap_or_else(PoisonError::into_inner)
            .clone()
    }
}
