//! iMocha's part, played: the token is in the path that it was given as its `callbackUrl`.

use crate::{Credentials, Imocha};
use shared::caller::{
    Caller, CallerError, Delivery, Endpoint, ONLY_VERSION, VendorCall, only_way, token_path,
};
use std::collections::BTreeMap;

const PATH: &str = "/webhooks/imocha";

impl Caller for Imocha {
    fn endpoints(credentials: &Credentials) -> Vec<Endpoint> {
        token_path(PATH, &credentials.token)
            .map(|path| Endpoint {
                version: ONLY_VERSION,
                path,
                headers: BTreeMap::new(),
            })
            .into_iter()
            .collect()
    }

    fn call(credentials: &Credentials, delivery: Delivery<'_>) -> Result<VendorCall, CallerError> {
        Ok(VendorCall {
            path: only_way::<Self, _>(delivery, token_path(PATH, &credentials.token))?,
            headers: BTreeMap::from([("content-type".into(), "application/json".into())]),
        })
    }
}
