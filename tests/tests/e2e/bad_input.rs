//! What must not come in, and what must be kept although it makes no sense.

use crate::stage::{Stage, accepted, payload};
use crate::vendors::{deliver, endpoints};
use bytes::Bytes;
use imocha_webhook::Imocha;
use jobmojito_webhook::Jobmojito;
use shared::caller::{Caller, Delivery};
use std::time::Duration;
use testlify_webhook::Testlify;
use xobin_webhook::Xobin;

const MEBIBYTE: usize = 1024 * 1024;

fn noise(length: usize) -> Bytes {
    let mut bytes = vec![0; length];
    fastrand::Rng::with_seed(7).fill(&mut bytes);
    bytes.into()
}

fn pair(name: &str, value: &str) -> (String, String) {
    (name.to_owned(), value.to_owned())
}

#[tokio::test]
async fn whoever_is_not_the_vendor_is_refused_and_leaves_nothing_behind() {
    let stage = Stage::new().await;
    let imocha = &endpoints::<Imocha>(&stage).await[0];
    let jobmojito = &endpoints::<Jobmojito>(&stage).await[0];
    let xobin = &endpoints::<Xobin>(&stage).await[0];
    let (header, token) = jobmojito.headers.first_key_value().unwrap();
    let basic = xobin.headers["authorization"].as_str();
    let mut longer = imocha.path.clone();
    longer.push('x');
    let shorter = &imocha.path[..imocha.path.len() - 1];
    let refused: Vec<(&str, Vec<(String, String)>)> = vec![
        (&longer, vec![]),
        (shorter, vec![]),
        ("/webhooks/imocha/%20", vec![]),
        ("/webhooks/testlify/wrong", vec![]),
        ("/webhooks/testlify", vec![]),
        ("/webhooks/jobmojito", vec![]),
        ("/webhooks/jobmojito", vec![pair(header, "")]),
        (
            "/webhooks/jobmojito",
            vec![pair(header, &token.to_lowercase().replace('a', "b"))],
        ),
        (
            "/webhooks/jobmojito",
            vec![pair(header, token), pair(header, token)],
        ),
        ("/webhooks/xobin/start", vec![]),
        (
            "/webhooks/xobin/start",
            vec![pair("authorization", "Basic eG9iaW46")],
        ),
        (
            "/webhooks/xobin/start",
            vec![pair("authorization", basic.trim_start_matches("Basic "))],
        ),
        ("/webhooks/xobin/start", vec![pair("x-api-key", "")]),
    ];
    let mut bodies = std::collections::BTreeSet::new();
    for (path, headers) in refused {
        let response = stage
            .post(path, &headers, payload("imocha/complete.json"))
            .await;
        assert_eq!(response.status(), 401, "{path} {headers:?}");
        assert_eq!(
            response.headers()["content-type"],
            "application/problem+json"
        );
        bodies.insert(response.text().await.unwrap());
    }
    assert_eq!(bodies.len(), 1, "one opaque text: {bodies:?}");
    for source in ["imocha", "jobmojito", "testlify", "xobin"] {
        assert!(stage.events(source).await.is_empty());
    }
    assert_eq!(stage.messages(stage.bundle.queue_url()).await, 0);
}

