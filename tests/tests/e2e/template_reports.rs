//! The template's part in reports: the bucket, who reaches it, and from where a report may come.

use crate::stage::root;
use crate::template::{range, resource, template, worker_config};
use local::template::BucketResource;
use serde_json::Value;
use shared::event::Report;
use std::time::Duration;
use worker::config::MOST_MIB;
use worker::download::AT_ONCE;
use worker::download::link::Rules;

#[test]
fn the_bucket_is_nobody_elses_and_keeps_what_is_deleted_for_a_while() {
    let [
        BucketResource {
            logical_id,
            versioned,
            ..
        },
    ] = template().buckets.try_into().unwrap();
    assert_eq!((logical_id.as_str(), versioned), ("ReportsBucket", true));
    let bucket = resource("ReportsBucket");
    for property in [
        "DeletionPolicy: Retain",
        "UpdateReplacePolicy: Retain",
        "BlockPublicAcls: true",
        "BlockPublicPolicy: true",
        "IgnorePublicAcls: true",
        "RestrictPublicBuckets: true",
        "ObjectOwnership: BucketOwnerEnforced",
        "SSEAlgorithm: AES256",
        "AbortIncompleteMultipartUpload:",
        "NoncurrentDays: 30",
    ] {
        assert!(bucket.contains(property), "{property}");
    }
    let policy = resource("ReportsBucketPolicy");
    for part in [
        "Effect: Deny",
        "aws:SecureTransport: \"false\"",
        "${ReportsBucket.Arn}/*",
    ] {
        assert!(policy.contains(part), "{part}");
    }
    assert!(!policy.contains("Effect: Allow"));
}

#[test]
fn reports_expire_only_where_things_expire() {
    let bucket = resource("ReportsBucket");
    let (_, expiry) = bucket.split_once("HasRetention").unwrap();
    assert!(expiry.contains("ExpirationInDays: !Ref RetentionDays"));
    assert_eq!(bucket.matches("ExpirationInDays").count(), 1);
}

#[test]
fn the_worker_puts_reports_there_and_does_nothing_else_with_the_bucket() {
    let role = resource("WorkerRole");
    let actions: Vec<&str> = role
        .split_whitespace()
        .filter(|it| it.starts_with("s3:"))
        .collect();
    assert_eq!(actions, ["s3:PutObject"]);
    assert!(role.contains("!Sub ${ReportsBucket.Arn}/reports/*"));
    for receiver in [
        "ImochaFunction",
        "JobmojitoFunction",
        "TestlifyFunction",
        "XobinFunction",
    ] {
        let text = resource(receiver);
        assert!(
            !text.contains("s3:") && !text.contains("Bucket"),
            "{receiver}"
        );
    }
    assert_eq!(
        template().outputs["BucketName"],
        worker_config().reports.bucket_name
    );
}

#[test]
fn no_template_lets_a_report_come_from_this_machine() {
    assert!(!worker_config().reports.stand_ins);
}

#[test]
fn a_vendors_reports_come_from_its_own_hosts_and_from_no_others() {
    let reports = worker_config().reports;
    let sources = ["imocha", "jobmojito", "testlify", "xobin"];
    assert!(reports.hosts.keys().copied().eq(sources));
    for (source, hosts) in &reports.hosts {
        let rules = Rules {
            hosts,
            stand_ins: reports.stand_ins,
        };
        let links = links(source);
        assert!(!links.is_empty(), "{source} has no payload with a report");
        for link in links {
            assert!(rules.link(&link).is_ok(), "{link}");
        }
        for other in sources.into_iter().filter(|other| *other != *source) {
            let link = &self::links(other)[0];
            assert!(
                rules.link(link).is_err(),
                "{link} of {other} is no report of {source}"
            );
        }
        assert!(rules.link("https://bucket.s3.amazonaws.com/1.pdf").is_err());
    }
}

#[test]
fn a_host_that_is_none_is_named_when_the_worker_starts() {
    for (value, ok) in [
        ("*.example.com", true),
        ("*.com", false),
        ("https://a.b", false),
    ] {
        let read = crate::template::worker_config_with("XOBIN_REPORT_HOSTS", value);
        let error = read.err().map(|error| error.to_string());
        assert_eq!(error.is_none(), ok, "{error:?}");
        assert!(error.is_none_or(|error| error.contains("XOBIN_REPORT_HOSTS")));
    }
}

#[test]
fn as_many_reports_as_are_fetched_at_once_find_room_on_the_disk() {
    let worker = resource("WorkerFunction");
    let number = |text: &str, name: &str| -> usize {
        let (_, rest) = text.split_once(name).unwrap();
        rest.split_whitespace().next().unwrap().parse().unwrap()
    };
    let room_mib = number(&worker, "        Size:");
    let most_mib = usize::try_from(MOST_MIB).unwrap();
    assert!(AT_ONCE * most_mib < room_mib);
    assert_eq!(range("ReportMaxMib"), Some((1, MOST_MIB.into())));
}

#[test]
fn who_fetches_a_report_is_gone_when_the_next_may_begin() {
    let template = template();
    let worker = template
        .functions
        .iter()
        .find(|it| it.binary == "worker")
        .unwrap();
    assert!(worker.timeout <= worker::fetch_report::FETCHING);
    assert!(
        worker::fetch_report::FETCHING <= Duration::from_mins(2),
        "for long nobody else may"
    );
}

/// The links to reports that the payloads of a source have, absolute.
fn links(source: &str) -> Vec<String> {
    let folder = std::fs::read_dir(root().join("events").join(source)).unwrap();
    let paths = folder.map(|file| file.unwrap().path());
    let payloads = paths.filter(|path| !path.to_string_lossy().ends_with(".apigw.json"));
    let reports = payloads.filter_map(|path| {
        let body = std::fs::read(path).unwrap();
        report(&serde_json::from_slice(&body).unwrap())
    });
    reports.filter(|link| link.contains("://")).collect()
}

/// The link in whatever field its vendor has it.
fn report(body: &Value) -> Option<String> {
    let fields = [
        "ReportPDFUrl",
        "ReportPDFUrl ",
        "pdf_export_url",
        "resultLink",
        "report_link",
    ];
    let bodies = [Some(body), body.get("data"), body.get("record")];
    let mut values = bodies
        .into_iter()
        .flatten()
        .flat_map(|body| fields.map(|field| body.get(field)));
    let link = values.find_map(|value| value?.as_str());
    match Report::from_link(link, None)? {
        Report::Link { url, .. } => Some(url),
        Report::OnRequest => None,
    }
}
