//! Somebody who listens on the bus, and goes by the ids of the changes, as `docs/results.md` says: the bus may bring one again,
//! and one that is older.

use serde_json::Value;
use sha2::{Digest, Sha256};
use shared::key::attempt_partition;
use std::collections::BTreeMap;

/// The changes that came, and how far each attempt is by them.
#[derive(Default)]
pub struct Listener {
    /// The SHA-256 of what each id came with.
    ids: BTreeMap<String, [u8; 32]>,
    /// The newest version of each attempt, by its partition.
    newest: BTreeMap<String, u64>,
    repeats: usize,
}

impl Listener {
    /// Nothing yet.
    #[must_use]
    pub fn new() -> Self {
        Self::default()
    }

    /// Takes a change, and says whether it is new.
    ///
    /// # Errors
    ///
    /// Its id was that of another one.
    pub fn hear(&mut self, change: &Value) -> Result<bool, String> {
        let (id, data) = (change["id"].as_str().unwrap(), &change["data"]);
        let [source, attempt] = ["source", "attempt"].map(|name| data[name].as_str().unwrap());
        let newest = self.newest.entry(attempt_partition(source, attempt));
        let newest = newest.or_default();
        *newest = data["version"].as_u64().unwrap().max(*newest);
        let words = Sha256::digest(change.to_string()).into();
        match self.ids.insert(id.to_owned(), words) {
            Some(before) if before == words => {
                self.repeats += 1;
                Ok(false)
            }
            Some(_) => Err(format!("{id} was published as two things")),
            None => Ok(true),
        }
    }

    /// What is wrong where this version of an attempt is stored, whatever the worker notes of having published it.
    #[must_use]
    pub fn lacks(&self, partition: &str, version: u64) -> Option<String> {
        match self.newest.get(partition) {
            Some(newest) if *newest == version => None,
            newest => Some(format!(
                "version {version} is stored, and the newest that came by the bus is {newest:?}"
            )),
        }
    }

    /// How many different changes came.
    #[must_use]
    pub fn count(&self) -> usize {
        self.ids.len()
    }

    /// How often one came that had come before.
    #[must_use]
    pub const fn repeats(&self) -> usize {
        self.repeats
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
        let mut listener = Listener::new();
        for (id, version, is_new) in [
            ("a", 1, true),
            ("c", 3, true),
            ("b", 2, true),
            ("c", 3, false),
        ] {
            assert_eq!(listener.hear(&change(id, "7", version)), Ok(is_new));
        }
        assert_eq!((listener.count(), listener.repeats()), (3, 1));
        let lacks = |attempt: &str, version| {
            let pk = attempt_partition("imocha", attempt);
            listener.lacks(&pk, version).is_some()
        };
        assert!(!lacks("7", 3));
        assert!(lacks("7", 4), "its last version has not come");
        assert!(lacks("8", 1), "nothing has come of it");
    }

    #[test]
    fn an_id_with_other_words_than_before_is_wrong() {
        let mut listener = Listener::new();
        assert_eq!(listener.hear(&change("a", "7", 1)), Ok(true));
        assert!(listener.hear(&change("a", "7", 2)).is_err());
    }
}
