//! What the crate shows to the outside: who is believed, and what the vendor's bodies come to.

use super::*;
use base64::engine::Engine;
use base64::prelude::BASE64_STANDARD;
use shared::caller::Caller;
use shared::secrets::Credentials as _;
use source_contract::{delivery, versions};

const BASIC: &str = r#"{"username":"xobin","password":"3tQ9:cTnVb2"}"#;
const API_KEY: &str = r#"{"api_key":"k-3tQ9cTnVb2"}"#;
const BOTH: &str = r#"{"username":"xobin","password":"3tQ9:cTnVb2","api_key":"k-3tQ9cTnVb2"}"#;

/// The fields that tell what a body is about.
const PLACING: [&str; 4] = ["id", "report_id", "event", "data"];

fn call(kind: &str, headers: &[(&str, &str)], body: &[u8]) -> Call {
    source_contract::call([(KIND, kind)], headers.iter().copied(), body)
}

fn believed(headers: &[(&str, &str)], secret: &str) -> Result<(), Unauthenticated> {
    let call = call("start", headers, b"{}").authenticate(&Xobin, &versions(secret));
    call.map(|_| ())
}

fn basic_header(text: &str) -> String {
    format!("Basic {}", BASE64_STANDARD.encode(text))
}

fn with_basic(text: &str, secret: &str) -> Result<(), Unauthenticated> {
    believed(&[("authorization", &basic_header(text))], secret)
}

fn authentic(kind: &str, body: &[u8]) -> AuthenticCall {
    let headers = [("x-api-key", "k-3tQ9cTnVb2")];
    call(kind, &headers, body)
        .authenticate(&Xobin, &versions(API_KEY))
        .unwrap()
}

fn read(kind: &str, body: &[u8]) -> Result<Reading, Unreadable> {
    Xobin.read(&authentic(kind, body), &HashKey::default())
}

/// The kind is what the name of the file begins with.
fn read_payload(file: &str, body: &[u8]) -> Result<Reading, Unreadable> {
    let kind = file.split_once('-').map_or(file, |(kind, _)| kind);
    read(kind, body)
}

#[test]
fn name_and_password_must_both_be_right() {
    assert_eq!(with_basic("xobin:3tQ9:cTnVb2", BASIC), Ok(()));
    for wrong in [
        "xobin:3tQ9:cTnVb3",
        "xobin:3tQ9:cTnVb",
        "xobjn:3tQ9:cTnVb2",
        "Xobin:3tQ9:cTnVb2",
        "xobin:",
        ":3tQ9:cTnVb2",
        ":",
        "xobin:3tQ9",
    ] {
        assert_eq!(
            with_basic(wrong, BASIC),
            Err(Unauthenticated::Wrong),
            "{wrong}"
        );
    }
}

#[test]
fn the_scheme_may_be_written_in_any_case_and_the_padding_be_missing() {
    let encoded = BASE64_STANDARD.encode("xobin:3tQ9:cTnVb2");
    let bare = encoded.trim_end_matches('=');
    assert_ne!(bare, encoded);
    for value in [
        format!("basic {encoded}"),
        format!("BASIC  {encoded}"),
        format!("Basic {bare}"),
    ] {
        assert_eq!(
            believed(&[("Authorization", &value)], BASIC),
            Ok(()),
            "{value}"
        );
    }
}

#[test]
fn what_is_no_basic_header_is_malformed() {
    let encoded = BASE64_STANDARD.encode("xobin:3tQ9:cTnVb2");
    let not_text = BASE64_STANDARD.encode(b"xobin:\xff");
    for value in [
        encoded.clone(),
        format!("Bearer {encoded}"),
        "Basic".into(),
        "Basic ???".into(),
        "Basic ".into(),
        format!("Basic {}", BASE64_STANDARD.encode("no colon")),
        format!("Basic {not_text}"),
        format!("Basic {encoded},Basic {encoded}"),
    ] {
        let cause = Err(Unauthenticated::Malformed);
        assert_eq!(
            believed(&[("authorization", &value)], BASIC),
            cause,
            "{value}"
        );
    }
}

#[test]
fn a_header_that_is_absent_or_there_twice_is_not_believed() {
    let value = basic_header("xobin:3tQ9:cTnVb2");
    let basic = ("authorization", value.as_str());
    let api_key = ("x-api-key", "k-3tQ9cTnVb2");
    assert_eq!(
        believed(&[basic, basic], BASIC),
        Err(Unauthenticated::Absent)
    );
    assert_eq!(
        believed(&[api_key, api_key], API_KEY),
        Err(Unauthenticated::Absent)
    );
    for secret in [BASIC, API_KEY, BOTH] {
        assert_eq!(believed(&[], secret), Err(Unauthenticated::Absent));
    }
}

#[test]
fn only_the_whole_api_key_in_its_header_passes() {
    assert_eq!(believed(&[("X-Api-Key", "k-3tQ9cTnVb2")], API_KEY), Ok(()));
    for wrong in ["k-3tQ9cTnVb3", "k-3tQ9cTnVb", "k-3tQ9cTnVb22"] {
        assert_eq!(
            believed(&[("x-api-key", wrong)], API_KEY),
            Err(Unauthenticated::Wrong)
        );
    }
    assert_eq!(
        believed(&[("x-api-key", "")], API_KEY),
        Err(Unauthenticated::Absent)
    );
    let renamed = r#"{"header":"X-Our-Key","api_key":"k"}"#;
    assert_eq!(believed(&[("x-our-key", "k")], renamed), Ok(()));
    assert_eq!(
        believed(&[("x-api-key", "k")], renamed),
        Err(Unauthenticated::Absent)
    );
    for unnamed in [
        r#"{"header":"","api_key":"k"}"#,
        r#"{"header":null,"api_key":"k"}"#,
    ] {
        assert_eq!(believed(&[("x-api-key", "k")], unnamed), Ok(()));
    }
}

