//! A machine that stalls: now and then a call takes longer than a message is hidden, so that work is done again though nothing is
//! wrong. What a test asserts has to hold there, too.

use crate::environment::variable;
use futures_util::future::BoxFuture;
use local::faults::{Call, Fault, Faults, HandOut, VendorCall};
use std::future::ready;
use std::num::NonZeroU64;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

/// The variable that says of how many calls of a function one stalls; none does, unless it is set.
const VARIABLE: &str = "STALLS";
/// Longer than a message is hidden.
const STALL: Duration = Duration::from_millis(1200);

/// Stalls besides what a test breaks.
struct Stalls {
    test: Arc<dyn Faults>,
    one_in: NonZeroU64,
    calls: AtomicU64,
}

struct Nothing;

impl Faults for Nothing {
    fn before<'a>(&'a self, _call: &'a Call) -> BoxFuture<'a, Fault> {
        Box::pin(ready(Fault::None))
    }
}

/// What a test breaks, and the stalls that the environment wants besides.
pub fn besides(test: Option<Arc<dyn Faults>>) -> Option<Arc<dyn Faults>> {
    let Some(one_in) = variable(VARIABLE) else {
        return test;
    };
    Some(Arc::new(Stalls {
        test: test.unwrap_or_else(|| Arc::new(Nothing)),
        one_in,
        calls: AtomicU64::new(0),
    }))
}

impl Faults for Stalls {
    fn before<'a>(&'a self, call: &'a Call) -> BoxFuture<'a, Fault> {
        Box::pin(async move {
            let fault = self.test.before(call).await;
            if fault != Fault::None || call.function.is_none() {
                return fault;
            }
            if self.calls.fetch_add(1, Ordering::Relaxed) % self.one_in == self.one_in.get() - 1 {
                Fault::DelayAfter(STALL)
            } else {
                Fault::None
            }
        })
    }

    fn before_vendor<'a>(&'a self, call: &'a VendorCall) -> BoxFuture<'a, Fault> {
        self.test.before_vendor(call)
    }

    fn hand_out(&self, body: &str) -> HandOut {
        self.test.hand_out(body)
    }
}
