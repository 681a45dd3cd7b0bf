//! Another system that reads results: a queue, and a rule on the bus that leads to it.

use crate::listener::Listener;
use crate::stage::{Stage, eventually};
use serde_json::{Value, json};
use std::sync::Mutex;

/// The most messages that SQS gives at once.
const MOST: i32 = 10;

/// A queue that the bus leads to.
pub struct Inbox<'a> {
    stage: &'a Stage,
    queue_url: String,
    listener: Mutex<Listener>,
}

impl<'a> Inbox<'a> {
    /// Of everything that is published.
    pub async fn of_all_changes(stage: &'a Stage) -> Self {
        Self::of(stage, "all", &json!({ "source": ["assessment-webhooks"] })).await
    }

    /// What a rule with this pattern lets through.
    pub async fn of(stage: &'a Stage, name: &str, pattern: &Value) -> Self {
        let create = stage.sqs.create_queue().queue_name(name).send().await;
        let bus = &stage.bundle.outputs()["EventBusName"];
        let rule =
            json!({ "Name": name, "EventBusName": bus, "EventPattern": pattern.to_string() });
        call(stage, "PutRule", &rule).await;
        let arn = format!("arn:aws:sqs:eu-west-1:000000000000:{name}");
        let targets = json!([{ "Id": "queue", "Arn": arn }]);
        let targets = json!({ "Rule": name, "EventBusName": bus, "Targets": targets });
        call(stage, "PutTargets", &targets).await;
        Self {
            stage,
            queue_url: create.unwrap().queue_url.unwrap(),
            listener: Mutex::default(),
        }
    }

    /// The next event that is new, as EventBridge delivers it.
    pub async fn next(&self) -> Value {
        eventually("an event is delivered", || async {
            let event = self.receive(1).await.pop();
            event.filter(|event| self.is_new(event))
        })
        .await
    }

    /// All that is there, and new.
    pub async fn rest(&self) -> Vec<Value> {
        let mut events = self.delivered().await;
        events.retain(|event| self.is_new(event));
        events
    }

    /// All that is there, as often as it came.
    pub async fn delivered(&self) -> Vec<Value> {
        let mut events = Vec::new();
        loop {
            let received = self.receive(MOST).await;
            if received.is_empty() {
                return events;
            }
            events.extend(received);
        }
    }

    fn is_new(&self, event: &Value) -> bool {
        let mut listener = self.listener.lock().unwrap();
        listener.hear(&event["detail"]).unwrap()
    }

    /// How many of those that came were not new.
    pub fn repeats(&self) -> usize {
        self.listener.lock().unwrap().repeats()
    }

    /// Waits until the worker has called this of the bus.
    pub async fn tried(&self, operation: &str) {
        let key = ("events".to_owned(), operation.to_owned());
        let tried = || async { self.stage.bundle.calls().get(&key).copied() };
        // With all the tries of the SDK.
        eventually("the bus is called", || async {
            tried().await.filter(|count| *count >= 3)
        })
        .await;
    }

    /// At most so many of them, which are no longer there then.
    async fn receive(&self, most: i32) -> Vec<Value> {
        let receive = self.stage.sqs.receive_message().queue_url(&self.queue_url);
        let answer = receive.max_number_of_messages(most).send().await.unwrap();
        let mut events = Vec::new();
        for message in answer.messages.unwrap_or_default() {
            let delete = self.stage.sqs.delete_message().queue_url(&self.queue_url);
            let delete = delete.set_receipt_handle(message.receipt_handle);
            delete.send().await.unwrap();
            events.push(serde_json::from_str(&message.body.unwrap()).unwrap());
        }
        events
    }
}

/// A call of EventBridge.
pub async fn call(stage: &Stage, operation: &str, input: &Value) -> Value {
    let request = stage
        .http
        .post(stage.bundle.endpoint_url())
        .header("x-amz-target", format!("AWSEvents.{operation}"))
        .body(input.to_string());
    let answer = request.send().await.unwrap();
    let (status, body) = (answer.status(), answer.text().await.unwrap());
    assert_eq!(status, 200, "{body}");
    serde_json::from_str(&body).unwrap()
}
