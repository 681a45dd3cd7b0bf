//! Candidates without end, each with an attempt at one of the vendors and the webhooks of it, made from the payloads under `events/`.

use super::HASH_KEY;
use crate::stage::payload;
use bytes::Bytes;
use local::stand_ins::Links;
use serde_json::{Value, json};
use shared::key::attempt_partition;
use shared::person::HashKey;
use shared::secrets::SecretText;
use std::cell::Cell;
use std::collections::BTreeMap;

/// A webhook, as its vendor sends it each time.
#[derive(Clone, Debug)]
pub struct Webhook {
    /// Its number, which no other of the same maker has.
    pub number: u64,
    /// Whose.
    pub source: &'static str,
    /// Which of the source's ways in.
    pub version: &'static str,
    /// The vendor's id of the delivery, where it gives one.
    pub id: String,
    /// The exact bytes.
    pub body: Bytes,
    /// The partition of the attempt that it is about.
    pub partition: String,
}

/// Makes them, each other than all before.
pub struct Candidates {
    links: Links,
    payloads: BTreeMap<&'static str, Value>,
    /// How many candidates there are.
    number: u64,
    /// How many webhooks.
    made: Cell<u64>,
}

const PAYLOADS: [&str; 11] = [
    "imocha/in-progress",
    "imocha/complete",
    "jobmojito/collected",
    "jobmojito/submitted",
    "testlify/v1-invited",
    "testlify/v1-completed",
    "testlify/v1-score-updated",
    "testlify/v2-enrolled",
    "testlify/v2-in-progress",
    "xobin/start",
    "xobin/submission",
];

impl Candidates {
    /// Whose reports are where these lead.
    #[must_use]
    pub fn new(links: Links) -> Self {
        let read = |name: &'static str| {
            let body = payload(&format!("{name}.json"));
            (name, serde_json::from_slice(&body).unwrap())
        };
        Self {
            links,
            payloads: PAYLOADS.map(read).into(),
            number: 1_000_000,
            made: Cell::new(0),
        }
    }

    /// All webhooks of the next candidate, in the order in which they are sent. The vendors take turns.
    pub fn candidate(&mut self) -> Vec<Webhook> {
        self.number += 1;
        match self.number % 5 {
            0 => self.imocha(),
            1 => self.jobmojito(),
            2 => self.testlify("v1", &["invited", "completed", "score-updated"]),
            3 => self.testlify("v2", &["enrolled", "in-progress"]),
            _ => self.xobin(),
        }
    }

    /// An attempt at iMocha that has begun, told in so many bytes: what makes it longer is asked for.
    pub fn begun(&mut self, bytes: usize, padding: impl FnOnce(usize) -> String) -> Webhook {
        self.number += 1;
        let mut body = self.payloads["imocha/in-progress"].clone();
        body["TestInvitationId"] = json!(self.number);
        body["Padding"] = json!("");
        let shortest = body.to_string().len();
        let missing = bytes.checked_sub(shortest);
        body["Padding"] = json!(padding(missing.unwrap_or_else(|| {
            panic!(
                "the shortest body of this kind has {shortest} bytes, and is not told in {bytes}"
            )
        })));
        let partition = attempt_partition("imocha", &self.number.to_string());
        self.webhook("imocha", "", &body, partition)
    }

    /// One attempt at JobMojito, of which so many different snapshots are sent.
    pub fn snapshots(&mut self, count: usize) -> Vec<Webhook> {
        self.number += 1;
        let id = interview(self.number);
        let partition = attempt_partition("jobmojito", &id);
        let mut body = self.payloads["jobmojito/collected"].clone();
        body["id"] = json!(id);
        let snapshot = |score| {
            body["score"] = json!(score);
            self.webhook("jobmojito", "", &body, partition.clone())
        };
        (0..count).map(snapshot).collect()
    }

    fn imocha(&self) -> Vec<Webhook> {
        let id = self.number;
        let partition = attempt_partition("imocha", &id.to_string());
        let of = |name| {
            let mut body = self.payloads[name].clone();
            body["TestInvitationId"] = json!(id);
            body["CandidateEmailId"] = json!(email(id));
            if body["ReportPDFUrl"].is_string() {
                body["ReportPDFUrl"] = json!(format!("https://app.imocha.io/PDFReport?id={id}"));
            }
            self.webhook("imocha", "", &body, partition.clone())
        };
        ["imocha/in-progress", "imocha/complete"].map(of).into()
    }

    fn jobmojito(&self) -> Vec<Webhook> {
        let id = interview(self.number);
        let partition = attempt_partition("jobmojito", &id);
        let of = |name| {
            let mut body = self.payloads[name].clone();
            body["id"] = json!(id);
            if body["pdf_export_url"].is_string() {
                let host = "https://cool.jobmojito.com/storage/v1/object/sign/pdf";
                body["pdf_export_url"] = json!(format!("{host}/{id}.pdf?token=opaque"));
            }
            self.webhook("jobmojito", "", &body, partition.clone())
        };
        ["jobmojito/collected", "jobmojito/submitted"]
            .map(of)
            .into()
    }

    fn testlify(&self, version: &'static str, kinds: &[&str]) -> Vec<Webhook> {
        let email = email(self.number);
        let field = match version {
            "v1" => "/data/email",
            _ => "/data/candidate/email",
        };
        let people = HashKey::from(SecretText::from(HASH_KEY.to_owned()));
        let of = |kind: &&str| {
            let mut body = self.payloads[format!("testlify/{version}-{kind}").as_str()].clone();
            *body.pointer_mut(field).unwrap() = json!(email);
            let assessment = body["data"]["assessmentId"].as_str().unwrap();
            let attempt = format!("{assessment}.{}", people.hash(&email));
            let partition = attempt_partition("testlify", &attempt);
            let mut webhook = self.webhook("testlify", version, &body, partition);
            webhook.id = format!("msg_{}_{kind}", self.number);
            webhook
        };
        kinds.iter().map(of).collect()
    }

    fn xobin(&self) -> Vec<Webhook> {
        let id = self.number;
        let partition = attempt_partition("xobin", &id.to_string());
        let of = |kind: &'static str| {
            let mut body = self.payloads[format!("xobin/{kind}").as_str()].clone();
            body["id"] = json!(id);
            if kind == "submission" {
                body["report_id"] = json!(id);
                let host = "https://app.xobin.com/assessments/bp/reports/shared";
                body["report_link"] = json!(format!("{host}/{id}"));
            }
            self.webhook("xobin", kind, &body, partition.clone())
        };
        ["start", "submission"].map(of).into()
    }

    fn webhook(
        &self,
        source: &'static str,
        version: &'static str,
        body: &Value,
        partition: String,
    ) -> Webhook {
        self.made.set(self.made.get() + 1);
        Webhook {
            number: self.made.get(),
            source,
            version,
            id: String::new(),
            body: self.links.lead(body.to_string().as_bytes()).into(),
            partition,
        }
    }
}

