//! Reports, from the webhook to the bucket, through the real worker.

use crate::stage::{Stage, accepted, eventually, payload};
use crate::vendors::deliver;
use imocha_webhook::Imocha;
use jobmojito_webhook::Jobmojito;
use local::stand_ins::{self, Links};
use serde_json::{Value, json};
use shared::store::{ReportItem, ReportOutcome};
use std::collections::BTreeMap;
use testlify_webhook::Testlify;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpListener;
use xobin_webhook::Xobin;

const KEY: &str = "key";
/// The attempt of `imocha/complete.json`.
pub const IMOCHA_ATTEMPT: &str = "3314697";

/// The stand-ins for all vendors, and a stage whose worker knows them.
pub struct Vendors {
    pub stage: Stage,
    links: Links,
    _imocha: stand_ins::Imocha,
    _jobmojito: stand_ins::Jobmojito,
    _testlify: stand_ins::Testlify,
    _xobin: stand_ins::Xobin,
}

impl Vendors {
    pub async fn start() -> Self {
        Self::with(|_| {}).await
    }

    async fn with(change: impl FnOnce(&mut local::Options)) -> Self {
        let imocha = stand_ins::Imocha::start(KEY).await.unwrap();
        let jobmojito = stand_ins::Jobmojito::start(KEY).await.unwrap();
        let testlify = stand_ins::Testlify::start().await.unwrap();
        let xobin = stand_ins::Xobin::start(KEY).await.unwrap();
        let urls = [
            ("imocha", imocha.base_url()),
            ("jobmojito", jobmojito.base_url()),
            ("testlify", testlify.base_url()),
            ("xobin", xobin.base_url()),
        ];
        let settings = [
            ("IMOCHA_API_BASE_URL", imocha.base_url().to_owned()),
            ("JOBMOJITO_API_BASE_URL", jobmojito.base_url().to_owned()),
            ("XOBIN_API_BASE_URL", xobin.base_url().to_owned()),
            (
                "TESTLIFY_REPORT_BASE_URL",
                format!("{}/", testlify.base_url()),
            ),
        ];
        let settings = settings.map(|(name, value)| (name.to_owned(), value));
        let stage = Stage::with(|options| {
            options
                .function_environment
                .insert("WorkerFunction".into(), BTreeMap::from(settings));
            for secret in ["ImochaApiSecret", "JobmojitoApiSecret", "XobinApiSecret"] {
                options
                    .secrets
                    .insert(secret.into(), json!({ "api_key": KEY }));
            }
            change(options);
        })
        .await;
        Self {
            stage,
            links: Links::to(&urls),
            _imocha: imocha,
            _jobmojito: jobmojito,
            _testlify: testlify,
            _xobin: xobin,
        }
    }

    /// A payload whose links lead to the stand-ins.
    pub fn payload(&self, name: &str) -> Vec<u8> {
        self.links.lead(&payload(name))
    }

    /// The only report of an attempt, as soon as nothing of it is left to do. The attempt itself may wait for its result.
    pub async fn report(&self, source: &str, attempt: &str) -> ReportItem {
        let pk = shared::key::attempt_partition(source, attempt);
        eventually("the report is settled", || async {
            let mut reports = self.stage.table.reports(&pk).await.unwrap();
            assert!(reports.len() < 2, "one was offered");
            reports.pop().filter(|report| report.due_at.is_none())
        })
        .await
    }

    /// Where an object is served.
    pub fn object_url(&self, key: &str) -> String {
        let bundle = &self.stage.bundle;
        let bucket = &bundle.outputs()["BucketName"];
        format!("{}/{bucket}/{key}", bundle.endpoint_url())
    }

    /// The bytes under a key.
    async fn object(&self, key: &str) -> Vec<u8> {
        let response = self
            .stage
            .http
            .get(self.object_url(key))
            .send()
            .await
            .unwrap();
        assert_eq!(response.status(), 200, "{key}");
        response.bytes().await.unwrap().into()
    }

    fn calls(&self, operation: &str) -> u64 {
        let calls = self.stage.bundle.calls();
        calls
            .get(&("s3".to_owned(), operation.to_owned()))
            .copied()
            .unwrap_or(0)
    }
}

