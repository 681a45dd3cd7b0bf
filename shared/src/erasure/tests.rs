use super::*;
use crate::event::{Assessment, Status};
use crate::secrets::SecretText;
use proptest::prelude::*;

fn people() -> HashKey {
    SecretText::from("k".to_owned()).into()
}

fn ada() -> Person {
    Person::by_email(" Ada.L+1@Example.COM ", &people()).unwrap()
}

fn candidate(email: Option<&str>, external_id: Option<&str>) -> Candidate {
    Candidate {
        email: email.map(str::to_owned),
        external_id: external_id.map(str::to_owned),
        ..Candidate::default()
    }
}

#[test]
fn a_person_is_one_however_the_address_is_written() {
    for written in ["ada.l+1@example.com", " ADA.L+1@example.com\n"] {
        assert!(ada().is(&candidate(Some(written), None)), "{written}");
        let key = Person::by_email(written, &people()).unwrap().key;
        assert_eq!(key, ada().key());
        let keys = keys_of(&candidate(Some(written), None), &people());
        assert!(keys.contains(&key));
    }
    // Some companies use the address as their own id.
    assert!(ada().is(&candidate(None, Some("ada.l+1@example.com"))));
    assert!(!ada().is(&candidate(Some("ada.l@example.com"), Some("7"))));
    assert!(!ada().is(&Candidate::default()));
    assert!(keys_of(&Candidate::default(), &people()).is_empty());
}

#[test]
fn what_is_no_address_is_refused_and_not_quoted() {
    for text in ["", "ada", "@example.com", "ada@", "ada l@example.com"] {
        let error = Person::by_email(text, &people()).unwrap_err();
        assert_eq!(error.to_string(), "that is no e-mail address");
    }
    assert_eq!(Person::by_external_id(" ", &people()).unwrap_err(), EmptyId);
}

#[test]
fn an_address_is_found_in_a_body_as_it_is_as_json_and_as_a_link() {
    for body in [
        r#"{"email":"ada.l+1@example.com"}"#,
        r#"{"email":"Ada.L\u002B1\u0040example.com"}"#,
        "https://x.example/?email%3Dada.l%2B1%40example.com&x=1",
        "Write to 'ada.l+1@example.com'.",
        "\u{fffd}ada.l+1@example.com\u{0}",
        "<ada.l+1@example.com>, eve@example.com",
        r#"{"note":"Contact:\nada.l+1@example.com\r\n"}"#,
        r#"{"note":"\tada.l+1@example.com"}"#,
        r#"{"note":"\"ada.l+1@example.com\" \/"}"#,
        r#"{"json":"{\"note\":\"\\nada.l+1\\u0040example.com\"}"}"#,
        r"C:\users\ada.l+1@example.com",
    ] {
        assert!(ada().is_named_in(body.as_bytes()), "{body}");
    }
    for body in [
        "",
        "@",
        "l+1@example.com",
        "xada.l+1@example.com",
        "ada.l+1@example.com.au",
        "ada.l+1@example.community",
        "ada.l+1 @example.com",
    ] {
        assert!(!ada().is_named_in(body.as_bytes()), "{body}");
    }
}

#[test]
fn an_address_of_an_odd_kind_is_found_as_well() {
    let odd = Person::by_email("\"ada|l\"@example.com", &people()).unwrap();
    assert!(odd.is_named_in(b"mail \"ADA|l\"@example.com"));
    let umlaut = Person::by_email("JÖRG@exämple.com", &people()).unwrap();
    assert!(umlaut.is_named_in("an jörg@exämple.com.".as_bytes()));
}

#[test]
fn an_id_is_not_looked_for_in_a_text() {
    let person = Person::by_external_id("42", &people()).unwrap();
    assert!(!person.is_named_in(b"42"));
    assert!(person.is(&candidate(None, Some("42"))));
}

#[test]
fn of_an_erased_event_is_left_that_it_came() {
    let mut event = Event::of_attempt("7".into(), Some(Status::Completed), None);
    event.candidate = Some(candidate(Some("ada.l+1@example.com"), None));
    let left = serde_json::to_value(erased(&event)).unwrap();
    let expected = serde_json::json!({ "kind": "erased", "attempt": "7", "order": "progress" });
    assert_eq!(left, expected);
}

#[test]
fn an_event_about_someone_else_loses_the_texts_that_name_the_person_alone() {
    let mut event = Event::of_attempt("ada.l+1@example.com".into(), Some(Status::Completed), None);
    event.candidate = Some(candidate(Some("eve@example.com"), None));
    event.assessment = Some(Assessment {
        id: "a".into(),
        title: Some("Rust".into()),
    });
    event.details.insert(
        "parts".into(),
        serde_json::json!([{ "by": "see Ada.L+1@example.com", "score": 3 }, "fine"]),
    );
    let left = ada().gone_from(&event).unwrap();
    let parts = serde_json::json!([{ "by": "[erased]", "score": 3 }, "fine"]);
    assert_eq!(left.details["parts"], parts);
    assert_eq!(left.attempt, event.attempt, "an event stays where it lies");
    assert_eq!(left.status, event.status);
    assert!(left.candidate == event.candidate);
    event.details.clear();
    assert_eq!(ada().gone_from(&event), None);
}

#[test]
fn debug_shows_the_hash_alone() {
    assert_eq!(format!("{:?}", ada()), format!("Person({})", ada().key()));
}

proptest! {
    #[test]
    fn an_address_between_other_things_is_found(
        local in "[a-z0-9]([a-z0-9._+-]{0,8}[a-z0-9])?", domain in "[a-z0-9]{1,8}\\.[a-z]{2,4}",
        before in "(.*([ \":<,;{(]|\\\\[nrtbf]))?", after in "([ \">,;})].*)?",
    ) {
        let address = format!("{local}@{domain}");
        let person = Person::by_email(&address, &people()).unwrap();
        let text = format!("{before}{address}{after}");
        prop_assert!(person.is_named_in(text.as_bytes()), "{text}");
    }

    #[test]
    fn no_bytes_are_too_odd_to_be_looked_at(bytes: Vec<u8>) {
        prop_assert!(addresses(&bytes, usize::MAX).iter().all(|it| it.contains('@')));
    }
}
