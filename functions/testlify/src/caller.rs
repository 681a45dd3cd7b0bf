//! Testlify's part, played: a token in the path for version 1, Svix's signature for version 2.

use crate::signature::{HEADERS, SigningKey};
use crate::{Credentials, Testlify};
use shared::caller::{Caller, CallerError, Delivery, Endpoint, VendorCall, token_path};
use shared::source::Source;
use std::collections::BTreeMap;

const V1: &str = "v1";
const V2: &str = "v2";
const PATH: &str = "/webhooks/testlify";

impl Caller for Testlify {
    fn endpoints(credentials: &Credentials) -> Vec<Endpoint> {
        let v1 = token_path(PATH, &credentials.token).map(|path| (V1, path));
        let v2 = SigningKey::parse(&credentials.signing_secret).map(|_| (V2, PATH.to_owned()));
        let endpoint = |(version, path)| Endpoint {
            version,
            path,
            headers: BTreeMap::new(),
        };
        v1.into_iter().chain(v2).map(endpoint).collect()
    }

    fn call(credentials: &Credentials, delivery: Delivery<'_>) -> Result<VendorCall, CallerError> {
        let mut call = match delivery.version {
            V1 => v1_call(credentials),
            V2 => v2_call(credentials, delivery),
            unknown => Err(CallerError::UnknownVersion {
                version: unknown.to_owned(),
                source_name: Self::NAME,
                known: "v1, v2",
            }),
        }?;
        call.headers
            .insert("content-type".into(), "application/json".into());
        Ok(call)
    }
}

fn v1_call(credentials: &Credentials) -> Result<VendorCall, CallerError> {
    Ok(VendorCall {
        path: token_path(PATH, &credentials.token).ok_or(no_credential(V1))?,
        headers: BTreeMap::new(),
    })
}

fn v2_call(credentials: &Credentials, delivery: Delivery<'_>) -> Result<VendorCall, CallerError> {
    let key = SigningKey::parse(&credentials.signing_secret).ok_or(no_credential(V2))?;
    let timestamp = delivery.sent.unix_seconds().to_string();
    let signature = key.sign(delivery.id, &timestamp, delivery.body);
    let values = [delivery.id.to_owned(), timestamp, signature];
    Ok(VendorCall {
        path: PATH.into(),
        headers: HEADERS.map(str::to_owned).into_iter().zip(values).collect(),
    })
}

const fn no_credential(version: &'static str) -> CallerError {
    CallerError::NoCredential {
        version,
        source_name: Testlify::NAME,
    }
}
