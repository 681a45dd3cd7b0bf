//! Every report that a vendor offers is in the bucket with the SHA-256 that is noted, or somebody is told; nothing else is there, and
//! nobody else was called, wherever a link claims to lead.

#[path = "promise_6/crashes.rs"]
mod crashes;
#[path = "promise_6/host.rs"]
mod host;
#[path = "promise_6/offers.rs"]
mod offers;
#[path = "promise_6/trap.rs"]
mod trap;

use crate::bucket;
use host::pdf;
use offers::{Offer, Offers};
use serde_json::json;
use shared::store::{ReportOrigin, ReportOutcome};
use std::collections::BTreeSet;

/// What each vendor may be called for when a report is wanted, or a result confirmed.
const CALLS: [(&str, &[&str]); 4] = [
    ("imocha", &["/v3/reports/", "/PDFReport"]),
    ("jobmojito", &["/job-interview-", "/storage/"]),
    ("xobin", &["/assessments/report", "/reports/"]),
    ("testlify", &[]),
];
/// Who makes a link anew.
const WITH_AN_API: [&str; 3] = ["imocha", "jobmojito", "xobin"];

/// What has to come of an offer.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Expected {
    /// It is kept, as it is behind the link that came, after so many looks at it.
    ByItsLink(usize),
    /// It is kept, as it is where the link redirects to.
    Behind(&'static str),
    /// It is kept, by a way that the vendor's API has told.
    ByTheApi,
    /// It is not had, and somebody is told.
    Told(ReportOutcome),
}

/// Reports of a vendor without an API: the link is all that there is.
fn with_links_alone(offers: &Offers) -> Vec<(Offer, Expected)> {
    let (host, refused) = (&offers.host, Expected::Told(ReportOutcome::Refused));
    let unavailable = Expected::Told(ReportOutcome::Unavailable);
    let troubles = [
        ("good", Expected::ByItsLink(1)),
        ("busy", Expected::ByItsLink(2)),
        ("cut", Expected::ByItsLink(2)),
        ("slow", Expected::ByItsLink(2)),
        ("gone", unavailable),
        ("page", unavailable),
        ("large", refused),
        ("endless", refused),
    ];
    let troubles = troubles.map(|(trouble, expected)| (offers.of("testlify", trouble), expected));
    let mut all = Vec::from(troubles);
    let redirect = host.redirecting("1", &host.link("good", "behind"));
    all.push((
        offers.with("testlify", redirect),
        Expected::Behind("behind"),
    ));
    for link in offers.trap.links() {
        all.push((
            offers.with("testlify", host.redirecting("2", &link)),
            refused,
        ));
        all.push((offers.with("testlify", link), refused));
    }
    all
}

/// All are tried where the link is all that there is.
fn some(links: Vec<String>) -> impl Iterator<Item = String> {
    links.into_iter().step_by(5)
}

/// Reports of vendors who can be asked: no link has to lead anywhere.
fn with_an_api(offers: &Offers) -> Vec<(Offer, Expected)> {
    let mut all = Vec::new();
    for source in WITH_AN_API {
        all.push((offers.of(source, "good"), Expected::ByItsLink(1)));
        for trouble in ["gone", "page", "large", "busy"] {
            all.push((offers.of(source, trouble), Expected::ByTheApi));
        }
        for link in some(offers.trap.links()) {
            all.push((offers.with(source, link), Expected::ByTheApi));
        }
    }
    // The link that the API tells may be anybody's, too; then there is another call.
    for link in some(offers.trap.links()) {
        let offer = offers.of("imocha", "gone");
        let imocha = &offers.everybody.vendors.imocha;
        imocha.report(offer.imocha_id(), "pdfReportUrl", json!(link));
        all.push((offer, Expected::ByTheApi));
    }
    all
}

#[tokio::test(flavor = "multi_thread")]
async fn every_report_is_kept_or_told_of_and_nobody_else_is_called() {
    let offers = Offers::start(|_| {}).await;
    let mut wanted = with_links_alone(&offers);
    wanted.extend(with_an_api(&offers));
    offers.make(wanted.iter().map(|(offer, _)| offer)).await;
    offers.everybody.let_everything_happen().await;
    assert_eq!(offers.trap.stepped_in(), 0);
    let stage = &offers.everybody.stage;
    let mut kept = BTreeSet::new();
    for (offer, expected) in &wanted {
        let report = offers.report(offer).await;
        if let Expected::Told(outcome) = expected {
            assert_eq!(report.outcome, *outcome, "{offer:?}: {:?}", report.problem);
            continue;
        }
        let (key, bytes) = bucket::kept(stage, &report).await;
        kept.insert(key);
        let by_the_event = report.kept.unwrap().origin == ReportOrigin::Event;
        match expected {
            Expected::Told(_) => unreachable!("that was looked at"),
            Expected::ByItsLink(looks) => {
                assert_eq!(bytes, pdf(&offer.name), "{offer:?}");
                assert_eq!(
                    (by_the_event, offers.looks(offer)),
                    (true, *looks),
                    "{offer:?}"
                );
            }
            Expected::Behind(name) => assert_eq!(bytes, pdf(name), "{offer:?}"),
            Expected::ByTheApi => assert!(!by_the_event, "{offer:?}"),
        }
    }
    assert_eq!(bucket::keys(stage).await, kept, "and nothing else");
    for (vendor, path) in offers.vendors_called() {
        let (_, may_be) = CALLS.iter().find(|(name, _)| *name == vendor).unwrap();
        let is_one = may_be.iter().any(|begin| path.starts_with(begin));
        assert!(is_one, "{vendor} was called for {path}");
    }
}
