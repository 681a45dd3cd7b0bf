//! Each call of a vendor's API, and each download, whose answer is cut off, slow, a page or endless: which error that is, and
//! what becomes of the job. None of them is lost: it is due later, or a person is told.

use crate::badly::{Bad, Badly};
use crate::heard::Heard;
use crate::world::*;
use futures_util::future::join_all;
use shared::attempt::State;
use shared::event::Report;
use shared::key::{CONFIRMATION, ItemKey, REGISTRATION};
use shared::registration::{Wanted, Webhook};
use shared::store::{RegistrationOutcome, ReportOutcome, Run, StateWrite};
use shared::timestamp::Timestamp;
use worker::job::{Job, Message, Reconcile};
use worker::reconcile::windows;

const CUT_OFF: &str = "the vendor's answer broke off";
const STRANGE: &str = "the vendor's answer is not what its documentation says";
const BUSY: &str = "the vendor answers 502 Bad Gateway";
const TOO_LARGE: &str = "the vendor's answer is too large to be one";
const TIMED_OUT: &str = "the vendor did not answer in time";
/// What is tried again a minute later.
const LATER: Option<i64> = Some(MINUTE);
/// What is only not there yet, or not to be understood, is looked for again after this.
const NOT_READY: Option<i64> = Some(5 * MINUTE);

/// A call of a vendor's API, or a download.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Call {
    ProcessCallbacks,
    RetrieveInvites,
    ImochaResult,
    ImochaReport,
    ImochaPdf,
    JobmojitoDetails,
    JobmojitoList,
    JobmojitoPdf,
    TestlifyLink,
    XobinResult,
    XobinShare,
    XobinDownload,
    XobinRegister,
}

use Call::*;

const ALL: [Call; 13] = [
    ProcessCallbacks,
    RetrieveInvites,
    ImochaResult,
    ImochaReport,
    ImochaPdf,
    JobmojitoDetails,
    JobmojitoList,
    JobmojitoPdf,
    TestlifyLink,
    XobinResult,
    XobinShare,
    XobinDownload,
    XobinRegister,
];

/// What is to be seen of it.
#[derive(Debug, PartialEq, Eq)]
struct Seen {
    /// The error, in the log or beside the work.
    says: String,
    /// In how many seconds the work is due again.
    due: Option<i64>,
    /// Whether it counts as the vendor's failure, for those who call it next.
    failed: bool,
}

impl Call {
    /// What is in its path and in no other's of the same job.
    fn path(self) -> &'static str {
        match self {
            ProcessCallbacks => "/callbacks/process",
            RetrieveInvites => "/testattempts",
            ImochaResult | ImochaReport => "?reportType=",
            ImochaPdf => "/1/pdf",
            JobmojitoDetails => "/job-interview-details",
            JobmojitoList => "/merchant-result-list",
            JobmojitoPdf => "/job-interview-pdf",
            TestlifyLink => "/1.pdf",
            XobinResult => "/assessments/report/",
            XobinShare => "/share",
            XobinDownload => "/download",
            XobinRegister => "/webhooks",
        }
    }

    /// Whether it is answered with the file itself.
    fn is_of_a_file(self) -> bool {
        matches!(self, ImochaPdf | TestlifyLink | XobinDownload)
    }

    /// How the problem of a report says which way it was.
    fn way(self) -> Option<&'static str> {
        match self {
            ImochaReport | JobmojitoPdf | XobinShare => Some("the API's link: "),
            ImochaPdf | XobinDownload => Some("the API's file: "),
            TestlifyLink => Some("the event's link: "),
            _ => None,
        }
    }

    /// What is to be seen when the answer is bad in this way.
    fn expected(self, bad: Bad) -> Seen {
        let (says, due, failed) = match (self, bad) {
            (TestlifyLink, Bad::Page(200)) => ("it is no PDF", NOT_READY, false),
            (TestlifyLink, Bad::Page(_)) => ("its host answers 502 Bad Gateway", LATER, false),
            // By its first bytes it is a PDF.
            (call, Bad::CutOff) if call.is_of_a_file() => ("it breaks off", LATER, false),
            (call, Bad::Stuck) if call.is_of_a_file() => ("its host takes too long", LATER, false),
            (TestlifyLink, Bad::Endless) => ("it has more than 1 MiB", None, false),
            // The API may have a link to another one later.
            (ImochaPdf | XobinDownload, Bad::Endless) => {
                ("it has more than 1 MiB", NOT_READY, false)
            }
            // A person is told what Xobin says; whether it is done is not known.
            (XobinRegister, Bad::Page(200)) => ("Xobin answers 200 OK: <html>", None, false),
            (XobinRegister, Bad::Endless) => (TOO_LARGE, None, false),
            // The window is halved instead, at once: 5 minutes later if that message gets lost.
            (RetrieveInvites, Bad::Endless) => ("", NOT_READY, false),
            (RetrieveInvites, Bad::Stuck | Bad::Trickling) => ("", NOT_READY, true),
            // What such a list says of one attempt is not known then.
            (JobmojitoList, Bad::Endless) => ("", None, false),
            (call, Bad::Endless) if call.way().is_some() => (TOO_LARGE, NOT_READY, false),
            (_, Bad::CutOff) => (CUT_OFF, LATER, true),
            (_, Bad::Page(200)) => (STRANGE, LATER, false),
            (_, Bad::Page(_)) => (BUSY, LATER, true),
            (_, Bad::Endless) => (TOO_LARGE, LATER, false),
            (_, Bad::Stuck | Bad::Trickling) => (TIMED_OUT, LATER, true),
        };
        let says = says.to_owned();
        Seen { says, due, failed }
    }
}

