//! Testlify's reports. Its API is known from others' code only, and is not called.

use std::io;

use super::host::Host;
use super::pdf;

/// A stand-in for the host of Testlify's reports, which has one at every address.
#[derive(Debug)]
pub struct Testlify(Host);

impl Testlify {
    /// Serves whoever has a link.
    pub async fn start() -> io::Result<Self> {
        Ok(Self(Host::start(pdf::router(&["/reports/{*path}"])).await?))
    }

    /// Where it is served, without a slash at the end.
    #[must_use]
    pub fn base_url(&self) -> &str {
        self.0.base_url()
    }
}
