//! The credentials of one's own machine: what the template would generate or a vendor issue. They are in the repository, so
//! that the events under `events/` are good for `sam local invoke`; nothing deployed has them.

use serde_json::{Value, json};
use std::collections::BTreeMap;

/// The inbound secrets, by logical id in the template.
pub fn inbound() -> BTreeMap<String, Value> {
    let secrets = [
        ("ImochaSecret", json!({ "token": "local-imocha-token" })),
        (
            "JobmojitoSecret",
            json!({ "header": "x-webhook-token", "token": "local-jobmojito-token" }),
        ),
        (
            "TestlifySecret",
            json!({ "token": "local-testlify-token", "signing_secret": "whsec_bG9jYWwtdGVzdGxpZnktc2lnbmluZy1zZWNyZXQ=" }),
        ),
        (
            "XobinSecret",
            json!({ "username": "xobin", "password": "local-xobin-password", "header": "", "api_key": "" }),
        ),
    ];
    secrets
        .into_iter()
        .map(|(name, secret)| (name.to_owned(), secret))
        .collect()
}
