use std::sync::{Arc, Mutex};
use std::time::Duration;

use axum::Router;
use axum::extract::{Path, State};
use axum::routing::post;
use bytes::Bytes;
use http::{HeaderMap, StatusCode};
use reqwest::{Client, RequestBuilder};
use serde_json::{Value, json};

use super::callbacks::Receiver;
use super::host::Host;
use super::{ForeignReport, Imocha, Jobmojito, Testlify, Xobin};

const KEY: &str = "the-key";
const PROCESS: &str = "/v3/callbacks/process";
/// No JSON that a serializer would write: whoever reads and writes it again changes it.
const BODY: &[u8] =
    b"{\"TestInvitationId\":7,  \"TotalScore \":1.0,\"Status\":\"\\u0043omplete\"}\r\n";

/// What is called back: it notes what comes, and refuses the first few.
#[derive(Clone, Default)]
struct Webhook {
    received: Arc<Mutex<Vec<(String, Bytes)>>>,
    refusals: usize,
}

impl Webhook {
    async fn start(&self) -> Host {
        let router = Router::new().route("/imocha/{token}", post(receive));
        Host::start(router.with_state(self.clone())).await.unwrap()
    }

    fn received(&self) -> Vec<(String, Bytes)> {
        self.received.lock().unwrap().clone()
    }

    fn bodies(&self) -> Vec<Bytes> {
        self.received().into_iter().map(|(_, body)| body).collect()
    }
}

async fn receive(State(webhook): State<Webhook>, headers: HeaderMap, body: Bytes) -> StatusCode {
    let content_type = headers["content-type"].to_str().unwrap().to_owned();
    let mut received = webhook.received.lock().unwrap();
    received.push((content_type, body));
    if received.len() > webhook.refusals {
        StatusCode::ACCEPTED
    } else {
        StatusCode::SERVICE_UNAVAILABLE
    }
}

fn client() -> Client {
    let _ = rustls::crypto::ring::default_provider().install_default();
    Client::builder().no_proxy().build().unwrap()
}

async fn answer(request: RequestBuilder) -> (u16, Value) {
    let response = request.send().await.unwrap();
    (response.status().as_u16(), response.json().await.unwrap())
}

/// A PDF is there for whoever has the link, and says whose it is.
async fn assert_is_report(link: &str, whose: &str) {
    let response = client().get(link).send().await.unwrap();
    assert_eq!(response.headers()["content-type"], "application/pdf");
    let pdf = String::from_utf8(response.bytes().await.unwrap().into()).unwrap();
    assert!(pdf.starts_with("%PDF-") && pdf.contains(whose), "{pdf}");
}

async fn process(imocha: &Imocha, key: &str, ids: &[i64]) -> (u16, Value) {
    let request = client().post(format!("{}{PROCESS}", imocha.base_url()));
    let body = json!({ "testinvitationIds": ids });
    answer(request.header("x-api-key", key).json(&body)).await
}

fn queued(successful: &[i64], failed: &[i64]) -> (u16, Value) {
    let ids = json!({ "successful": successful, "failed": failed });
    (
        200,
        json!({ "result": { "testinvitationIds": ids }, "errors": null }),
    )
}

async fn until(what: &str, condition: impl Fn() -> bool) {
    let wait = async {
        while !condition() {
            tokio::time::sleep(Duration::from_millis(5)).await;
        }
    };
    let waited = tokio::time::timeout(Duration::from_secs(20), wait).await;
    waited.unwrap_or_else(|_| panic!("in vain: {what}"));
}

#[tokio::test]
async fn imocha_calls_back_byte_for_byte() {
    let (webhook, imocha) = (Webhook::default(), Imocha::start(KEY).await.unwrap());
    let host = webhook.start().await;
    imocha.call_back_to(format!("{}/imocha/token", host.base_url()));
    imocha.remember(7, BODY.to_vec());
    assert_eq!(process(&imocha, KEY, &[7]).await, queued(&[7], &[]));
    until("the callback", || imocha.callbacks_sent() == 1).await;
    let expected = ("application/json".to_owned(), Bytes::from_static(BODY));
    assert_eq!(webhook.received(), [expected]);
}

