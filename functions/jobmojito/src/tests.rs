//! What the crate shows to the outside: who is believed, and what the vendor's bodies come to.

use super::*;
use shared::caller::Caller;
use shared::secrets::Credentials as _;
use source_contract::{delivery, versions};

const SECRET: &str = r#"{"token":"3tQ9cTnVb2"}"#;

/// The fields that tell what a body is about.
const PLACING: [&str; 2] = ["id", "record"];

fn call(headers: &[(&str, &str)], body: &[u8]) -> Call {
    source_contract::call([], headers.iter().copied(), body)
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
        assert!(versions::<Credentials>(secret).current.is_empty());
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
    assert!(!format!("{:?}", versions::<Credentials>(SECRET)).contains("3tQ9"));
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
    source_contract::no_call_is_made_without_a_credential_or_of_an_unknown_version::<Jobmojito>(
        SECRET,
    );
}

#[test]
fn every_payload_comes_to_what_was_reviewed() {
    source_contract::every_payload_comes_to_what_was_reviewed::<Jobmojito>(|_, body| read(body));
}

#[test]
fn what_is_no_object_is_unreadable() {
    source_contract::what_is_no_object_is_unreadable::<Jobmojito>(|_, body| read(body));
}

#[test]
fn no_value_in_any_field_stops_the_reading() {
    source_contract::no_value_in_any_field_stops_the_reading::<Jobmojito>(
        "",
        &PLACING,
        |_, body| read(body),
    );
}

#[test]
fn a_payload_that_nothing_places_is_unreadable() {
    source_contract::a_payload_that_nothing_places_is_unreadable::<Jobmojito>(
        "",
        &PLACING,
        |_, body| read(body),
    );
}
