//! Where a test breaks the platform: a hook before each call of an engine or of a vendor, and one for each message that the
//! queue hands out.
//!
//! A slow engine is a hook that waits before it answers; an engine that fails is [`Fault::Answer`]; a lost
//! answer, where the effect took place and nobody knows, is [`Fault::DisconnectAfter`]; a function that dies between two of
//! its effects is [`Fault::KillBefore`] or [`Fault::KillAfter`].

use std::time::Duration;

use bytes::Bytes;
use futures_util::future::BoxFuture;
use http::{Method, Response, StatusCode};

use crate::engine::Service;
use crate::server::Disconnect;

/// A call that is about to reach an engine.
#[derive(Debug, Clone)]
pub struct Call {
    /// The logical id of the function whose process calls; `None` of whoever else does.
    pub function: Option<String>,
    /// The engine.
    pub service: Service,
    /// The operation's own name, such as `UpdateItem`.
    pub operation: String,
    /// The request's body: JSON, or an object's bytes.
    pub body: Bytes,
}

/// A call of the worker's that is about to reach a vendor's stand-in: see [`crate::stand_ins::Gate`].
#[derive(Debug, Clone)]
pub struct VendorCall {
    /// The vendor.
    pub vendor: &'static str,
    /// The method.
    pub method: Method,
    /// The path, without the query.
    pub path: String,
}

/// What a standard queue does with a message that it hands out. It delivers at least once, in any order: all of it is allowed but
/// to lose one.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct HandOut {
    /// Of the messages that are received together, the lower goes first.
    pub turn: u64,
    /// It is received, and reaches nobody before its visibility time-out has run out.
    pub later: bool,
    /// It comes once more, though it is done.
    pub again: bool,
    /// It reaches nobody, ever. No queue may do so; whoever leans on none can bear it.
    pub lost: bool,
}

/// What shall become of a call.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Fault {
    /// Nothing is wrong.
    None,
    /// The engine never sees the call; this is the answer.
    Answer(ErrorAnswer),
    /// The engine never sees the call, and the connection is reset.
    Disconnect,
    /// The engine does its work, and then this is the answer.
    AnswerAfter(ErrorAnswer),
    /// The engine does its work, and then the connection ends without an answer.
    DisconnectAfter,
    /// The engine does its work, and the answer takes this much longer.
    DelayAfter(Duration),
    /// The process that calls is killed, and the engine never sees the call.
    KillBefore,
    /// The engine does its work, and the process that calls is killed before it knows.
    KillAfter,
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

    /// Called before each call of a vendor that goes through a gate.
    fn before_vendor<'a>(&'a self, _call: &'a VendorCall) -> BoxFuture<'a, Fault> {
        Box::pin(std::future::ready(Fault::None))
    }

    /// Called for each message that is about to reach a function.
    fn hand_out(&self, _body: &str) -> HandOut {
        HandOut::default()
    }
}

impl Fault {
    /// What becomes of a call whose effect is `work`. `refuse` puts an error into the words of whoever is called; `kill` ends
    /// the process that calls.
    pub(crate) async fn befall(
        self,
        work: impl Future<Output = Response<Bytes>>,
        refuse: impl FnOnce(&ErrorAnswer) -> Response<Bytes>,
        kill: impl Future<Output = ()>,
    ) -> Result<Response<Bytes>, Disconnect> {
        match self {
            Self::None => Ok(work.await),
            Self::Answer(answer) => Ok(refuse(&answer)),
            Self::Disconnect => Err(Disconnect::Reset),
            Self::AnswerAfter(answer) => {
                work.await;
                Ok(refuse(&answer))
            }
            Self::DisconnectAfter => {
                work.await;
                Err(Disconnect::Close)
            }
            Self::DelayAfter(delay) => {
                let answer = work.await;
                tokio::time::sleep(delay).await;
                Ok(answer)
            }
            Self::KillBefore => {
                kill.await;
                Err(Disconnect::Close)
            }
            Self::KillAfter => {
                work.await;
                kill.await;
                Err(Disconnect::Close)
            }
        }
    }
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
