//! What the crate shows to the outside: who is believed, and what the vendor's bodies come to.

use super::*;
use shared::caller::Caller;
use shared::secrets::Credentials as _;
use source_contract::{delivery, versions};

const SECRET: &str = r#"{"token":"3tQ9cTnVb2"}"#;

/// The fields that tell what a body is about.
const PLACING: [&str; 1] = ["TestInvitationId"];

fn call(token: Option<&str>, body: &[u8]) -> Call {
    source_contract::call(token.map(|token| (TOKEN, token)), [], body)
}

fn refused(token: Option<&str>, secret: &str) -> Unauthenticated {
    call(token, b"{}")
        .authenticate(&Imocha, &versions(secret))
        .unwrap_err()
}

fn read(body: &[u8]) -> Result<Reading, Unreadable> {
    let call = call(Some("3tQ9cTnVb2"), body)
        .authenticate(&Imocha, &versions(SECRET))
        .unwrap();
    Imocha.read(&call, &HashKey::default())
}

#[test]
fn only_the_whole_token_passes() {
    assert!(read(br#"{"TestInvitationId":1}"#).is_ok());
    for wrong in [
        "3tQ9cTnVb3",
        "3tQ9cTnVb",
        "3tQ9cTnVb22",
        "3TQ9cTnVb2",
        " 3tQ9cTnVb2",
    ] {
        assert_eq!(
            refused(Some(wrong), SECRET),
            Unauthenticated::Wrong,
            "{wrong}"
        );
    }
    assert_eq!(refused(None, SECRET), Unauthenticated::Absent);
    assert_eq!(refused(Some(""), SECRET), Unauthenticated::Absent);
}

#[test]
fn an_empty_secret_lets_nobody_in() {
    for secret in [r#"{"token":""}"#, "{}"] {
        assert!(versions::<Credentials>(secret).current.is_empty());
        for token in [None, Some(""), Some("x")] {
            assert_eq!(refused(token, secret), Unauthenticated::Off);
        }
    }
}

#[test]
fn the_previous_version_passes_until_it_is_retired() {
    let mut versions = versions(r#"{"token":"new"}"#);
    versions.previous = serde_json::from_str(SECRET).ok();
    let call = || call(Some("3tQ9cTnVb2"), b"{}");
    assert!(call().authenticate(&Imocha, &versions).is_ok());
    versions.previous = None;
    assert!(call().authenticate(&Imocha, &versions).is_err());
}

#[test]
fn the_token_is_shown_to_nobody() {
    assert!(!format!("{:?}", versions::<Credentials>(SECRET)).contains("3tQ9"));
}

#[test]
fn a_callback_of_nothing_is_unreadable() {
    assert!(matches!(
        read(b"{}"),
        Err(Unreadable::Field("TestInvitationId"))
    ));
}

#[test]
fn what_the_vendor_would_call_is_believed() {
    let odd = versions(r#"{"token":"a/b?c d"}"#).current;
    let endpoint = Imocha::endpoints(&odd).remove(0);
    assert_eq!(
        (endpoint.version, endpoint.path.as_str()),
        ("", "/webhooks/imocha/a%2Fb%3Fc%20d")
    );
    assert!(endpoint.headers.is_empty());
    let call = Imocha::call(&odd, delivery("")).unwrap();
    assert_eq!(call.path, endpoint.path);
}

#[test]
fn no_call_is_made_without_a_credential_or_of_an_unknown_version() {
    source_contract::no_call_is_made_without_a_credential_or_of_an_unknown_version::<Imocha>(
        SECRET,
    );
}

#[test]
fn every_payload_comes_to_what_was_reviewed() {
    source_contract::every_payload_comes_to_what_was_reviewed::<Imocha>(|_, body| read(body));
}

#[test]
fn what_is_no_object_is_unreadable() {
    source_contract::what_is_no_object_is_unreadable::<Imocha>(|_, body| read(body));
}

#[test]
fn no_value_in_any_field_stops_the_reading() {
    source_contract::no_value_in_any_field_stops_the_reading::<Imocha>("", &PLACING, |_, body| {
        read(body)
    });
}

#[test]
fn a_payload_that_nothing_places_is_unreadable() {
    source_contract::a_payload_that_nothing_places_is_unreadable::<Imocha>(
        "",
        &PLACING,
        |_, body| read(body),
    );
}
