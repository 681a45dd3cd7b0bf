//! Links from outside: where they lead, and what is behind them. No packet leaves this machine.

use crate::host::{Host, Then};
use crate::vendor::pdf;
use crate::world::*;
use futures_util::future::join_all;
use shared::key::ItemKey;
use shared::store::{ReportItem, ReportOutcome};
use std::time::Duration;
use worker::download::AT_ONCE;

/// What fetching leaves for writing down what became of it, and a little for the fetching itself.
const HARDLY_ANY_TIME: Duration = Duration::from_millis(3400);
const MIB: usize = 1024 * 1024;

/// A world in which no vendor's API can be asked, so that the link is all that there is.
async fn links_only(settings: &[(&str, &str)]) -> World {
    let world = world_with(settings).await;
    world.switch_apis_off();
    world
}

async fn offered(world: &World, url: &str) -> ItemKey {
    offer(&world.table, "imocha", "1", &link(url)).await
}

async fn fetched(world: &World, url: &str) -> ReportItem {
    let key = offered(world, url).await;
    world.fetch(&key).await;
    world.report(&key).await
}

fn assert_problem(report: &ReportItem, outcome: ReportOutcome, why: &str) {
    let problem = report.problem.as_deref().unwrap_or_default();
    assert_eq!(report.outcome, outcome, "{problem}");
    assert!(problem.contains(why), "{problem}");
    assert_eq!(report.kept, None);
}

/// It is refused at once and for good, and nothing was kept of it.
async fn assert_refused(world: &World, url: &str, why: &str) {
    let report = fetched(world, url).await;
    assert_problem(&report, ReportOutcome::Refused, why);
    assert!(world.marked().await.is_empty(), "{url}");
    assert_eq!(world.platform().bucket.uploads(), 0);
    assert_nothing_is_left(world);
}

/// It is looked at again later.
async fn assert_postponed(world: &World, url: &str, time: Duration, why: &str) {
    let key = offered(world, url).await;
    world.worker.fetch_report(&key, time, "r").await.unwrap();
    assert_problem(&world.report(&key).await, ReportOutcome::Pending, why);
    assert_eq!(world.only_marked().await.key, key);
    assert_eq!(world.platform().bucket.uploads(), 0);
    assert_nothing_is_left(world);
}

fn assert_nothing_is_left(world: &World) {
    let left = std::fs::read_dir(world.directory.path()).unwrap().count();
    assert_eq!(left, 0, "something is left on the disk");
}

#[tokio::test]
async fn a_link_to_where_none_may_lead_is_refused_and_nobody_is_asked_where_that_is() {
    // As on AWS: no stand-ins.
    let world = links_only(&[("ENDPOINT_URL", "")]).await;
    let cases = [
        ("http://169.254.169.254/latest/meta-data", "not https"),
        ("https://169.254.169.254/latest/meta-data", "IP address"),
        ("https://[fd00:ec2::254]/latest/meta-data", "IP address"),
        ("https://localhost/1.pdf", "localhost"),
        ("https://127.0.0.1/1.pdf", "IP address"),
        ("https://0x7f.1/1.pdf", "IP address"),
        ("https://[::ffff:127.0.0.1]/1.pdf", "IP address"),
        ("http://reports.example.com/1.pdf", "not https"),
        ("ftp://reports.example.com/1.pdf", "not https"),
        ("file:///etc/passwd", "not https"),
        ("https://reports.example.com:8443/1.pdf", "port"),
        ("https://me:secret@reports.example.com/1.pdf", "credentials"),
        ("https://me@reports.example.com/1.pdf", "credentials"),
        ("https://evil.com/1.pdf", "evil.com"),
        ("https://reports.example.com.evil.com/1.pdf", "evil.com"),
        ("https://evilreports.example.com/1.pdf", "evilreports"),
        ("https://cdn.example.com/1.pdf", "cdn.example.com"),
        ("https://evilcdn.example.com/1.pdf", "evilcdn"),
        ("null", "no address"),
    ];
    for (url, why) in cases {
        assert_refused(&world, url, why).await;
    }
    assert!(world.names.asked().is_empty());
}

#[tokio::test]
async fn a_stand_in_is_refused_where_none_may_be() {
    let world = links_only(&[("ENDPOINT_URL", "")]).await;
    let url = world.pdf("1");
    assert_refused(&world, &url, "not https").await;
    assert!(world.vendor().fetched().is_empty());
}

#[tokio::test]
async fn a_host_with_an_address_that_is_not_public_is_refused() {
    let world = links_only(&[]).await;
    for addresses in [
        &["127.0.0.1"][..],
        &["169.254.169.254"],
        &["10.0.0.7"],
        &["100.64.0.1"],
        &["::1"],
        &["fd00:ec2::254"],
        &["::ffff:10.0.0.7"],
        &["64:ff9b::a9fe:a9fe"],
        &["2002:7f00:1::"],
        // One such address spoils the others.
        &["192.0.43.8", "10.0.0.7"],
        &["2600::1", "127.0.0.1"],
    ] {
        for host in ["reports.example.com", "a.cdn.example.com"] {
            world.names.set(host, addresses);
            let url = format!("https://{host}/1.pdf");
            assert_refused(&world, &url, "not public").await;
        }
    }
    let asked = world.names.asked();
    assert_eq!(asked.len(), 22, "once for each connection: {asked:?}");
}

