//! `hooks webhooks`: Xobin is told where to call and with what, and it shows when that is no longer what is deployed.

use crate::operator::fed;
use crate::secrets::with_a_new_cache;
use crate::stage::{Stage, eventually, payload};
use local::engine::Service;
use local::faults::{ErrorAnswer, Fault};
use local::stand_ins::Xobin as XobinApi;
use reqwest::StatusCode;
use serde_json::{Value, json};
use shared::key::{ItemKey, REGISTRATION};
use shared::secrets::Stage as SecretStage;
use shared::store::RegistrationOutcome;
use std::collections::BTreeMap;
use std::sync::{Arc, Mutex};
use tests::faults::Breaker;
use tests::quiet::until_quiet;
use tests::vendors::secret_version;
use xobin_webhook::{Credentials, Xobin};

const KEY: &str = "key-of-xobin";

/// A bundle whose worker registers at this stand-in, and all that the bundle's table and queues were sent.
struct Registrar {
    stage: Stage,
    xobin: XobinApi,
    breaker: Breaker,
    sent: Arc<Mutex<Vec<u8>>>,
    /// All that the commands said.
    said: Mutex<Vec<u8>>,
}

impl Registrar {
    async fn new() -> Self {
        let xobin = XobinApi::start(KEY).await.unwrap();
        let breaker = Breaker::new();
        let (faults, sent) = (breaker.clone(), Arc::<Mutex<Vec<u8>>>::default());
        let stage = Stage::with(|options| {
            let base_url = ("XOBIN_API_BASE_URL".to_owned(), xobin.base_url().to_owned());
            let environment = &mut options.function_environment;
            environment.insert("WorkerFunction".into(), BTreeMap::from([base_url]));
            let secrets = &mut options.secrets;
            secrets.insert("XobinApiSecret".into(), json!({ "api_key": KEY }));
            options.faults = Some(Arc::new(faults));
        })
        .await;
        let registrar = Self {
            stage,
            xobin,
            breaker,
            sent,
            said: Mutex::default(),
        };
        registrar.let_all_through();
        registrar
    }

    /// Notes what the table and the queues are sent.
    fn let_all_through(&self) {
        let sent = Arc::clone(&self.sent);
        self.breaker.set(move |call| {
            if call.service != Service::SecretsManager {
                sent.lock().unwrap().extend_from_slice(&call.body);
            }
            Fault::None
        });
    }

    /// The exit code, what it printed, and what it said besides.
    async fn hooks(&self, args: &[&str]) -> (i32, Value, String) {
        let output = fed(&self.stage, &[args, &["--json"]].concat(), "").await;
        let mut said = self.said.lock().unwrap();
        said.extend_from_slice(&output.stderr);
        // Only `secrets rotate` has to show what the vendor is given.
        if args.first() == Some(&"webhooks") {
            said.extend_from_slice(&output.stdout);
        }
        let printed = serde_json::from_slice(&output.stdout).unwrap_or_default();
        let besides = String::from_utf8(output.stderr).unwrap();
        (output.status.code().unwrap(), printed, besides)
    }

    async fn register(&self, flags: &[&str]) -> (i32, Value, String) {
        self.hooks(&[&["webhooks", "register", "xobin"], flags].concat())
            .await
    }

    async fn verify(&self) -> (i32, Value, String) {
        self.hooks(&["webhooks", "verify", "xobin"]).await
    }

    async fn verified(&self) {
        let (code, view, said) = self.verify().await;
        assert_eq!((code, &view["verified"]), (0, &json!(true)), "{said}");
        assert_eq!(view["differences"], json!([]));
    }

    /// What the stand-in's call for a candidate's start is answered.
    async fn start(&self) -> Option<StatusCode> {
        eventually("a machine that is busy has it answered", || async {
            let answer = self.xobin.call("start", payload("xobin/start.json")).await;
            let answer = answer.unwrap();
            (answer != Some(StatusCode::SERVICE_UNAVAILABLE)).then_some(answer)
        })
        .await
    }