#[tokio::test]
async fn imocha_queues_nothing_of_a_call_with_foreign_ids() {
    let (webhook, imocha) = (Webhook::default(), Imocha::start(KEY).await.unwrap());
    let host = webhook.start().await;
    imocha.call_back_to(format!("{}/imocha/token", host.base_url()));
    imocha.remember(7, b"seven".to_vec());
    imocha.remember(8, b"eight".to_vec());
    let message = "testinvitationIds does not belong to account or not found";
    let refusal = json!({ "result": null, "errors": [message, "94761", "5"] });
    assert_eq!(process(&imocha, KEY, &[94761, 7, 5]).await, (401, refusal));
    // What was queued by the first call would come before this.
    assert_eq!(process(&imocha, KEY, &[8]).await, queued(&[8], &[]));
    until("the callback", || imocha.callbacks_sent() > 0).await;
    assert_eq!(webhook.bodies(), ["eight"]);
    assert_eq!(imocha.calls(), [vec![94761, 7, 5], vec![8]]);
}

#[tokio::test]
async fn imocha_fails_an_attempt_as_often_as_it_was_told_to() {
    let (webhook, imocha) = (Webhook::default(), Imocha::start(KEY).await.unwrap());
    let host = webhook.start().await;
    imocha.call_back_to(format!("{}/imocha/token", host.base_url()));
    imocha.remember(7, b"seven".to_vec());
    imocha.remember(8, b"eight".to_vec());
    imocha.fail(7, 2);
    assert_eq!(process(&imocha, KEY, &[7, 8]).await, queued(&[8], &[7]));
    assert_eq!(process(&imocha, KEY, &[7]).await, queued(&[], &[7]));
    assert_eq!(process(&imocha, KEY, &[7]).await, queued(&[7], &[]));
    until("both callbacks", || imocha.callbacks_sent() == 2).await;
    let mut bodies = webhook.bodies();
    bodies.sort();
    assert_eq!(bodies, ["eight", "seven"]);
}

#[tokio::test]
async fn imocha_calls_again_until_the_callback_is_taken() {
    let webhook = Webhook {
        refusals: 2,
        ..Webhook::default()
    };
    let imocha = Imocha::start(KEY).await.unwrap();
    imocha.remember(7, BODY.to_vec());
    // Nobody is there yet: that is a call that failed, too.
    process(&imocha, KEY, &[7]).await;
    assert_eq!(imocha.callbacks_under_way(), 1);
    let host = webhook.start().await;
    imocha.call_back_to(format!("{}/imocha/token", host.base_url()));
    until("the callback", || imocha.callbacks_sent() == 1).await;
    assert_eq!(webhook.bodies(), [BODY, BODY, BODY]);
    until("nothing", || imocha.callbacks_under_way() == 0).await;
}

#[tokio::test]
async fn imocha_gives_a_callback_up_after_five_more_calls() {
    let webhook = Webhook {
        refusals: usize::MAX,
        ..Webhook::default()
    };
    let host = webhook.start().await;
    let receiver = Receiver::new().unwrap();
    receiver.call_back_to(format!("{}/imocha/token", host.base_url()));
    receiver.deliver(Bytes::from_static(BODY)).await;
    assert_eq!(webhook.bodies(), [BODY; 6]);
}

#[tokio::test]
async fn imocha_refuses_a_wrong_key_before_all_else() {
    let imocha = Imocha::start(KEY).await.unwrap();
    let refusal = json!({ "result": null, "errors": ["Invalid API key"] });
    assert_eq!(
        process(&imocha, "another", &[1]).await,
        (401, refusal.clone())
    );
    let without = client().get(format!("{}/v3/reports/1", imocha.base_url()));
    assert_eq!(answer(without).await, (401, refusal));
    assert!(imocha.calls().is_empty());
}

