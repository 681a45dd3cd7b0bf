//! What the crate shows to the outside: who is believed, and what the vendor's bodies come to.

use super::*;
use http::{HeaderMap, HeaderName};
use serde_json::{Value, json};
use shared::caller::{Caller, CallerError, Delivery};
use shared::secrets::{Credentials as _, Versions};
use shared::timestamp::Timestamp;
use std::collections::HashMap;
use std::path::Path;

const SECRET: &str = r#"{"token":"3tQ9cTnVb2"}"#;

fn versions(secret: &str) -> Versions<Credentials> {
    Versions {
        current: serde_json::from_str(secret).unwrap(),
        previous: None,
    }
}

fn now() -> Timestamp {
    Timestamp::parse("2026-01-15T10:00:00Z").unwrap()
}

fn call(headers: &[(&str, &str)], body: &[u8]) -> Call {
    let mut map = HeaderMap::new();
    for (name, value) in headers {
        let name = HeaderName::from_bytes(name.as_bytes()).unwrap();
        map.append(name, value.parse().unwrap());
    }
    Call {
        headers: map,
        path: HashMap::new(),
        body: body.to_vec().into(),
        received: now(),
        correlation_id: "request".into(),
    }
}

fn believed(headers: &[(&str, &str)], secret: &str) -> Result<(), Unauthenticated> {
    let call = call(headers, b"{}").authenticate(&Jobmojito, &versions(secret));
    call.map(|_| ())
}

fn read(body: &[u8]) -> Result<Reading, Unreadable> {
    let call = call(&[("x-webhook-token", "3tQ9cTnVb2")], body)
        .authenticate(&Jobmojito, &versions(SECRET))
        .unwrap();
    Jobmojito.read(&call, &HashKey::default())
}

#[test]
fn only_the_whole_token_in_its_header_passes() {
    assert_eq!(
        believed(&[("X-Webhook-Token", "3tQ9cTnVb2")], SECRET),
        Ok(())
    );
    for wrong in ["3tQ9cTnVb3", "3tQ9cTnVb", "3tQ9cTnVb22", "3TQ9cTnVb2"] {
        let headers = [("x-webhook-token", wrong)];
        assert_eq!(
            believed(&headers, SECRET),
            Err(Unauthenticated::Wrong),
            "{wrong}"
        );
    }
    for headers in [
        vec![],
        vec![("x-webhook-token", "")],
        vec![("x-token", "3tQ9cTnVb2")],
    ] {
        assert_eq!(believed(&headers, SECRET), Err(Unauthenticated::Absent));
    }
}

#[test]
fn a_header_that_is_there_twice_is_not_believed() {
    let right = ("x-webhook-token", "3tQ9cTnVb2");
    assert_eq!(
        believed(&[right, right], SECRET),
        Err(Unauthenticated::Absent)
    );
    let joined = [("x-webhook-token", "3tQ9cTnVb2,3tQ9cTnVb2")];
    assert_eq!(believed(&joined, SECRET), Err(Unauthenticated::Wrong));
}

#[test]
fn the_name_of_the_header_is_configured() {
    let secret = r#"{"header":"X-Our-Token","token":"t"}"#;
    assert_eq!(believed(&[("x-our-token", "t")], secret), Ok(()));
    assert_eq!(
        believed(&[("x-webhook-token", "t")], secret),
        Err(Unauthenticated::Absent)
    );
    for empty in [
        r#"{"header":"","token":"t"}"#,
        r#"{"header":null,"token":"t"}"#,
    ] {
        assert_eq!(believed(&[("x-webhook-token", "t")], empty), Ok(()));
    }
    let impossible = r#"{"header":"no name","token":"t"}"#;
    assert_eq!(
        believed(&[("x-webhook-token", "t")], impossible),
        Err(Unauthenticated::Absent)
    );
}

#[test]
fn an_empty_secret_lets_nobody_in() {
    for secret in [r#"{"token":""}"#, "{}"] {
        assert!(versions(secret).current.is_empty());
        for headers in [
            vec![],
            vec![("x-webhook-token", "")],
            vec![("x-webhook-token", "x")],
        ] {
            assert_eq!(believed(&headers, secret), Err(Unauthenticated::Off));
        }
    }
}

