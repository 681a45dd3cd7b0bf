//! The credential that Xobin was given, and how it shows it.

use std::fmt;

use base64::Engine as _;
use base64::prelude::BASE64_STANDARD;
use serde::Deserialize;
use serde_json::{Value, json};

/// One of the two sorts.
#[derive(Clone, Debug)]
pub(super) enum Auth {
    Basic(Basic),
    ApiKey(ApiKey),
}

#[derive(Clone, Deserialize)]
pub(super) struct Basic {
    username: String,
    password: String,
}

#[derive(Clone, Deserialize)]
pub(super) struct ApiKey {
    header: String,
    apikey: String,
}

impl fmt::Debug for Basic {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str("Basic(redacted)")
    }
}

impl fmt::Debug for ApiKey {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str("ApiKey(redacted)")
    }
}

impl Basic {
    fn header(&self) -> String {
        let text = format!("{}:{}", self.username, self.password);
        format!("Basic {}", BASE64_STANDARD.encode(text))
    }
}

impl Auth {
    pub(super) fn read(value: &Value) -> Result<Self, String> {
        let part = |name: &str| value.get(name).cloned().unwrap_or_default();
        let wrong = |name: &str| format!("auth.{name} is not complete");
        match value.get("type").and_then(Value::as_str) {
            Some("basic") => serde_json::from_value(part("basic"))
                .ok()
                .filter(|it: &Basic| !it.username.is_empty() && !it.password.is_empty())
                .map(Self::Basic)
                .ok_or_else(|| wrong("basic")),
            Some("apikey") => serde_json::from_value(part("apikey"))
                .ok()
                .filter(|it: &ApiKey| !it.header.is_empty() && !it.apikey.is_empty())
                .map(Self::ApiKey)
                .ok_or_else(|| wrong("apikey")),
            _ => Err(wrong("type")),
        }
    }

    /// The header that a call carries: its name and its value.
    pub(super) fn header(&self) -> (String, String) {
        match self {
            Self::Basic(it) => ("authorization".to_owned(), it.header()),
            Self::ApiKey(it) => (it.header.clone(), it.apikey.clone()),
        }
    }

    /// That there is one, and not which.
    pub(super) fn shown(&self) -> Value {
        match self {
            Self::Basic(it) => json!({
                "type": "basic",
                "basic": { "username": it.username, "password": null, "hasPassword": true },
            }),
            Self::ApiKey(it) => json!({
                "type": "apikey",
                "apikey": { "header": it.header, "apikey": null, "hasApikey": true },
            }),
        }
    }
}
