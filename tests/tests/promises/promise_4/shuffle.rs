//! A queue and a bus that do what they may: messages come in any order and again, and what was published does not always say so.

use fastrand::Rng;
use futures_util::future::BoxFuture;
use local::faults::{Call, Fault, Faults, HandOut};
use std::future::ready;
use std::sync::Mutex;

/// Of so many messages, one comes again.
const AGAIN: u32 = 8;
/// Of so many messages, one comes only after a while.
const LATER: u32 = 100;
/// Of so many calls of the bus, the answer to one is lost.
const UNHEARD: u32 = 10;

/// Thrown by a seed.
pub struct Shuffle(Mutex<Rng>);

impl Shuffle {
    /// By this seed.
    pub fn of(seed: u64) -> Self {
        Self(Mutex::new(Rng::with_seed(seed)))
    }

    fn one_in(&self, many: u32) -> bool {
        self.0.lock().unwrap().u32(..many) == 0
    }
}

impl Faults for Shuffle {
    fn before<'a>(&'a self, call: &'a Call) -> BoxFuture<'a, Fault> {
        let lost = call.operation == "PutEvents" && self.one_in(UNHEARD);
        Box::pin(ready(if lost {
            Fault::DisconnectAfter
        } else {
            Fault::None
        }))
    }

    fn hand_out(&self, _body: &str) -> HandOut {
        let turn = self.0.lock().unwrap().u64(..);
        HandOut {
            turn,
            later: self.one_in(LATER),
            again: self.one_in(AGAIN),
            lost: false,
        }
    }
}
