//! What another system has heard by the bus: each change by its id, and how far each attempt is.

use super::ledger::Wrong;
use crate::inbox::Inbox;
use serde_json::Value;
use sha2::{Digest, Sha256};
use shared::key::attempt_partition;
use std::collections::BTreeMap;

/// What was published, told apart by its id: how often, and what came under one id with different words.
#[derive(Default)]
pub(super) struct Published {
    /// The SHA-256 of what each id came with.
    ids: BTreeMap<String, [u8; 32]>,
    /// The newest version of each attempt, by its partition.
    newest: BTreeMap<String, u64>,
    pub(super) repeated: u64,
}

impl Published {
    pub(super) fn count(&self) -> usize {
        self.ids.len()
    }

    /// Takes what has come to an inbox.
    pub(super) async fn take(&mut self, inbox: &Inbox<'_>) -> Wrong {
        let mut wrong = Wrong::default();
        for event in inbox.rest().await {
            wrong.doubled.extend(self.hear(&event["detail"]));
        }
        wrong
    }

    /// Notes a change. It may come twice, each time the same; what is wrong, if it is another.
    fn hear(&mut self, change: &Value) -> Option<String> {
        let (id, data) = (change["id"].as_str().unwrap(), &change["data"]);
        let [source, attempt] = ["source", "attempt"].map(|name| data[name].as_str().unwrap());
        let newest = self.newest.entry(attempt_partition(source, attempt));
        let newest = newest.or_default();
        *newest = data["version"].as_u64().unwrap().max(*newest);
        let words = Sha256::digest(data.to_string()).into();
        match self.ids.insert(id.to_owned(), words) {
            Some(before) if before == words => self.repeated += 1,
            Some(_) => return Some(format!("{id} was published as two things")),
            None => {}
        }
        None
    }

    /// What is wrong where this version of an attempt is stored, whatever the worker notes of having published it.
    pub(super) fn lacks(&self, partition: &str, version: u64) -> Option<String> {
        match self.newest.get(partition) {
            Some(newest) if *newest == version => None,
            newest => Some(format!(
                "version {version} is stored, and the newest that came by the bus is {newest:?}"
            )),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    fn change(id: &str, attempt: &str, version: u64) -> Value {
        let data = json!({ "source": "imocha", "attempt": attempt, "version": version });
        json!({ "id": id, "data": data })
    }

    #[test]
    fn what_the_bus_has_not_brought_is_lacking_and_what_came_late_or_twice_is_not() {
        let mut published = Published::default();
        for (id, version) in [("a", 1), ("c", 3), ("b", 2), ("c", 3)] {
            assert_eq!(published.hear(&change(id, "7", version)), None);
        }
        assert_eq!((published.count(), published.repeated), (3, 1));
        let lacks = |attempt: &str, version| {
            let pk = attempt_partition("imocha", attempt);
            published.lacks(&pk, version).is_some()
        };
        assert!(!lacks("7", 3));
        assert!(lacks("7", 4), "its last version has not come");
        assert!(lacks("8", 1), "nothing has come of it");
    }

    #[test]
    fn an_id_with_other_words_than_before_is_wrong() {
        let mut published = Published::default();
        assert_eq!(published.hear(&change("a", "7", 1)), None);
        assert!(published.hear(&change("a", "7", 2)).is_some());
    }
}
