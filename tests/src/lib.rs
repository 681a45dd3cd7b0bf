//! What the end-to-end tests stand on: the real binaries on the local bundle ([`stage`]), calls as the vendors make them
//! ([`vendors`], [`senders`]), those who stand in for the vendors ([`stand_ins`]), a bundle with all of them ([`everybody`]), an operator ([`operator`]), waiting until all is [`quiet`], what a test breaks ([`faults`]), the [`bucket`], another system that reads results ([`inbox`], [`listener`]), many candidates
//! at once ([`load`]), what a test is told by its [`environment`]. The tests themselves are in `tests/`, what measures in `benches/`.
#![expect(
    clippy::unwrap_used,
    clippy::panic,
    clippy::indexing_slicing,
    reason = "a test that is not as expected is to stop where it is"
)]

pub mod bucket;
pub mod environment;
pub mod everybody;
pub mod faults;
pub mod inbox;
pub mod listener;
pub mod load;
pub mod operator;
pub mod quiet;
pub mod senders;
pub mod stage;
mod stalls;
pub mod stand_ins;
pub mod vendors;