#[tokio::test]
async fn a_signature_counts_for_its_body_its_time_and_its_id() {
    let stage = Stage::new().await;
    let credentials = crate::vendors::credentials::<Testlify>(&stage).await;
    let body = payload("testlify/v2-completed.json");
    let now = stage.clock.now();
    let signed = |sent| {
        let delivery = Delivery {
            version: "v2",
            body: &body,
            sent,
            id: "msg_1",
        };
        Testlify::call(&credentials, delivery).unwrap().headers
    };
    let six_minutes = Duration::from_mins(6);
    let good = signed(now);
    let with = |name: &str, value: &str| {
        let mut headers = good.clone();
        headers.insert(name.into(), value.into());
        headers
    };
    let without = |name: &str| {
        let mut headers = good.clone();
        headers.remove(name);
        headers
    };
    let (id, timestamp, signature) = ("svix-id", "svix-timestamp", "svix-signature");
    let off_by_one = good[signature].replacen("v1,", "v1,A", 1);
    let mut altered = body.to_vec();
    altered[10] ^= 1;
    let refused = [
        (signed(now.minus(six_minutes)), body.clone()),
        (signed(now.plus(six_minutes)), body.clone()),
        (good.clone(), altered.into()),
        (with(signature, &off_by_one), body.clone()),
        (with(signature, ""), body.clone()),
        (with(id, "msg_2"), body.clone()),
        (with(timestamp, "soon"), body.clone()),
        (without(id), body.clone()),
        (without(timestamp), body.clone()),
        (without(signature), body.clone()),
    ];
    for (number, (headers, body)) in refused.into_iter().enumerate() {
        let headers: Vec<_> = headers.into_iter().collect();
        assert_eq!(
            stage
                .post("/webhooks/testlify", &headers, body)
                .await
                .status(),
            401,
            "case {number}"
        );
    }
    assert!(stage.events("testlify").await.is_empty());
    let good: Vec<_> = good.into_iter().collect();
    assert_eq!(
        stage.post("/webhooks/testlify", &good, body).await.status(),
        202
    );
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
    assert_eq!(
        stage.messages(stage.bundle.dead_letter_queue_url()).await,
        0
    );
}

#[tokio::test]
async fn too_large_a_body_is_refused_before_anyone_asks_who_sent_it() {
    let stage = Stage::new().await;
    let over = noise(MEBIBYTE + 1);
    assert_eq!(
        stage
            .post("/webhooks/imocha/wrong", &[], over.clone())
            .await
            .status(),
        413
    );
    assert_eq!(deliver::<Imocha>(&stage, "", "", over).await.status(), 413);
    assert!(stage.events("imocha").await.is_empty());
}

#[tokio::test]
async fn the_content_type_does_not_matter_the_method_and_the_path_do() {
    let stage = Stage::new().await;
    let path = endpoints::<Imocha>(&stage).await[0].path.clone();
    for content_type in [
        "text/plain",
        "application/x-www-form-urlencoded",
        "application/octet-stream",
    ] {
        let response = stage
            .post(
                &path,
                &[pair("content-type", content_type)],
                payload("imocha/complete.json"),
            )
            .await;
        assert_eq!(response.status(), 202, "{content_type}");
    }
    let url = format!("{}{path}", stage.bundle.api_url());
    for request in [
        stage.http.get(&url),
        stage.http.put(&url),
        stage.http.post(format!("{url}/more")),
    ] {
        let response = request.send().await.unwrap();
        assert_eq!(response.status(), 404);
        assert_eq!(response.text().await.unwrap(), r#"{"message":"Not Found"}"#);
    }
}

#[tokio::test]
async fn nothing_of_a_body_or_a_credential_is_in_the_logs() {
    let stage = Stage::new().await;
    deliver::<Imocha>(&stage, "", "", payload("imocha/complete.json")).await;
    deliver::<Imocha>(&stage, "", "", r#"{"TestInvitationId":"eve@example.com"}"#).await;
    deliver::<Testlify>(&stage, "v1", "", payload("testlify/v1-completed.json")).await;
    deliver::<Xobin>(&stage, "start", "", payload("xobin/start.json")).await;
    stage.settled().await;
    let imocha = endpoints::<Imocha>(&stage).await[0].path.clone();
    let token = imocha.rsplit('/').next().unwrap();
    let logs: Vec<String> = stage
        .bundle
        .logs()
        .into_iter()
        .map(|line| line.text)
        .collect();
    assert!(
        logs.iter().any(|line| line.contains("webhook accepted")),
        "{logs:?}"
    );
    for secret in [
        "@example.com",
        "Kavita",
        "Sandhu",
        "PDFReport",
        "cdn-global",
        token,
    ] {
        let found = logs.iter().find(|line| line.contains(secret));
        assert!(found.is_none(), "{secret} is in {found:?}");
    }
}
