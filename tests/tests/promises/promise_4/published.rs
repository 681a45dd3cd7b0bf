//! What is on the bus: each change by its id, and never another one under the same.

use serde_json::Value;
use std::collections::BTreeMap;
use tests::inbox::Inbox;

/// The changes that were published, by their ids.
pub struct Published {
    changes: BTreeMap<String, Value>,
    /// How many came a second time.
    pub repeats: usize,
}

impl Published {
    /// Takes everything from the inbox. What has the same id is the same.
    pub async fn of(inbox: &Inbox<'_>) -> Self {
        let mut published = Self {
            changes: BTreeMap::new(),
            repeats: 0,
        };
        for event in inbox.rest().await {
            published.add(event["detail"].clone());
        }
        published
    }

    fn add(&mut self, change: Value) {
        let id = change["id"].as_str().unwrap().to_owned();
        match self.changes.get(&id) {
            Some(before) => {
                assert_eq!(*before, change, "another change under the id of one before");
                self.repeats += 1;
            }
            None => {
                self.changes.insert(id, change);
            }
        }
    }

    /// The versions of the attempts that were published, by source and attempt: each under one id.
    pub fn versions(&self) -> BTreeMap<(&str, &str), Vec<u64>> {
        let mut versions: BTreeMap<_, Vec<u64>> = BTreeMap::new();
        for change in self.changes.values() {
            let data = &change["data"];
            let attempt = data["attempt"].as_str().unwrap();
            let of_attempt = versions.entry((data["source"].as_str().unwrap(), attempt));
            let of_attempt = of_attempt.or_default();
            of_attempt.push(data["version"].as_u64().unwrap());
        }
        for (attempt, of_attempt) in &mut versions {
            let count = of_attempt.len();
            of_attempt.sort_unstable();
            of_attempt.dedup();
            assert_eq!(of_attempt.len(), count, "{attempt:?}: a version has one id");
        }
        versions
    }
}
