//! What the crate shows to the outside: who is believed, and what the vendor's bodies come to.

use super::*;
use serde_json::{Value, json};
use shared::caller::{Caller, CallerError, Delivery};
use shared::secrets::{Credentials as _, Versions};
use shared::timestamp::Timestamp;
use std::collections::HashMap;
use std::path::Path;

const SECRET: &str = r#"{"token":"3tQ9cTnVb2"}"#;

fn credentials(secret: &str) -> Credentials {
    serde_json::from_str(secret).unwrap()
}

fn now() -> Timestamp {
    Timestamp::parse("2026-01-15T10:00:00Z").unwrap()
}

fn call(token: Option<&str>, body: &[u8]) -> Call {
    let parts = token.map(|token| (TOKEN.to_owned(), token.to_owned()));
    Call {
        headers: http::HeaderMap::new(),
        path: HashMap::from_iter(parts),
        body: body.to_vec().into(),
        received: now(),
        correlation_id: "request".into(),
    }
}

fn refused(token: Option<&str>, secret: &str) -> Unauthenticated {
    let versions = Versions {
        current: credentials(secret),
        previous: None,
    };
    call(token, b"{}")
        .authenticate(&Imocha, &versions)
        .unwrap_err()
}

fn read(body: &[u8]) -> Result<Reading, Unreadable> {
    let versions = Versions {
        current: credentials(SECRET),
        previous: None,
    };
    let call = call(Some("3tQ9cTnVb2"), body)
        .authenticate(&Imocha, &versions)
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
        assert!(credentials(secret).is_empty());
        for token in [None, Some(""), Some("x")] {
            assert_eq!(refused(token, secret), Unauthenticated::Off);
        }
    }
}

#[test]
fn the_previous_version_passes_until_it_is_retired() {
    let mut versions = Versions {
        current: credentials(r#"{"token":"new"}"#),
        previous: Some(credentials(SECRET)),
    };
    let call = || call(Some("3tQ9cTnVb2"), b"{}");
    assert!(call().authenticate(&Imocha, &versions).is_ok());
    versions.previous = None;
    assert!(call().authenticate(&Imocha, &versions).is_err());
}

#[test]
fn the_token_is_shown_to_nobody() {
    assert!(!format!("{:?}", credentials(SECRET)).contains("3tQ9"));
}

#[test]
fn what_is_no_object_is_unreadable() {
    let deep = format!("{{\"a\":{}1{}}}", "[".repeat(500), "]".repeat(500));
    let bodies: [&[u8]; 10] = [
        b"",
        b"[]",
        b"null",
        b"\"\"",
        b"1",
        b"{\"TestInvitationId\":1",
        b"{\"TestInvitationId\":1}x",
        b"\xef\xbb\xbf{\"TestInvitationId\":1}",
        b"{\"TestInvitationId\":1,\"Status\":\"\xff\"}",
        deep.as_bytes(),
    ];
    for body in bodies {
        assert!(
            matches!(read(body), Err(Unreadable::Json(_))),
            "{}",
            body.escape_ascii()
        );
    }
    assert!(matches!(
        read(b"{}"),
        Err(Unreadable::Field("TestInvitationId"))
    ));
}

#[test]
fn what_the_vendor_would_call_is_believed() {
    let odd = credentials(r#"{"token":"a/b?c d"}"#);
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
    let none = credentials("{}");
    assert!(Imocha::endpoints(&none).is_empty());
    assert!(matches!(
        Imocha::call(&none, delivery("")),
        Err(CallerError::NoCredential { .. })
    ));
    let call = Imocha::call(&credentials(SECRET), delivery("v1"));
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
        .join(Imocha::NAME);
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
    let (_, body) = payloads().remove(0);
    let body: Value = serde_json::from_slice(&body).unwrap();
    for name in body.as_object().unwrap().keys() {
        for value in [
            json!(null),
            json!([]),
            json!({}),
            json!(-1),
            json!("x"),
            json!(true),
        ] {
            let mut altered = body.clone();
            altered[name] = value;
            let readable = read(altered.to_string().as_bytes()).is_ok();
            assert_eq!(readable, name != "TestInvitationId", "{altered}");
        }
    }
}