#[tokio::test]
async fn a_host_that_nobody_knows_is_tried_again() {
    let world = links_only(&[]).await;
    let url = "https://reports.example.com/1.pdf";
    assert_postponed(&world, url, A_WHILE, "could not be reached").await;
    assert_eq!(world.only_marked().await.due_at, at(MINUTE));
}

#[tokio::test]
async fn a_redirect_has_to_lead_where_a_link_may() {
    let world = links_only(&[]).await;
    world.names.set("reports.example.com", &["169.254.169.254"]);
    for (location, why) in [
        ("http://169.254.169.254/latest/meta-data", "not https"),
        ("https://169.254.169.254/", "IP address"),
        ("http://reports.example.com/1.pdf", "not https"),
        ("http://localhost:80/1.pdf", "not https"),
        ("https://evil.com/1.pdf", "evil.com"),
        ("//evil.com/1.pdf", "not https"),
        ("https://me:secret@reports.example.com/1.pdf", "credentials"),
        ("https://reports.example.com:444/1.pdf", "port"),
        ("https://reports.example.com/1.pdf", "not public"),
        ("file:///etc/passwd", "not https"),
        ("https://", "no address"),
    ] {
        let host = Host::redirecting(location).await;
        assert_refused(&world, &host.url, why).await;
        assert_eq!(host.asked().len(), 1, "{location}");
    }
}

#[tokio::test]
async fn three_redirects_are_followed_and_not_a_fourth() {
    let world = links_only(&[]).await;
    let first = Host::redirecting(&world.pdf("1")).await;
    let second = Host::redirecting(&first.url).await;
    let third = Host::redirecting(&second.url).await;
    let fourth = Host::redirecting(&third.url).await;
    assert_refused(&world, &fourth.url, "redirects more than 3 times").await;
    assert!(world.vendor().fetched().is_empty());
    let report = fetched(&world, &third.url).await;
    assert_eq!(
        report.outcome,
        ReportOutcome::Stored,
        "{:?}",
        report.problem
    );
    assert_eq!(
        report.url.unwrap().trim_end_matches('/'),
        third.url,
        "the link that was given"
    );
    let asked = fourth.asked().concat() + &first.asked().concat();
    let asked = asked.to_lowercase();
    for secret in ["authorization", "cookie", "api", "referer"] {
        assert!(!asked.contains(secret), "{asked}");
    }
}

#[tokio::test]
async fn a_relative_redirect_is_followed_and_a_circle_is_left() {
    let world = links_only(&[]).await;
    let host = Host::redirecting("/again").await;
    assert_refused(&world, &host.url, "redirects more than").await;
    assert_eq!(host.asked().len(), 4);
    assert!(host.asked()[3].starts_with("GET /again "));
}

#[tokio::test]
async fn what_is_no_pdf_is_not_taken_for_one() {
    for (content_type, body, why) in [
        ("text/html", "<html><body>Sign in</body></html>", "no PDF"),
        (
            "application/pdf",
            "<html><body>Sign in</body></html>",
            "no PDF",
        ),
        ("application/pdf", "null", "no PDF"),
        ("application/pdf", " %PDF-1.4\n%%EOF", "no PDF"),
        ("application/pdf", "%PD", "no PDF"),
        ("application/pdf", "", "no bytes"),
    ] {
        let world = links_only(&[]).await;
        let host = Host::with(content_type, body.as_bytes()).await;
        assert_postponed(&world, &host.url, A_WHILE, why).await;
        assert_eq!(world.only_marked().await.due_at, at(5 * MINUTE));
    }
}

#[tokio::test]
async fn a_page_without_end_is_left_at_its_first_bytes() {
    let world = links_only(&[]).await;
    let head = "HTTP/1.1 200 OK\r\ncontent-type: text/html\r\n\r\n<html>";
    let host = Host::start(head, Then::Repeat(b"<p>more</p>".to_vec())).await;
    assert_postponed(&world, &host.url, A_WHILE, "no PDF").await;
}

#[tokio::test]
async fn the_content_type_does_not_matter_where_it_is_a_pdf() {
    let world = links_only(&[]).await;
    let host = Host::with("application/octet-stream", &pdf("/pdf/1")).await;
    let report = fetched(&world, &host.url).await;
    assert_eq!(report.kept.unwrap().content_type, "application/pdf");
}

