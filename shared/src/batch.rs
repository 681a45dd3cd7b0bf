//! A batch of SQS messages: each is handled by itself, and exactly those that failed are reported, so that SQS delivers them
//! again.

use aws_lambda_events::event::sqs::{BatchItemFailure, SqsBatchResponse, SqsEvent, SqsMessage};
use futures_util::{FutureExt, StreamExt, stream};
use std::panic::AssertUnwindSafe;
use std::time::Duration;
use tokio::time::{Instant, timeout_at};

/// How many messages of a batch are handled at a time.
const AT_ONCE: usize = 4;

/// What became of one message.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Handled {
    /// Its work is done, or will be without it.
    Done,
    /// It is to be delivered again. Whoever handled it has logged why.
    Failed,
}

/// Handles every message, and answers with those that failed. A panic is kept to its message, and so is one that is not done
/// when the `time` for the whole batch is up: the others do not wait for it.
pub async fn handle_each<F>(
    event: SqsEvent,
    time: Duration,
    handle: impl Fn(SqsMessage) -> F,
) -> SqsBatchResponse
where
    F: Future<Output = Handled>,
{
    let deadline = Instant::now() + time;
    let failures: Vec<_> = stream::iter(event.records)
        .map(|message| handle_one(message, deadline, &handle))
        .buffer_unordered(AT_ONCE)
        .filter_map(std::future::ready)
        .collect()
        .await;
    let mut response = SqsBatchResponse::default();
    response.batch_item_failures = failures;
    response
}

async fn handle_one<F: Future<Output = Handled>>(
    message: SqsMessage,
    deadline: Instant,
    handle: &impl Fn(SqsMessage) -> F,
) -> Option<BatchItemFailure> {
    let id = message.message_id.clone().unwrap_or_default();
    // The call itself is inside, so that it may panic too.
    let work = AssertUnwindSafe(async { handle(message).await }).catch_unwind();
    match timeout_at(deadline, work).await {
        Ok(Ok(Handled::Done)) => return None,
        Ok(Ok(Handled::Failed)) => {}
        // Its text may quote what it was working on; the panic hook has logged where it was.
        Ok(Err(_)) => tracing::error!(message.id = id, "message failed: panicked"),
        Err(_) => tracing::warn!(message.id = id, "message failed: out of time"),
    }
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
                _ => Handled::Failed,
            }
        })
        .await;
        let failures = response.batch_item_failures.into_iter();
        let mut ids: Vec<String> = failures.map(|it| it.item_identifier).collect();
        ids.sort();
        ids
    }

    #[tokio::test]
    async fn exactly_those_that_failed_are_reported() {
        let event = batch(&["good", "panic", "bad", "good", "slow", "good"]);
        assert_eq!(failed(event).await, ["m1", "m2", "m4"]);
        assert!(failed(batch(&["good", "good"])).await.is_empty());
        assert!(failed(batch(&[])).await.is_empty());
    }

    #[tokio::test]
    async fn a_message_that_hangs_holds_up_no_other() {
        let event = batch(&[
            "slow", "good", "good", "good", "good", "good", "good", "bad",
        ]);
        assert_eq!(failed(event).await, ["m0", "m7"]);
    }

    #[tokio::test]
    async fn no_empty_identifier_is_reported() {
        let mut event = batch(&["bad", "bad", "bad"]);
        event.records[0].message_id = None;
        event.records[1].message_id = Some(String::new());
        assert_eq!(failed(event).await, ["m2"]);
    }
}
