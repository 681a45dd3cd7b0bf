//! What is authentic is accepted and can be read back byte for byte, however odd it is, and in every way in.

use crate::ways;
use crate::wrappings::{base64, gzip, utf_16};
use bytes::Bytes;
use imocha_webhook::Imocha;
use serde_json::{Value, json};
use shared::event::Status;
use tests::stage::{Stage, accepted, payload};
use tests::vendors::{Ready, deliver, endpoints};

const MEBIBYTE: usize = 1024 * 1024;

fn noise(length: usize) -> Bytes {
    let mut bytes = vec![0; length];
    fastrand::Rng::with_seed(7).fill(&mut bytes);
    bytes.into()
}

/// Another body, made of an ordinary one.
type Make = fn(&[u8]) -> Vec<u8>;

/// What an attacker would send to break a reader, and what a vendor or a proxy may send by mistake: how it is made of an ordinary
/// body, and what the caller is told, where it is not told what an ordinary one is.
const ODD: [(&str, Make, Option<&str>); 9] = [
    ("the JSON written anew", anew, None),
    (
        "truncated",
        |body| body[..body.len() / 2].to_vec(),
        Some("unreadable"),
    ),
    (
        "the last brace missing",
        |body| body.trim_ascii_end()[..body.trim_ascii_end().len() - 1].to_vec(),
        Some("unreadable"),
    ),
    ("twice", |body| [body, body].concat(), Some("unreadable")),
    (
        "in UTF-16",
        |body| utf_16(body, "", u16::to_le_bytes),
        Some("unreadable"),
    ),
    (
        "after a byte order mark",
        |body| [b"\xef\xbb\xbf", body].concat(),
        Some("unreadable"),
    ),
    ("compressed", gzip, Some("unreadable")),
    (
        "in base64",
        |body| base64(body).into_bytes(),
        Some("unreadable"),
    ),
    (
        "bytes that are no text",
        |body| [body, b"\xff\x00"].concat(),
        Some("unreadable"),
    ),
];

/// With other spaces, and letters written as escapes.
fn anew(body: &[u8]) -> Vec<u8> {
    let json: Value = serde_json::from_slice(body).unwrap();
    let text = serde_json::to_string_pretty(&json).unwrap();
    text.replace("@example", "\\u0040example").into_bytes()
}

async fn kept(stage: &Stage, call: &Ready, what: &str) -> String {
    let (outcome, id) = accepted(call.post(stage).await).await;
    let event = stage.event(&id).await.unwrap();
    let body = stage.table.event_body(&event).await.unwrap();
    assert_eq!(body, call.body, "{what}");
    outcome
}

#[tokio::test]
async fn what_is_odd_and_authentic_is_kept_byte_for_byte_in_every_way_in() {
    let stage = ways::stage().await;
    for way in ways::all(&stage).await {
        let ordinary = way.right(stage.clock.now()).body;
        for (number, (what, make, told)) in ODD.into_iter().enumerate() {
            let what = format!("{}: {what}", way.name);
            let call = way.carrying(stage.clock.now(), &format!("odd_{number}"), make(&ordinary));
            let outcome = kept(&stage, &call, &what).await;
            let told = told.map_or_else(|| vec!["accepted", "duplicate"], |told| vec![told]);
            assert!(told.contains(&outcome.as_str()), "{what}: {outcome}");
        }
    }
    stage.settled().await;
    assert_eq!(stage.dead().await, 0);
}

#[tokio::test]
async fn what_is_authentic_is_kept_byte_for_byte_whatever_it_is() {
    let stage = Stage::new().await;
    let deep = format!("{}1{}", "[".repeat(10_000), "]".repeat(10_000));
    let bodies: Vec<(&str, Bytes, &str)> = vec![
        ("empty", Bytes::new(), "unreadable"),
        ("not JSON", "hello".into(), "unreadable"),
        ("JSON of another shape", "[1, 2]".into(), "unreadable"),
        (
            "an object of another shape",
            r#"{"a":1}"#.into(),
            "unreadable",
        ),
        ("deep nesting", deep.into(), "unreadable"),
        (
            "truncated",
            payload("imocha/complete.json").slice(..40),
            "unreadable",
        ),
        (
            "invalid UTF-8",
            Bytes::from_static(b"{\"TestInvitationId\":1,\"Status\":\"\xff\"}"),
            "unreadable",
        ),
        (
            "a mebibyte that does not compress",
            noise(MEBIBYTE),
            "unreadable",
        ),
        (
            "an unknown status",
            r#"{"TestInvitationId":1,"Status":"Teleported"}"#.into(),
            "unknown",
        ),
        (
            "unknown fields",
            r#"{"TestInvitationId":1,"Status":"Complete","New":{"a":[]}}"#.into(),
            "accepted",
        ),
    ];
    for (what, body, expected) in bodies {
        let (outcome, id) = accepted(deliver::<Imocha>(&stage, "", "", body.clone()).await).await;
        assert_eq!(outcome, expected, "{what}");
        let event = stage.event(&id).await.unwrap();
        assert_eq!(
            stage.table.event_body(&event).await.unwrap(),
            body,
            "{what}"
        );
        let (again, same) = accepted(deliver::<Imocha>(&stage, "", "", body).await).await;
        assert_eq!(
            (again == "duplicate", &same),
            (expected == "accepted", &id),
            "{what}"
        );
    }
    stage.settled().await;
    assert_eq!(stage.dead().await, 0);
}

/// The gateway hands over some as text, and the others in base64.
const TYPES: [Option<&str>; 9] = [
    None,
    Some("application/json"),
    Some("application/json; charset=utf-8"),
    Some("application/cloudevents+json"),
    Some("text/plain"),
    Some("application/x-www-form-urlencoded"),
    Some("application/octet-stream"),
    Some("multipart/form-data; boundary=x"),
    Some("no type at all"),
];

#[tokio::test]
async fn what_type_a_body_is_said_to_be_of_does_not_matter() {
    let stage = Stage::new().await;
    let path = endpoints::<Imocha>(&stage).await[0].path.clone();
    for (id, content_type) in (1..).zip(TYPES) {
        let body = json!({ "TestInvitationId": id, "Status": "Complete", "CandidateName": "Zoë" });
        let header = content_type.map(|it| ("content-type".to_owned(), it.to_owned()));
        let call = Ready {
            path: path.clone(),
            headers: header.into_iter().collect(),
            body: body.to_string().into(),
        };
        let what = format!("{content_type:?}");
        assert_eq!(kept(&stage, &call, &what).await, "accepted", "{what}");
        let state = stage.settled_state("imocha", &id.to_string()).await;
        assert_eq!(state.state.status.unwrap().0, Status::Completed, "{what}");
    }
}
