//! Testlify's report links, which may be relative. Its API is known from others' code only, and is not called.

use super::VendorError;
use crate::download::link::LinkError;
use url::Url;

/// What relative links are under.
pub struct Links(Url);

impl Links {
    pub(super) fn new(base: &str) -> Result<Self, VendorError> {
        Url::parse(base)
            .map(Self)
            .map_err(|error| VendorError::Settings(Box::new(error)))
    }

    /// An absolute link as it is, a relative one under the base. One that only looks relative and leads to another host is
    /// refused.
    pub(super) fn absolute(&self, link: &str) -> Result<String, LinkError> {
        if Url::parse(link).is_ok() {
            return Ok(link.to_owned());
        }
        match self.0.join(link) {
            Ok(url) if url.origin() == self.0.origin() => Ok(url.into()),
            Ok(_) => Err(LinkError::Elsewhere),
            Err(_) => Err(LinkError::NoAddress),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_relative_link_stays_under_the_base() {
        let links = Links::new("https://cdn-global.net/").unwrap();
        let url = |link: &str| links.absolute(link);
        let expected = "https://cdn-global.net/reports/pdf/1.pdf";
        for link in [
            "reports/pdf/1.pdf",
            "/reports/pdf/1.pdf",
            "../../reports/pdf/1.pdf",
            expected,
        ] {
            assert_eq!(url(link).as_deref(), Ok(expected), "{link}");
        }
        for elsewhere in ["//evil.example.com/1.pdf", "\\\\evil.example.com\\1.pdf"] {
            assert_eq!(url(elsewhere), Err(LinkError::Elsewhere), "{elsewhere}");
        }
        // Whether an absolute link may be followed is not said here.
        let insecure = "http://cdn-global.net/1.pdf";
        assert_eq!(url(insecure).as_deref(), Ok(insecure));
    }
}
