//! Xobin's part, played: each kind at a path of its own, with the credential that it was registered with.

use crate::{Credentials, KINDS, Xobin};
use shared::caller::{Caller, CallerError, Delivery, Endpoint, VendorCall};
use shared::source::Source;
use std::collections::BTreeMap;

impl Caller for Xobin {
    fn endpoints(credentials: &Credentials) -> Vec<Endpoint> {
        let Some(headers) = headers(credentials) else {
            return Vec::new();
        };
        let endpoint = |version| Endpoint {
            version,
            path: path(version),
            headers: headers.clone(),
        };
        KINDS.map(endpoint).into()
    }

    fn call(credentials: &Credentials, delivery: Delivery<'_>) -> Result<VendorCall, CallerError> {
        let version = KINDS
            .into_iter()
            .find(|known| *known == delivery.version)
            .ok_or_else(|| CallerError::UnknownVersion {
                version: delivery.version.to_owned(),
                source_name: Self::NAME,
                known: "start, submission, updates",
            })?;
        let mut headers = headers(credentials).ok_or(CallerError::NoCredential {
            version,
            source_name: Self::NAME,
        })?;
        headers.insert("content-type".into(), "application/json".into());
        Ok(VendorCall {
            path: path(version),
            headers,
        })
    }
}

fn path(version: &str) -> String {
    format!("/webhooks/xobin/{version}")
}

fn headers(credentials: &Credentials) -> Option<BTreeMap<String, String>> {
    let header = credentials.auth(None)?.header();
    Some(BTreeMap::from([header]))
}