#[tokio::test]
async fn imocha_takes_a_hundred_ids_and_no_more() {
    let imocha = Imocha::start(KEY).await.unwrap();
    let ids: Vec<i64> = (1..=101).collect();
    for id in &ids {
        imocha.remember(*id, BODY.to_vec());
    }
    let (status, answer) = process(&imocha, KEY, &ids).await;
    assert_eq!((status, &answer["result"]), (400, &Value::Null));
    assert_eq!(
        process(&imocha, KEY, &ids[..100]).await,
        queued(&ids[..100], &[])
    );
}

#[tokio::test]
async fn imocha_has_reports_of_its_own_attempts_only() {
    let imocha = Imocha::start(KEY).await.unwrap();
    imocha.remember(7, BODY.to_vec());
    let report = async |id: &str| {
        let url = format!("{}/v3/reports/{id}?reportType=1", imocha.base_url());
        answer(client().get(url).header("x-api-key", KEY)).await
    };
    let (status, body) = report("7").await;
    assert_eq!((status, &body["testInvitationId"]), (200, &json!(7)));
    assert_eq!(
        (&body["status"], &body["totalTestPoints"]),
        (&json!("Complete"), &json!(1.0))
    );
    let link = format!("{}/PDFReport?id=AAAAAAAAAAc%3d", imocha.base_url());
    assert_eq!(body["pdfReportUrl"], link);
    assert_is_report(&link, "AAAAAAAAAAc%3d").await;
    assert_eq!(report("8").await.0, 404);
    assert_eq!(report("seven").await.0, 404);
}

#[tokio::test]
async fn imocha_may_refuse_the_report_of_an_attempt_that_is_not_ours_as_it_does_a_key() {
    let imocha = Imocha::start(KEY).await.unwrap();
    imocha.remember(7, BODY.to_vec());
    let report = async |path: &str| {
        let url = format!("{}/v3/reports/{path}", imocha.base_url());
        answer(client().get(url).header("x-api-key", KEY)).await
    };
    let message = "testinvitationIds does not belong to account or not found";
    for (how, errors) in [
        (ForeignReport::Named, vec![message, "8"]),
        (ForeignReport::Unnamed, vec![message]),
    ] {
        imocha.answer_foreign_reports(how);
        let refusal = (401, json!({ "result": null, "errors": errors }));
        assert_eq!(report("8?reportType=1").await, refusal);
        assert_eq!(report("8/pdf").await, refusal);
        assert_eq!(report("7?reportType=1").await.0, 200);
    }
}

#[tokio::test]
async fn imocha_may_promise_what_it_never_sends() {
    let (webhook, imocha) = (Webhook::default(), Imocha::start(KEY).await.unwrap());
    let host = webhook.start().await;
    imocha.call_back_to(format!("{}/imocha/token", host.base_url()));
    imocha.remember(7, b"seven".to_vec());
    imocha.remember(8, b"eight".to_vec());
    imocha.keep_silent(7);
    assert_eq!(process(&imocha, KEY, &[7, 8]).await, queued(&[7, 8], &[]));
    // What is called back is called in order: of the first nothing is left to come.
    until("the callback", || imocha.callbacks_sent() == 1).await;
    assert_eq!(webhook.bodies(), ["eight"]);
}

#[tokio::test]
async fn imocha_may_report_otherwise_than_it_called() {
    let imocha = Imocha::start(KEY).await.unwrap();
    imocha.remember(7, BODY.to_vec());
    imocha.report(7, "candidatePoints", json!("3.5"));
    let url = format!("{}/v3/reports/7", imocha.base_url());
    let (_, body) = answer(client().get(url).header("x-api-key", KEY)).await;
    assert_eq!(
        (&body["candidatePoints"], &body["status"]),
        (&json!("3.5"), &json!("Complete"))
    );
}

