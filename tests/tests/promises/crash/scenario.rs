//! The deliveries of a story: a few, of all sources, on attempts that no other seed has, made from the payloads under `events/`.

use super::callee::vendor_of;
use super::lane::HASH_KEY;
use bytes::Bytes;
use fastrand::Rng;
use local::stand_ins::{Imocha, Jobmojito, Links};
use serde_json::{Value, json};
use shared::key::attempt_partition;
use shared::person::HashKey;
use shared::secrets::SecretText;
use std::time::Duration;
use tests::stage::payload;
use tests::stand_ins::StandIns;

/// Within which time they are sent for the first time.
const SPREAD_MS: u64 = 300;

/// Whose delivery it is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Vendor {
    Imocha,
    Jobmojito,
    Testlify,
    Xobin,
}

impl Vendor {
    /// What its source is called.
    pub const fn source(self) -> &'static str {
        match self {
            Self::Imocha => "imocha",
            Self::Jobmojito => "jobmojito",
            Self::Testlify => "testlify",
            Self::Xobin => "xobin",
        }
    }
}

/// A delivery to be made.
#[derive(Clone, Debug)]
pub struct Delivery {
    pub vendor: Vendor,
    /// Which of the source's ways in.
    pub version: &'static str,
    /// The vendor's id of it, where it gives one.
    pub id: String,
    /// The exact bytes.
    pub body: Bytes,
    /// The attempt's partition; `None` if the body cannot be read.
    pub partition: Option<String>,
    /// When it is sent, after the story began.
    pub after: Duration,
    /// Of how many of its first tries the vendor does not hear the answer.
    pub unheard: usize,
    /// Whether it goes missing at the vendor, as callbacks are known to: nobody sends it by himself.
    pub lost: bool,
    /// iMocha's id of the attempt that this callback ends. iMocha can be asked for it.
    pub ends: Option<i64>,
}

/// An attempt's number. No other attempt of any seed has it: a seed has those below 10.
pub const fn attempt_number(seed: u64, number: u64) -> u64 {
    1_000_000 + seed * 10 + number
}

/// A story's deliveries, in the making.
struct Author<'a> {
    seed: u64,
    rng: Rng,
    links: &'a Links,
    deliveries: Vec<Delivery>,
    /// Attempts so far.
    attempts: u64,
}

/// The deliveries of a seed. The stand-ins know of them what the vendors would.
pub fn of(seed: u64, vendors: &StandIns) -> Vec<Delivery> {
    let (imocha, jobmojito) = (&vendors.imocha, &vendors.jobmojito);
    let mut author = Author {
        seed,
        rng: Rng::with_seed(seed),
        links: &vendors.links,
        deliveries: Vec::new(),
        attempts: 0,
    };
    // iMocha is to be asked for something.
    author.imocha(imocha);
    match vendor_of(seed) {
        "imocha" => author.imocha(imocha),
        "jobmojito" => author.jobmojito(jobmojito),
        "testlify" => author.testlify("v1", &["invited", "completed", "score-updated"]),
        _ => author.xobin(),
    }
    match author.rng.u8(..6) {
        0 => author.jobmojito(jobmojito),
        1 => author.testlify("v2", &["enrolled", "in-progress"]),
        2 => author.xobin(),
        3 => author.unreadable(),
        _ => {}
    }
    author.deliveries
}

/// A whole flow of each source, sent at once, and each answer heard.
pub fn of_each(seed: u64, vendors: &StandIns) -> Vec<Delivery> {
    let (imocha, jobmojito) = (&vendors.imocha, &vendors.jobmojito);
    let mut author = Author {
        seed,
        rng: Rng::with_seed(seed),
        links: &vendors.links,
        deliveries: Vec::new(),
        attempts: 0,
    };
    author.imocha(imocha);
    author.jobmojito(jobmojito);
    author.testlify("v1", &["completed", "score-updated"]);
    author.testlify("v2", &["in-progress"]);
    author.xobin();
    author.unreadable();
    for delivery in &mut author.deliveries {
        (delivery.after, delivery.unheard) = (Duration::ZERO, 0);
        delivery.lost = false;
    }
    author.deliveries
}

