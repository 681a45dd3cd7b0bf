//! What a seed makes of a call: a pure function, so that a seed that failed fails again.

use fastrand::Rng;
use local::engine::Service;
use local::faults::{ErrorAnswer, Fault};
use reqwest::StatusCode;
use std::time::Duration;

/// How much breaks in a story, and how.
#[derive(Clone, Debug)]
pub struct Dice {
    seed: u64,
    chance: f64,
    /// So many calls for the same thing share a fate, so that an SDK's own tries do not always get through.
    in_a_row: u64,
    /// How much breaks at most.
    pub most: usize,
    /// How many processes die at most.
    pub most_kills: usize,
    kinds: &'static [Kind],
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Kind {
    KillBefore,
    KillAfter,
    HangUp,
    LoseAnswer,
    Fail,
    FailAfter,
    Throttle,
    Delay,
}

use Kind::{Delay, Fail, FailAfter, HangUp, KillAfter, KillBefore, LoseAnswer, Throttle};

/// Who dies, what is lost, what is refused; and everything together.
const FLAVOURS: [&[Kind]; 4] = [
    &[KillBefore, KillAfter],
    &[LoseAnswer, FailAfter, Delay, KillAfter],
    &[Fail, Throttle, HangUp],
    &[
        KillBefore, KillAfter, HangUp, LoseAnswer, Fail, FailAfter, Throttle, Delay,
    ],
];

/// Whom a call is for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Callee {
    Aws(Service),
    Vendor,
}

impl Dice {
    /// Those of a seed.
    pub fn of(seed: u64) -> Self {
        let mut rng = mixed(seed, "dice", 0);
        Self {
            seed,
            chance: [0.03, 0.08, 0.16, 0.3][rng.usize(..4)],
            in_a_row: [1, 1, 2, 3][rng.usize(..4)],
            most: rng.usize(1..=20),
            most_kills: rng.usize(1..=6),
            kinds: FLAVOURS[rng.usize(..4)],
        }
    }

    /// What becomes of the `nth` call for this, and its name.
    pub fn roll(&self, callee: Callee, label: &str, nth: u64) -> Option<(&'static str, Fault)> {
        let mut rng = mixed(self.seed, label, nth / self.in_a_row);
        if rng.f64() >= self.chance {
            return None;
        }
        Some(self.kinds[rng.usize(..self.kinds.len())].befalling(callee, &mut rng))
    }

    /// A number for the `nth` time that this is asked about.
    pub fn number(&self, label: &str, nth: u64) -> Rng {
        mixed(self.seed, label, nth)
    }
}

impl Kind {
    fn befalling(self, callee: Callee, rng: &mut Rng) -> (&'static str, Fault) {
        match self {
            Self::KillBefore => ("killed before", Fault::KillBefore),
            Self::KillAfter => ("killed after", Fault::KillAfter),
            Self::HangUp => ("hung up before", Fault::Disconnect),
            Self::LoseAnswer => ("hung up after", Fault::DisconnectAfter),
            Self::Fail => ("5xx before", Fault::Answer(failure(rng))),
            Self::FailAfter => ("5xx after", Fault::AnswerAfter(failure(rng))),
            Self::Throttle => ("throttled", Fault::Answer(throttled(callee))),
            Self::Delay => {
                // Most answers are in time; some come after the caller's patience with one try is over.
                let ms = if rng.u8(..5) == 0 {
                    1600
                } else {
                    rng.u64(20..250)
                };
                ("late", Fault::DelayAfter(Duration::from_millis(ms)))
            }
        }
    }
}

fn failure(rng: &mut Rng) -> ErrorAnswer {
    let status = [
        StatusCode::INTERNAL_SERVER_ERROR,
        StatusCode::SERVICE_UNAVAILABLE,
    ];
    ErrorAnswer {
        status: status[rng.usize(..2)],
        ..ErrorAnswer::internal("broken by the test")
    }
}

/// In each one's own words.
fn throttled(callee: Callee) -> ErrorAnswer {
    let bad = StatusCode::BAD_REQUEST;
    let (status, kind) = match callee {
        Callee::Aws(Service::DynamoDb) => (bad, "ProvisionedThroughputExceededException"),
        Callee::Aws(Service::Sqs) => (bad, "RequestThrottled"),
        Callee::Aws(Service::S3) => (StatusCode::SERVICE_UNAVAILABLE, "SlowDown"),
        Callee::Aws(Service::SecretsManager | Service::EventBridge) => (bad, "ThrottlingException"),
        Callee::Vendor => (StatusCode::TOO_MANY_REQUESTS, "TooManyRequests"),
    };
    ErrorAnswer {
        status,
        kind: kind.to_owned(),
        message: "too many, says the test".to_owned(),
    }
}

/// FNV-1a over the label, mixed with the rest.
fn mixed(seed: u64, label: &str, nth: u64) -> Rng {
    let bytes = seed.to_le_bytes().into_iter().chain(nth.to_le_bytes());
    let hash = bytes
        .chain(label.bytes())
        .fold(0xcbf2_9ce4_8422_2325_u64, |hash, byte| {
            (hash ^ u64::from(byte)).wrapping_mul(0x0100_0000_01b3)
        });
    Rng::with_seed(hash)
}

#[test]
fn promise_5_dice_fall_the_same_for_the_same_seed_and_otherwise_for_another() {
    let rolls = |seed: u64| -> Vec<_> {
        let dice = Dice::of(seed);
        let roll = |nth| dice.roll(Callee::Aws(Service::Sqs), "SendMessage", nth);
        (0..200).map(roll).collect()
    };
    assert_eq!(rolls(7), rolls(7));
    assert_ne!(rolls(7), rolls(8));
    assert!((1..50).all(|seed| rolls(seed).iter().any(Option::is_some)));
}
