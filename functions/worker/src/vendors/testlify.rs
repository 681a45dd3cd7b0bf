//! Testlify's report links, which may be relative. Its API is known from others' code only, and is not called.

use super::{Resolution, VendorError, absolute};
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
    pub(super) fn resolve(&self, link: &str) -> Resolution {
        if Url::parse(link).is_ok() {
            return absolute(link, None);
        }
        match self.0.join(link) {
            Ok(url) if url.origin() == self.0.origin() => Resolution::Link {
                url: url.into(),
                valid_until: None,
            },
            Ok(_) => Resolution::Refused("the link is relative and leads to another host"),
            Err(_) => Resolution::Refused("the link is not an address"),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_relative_link_stays_under_the_base() {
        let links = Links::new("https://cdn-global.net/").unwrap();
        let url = |link: &str| match links.resolve(link) {
            Resolution::Link { url, .. } => url,
            other => format!("{other:?}"),
        };
        let expected = "https://cdn-global.net/reports/pdf/1.pdf";
        assert_eq!(url("reports/pdf/1.pdf"), expected);
        assert_eq!(url("/reports/pdf/1.pdf"), expected);
        assert_eq!(url("../../reports/pdf/1.pdf"), expected);
        assert_eq!(url(expected), expected);
        for elsewhere in [
            "//evil.example.com/1.pdf",
            "\\\\evil.example.com\\1.pdf",
            "http://cdn-global.net/1.pdf",
        ] {
            assert!(
                url(elsewhere).starts_with("Refused"),
                "{elsewhere}: {}",
                url(elsewhere)
            );
        }
    }
}
