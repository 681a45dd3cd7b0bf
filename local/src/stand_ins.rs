//! Stand-ins for the vendors' APIs: what the worker calls, on free ports of this machine, so that `hooks demo` and
//! the end-to-end tests need no vendor.
//!
//! Each answers as the vendor's documentation says, or where that is silent as integrators saw it, and stops when
//! it is dropped. They invent no candidates: iMocha's says again what it was told to remember, and the others have a
//! report of any id. Their links lead to themselves. Limits on the rate, and calls that this project does not make, are not here.

mod account;
mod callbacks;
mod gate;
mod host;
mod imocha;
mod jobmojito;
mod key;
mod links;
mod pdf;
mod report;
mod testlify;
mod xobin;

pub use account::ForeignReport;
pub use gate::Gate;
pub use imocha::Imocha;
pub use jobmojito::Jobmojito;
pub use links::{Links, report_hosts};
pub use testlify::Testlify;
pub use xobin::Xobin;

#[cfg(test)]
mod tests;