    /// What must stand nowhere: each version's password, and how HTTP Basic shows it.
    async fn secrets(&self) -> Vec<String> {
        let mut secrets = vec![KEY.to_owned()];
        for version in [SecretStage::Current, SecretStage::Previous] {
            let Some(fields) = secret_version(&self.stage, "XobinSecret", version).await else {
                continue;
            };
            let credentials: Credentials = serde_json::from_value(fields.clone()).unwrap();
            let (_, header) = credentials.auth(None).unwrap().header();
            secrets.push(header.trim_start_matches("Basic ").to_owned());
            secrets.push(fields["password"].as_str().unwrap().to_owned());
        }
        secrets
    }

    /// Nowhere in what the commands said, what the functions logged, what the table and the queues were sent.
    fn assert_no_secret(&self, secrets: &[String]) {
        let logs = self.stage.bundle.logs();
        assert!(!logs.is_empty());
        let logs: Vec<String> = logs.iter().map(|line| line.text.clone()).collect();
        let sent = String::from_utf8_lossy(&self.sent.lock().unwrap()).into_owned();
        assert!(sent.contains("fingerprint"), "what was sent was noted");
        let said = String::from_utf8_lossy(&self.said.lock().unwrap()).into_owned();
        for secret in secrets {
            assert!(!logs.join("\n").contains(secret), "in the log");
            assert!(!sent.contains(secret), "in the table or a message");
            assert!(!said.contains(secret), "in what was printed");
        }
    }
}

#[tokio::test]
async fn what_is_registered_is_called_and_a_rotation_is_told_until_it_is_registered_again() {
    let registrar = Registrar::new().await;
    let (code, view, said) = registrar.verify().await;
    assert_eq!((code, &view["verified"]), (1, &json!(false)));
    assert!(said.contains("`hooks webhooks register xobin"), "{said}");

    let (code, request, _) = registrar.register(&["--dry-run"]).await;
    assert_eq!((code, &request["method"]), (0, &json!("POST")));
    let auth = &request["body"]["webhooks"]["auth"];
    assert_eq!(
        auth["basic"],
        json!({ "username": "xobin", "password": "***" })
    );
    assert_eq!(registrar.xobin.registrations(), 0);
    assert_eq!(registrar.start().await, None);

    let (code, done, said) = registrar.register(&[]).await;
    assert_eq!(
        (code, &done["outcome"]),
        (0, &json!("registered")),
        "{said}"
    );
    let url = format!("{}/webhooks/xobin/start", registrar.stage.bundle.api_url());
    assert_eq!(done["webhooks"]["start"]["url"], json!(url));
    assert_eq!(registrar.start().await, Some(StatusCode::ACCEPTED));
    registrar.verified().await;

    let (code, _, said) = registrar
        .hooks(&["secrets", "rotate", "xobin", "--no-wait"])
        .await;
    assert!(
        code == 0 && said.contains("webhooks register xobin --update-auth"),
        "{said}"
    );
    let secrets = registrar.secrets().await;
    let (code, view, said) = registrar.verify().await;
    let other = json!({ "difference": "other_credential", "of": "auth", "accepted": true });
    assert_eq!((code, &view["differences"]), (1, &json!([other])), "{said}");
    let mend = "hooks webhooks register xobin --update-auth --update-all";
    assert_eq!(view["mend"], json!(mend));

    // Not before every function knows the new one.
    let (code, _, said) = registrar.register(&["--update-auth", "--update-all"]).await;
    assert!(code == 1 && said.contains("--no-wait"), "{said}");
    assert_eq!(registrar.xobin.registrations(), 1);
    // Until it is registered anew, the old one is good.
    with_a_new_cache::<Xobin>(&registrar.stage).await;
    assert_eq!(registrar.start().await, Some(StatusCode::ACCEPTED));
    let flags = ["--update-auth", "--update-all", "--no-wait"];
    let (code, _, said) = registrar.register(&flags).await;
    assert_eq!(code, 0, "{said}");
    registrar.verified().await;
    registrar.hooks(&["secrets", "retire", "xobin"]).await;
    with_a_new_cache::<Xobin>(&registrar.stage).await;
    assert_eq!(registrar.start().await, Some(StatusCode::ACCEPTED));
    registrar.verified().await;
    registrar.assert_no_secret(&secrets);
}

