//! The vendors' ends of the line: their credentials, read once, and calls as each of them makes them.

use crate::stage::Stage;
use crate::vendors::{Ready, credentials};
use bytes::Bytes;
use imocha_webhook::Imocha;
use jobmojito_webhook::Jobmojito;
use shared::caller::{Caller, Delivery};
use shared::source::Source;
use shared::timestamp::Timestamp;
use testlify_webhook::Testlify;
use xobin_webhook::Xobin;

/// What the vendors show, read once.
pub struct Senders {
    imocha: <Imocha as Source>::Credentials,
    jobmojito: <Jobmojito as Source>::Credentials,
    testlify: <Testlify as Source>::Credentials,
    xobin: <Xobin as Source>::Credentials,
}

impl Senders {
    /// What they were given to call this bundle with.
    pub async fn of(stage: &Stage) -> Self {
        Self {
            imocha: credentials::<Imocha>(stage).await,
            jobmojito: credentials::<Jobmojito>(stage).await,
            testlify: credentials::<Testlify>(stage).await,
            xobin: credentials::<Xobin>(stage).await,
        }
    }

    /// The call that the vendor would make.
    #[must_use]
    pub fn ready(
        &self,
        sent: Timestamp,
        source: &str,
        version: &str,
        id: &str,
        body: Bytes,
    ) -> Ready {
        let delivery = Delivery {
            version,
            body: &body,
            sent,
            id,
        };
        let call = match source {
            "imocha" => Imocha::call(&self.imocha, delivery),
            "jobmojito" => Jobmojito::call(&self.jobmojito, delivery),
            "testlify" => Testlify::call(&self.testlify, delivery),
            "xobin" => Xobin::call(&self.xobin, delivery),
            other => panic!("{other} is no source"),
        };
        let call = call.unwrap();
        Ready {
            path: call.path,
            headers: call.headers.into_iter().collect(),
            body,
        }
    }
}
