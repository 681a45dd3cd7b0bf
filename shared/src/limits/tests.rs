mod simulation;
mod vendors;

use super::limiter::Limiter;
use super::*;
use proptest::prelude::*;
use simulation::{Simulation, most_in_a_minute};
use std::num::NonZeroU32;
use vendors::{Bucket, FixedWindow, Patient, SlidingWindow, Turning, Vendor};

const MINUTE: i64 = 60_000;

fn at(milliseconds: i64) -> Timestamp {
    Timestamp::from_unix_ms(1_768_471_200_000 + milliseconds).unwrap()
}

fn limiter(per_minute: u32) -> Limiter {
    Limiter::per_minute(NonZeroU32::new(per_minute).unwrap())
}

/// A state, as the next call finds it.
struct Story {
    limiter: Limiter,
    state: State,
}

impl Story {
    fn new(per_minute: u32) -> Self {
        let (limiter, state) = (limiter(per_minute), State::default());
        Self { limiter, state }
    }

    fn admit(&mut self, milliseconds: i64) -> Decision {
        let (decision, state) = self.limiter.admit(&self.state, at(milliseconds));
        self.state = state;
        decision
    }

    fn note(&mut self, outcome: Outcome, milliseconds: i64) {
        let now = at(milliseconds);
        self.state = self.limiter.note(&self.state, outcome, now, now);
    }

    /// A call that goes at this time and comes to this at once.
    fn call(&mut self, outcome: Outcome, milliseconds: i64) {
        assert_eq!(self.admit(milliseconds), Decision::Go, "{:?}", self.state);
        self.note(outcome, milliseconds);
    }

    fn waits(&mut self, milliseconds: i64) -> (i64, Why) {
        match self.admit(milliseconds) {
            Decision::Go => panic!("it may go: {:?}", self.state),
            Decision::Wait { until, why } => (until.unix_ms() - at(0).unix_ms(), why),
        }
    }
}

const FAILED: Outcome = Outcome::Failed { retry_after: None };
const TOO_FAST: Outcome = Outcome::TooFast { retry_after: None };

#[expect(
    clippy::unnecessary_wraps,
    reason = "it is what `Retry-After` is read into"
)]
fn after(seconds: u64) -> Option<Duration> {
    Some(Duration::from_secs(seconds))
}

// The rate.

#[test]
fn a_call_goes_at_once_and_the_next_ones_are_told_times_of_their_own() {
    let mut story = Story::new(60);
    assert_eq!(story.admit(0), Decision::Go);
    let apart = story.limiter.interval().as_millis();
    assert_eq!(apart, 1016);
    let times = [0; 3].map(|now| story.waits(now));
    assert_eq!(times.map(|(_, why)| why), [Why::Rate; 3]);
    assert_eq!(times.map(|(until, _)| until), [1017, 1356, 1695]);
}

#[test]
fn a_success_where_nothing_else_was_known_leaves_the_state_as_it_is() {
    let mut story = Story::new(60);
    assert_eq!(story.admit(0), Decision::Go);
    let before = story.state.clone();
    story.note(Outcome::Well, 300);
    assert_eq!(story.state, before);
    assert!(story.state.is_well());
}

#[test]
fn a_backlog_goes_at_the_rate_and_never_above_it_in_any_minute() {
    for per_minute in [6, 30, 60, 300, 1000] {
        let mut simulation = Simulation::of(per_minute, per_minute * 12);
        simulation.run(10 * MINUTE);
        let calls = simulation.call_times();
        let most = most_in_a_minute(&calls);
        assert!(most <= per_minute as usize, "{most} of {per_minute}");
        let whole = per_minute as usize * 10;
        let calls = calls.len();
        assert!(calls * 100 >= whole * 98, "{calls} of {whole}");
    }
}

#[test]
fn who_comes_anew_does_not_push_out_who_waits() {
    let mut simulation = Simulation::of(60, 300);
    // A fifth of what may go comes on top.
    for number in 0..120 {
        simulation.comes(number * 5 * 1000 + 137);
    }
    simulation.run(10 * MINUTE);
    let first = simulation.calls.iter().filter(|it| it.id < 300);
    assert_eq!(first.clone().count(), 300, "all are done");
    // With nobody else it would be five minutes, and with those who came in the meantime, had they gone first, seven.
    let last = first.map(|it| it.at).max();
    assert!(last < Some(7 * MINUTE), "{last:?}");
    let visits = simulation.most_visits();
    assert!(visits <= 25, "someone looked {visits} times");
}

