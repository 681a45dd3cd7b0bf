//! A batch of SQS messages: each is handled by itself, and exactly those that failed are reported, so that SQS delivers them
//! again.

use aws_lambda_events::event::sqs::{BatchItemFailure, SqsBatchResponse, SqsEvent, SqsMessage};
use futures_util::{FutureExt, StreamExt, stream};
use std::panic::AssertUnwindSafe;
use std::time::Duration;
use tokio::time::timeout;

/// How many messages of a batch are handled at a time.
const AT_ONCE: usize = 4;

/// What became of one message.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Handled {
    /// Its work is done, or will be without it.
    Done,
    /// It is to be delivered again; the text says why and holds nothing personal.
    Failed(String),
}

/// Handles every message, and answers with those that failed. A panic and a message that takes longer than
/// `time_for_each` fail like any other: they are kept to their own message.
pub async fn handle_each<F>(
    event: SqsEvent,
    time_for_each: Duration,
    handle: impl Fn(SqsMessage) -> F,
) -> SqsBatchResponse
where
    F: Future<Output = Handled>,
{
    let failures: Vec<_> = stream::iter(event.records)
        .map(|message| handle_one(message, time_for_each, &handle))
        .buffered(AT_ONCE)
        .filter_map(std::future::ready)
        .collect()
        .await;
    let mut response = SqsBatchResponse::default();
    response.batch_item_failures = failures;
    response
}

async fn handle_one<F: Future<Output = Handled>>(
    message: SqsMessage,
    time: Duration,
    handle: &impl Fn(SqsMessage) -> F,
) -> Option<BatchItemFailure> {
    let id = message.message_id.clone().unwrap_or_default();
    // The call itself is inside, so that it may panic too.
    let work = AssertUnwindSafe(async { handle(message).await }).catch_unwind();
    let cause = match timeout(time, work).await {
        Ok(Ok(Handled::Done)) => return None,
        Ok(Ok(Handled::Failed(cause))) => cause,
        // Its text may quote what it was working on; the panic hook has logged where it was.
        Ok(Err(_)) => "panicked".to_owned(),
        Err(_) => format!("took longer than {time:?}"),
    };
    tracing::error!(message.id = id, error = cause, "message failed");
    failure(id)
}

/// An empty identifier would fail the whole batch. Without one the message counts as done: its work is marked in the table.
fn failure(id: String) -> Option<BatchItemFailure> {
    if id.is_empty() {
        return None;
    }
    let mut failure = BatchItemFailure::default();
    failure.item_identifier = id;
    Some(failure)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn batch(bodies: &[&str]) -> SqsEvent {
        let records = bodies
            .iter()
            .zip(0..)
            .map(|(body, number)| {
                let mut message = SqsMessage::default();
                message.message_id = Some(format!("m{number}"));
                message.body = Some((*body).to_owned());
                message
            })
            .collect();
        let mut event = SqsEvent::default();
        event.records = records;
        event
    }

    async fn failed(event: SqsEvent) -> Vec<String> {
        let response = handle_each(event, Duration::from_millis(50), |message| async move {
            match message.body.as_deref() {
                Some("good") => Handled::Done,
                Some("slow") => std::future::pending().await,
                Some("panic") => panic!("on purpose"),
                _ => Handled::Failed("bad".into()),
            }
        })
        .await;
        response
            .batch_item_failures
            .into_iter()
            .map(|it| it.item_identifier)
            .collect()
    }

    #[tokio::test]
    async fn exactly_those_that_failed_are_reported() {
        let event = batch(&["good", "panic", "bad", "good", "slow", "good"]);
        assert_eq!(failed(event).await, ["m1", "m2", "m4"]);
        assert!(failed(batch(&["good", "good"])).await.is_empty());
        assert!(failed(batch(&[])).await.is_empty());
    }

    #[tokio::test]
    async fn no_empty_identifier_is_reported() {
        let mut event = batch(&["bad", "bad", "bad"]);
        event.records[0].message_id = None;
        event.records[1].message_id = Some(String::new());
        assert_eq!(failed(event).await, ["m2"]);
    }
}
