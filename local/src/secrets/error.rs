//! Why an operation was refused.

use http::StatusCode;

/// Why an operation was refused; the words are AWS's own, as far as they are known.
#[derive(Debug, thiserror::Error)]
pub(crate) enum SecretsError {
    #[error("Secrets Manager can't find the specified secret.")]
    NoSecret,
    #[error("Secrets Manager can't find the specified secret value for {0}")]
    NoVersion(String),
    #[error("The operation failed because the secret {0} already exists.")]
    SecretExists(String),
    #[error("A version with this token exists already, with another value.")]
    VersionExists,
    #[error("{0}")]
    InvalidParameter(&'static str),
    #[error("the request could not be read: {0}")]
    Unreadable(String),
    #[error("this Secrets Manager has only the operations that the project uses")]
    UnknownOperation,
    #[error("the secrets could not be saved: {0}")]
    NotSaved(String),
}

impl SecretsError {
    pub(crate) fn kind(&self) -> &'static str {
        match self {
            Self::NoSecret | Self::NoVersion(_) => "ResourceNotFoundException",
            Self::SecretExists(_) | Self::VersionExists => "ResourceExistsException",
            Self::InvalidParameter(_) | Self::Unreadable(_) => "InvalidParameterException",
            Self::UnknownOperation => "UnknownOperationException",
            Self::NotSaved(_) => "InternalServiceError",
        }
    }

    pub(crate) fn status(&self) -> StatusCode {
        match self {
            Self::NotSaved(_) => StatusCode::INTERNAL_SERVER_ERROR,
            _ => StatusCode::BAD_REQUEST,
        }
    }
}
