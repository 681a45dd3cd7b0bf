//! Links that may be followed: only [`Rules`] make one, and a redirect has to pass them again.

use super::hosts::ReportHosts;
use std::net::Ipv4Addr;
use url::{Host, Url};

const LONGEST_HOST: usize = 100;

/// A link that may be followed. `Debug` does not show it, since a link is often all that is needed to read a report.
#[derive(Clone)]
pub struct Link(Url);

impl std::fmt::Debug for Link {
    fn fmt(&self, formatter: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        formatter.write_str("Link")
    }
}

/// Where links may lead.
#[derive(Clone, Copy, Debug)]
pub struct Rules<'a> {
    /// The vendor's hosts.
    pub hosts: &'a ReportHosts,
    /// Whether stand-ins on one's own machine may be called as well: `http://127.0.0.1`, with any port. Never on AWS.
    pub stand_ins: bool,
}

/// A link may not be followed. Nothing of it is shown: what a body says is in no log. Its host is there for whoever may know it.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum LinkError {
    /// It is no absolute address.
    #[error("it is no address")]
    NoAddress,
    /// It is relative and leads to another host than the one it is relative to.
    #[error("it looks relative and leads to another host")]
    Elsewhere,
    /// It is of another scheme.
    #[error("it is not https")]
    NotHttps,
    /// It has a user or a password.
    #[error("it carries credentials")]
    Credentials,
    /// It has a port of its own.
    #[error("it asks for a port other than 443")]
    Port,
    /// Its host is an IP address, in whatever spelling.
    #[error("its host is an IP address and no name")]
    IpAddress,
    /// Its host is not the vendor's.
    #[error("its host is not on the vendor's list of report hosts")]
    Host(String),
}

impl Rules<'_> {
    /// The link, if it may be followed.
    pub fn link(self, text: &str) -> Result<Link, LinkError> {
        let url = Url::parse(text).map_err(|_| LinkError::NoAddress)?;
        self.check(url)
    }

    /// Where a redirect leads, if that may be followed.
    pub(crate) fn redirected(self, from: &Link, location: &str) -> Result<Link, LinkError> {
        let url = from.0.join(location).map_err(|_| LinkError::NoAddress)?;
        self.check(url)
    }

    fn check(self, url: Url) -> Result<Link, LinkError> {
        if !url.username().is_empty() || url.password().is_some() {
            return Err(LinkError::Credentials);
        }
        if self.stand_ins && is_stand_in(&url) {
            return Ok(Link(url));
        }
        if url.scheme() != "https" {
            return Err(LinkError::NotHttps);
        }
        match url.host() {
            // The parser knows every spelling of an address.
            Some(Host::Ipv4(_) | Host::Ipv6(_)) => return Err(LinkError::IpAddress),
            Some(Host::Domain(host)) if self.hosts.have(host) => {}
            Some(Host::Domain(host)) => {
                let host = host.chars().take(LONGEST_HOST).collect();
                return Err(LinkError::Host(host));
            }
            None => return Err(LinkError::NoAddress),
        }
        // 443, written out, is none to the parser.
        if url.port().is_some() {
            return Err(LinkError::Port);
        }
        Ok(Link(url))
    }
}

fn is_stand_in(url: &Url) -> bool {
    url.scheme() == "http" && url.host() == Some(Host::Ipv4(Ipv4Addr::LOCALHOST))
}

impl LinkError {
    /// The host that is not on the list, if that is what is wrong.
    #[must_use]
    pub fn host(&self) -> Option<&str> {
        match self {
            Self::Host(host) => Some(host),
            _ => None,
        }
    }
}