fn email(number: u64) -> String {
    format!("candidate.{number}@example.com")
}

fn interview(number: u64) -> String {
    format!("912ff898-2e65-4a31-8ff5-{number:012x}")
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::collections::BTreeSet;

    #[test]
    fn every_candidate_is_another_and_every_vendor_has_some() {
        let mut candidates = Candidates::new(Links::default());
        let all: Vec<Vec<Webhook>> = (0..50).map(|_| candidates.candidate()).collect();
        let partitions: BTreeSet<&str> = all.iter().map(|it| it[0].partition.as_str()).collect();
        assert_eq!(partitions.len(), 50);
        let ways: BTreeSet<_> = all
            .iter()
            .flatten()
            .map(|it| (it.source, it.version))
            .collect();
        assert_eq!(ways.len(), 6, "{ways:?}");
        let bodies: BTreeSet<&Bytes> = all.iter().flatten().map(|it| &it.body).collect();
        assert_eq!(bodies.len(), all.iter().flatten().count());
    }

    #[test]
    fn a_body_is_as_long_as_it_is_to_be() {
        let webhook = Candidates::new(Links::default()).begun(4321, |length| "x".repeat(length));
        assert_eq!(webhook.body.len(), 4321);
    }

    #[test]
    fn snapshots_are_of_one_attempt_and_differ() {
        let snapshots = Candidates::new(Links::default()).snapshots(9);
        let bodies: BTreeSet<&Bytes> = snapshots.iter().map(|it| &it.body).collect();
        assert_eq!(bodies.len(), 9);
        assert!(
            snapshots
                .iter()
                .all(|it| it.partition == snapshots[0].partition)
        );
    }
}