#[tokio::test]
async fn a_dry_run_shows_the_request_without_the_credential_and_sends_nothing() {
    let registrar = Registrar::new().await;
    let secrets = registrar.secrets().await;
    let api_url = registrar.stage.bundle.api_url();
    let url = |kind: &str| format!("{api_url}/webhooks/xobin/{kind}");
    for (flags, all, auth) in [
        (&["--update-all"][..], true, false),
        (&["--update-auth"], false, true),
        (&["--update-all", "--update-auth", "--updates"], true, true),
    ] {
        let flags = [flags, &["--dry-run"]].concat();
        let (code, request, said) = registrar.register(&flags).await;
        assert_eq!((code, &request["path"]), (0, &json!("/webhooks")), "{said}");
        let body = &request["body"];
        assert_eq!(
            (&body["updateAll"], &body["updateAuth"]),
            (&json!(all), &json!(auth))
        );
        assert_eq!(
            body["webhooks"]["updates"],
            json!({ "status": true, "url": url("updates") })
        );
        let names_start = !flags.contains(&"--updates");
        assert_eq!(body["webhooks"].get("start").is_some(), names_start);
        let masked = json!({ "username": "xobin", "password": "***" });
        assert_eq!(body["webhooks"]["auth"]["basic"], masked);

        // What a person is shown is the same.
        let command = [&["webhooks", "register", "xobin"], &flags[..]].concat();
        let shown = fed(&registrar.stage, &command, "").await;
        let shown = String::from_utf8(shown.stdout).unwrap();
        let (first, rest) = shown.split_once('\n').unwrap();
        assert_eq!(first, "POST /webhooks");
        assert_eq!(serde_json::from_str::<Value>(rest).unwrap(), *body);
        let known = secrets
            .iter()
            .find(|it| shown.contains(*it) || said.contains(*it));
        assert_eq!(known, None);
    }
    let (stage, table) = (&registrar.stage, &registrar.stage.table);
    assert_eq!(table.registration("xobin").await.unwrap(), None);
    assert_eq!(stage.messages(stage.bundle.queue_url()).await, 0);
    assert_eq!(registrar.xobin.registrations(), 0);
    let sent = String::from_utf8(registrar.sent.lock().unwrap().clone()).unwrap();
    assert!(
        sent.contains("TableName") && !sent.contains("UpdateExpression"),
        "{sent}"
    );
}

#[tokio::test]
async fn what_is_switched_off_is_told_and_only_that_is_switched_on_again() {
    let registrar = Registrar::new().await;
    registrar.register(&[]).await;
    let (code, _, said) = registrar.register(&["--disable", "start"]).await;
    assert_eq!(code, 0, "{said}");
    assert_eq!(registrar.start().await, None);
    let (code, view, said) = registrar.verify().await;
    let disabled = json!({ "difference": "disabled", "of": "start" });
    assert_eq!((code, &view["differences"]), (1, &json!([disabled])));
    assert!(
        said.contains("`hooks webhooks register xobin --start --update-all`"),
        "{said}"
    );
    let (code, _, said) = registrar.register(&["--start", "--update-all"]).await;
    assert!(code == 0 && said.contains("switched off: start"), "{said}");
    assert_eq!(registrar.start().await, Some(StatusCode::ACCEPTED));
    registrar.verified().await;
}

#[tokio::test]
async fn what_xobin_refuses_is_shown_as_it_is_and_changes_nothing() {
    let registrar = Registrar::new().await;
    let secrets = registrar.secrets().await;
    registrar.register(&[]).await;
    let echo = json!({ "status": "failure", "error": format!("{} is weak\u{1b}[2J", secrets[2]) });
    registrar
        .xobin
        .answer_next(StatusCode::BAD_REQUEST, echo.to_string());
    let (code, view, said) = registrar.register(&["--updates"]).await;
    assert_eq!((code, &view["outcome"]), (1, &json!("refused")));
    assert!(
        said.contains("*** is weak") && !said.contains('\u{1b}'),
        "{said}"
    );
    registrar.verified().await;
    registrar.assert_no_secret(&secrets);
}

