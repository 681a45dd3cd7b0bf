//! A report as large as any: the worker's memory stays what it is.

#![cfg(target_os = "linux")]

use crate::stage::{Stage, accepted, eventually, payload};
use crate::vendors::deliver;
use axum::Router;
use axum::body::{Body, Bytes};
use axum::extract::Path;
use axum::routing::get;
use futures_util::stream;
use jobmojito_webhook::Jobmojito;
use serde_json::Value;
use tokio::net::TcpListener;
use tokio::task::JoinHandle;

const MIB: usize = 1024 * 1024;
/// What a large report may cost more than a small one: some buffers, and not its length.
const MOST_MORE_MIB: u64 = 12;

/// Serves a PDF of any size, piece by piece.
async fn host() -> (String, JoinHandle<()>) {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let url = format!("http://{}", listener.local_addr().unwrap());
    let router = Router::new().route("/{mib}", get(pdf));
    let server = async move { axum::serve(listener, router).await.unwrap() };
    (url, tokio::spawn(server))
}

async fn pdf(Path(mib): Path<usize>) -> Body {
    let start = Bytes::from_static(b"%PDF-1.4\n");
    let end = Bytes::from_static(b"\n%%EOF\n");
    let zeroes = std::iter::repeat_n(Bytes::from(vec![b'0'; 65_536]), mib * MIB / 65_536);
    let pieces = std::iter::once(start).chain(zeroes).chain([end]);
    Body::from_stream(stream::iter(pieces.map(Ok::<_, std::io::Error>)))
}

/// The most memory that a process of the worker has ever had.
fn most_mib(stage: &Stage) -> u64 {
    let functions = stage.bundle.functions().into_iter();
    let mut workers = functions.filter(|it| it.logical_id == "WorkerFunction");
    let processes = workers.next().unwrap().processes.into_iter();
    let peaks = processes.map(|id| {
        let status = std::fs::read_to_string(format!("/proc/{id}/status")).unwrap();
        let line = status
            .lines()
            .find(|line| line.starts_with("VmHWM:"))
            .unwrap();
        let kib: u64 = line.split_whitespace().nth(1).unwrap().parse().unwrap();
        kib / 1024
    });
    peaks.max().unwrap()
}

async fn kept(stage: &Stage, url: &str, mib: usize) -> u64 {
    let mut body: Value = serde_json::from_slice(&payload("jobmojito/submitted.json")).unwrap();
    let attempt = format!("0f2ff898-2e65-4a31-8ff5-d3c5900500{mib:02}");
    body["id"] = attempt.as_str().into();
    body["pdf_export_url"] = format!("{url}/{mib}").into();
    accepted(deliver::<Jobmojito>(stage, "", "", body.to_string()).await).await;
    let pk = shared::key::attempt_partition("jobmojito", &attempt);
    let report = eventually("the report is kept", || async {
        let mut reports = stage.table.reports(&pk).await.unwrap();
        reports.pop().filter(|report| report.due_at.is_none())
    })
    .await;
    let problem = report.problem;
    report
        .kept
        .unwrap_or_else(|| panic!("{problem:?}"))
        .size_bytes
}

#[tokio::test]
async fn the_workers_memory_does_not_grow_with_a_report() {
    let (url, host) = host().await;
    let stage = Stage::with(|options| options.concurrency = 1).await;
    assert_eq!(kept(&stage, &url, 1).await, MIB as u64 + 16);
    let small = most_mib(&stage);
    assert_eq!(kept(&stage, &url, 49).await, 49 * MIB as u64 + 16);
    let large = most_mib(&stage);
    assert!(
        large <= small + MOST_MORE_MIB,
        "{small} MiB, then {large} MiB"
    );
    host.abort();
}
