//! scratch
pub mod clock;
mod calls;
mod endpoint;
pub mod engine;
pub mod faults;
pub mod random;
mod secrets;
mod server;
pub mod template;
