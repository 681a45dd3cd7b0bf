//! Reports that vendors offer, with links of the test's own.

use super::host::Host;
use super::trap::Trap;
use crate::everybody::Everybody;
use crate::flows::{Flow, HASH_KEY};
use bytes::Bytes;
use futures_util::future::BoxFuture;
use futures_util::{StreamExt, stream};
use local::Options;
use local::faults::{Call, Fault, Faults, VendorCall};
use serde_json::{Value, json};
use shared::store::ReportItem;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex};
use tests::faults::Breaker;
use tests::stage::accepted;

/// How many are offered at a time.
const AT_ONCE: usize = 8;
/// The field that each source has its link in.
const LINKS: [&str; 4] = [
    "/ReportPDFUrl",
    "/pdf_export_url",
    "/data/resultLink",
    "/report_link",
];

/// A report that is offered.
#[derive(Debug)]
pub struct Offer {
    pub source: &'static str,
    pub number: u64,
    /// What trouble its link has at the test's host, if it leads there.
    pub trouble: &'static str,
    /// What it is called there.
    pub name: String,
    link: String,
}

/// A bundle with all vendors, a host that has trouble, and a trap.
pub struct Offers {
    pub everybody: Everybody,
    pub host: Host,
    pub trap: Trap,
    pub breaker: Breaker,
    seen: Arc<Seen>,
    next: AtomicU64,
}

/// Who was called of the vendors.
struct Seen {
    breaker: Breaker,
    vendors: Mutex<Vec<(&'static str, String)>>,
}

impl Faults for Seen {
    fn before<'a>(&'a self, call: &'a Call) -> BoxFuture<'a, Fault> {
        self.breaker.before(call)
    }

    fn before_vendor<'a>(&'a self, call: &'a VendorCall) -> BoxFuture<'a, Fault> {
        let called = (call.vendor, call.path.clone());
        self.vendors.lock().unwrap().push(called);
        self.breaker.before_vendor(call)
    }
}

impl Offer {
    /// As iMocha calls the attempt.
    pub fn imocha_id(&self) -> i64 {
        i64::try_from(self.number).unwrap()
    }

    fn flow(&self) -> Flow {
        match self.source {
            "imocha" => Flow::of("imocha", "", &["complete"]),
            "jobmojito" => Flow::of("jobmojito", "", &["submitted"]),
            "testlify" => Flow::of("testlify", "v1", &["completed"]),
            _ => Flow::of("xobin", "submission", &["submission"]),
        }
    }

    /// What everything about its attempt lies under.
    pub fn partition(&self) -> String {
        self.flow().partition(self.number)
    }

    fn body(&self) -> Bytes {
        let body = self.flow().body(0, self.number);
        let mut body: Value = serde_json::from_slice(&body).unwrap();
        for field in LINKS {
            if let Some(link) = body.pointer_mut(field) {
                *link = json!(self.link);
            }
        }
        body.to_string().into()
    }
}

impl Offers {
    /// A worker that takes reports of a mebibyte.
    pub async fn start(change: impl FnOnce(&mut Options)) -> Self {
        let breaker = Breaker::new();
        let seen = Arc::new(Seen {
            breaker: breaker.clone(),
            vendors: Mutex::default(),
        });
        let everybody = Everybody::among(seen.clone(), |options| {
            let key = json!({ "key": HASH_KEY });
            options.secrets.insert("HashKeySecret".into(), key);
            options.parameters.insert("ReportMaxMib".into(), "1".into());
            change(options);
        })
        .await;
        Self {
            everybody,
            host: Host::start().await,
            trap: Trap::set().await,
            breaker,
            seen,
            next: AtomicU64::new(6_000_000),
        }
    }

    /// A report of this source whose link has this trouble.
    pub fn of(&self, source: &'static str, trouble: &'static str) -> Offer {
        let offer = self.with(source, String::new());
        let link = self.host.link(trouble, &offer.name);
        Offer {
            trouble,
            link,
            ..offer
        }
    }

    /// A report of this source with this link.
    pub fn with(&self, source: &'static str, link: String) -> Offer {
        let number = self.next.fetch_add(1, Ordering::Relaxed);
        Offer {
            source,
            number,
            trouble: "",
            name: format!("{number}.pdf"),
            link,
        }
    }

    /// Has the vendors offer them. Their APIs know of the attempts.
    pub async fn make<'a>(&self, offers: impl IntoIterator<Item = &'a Offer>) {
        let made = stream::iter(offers).for_each_concurrent(AT_ONCE, |offer| async move {
            let (body, version) = (offer.body(), offer.flow().said[0].version);
            self.everybody.remember(offer.source, &body);
            let answer = self.everybody.deliver(offer.source, version, "", body);
            accepted(answer.await).await;
        });
        made.await;
    }

    /// What became of the only one that the attempt has.
    pub async fn report(&self, offer: &Offer) -> ReportItem {
        let table = &self.everybody.stage.table;
        let reports = table.reports(&offer.partition()).await.unwrap();
        let [report] = reports.try_into().unwrap();
        report
    }

    /// How often it was looked for behind its link.
    pub fn looks(&self, offer: &Offer) -> usize {
        self.host.asked(offer.trouble, &offer.name)
    }

    /// The calls of the vendors, by whom and for what.
    pub fn vendors_called(&self) -> Vec<(&'static str, String)> {
        self.seen.vendors.lock().unwrap().clone()
    }
}