#[tokio::test]
async fn imocha_may_refuse_without_naming_anyone() {
    let imocha = Imocha::start(KEY).await.unwrap();
    imocha.remember(7, BODY.to_vec());
    imocha.hide_foreign();
    let message = "testinvitationIds does not belong to account or not found";
    let refusal = json!({ "result": null, "errors": [message] });
    assert_eq!(process(&imocha, KEY, &[7, 8]).await, (401, refusal));
    imocha.name_foreign();
    let refusal = json!({ "result": null, "errors": [message, "8"] });
    assert_eq!(process(&imocha, KEY, &[7, 8]).await, (401, refusal));
}

#[tokio::test]
async fn imocha_lists_invites_by_state_and_window() {
    let imocha = Imocha::start(KEY).await.unwrap();
    imocha.invite(7, "completed", "2026-01-15T10:00:00Z");
    imocha.invite(8, "completed", "2026-01-15T11:00:00Z");
    imocha.invite(9, "expired", "2026-01-15T10:00:00Z");
    let list = async |state: &str, start: &str, end: &str| {
        let url = format!(
            "{}/v3/candidates/testattempts?state={state}",
            imocha.base_url()
        );
        let body = json!({ "StartDateTime": start, "EndDateTime": end });
        answer(client().post(url).header("x-api-key", KEY).json(&body)).await
    };
    let (from, to) = ("2026-01-15T10:00:00Z", "2026-01-15T11:00:00Z");
    let (status, body) = list("completed", from, to).await;
    let listed = &body["result"]["testAttempts"];
    assert_eq!((status, listed.as_array().unwrap().len()), (200, 1));
    assert_eq!(
        (&listed[0]["testInvitationId"], &listed[0]["testStatus"]),
        (&json!(7), &json!("Completed"))
    );
    assert_eq!(list("cancelled", from, to).await.0, 404);
    assert_eq!(list("completed", to, from).await.0, 401);
    assert_eq!(list("lost", from, to).await.0, 401);
    assert_eq!(imocha.listings(), 2);
}

#[tokio::test]
async fn jobmojito_tells_the_results_that_it_was_told() {
    let jobmojito = Jobmojito::start(KEY).await.unwrap();
    jobmojito.remember(
        "an-id",
        json!({ "id": "an-id", "status": "active", "score": 71.5 }),
    );
    let details = async |id: &str| {
        let url = format!("{}/job-interview-details", jobmojito.base_url());
        let body = json!({ "interview_result_id": id });
        answer(client().post(url).bearer_auth(KEY).json(&body)).await
    };
    let (status, body) = details("an-id").await;
    assert_eq!((status, &body["data"]["status"]), (200, &json!("active")));
    assert_eq!(details("another").await.0, 404);
    let url = format!("{}/merchant-result-list", jobmojito.base_url());
    let (_, body) = answer(client().get(url).bearer_auth(KEY)).await;
    let row = json!({ "interview_result_id": "an-id", "status": "active", "score": 71.5 });
    assert_eq!(body["data"], json!([row]));
}

#[tokio::test]
async fn jobmojito_makes_a_link_for_those_who_have_the_key() {
    let jobmojito = Jobmojito::start(KEY).await.unwrap();
    let export = async |key: &str, body: Value| {
        let request = client().post(format!("{}/job-interview-pdf", jobmojito.base_url()));
        answer(request.bearer_auth(key).json(&body)).await
    };
    let asked = json!({ "interview_result_id": "an-id", "export_type": "pdf", "store_file": true });
    let (status, body) = export(KEY, asked.clone()).await;
    assert_eq!(status, 200);
    assert_is_report(body["pdf_export_url"].as_str().unwrap(), "an-id").await;
    assert_eq!(body["pdf_export_valid_until"], "2099-01-01T00:00:00.000Z");
    let (status, body) = export("another", asked).await;
    assert_eq!((status, &body["name"]), (401, &json!("authorization")));
    for missing in [json!({}), json!({ "interview_result_id": "" })] {
        let (status, body) = export(KEY, missing).await;
        assert_eq!(
            (status, &body["name"]),
            (422, &json!("interview_result_id"))
        );
    }
}