/// Has the call made of a vendor that answers it badly.
async fn seen(call: Call, bad: Bad) -> Seen {
    let begins = if call.is_of_a_file() {
        "%PDF-1.7\n"
    } else {
        "{\"a\""
    };
    let host = Badly::start(call.path(), bad, begins).await;
    let url = |vendor: &str| format!("{}/{vendor}", host.url);
    let (imocha, jobmojito, xobin) = (url("imocha"), url("jobmojito"), url("xobin"));
    let world = world_with(&[
        ("IMOCHA_API_BASE_URL", &imocha),
        ("JOBMOJITO_API_BASE_URL", &jobmojito),
        ("XOBIN_API_BASE_URL", &xobin),
    ])
    .await;
    let (job, key) = work(&world, call, &host.url).await;
    let heard = Heard::begin();
    let message = Message {
        job,
        correlation_id: "r".into(),
    };
    assert_eq!(
        world
            .handle_within(A_WHILE, vec![Some(message.body())])
            .await,
        [""; 0]
    );
    let [line] = world.take_lines().try_into().unwrap();
    let answered = line["VendorAnswered"].is_number() || call == TestlifyLink;
    let failed = line["VendorFailed"].is_number();
    assert!(answered || failed, "{call:?} was not made: {line}");
    let marked = world.marked().await;
    let due = marked
        .iter()
        .find(|item| item.key == key)
        .map(|item| item.due_at);
    Seen {
        says: says(&world, call, &key, &heard.errors()).await,
        due: due.map(seconds),
        failed,
    }
}

fn seconds(time: Timestamp) -> i64 {
    (time.unix_ms() - at(0).unix_ms()) / 1000
}

