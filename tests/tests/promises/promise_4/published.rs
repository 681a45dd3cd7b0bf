//! Which versions of an attempt are on the bus.

use serde_json::Value;
use std::collections::BTreeMap;

/// The versions that were published, by source and attempt: each under one id. Each change is there once.
pub fn versions(events: &[Value]) -> BTreeMap<(&str, &str), Vec<u64>> {
    let mut versions: BTreeMap<_, Vec<u64>> = BTreeMap::new();
    for event in events {
        let data = &event["detail"]["data"];
        let [source, attempt] = ["source", "attempt"].map(|name| data[name].as_str().unwrap());
        let of_attempt = versions.entry((source, attempt)).or_default();
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
