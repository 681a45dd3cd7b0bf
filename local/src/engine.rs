//! The engines behind the one endpoint, and how a call finds the right one.
//!
//! All services but S3 speak AWS's JSON protocols: a POST whose `X-Amz-Target` names the operation. What has none is
//! for S3. So one port serves them all, and the functions need one setting.

mod database;
mod objects;
mod queues;

use std::path::Path;

use bytes::Bytes;
use http::{HeaderValue, Method, Request, Response, StatusCode, header};
use serde_json::{Value, json};
use winterbaume_core::MockResponse;

pub(crate) use database::Database;
pub(crate) use objects::Objects;
pub(crate) use queues::Queues;

use crate::events::Events;
use crate::secrets::Secrets;

/// The header that names service and operation in AWS's JSON protocols.
const TARGET: &str = "x-amz-target";

/// A service of AWS that this process stands in for.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Service {
    /// `DynamoDB`.
    DynamoDb,
    /// SQS.
    Sqs,
    /// S3.
    S3,
    /// Secrets Manager.
    SecretsManager,
    /// `EventBridge`.
    EventBridge,
}

/// Why an engine could not be had, or did not do what the platform itself asked of it.
#[derive(Debug, thiserror::Error)]
pub enum EngineError {
    /// The engine's file or port could not be opened.
    #[error("the {service} engine did not start: {reason}")]
    Start {
        /// Which engine.
        service: &'static str,
        /// What it said.
        reason: String,
    },
    /// The engine refused a call of the platform's own.
    #[error("{operation} was refused: {kind}: {message}")]
    Refused {
        /// The operation.
        operation: String,
        /// The error's type.
        kind: String,
        /// The error's message.
        message: String,
    },
}

/// All engines.
#[derive(Debug)]
pub(crate) struct Engines {
    pub(crate) database: Database,
    pub(crate) queues: Queues,
    pub(crate) objects: Objects,
    pub(crate) secrets: Secrets,
    pub(crate) events: Events,
}

impl Service {
    /// The name under which calls are counted.
    #[must_use]
    pub fn name(self) -> &'static str {
        match self {
            Self::DynamoDb => "dynamodb",
            Self::Sqs => "sqs",
            Self::S3 => "s3",
            Self::SecretsManager => "secretsmanager",
            Self::EventBridge => "events",
        }
    }

    /// The service and the operation that a request is for.
    pub(crate) fn of_request<T>(request: &Request<T>) -> Option<(Self, String)> {
        let Some(target) = request.headers().get(TARGET) else {
            return Some((Self::S3, objects::operation(request).to_owned()));
        };
        let (service, operation) = Self::of_target(target.to_str().ok()?)?;
        Some((service, operation.to_owned()))
    }

    /// The service and the operation that a target like `AmazonSQS.SendMessage` names.
    #[must_use]
    pub fn of_target(target: &str) -> Option<(Self, &str)> {
        let (service, operation) = target.split_once('.')?;
        match service {
            "DynamoDB_20120810" => Some((Self::DynamoDb, operation)),
            "AmazonSQS" => Some((Self::Sqs, operation)),
            "secretsmanager" => Some((Self::SecretsManager, operation)),
            "AWSEvents" => Some((Self::EventBridge, operation)),
            _ => None,
        }
    }

    /// Nothing for S3, which is not called so.
    fn target(self, operation: &str) -> String {
        let service = match self {
            Self::DynamoDb => "DynamoDB_20120810",
            Self::Sqs => "AmazonSQS",
            Self::S3 => return String::new(),
            Self::SecretsManager => "secretsmanager",
            Self::EventBridge => "AWSEvents",
        };
        format!("{service}.{operation}")
    }

    /// An error in the service's own form.
    pub(crate) fn failure(self, status: StatusCode, kind: &str, message: &str) -> Response<Bytes> {
        match self {
            Self::S3 => objects::failure(status, kind, message),
            Self::DynamoDb | Self::Sqs | Self::SecretsManager | Self::EventBridge => {
                failure(status, kind, message)
            }
        }
    }
}

impl Engines {
    /// Starts the engines; what they keep lies in `data_directory`, or in memory.
    pub(crate) async fn start(
        data_directory: Option<&Path>,
        endpoint_url: &str,
    ) -> Result<Self, EngineError> {
        Ok(Self {
            database: Database::start(data_directory).await?,
            queues: Queues::new(endpoint_url),
            objects: Objects::start(data_directory).await?,
            secrets: Secrets::open(data_directory)?,
            events: Events::default(),
        })
    }

