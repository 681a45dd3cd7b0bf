//! The hosts from which a vendor's reports may be fetched: its allow-list.

use std::str::FromStr;

/// What a list has to look like, for whoever wrote another.
pub const EXPECTED: &str = "a list of host names in lower case, separated by commas, each with a dot in it; \
                            *.example.com is every host below example.com";

/// The hosts from which a vendor's reports may be fetched. Never empty.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ReportHosts(Vec<Pattern>);

#[derive(Clone, Debug, PartialEq, Eq)]
enum Pattern {
    This(String),
    /// Every host below this one, and not it.
    Below(String),
}

/// A text that is no list of hosts.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("it is not {EXPECTED}")]
pub struct InvalidHosts;

impl ReportHosts {
    /// Whether a report may be fetched from this host.
    #[must_use]
    pub fn have(&self, host: &str) -> bool {
        self.0.iter().any(|pattern| match pattern {
            Pattern::This(name) => host == name,
            Pattern::Below(name) => host
                .strip_suffix(name.as_str())
                .and_then(|rest| rest.strip_suffix('.'))
                .is_some_and(|rest| !rest.is_empty()),
        })
    }
}

impl FromStr for ReportHosts {
    type Err = InvalidHosts;

    fn from_str(text: &str) -> Result<Self, InvalidHosts> {
        let patterns = text.split(',').map(|name| pattern(name.trim()));
        Ok(Self(patterns.collect::<Result<_, _>>()?))
    }
}

fn pattern(text: &str) -> Result<Pattern, InvalidHosts> {
    let (name, below) = match text.strip_prefix("*.") {
        Some(name) => (name, true),
        None => (text, false),
    };
    if !is_name(name) {
        return Err(InvalidHosts);
    }
    let name = name.to_owned();
    Ok(if below {
        Pattern::Below(name)
    } else {
        Pattern::This(name)
    })
}

/// At least two labels, so that no `*.com` is a list; the last begins with a letter, so that no address is a name.
fn is_name(text: &str) -> bool {
    let mut labels = text.rsplit('.');
    let last = labels.next().unwrap_or_default();
    let is_named = last.starts_with(|character: char| character.is_ascii_lowercase());
    let mut labels = labels.peekable();
    is_named && is_label(last) && labels.peek().is_some() && labels.all(is_label)
}

fn is_label(text: &str) -> bool {
    let inside = |byte: u8| byte.is_ascii_lowercase() || byte.is_ascii_digit() || byte == b'-';
    (1..=63).contains(&text.len())
        && text.bytes().all(inside)
        && !text.starts_with('-')
        && !text.ends_with('-')
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_host_is_on_the_list_or_it_is_not() {
        let hosts: ReportHosts = "app.imocha.io, *.example.com".parse().unwrap();
        for host in ["app.imocha.io", "a.example.com", "a.b.example.com"] {
            assert!(hosts.have(host), "{host}");
        }
        for host in [
            "app.imocha.io.evil.com",
            "evilapp.imocha.io",
            "x.app.imocha.io",
            "imocha.io",
            "app.imocha.io.",
            "example.com",
            ".example.com",
            "evilexample.com",
            "example.com.evil.com",
            "",
        ] {
            assert!(!hosts.have(host), "{host}");
        }
    }

    #[test]
    fn what_is_no_list_of_hosts_is_refused() {
        for text in [
            "",
            ",",
            "app.imocha.io,",
            "*",
            "*.com",
            "*.*.example.com",
            "a.*.example.com",
            "localhost",
            "127.0.0.1",
            "1.2.3.0x4",
            "[::1]",
            "https://app.imocha.io",
            "app.imocha.io:443",
            "app.imocha.io/reports",
            "me@app.imocha.io",
            "App.imocha.io",
            "app..imocha.io",
            "-app.imocha.io",
            "app.imocha.io.",
            "app imocha.io",
            "äpp.imocha.io",
        ] {
            assert_eq!(text.parse::<ReportHosts>(), Err(InvalidHosts), "{text}");
        }
    }
}