#[tokio::test]
async fn a_report_of_each_vendor_is_kept() {
    let vendors = Vendors::start().await;
    let stage = &vendors.stage;
    let body = vendors.payload("imocha/complete.json");
    accepted(deliver::<Imocha>(stage, "", "", body).await).await;
    let body = vendors.payload("jobmojito/submitted.json");
    accepted(deliver::<Jobmojito>(stage, "", "", body).await).await;
    let body = vendors.payload("testlify/v1-score-updated.json");
    accepted(deliver::<Testlify>(stage, "v1", "", body).await).await;
    let body = vendors.payload("xobin/submission.json");
    accepted(deliver::<Xobin>(stage, "submission", "", body).await).await;
    let attempts = [
        ("imocha", "3314697"),
        ("jobmojito", "912ff898-2e65-4a31-8ff5-d3c59005eb97"),
        ("xobin", "2196821"),
    ];
    for (source, attempt) in attempts {
        let report = vendors.report(source, attempt).await;
        let kept = report
            .kept
            .unwrap_or_else(|| panic!("{:?}", report.problem));
        let bytes = vendors.object(&kept.s3_key).await;
        assert!(bytes.starts_with(b"%PDF-") && bytes.len() as u64 == kept.size_bytes);
        assert!(
            kept.s3_key
                .starts_with(&format!("reports/{source}/{attempt}/"))
        );
    }
    let [event] = stage.events("testlify").await.try_into().unwrap();
    let report = vendors.report("testlify", &event.attempt.unwrap()).await;
    assert_eq!(
        report.outcome,
        ReportOutcome::Stored,
        "{:?}",
        report.problem
    );
    assert!(
        report
            .url
            .unwrap()
            .ends_with("/660bad6c1faf955408b86f74.pdf")
    );
    assert_eq!(vendors.calls("PutObject"), 4);
}

#[tokio::test]
async fn a_link_to_the_vendors_own_host_is_refused_here_and_somebody_is_told() {
    let stage = Stage::new().await;
    accepted(deliver::<Imocha>(&stage, "", "", payload("imocha/complete.json")).await).await;
    stage.settled().await;
    let reports = stage.table.reports("imocha#attempt#3314697").await.unwrap();
    assert_eq!(reports[0].outcome, ReportOutcome::Refused);
    // The words that the alarm goes by.
    let told = eventually("it is said in the log", || async {
        let mut lines = stage.bundle.logs().into_iter();
        lines.find(|line| line.text.contains("a report is not to be had"))
    })
    .await;
    let line: Value = serde_json::from_str(&told.text).unwrap();
    assert_eq!(line["level"], "WARN");
    assert!(line["problem"].as_str().unwrap().contains("its host"));
    assert!(!told.text.contains("app.imocha.io"), "{}", told.text);
    // Which host it is says the item.
    let problem = reports[0].problem.as_deref().unwrap();
    assert!(problem.contains("app.imocha.io"), "{problem}");
}

/// Serves one report to everybody, so large that it would be seen if it were held in memory.
async fn large(mebibytes: usize) -> String {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let url = format!("http://{}/large.pdf", listener.local_addr().unwrap());
    tokio::spawn(async move {
        loop {
            let (mut connection, _) = listener.accept().await.unwrap();
            let mut request = [0; 4096];
            let _ = connection.read(&mut request).await;
            let piece = vec![b'x'; 1024 * 1024];
            let length = 5 + mebibytes * piece.len();
            let head = format!("HTTP/1.1 200 OK\r\ncontent-length: {length}\r\n\r\n%PDF-");
            let mut written = connection.write_all(head.as_bytes()).await;
            for _ in 0..mebibytes {
                written = written.and(connection.write_all(&piece).await);
            }
            let _ = written;
        }
    });
    url
}

/// The most memory that the worker's processes have had, in KiB.
fn most_memory(stage: &Stage) -> u64 {
    let functions = stage.bundle.functions().into_iter();
    let workers = functions.filter(|it| it.binary == "worker");
    let processes = workers.flat_map(|it| it.processes);
    let memory = processes.map(|process| {
        let status = std::fs::read_to_string(format!("/proc/{process}/status")).unwrap();
        let line = status
            .lines()
            .find(|line| line.starts_with("VmHWM:"))
            .unwrap();
        line.split_whitespace()
            .nth(1)
            .unwrap()
            .parse::<u64>()
            .unwrap()
    });
    memory.max().unwrap()
}

#[tokio::test]
async fn a_large_report_takes_no_more_memory_than_a_small_one() {
    let vendors = Vendors::with(|options| options.concurrency = 1).await;
    let deliver_with = async |id: &str, link: &str| {
        let body = String::from_utf8(payload("imocha/complete.json").into()).unwrap();
        let body = body.replace(
            "https://app.imocha.io/PDFReport?id=OXP5R5ayMu8nrHfnh2g%3d%3d",
            link,
        );
        let body = body.replace(IMOCHA_ATTEMPT, id);
        accepted(deliver::<Imocha>(&vendors.stage, "", "", body).await).await;
        vendors.report("imocha", id).await.kept.unwrap().size_bytes
    };
    deliver_with("1", &large(1).await).await;
    let before = most_memory(&vendors.stage);
    let size = deliver_with("2", &large(45).await).await;
    assert_eq!(size, 5 + 45 * 1024 * 1024);
    let grown = most_memory(&vendors.stage) - before;
    assert!(grown < 16 * 1024, "{grown} KiB more for a report of 45 MiB");
}
