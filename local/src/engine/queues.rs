//! SQS: winterbaume's engine in this process.
//!
//! Of a standard queue it has visibility, delays, long polls and dead letters. What it lacks or gets wrong is mended
//! in [`Queues::handle`]: its queue URLs are Amazon's, a batch delete fails as a whole for one bad handle, it knows
//! no limits, and a move task never moves anything. It has no FIFO queues.

mod limits;
mod move_task;

use bytes::Bytes;
use http::{HeaderValue, Request, Response, StatusCode};
use serde_json::{Value, json};
use tokio::sync::Notify;
use tokio::sync::futures::Notified;
use winterbaume_core::{MockRequest, MockService};
use winterbaume_sqs::SqsService;

use move_task::MoveTasks;

use super::{answer, failure, into_http};
use crate::template::{ACCOUNT, REGION};

/// The engine, and word of each message that came in.
pub(crate) struct Queues {
    engine: SqsService,
    endpoint_url: String,
    sent: Notify,
    move_tasks: MoveTasks,
}

impl std::fmt::Debug for Queues {
    fn fmt(&self, formatter: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        formatter
            .debug_struct("Queues")
            .field("endpoint_url", &self.endpoint_url)
            .finish_non_exhaustive()
    }
}

impl Queues {
    /// An engine without queues, whose URLs begin with `endpoint_url`.
    pub(crate) fn new(endpoint_url: &str) -> Self {
        winterbaume_core::set_default_account_id(ACCOUNT);
        Self {
            engine: SqsService::new(),
            endpoint_url: endpoint_url.to_owned(),
            sent: Notify::new(),
            move_tasks: MoveTasks::default(),
        }
    }

    /// Resolves when a message is sent from now on, so that nobody has to ask in a tight loop.
    pub(crate) fn sent(&self) -> Notified<'_> {
        self.sent.notified()
    }

    /// Does one operation.
    pub(crate) async fn handle(&self, operation: &str, request: Request<Bytes>) -> Response<Bytes> {
        let input: Value = serde_json::from_slice(request.body()).unwrap_or(Value::Null);
        if let Err(violation) = limits::check(operation, &input) {
            return refused(violation.code(), &violation.to_string());
        }
        match operation {
            "DeleteMessageBatch" => self.delete_each(&input).await,
            "StartMessageMoveTask" => self.start_move(&input).await,
            "ListMessageMoveTasks" => self.list_moves(&input),
            "CreateQueue" | "GetQueueUrl" | "ListQueues" | "ListDeadLetterSourceQueues" => {
                self.with_own_urls(self.pass(request).await)
            }
            "SendMessage" | "SendMessageBatch" => {
                let response = self.pass(request).await;
                self.sent.notify_waiters();
                response
            }
            _ => self.pass(request).await,
        }
    }

    async fn pass(&self, request: Request<Bytes>) -> Response<Bytes> {
        let (parts, body) = request.into_parts();
        let response = self
            .engine
            .handle(MockRequest {
                method: parts.method.to_string(),
                // The engine tells its region by the host that was asked.
                uri: format!("{}/", amazon_url()),
                headers: parts.headers,
                body,
            })
            .await;
        into_http(response)
    }

    fn with_own_urls(&self, response: Response<Bytes>) -> Response<Bytes> {
        response.map(|body| match std::str::from_utf8(&body) {
            Ok(text) => Bytes::from(text.replace(&amazon_url(), &self.endpoint_url)),
            Err(_) => body,
        })
    }

    /// One delete for each entry, so that a bad handle fails alone, as it does at AWS.
    async fn delete_each(&self, input: &Value) -> Response<Bytes> {
        let entries = input.get("Entries").and_then(Value::as_array);
        let (mut successful, mut failed) = (Vec::new(), Vec::new());
        for entry in entries.into_iter().flatten() {
            let id = entry.get("Id");
            let handle = entry.get("ReceiptHandle");
            let delete = json!({ "QueueUrl": input.get("QueueUrl"), "ReceiptHandle": handle });
            let response = self
                .pass(super::request("AmazonSQS.DeleteMessage", &delete))
                .await;
            if response.status().is_success() {
                successful.push(json!({ "Id": id }));
            } else {
                let code = "ReceiptHandleIsInvalid";
                failed.push(json!({ "Id": id, "SenderFault": true, "Code": code }));
            }
        }
        answer(
            StatusCode::OK,
            &json!({ "Successful": successful, "Failed": failed }),
        )
    }
}

/// An error in both forms that SQS gives it: that of its JSON protocol, and the code of the older one.
fn refused(code: &'static str, message: &str) -> Response<Bytes> {
    let name = code.rsplit('.').next().unwrap_or(code);
    let kind = format!("com.amazonaws.sqs#{name}");
    let mut response = failure(StatusCode::BAD_REQUEST, &kind, message);
    if let Ok(query_error) = HeaderValue::from_str(&format!("{code};Sender")) {
        response
            .headers_mut()
            .insert("x-amzn-query-error", query_error);
    }
    response
}

fn amazon_url() -> String {
    format!("https://sqs.{REGION}.amazonaws.com")
}
