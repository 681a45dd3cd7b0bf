//! JobMojito's part, played: the token is in a header, as it was told to send it with every call.

use crate::{Credentials, Jobmojito};
use shared::caller::{Caller, CallerError, Delivery, Endpoint, ONLY_VERSION, VendorCall, only_way};
use std::collections::BTreeMap;

const PATH: &str = "/webhooks/jobmojito";

impl Caller for Jobmojito {
    fn endpoints(credentials: &Credentials) -> Vec<Endpoint> {
        headers(credentials)
            .map(|headers| Endpoint {
                version: ONLY_VERSION,
                path: PATH.into(),
                headers,
            })
            .into_iter()
            .collect()
    }

    fn call(credentials: &Credentials, delivery: Delivery<'_>) -> Result<VendorCall, CallerError> {
        let mut headers = only_way::<Self, _>(delivery, headers(credentials))?;
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