#[test]
fn the_previous_version_passes_until_it_is_retired() {
    let mut versions = versions(r#"{"header":"x-new","token":"new"}"#);
    versions.previous = serde_json::from_str(SECRET).ok();
    let call = || call(&[("x-webhook-token", "3tQ9cTnVb2")], b"{}");
    assert!(call().authenticate(&Jobmojito, &versions).is_ok());
    versions.previous = None;
    assert!(call().authenticate(&Jobmojito, &versions).is_err());
}

#[test]
fn the_token_is_shown_to_nobody() {
    assert!(!format!("{:?}", versions(SECRET)).contains("3tQ9"));
}

#[test]
fn what_is_no_object_is_unreadable() {
    let deep = format!("{{\"a\":{}1{}}}", "[".repeat(500), "]".repeat(500));
    let bodies: [&[u8]; 9] = [
        b"",
        b"[]",
        b"null",
        b"\"\"",
        b"1",
        b"{\"id\":\"1\"",
        b"\xef\xbb\xbf{\"id\":\"1\"}",
        b"{\"id\":\"\xff\"}",
        deep.as_bytes(),
    ];
    for body in bodies {
        assert!(
            matches!(read(body), Err(Unreadable::Json(_))),
            "{}",
            body.escape_ascii()
        );
    }
}

#[test]
fn what_the_vendor_would_call_is_believed() {
    for secret in [SECRET, r#"{"header":"X-Our-Token","token":"t"}"#] {
        let credentials = versions(secret).current;
        let endpoint = Jobmojito::endpoints(&credentials).remove(0);
        assert_eq!(
            (endpoint.version, endpoint.path.as_str()),
            ("", "/webhooks/jobmojito")
        );
        let call = Jobmojito::call(&credentials, delivery("")).unwrap();
        assert_eq!(call.path, endpoint.path);
        for headers in [endpoint.headers, call.headers] {
            let headers: Vec<_> = headers
                .iter()
                .map(|(name, value)| (name.as_str(), value.as_str()))
                .collect();
            assert_eq!(believed(&headers, secret), Ok(()));
        }
    }
}

#[test]
fn no_call_is_made_without_a_credential_or_of_an_unknown_version() {
    let none = versions("{}").current;
    assert!(Jobmojito::endpoints(&none).is_empty());
    assert!(matches!(
        Jobmojito::call(&none, delivery("")),
        Err(CallerError::NoCredential { .. })
    ));
    let call = Jobmojito::call(&versions(SECRET).current, delivery("v1"));
    assert!(matches!(call, Err(CallerError::UnknownVersion { .. })));
}

fn delivery(version: &str) -> Delivery<'_> {
    Delivery {
        version,
        body: b"{}",
        sent: now(),
        id: "delivery",
    }
}

#[test]
fn every_payload_comes_to_what_was_reviewed() {
    let mut settings = insta::Settings::clone_current();
    settings.set_sort_maps(true);
    settings.set_omit_expression(true);
    settings.set_prepend_module_to_snapshot(false);
    let payloads = payloads();
    assert!(!payloads.is_empty());
    for (name, body) in payloads {
        let said = match read(&body).unwrap() {
            Reading::Event(event) => serde_json::to_value(event).unwrap(),
            Reading::Ping => json!("ping"),
        };
        settings.bind(|| insta::assert_json_snapshot!(name.as_str(), said));
    }
}

/// Every body that the vendor is known to send, by the name of its file.
fn payloads() -> Vec<(String, Vec<u8>)> {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR"))
        .join("../../events")
        .join(Jobmojito::NAME);
    let mut payloads: Vec<_> = std::fs::read_dir(folder)
        .unwrap()
        .map(|entry| entry.unwrap().path())
        .filter(|path| !path.to_string_lossy().ends_with(".apigw.json"))
        .map(|path| {
            let name = path.file_stem().unwrap().to_string_lossy().into_owned();
            (name, std::fs::read(path).unwrap())
        })
        .collect();
    payloads.sort();
    payloads
}

/// A body with one field replaced, whatever is put there, is read or is not; it stops nothing.
#[test]
fn no_value_in_any_field_stops_the_reading() {
    for (file, body) in payloads() {
        let body: Value = serde_json::from_slice(&body).unwrap();
        for name in body.as_object().unwrap().keys() {
            for value in [
                json!(null),
                json!([]),
                json!({"a": 1}),
                json!(""),
                json!(true),
            ] {
                let mut altered = body.clone();
                altered[name] = value;
                let readable = read(altered.to_string().as_bytes()).is_ok();
                assert_eq!(
                    readable,
                    name != "id" && name != "record",
                    "{file}: {altered}"
                );
            }
        }
    }
}
