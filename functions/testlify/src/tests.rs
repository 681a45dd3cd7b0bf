//! What the crate shows to the outside: who is believed, and what the vendor's bodies come to.

use super::*;
use http::{HeaderMap, HeaderName};
use serde_json::{Value, json};
use shared::caller::{Caller, CallerError, Delivery};
use shared::secrets::{Credentials as _, Versions};
use shared::timestamp::Timestamp;
use std::collections::{BTreeMap, HashMap};
use std::path::Path;

const SECRET: &str =
    r#"{"token":"3tQ9cTnVb2","signing_secret":"whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw"}"#;

fn versions(secret: &str) -> Versions<Credentials> {
    Versions {
        current: serde_json::from_str(secret).unwrap(),
        previous: None,
    }
}

fn now() -> Timestamp {
    Timestamp::parse("2026-01-15T10:00:00Z").unwrap()
}

fn people() -> HashKey {
    SecretText::from("the same in every test".to_owned()).into()
}

fn call(token: Option<&str>, headers: &BTreeMap<String, String>, body: &[u8]) -> Call {
    let mut map = HeaderMap::new();
    for (name, value) in headers {
        let name = HeaderName::from_bytes(name.as_bytes()).unwrap();
        map.append(name, value.parse().unwrap());
    }
    Call {
        headers: map,
        path: HashMap::from_iter(token.map(|token| (TOKEN.to_owned(), token.to_owned()))),
        body: body.to_vec().into(),
        received: now(),
        correlation_id: "request".into(),
    }
}

fn v1_call(token: Option<&str>) -> Call {
    call(token, &BTreeMap::new(), b"{}")
}

fn v2_call(secret: &str, id: &str, body: &[u8]) -> Call {
    let delivery = Delivery {
        body,
        id,
        ..delivery("v2")
    };
    let signed = Testlify::call(&versions(secret).current, delivery).unwrap();
    call(None, &signed.headers, body)
}

fn believed(call: Call, secret: &str) -> Result<(), Unauthenticated> {
    call.authenticate(&Testlify, &versions(secret)).map(|_| ())
}

fn read(body: &[u8]) -> Result<Reading, Unreadable> {
    let call = v2_call(SECRET, "msg_1", body);
    let call = call.authenticate(&Testlify, &versions(SECRET)).unwrap();
    Testlify.read(&call, &people())
}

#[test]
fn only_the_whole_token_of_version_1_passes() {
    assert_eq!(believed(v1_call(Some("3tQ9cTnVb2")), SECRET), Ok(()));
    for wrong in ["3tQ9cTnVb3", "3tQ9cTnVb", "3tQ9cTnVb22", "3TQ9cTnVb2"] {
        let cause = Err(Unauthenticated::Wrong);
        assert_eq!(believed(v1_call(Some(wrong)), SECRET), cause, "{wrong}");
    }
    assert_eq!(
        believed(v1_call(Some("")), SECRET),
        Err(Unauthenticated::Absent)
    );
}

#[test]
fn version_2_passes_with_its_signature_only() {
    assert_eq!(believed(v2_call(SECRET, "msg_1", b"{}"), SECRET), Ok(()));
    assert_eq!(
        believed(v1_call(None), SECRET),
        Err(Unauthenticated::Absent)
    );
    let mut altered = v2_call(SECRET, "msg_1", b"{}");
    altered.body = b"{ }".to_vec().into();
    assert_eq!(believed(altered, SECRET), Err(Unauthenticated::Wrong));
    let another = r#"{"signing_secret":"whsec_AAAA"}"#;
    assert_eq!(
        believed(v2_call(another, "msg_1", b"{}"), SECRET),
        Err(Unauthenticated::Wrong)
    );
    let mut late = v2_call(SECRET, "msg_1", b"{}");
    late.received = now().plus(std::time::Duration::from_secs(301));
    assert_eq!(believed(late, SECRET), Err(Unauthenticated::Stale));
}

#[test]
fn a_signature_is_worth_nothing_on_the_path_of_version_1() {
    let mut signed = v2_call(SECRET, "msg_1", b"{}");
    signed.path.insert(TOKEN.into(), "wrong".into());
    assert_eq!(believed(signed, SECRET), Err(Unauthenticated::Wrong));
}

#[test]
fn a_version_without_a_credential_is_off_and_the_other_is_not() {
    let only_v1 = r#"{"token":"3tQ9cTnVb2","signing_secret":""}"#;
    assert_eq!(believed(v1_call(Some("3tQ9cTnVb2")), only_v1), Ok(()));
    let signed = || v2_call(SECRET, "msg_1", b"{}");
    assert_eq!(believed(signed(), only_v1), Err(Unauthenticated::Off));
    let only_v2 = r#"{"signing_secret":"whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw"}"#;
    assert_eq!(believed(signed(), only_v2), Ok(()));
    for token in ["", "3tQ9cTnVb2"] {
        assert_eq!(
            believed(v1_call(Some(token)), only_v2),
            Err(Unauthenticated::Off)
        );
    }
}

