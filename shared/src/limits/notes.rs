//! What a call came to, taken in.

use super::state::{Circuit, FULL, Micros, State, length, micros};
use super::{LONGEST_RETRY_AFTER, Limiter, Outcome, PROBE_EVERY, PROBE_KEY_EVERY};
use crate::timestamp::Timestamp;
use std::time::Duration;

/// Failures in a row that open the circuit.
const MOST_FAILURES: u32 = 3;
/// Answers in a row that may be about the key, and then are.
const MOST_DOUBTS: u32 = 3;
/// How long calls pause after one that was refused without a `Retry-After`; doubled with each in a row.
const PAUSE: Duration = Duration::from_secs(5);
const LONGEST_PAUSE: Duration = Duration::from_mins(1);
/// For how many refusals in a row the last minute holds calls that were borne.
const TELLING_REFUSALS: u32 = 3;
/// Refusals do not slow down below this share of the rate, each not by more than to a quarter, failures not below a quarter.
const SLOWEST: u64 = FULL / 100;
const QUARTER: u64 = 4;

impl Limiter {
    /// What is known once a call that was admitted at `admitted_at` came to `outcome`. A call that went well where nothing
    /// else was known leaves the state as it is.
    #[must_use]
    pub fn note(
        &self,
        state: &State,
        outcome: Outcome,
        admitted_at: Timestamp,
        now: Timestamp,
    ) -> State {
        let mut state = state.clone();
        let (admitted_at, now) = (micros(admitted_at), micros(now));
        match outcome {
            Outcome::Well => {
                state.doubts = 0;
                answered(&mut state, now);
                close(&mut state, now);
            }
            Outcome::Undecided => undecided(&mut state, now),
            Outcome::TooFast { retry_after } => {
                // Refusals of a vendor that refuses the key say nothing of the key.
                close_outage(&mut state, now);
                self.refused(&mut state, retry_after, admitted_at, now);
            }
            Outcome::Failed { retry_after } => failed(&mut state, retry_after, admitted_at, now),
            Outcome::KeyDoubted => doubted(&mut state, now),
            Outcome::KeyRefused => refuse_key(&mut state, now),
        }
        state
    }

    fn refused(
        self,
        state: &mut State,
        retry_after: Option<Duration>,
        admitted_at: Micros,
        now: Micros,
    ) {
        let retry_after = retry_after.filter(|it| !it.is_zero());
        state.failures = 0;
        state.borne = state.borne.minus_one(now);
        pause(state, retry_after, now);
        // Those that were on their way when the pace was lowered are no news.
        if admitted_at < state.slowed_at {
            return;
        }
        state.refusals = state.refusals.saturating_add(1);
        if retry_after.is_none() {
            let doublings = (state.refusals - 1).min(16);
            let longer = PAUSE.saturating_mul(1 << doublings);
            pause(state, Some(longer.min(LONGEST_PAUSE)), now);
        }
        let borne = match state.borne.pace(now, self.micros_apart()) {
            // There was none to tell by.
            0 => FULL,
            borne => four_fifths(borne),
        };
        let pace = match state.refusals {
            1 => borne.min(four_fifths(state.pace)),
            2..=TELLING_REFUSALS => borne.min(state.pace),
            // It refuses everything, whatever the pace: it only has to be left alone.
            _ => return,
        };
        lower(state, pace.max(state.pace / QUARTER).max(SLOWEST), now);
    }
}

/// It answers, whatever it says.
fn answered(state: &mut State, now: Micros) {
    state.refusals = 0;
    close_outage(state, now);
    state.failures = 0;
    state.pace_before = None;
}

fn close_outage(state: &mut State, now: Micros) {
    if matches!(state.circuit, Circuit::Outage { .. }) {
        close(state, now);
    }
}

fn close(state: &mut State, now: Micros) {
    if state.circuit == Circuit::Closed {
        return;
    }
    state.circuit = Circuit::Closed;
    state.failures = 0;
    // The failures had nothing to do with the pace.
    state.pace = state.pace_before.take().unwrap_or(state.pace);
    // Times to come back that were handed out for a later end do not hold up those who come now.
    if state.tail > now + length(PROBE_KEY_EVERY) / 2 {
        (state.tail, state.far) = (0, 0);
    }
}

fn undecided(state: &mut State, now: Micros) {
    answered(state, now);
    if let Circuit::KeyRefused { probe_at } = &mut state.circuit {
        // The call that will tell goes at once.
        *probe_at = now;
    }
}

fn failed(state: &mut State, retry_after: Option<Duration>, admitted_at: Micros, now: Micros) {
    pause(state, retry_after, now);
    if state.circuit != Circuit::Closed {
        return;
    }
    state.failures = state.failures.saturating_add(1);
    state.pace_before.get_or_insert(state.pace);
    if admitted_at >= state.slowed_at {
        let slowest = state.pace.min(FULL / QUARTER);
        lower(state, four_fifths(state.pace).max(slowest), now);
    }
    if state.failures >= MOST_FAILURES {
        let probe_at = now + length(PROBE_EVERY);
        state.circuit = Circuit::Outage { probe_at };
    }
}

fn doubted(state: &mut State, now: Micros) {
    answered(state, now);
    state.doubts = state.doubts.saturating_add(1);
    if state.doubts >= MOST_DOUBTS {
        refuse_key(state, now);
    }
}

fn refuse_key(state: &mut State, now: Micros) {
    answered(state, now);
    let probe_at = now + length(PROBE_KEY_EVERY);
    state.circuit = Circuit::KeyRefused { probe_at };
}

fn pause(state: &mut State, until: Option<Duration>, now: Micros) {
    if let Some(until) = until {
        let until = now + length(until.min(LONGEST_RETRY_AFTER));
        state.paused_until = state.paused_until.max(until);
    }
}

fn lower(state: &mut State, pace: u64, now: Micros) {
    state.pace = pace.min(state.pace);
    state.slowed_at = now;
    state.calls_since = 0;
}

fn four_fifths(pace: u64) -> u64 {
    pace / 5 * 4
}