/// Makes the work that leads to the call: the job, and the item that is due again.
async fn work(world: &World, call: Call, url: &str) -> (Job, ItemKey) {
    let offered = async |source: &str, report: Report| {
        let key = offer(&world.table, source, "1", &report).await;
        (Job::FetchReport(key.clone()), key)
    };
    match call {
        ProcessCallbacks => {
            world.request([1]).await;
            let [job] = Job::ask_imocha([1]).try_into().unwrap();
            (job, ItemKey::of_attempt("imocha", "1", shared::key::ASKED))
        }
        RetrieveInvites => {
            let key = Run::key("imocha", "a");
            let windows = windows(at(-3600), at(0));
            assert!(world.table.create_run(&key, &windows, at(0)).await.unwrap());
            (Job::Reconcile(Reconcile::Step(key.clone())), key)
        }
        ImochaResult => doubted(world, "imocha").await,
        JobmojitoDetails | JobmojitoList => doubted(world, "jobmojito").await,
        XobinResult => doubted(world, "xobin").await,
        ImochaReport | ImochaPdf => offered("imocha", Report::OnRequest).await,
        JobmojitoPdf => offered("jobmojito", Report::OnRequest).await,
        XobinShare | XobinDownload => offered("xobin", Report::OnRequest).await,
        TestlifyLink => offered("testlify", link(&format!("{url}/1.pdf"))).await,
        XobinRegister => {
            let webhook = Webhook {
                enabled: true,
                url: "https://hooks.example.com/start".into(),
            };
            let wanted = Wanted {
                webhooks: [("start".to_owned(), webhook)].into(),
                ..Wanted::default()
            };
            let table = &world.table;
            let requested = table.request_registration("xobin", "a", &wanted, false, at(0));
            assert!(requested.await.unwrap());
            let key = ItemKey::of_vendor("xobin", REGISTRATION);
            (Job::Register(key.clone()), key)
        }
    }
}

/// An attempt's result is in doubt.
async fn doubted(world: &World, source: &'static str) -> (Job, ItemKey) {
    let write = StateWrite {
        source,
        attempt: "1",
        state: &State::default(),
        replaces: 0,
        folds: 0,
        report: None,
        new_report: None,
        in_doubt: true,
        candidate_key: None,
        now: at(0),
    };
    assert!(world.table.put_state(write).await.unwrap());
    let key = ItemKey::of_attempt(source, "1", CONFIRMATION);
    (Job::ReadResult(key.clone()), key)
}

/// What is said of the error where whoever looks for it finds it.
async fn says(world: &World, call: Call, key: &ItemKey, logged: &[String]) -> String {
    if let Some(way) = call.way() {
        let report = world.report(key).await;
        if report.due_at.is_none() {
            assert_eq!(report.outcome, ReportOutcome::Refused);
        }
        let problem = report.problem.unwrap();
        let (_, rest) = problem
            .split_once(way)
            .unwrap_or_else(|| panic!("{problem}"));
        return rest.split("; ").next().unwrap().to_owned();
    }
    if call == XobinRegister {
        let registration = world.table.registration("xobin").await.unwrap().unwrap();
        let message = registration.message.unwrap();
        let waits = registration.outcome == RegistrationOutcome::Waiting;
        assert_eq!(waits, registration.due_at.is_some());
        return message.split("<body").next().unwrap().to_owned();
    }
    let logged: Vec<&str> = logged
        .iter()
        .filter_map(|it| it.split(": ").next())
        .collect();
    assert!(logged.len() < 2, "{call:?}: {logged:?}");
    logged.concat()
}

#[tokio::test]
async fn a_body_that_is_cut_off_a_page_or_endless_is_told_by_name_and_its_work_stays() {
    for call in ALL {
        for bad in [Bad::CutOff, Bad::Page(200), Bad::Page(502), Bad::Endless] {
            assert_eq!(
                seen(call, bad).await,
                call.expected(bad),
                "{call:?}, {bad:?}"
            );
        }
    }
}

#[tokio::test]
async fn a_body_that_does_not_go_on_or_only_trickles_is_given_up_and_its_work_stays() {
    let stuck = ALL.map(|call| (call, Bad::Stuck));
    // A file may take longer than this test.
    let trickling = ALL.into_iter().filter(|call| !call.is_of_a_file());
    let trickling = trickling.map(|call| (call, Bad::Trickling));
    let looks = stuck
        .into_iter()
        .chain(trickling)
        .map(|(call, bad)| async move {
            let expected = call.expected(bad);
            let came = seen_alone(call, bad).await;
            assert_eq!(came, expected, "{call:?}, {bad:?}");
        });
    join_all(looks).await;
}

/// In a thread of its own, so that all of them wait together and each hears its own log.
async fn seen_alone(call: Call, bad: Bad) -> Seen {
    let alone = move || {
        let runtime = tokio::runtime::Builder::new_current_thread();
        let runtime = { runtime }.enable_all().build().unwrap();
        runtime.block_on(seen(call, bad))
    };
    tokio::task::spawn_blocking(alone).await.unwrap()
}