#[tokio::test]
async fn xobin_makes_a_link_for_those_who_have_the_key() {
    let xobin = Xobin::start(KEY).await.unwrap();
    let share = async |key: &str| {
        let url = format!("{}/assessments/reports/2196821/share", xobin.base_url());
        let request = client().post(url).header("apiKey", key);
        answer(request.json(&json!({ "expiration_hours": 1 }))).await
    };
    let link = format!("{}/reports/2196821.pdf?signature=opaque", xobin.base_url());
    assert_is_report(&link, "2196821").await;
    let expected = json!({
        "signed_url": link,
        "expires_at": "2099-01-01T00:00:00.000000",
        "report_id": 2_196_821,
        "assessment_id": 53280,
    });
    assert_eq!(share(KEY).await, (200, expected));
    assert_eq!(
        share("another").await,
        (401, json!({ "error": "Invalid API key" }))
    );
}

#[tokio::test]
async fn imochas_pdf_is_a_link_in_an_answer_and_xobins_download_the_file() {
    let imocha = Imocha::start(KEY).await.unwrap();
    imocha.remember(7, BODY.to_vec());
    let url = format!("{}/v3/reports/7/pdf", imocha.base_url());
    let (status, body) = answer(client().get(&url).header("x-api-key", KEY)).await;
    let link = body["result"]["pdfReportUrl"].as_str().unwrap();
    assert_eq!(status, 200);
    assert_is_report(link, "AAAAAAAAAAc%3d").await;
    assert_eq!(answer(client().get(url)).await.0, 401);

    let xobin = Xobin::start(KEY).await.unwrap();
    let url = format!("{}/assessments/reports/7/download", xobin.base_url());
    let request = client().post(&url).header("apiKey", KEY);
    let file = request.send().await.unwrap().bytes().await.unwrap();
    assert!(file.starts_with(b"%PDF-"));
    assert_eq!(answer(client().post(url)).await.0, 401);
}

#[tokio::test]
async fn every_address_has_its_own_report() {
    let testlify = Testlify::start().await.unwrap();
    let report = async |name: &str| {
        let url = format!("{}/reports/pdf/{name}.pdf", testlify.base_url());
        client()
            .get(url)
            .send()
            .await
            .unwrap()
            .bytes()
            .await
            .unwrap()
    };
    assert_eq!(report("1").await, report("1").await);
    assert_ne!(report("1").await, report("2").await);
}

#[tokio::test]
async fn a_stand_in_that_is_dropped_answers_nobody_on_a_connection_that_was_kept_either() {
    let xobin = Xobin::start(KEY).await.unwrap();
    let (url, client) = (xobin.base_url().to_owned(), client());
    // Only a connection whose answer was read is kept.
    let answer = client.get(&url).send().await.unwrap();
    answer.bytes().await.unwrap();
    drop(xobin);
    let gone = async { while client.get(&url).send().await.is_ok() {} };
    let gone = tokio::time::timeout(Duration::from_secs(20), gone).await;
    gone.expect("it answers still");
}

/// What is called by Xobin: it notes the headers that a credential may come in, and accepts everything.
async fn called_back(calls: Arc<Mutex<Vec<(String, String)>>>) -> Host {
    let note =
        async |State(calls): State<Arc<Mutex<Vec<_>>>>, path: Path<String>, headers: HeaderMap| {
            let shown = |name: &str| headers.get(name).map(|it| it.to_str().unwrap().to_owned());
            let shown = shown("authorization")
                .or(shown("x-hook"))
                .unwrap_or_default();
            calls.lock().unwrap().push((path.0, shown));
            StatusCode::ACCEPTED
        };
    let router = Router::new().route("/{kind}", post(note)).with_state(calls);
    Host::start(router).await.unwrap()
}

