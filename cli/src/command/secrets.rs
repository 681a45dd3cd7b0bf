//! `hooks secrets`: which credentials are set, and how they are changed without cutting a vendor off.

mod retire;
mod rotate;
mod set;
mod status;

pub use retire::run as retire;
pub use rotate::run as rotate;
pub use set::run as set;
pub use status::run as status;