#[tokio::test]
async fn without_a_key_that_is_accepted_the_command_says_so_at_once() {
    let registrar = Registrar::new().await;
    for (args, input) in [
        (vec!["set", "xobin-api", "api_key"], "another-key"),
        (vec!["set", "xobin-api", "api_key", "--clear"], ""),
    ] {
        let set = fed(&registrar.stage, &[&["secrets"], &args[..]].concat(), input).await;
        assert!(set.status.success());
        registrar.stage.bundle.kill("worker").await.unwrap();
        let (code, view, said) = registrar.register(&[]).await;
        assert_eq!((code, &view["outcome"]), (1, &json!("failed")), "{said}");
        assert!(
            said.contains("hooks secrets set xobin-api api_key"),
            "{said}"
        );
        let work = fed(&registrar.stage, &["work", "list", "--json"], "").await;
        assert_eq!(String::from_utf8(work.stdout).unwrap().trim(), "[]");
    }
}

#[tokio::test]
async fn a_busy_xobin_is_asked_again_without_the_command_and_others_wait_or_take_its_place() {
    let registrar = Registrar::new().await;
    let busy = || {
        let (status, body) = (StatusCode::SERVICE_UNAVAILABLE, "<html>busy</html>");
        registrar.xobin.answer_next(status, body);
    };
    busy();
    let (code, view, said) = registrar.register(&["--start", "--timeout", "12"]).await;
    assert_eq!((code, &view["outcome"]), (1, &json!("waiting")), "{said}");
    assert!(
        said.contains("503") && said.contains("tried again at"),
        "{said}"
    );
    let (code, view, _) = registrar.verify().await;
    assert_eq!((code, &view["request"]["outcome"]), (1, &json!("waiting")));
    let (code, _, said) = registrar.register(&["--updates"]).await;
    assert!(code == 1 && said.contains("--replace"), "{said}");
    let key = ItemKey::of_vendor("xobin", REGISTRATION);
    busy();
    registrar.stage.sweep_now(&key).await;
    eventually("it was tried again", || async {
        (registrar.xobin.registrations() == 2).then_some(())
    })
    .await;
    // The worker has noted it.
    until_quiet(&registrar.stage, None).await.unwrap();
    let registration = registrar.stage.table.registration("xobin").await;
    let registration = registration.unwrap().unwrap();
    assert_eq!(registration.outcome, RegistrationOutcome::Waiting);
    let (code, _, said) = registrar.register(&["--updates", "--replace"]).await;
    assert_eq!(code, 0, "{said}");
    // Nobody knows whether the first was carried out.
    let (code, view, _) = registrar.verify().await;
    assert_eq!(code, 1);
    let differences = view["differences"].to_string();
    assert!(
        differences.contains(r#"{"difference":"in_doubt","of":"start"}"#),
        "{differences}"
    );
    assert_eq!(registrar.register(&[]).await.0, 0);
    registrar.verified().await;
}

#[tokio::test]
async fn without_the_queue_the_request_stands_and_the_sweep_finds_it() {
    let registrar = Registrar::new().await;
    registrar.breaker.set(|call| {
        if call.service == Service::Sqs {
            Fault::Answer(ErrorAnswer::internal("down"))
        } else {
            Fault::None
        }
    });
    let (code, view, said) = registrar.register(&["--timeout", "1"]).await;
    assert_eq!((code, &view["outcome"]), (1, &json!("requested")), "{said}");
    registrar.let_all_through();
    let key = ItemKey::of_vendor("xobin", REGISTRATION);
    registrar.stage.sweep_now(&key).await;
    registrar.stage.settled().await;
    registrar.verified().await;
}
