//! Whether a call may go.

use super::state::{Circuit, FULL, MINUTE, Micros, State, length, micros, timestamp};
use super::{Decision, PROBE_EVERY, PROBE_KEY_EVERY, Why};
use crate::timestamp::Timestamp;
use std::num::NonZeroU32;
use std::time::Duration;

/// How early a call may be: a message is delayed by whole seconds, and those of one second come together.
pub const TOLERANCE: Duration = Duration::from_secs(1);
/// How many times to come back are handed out for each call that may go: at least so many, and where calls are far apart so many
/// that somebody comes within the tolerance, up to a handful.
const OVERBOOKED: Micros = 3;
const MOST_OVERBOOKED: Micros = 12;
/// How long a queue is handed out. A message can be delayed by 15 minutes.
const QUEUE: Micros = 10 * MINUTE;
/// For how many calls after it was lowered the pace rises slowly, by 700 millionths each, so that it takes some 300 to be back;
/// and for how long, where calls are few.
const CAREFUL_CALLS: u32 = 300;
const CAREFUL_TIME: Micros = 30 * MINUTE;
const CAREFUL_RISE: u64 = 700;
/// And by a hundredth after that.
const RISE: u64 = 10_000;

/// The rules for one vendor.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Limiter {
    per_minute: NonZeroU32,
}

impl Limiter {
    /// At most so many calls in any 60 seconds.
    #[must_use]
    pub const fn per_minute(per_minute: NonZeroU32) -> Self {
        Self { per_minute }
    }

    /// How far calls are apart at full pace. With the tolerance, exactly the configured number fits into 60 seconds.
    #[must_use]
    pub fn interval(self) -> Duration {
        Duration::from_micros(self.micros_apart().unsigned_abs())
    }

    pub(super) fn micros_apart(self) -> Micros {
        let per_minute = Micros::from(self.per_minute.get());
        // Rounded up, so that it is never one call more.
        (MINUTE + length(TOLERANCE) + per_minute - 1) / per_minute
    }

    fn apart_at(self, pace: u64) -> Micros {
        let apart = u128::from(self.micros_apart().unsigned_abs()) * u128::from(FULL);
        Micros::try_from(apart / u128::from(pace.max(1))).unwrap_or(Micros::MAX)
    }

    /// Whether a call may go now; and what is known then. Who must wait has a place in the new state, too.
    #[must_use]
    pub fn admit(self, state: &State, now: Timestamp) -> (Decision, State) {
        let now = micros(now);
        let apart = self.apart_at(state.pace);
        let tolerance = tolerance(state.pace, apart);
        let mut state = State {
            // The pace may have changed since it was set, and so may the rate; and no clock's leap is to last.
            next: state.next.min(now.saturating_add(apart + tolerance)),
            ..state.clone()
        };
        let (earliest, why) = obstacle(&state, state.next - tolerance);
        if earliest <= now {
            go(&mut state, now, apart);
            return (Decision::Go, state);
        }
        let earliest = earliest.max(state.next);
        let until = timestamp(self.place(&mut state, now, earliest));
        (Decision::Wait { until, why }, state)
    }

    /// Hands out a time to come back, not before `earliest`.
    fn place(self, state: &mut State, now: Micros, earliest: Micros) -> Micros {
        // While failures are counted, the pace is not what calls will go at once they succeed.
        let pace = state.pace_before.unwrap_or(state.pace);
        let apart = self.apart_at(pace);
        let earliest = earliest.max(now);
        let place = state.tail.max(earliest);
        if place <= earliest + QUEUE {
            state.tail = place + places_apart(pace, apart);
            return place;
        }
        // By then, half of the queue is gone, and one comes for each that goes.
        let place = state.far.max(earliest + QUEUE / 2);
        state.far = place + apart;
        place
    }
}

/// How far the times to come back are apart. A vendor whose limit is being found is not met by more than it takes.
fn places_apart(pace: u64, apart: Micros) -> Micros {
    let places = apart / OVERBOOKED;
    if pace < FULL {
        return places;
    }
    let dense = length(TOLERANCE) * 7 / 10;
    places.min(dense).max(apart / MOST_OVERBOOKED)
}

/// A vendor that has refused calls gets no more than two at once.
fn tolerance(pace: u64, apart: Micros) -> Micros {
    let tolerance = length(TOLERANCE);
    if pace < FULL {
        tolerance.min(apart)
    } else {
        tolerance
    }
}

/// When the next call may go, and what stands in its way until then.
fn obstacle(state: &State, by_rate: Micros) -> (Micros, Why) {
    let by_circuit = match state.circuit {
        Circuit::Closed => (0, Why::Rate),
        Circuit::Outage { probe_at } => (probe_at, Why::Outage),
        Circuit::KeyRefused { probe_at } => (probe_at, Why::KeyRefused),
    };
    let obstacles = [
        (by_rate, Why::Rate),
        (state.paused_until, Why::Paused),
        by_circuit,
    ];
    obstacles
        .into_iter()
        .max_by_key(|(until, _)| *until)
        .unwrap_or((by_rate, Why::Rate))
}

fn go(state: &mut State, now: Micros, apart: Micros) {
    state.next = state.next.max(now) + apart;
    state.borne = state.borne.plus_one(now);
    match &mut state.circuit {
        Circuit::Closed => rise(state, now),
        Circuit::Outage { probe_at } => *probe_at = now + length(PROBE_EVERY),
        Circuit::KeyRefused { probe_at } => *probe_at = now + length(PROBE_KEY_EVERY),
    }
}

fn rise(state: &mut State, now: Micros) {
    if state.pace >= FULL {
        return;
    }
    state.calls_since = state.calls_since.saturating_add(1);
    let careful = state.calls_since <= CAREFUL_CALLS && now < state.slowed_at + CAREFUL_TIME;
    let by = if careful { CAREFUL_RISE } else { RISE };
    // At least by one, so that it rises from anywhere.
    state.pace = FULL.min(state.pace + (state.pace * by / FULL).max(1));
}
