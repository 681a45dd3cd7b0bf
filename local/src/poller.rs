//! The event source mapping between a queue and a function: receive, invoke, delete what is done.

mod event;
mod hand_out;
mod settlement;

use std::sync::Arc;
use std::time::Duration;

use bytes::Bytes;
use serde_json::{Value, json};
use tokio::sync::{Mutex, watch};
use tokio::task::JoinSet;
use tokio::time::Instant;

use crate::engine::{EngineError, Engines, Service};
use crate::faults::Faults;
use crate::function::Function;
use crate::template::QueueSource;
use hand_out::Batch;

/// The most that SQS hands out at once.
const LARGEST_RECEIVE: usize = 10;

/// How often to look for messages whose delay or visibility time-out has run out. A new message is told of.
const LOOK_INTERVAL: Duration = Duration::from_millis(100);

/// A mapping that runs.
#[derive(Debug)]
pub(crate) struct Poller {
    stop: watch::Sender<bool>,
    workers: JoinSet<()>,
}

/// What all workers of a mapping share.
pub(crate) struct Mapping {
    engines: Arc<Engines>,
    function: Arc<Function>,
    source: QueueSource,
    queue_url: String,
    faults: Option<Arc<dyn Faults>>,
    /// One worker at a time fills a batch, or each would get a share of it.
    turn: Mutex<()>,
}

impl Poller {
    /// Polls a queue, with so many invocations at once.
    pub(crate) fn start(mapping: Mapping, concurrency: usize) -> Self {
        let mapping = Arc::new(mapping);
        let (stop, stopped) = watch::channel(false);
        let mut workers = JoinSet::new();
        for _ in 0..concurrency.max(1) {
            workers.spawn(work(Arc::clone(&mapping), stopped.clone()));
        }
        Self { stop, workers }
    }

    /// Receives nothing more; batches under way go on.
    pub(crate) fn pause(&self) {
        self.stop.send_replace(true);
    }

    /// Waits until the batches under way are settled.
    pub(crate) async fn join(mut self) {
        self.pause();
        while self.workers.join_next().await.is_some() {}
    }
}

async fn work(mapping: Arc<Mapping>, mut stopped: watch::Receiver<bool>) {
    while !*stopped.borrow() {
        let gathered = {
            let _turn = mapping.turn.lock().await;
            mapping.gather(&mut stopped).await
        };
        match gathered {
            Ok(received) => {
                let batch = Batch::of(received, mapping.faults.as_deref());
                mapping.remove(batch.lost.iter()).await;
                if !batch.messages.is_empty() {
                    mapping.settle(&batch).await;
                }
            }
            Err(error) => {
                let function = &mapping.function.resource().logical_id;
                tracing::error!(%function, %error, "the queue could not be polled");
                tokio::time::sleep(LOOK_INTERVAL).await;
            }
        }
    }
}

impl Mapping {
    /// Between this queue and `function`.
    pub(crate) fn new(
        engines: &Arc<Engines>,
        function: &Arc<Function>,
        source: QueueSource,
        queue_url: String,
        faults: Option<Arc<dyn Faults>>,
    ) -> Self {
        Self {
            engines: Arc::clone(engines),
            function: Arc::clone(function),
            source,
            queue_url,
            faults,
            turn: Mutex::new(()),
        }
    }

    /// A full batch, or what came before the window closed; what there is when told to stop.
    async fn gather(&self, stopped: &mut watch::Receiver<bool>) -> Result<Vec<Value>, EngineError> {
        let size = usize::try_from(self.source.batch_size).unwrap_or(LARGEST_RECEIVE);
        let mut batch: Vec<Value> = Vec::new();
        let mut closes = None;
        while !*stopped.borrow() {
            let sent = self.engines.queues.sent();
            let received = self
                .receive((size - batch.len()).min(LARGEST_RECEIVE))
                .await?;
            let nothing_left = received.is_empty();
            batch.extend(received);
            if !batch.is_empty() && closes.is_none() {
                closes = Some(Instant::now() + self.source.window);
            }
            let closed = closes.is_some_and(|closes| Instant::now() >= closes);
            if batch.len() >= size || (closed && (nothing_left || self.source.window.is_zero())) {
                return Ok(batch);
            }
            if nothing_left {
                self.wait(sent, closes, stopped).await;
            }
        }
        Ok(batch)
    }

    /// Waits until it may be worth another look, or until told to stop.
    async fn wait(
        &self,
        sent: impl Future<Output = ()>,
        closes: Option<Instant>,
        stopped: &mut watch::Receiver<bool>,
    ) {
        let look = Instant::now() + LOOK_INTERVAL;
        let until = closes.map_or(look, |closes| closes.min(look));
        tokio::select! {
            () = sent => {}
            () = tokio::time::sleep_until(until) => {}
            _ = stopped.wait_for(|stop| *stop) => {}
        }
    }

    async fn receive(&self, count: usize) -> Result<Vec<Value>, EngineError> {
        let input = json!({
            "QueueUrl": self.queue_url,
            "MaxNumberOfMessages": count,
            "AttributeNames": ["All"],
            "MessageAttributeNames": ["All"],
        });
        let mut output = self
            .engines
            .call(Service::Sqs, "ReceiveMessage", &input)
            .await?;
        match output.get_mut("Messages").map(Value::take) {
            Some(Value::Array(messages)) => Ok(messages),
            _ => Ok(Vec::new()),
        }
    }

    async fn settle(&self, batch: &Batch) {
        let Batch {
            messages, again, ..
        } = batch;
        let payload = event::of(messages, &self.source.queue_arn).to_string();
        let outcome = self.function.invoke(Bytes::from(payload)).await;
        let function = &self.function.resource().logical_id;
        if let Err(error) = &outcome {
            tracing::warn!(%function, %error, messages = messages.len(), "the function failed its batch");
        }
        let ids: Vec<&str> = messages
            .iter()
            .map(|message| text(message, "MessageId"))
            .collect();
        let done = settlement::done(&ids, self.source.reports_failures, outcome.ok().as_deref());
        let is_done = |message: &&Value| {
            let id = text(message, "MessageId");
            done.contains(id) && !again.contains(id)
        };
        self.remove(messages.iter().filter(is_done)).await;
    }

    async fn remove(&self, messages: impl Iterator<Item = &Value>) {
        let function = &self.function.resource().logical_id;
        for message in messages {
            // Most likely it took longer than its visibility time-out, and is a dead letter by now.
            if let Err(error) = self.delete(text(message, "ReceiptHandle")).await {
                tracing::warn!(%function, %error, "a message could not be deleted");
            }
        }
    }

    async fn delete(&self, receipt_handle: &str) -> Result<(), EngineError> {
        let input = json!({ "QueueUrl": self.queue_url, "ReceiptHandle": receipt_handle });
        let deleted = self.engines.call(Service::Sqs, "DeleteMessage", &input);
        deleted.await.map(|_| ())
    }
}

fn text<'m>(message: &'m Value, field: &str) -> &'m str {
    message
        .get(field)
        .and_then(Value::as_str)
        .unwrap_or_default()
}
