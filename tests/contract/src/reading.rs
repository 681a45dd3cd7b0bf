//! The bodies that a vendor is known to send, and others like them.
//!
//! A source is given as what reads a body. It gets the name of the payload's file besides, for the sources of which the path
//! says what a body is.

use serde_json::{Value, json};
use shared::source::{Reading, Source, Unreadable};
use std::fs;
use std::path::{Path, PathBuf};

/// A body that the vendor is known to send.
#[derive(PartialEq, Eq, PartialOrd, Ord)]
pub struct Payload {
    /// The name of its file, without the ending.
    pub file: String,
    /// The exact bytes.
    pub body: Vec<u8>,
}

/// Every body that the vendor is known to send, in the order of the files' names.
#[must_use]
pub fn payloads<S: Source>() -> Vec<Payload> {
    let folder = repository().join("events").join(S::NAME);
    let mut payloads: Vec<_> = fs::read_dir(folder)
        .expect("the source's payloads are in events/")
        .map(|entry| entry.expect("the folder can be read").path())
        .filter(|path| !path.to_string_lossy().ends_with(".apigw.json"))
        .map(|path| payload(&path))
        .collect();
    assert!(!payloads.is_empty(), "{} has no payloads", S::NAME);
    payloads.sort();
    payloads
}

fn payload(path: &Path) -> Payload {
    let file = path.file_stem().expect("a file in a folder has a name");
    Payload {
        file: file.to_string_lossy().into_owned(),
        body: fs::read(path).expect("the payload can be read"),
    }
}

fn repository() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("../..")
}

/// What was reviewed is the snapshots beside the source's tests, one for each payload and named after it.
pub fn every_payload_comes_to_what_was_reviewed<S: Source>(
    read: impl Fn(&str, &[u8]) -> Result<Reading, Unreadable>,
) {
    let folder = repository().join("functions").join(S::NAME);
    let mut settings = insta::Settings::clone_current();
    settings.set_sort_maps(true);
    settings.set_omit_expression(true);
    settings.set_prepend_module_to_snapshot(false);
    settings.set_snapshot_path(folder.join("src/snapshots"));
    for Payload { file, body } in payloads::<S>() {
        let said = match read(&file, &body).expect("what the vendor sends is readable") {
            Reading::Event(event) => serde_json::to_value(event).expect("an event is JSON"),
            Reading::Ping => json!("ping"),
        };
        settings.bind(|| insta::assert_json_snapshot!(file.as_str(), said));
    }
}

/// A payload with one field replaced, whatever is put there, is read unless the field tells what it is about: that is one
/// of `placing`. `part` is where the fields are, as a JSON pointer.
pub fn no_value_in_any_field_stops_the_reading<S: Source>(
    part: &str,
    placing: &[&str],
    read: impl Fn(&str, &[u8]) -> Result<Reading, Unreadable>,
) {
    let values = [&of_no_use()[..], &[json!("x"), json!(-1)]].concat();
    for (file, body) in bodies::<S>() {
        for name in names(&body, part) {
            for value in &values {
                let altered = with_fields(&body, part, &[&name], value);
                let readable = read(&file, altered.to_string().as_bytes()).is_ok();
                assert!(readable || places(&name, placing), "{file}: {altered}");
            }
        }
    }
}

/// The other side of it: nothing is made up for what tells what a payload is about. A payload that has none of `placing`,
/// as a vendor's test has none, is passed over.
pub fn a_payload_that_nothing_places_is_unreadable<S: Source>(
    part: &str,
    placing: &[&str],
    read: impl Fn(&str, &[u8]) -> Result<Reading, Unreadable>,
) {
    for (file, body) in bodies::<S>() {
        let names = names(&body, part);
        let placing: Vec<_> = names.iter().filter(|name| places(name, placing)).collect();
        for value in of_no_use().iter().filter(|_| !placing.is_empty()) {
            let altered = with_fields(&body, part, &placing, value);
            let unreadable = read(&file, altered.to_string().as_bytes());
            assert!(
                matches!(unreadable, Err(Unreadable::Field(_))),
                "{file}: {altered}"
            );
        }
    }
}

/// Values of which no id can be made.
fn of_no_use() -> [Value; 6] {
    let object = json!({"a": 1});
    [
        json!(null),
        json!([]),
        json!({}),
        object,
        json!(""),
        json!(true),
    ]
}

/// A vendor's names may end in a space.
fn places(name: &str, placing: &[&str]) -> bool {
    placing.contains(&name.trim())
}

fn bodies<S: Source>() -> impl Iterator<Item = (String, Value)> {
    payloads::<S>().into_iter().map(|payload| {
        let body = serde_json::from_slice(&payload.body).expect("a payload is JSON");
        (payload.file, body)
    })
}

fn names(body: &Value, part: &str) -> Vec<String> {
    let fields = body.pointer(part).and_then(Value::as_object);
    let fields = fields.expect("the part is an object");
    fields.keys().cloned().collect()
}

fn with_fields(body: &Value, part: &str, names: &[&String], value: &Value) -> Value {
    let mut body = body.clone();
    let fields = body.pointer_mut(part).and_then(Value::as_object_mut);
    let fields = fields.expect("the part is an object");
    fields.extend(names.iter().map(|name| ((*name).clone(), value.clone())));
    body
}

/// Nothing but a whole object of JSON is ever read, whichever payload it came in the place of.
pub fn what_is_no_object_is_unreadable<S: Source>(
    read: impl Fn(&str, &[u8]) -> Result<Reading, Unreadable>,
) {
    let deep = format!("{{\"a\":{}1{}}}", "[".repeat(500), "]".repeat(500));
    for Payload { file, body } in payloads::<S>() {
        let whole = body.trim_ascii();
        let cut = whole.split_last().map_or(whole, |(_, cut)| cut);
        let added_to = [whole, b"x"].concat();
        let marked = [b"\xef\xbb\xbf", whole].concat();
        let bodies: [&[u8]; 10] = [
            b"",
            b"[]",
            b"null",
            b"\"\"",
            b"1",
            b"{\"a\":\"\xff\"}",
            deep.as_bytes(),
            cut,
            &added_to,
            &marked,
        ];
        for body in bodies {
            assert!(
                matches!(read(&file, body), Err(Unreadable::Json(_))),
                "{file}: {}",
                body.escape_ascii()
            );
        }
    }
}