#[tokio::test]
async fn what_is_too_large_is_refused_before_it_is_read() {
    let world = links_only(&[]).await;
    let head = format!(
        "HTTP/1.1 200 OK\r\ncontent-length: {}\r\n\r\n%PDF-",
        MIB + 1
    );
    let host = Host::start(head, Then::Hang).await;
    assert_refused(&world, &host.url, "more than 1 MiB").await;
}

#[tokio::test]
async fn a_body_without_end_is_read_up_to_the_limit() {
    let world = links_only(&[]).await;
    let head = "HTTP/1.1 200 OK\r\ntransfer-encoding: chunked\r\n\r\n5\r\n%PDF-\r\n";
    let chunk = [&b"1000\r\n"[..], &[b' '; 0x1000], b"\r\n"].concat();
    let host = Host::start(head, Then::Repeat(chunk)).await;
    assert_refused(&world, &host.url, "more than 1 MiB").await;
}

#[tokio::test]
async fn what_is_as_large_as_it_may_be_is_kept() {
    let world = links_only(&[]).await;
    let whole = [&b"%PDF-"[..], &vec![b'x'; MIB - 5]].concat();
    let host = Host::with("application/pdf", &whole).await;
    let kept = fetched(&world, &host.url).await.kept.unwrap();
    assert_eq!(kept.size_bytes, MIB as u64);
    assert_eq!(world.platform().bucket.objects()[&kept.s3_key].bytes, whole);
}

#[tokio::test]
async fn a_body_that_breaks_off_is_fetched_again() {
    let beginnings = [
        "HTTP/1.1 200 OK\r\ncontent-length: 100\r\n\r\n%PDF-1.4 half",
        "HTTP/1.1 200 OK\r\ntransfer-encoding: chunked\r\n\r\n5\r\n%PDF-\r\n",
        // Its end is the connection's.
        "HTTP/1.1 200 OK\r\n\r\n%PDF-1.4 half",
    ];
    for beginning in beginnings {
        let world = links_only(&[]).await;
        let host = Host::start(beginning, Then::Close).await;
        assert_postponed(&world, &host.url, A_WHILE, "breaks off").await;
        assert_eq!(world.only_marked().await.due_at, at(MINUTE));
    }
}

#[tokio::test]
async fn a_body_that_ends_with_its_connection_is_whole_if_the_pdf_is() {
    let world = links_only(&[]).await;
    let whole = [&b"HTTP/1.1 200 OK\r\n\r\n"[..], &pdf("/pdf/1")].concat();
    let host = Host::start(whole, Then::Close).await;
    let report = fetched(&world, &host.url).await;
    assert_eq!(
        report.outcome,
        ReportOutcome::Stored,
        "{:?}",
        report.problem
    );
}

#[tokio::test]
async fn a_host_that_takes_too_long_does_not_hold_the_worker_up() {
    let slow = [
        "",
        "HTTP/1.1 200 OK\r\n",
        "HTTP/1.1 200 OK\r\ncontent-length: 100\r\n\r\n%PDF-1.4 half",
    ];
    for beginning in slow {
        let world = links_only(&[]).await;
        let host = Host::start(beginning, Then::Hang).await;
        assert_postponed(&world, &host.url, HARDLY_ANY_TIME, "too long").await;
    }
}

#[tokio::test]
async fn a_host_in_trouble_is_tried_again_when_it_says() {
    for (head, due_at) in [
        (
            "503 Service Unavailable\r\nretry-after: 240",
            at(4 * MINUTE),
        ),
        ("429 Too Many Requests", at(MINUTE)),
        (
            "500 Internal Server Error\r\nretry-after: 999999",
            at(360 * MINUTE),
        ),
        ("408 Request Timeout", at(MINUTE)),
    ] {
        let world = links_only(&[]).await;
        let head = format!("HTTP/1.1 {head}\r\ncontent-length: 0\r\n\r\n");
        let host = Host::start(head, Then::Close).await;
        assert_postponed(&world, &host.url, A_WHILE, "answers").await;
        assert_eq!(world.only_marked().await.due_at, due_at);
    }
}

#[tokio::test]
async fn a_redirect_that_leads_nowhere_is_no_report() {
    let world = links_only(&[]).await;
    let head = "HTTP/1.1 302 Found\r\ncontent-length: 0\r\n\r\n";
    let host = Host::start(head, Then::Close).await;
    assert_postponed(&world, &host.url, A_WHILE, "302").await;
}

#[tokio::test]
async fn no_more_than_a_few_reports_are_fetched_at_a_time() {
    let world = links_only(&[]).await;
    let host = Host::slow(&pdf("/pdf/1"), Duration::from_millis(40)).await;
    let attempts = (0..4 * AT_ONCE).map(|attempt| attempt.to_string());
    let mut keys = Vec::new();
    for attempt in attempts {
        keys.push(offer(&world.table, "imocha", &attempt, &link(&host.url)).await);
    }
    join_all(keys.iter().map(|key| world.fetch(key))).await;
    assert_eq!(host.most_at_a_time(), AT_ONCE);
    assert_eq!(world.platform().bucket.objects().len(), keys.len());
}
