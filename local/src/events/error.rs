//! Why an operation was refused.

/// Why an operation was refused; the words are AWS's own, as far as they are known.
#[derive(Debug, PartialEq, Eq, thiserror::Error)]
pub(crate) enum EventsError {
    #[error("Event bus {0} already exists.")]
    BusExists(String),
    #[error("Event bus {0} does not exist.")]
    NoBus(String),
    #[error("Rule {rule} does not exist on EventBus {bus}.")]
    NoRule { rule: String, bus: String },
    #[error("Rule can't be deleted since it has targets.")]
    HasTargets,
    #[error("Event pattern is not valid. Reason: {0}")]
    Pattern(String),
    #[error("{0}")]
    Invalid(&'static str),
    #[error(
        "this EventBridge delivers whole events to queues only: leave out everything but Id and Arn of {0}"
    )]
    Target(String),
    #[error("the request could not be read: {0}")]
    Unreadable(String),
    #[error("this EventBridge has only the operations that the project uses")]
    UnknownOperation,
}

impl EventsError {
    pub(crate) fn kind(&self) -> &'static str {
        match self {
            Self::BusExists(_) => "ResourceAlreadyExistsException",
            Self::NoBus(_) | Self::NoRule { .. } => "ResourceNotFoundException",
            Self::Pattern(_) => "InvalidEventPatternException",
            Self::HasTargets | Self::Invalid(_) | Self::Target(_) | Self::Unreadable(_) => {
                "ValidationException"
            }
            Self::UnknownOperation => "UnknownOperationException",
        }
    }
}