impl Link {
    /// It, for the one who follows it and the one who keeps it.
    #[must_use]
    pub fn as_str(&self) -> &str {
        self.0.as_str()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn link(text: &str, stand_ins: bool) -> Result<String, LinkError> {
        let hosts = "app.imocha.io,*.example.com".parse().unwrap();
        let rules = Rules {
            hosts: &hosts,
            stand_ins,
        };
        rules.link(text).map(|link| link.as_str().to_owned())
    }

    #[test]
    fn https_at_a_host_of_the_vendors_may_be_followed_and_stays_as_it_is() {
        for text in [
            "https://app.imocha.io/PDFReport?id=OXP5R5ayMu8nrHfnh2g%3d%3d",
            "https://cdn.example.com/a%20b.pdf?token=a.b-c#page=2",
        ] {
            assert_eq!(link(text, false).as_deref(), Ok(text));
        }
        assert!(link("HTTPS://APP.imocha.io:443/1", false).is_ok());
    }

    #[test]
    fn every_other_link_says_why_not() {
        let host = |host: &str| LinkError::Host(host.into());
        let cases = [
            ("null", LinkError::NoAddress),
            ("", LinkError::NoAddress),
            ("reports/1.pdf", LinkError::NoAddress),
            ("//app.imocha.io/1", LinkError::NoAddress),
            ("https://", LinkError::NoAddress),
            ("http://app.imocha.io/1", LinkError::NotHttps),
            ("ftp://app.imocha.io/1", LinkError::NotHttps),
            ("file:///etc/passwd", LinkError::NotHttps),
            ("javascript:alert(1)", LinkError::NotHttps),
            ("https://me@app.imocha.io/1", LinkError::Credentials),
            ("https://me:secret@app.imocha.io/1", LinkError::Credentials),
            ("https://:secret@app.imocha.io/1", LinkError::Credentials),
            ("https://app.imocha.io@evil.com/1", LinkError::Credentials),
            ("https://app.imocha.io:8443/1", LinkError::Port),
            ("https://app.imocha.io:80/1", LinkError::Port),
            ("https://169.254.169.254/latest", LinkError::IpAddress),
            ("https://127.0.0.1/1", LinkError::IpAddress),
            ("https://0x7f.1/1", LinkError::IpAddress),
            ("https://0177.0.0.1/1", LinkError::IpAddress),
            ("https://2130706433/1", LinkError::IpAddress),
            ("https://127.1/1", LinkError::IpAddress),
            ("https://[::1]/1", LinkError::IpAddress),
            ("https://[::ffff:127.0.0.1]/1", LinkError::IpAddress),
            ("https://[fd00:ec2::254]/1", LinkError::IpAddress),
            ("https://８.８.８.８/1", LinkError::IpAddress),
            ("https://localhost/1", host("localhost")),
            ("https://evil.com/1", host("evil.com")),
            (
                "https://app.imocha.io.evil.com/1",
                host("app.imocha.io.evil.com"),
            ),
            ("https://evilapp.imocha.io/1", host("evilapp.imocha.io")),
            ("https://app.imocha.io./1", host("app.imocha.io.")),
            ("https://evil.com\\@app.imocha.io/1", host("evil.com")),
            ("https://evil.com#@app.imocha.io/1", host("evil.com")),
            ("https://аpp.imocha.io/1", host("xn--pp-6kc.imocha.io")),
        ];
        for (text, expected) in cases {
            assert_eq!(link(text, false), Err(expected), "{text}");
        }
    }

    #[test]
    fn stand_ins_are_of_this_machine_and_only_where_they_may_be() {
        let stand_in = "http://127.0.0.1:8080/1.pdf";
        assert_eq!(link(stand_in, true).as_deref(), Ok(stand_in));
        assert_eq!(link(stand_in, false), Err(LinkError::NotHttps));
        for text in [
            "http://localhost:8080/1.pdf",
            "http://127.0.0.2:8080/1.pdf",
            "http://169.254.169.254/1.pdf",
            "http://[::1]:8080/1.pdf",
            "http://app.imocha.io/1.pdf",
            "http://me@127.0.0.1:8080/1.pdf",
            "https://127.0.0.1:8080/1.pdf",
        ] {
            assert!(link(text, true).is_err(), "{text}");
        }
    }

    #[test]
    fn a_link_is_not_shown_by_accident() {
        let hosts = "app.imocha.io".parse().unwrap();
        let rules = Rules {
            hosts: &hosts,
            stand_ins: false,
        };
        let link = rules.link("https://app.imocha.io/1?token=secret").unwrap();
        assert!(!format!("{link:?}").contains("secret"));
        let error = rules.link("https://evil.com/1?token=secret").unwrap_err();
        assert!(!error.to_string().contains("secret"), "{error}");
        assert!(!error.to_string().contains("evil.com"), "{error}");
        assert_eq!(error.host(), Some("evil.com"));
        let long = format!("https://{}.com/", "a.".repeat(120));
        let error = rules.link(&long).unwrap_err();
        assert!(error.host().is_some_and(|host| host.len() <= LONGEST_HOST));
    }
}