#[test]
fn a_backlog_costs_a_handful_of_looks_at_the_state_for_each_call_however_long_it_is() {
    let looks_per_call = |backlog: u32| {
        let mut simulation = Simulation::of(600, backlog);
        simulation.run(60 * MINUTE);
        assert_eq!(simulation.calls.len(), backlog as usize, "all are done");
        f64::from(simulation.looks) / f64::from(backlog)
    };
    let (short, long) = (looks_per_call(1000), looks_per_call(20_000));
    assert!(short < 5.0 && long < 5.0, "{short}, {long}");
}

proptest! {
    #[test]
    fn whatever_happens_no_minute_sees_more_than_the_rate(
        per_minute in 1_u32..400,
        steps in prop::collection::vec((0_i64..2500, 0_u8..8), 1..400),
    ) {
        let mut story = Story::new(per_minute);
        let (mut now, mut calls) = (0, Vec::new());
        for (step, what) in steps {
            now += step;
            if story.admit(now) == Decision::Go {
                calls.push(now);
            }
            match what {
                0 => story.note(TOO_FAST, now),
                1 => story.note(FAILED, now),
                2 => story.note(Outcome::Undecided, now),
                _ => story.note(Outcome::Well, now),
            }
        }
        prop_assert!(most_in_a_minute(&calls) <= per_minute as usize);
    }

    #[test]
    fn a_state_is_kept_as_json_and_a_part_of_it_is_enough(
        steps in prop::collection::vec((0_i64..20_000, 0_u8..6), 0..60),
    ) {
        let mut story = Story::new(60);
        let mut now = 0;
        for (step, what) in steps {
            now += step;
            let _ = story.admit(now);
            let outcomes = [Outcome::Well, TOO_FAST, FAILED, Outcome::KeyRefused, Outcome::KeyDoubted, Outcome::Undecided];
            story.note(outcomes[usize::from(what)], now);
        }
        let text = serde_json::to_string(&story.state).unwrap();
        prop_assert_eq!(serde_json::from_str::<State>(&text).unwrap(), story.state);
        prop_assert_eq!(serde_json::from_str::<State>("{}").unwrap(), State::default());
    }
}

// A vendor with a lower limit of its own.

#[test]
fn a_vendor_that_refuses_beyond_its_own_limit_refuses_little_after_the_first_minute() {
    for (ours, theirs) in [(60, 30), (60, 50), (60, 20), (600, 300), (600, 60)] {
        let sliding = Simulation::with(ours, ours * 25, Box::new(SlidingWindow::of(theirs)));
        let fixed = Simulation::with(ours, ours * 25, Box::new(FixedWindow::of(theirs)));
        let bucket = Simulation::with(ours, ours * 25, Box::new(Bucket::of(theirs, 5)));
        for (name, mut simulation) in [("sliding", sliding), ("fixed", fixed), ("bucket", bucket)] {
            simulation.run(20 * MINUTE);
            let later = simulation.calls.iter().filter(|it| it.at >= MINUTE);
            let (refused, all) = later.fold((0, 0), |(refused, all), it| {
                (refused + u32::from(!it.well), all + 1)
            });
            let share = f64::from(refused) / f64::from(all);
            assert!(share <= 0.02, "{name} {ours} {theirs}: {refused} of {all}");
            // And it is not called at a crawl instead.
            let well = f64::from(all - refused) / 19.0 / f64::from(theirs);
            assert!(well >= 0.4, "{name} {ours} {theirs}: {well} of its limit");
        }
    }
}

#[test]
fn a_limit_that_falls_in_mid_run_is_found_within_a_minute() {
    for (ours, theirs, falls_at) in [
        (20, 10, 5 * MINUTE + 1),
        (60, 30, 7 * MINUTE + 31_000),
        (600, 300, 3 * MINUTE),
        (600, 200, 5 * MINUTE),
    ] {
        let vendors: [Box<dyn Vendor>; 3] = [
            Box::new(SlidingWindow::of(theirs)),
            Box::new(FixedWindow::of(theirs)),
            Box::new(Bucket::of(theirs, 5)),
        ];
        for after in vendors {
            let before: Box<dyn Vendor> = Box::new(Patient);
            let at = falls_at;
            let vendor = Box::new(Turning { before, after, at });
            let backlog = ours * 25;
            let mut simulation = Simulation::with(ours, backlog, vendor);
            simulation.run(20 * MINUTE);
            let calls = simulation.calls.iter();
            let mut before = calls.clone().filter(|it| it.at < falls_at);
            assert!(
                before.all(|it| it.well),
                "{ours} a minute are borne until then"
            );
            let later = calls.filter(|it| it.at >= falls_at + MINUTE);
            let refused = later.clone().filter(|it| !it.well).count();
            let later = later.count();
            assert!(
                refused * 50 <= later,
                "{refused} of {later} refused, {theirs} a minute"
            );
            // Nobody is lost, and what is borne is made use of.
            let (waiting, done) = (simulation.waiting(), simulation.well());
            assert_eq!(waiting + done, backlog as usize);
            let minutes = (20 * MINUTE - falls_at - MINUTE) / MINUTE;
            let borne = usize::try_from(minutes * i64::from(theirs)).unwrap();
            assert!(later * 10 >= borne * 4, "{later} of {borne}");
        }
    }
}

