//! iMocha's part, played: the token is in the path that it was given as its `callbackUrl`.

use crate::{Credentials, Imocha};
use percent_encoding::{AsciiSet, NON_ALPHANUMERIC, utf8_percent_encode};
use shared::caller::{Caller, CallerError, Delivery, Endpoint, VendorCall};
use shared::secrets::SecretText;
use shared::source::Source;
use std::collections::BTreeMap;

/// There is one way in only.
const VERSION: &str = "";

/// What a part of a path must not hold as it is.
const ESCAPED: &AsciiSet = &NON_ALPHANUMERIC
    .remove(b'-')
    .remove(b'_')
    .remove(b'.')
    .remove(b'~');

impl Caller for Imocha {
    fn endpoints(credentials: &Credentials) -> Vec<Endpoint> {
        path(&credentials.token)
            .map(|path| Endpoint {
                version: VERSION,
                path,
                headers: BTreeMap::new(),
            })
            .into_iter()
            .collect()
    }

    fn call(credentials: &Credentials, delivery: Delivery<'_>) -> Result<VendorCall, CallerError> {
        if delivery.version != VERSION {
            return Err(CallerError::UnknownVersion {
                version: delivery.version.to_owned(),
                source_name: Self::NAME,
                known: "one without a name",
            });
        }
        let path = path(&credentials.token).ok_or(CallerError::NoCredential {
            version: VERSION,
            source_name: Self::NAME,
        })?;
        Ok(VendorCall {
            path,
            headers: BTreeMap::from([("content-type".into(), "application/json".into())]),
        })
    }
}

fn path(token: &SecretText) -> Option<String> {
    let encoded = utf8_percent_encode(token.expose(), ESCAPED);
    (!token.is_empty()).then(|| format!("/webhooks/imocha/{encoded}"))
}
