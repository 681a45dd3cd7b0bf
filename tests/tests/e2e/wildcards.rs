//! No permission of the template is wider than it has to be: every wildcard in an action, a resource or a principal is one that is
//! listed here, and has its reason beside it in the file. What SAM makes of it is held by `tests/deployed/run validate`.

use crate::template::text;
use serde_yaml_ng::{Mapping, Value};
use std::collections::BTreeSet;

/// The parts of a statement that say who may do what with what. Conditions narrow it, and may have patterns.
const PARTS: [&str; 6] = [
    "Action",
    "NotAction",
    "Resource",
    "NotResource",
    "Principal",
    "NotPrincipal",
];

/// A wildcard: the resource that it stands in, its statement, the part of it, and what is written.
type Wildcard = (String, String, String, String);

fn listed() -> BTreeSet<Wildcard> {
    let receivers = ["ImochaRole", "JobmojitoRole", "TestlifyRole", "XobinRole"];
    let traces = receivers.into_iter().chain(["WorkerRole"]);
    let traces = traces.map(|role| (role, "WriteTraces", "Resource", "*"));
    let queues = ["QueuePolicy", "DeadLetterQueuePolicy"];
    let queues = queues.into_iter().flat_map(|policy| {
        [("Principal", "*"), ("Action", "sqs:*")]
            .map(|(part, written)| (policy, "DenyWithoutTls", part, written))
    });
    let bucket = [
        ("Principal", "*"),
        ("Action", "s3:*"),
        ("Resource", "${ReportsBucket.Arn}/*"),
    ];
    let bucket =
        bucket.map(|(part, written)| ("ReportsBucketPolicy", "DenyWithoutTls", part, written));
    let reports = (
        "WorkerRole",
        "KeepReports",
        "Resource",
        "${ReportsBucket.Arn}/reports/*",
    );
    let all = traces.chain(queues).chain(bucket).chain([reports]);
    let owned = |text: &str| text.to_owned();
    all.map(|(resource, statement, part, written)| {
        (
            owned(resource),
            owned(statement),
            owned(part),
            owned(written),
        )
    })
    .collect()
}

/// Every wildcard in a template.
fn wildcards(template: &str) -> BTreeSet<Wildcard> {
    let template: Value = serde_yaml_ng::from_str(template).unwrap();
    let mut found = BTreeSet::new();
    for (name, resource) in template["Resources"].as_mapping().unwrap() {
        for statement in statements(resource) {
            let sid = statement.get("Sid").and_then(Value::as_str).unwrap_or("-");
            for part in PARTS {
                let texts = statement.get(part).map(texts).unwrap_or_default();
                for written in texts.into_iter().filter(|it| is_wild(it)) {
                    let name = name.as_str().unwrap().to_owned();
                    found.insert((name, sid.to_owned(), part.to_owned(), written));
                }
            }
        }
    }
    found
}

/// Every mapping with an effect, however deep: policies of roles, of resources, and those that SAM takes.
fn statements(value: &Value) -> Vec<&Mapping> {
    match value {
        Value::Tagged(tagged) => statements(&tagged.value),
        Value::Sequence(items) => items.iter().flat_map(statements).collect(),
        Value::Mapping(fields) => {
            let own = fields.contains_key("Effect").then_some(fields);
            own.into_iter()
                .chain(fields.values().flat_map(statements))
                .collect()
        }
        _ => Vec::new(),
    }
}

/// Every text in a value, also within intrinsics.
fn texts(value: &Value) -> Vec<String> {
    match value {
        Value::Tagged(tagged) => texts(&tagged.value),
        Value::Sequence(items) => items.iter().flat_map(texts).collect(),
        Value::Mapping(fields) => fields.values().flat_map(texts).collect(),
        other => other.as_str().map(str::to_owned).into_iter().collect(),
    }
}

/// Both of those that IAM knows.
fn is_wild(text: &str) -> bool {
    text.contains(['*', '?'])
}

/// The lines of a file in which a text is written as a value, without a comment beside it or in the line before.
fn without_reason(file: &str, written: &str) -> Vec<String> {
    let lines: Vec<&str> = file.lines().collect();
    let is_comment = |line: &str| line.trim_start().starts_with('#');
    let written_in = |line: &str| {
        let code = line.split(" #").next().unwrap().trim();
        let value = code.rsplit([' ', '[']).next().unwrap();
        !is_comment(line) && value.trim_matches(['"', '\'', ']', ',']) == written
    };
    let lacking = lines.iter().enumerate().filter(|(number, line)| {
        let beside = line.contains(" # ") || *number > 0 && is_comment(lines[number - 1]);
        written_in(line) && !beside
    });
    lacking
        .map(|(number, line)| format!("line {}: {line}", number + 1))
        .collect()
}

#[test]
fn every_wildcard_is_one_that_is_listed() {
    assert_eq!(wildcards(&text()), listed());
}

#[test]
fn every_wildcard_has_its_reason_beside_it() {
    let file = text();
    for (_, _, _, written) in listed() {
        assert!(file.contains(&written), "{written}");
        assert_eq!(without_reason(&file, &written), [] as [String; 0]);
    }
}

#[test]
fn a_wildcard_is_found_wherever_and_however_it_is_written() {
    let file = text();
    let queue =
        "                Action: sqs:SendMessage\n                Resource: !GetAtt Queue.Arn\n";
    let table = "                Resource: !GetAtt Table.Arn\n";
    let trust = "              Service: lambda.amazonaws.com\n";
    for (from, to, written) in [
        (
            queue,
            "                Action: [\"sqs:Send*\"]\n                Resource: !GetAtt Queue.Arn\n",
            "sqs:Send*",
        ),
        (
            queue,
            "                NotAction: sqs:Send?essage\n                Resource: !GetAtt Queue.Arn\n",
            "sqs:Send?essage",
        ),
        (
            table,
            "                Resource: !Sub ${Table.Arn}/index/*\n",
            "${Table.Arn}/index/*",
        ),
        (
            table,
            "                Resource: !Join [\"\", [!GetAtt Table.Arn, \"/*\"]]\n",
            "/*",
        ),
        (
            table,
            "                Resource:\n                  Fn::Sub: \"${Table.Arn}*\"\n",
            "${Table.Arn}*",
        ),
        (trust, "              AWS: \"*\"\n", "*"),
    ] {
        let mutated = file.replacen(from, to, 1);
        assert_ne!(mutated, file, "{from}");
        let more: Vec<_> = wildcards(&mutated).difference(&listed()).cloned().collect();
        let [(resource, _, _, found)] = more.as_slice() else {
            panic!("{written}: {more:?}")
        };
        assert_eq!((resource.as_str(), found.as_str()), ("ImochaRole", written));
    }
}

#[test]
fn a_reason_that_is_missing_is_missed() {
    let file = text();
    for (_, _, _, written) in listed() {
        let line = file.lines().find(|line| {
            let code = line.split(" # ").next().unwrap();
            line.contains(" # ") && code.trim_end_matches('"').ends_with(&written)
        });
        let line = line.unwrap_or_else(|| panic!("{written} has no reason in its own line"));
        let bare = file.replacen(line, line.split(" # ").next().unwrap(), 1);
        assert_eq!(without_reason(&bare, &written).len(), 1, "{written}");
    }
}