#[test]
fn a_vendor_that_bears_the_rate_again_gets_it() {
    let mut simulation = Simulation::with(60, 60 * 70, Box::new(SlidingWindow::of(20)));
    simulation.run(5 * MINUTE);
    assert!(!simulation.state.is_well());
    simulation.answers_well();
    simulation.run(60 * MINUTE);
    let last = simulation.calls_between(50 * MINUTE, 60 * MINUTE);
    assert!(last >= 570, "{last}");
}

#[test]
fn retry_after_is_obeyed_to_the_second_and_capped() {
    let mut story = Story::new(60);
    story.call(
        Outcome::TooFast {
            retry_after: after(120),
        },
        0,
    );
    assert_eq!(story.waits(5000), (120_000, Why::Paused));
    assert_eq!(story.waits(119_999).1, Why::Paused);
    assert_eq!(story.admit(120_000), Decision::Go);

    let mut story = Story::new(60);
    story.call(
        Outcome::Failed {
            retry_after: after(u64::MAX),
        },
        0,
    );
    let six_hours = 6 * 60 * MINUTE;
    assert_eq!(story.waits(1000), (six_hours, Why::Paused));
    assert_eq!(story.admit(six_hours), Decision::Go);
}

#[test]
fn pauses_grow_while_everything_is_refused_up_to_a_minute() {
    let mut story = Story::new(60);
    let (mut now, mut pauses) = (0, Vec::new());
    for _ in 0..7 {
        story.call(TOO_FAST, now);
        let mut pause = 1000;
        while story.state.paused_until > (at(now + pause).unix_ms()) * 1000 {
            pause += 1000;
        }
        pauses.push(pause / 1000);
        now += 2 * MINUTE;
    }
    assert_eq!(pauses, [5, 10, 20, 40, 60, 60, 60]);
    story.call(Outcome::Well, now);
    story.call(TOO_FAST, now + 2 * MINUTE);
    let until = at(now + 2 * MINUTE + 5000).unix_ms() * 1000;
    assert_eq!(story.state.paused_until, until, "from the beginning");
}

#[test]
fn refusals_of_calls_that_were_on_their_way_lower_the_pace_once() {
    let mut story = Story::new(600);
    for call in 0..5 {
        assert_eq!(story.admit(call * 100), Decision::Go);
    }
    story.note(TOO_FAST, 500);
    let pace = story.state.pace;
    for call in 1..5 {
        story.state = story
            .limiter
            .note(&story.state, TOO_FAST, at(call * 100), at(501));
    }
    assert_eq!(story.state.pace, pace);
    assert_eq!(story.state.refusals, 1);
}

#[test]
fn failures_now_and_then_slow_down_to_a_quarter_at_most() {
    let mut story = Story::new(60);
    let mut now = 0;
    for _ in 0..50 {
        story.call(FAILED, now);
        story.call(Outcome::Well, now + 10_000);
        now += 20_000;
    }
    assert!(story.state.pace < state::FULL);
    assert!(story.state.pace >= state::FULL / 4, "{}", story.state.pace);
    assert_eq!(story.state.open(), None);
}

// The circuit.

#[test]
fn three_failures_in_a_row_open_the_circuit_and_one_success_closes_it() {
    let mut story = Story::new(60);
    for call in 0..2 {
        story.call(FAILED, call * 2000);
    }
    story.call(Outcome::Well, 4000);
    for call in 3..6 {
        assert_eq!(story.state.open(), None);
        story.call(FAILED, call * 2000);
    }
    assert_eq!(story.state.open(), Some(Why::Outage));
    assert_eq!(story.waits(10_001), (20_000, Why::Outage));
    assert_eq!(story.waits(19_999).1, Why::Outage);
    // One finds out. While it does, nobody else goes.
    assert_eq!(story.admit(20_000), Decision::Go);
    assert_eq!(story.waits(20_001).1, Why::Outage);
    story.note(FAILED, 25_000);
    assert_eq!(story.waits(29_999).1, Why::Outage);
    story.call(Outcome::Well, 30_000);
    assert_eq!(story.state.open(), None);
}

