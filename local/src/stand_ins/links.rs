//! Payloads whose links lead to stand-ins, since those that the vendors wrote lead to the vendors.

use std::collections::BTreeMap;

/// The template's parameters that keep a bundle on this machine from the vendors' own hosts: the payloads have links there, and
/// nobody there knows them. No host has this name, and none can.
#[must_use]
pub fn report_hosts() -> BTreeMap<String, String> {
    let parameters = ["Imocha", "Jobmojito", "Testlify", "Xobin"];
    let parameters = parameters.map(|vendor| format!("{vendor}ReportHosts"));
    parameters
        .map(|name| (name, "reports.invalid".to_owned()))
        .into()
}

/// Hosts of vendors, and who stands in for each.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Links(Vec<(&'static str, String)>);

/// The hosts that the payloads under `events/` have links to reports at.
const HOSTS: [(&str, &str); 4] = [
    ("imocha", "https://app.imocha.io/"),
    ("jobmojito", "https://cool.jobmojito.com/"),
    ("testlify", "https://cdn-global.net/"),
    ("xobin", "https://app.xobin.com/"),
];

impl Links {
    /// Leads the links of these sources to these base URLs, which have no slash at the end.
    #[must_use]
    pub fn to(stand_ins: &[(&str, &str)]) -> Self {
        let found = HOSTS.iter().filter_map(|(source, host)| {
            let (_, base_url) = stand_ins.iter().find(|(name, _)| name == source)?;
            Some((*host, format!("{base_url}/")))
        });
        Self(found.collect())
    }

    /// The payload with other links, and otherwise byte for byte as it was. What is not UTF-8 stays as it is.
    #[must_use]
    pub fn lead(&self, payload: &[u8]) -> Vec<u8> {
        let Ok(text) = std::str::from_utf8(payload) else {
            return payload.to_vec();
        };
        let lead = |text: String, (host, base_url): &(&str, String)| text.replace(host, base_url);
        self.0.iter().fold(text.to_owned(), lead).into_bytes()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn links_are_led_to_stand_ins_and_nothing_else_is_touched() {
        let links = Links::to(&[
            ("imocha", "http://127.0.0.1:1"),
            ("xobin", "http://127.0.0.1:2"),
        ]);
        let payload =
            r#"{ "ReportPDFUrl":"https://app.imocha.io/PDFReport?id=a%3d%3d",  "b": 1.0 }"#;
        let led = r#"{ "ReportPDFUrl":"http://127.0.0.1:1/PDFReport?id=a%3d%3d",  "b": 1.0 }"#;
        assert_eq!(links.lead(payload.as_bytes()), led.as_bytes());
        let other = br#"{"resultLink":"https://cdn-global.net/1.pdf","x":"https://app.imocha.io.evil.com/"}"#;
        assert_eq!(links.lead(other), other, "nobody stands in for it");
        assert_eq!(links.lead(b"\xff"), b"\xff");
    }
}
