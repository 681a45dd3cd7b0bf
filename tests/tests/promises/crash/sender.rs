//! Vendors' senders: they try again as it is documented of them, in a shortened time.
//!
//! What no try of theirs was answered with a 2xx for is not accepted, though it may be stored: the answer may have been lost.

use super::scenario::{Delivery, Vendor};
use bytes::Bytes;
use reqwest::Response;
use serde_json::Value;
use shared::key::EventId;
use std::time::Duration;
use tests::stage::Stage;

/// iMocha tries five more times, "consecutively".
const IMOCHA_MS: [u64; 5] = [20, 20, 20, 20, 20];
/// Svix tries seven more times, over a day: after 5 s, 5 min, 30 min, 2 h, 5 h, 10 h, 10 h.
const SVIX_MS: [u64; 7] = [10, 40, 100, 200, 400, 600, 600];
/// `JobMojito` tries again; it is not known when and how often. Less than once more it cannot be.
const JOBMOJITO_MS: [u64; 1] = [100];

/// Vendors, with what they were given to call a bundle with.
pub struct Senders(tests::senders::Senders);

impl Senders {
    /// Those of this stage.
    pub async fn of(stage: &Stage) -> Self {
        Self(tests::senders::Senders::of(stage).await)
    }

    /// Where iMocha calls back to.
    pub fn imocha_url(&self, stage: &Stage) -> String {
        let now = stage.clock.now();
        let call = self.0.ready(now, "imocha", "", "", Bytes::new());
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
        let Delivery {
            vendor,
            version,
            id,
            body,
            ..
        } = delivery;
        let now = stage.clock.now();
        let call = self
            .0
            .ready(now, vendor.source(), version, id, body.clone());
        call.post(stage).await
    }
}

/// The event that an accepted delivery is told to be.
pub async fn event_id(answer: Response) -> EventId {
    let answer: Value = answer.json().await.unwrap();
    answer["event"].as_str().unwrap().parse().unwrap()
}
