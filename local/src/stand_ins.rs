//! Stand-ins for the vendors' APIs: what the worker calls, on free ports of this machine, so that `hooks demo` and
//! the end-to-end tests need no vendor.
//!
//! Each answers as the vendor's documentation says, or where that is silent as integrators saw it, and stops when
//! it is dropped. They invent no candidates: iMocha's says again what it was told to remember, and the others make a
//! link for any id. Limits on the rate, and calls that this project does not make, are not here.

mod account;
mod callbacks;
mod host;
mod imocha;
mod jobmojito;
mod key;
mod report;
mod xobin;

pub use imocha::Imocha;
pub use jobmojito::Jobmojito;
pub use xobin::Xobin;

#[cfg(test)]
mod tests;
