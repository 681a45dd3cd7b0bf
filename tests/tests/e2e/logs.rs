//! What is in the logs, and what is not.

use crate::stage::{Stage, payload};
use crate::vendors::{deliver, endpoints};
use imocha_webhook::Imocha;
use testlify_webhook::Testlify;
use xobin_webhook::Xobin;

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
