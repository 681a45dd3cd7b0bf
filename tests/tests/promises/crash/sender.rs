//! Vendors' senders: they try again as it is documented of them, in a shortened time.
//!
//! What no try of theirs was answered with a 2xx for is not accepted, though it may be stored: the answer may have been lost.

use super::scenario::{Delivery, Vendor};
use imocha_webhook::Imocha;
use jobmojito_webhook::Jobmojito;
use reqwest::Response;
use serde_json::Value;
use shared::caller::{Caller, Delivery as Sent, VendorCall};
use shared::key::EventId;
use shared::source::Source;
use std::time::Duration;
use testlify_webhook::Testlify;
use tests::stage::Stage;
use tests::vendors::credentials;
use xobin_webhook::Xobin;

/// iMocha tries five more times, "consecutively".
const IMOCHA_MS: [u64; 5] = [20, 20, 20, 20, 20];
/// Svix tries seven more times, over a day: after 5 s, 5 min, 30 min, 2 h, 5 h, 10 h, 10 h.
const SVIX_MS: [u64; 7] = [10, 40, 100, 200, 400, 600, 600];
/// `JobMojito` tries again; it is not known when and how often. Less than once more it cannot be.
const JOBMOJITO_MS: [u64; 1] = [100];

/// The credentials that vendors were given.
pub struct Senders {
    imocha: <Imocha as Source>::Credentials,
    jobmojito: <Jobmojito as Source>::Credentials,
    testlify: <Testlify as Source>::Credentials,
    xobin: <Xobin as Source>::Credentials,
}

impl Senders {
    /// Those of this stage.
    pub async fn of(stage: &Stage) -> Self {
        Self {
            imocha: credentials::<Imocha>(stage).await,
            jobmojito: credentials::<Jobmojito>(stage).await,
            testlify: credentials::<Testlify>(stage).await,
            xobin: credentials::<Xobin>(stage).await,
        }
    }

    /// Where iMocha calls back to.
    pub fn imocha_url(&self, stage: &Stage) -> String {
        let sent = Sent {
            version: "",
            body: b"",
            sent: stage.clock.now(),
            id: "",
        };
        let call = Imocha::call(&self.imocha, sent).unwrap();
        format!("{}{}", stage.bundle.api_url(), call.path)
    }

    /// Sends a delivery until it is answered with a 2xx, or its vendor gives up. The event's id, if it was accepted.
    pub async fn send(&self, stage: &Stage, delivery: &Delivery) -> Option<EventId> {
        if delivery.lost {
            return None;
        }
        tokio::time::sleep(delivery.after).await;
        let pauses: &[u64] = match (delivery.vendor, delivery.version) {
            (Vendor::Imocha, _) => &IMOCHA_MS,
            (Vendor::Jobmojito, _) => &JOBMOJITO_MS,
            (Vendor::Testlify, "v2") => &SVIX_MS,
            // Testlify's first version by hand alone, Xobin nobody knows.
            (Vendor::Testlify | Vendor::Xobin, _) => &[],
        };
        let pauses = std::iter::once(0).chain(pauses.iter().copied());
        for (number, pause) in pauses.enumerate() {
            tokio::time::sleep(Duration::from_millis(pause)).await;
            let answer = self.post(stage, delivery).await;
            if answer.status().is_success() && number >= delivery.unheard {
                return Some(event_id(answer).await);
            }
        }
        None
    }

    /// Sends a delivery once.
    pub async fn post(&self, stage: &Stage, delivery: &Delivery) -> Response {
        let sent = Sent {
            version: delivery.version,
            body: &delivery.body,
            sent: stage.clock.now(),
            id: &delivery.id,
        };
        let VendorCall { path, headers } = match delivery.vendor {
            Vendor::Imocha => Imocha::call(&self.imocha, sent),
            Vendor::Jobmojito => Jobmojito::call(&self.jobmojito, sent),
            Vendor::Testlify => Testlify::call(&self.testlify, sent),
            Vendor::Xobin => Xobin::call(&self.xobin, sent),
        }
        .unwrap();
        let headers: Vec<_> = headers.into_iter().collect();
        stage.post(&path, &headers, delivery.body.clone()).await
    }
}

/// The event that an accepted delivery is told to be.
pub async fn event_id(answer: Response) -> EventId {
    let answer: Value = answer.json().await.unwrap();
    answer["event"].as_str().unwrap().parse().unwrap()
}