    /// Passes a request on to its engine.
    pub(crate) async fn handle(
        &self,
        service: Service,
        operation: &str,
        request: Request<Bytes>,
    ) -> Response<Bytes> {
        match service {
            Service::DynamoDb => self.database.handle(request).await,
            Service::Sqs => self.queues.handle(operation, request).await,
            Service::S3 => self.objects.handle(request).await,
            Service::SecretsManager => self.secrets.handle(operation, request.body()),
            Service::EventBridge => {
                let body = request.body();
                self.events.handle(operation, body, &self.queues).await
            }
        }
    }

    /// A call of the platform's own: neither counted nor open to faults.
    pub(crate) async fn call(
        &self,
        service: Service,
        operation: &str,
        input: &Value,
    ) -> Result<Value, EngineError> {
        let request = request(&service.target(operation), input);
        let response = self.handle(service, operation, request).await;
        let output: Value = serde_json::from_slice(response.body()).unwrap_or(Value::Null);
        if response.status().is_success() {
            return Ok(output);
        }
        let text = |names: [&str; 2]| {
            let found = names.iter().find_map(|name| output.get(name)?.as_str());
            found.unwrap_or("no further word").to_owned()
        };
        Err(EngineError::Refused {
            operation: operation.to_owned(),
            kind: text(["__type", "code"]),
            message: text(["message", "Message"]),
        })
    }

    /// Ends the engines that run on their own.
    pub(crate) async fn stop(&self) {
        self.database.stop().await;
    }
}

impl EngineError {
    /// Whether the error is of this type, whatever namespace stands before it.
    #[must_use]
    pub fn is(&self, name: &str) -> bool {
        match self {
            Self::Refused { kind, .. } => kind.rsplit('#').next() == Some(name),
            Self::Start { .. } => false,
        }
    }
}

pub(crate) fn request(target: &str, input: &Value) -> Request<Bytes> {
    let mut request = Request::new(Bytes::from(input.to_string()));
    *request.method_mut() = Method::POST;
    let headers = request.headers_mut();
    headers.insert(
        header::CONTENT_TYPE,
        HeaderValue::from_static("application/x-amz-json-1.0"),
    );
    let target =
        HeaderValue::from_str(target).expect("operations are named in this crate, in ASCII");
    headers.insert(TARGET, target);
    // The database engine wants a signature to be there, and does not check it.
    let signature = "AWS4-HMAC-SHA256 Credential=local/20200101/eu-west-1/local/aws4_request, \
                     SignedHeaders=host;x-amz-date, Signature=0";
    headers.insert(header::AUTHORIZATION, HeaderValue::from_static(signature));
    headers.insert("x-amz-date", HeaderValue::from_static("20200101T000000Z"));
    request
}

/// Sends a message to a queue for another engine.
pub(crate) async fn send_message(queues: &Queues, input: &Value) -> Response<Bytes> {
    let operation = "SendMessage";
    let request = request(&Service::Sqs.target(operation), input);
    queues.handle(operation, request).await
}

fn into_http(response: MockResponse) -> Response<Bytes> {
    let mut answer = Response::new(response.body);
    *answer.status_mut() = StatusCode::from_u16(response.status).unwrap_or(StatusCode::BAD_GATEWAY);
    *answer.headers_mut() = response.headers;
    answer
}

/// An answer of AWS's JSON protocols.
pub(crate) fn answer(status: StatusCode, body: &Value) -> Response<Bytes> {
    let mut response = Response::new(Bytes::from(body.to_string()));
    *response.status_mut() = status;
    let content_type = HeaderValue::from_static("application/x-amz-json-1.1");
    response
        .headers_mut()
        .insert(header::CONTENT_TYPE, content_type);
    response
}

/// An error of AWS's JSON protocols.
pub(crate) fn failure(status: StatusCode, kind: &str, message: &str) -> Response<Bytes> {
    answer(status, &json!({ "__type": kind, "message": message }))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_target_names_service_and_operation() {
        let cases = [
            (
                "DynamoDB_20120810.UpdateItem",
                Some((Service::DynamoDb, "UpdateItem")),
            ),
            ("AmazonSQS.SendMessage", Some((Service::Sqs, "SendMessage"))),
            (
                "secretsmanager.GetSecretValue",
                Some((Service::SecretsManager, "GetSecretValue")),
            ),
            (
                "AWSEvents.PutEvents",
                Some((Service::EventBridge, "PutEvents")),
            ),
            ("Kinesis_20131202.PutRecord", None),
            ("nonsense", None),
        ];
        for (target, expected) in cases {
            assert_eq!(Service::of_target(target), expected, "{target}");
        }
    }
}