#[test]
fn either_way_that_is_configured_passes() {
    assert_eq!(with_basic("xobin:3tQ9:cTnVb2", BOTH), Ok(()));
    assert_eq!(believed(&[("x-api-key", "k-3tQ9cTnVb2")], BOTH), Ok(()));
    assert_eq!(with_basic("xobin:wrong", BOTH), Err(Unauthenticated::Wrong));
    assert_eq!(
        believed(&[("x-api-key", "wrong")], BOTH),
        Err(Unauthenticated::Wrong)
    );
    let wrong = basic_header("xobin:wrong");
    let one_wrong = [
        ("authorization", wrong.as_str()),
        ("x-api-key", "k-3tQ9cTnVb2"),
    ];
    assert_eq!(believed(&one_wrong, BOTH), Ok(()));
}

#[test]
fn one_way_does_not_open_the_other() {
    assert_eq!(
        believed(&[("x-api-key", "3tQ9:cTnVb2")], BASIC),
        Err(Unauthenticated::Absent)
    );
    assert_eq!(
        with_basic("xobin:k-3tQ9cTnVb2", API_KEY),
        Err(Unauthenticated::Absent)
    );
}

#[test]
fn an_empty_secret_lets_nobody_in() {
    for secret in [
        "{}",
        r#"{"username":"","password":"","api_key":""}"#,
        r#"{"username":"xobin","password":""}"#,
        r#"{"username":"","password":"p"}"#,
    ] {
        let credentials: Credentials = versions(secret).current;
        assert!(credentials.is_empty(), "{secret}");
        for text in [":", "xobin:", ":p", ""] {
            assert_eq!(with_basic(text, secret), Err(Unauthenticated::Off));
        }
        assert_eq!(
            believed(&[("x-api-key", "")], secret),
            Err(Unauthenticated::Off)
        );
    }
}

#[test]
fn the_previous_version_passes_until_it_is_retired() {
    let value = basic_header("xobin:3tQ9:cTnVb2");
    let call = || call("start", &[("authorization", &value)], b"{}");
    let mut versions = versions(API_KEY);
    versions.previous = serde_json::from_str(BASIC).ok();
    assert!(call().authenticate(&Xobin, &versions).is_ok());
    versions.previous = None;
    assert!(call().authenticate(&Xobin, &versions).is_err());
}

#[test]
fn credentials_are_shown_to_nobody() {
    assert!(!format!("{:?}", versions::<Credentials>(BOTH)).contains("3tQ9"));
}

#[test]
fn one_body_of_two_kinds_is_two_events() {
    let key = |kind| Xobin.event_key(&authentic(kind, b"{}"));
    assert_eq!(key("start"), EventKey::from_body(Some("start"), b"{}"));
    assert_ne!(key("start"), key("submission"));
}

#[test]
fn the_kind_of_a_stored_event_is_told_by_its_key() {
    for kind in KINDS {
        let key = Xobin.event_key(&authentic(kind, b"{}"));
        let path = Xobin.path_of_stored(&key, b"{}");
        assert_eq!(path.get(KIND).map(String::as_str), Some(kind));
    }
    let key = Xobin.event_key(&authentic("of tomorrow", b"{}"));
    assert!(Xobin.path_of_stored(&key, b"{}").is_empty());
}

#[test]
fn what_the_vendor_would_call_is_believed() {
    for secret in [BASIC, API_KEY, BOTH] {
        let credentials = versions(secret).current;
        let endpoints = Xobin::endpoints(&credentials);
        let names = endpoints.iter().map(|it| it.version);
        assert!(names.eq(["start", "submission", "updates"]));
        for endpoint in endpoints {
            let call = Xobin::call(&credentials, delivery(endpoint.version)).unwrap();
            assert_eq!(
                endpoint.path,
                format!("/webhooks/xobin/{}", endpoint.version)
            );
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
}

#[test]
fn no_call_is_made_without_a_credential_or_of_an_unknown_version() {
    source_contract::no_call_is_made_without_a_credential_or_of_an_unknown_version::<Xobin>(BOTH);
}

#[test]
fn every_payload_comes_to_what_was_reviewed() {
    source_contract::every_payload_comes_to_what_was_reviewed::<Xobin>(read_payload);
}

#[test]
fn what_is_no_object_is_unreadable() {
    source_contract::what_is_no_object_is_unreadable::<Xobin>(read_payload);
}

#[test]
fn no_value_in_any_field_stops_the_reading() {
    source_contract::no_value_in_any_field_stops_the_reading::<Xobin>("", &PLACING, read_payload);
}

#[test]
fn a_payload_that_nothing_places_is_unreadable() {
    source_contract::a_payload_that_nothing_places_is_unreadable::<Xobin>(
        "",
        &PLACING,
        read_payload,
    );
}
