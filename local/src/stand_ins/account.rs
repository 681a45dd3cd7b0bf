//! What iMocha knows of our account, and what it makes of the ids that it is asked for.

use std::collections::BTreeMap;

use bytes::Bytes;

/// "At a time only 100 records will be processed."
pub(super) const MOST_IDS: usize = 100;

/// The attempts that are ours, and what was asked of them.
#[derive(Debug, Default)]
pub(super) struct Account {
    callbacks: BTreeMap<i64, Bytes>,
    failures_left: BTreeMap<i64, usize>,
    calls: Vec<Vec<i64>>,
}

/// What Process Callbacks came to.
pub(super) enum Processed {
    /// More ids than it takes.
    TooMany,
    /// These are not ours, and so nothing is queued.
    Foreign(Vec<i64>),
    /// What is not in `failed` is called back, each with its body.
    Queued {
        callbacks: Vec<(i64, Bytes)>,
        failed: Vec<i64>,
    },
}

impl Account {
    pub(super) fn remember(&mut self, id: i64, callback: Bytes) {
        self.callbacks.insert(id, callback);
    }

    pub(super) fn fail(&mut self, id: i64, times: usize) {
        self.failures_left.insert(id, times);
    }

    pub(super) fn calls(&self) -> Vec<Vec<i64>> {
        self.calls.clone()
    }

    pub(super) fn body(&self, id: i64) -> Option<Bytes> {
        self.callbacks.get(&id).cloned()
    }

    pub(super) fn process(&mut self, ids: &[i64]) -> Processed {
        self.calls.push(ids.to_vec());
        if ids.len() > MOST_IDS {
            return Processed::TooMany;
        }
        let (ours, foreign): (Vec<i64>, Vec<i64>) =
            ids.iter().partition(|id| self.callbacks.contains_key(id));
        if !foreign.is_empty() {
            return Processed::Foreign(foreign);
        }
        let (failed, successful): (Vec<i64>, Vec<i64>) =
            ours.into_iter().partition(|id| self.fails(*id));
        let with_body = |id| Some((id, self.body(id)?));
        Processed::Queued {
            callbacks: successful.into_iter().filter_map(with_body).collect(),
            failed,
        }
    }

    /// Counts the failures that were asked for down.
    fn fails(&mut self, id: i64) -> bool {
        match self.failures_left.get_mut(&id) {
            Some(left) if *left > 0 => {
                *left -= 1;
                true
            }
            _ => false,
        }
    }
}
