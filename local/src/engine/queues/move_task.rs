//! Message move tasks: from a dead-letter queue back to where the messages came from.
//!
//! The engine takes such a task and never does it. Here it is done before it is answered, so that it is
//! `COMPLETED` whenever anybody asks.

use std::sync::{Mutex, PoisonError};

use bytes::Bytes;
use http::{Response, StatusCode};
use serde_json::{Value, json};

use super::{Queues, refused};
use crate::clock;
use crate::engine::{answer, request};
use crate::random;

/// The tasks that were done, the newest first.
#[derive(Debug, Default)]
pub(super) struct MoveTasks {
    done: Mutex<Vec<Value>>,
}

/// Why a task was not begun.
enum Refusal {
    NoSuchQueue,
    NotDeadLetters,
}

impl Queues {
    /// `StartMessageMoveTask`.
    pub(super) async fn start_move(&self, input: &Value) -> Response<Bytes> {
        let source = name_of(input.get("SourceArn"));
        let destination = match name_of(input.get("DestinationArn")) {
            Some(destination) => Ok(destination.to_owned()),
            None => self.origin_of(source).await,
        };
        match (source, destination) {
            (Some(source), Ok(destination)) => {
                let moved = self.move_all(source, &destination).await;
                let handle = random::uuid();
                self.move_tasks.remember(input, &handle, moved);
                answer(StatusCode::OK, &json!({ "TaskHandle": handle }))
            }
            (_, Err(refusal)) => refusal.response(),
            (None, Ok(_)) => Refusal::NoSuchQueue.response(),
        }
    }

    /// `ListMessageMoveTasks`.
    pub(super) fn list_moves(&self, input: &Value) -> Response<Bytes> {
        let source = input.get("SourceArn");
        let most = input.get("MaxResults").and_then(Value::as_u64).unwrap_or(1);
        let done = self
            .move_tasks
            .done
            .lock()
            .unwrap_or_else(PoisonError::into_inner);
        let of_source = done.iter().filter(|task| task.get("SourceArn") == source);
        let results: Vec<&Value> = of_source
            .take(usize::try_from(most).unwrap_or(10))
            .collect();
        answer(StatusCode::OK, &json!({ "Results": results }))
    }

    /// The queue whose dead letters these are.
    async fn origin_of(&self, source: Option<&str>) -> Result<String, Refusal> {
        let source = source.ok_or(Refusal::NoSuchQueue)?;
        let output = self
            .ask("ListDeadLetterSourceQueues", json!({ "QueueUrl": source }))
            .await;
        let output = output.ok_or(Refusal::NoSuchQueue)?;
        let origin = output
            .get("queueUrls")
            .and_then(|urls| urls.get(0))
            .and_then(Value::as_str);
        origin.map(str::to_owned).ok_or(Refusal::NotDeadLetters)
    }

    async fn move_all(&self, source: &str, destination: &str) -> usize {
        let mut moved = 0;
        let receive = json!({
            "QueueUrl": source, "MaxNumberOfMessages": 10, "MessageAttributeNames": ["All"],
        });
        while let Some(output) = self.ask("ReceiveMessage", receive.clone()).await {
            let messages = output.get("Messages").and_then(Value::as_array);
            let Some(messages) = messages.filter(|messages| !messages.is_empty()) else {
                break;
            };
            for message in messages {
                moved += usize::from(self.move_one(message, source, destination).await);
            }
        }
        self.sent.notify_waiters();
        moved
    }

    async fn move_one(&self, message: &Value, source: &str, destination: &str) -> bool {
        let send = json!({
            "QueueUrl": destination,
            "MessageBody": message.get("Body"),
            "MessageAttributes": message.get("MessageAttributes").unwrap_or(&json!({})),
        });
        let delete = json!({ "QueueUrl": source, "ReceiptHandle": message.get("ReceiptHandle") });
        self.ask("SendMessage", send).await.is_some()
            && self.ask("DeleteMessage", delete).await.is_some()
    }

    /// The engine's answer, if it is no error.
    async fn ask(&self, operation: &str, input: Value) -> Option<Value> {
        let response = self
            .pass(request(&format!("AmazonSQS.{operation}"), &input))
            .await;
        let succeeded = response.status().is_success();
        succeeded.then(|| serde_json::from_slice(response.body()).unwrap_or(Value::Null))
    }
}

impl MoveTasks {
    fn remember(&self, input: &Value, handle: &str, moved: usize) {
        let task = json!({
            "TaskHandle": handle,
            "Status": "COMPLETED",
            "SourceArn": input.get("SourceArn"),
            "DestinationArn": input.get("DestinationArn"),
            "ApproximateNumberOfMessagesMoved": moved,
            "ApproximateNumberOfMessagesToMove": moved,
            "StartedTimestamp": clock::epoch_ms(clock::now()),
        });
        self.done
            .lock()
            .unwrap_or_else(PoisonError::into_inner)
            .insert(0, task);
    }
}

impl Refusal {
    fn response(self) -> Response<Bytes> {
        match self {
            Self::NoSuchQueue => refused(
                "ResourceNotFoundException",
                "The resource that you specified for the SourceArn parameter doesn't exist.",
            ),
            Self::NotDeadLetters => refused(
                "InvalidParameterValue",
                "Source queue must be configured as a Dead Letter Queue.",
            ),
        }
    }
}

/// The engine goes by the last part of a queue's URL, which a name alone is, too.
fn name_of(arn: Option<&Value>) -> Option<&str> {
    arn?.as_str()?.rsplit(':').next()
}