#[tokio::test]
async fn xobin_calls_what_is_registered_with_the_credential_that_it_was_given() {
    let (xobin, calls) = (Xobin::start(KEY).await.unwrap(), Arc::default());
    let host = called_back(Arc::clone(&calls)).await;
    let register = async |body: Value| {
        let request = client().post(format!("{}/webhooks", xobin.base_url()));
        answer(request.header("apiKey", KEY).json(&body)).await
    };
    let on = |kind: &str| json!({ "status": true, "url": format!("{}/{kind}", host.base_url()) });
    let basic = json!({ "type": "basic", "basic": { "username": "u", "password": "p" } });
    let both = json!({ "start": on("start"), "updates": on("updates"), "auth": basic });
    let (status, body) = register(json!({ "webhooks": both })).await;
    assert_eq!((status, &body["status"]), (200, &json!("success")));
    let masked = json!({ "username": "u", "password": null, "hasPassword": true });
    assert_eq!(body["webhook"]["auth"]["basic"], masked);
    let call = async |kind: &str| xobin.call(kind, "{}").await.unwrap();
    assert_eq!(call("start").await, Some(StatusCode::ACCEPTED));
    assert_eq!(call("submission").await, None);
    let registered = xobin.registered();
    assert_eq!(registered["start"], on("start"));
    assert_eq!(registered["auth"]["basic"], masked);
    let credential = ("authorization".to_owned(), "Basic dTpw".to_owned());
    assert_eq!(xobin.credential(), Some(credential));

    // What is left out stays, and so does a credential that is not to be replaced.
    let key = json!({ "type": "apikey", "apikey": { "header": "x-hook", "apikey": "k" } });
    let off = json!({ "status": false, "url": "https://example.com/" });
    let change = json!({ "start": off, "auth": key });
    register(json!({ "webhooks": change })).await;
    assert_eq!(call("start").await, None);
    call("updates").await;
    register(json!({ "webhooks": change, "updateAuth": true })).await;
    call("updates").await;
    let shown = |kind: &str, it: &str| (kind.to_owned(), it.to_owned());
    let expected = [
        shown("start", "Basic dTpw"),
        shown("updates", "Basic dTpw"),
        shown("updates", "k"),
    ];
    assert_eq!(*calls.lock().unwrap(), expected);
    assert_eq!(xobin.registrations(), 3);
}

#[tokio::test]
async fn xobin_refuses_what_it_cannot_register_and_changes_nothing() {
    let xobin = Xobin::start(KEY).await.unwrap();
    let register = async |key: &str, body: Value| {
        let request = client().post(format!("{}/webhooks", xobin.base_url()));
        answer(request.header("apiKey", key).json(&body)).await
    };
    let start = |it: Value| json!({ "webhooks": { "start": it } });
    let good = json!({ "status": true, "url": "http://127.0.0.1:1/" });
    let auth = |it: Value| json!({ "webhooks": { "start": good, "auth": it } });
    for wrong in [
        json!([]),
        json!({}),
        start(json!({ "url": "https://example.com/" })),
        start(json!({ "status": "yes", "url": "https://example.com/" })),
        start(json!({ "status": true, "url": "example.com" })),
        auth(json!({ "type": "oauth" })),
        auth(json!({ "type": "basic", "basic": { "username": "u", "password": "" } })),
        auth(json!({ "type": "apikey", "basic": { "username": "u", "password": "p" } })),
    ] {
        let (status, body) = register(KEY, wrong.clone()).await;
        assert!(status == 400 && body["error"].is_string(), "{wrong} {body}");
    }
    xobin.answer_next(StatusCode::BAD_GATEWAY, r#"{"error":"on purpose"}"#);
    assert_eq!(register(KEY, start(good.clone())).await.0, 502);
    assert_eq!(register("another", start(good.clone())).await.0, 401);
    assert_eq!(xobin.call("start", "{}").await.unwrap(), None);
    assert_eq!(register(KEY, start(good)).await.0, 200);
}
