//! What a test breaks: calls by a rule that it can change ([`Breaker`]), or one call that it holds ([`Hold`]).

use futures_util::future::BoxFuture;
use local::faults::{Call, Fault, Faults, VendorCall};
use std::future::ready;
use std::sync::{Arc, Mutex};
use tokio::sync::Semaphore;

/// What becomes of each of some calls.
type Rule<C> = Arc<Mutex<Box<dyn Fn(&C) -> Fault + Send + Sync>>>;

fn never<C: 'static>() -> Rule<C> {
    Arc::new(Mutex::new(Box::new(|_| Fault::None)))
}

/// Breaks calls by rules that a test can change.
#[derive(Clone)]
pub struct Breaker {
    engines: Rule<Call>,
    /// Of those that pass a gate.
    vendors: Rule<VendorCall>,
}

impl Default for Breaker {
    fn default() -> Self {
        Self::new()
    }
}

impl Breaker {
    /// Breaks nothing yet.
    #[must_use]
    pub fn new() -> Self {
        Self {
            engines: never(),
            vendors: never(),
        }
    }

    /// From now on calls of the engines are broken by this rule.
    pub fn set(&self, rule: impl Fn(&Call) -> Fault + Send + Sync + 'static) {
        *self.engines.lock().unwrap() = Box::new(rule);
    }

    /// From now on calls of the vendors are broken by this rule.
    pub fn set_of_vendors(&self, rule: impl Fn(&VendorCall) -> Fault + Send + Sync + 'static) {
        *self.vendors.lock().unwrap() = Box::new(rule);
    }

    /// From now on nothing is broken.
    pub fn mend(&self) {
        self.set(|_| Fault::None);
        self.set_of_vendors(|_| Fault::None);
    }
}

impl Faults for Breaker {
    fn before<'a>(&'a self, call: &'a Call) -> BoxFuture<'a, Fault> {
        let fault = self.engines.lock().unwrap()(call);
        Box::pin(ready(fault))
    }

    fn before_vendor<'a>(&'a self, call: &'a VendorCall) -> BoxFuture<'a, Fault> {
        let fault = self.vendors.lock().unwrap()(call);
        Box::pin(ready(fault))
    }
}

/// Holds the first call that a rule names until it is let go, and then loses it: a process can be killed in the middle of it.
pub struct Hold {
    names: fn(&Call) -> bool,
    /// Taken by the first.
    first: Mutex<Option<()>>,
    held: Semaphore,
    let_go: Semaphore,
}

impl Hold {
    /// For the first call that this names.
    pub fn new(names: fn(&Call) -> bool) -> Arc<Self> {
        Arc::new(Self {
            names,
            first: Mutex::new(Some(())),
            held: Semaphore::new(0),
            let_go: Semaphore::new(0),
        })
    }

    /// Waits until the call has come.
    pub async fn held(&self) {
        self.held.acquire().await.unwrap().forget();
    }

    /// Lets it go, and loses it.
    pub fn let_go(&self) {
        self.let_go.add_permits(1);
    }
}

impl Faults for Hold {
    fn before<'a>(&'a self, call: &'a Call) -> BoxFuture<'a, Fault> {
        Box::pin(async move {
            if !(self.names)(call) || self.first.lock().unwrap().take().is_none() {
                return Fault::None;
            }
            self.held.add_permits(1);
            self.let_go.acquire().await.unwrap().forget();
            Fault::Disconnect
        })
    }
}