#[test]
fn five_minutes_of_outage_see_a_probe_each_ten_seconds_and_the_rate_is_back_at_once() {
    for per_minute in [60, 300] {
        let (from, to) = (2 * MINUTE, 7 * MINUTE);
        let mut simulation = Simulation::of(per_minute, per_minute * 12);
        simulation.is_down(from, to);
        simulation.run(10 * MINUTE);
        let calls = &simulation.calls;
        let during: Vec<i64> = calls
            .iter()
            .filter(|it| it.at >= from && it.at < to)
            .map(|it| it.at)
            .collect();
        // What was on its way, and what it takes to notice.
        let (noticing, probes): (Vec<i64>, Vec<i64>) =
            during.iter().partition(|at| **at < from + 5000);
        assert!(noticing.len() <= 3 * per_minute as usize / 60 + 5);
        assert!(probes.windows(2).all(|two| two[1] - two[0] >= 10_000));
        assert!((25..=30).contains(&probes.len()), "{}", probes.len());

        let after = simulation.calls_between(to + 30_000, to + 90_000);
        assert!(after * 10 >= per_minute as usize * 9, "{after}");
        // Already counted from 30 seconds on, and nobody is lost.
        let (waiting, called) = (simulation.waiting(), simulation.well());
        assert_eq!(waiting + called, (per_minute * 12) as usize);
    }
}

#[test]
fn an_outage_costs_no_pace() {
    let mut story = Story::new(60);
    for call in 0..3 {
        story.call(FAILED, call * 2000);
    }
    assert!(story.state.pace < state::FULL);
    story.call(Outcome::Well, 20_000);
    assert!(story.state.is_well());
}

#[test]
fn a_vendor_that_answers_429_is_there() {
    let mut story = Story::new(60);
    for call in 0..3 {
        story.call(FAILED, call * 2000);
    }
    story.call(TOO_FAST, 20_000);
    assert_eq!(story.state.open(), None);
    assert_eq!(story.waits(20_001).1, Why::Paused);
}

// The key.

#[test]
fn a_refused_key_is_tried_each_half_hour() {
    let mut story = Story::new(60);
    story.call(Outcome::KeyRefused, 0);
    assert_eq!(story.state.open(), Some(Why::KeyRefused));
    assert_eq!(story.waits(10).1, Why::KeyRefused);
    assert_eq!(story.waits(30 * MINUTE - 1).1, Why::KeyRefused);
    story.call(Outcome::KeyRefused, 30 * MINUTE);
    assert_eq!(story.waits(59 * MINUTE).1, Why::KeyRefused);
    story.call(Outcome::Well, 60 * MINUTE);
    assert!(story.state.is_well());
    // Who waited for that does not hold up who comes now.
    assert_eq!(story.waits(60 * MINUTE).0, 60 * MINUTE + 1017);
}

#[test]
fn an_undecided_answer_lets_the_call_that_decides_go_at_once() {
    let mut story = Story::new(60);
    story.call(Outcome::KeyRefused, 0);
    let probe = 30 * MINUTE;
    story.call(Outcome::Undecided, probe);
    story.call(Outcome::KeyRefused, probe + 2000);
    assert_eq!(story.waits(probe + 4000).1, Why::KeyRefused);
    story.call(Outcome::Undecided, 2 * probe + 2000);
    story.call(Outcome::Well, 2 * probe + 4000);
    assert!(story.state.is_well());
}

#[test]
fn doubts_in_a_row_are_about_the_key_and_doubts_among_successes_are_not() {
    let mut story = Story::new(60);
    for call in 0..10 {
        story.call(Outcome::KeyDoubted, call * 6000);
        story.call(Outcome::KeyDoubted, call * 6000 + 2000);
        story.call(Outcome::Well, call * 6000 + 4000);
    }
    assert!(story.state.is_well());
    for call in 0..3 {
        assert_eq!(story.state.open(), None);
        story.call(Outcome::KeyDoubted, 100_000 + call * 2000);
    }
    assert_eq!(story.state.open(), Some(Why::KeyRefused));
}

#[test]
fn a_clock_that_was_ahead_for_once_holds_nobody_up() {
    let mut story = Story::new(60);
    let day = 24 * 60 * MINUTE;
    assert_eq!(story.admit(day), Decision::Go);
    let (until, _) = story.waits(0);
    assert!(until <= 3000, "{until}");
}
