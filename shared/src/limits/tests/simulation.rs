//! Calls that want to be made, a vendor, and the time between. Who must wait comes back as messages do: after whole seconds
//! and a little more, or, if that is too long for a message, with the next minute's sweep.

use super::vendors::{Patient, Vendor};
use super::{Decision, FAILED, Limiter, Outcome, State, TOO_FAST, at, limiter};
use std::cmp::Reverse;
use std::collections::{BinaryHeap, HashMap};

/// Between a call and its answer.
const LATENCY: i64 = 300;
/// The longest that a message can be delayed.
const LONGEST_DELAY: i64 = 15 * 60_000;
/// When what was refused or failed is tried again.
const TRY_AGAIN: i64 = 60_000;

#[derive(PartialEq, Eq, PartialOrd, Ord)]
enum Event {
    Answered { admitted_at: i64, well: bool },
    Comes,
}

/// A call that went.
pub struct Call {
    pub id: u32,
    pub at: i64,
    pub well: bool,
}

pub struct Simulation {
    limiter: Limiter,
    pub state: State,
    vendor: Box<dyn Vendor>,
    down: std::ops::Range<i64>,
    events: BinaryHeap<Reverse<(i64, u32, Event)>>,
    next_id: u32,
    random: u64,
    pub calls: Vec<Call>,
    pub looks: u32,
    visits: HashMap<u32, u32>,
}

impl Simulation {
    /// So many calls that want to go at once, to a vendor that bears any rate.
    pub fn of(per_minute: u32, backlog: u32) -> Self {
        Self::with(per_minute, backlog, Box::new(Patient))
    }

    pub fn with(per_minute: u32, backlog: u32, vendor: Box<dyn Vendor>) -> Self {
        let mut simulation = Self {
            limiter: limiter(per_minute),
            state: State::default(),
            vendor,
            down: 0..0,
            events: BinaryHeap::new(),
            next_id: 0,
            random: 0x2545_f491_4f6c_dd1d,
            calls: Vec::new(),
            looks: 0,
            visits: HashMap::new(),
        };
        (0..backlog).for_each(|number| simulation.comes(i64::from(number)));
        simulation
    }

    /// One more that wants to go, from this time on.
    pub fn comes(&mut self, when: i64) {
        self.events
            .push(Reverse((when, self.next_id, Event::Comes)));
        self.next_id += 1;
    }

    pub fn is_down(&mut self, from: i64, to: i64) {
        self.down = from..to;
    }

    pub fn answers_well(&mut self) {
        self.vendor = Box::new(Patient);
    }

    pub fn run(&mut self, until: i64) {
        while let Some(Reverse((now, id, event))) = self.events.pop() {
            if now >= until {
                self.events.push(Reverse((now, id, event)));
                return;
            }
            match event {
                Event::Comes => self.look(now, id),
                Event::Answered { admitted_at, well } => self.answered(now, id, admitted_at, well),
            }
        }
    }

    fn look(&mut self, now: i64, id: u32) {
        self.looks += 1;
        *self.visits.entry(id).or_default() += 1;
        let (decision, state) = self.limiter.admit(&self.state, at(now));
        self.state = state;
        let (when, event) = match decision {
            Decision::Go => self.call(now, id),
            Decision::Wait { until, .. } => {
                let until = until.unix_ms() - at(0).unix_ms();
                (self.comes_back(now, until), Event::Comes)
            }
        };
        self.events.push(Reverse((when, id, event)));
    }

    fn call(&mut self, now: i64, id: u32) -> (i64, Event) {
        let well = !self.down.contains(&now) && self.vendor.bears(now);
        self.calls.push(Call { id, at: now, well });
        let admitted_at = now;
        (now + LATENCY, Event::Answered { admitted_at, well })
    }

    fn comes_back(&mut self, now: i64, until: i64) -> i64 {
        if until - now > LONGEST_DELAY {
            return (until / 60_000 + 1) * 60_000 + self.random(2000);
        }
        let seconds = (until - now + 999) / 1000;
        now + seconds.max(1) * 1000 + 20 + self.random(280)
    }

    fn answered(&mut self, now: i64, id: u32, admitted_at: i64, well: bool) {
        let outcome = if well {
            Outcome::Well
        } else if self.down.contains(&admitted_at) {
            FAILED
        } else {
            TOO_FAST
        };
        self.state = self
            .limiter
            .note(&self.state, outcome, at(admitted_at), at(now));
        if !well {
            self.events
                .push(Reverse((now + TRY_AGAIN, id, Event::Comes)));
        }
    }

    fn random(&mut self, below: i64) -> i64 {
        self.random ^= self.random << 13;
        self.random ^= self.random >> 7;
        self.random ^= self.random << 17;
        i64::try_from(self.random >> 33).unwrap() % below
    }

    pub fn call_times(&self) -> Vec<i64> {
        self.calls.iter().map(|it| it.at).collect()
    }

    pub fn calls_between(&self, from: i64, to: i64) -> usize {
        let calls = self.calls.iter();
        calls.filter(|it| it.at >= from && it.at < to).count()
    }

    pub fn well(&self) -> usize {
        self.calls.iter().filter(|it| it.well).count()
    }

    /// Those that still want to go.
    pub fn waiting(&self) -> usize {
        let events = self.events.iter();
        let unanswered = |event: &Event| !matches!(event, Event::Answered { well: true, .. });
        events.filter(|it| unanswered(&it.0.2)).count()
    }

    pub fn most_visits(&self) -> u32 {
        self.visits.values().copied().max().unwrap_or_default()
    }
}

/// The most calls of any minute, wherever it begins.
pub fn most_in_a_minute(calls: &[i64]) -> usize {
    let of_minute_from = |from: &i64| {
        let within = calls
            .iter()
            .filter(|it| **it >= *from && **it < from + 60_000);
        within.count()
    };
    calls.iter().map(of_minute_from).max().unwrap_or_default()
}
