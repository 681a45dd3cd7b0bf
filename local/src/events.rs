//! A small EventBridge: buses, rules by event pattern, and queues as their targets.
//!
//! It is our own because what is known to be easily got wrong has to be as it is at AWS: an answer of 200 in which an entry
//! was not taken, the limits of a call, and a bus that does not exist, what is meant for which is taken and forgotten. It
//! delivers at once and once; AWS delivers at least once, in any order. What it does not know, it refuses.

mod error;
mod pattern;
mod put;
mod request;
mod rules;

use std::sync::{Mutex, MutexGuard, PoisonError};

use bytes::Bytes;
use http::{Response, StatusCode};
use serde::de::DeserializeOwned;
use serde_json::{Value, json};

use crate::clock;
use crate::engine::{Queues, answer, failure, send_message};
use crate::template::{ACCOUNT, REGION};
use error::EventsError;
use put::Delivery;
use rules::Buses;

/// The buses, and what their rules are.
#[derive(Debug, Default)]
pub(crate) struct Events {
    buses: Mutex<Buses>,
}

impl Events {
    /// Does one operation. What an event leads to is sent to `queues` before it is answered.
    pub(crate) async fn handle(
        &self,
        operation: &str,
        body: &Bytes,
        queues: &Queues,
    ) -> Response<Bytes> {
        let done = match operation {
            "PutEvents" => self.put(body, queues).await,
            _ => self.perform(operation, body),
        };
        match done {
            Ok(output) => answer(StatusCode::OK, &output),
            Err(error) => failure(StatusCode::BAD_REQUEST, error.kind(), &error.to_string()),
        }
    }

    async fn put(&self, body: &Bytes, queues: &Queues) -> Result<Value, EventsError> {
        let now = clock::now();
        let put = put::put(&self.buses(), input(body)?, now)?;
        for delivery in put.deliveries {
            deliver(&delivery, queues).await;
        }
        Ok(put.answer)
    }

    fn perform(&self, operation: &str, body: &Bytes) -> Result<Value, EventsError> {
        let mut buses = self.buses();
        match operation {
            "CreateEventBus" => buses.create(&input::<request::Bus>(body)?.name),
            "DescribeEventBus" => buses.describe(&input::<request::Bus>(body)?.name),
            "PutRule" => buses.put_rule(input(body)?),
            "ListRules" => buses.list_rules(&input(body)?),
            "DeleteRule" => buses.delete_rule(&input(body)?),
            "PutTargets" => buses.put_targets(input(body)?),
            "ListTargetsByRule" => buses.list_targets(&input(body)?),
            "RemoveTargets" => buses.remove_targets(&input(body)?),
            _ => Err(EventsError::UnknownOperation),
        }
    }

    fn buses(&self) -> MutexGuard<'_, Buses> {
        self.buses.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// A target that takes nothing holds up no other: AWS tries for a day, and forgets the event then.
async fn deliver(delivery: &Delivery, queues: &Queues) {
    let input = json!({ "QueueUrl": delivery.queue_url(), "MessageBody": delivery.event });
    let response = send_message(queues, &input).await;
    if !response.status().is_success() {
        let queue = &delivery.queue_name;
        tracing::warn!(
            queue,
            "an event was not delivered: the queue did not take it"
        );
    }
}

fn input<T: DeserializeOwned>(body: &Bytes) -> Result<T, EventsError> {
    serde_json::from_slice(body).map_err(|error| EventsError::Unreadable(error.to_string()))
}

fn arn(rest: &str) -> String {
    format!("arn:aws:events:{REGION}:{ACCOUNT}:{rest}")
}

#[cfg(test)]
mod tests;
