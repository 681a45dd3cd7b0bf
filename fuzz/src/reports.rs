//! Where reports may be fetched from. What passes is checked by code that knows nothing of the parser which let it pass.

use crate::{assert_shows_nothing, line};
use worker::download::hosts::ReportHosts;
use worker::download::link::{Link, LinkError, Rules};
use worker::vendors::fuzzing;

const HOSTS: &str = "app.imocha.io,*.example.com";
const FROM: &str = "https://app.imocha.io/reports/1?id=2";

/// A link, and the same text as a redirect and as a link that may be relative.
pub fn link(data: &[u8]) {
    let Ok(text) = std::str::from_utf8(data) else {
        return;
    };
    let hosts = HOSTS.parse().expect("it is a list");
    let rules = Rules {
        hosts: &hosts,
        stand_ins: false,
    };
    check(rules, rules.link(text));
    let from = rules.link(FROM).expect("it may be followed");
    check(rules, fuzzing::redirected(rules, &from, text));
    match fuzzing::under("https://reports.example.com/base/", text) {
        Some(Ok(absolute)) => check(rules, rules.link(&absolute)),
        Some(Err(error)) => assert_shows_nothing(&error.to_string()),
        None => unreachable!("the base is an address"),
    }
    let stand_ins = Rules {
        hosts: &hosts,
        stand_ins: true,
    };
    if let (Err(_), Ok(link)) = (rules.link(text), stand_ins.link(text)) {
        let authority = authority(link.as_str(), "http://");
        let host = authority.split(':').next();
        assert_eq!(host, Some("127.0.0.1"), "no stand-in: {}", link.as_str());
    }
}

fn check(rules: Rules<'_>, checked: Result<Link, LinkError>) {
    match checked {
        Ok(link) => {
            let host = authority(link.as_str(), "https://");
            let is_listed = host == "app.imocha.io"
                || host
                    .strip_suffix(".example.com")
                    .is_some_and(|it| !it.is_empty());
            assert!(is_listed, "it leads to {host}");
            let again = rules
                .link(link.as_str())
                .expect("what may be followed may be again");
            assert_eq!(
                again.as_str(),
                link.as_str(),
                "read again, it leads elsewhere"
            );
            assert_eq!(format!("{link:?}"), "Link");
        }
        Err(error) => {
            assert_shows_nothing(&error.to_string());
            assert!(error.host().is_none_or(|host| host.chars().count() <= 100));
        }
    }
}

/// All between the scheme and the path, as it goes over the wire: a user, a host, a port.
fn authority<'a>(link: &'a str, scheme: &str) -> &'a str {
    let rest = link.strip_prefix(scheme).expect("it is of this scheme");
    rest.split(['/', '\\', '?', '#']).next().unwrap_or_default()
}

/// A list of hosts, and on the second line a host.
pub fn hosts(data: &[u8]) {
    let (list, host) = line(data);
    let (Ok(list), Ok(host)) = (std::str::from_utf8(list), std::str::from_utf8(host)) else {
        return;
    };
    let hosts: ReportHosts = match list.parse() {
        Ok(hosts) => hosts,
        Err(error) => {
            assert_shows_nothing(&error.to_string());
            return;
        }
    };
    for inside in [
        "localhost",
        "127.0.0.1",
        "169.254.169.254",
        "[::1]",
        "com",
        "",
    ] {
        assert!(!hosts.have(inside), "{inside} is on {list:?}");
    }
    let patterns: Vec<&str> = list.split(',').map(str::trim).collect();
    let is_listed = patterns
        .iter()
        .any(|pattern| match pattern.strip_prefix('*') {
            Some(below) => host.len() > below.len() && host.ends_with(below),
            None => host == *pattern,
        });
    assert_eq!(hosts.have(host), is_listed, "{host:?} on {list:?}");
    for pattern in patterns {
        let some = pattern.replacen('*', "a", 1);
        assert!(hosts.have(&some), "{some:?} on {list:?}");
        assert!(some.contains('.') && some.is_ascii(), "{some:?}");
    }
}
