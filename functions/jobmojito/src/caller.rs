//! JobMojito's part, played: the token is in a header, as it was told to send it with every call.

use crate::{Credentials, Jobmojito};
use shared::caller::{Caller, CallerError, Delivery, Endpoint, VendorCall};
use shared::source::Source;
use std::collections::BTreeMap;

/// There is one way in only.
const VERSION: &str = "";
const PATH: &str = "/webhooks/jobmojito";

impl Caller for Jobmojito {
    fn endpoints(credentials: &Credentials) -> Vec<Endpoint> {
        headers(credentials)
            .map(|headers| Endpoint {
                version: VERSION,
                path: PATH.into(),
                headers,
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
        let mut headers = headers(credentials).ok_or(CallerError::NoCredential {
            version: VERSION,
            source_name: Self::NAME,
        })?;
        headers.insert("content-type".into(), "application/json".into());
        Ok(VendorCall {
            path: PATH.into(),
            headers,
        })
    }
}

fn headers(credentials: &Credentials) -> Option<BTreeMap<String, String>> {
    let token = &credentials.token;
    let header = (credentials.header().to_owned(), token.expose().to_owned());
    (!token.is_empty()).then(|| BTreeMap::from([header]))
}
