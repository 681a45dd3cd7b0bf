//! What the crate shows to the outside: who is believed, and what the vendor's bodies come to.

use super::*;
use serde_json::json;
use shared::caller::{Caller, Delivery};
use shared::secrets::Credentials as _;
use source_contract::{Payload, delivery, now, payloads, versions};
use std::collections::BTreeMap;

const SECRET: &str =
    r#"{"token":"3tQ9cTnVb2","signing_secret":"whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw"}"#;

/// The fields of `data` that tell what a payload is about.
const PLACING: [&str; 3] = ["assessmentId", "email", "candidate"];

fn people() -> HashKey {
    SecretText::from("the same in every test".to_owned()).into()
}

fn call(token: Option<&str>, headers: &BTreeMap<String, String>, body: &[u8]) -> Call {
    let path = token.map(|token| (TOKEN, token));
    let headers = headers
        .iter()
        .map(|(name, value)| (name.as_str(), value.as_str()));
    source_contract::call(path, headers, body)
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
        let credentials: Credentials = versions(&secret).current;
        assert!(credentials.is_empty(), "{signing_secret}");
        let signed = v2_call(SECRET, "msg_1", b"{}");
        assert_eq!(believed(signed, &secret), Err(Unauthenticated::Off));
        assert!(Testlify::endpoints(&credentials).is_empty());
    }
    assert!(versions::<Credentials>("{}").current.is_empty());
    assert!(!versions::<Credentials>(SECRET).current.is_empty());
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
    let shown = format!("{:?}", versions::<Credentials>(SECRET));
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
fn no_personal_data_stands_in_a_key() {
    for Payload { file, body } in payloads::<Testlify>() {
        if let Reading::Event(event) = read(&body).unwrap() {
            let attempt = event.attempt.unwrap_or_default();
            assert!(
                !attempt.contains('@') && !attempt.contains("example"),
                "{file}: {attempt}"
            );
        }
    }
}

#[test]
fn no_call_is_made_without_a_credential_or_of_an_unknown_version() {
    source_contract::no_call_is_made_without_a_credential_or_of_an_unknown_version::<Testlify>(
        SECRET,
    );
}

#[test]
fn every_payload_comes_to_what_was_reviewed() {
    source_contract::every_payload_comes_to_what_was_reviewed::<Testlify>(|_, body| read(body));
}

#[test]
fn what_is_no_object_is_unreadable() {
    source_contract::what_is_no_object_is_unreadable::<Testlify>(|_, body| read(body));
}

#[test]
fn no_value_in_any_field_stops_the_reading() {
    source_contract::no_value_in_any_field_stops_the_reading::<Testlify>(
        "/data",
        &PLACING,
        |_, body| read(body),
    );
}

#[test]
fn a_payload_that_nothing_places_is_unreadable() {
    source_contract::a_payload_that_nothing_places_is_unreadable::<Testlify>(
        "/data",
        &PLACING,
        |_, body| read(body),
    );
}