impl Author<'_> {
    /// A number that no other attempt of any seed has.
    fn number(&mut self) -> u64 {
        self.attempts += 1;
        attempt_number(self.seed, self.attempts)
    }

    fn imocha(&mut self, api: &Imocha) {
        let id = self.number();
        let last = ["complete", "terminated", "test-left"][self.rng.usize(..3)];
        let large = self.rng.u8(..6) == 0;
        for name in ["in-progress", last] {
            let mut body = read(&format!("imocha/{name}.json"));
            body["TestInvitationId"] = json!(id);
            // One attempt is one person's; the payloads are of several.
            body["CandidateEmailId"] = json!(format!("candidate.{id}@example.com"));
            if body["ReportPDFUrl"].is_string() {
                body["ReportPDFUrl"] = json!(format!("https://app.imocha.io/PDFReport?id={id}"));
            }
            if large {
                // It does not fit its item, and cannot be made to.
                let noise: String = (0..500_000).map(|_| self.rng.alphanumeric()).collect();
                body["Padding"] = json!(noise);
            }
            let body = self.led(&body);
            let partition = attempt_partition("imocha", &id.to_string());
            self.add(Vendor::Imocha, "", body, Some(partition));
        }
        let id = i64::try_from(id).unwrap();
        let is_lost = self.rng.u8(..3) == 0;
        let end = self.deliveries.last_mut().unwrap();
        (end.ends, end.lost) = (Some(id), is_lost);
        api.remember(id, end.body.to_vec());
    }

    fn jobmojito(&mut self, api: &Jobmojito) {
        let id = format!("912ff898-2e65-4a31-8ff5-{:012x}", self.number());
        for name in ["collected", "submitted", "selected"] {
            let mut body = read(&format!("jobmojito/{name}.json"));
            body["id"] = json!(id);
            if body["pdf_export_url"].is_string() {
                let host = "https://cool.jobmojito.com/storage/v1/object/sign/pdf";
                body["pdf_export_url"] = json!(format!("{host}/{id}.pdf?token=opaque"));
            }
            let body = self.led(&body);
            api.remember(&id, serde_json::from_slice(&body).unwrap());
            let partition = attempt_partition("jobmojito", &id);
            self.add(Vendor::Jobmojito, "", body, Some(partition));
        }
    }

    fn testlify(&mut self, version: &'static str, names: &[&str]) {
        let email = format!("candidate.{}@example.com", self.number());
        for name in names {
            let mut body = read(&format!("testlify/{version}-{name}.json"));
            let field = if version == "v1" {
                "/data/email"
            } else {
                "/data/candidate/email"
            };
            *body.pointer_mut(field).unwrap() = json!(email);
            let assessment = body["data"]["assessmentId"].as_str().unwrap().to_owned();
            let people = HashKey::from(SecretText::from(HASH_KEY.to_owned()));
            let attempt = format!("{assessment}.{}", people.hash(&email));
            let body = self.led(&body);
            let partition = attempt_partition("testlify", &attempt);
            self.add(Vendor::Testlify, version, body, Some(partition));
        }
    }

    fn xobin(&mut self) {
        let id = self.number();
        for kind in ["start", "submission"] {
            let mut body = read(&format!("xobin/{kind}.json"));
            body["id"] = json!(id);
            if kind == "submission" {
                body["report_id"] = json!(id);
                let host = "https://app.xobin.com/assessments/bp/reports/shared";
                body["report_link"] = json!(format!("{host}/{id}"));
            }
            let body = self.led(&body);
            let partition = attempt_partition("xobin", &id.to_string());
            self.add(Vendor::Xobin, kind, body, Some(partition));
        }
    }

    fn unreadable(&mut self) {
        let body = format!("{{\"TestInvitationId\": cut off {}", self.number());
        self.add(Vendor::Imocha, "", body.into_bytes(), None);
    }

    fn led(&self, body: &Value) -> Vec<u8> {
        self.links.lead(body.to_string().as_bytes())
    }

    fn add(
        &mut self,
        vendor: Vendor,
        version: &'static str,
        body: Vec<u8>,
        partition: Option<String>,
    ) {
        let number = self.deliveries.len();
        let unheard = if self.rng.u8(..6) == 0 {
            self.rng.usize(1..=2)
        } else {
            0
        };
        self.deliveries.push(Delivery {
            vendor,
            version,
            id: format!("msg_{}_{number}", self.seed),
            body: body.into(),
            partition,
            after: Duration::from_millis(self.rng.u64(..SPREAD_MS)),
            unheard,
            lost: false,
            ends: None,
        });
    }
}

fn read(name: &str) -> Value {
    serde_json::from_slice(&payload(name)).unwrap()
}
