//! Whom the functions call, and which of them a seed is about.

use http::StatusCode;
use local::engine::Service;
use local::faults::ErrorAnswer;

/// Whom a call is for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Callee {
    Aws(Service),
    Vendor(&'static str),
}

/// All of AWS.
pub const AWS: [Service; 5] = [
    Service::DynamoDb,
    Service::Sqs,
    Service::S3,
    Service::EventBridge,
    Service::SecretsManager,
];
/// All vendors.
pub const VENDORS: [&str; 4] = ["imocha", "jobmojito", "testlify", "xobin"];
/// The vendor that a seed has something of for sure, and that is befallen for sure.
pub fn vendor_of(seed: u64) -> &'static str {
    VENDORS[position(seed, VENDORS.len())]
}

/// Seeds go round.
pub fn position(number: u64, length: usize) -> usize {
    usize::try_from(number % length as u64).unwrap()
}

impl Callee {
    /// Everyone.
    pub fn all() -> impl Iterator<Item = Self> {
        let vendors = VENDORS.into_iter().map(Self::Vendor);
        AWS.into_iter().map(Self::Aws).chain(vendors)
    }

    /// What it is called in the table of what was broken.
    pub const fn name(self) -> &'static str {
        match self {
            Self::Aws(Service::DynamoDb) => "DynamoDB",
            Self::Aws(Service::Sqs) => "SQS",
            Self::Aws(Service::S3) => "S3",
            Self::Aws(Service::EventBridge) => "bus",
            Self::Aws(Service::SecretsManager) => "secrets",
            Self::Vendor(vendor) => vendor,
        }
    }

    /// How many calls of it a story makes in any case, and a few less.
    pub fn called(self) -> usize {
        match self {
            Self::Aws(Service::DynamoDb) => 12,
            Self::Aws(Service::Sqs) => 4,
            Self::Vendor("imocha") => 3,
            Self::Aws(_) | Self::Vendor(_) => 1,
        }
    }
    /// That there are too many calls, in its own words.
    pub fn throttled(self) -> ErrorAnswer {
        let bad = StatusCode::BAD_REQUEST;
        let (status, kind) = match self {
            Self::Aws(Service::DynamoDb) => (bad, "ProvisionedThroughputExceededException"),
            Self::Aws(Service::Sqs) => (bad, "RequestThrottled"),
            Self::Aws(Service::S3) => (StatusCode::SERVICE_UNAVAILABLE, "SlowDown"),
            Self::Aws(Service::SecretsManager | Service::EventBridge) => {
                (bad, "ThrottlingException")
            }
            Self::Vendor(_) => (StatusCode::TOO_MANY_REQUESTS, "TooManyRequests"),
        };
        ErrorAnswer {
            status,
            kind: kind.to_owned(),
            message: "too many, says the test".to_owned(),
        }
    }
}
