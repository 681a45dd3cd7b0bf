//! What a seed makes of a call: a pure function, so that a seed that failed fails again.

use super::callee::{AWS, Callee, VENDORS, position, vendor_of};
use fastrand::Rng;
use local::engine::Service;
use local::faults::{ErrorAnswer, Fault};
use reqwest::StatusCode;
use std::time::Duration;

/// A fault that strikes in a story whatever the dice say, if what it befalls is called often enough.
#[derive(Clone, Debug)]
struct Sure {
    callee: Callee,
    kind: Kind,
    /// So many calls go before it.
    after: usize,
}

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
    sure: Vec<Sure>,
}

/// What may become of a call.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Kind {
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
    &Kind::ALL,
];

/// So many sure faults befall AWS in a story, and so many a vendor.
const SURE: u64 = 2;

impl Sure {
    /// Those of a seed: a few seeds together have every kind befall everyone.
    fn of(seed: u64, rng: &mut Rng) -> Vec<Self> {
        let aws = (0..SURE).map(|number| {
            let cell = position(seed * SURE + number, AWS.len() * Kind::ALL.len());
            let service = AWS[cell / Kind::ALL.len()];
            (Callee::Aws(service), Kind::ALL[cell % Kind::ALL.len()])
        });
        let round = seed / VENDORS.len() as u64;
        let vendor = (0..SURE).map(|number| {
            let kind = position(round * SURE + number, Kind::ALL.len());
            (Callee::Vendor(vendor_of(seed)), Kind::ALL[kind])
        });
        let sure = aws.chain(vendor).map(|(callee, kind)| Self {
            callee,
            kind,
            after: rng.usize(..callee.called()),
        });
        sure.collect()
    }
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
            sure: Sure::of(seed, &mut rng),
        }
    }

    /// Whether the functions are to read their secrets in this story.
    pub fn starts_cold(&self) -> bool {
        let mut sure = self.sure.iter();
        sure.any(|it| it.callee == Callee::Aws(Service::SecretsManager))
    }

    /// What befalls this call of this one for sure, and its name.
    pub fn strike(&mut self, callee: Callee, label: &str) -> Option<(Kind, Fault)> {
        let mut rng = mixed(self.seed, label, 0);
        let next = self.sure.iter().position(|it| it.callee == callee)?;
        let sure = &mut self.sure[next];
        if sure.after > 0 {
            sure.after -= 1;
            return None;
        }
        let Sure { kind, .. } = self.sure.remove(next);
        Some((kind, kind.befalling(callee, &mut rng)))
    }

    /// What becomes of the `nth` call for this.
    pub fn roll(&self, callee: Callee, label: &str, nth: u64) -> Option<(Kind, Fault)> {
        let mut rng = mixed(self.seed, label, nth / self.in_a_row);
        if rng.f64() >= self.chance {
            return None;
        }
        let kind = self.kinds[rng.usize(..self.kinds.len())];
        Some((kind, kind.befalling(callee, &mut rng)))
    }

    /// A number for the `nth` time that this is asked about.
    pub fn number(&self, label: &str, nth: u64) -> Rng {
        mixed(self.seed, label, nth)
    }
}

impl Kind {
    /// All of them.
    pub const ALL: [Self; 8] = [
        KillBefore, KillAfter, HangUp, LoseAnswer, Fail, FailAfter, Throttle, Delay,
    ];

    /// What it is called.
    pub const fn name(self) -> &'static str {
        match self {
            Self::KillBefore => "killed before",
            Self::KillAfter => "killed after",
            Self::HangUp => "hung up before",
            Self::LoseAnswer => "hung up after",
            Self::Fail => "5xx before",
            Self::FailAfter => "5xx after",
            Self::Throttle => "throttled",
            Self::Delay => "late",
        }
    }

    /// Whether it ends a process.
    pub const fn kills(self) -> bool {
        matches!(self, Self::KillBefore | Self::KillAfter)
    }

    fn befalling(self, callee: Callee, rng: &mut Rng) -> Fault {
        match self {
            Self::KillBefore => Fault::KillBefore,
            Self::KillAfter => Fault::KillAfter,
            Self::HangUp => Fault::Disconnect,
            Self::LoseAnswer => Fault::DisconnectAfter,
            Self::Fail => Fault::Answer(failure(rng)),
            Self::FailAfter => Fault::AnswerAfter(failure(rng)),
            Self::Throttle => Fault::Answer(callee.throttled()),
            Self::Delay => {
                // Most answers are in time; some come after the caller's patience with one try is over.
                let ms = if rng.u8(..5) == 0 {
                    1600
                } else {
                    rng.u64(20..250)
                };
                Fault::DelayAfter(Duration::from_millis(ms))
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

#[test]
fn promise_5_everyone_is_befallen_by_everything_within_a_few_seeds() {
    let sure = |seed| Dice::of(seed).sure;
    for callee in Callee::all() {
        for kind in Kind::ALL {
            let is_this = |it: &Sure| it.callee == callee && it.kind == kind;
            let found = (1..=50).filter(|seed| sure(*seed).iter().any(is_this));
            assert!(found.count() > 1, "{callee:?} {kind:?}");
        }
    }
    let mut dice = Dice::of(1);
    let callee = dice.sure[0].callee;
    let struck = (0..100).filter_map(|_| dice.strike(callee, "a call"));
    assert_eq!(struck.count(), 2);
}