#[test]
fn a_signing_secret_that_is_no_key_lets_nobody_in() {
    for signing_secret in ["whsec_", "whsec_====", "whsec_not base64!", " "] {
        let secret = json!({"signing_secret": signing_secret}).to_string();
        assert!(versions(&secret).current.is_empty(), "{signing_secret}");
        let signed = v2_call(SECRET, "msg_1", b"{}");
        assert_eq!(believed(signed, &secret), Err(Unauthenticated::Off));
        assert!(Testlify::endpoints(&versions(&secret).current).is_empty());
    }
    assert!(versions("{}").current.is_empty());
    assert!(!versions(SECRET).current.is_empty());
}

#[test]
fn the_previous_version_of_either_credential_passes_until_it_is_retired() {
    let mut versions = versions(r#"{"token":"new","signing_secret":"whsec_AAAA"}"#);
    versions.previous = serde_json::from_str(SECRET).ok();
    let calls = || [v1_call(Some("3tQ9cTnVb2")), v2_call(SECRET, "msg_1", b"{}")];
    assert!(
        calls()
            .into_iter()
            .all(|call| call.authenticate(&Testlify, &versions).is_ok())
    );
    versions.previous = None;
    assert!(
        calls()
            .into_iter()
            .all(|call| call.authenticate(&Testlify, &versions).is_err())
    );
}

#[test]
fn credentials_are_shown_to_nobody() {
    let shown = format!("{:?}", versions(SECRET));
    assert!(
        !shown.contains("3tQ9") && !shown.contains("MfKQ"),
        "{shown}"
    );
}

#[test]
fn a_retry_has_the_same_key_and_another_delivery_of_the_body_has_not() {
    let key = |call: Call| {
        let call = call.authenticate(&Testlify, &versions(SECRET)).unwrap();
        Testlify.event_key(&call)
    };
    assert_eq!(
        key(v2_call(SECRET, "msg_1", b"{}")),
        EventKey::from_delivery_id("msg_1")
    );
    assert_ne!(
        key(v2_call(SECRET, "msg_1", b"{}")),
        key(v2_call(SECRET, "msg_2", b"{}"))
    );
    let of_body = EventKey::from_body(None, b"{}");
    assert_eq!(key(v1_call(Some("3tQ9cTnVb2"))), of_body);
    // Nobody vouches for an id that comes with version 1.
    let mut with_headers = v2_call(SECRET, "msg_1", b"{}");
    with_headers.path.insert(TOKEN.into(), "3tQ9cTnVb2".into());
    assert_eq!(key(with_headers), of_body);
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
        b"{\"type\":\"candidate\"",
        b"\xef\xbb\xbf{}",
        b"{\"type\":\"\xff\"}",
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
    let credentials = versions(SECRET).current;
    let endpoints = Testlify::endpoints(&credentials);
    let paths: Vec<_> = endpoints
        .iter()
        .map(|it| (it.version, it.path.as_str()))
        .collect();
    assert_eq!(
        paths,
        [
            ("v1", "/webhooks/testlify/3tQ9cTnVb2"),
            ("v2", "/webhooks/testlify")
        ]
    );
    for endpoint in &endpoints {
        assert!(endpoint.headers.is_empty());
        let vendor = Testlify::call(&credentials, delivery(endpoint.version)).unwrap();
        assert_eq!(vendor.path, endpoint.path);
        let token = vendor.path.strip_prefix("/webhooks/testlify/");
        assert_eq!(
            believed(call(token, &vendor.headers, b"{}"), SECRET),
            Ok(())
        );
    }
    let odd: Credentials = serde_json::from_str(r#"{"token":"a/b c"}"#).unwrap();
    assert_eq!(
        Testlify::endpoints(&odd)[0].path,
        "/webhooks/testlify/a%2Fb%20c"
    );
}

#[test]
fn no_call_is_made_without_a_credential_or_of_an_unknown_version() {
    let none = versions("{}").current;
    for version in ["v1", "v2"] {
        let call = Testlify::call(&none, delivery(version));
        assert!(
            matches!(call, Err(CallerError::NoCredential { version: it, .. }) if it == version)
        );
    }
    for version in ["", "v3"] {
        let call = Testlify::call(&versions(SECRET).current, delivery(version));
        assert!(matches!(call, Err(CallerError::UnknownVersion { .. })));
    }
}

fn delivery(version: &str) -> Delivery<'_> {
    Delivery {
        version,
        body: b"{}",
        sent: now(),
        id: "msg_1",
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
        .join(Testlify::NAME);
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

/// A payload with one field replaced, whatever is put there, is read unless the field names the attempt.
#[test]
fn no_value_in_any_field_stops_the_reading() {
    for (file, body) in payloads() {
        let body: Value = serde_json::from_slice(&body).unwrap();
        for name in body["data"].as_object().unwrap().keys() {
            for value in [
                json!(null),
                json!([]),
                json!({"a": 1}),
                json!(""),
                json!(true),
                json!(-1),
            ] {
                let mut altered = body.clone();
                altered["data"][name] = value;
                let readable = read(altered.to_string().as_bytes()).is_ok();
                let placing = ["assessmentId", "email", "candidate"].contains(&name.as_str());
                assert!(readable || placing, "{file}: {altered}");
            }
        }
    }
}

#[test]
fn no_personal_data_stands_in_a_key() {
    for (file, body) in payloads() {
        if let Reading::Event(event) = read(&body).unwrap() {
            let attempt = event.attempt.unwrap_or_default();
            assert!(
                !attempt.contains('@') && !attempt.contains("example"),
                "{file}: {attempt}"
            );
        }
    }
}
