//! The faults of the story that is being played, and what came of them.

use super::callee::Callee;
use super::dice::{Dice, Kind};
use super::label;
use super::outage::Outage;
use super::tally::{HAND_OUTS, QUEUE};
use futures_util::future::BoxFuture;
use local::faults::{Call, Fault, Faults, HandOut, VendorCall};
use std::collections::BTreeMap;
use std::fmt;
use std::future::ready;
use std::sync::Mutex;

/// The faults of one lane. While no story is played, nothing breaks.
#[derive(Debug, Default)]
pub struct Plan(Mutex<Option<Playing>>);

#[derive(Debug)]
enum Playing {
    /// What breaks is thrown with dice.
    Story(Story),
    /// One thing is down.
    Outage(Outage),
}

#[derive(Debug)]
struct Story {
    dice: Dice,
    /// How often each call was made.
    seen: BTreeMap<String, u64>,
    broken: Vec<Broken>,
    kills: usize,
}

/// Something that was broken.
#[derive(Clone, Debug)]
pub struct Broken {
    /// How.
    pub kind: &'static str,
    /// Whose call or message it was.
    pub callee: &'static str,
    /// Whether a process died.
    kills: bool,
    what: String,
    nth: u64,
}

impl fmt::Display for Broken {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(formatter, "{}: {} ({})", self.kind, self.what, self.nth)
    }
}

impl Broken {
    /// Whether a registration may be made once more because of it: what came of the first may never have been known or noted.
    pub fn excuses_another_registration(&self) -> bool {
        let of_worker = !self.what.contains("Function") || self.what.contains("WorkerFunction");
        let about = ["vendor#xobin registration", "xobin POST /webhooks"];
        self.kills && of_worker || about.iter().any(|about| self.what.contains(about))
    }
}

impl Plan {
    /// From now on things break, by this seed.
    pub fn begin(&self, seed: u64) {
        *self.0.lock().unwrap() = Some(Playing::Story(Story {
            dice: Dice::of(seed),
            seen: BTreeMap::new(),
            broken: Vec::new(),
            kills: 0,
        }));
    }

    /// From now on this is down.
    pub fn begin_outage(&self, outage: Outage) {
        *self.0.lock().unwrap() = Some(Playing::Outage(outage));
    }

    /// From now on nothing breaks. What was broken is told in order.
    pub fn end(&self) -> Vec<Broken> {
        match self.0.lock().unwrap().take() {
            Some(Playing::Story(story)) => story.broken,
            Some(Playing::Outage(_)) | None => Vec::new(),
        }
    }

    /// How many calls have met what is down.
    pub fn felt(&self) -> usize {
        match self.0.lock().unwrap().as_ref() {
            Some(Playing::Outage(outage)) => outage.felt(),
            Some(Playing::Story(_)) | None => 0,
        }
    }

    /// Mends what is down. How many calls met it.
    pub fn end_outage(&self) -> usize {
        match self.0.lock().unwrap().take() {
            Some(Playing::Outage(outage)) => outage.felt(),
            Some(Playing::Story(_)) | None => 0,
        }
    }

    fn next(&self, callee: Callee, label: impl FnOnce() -> String) -> BoxFuture<'static, Fault> {
        match self.0.lock().unwrap().as_mut() {
            Some(Playing::Story(story)) => Box::pin(ready(story.next(callee, &label()))),
            Some(Playing::Outage(outage)) => outage.fault(callee),
            None => Box::pin(ready(Fault::None)),
        }
    }
}

impl Story {
    fn count(&mut self, what: &str) -> u64 {
        let seen = self.seen.entry(what.to_owned()).or_default();
        *seen += 1;
        *seen - 1
    }

    fn next(&mut self, callee: Callee, what: &str) -> Fault {
        let nth = self.count(what);
        let befalls = self.dice.strike(callee, what);
        let Some((kind, fault)) = befalls.or_else(|| self.rolled(callee, what, nth)) else {
            return Fault::None;
        };
        self.broken.push(Broken {
            kind: kind.name(),
            callee: callee.name(),
            kills: kind.kills(),
            what: what.to_owned(),
            nth,
        });
        fault
    }

    /// By the dice, as far as this story goes.
    fn rolled(&mut self, callee: Callee, what: &str, nth: u64) -> Option<(Kind, Fault)> {
        if self.broken.len() >= self.dice.most {
            return None;
        }
        let (kind, fault) = self.dice.roll(callee, what, nth)?;
        if kind.kills() {
            if self.kills >= self.dice.most_kills {
                return None;
            }
            self.kills += 1;
        }
        Some((kind, fault))
    }

    fn hand_out(&mut self, body: &str) -> HandOut {
        let what = format!("message {}", label::of_message(body));
        let nth = self.count(&what);
        let mut rng = self.dice.number(&what, nth);
        let hand_out = HandOut {
            turn: rng.u64(..),
            later: rng.u8(..10) == 0,
            again: rng.u8(..6) == 0,
            lost: rng.u8(..12) == 0,
        };
        let so = [hand_out.later, hand_out.again, hand_out.lost];
        for (kind, _) in HAND_OUTS.into_iter().zip(so).filter(|(_, so)| *so) {
            self.broken.push(Broken {
                kind,
                callee: QUEUE,
                kills: false,
                what: what.clone(),
                nth,
            });
        }
        hand_out
    }
}

impl Faults for Plan {
    /// Only functions suffer: the test itself calls as nobody's process.
    fn before<'a>(&'a self, call: &'a Call) -> BoxFuture<'a, Fault> {
        let callee = Callee::Aws(call.service);
        match call.function {
            Some(_) => self.next(callee, || label::of_call(call)),
            None => Box::pin(ready(Fault::None)),
        }
    }

    fn before_vendor<'a>(&'a self, call: &'a VendorCall) -> BoxFuture<'a, Fault> {
        self.next(Callee::Vendor(call.vendor), || label::of_vendor(call))
    }

    fn hand_out(&self, body: &str) -> HandOut {
        match self.0.lock().unwrap().as_mut() {
            Some(Playing::Story(story)) => story.hand_out(body),
            Some(Playing::Outage(_)) | None => HandOut::default(),
        }
    }
}
