//! One of the things that the functions lean on is down, altogether, until it is mended: it refuses, hangs or throttles.

use super::callee::Callee;
use futures_util::future::BoxFuture;
use local::faults::Fault;
use std::fmt;
use std::future::ready;
use std::sync::atomic::{AtomicUsize, Ordering};
use tokio::sync::watch;

/// How it is down.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum How {
    /// It ends every connection.
    Refuses,
    /// It takes every call, and answers none.
    Hangs,
    /// It says that there are too many calls.
    Throttles,
}

/// Something that is down. Who hangs on it is let go when this is dropped.
#[derive(Debug)]
pub struct Outage {
    pub of: Callee,
    pub how: How,
    mended: watch::Sender<()>,
    felt: AtomicUsize,
}

impl fmt::Display for Outage {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(formatter, "{:?} {:?}", self.of, self.how)
    }
}

impl Outage {
    pub fn new(of: Callee, how: How) -> Self {
        let (mended, _) = watch::channel(());
        Self {
            of,
            how,
            mended,
            felt: AtomicUsize::new(0),
        }
    }

    /// How many calls met it.
    pub fn felt(&self) -> usize {
        self.felt.load(Ordering::SeqCst)
    }

    /// What becomes of a call.
    pub fn fault(&self, called: Callee) -> BoxFuture<'static, Fault> {
        if called != self.of {
            return Box::pin(ready(Fault::None));
        }
        self.felt.fetch_add(1, Ordering::SeqCst);
        match self.how {
            How::Refuses => Box::pin(ready(Fault::Disconnect)),
            How::Throttles => Box::pin(ready(Fault::Answer(called.throttled()))),
            How::Hangs => {
                let mut mended = self.mended.subscribe();
                Box::pin(async move {
                    // That the sender is gone is what is waited for.
                    while mended.changed().await.is_ok() {}
                    Fault::Disconnect
                })
            }
        }
    }
}
