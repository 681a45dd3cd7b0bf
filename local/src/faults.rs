//! Where a test breaks the platform: a hook before each call of an engine.
//!
//! A slow engine is a hook that waits before it answers; an engine that fails is [`Fault::Answer`]; a lost
//! answer, where the effect took place and nobody knows, is [`Fault::DisconnectAfter`].

use bytes::Bytes;
use futures_util::future::BoxFuture;
use http::{Response, StatusCode};

use crate::engine::Service;

/// A call that is about to reach an engine.
#[derive(Debug, Clone)]
pub struct Call {
    /// The engine.
    pub service: Service,
    /// The operation's own name, such as `UpdateItem`.
    pub operation: String,
    /// The request's body: JSON, or an object's bytes.
    pub body: Bytes,
}

/// What shall become of a call.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Fault {
    /// Nothing is wrong.
    None,
    /// The engine never sees the call; this is the answer.
    Answer(ErrorAnswer),
    /// The engine never sees the call, and the connection ends without an answer.
    Disconnect,
    /// The engine does its work, and then this is the answer.
    AnswerAfter(ErrorAnswer),
    /// The engine does its work, and then the connection ends without an answer.
    DisconnectAfter,
}

/// An error as AWS has it: JSON, or S3's XML.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ErrorAnswer {
    /// The HTTP status.
    pub status: StatusCode,
    /// The `__type`, such as `ProvisionedThroughputExceededException`; S3's `Code`.
    pub kind: String,
    /// The message.
    pub message: String,
}

/// Decides for each call; shared by all connections.
pub trait Faults: Send + Sync + 'static {
    /// Called before each request that comes in by HTTP. It may wait as long as it likes.
    fn before<'a>(&'a self, call: &'a Call) -> BoxFuture<'a, Fault>;
}

impl ErrorAnswer {
    /// An error of ours, which SDKs retry.
    #[must_use]
    pub fn internal(message: &str) -> Self {
        Self {
            status: StatusCode::INTERNAL_SERVER_ERROR,
            kind: "InternalServerError".to_owned(),
            message: message.to_owned(),
        }
    }

    pub(crate) fn to_response(&self, service: Service) -> Response<Bytes> {
        service.failure(self.status, &self.kind, &self.message)
    }
}
