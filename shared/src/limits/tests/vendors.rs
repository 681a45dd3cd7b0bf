//! Vendors as they limit their callers, at the depth of numbers. Times are milliseconds.

use std::collections::VecDeque;

/// A vendor's own limit.
pub trait Vendor {
    /// Whether a call at this time is answered rather than refused.
    fn bears(&mut self, now: i64) -> bool;
}

/// It bears anything.
pub struct Patient;

impl Vendor for Patient {
    fn bears(&mut self, _: i64) -> bool {
        true
    }
}

/// So many in the last minute, whenever that began.
pub struct SlidingWindow {
    most: u32,
    borne: VecDeque<i64>,
}

impl SlidingWindow {
    pub fn of(most: u32) -> Self {
        let borne = VecDeque::new();
        Self { most, borne }
    }
}

impl Vendor for SlidingWindow {
    fn bears(&mut self, now: i64) -> bool {
        while self.borne.front().is_some_and(|it| *it <= now - 60_000) {
            self.borne.pop_front();
        }
        let bears = self.borne.len() < self.most as usize;
        if bears {
            self.borne.push_back(now);
        }
        bears
    }
}

/// So many in each minute of its clock, which is 17 seconds behind.
pub struct FixedWindow {
    most: u32,
    minute: i64,
    calls: u32,
}

impl FixedWindow {
    pub fn of(most: u32) -> Self {
        Self {
            most,
            minute: -1,
            calls: 0,
        }
    }
}

impl Vendor for FixedWindow {
    fn bears(&mut self, now: i64) -> bool {
        let minute = (now + 17_000) / 60_000;
        if minute != self.minute {
            (self.minute, self.calls) = (minute, 0);
        }
        self.calls += 1;
        self.calls <= self.most
    }
}

/// So many a minute, and a few at once.
pub struct Bucket {
    per_minute: f64,
    size: f64,
    tokens: f64,
    last: i64,
}

impl Bucket {
    pub fn of(per_minute: u32, size: u32) -> Self {
        Self {
            per_minute: per_minute.into(),
            size: size.into(),
            tokens: size.into(),
            last: 0,
        }
    }
}

impl Vendor for Bucket {
    fn bears(&mut self, now: i64) -> bool {
        let passed = u32::try_from(now - self.last).unwrap();
        let filled = f64::from(passed) / 60_000.0 * self.per_minute;
        self.tokens = self.size.min(self.tokens + filled);
        self.last = now;
        let bears = self.tokens >= 1.0;
        if bears {
            self.tokens -= 1.0;
        }
        bears
    }
}

/// One vendor until then, and another from then on.
pub struct Turning {
    pub before: Box<dyn Vendor>,
    pub after: Box<dyn Vendor>,
    pub at: i64,
}

impl Vendor for Turning {
    fn bears(&mut self, now: i64) -> bool {
        if now < self.at {
            self.before.bears(now)
        } else {
            self.after.bears(now)
        }
    }
}
