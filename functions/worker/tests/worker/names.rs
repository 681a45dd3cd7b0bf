//! What is known of hosts, fixed by the test: nobody else is asked.

use futures_util::future::BoxFuture;
use std::collections::HashMap;
use std::io;
use std::net::IpAddr;
use std::sync::Mutex;
use std::sync::atomic::{AtomicBool, Ordering};
use worker::download::names::Names;

#[derive(Default)]
pub struct FixedNames {
    addresses: Mutex<HashMap<String, Vec<IpAddr>>>,
    asked: Mutex<Vec<String>>,
    breaks: AtomicBool,
}

impl FixedNames {
    /// From now on the host has these addresses.
    pub fn set(&self, host: &str, addresses: &[&str]) {
        let addresses = addresses.iter().map(|it| it.parse().unwrap());
        let mut known = self.addresses.lock().unwrap();
        known.insert(host.to_owned(), addresses.collect());
    }

    /// From now on whoever asks breaks, as our own code may.
    pub fn break_down(&self, breaks: bool) {
        self.breaks.store(breaks, Ordering::SeqCst);
    }

    /// What was asked for, in order.
    pub fn asked(&self) -> Vec<String> {
        self.asked.lock().unwrap().clone()
    }
}

impl Names for FixedNames {
    fn addresses(&self, host: String) -> BoxFuture<'static, io::Result<Vec<IpAddr>>> {
        assert!(!self.breaks.load(Ordering::SeqCst), "broken on purpose");
        let found = self.addresses.lock().unwrap().get(&host).cloned();
        self.asked.lock().unwrap().push(host);
        Box::pin(std::future::ready(
            found.ok_or_else(|| io::Error::from(io::ErrorKind::NotFound)),
        ))
    }
}
