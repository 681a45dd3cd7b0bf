use super::*;
use crate::args::SecretsRotateArgs;
use crate::command::local::address;
use ::local::{Bundle, Options, Schedules};
use shared::secrets::CACHE_TIME;
use std::cell::RefCell;
use std::path::Path;
use tempfile::TempDir;

#[test]
fn a_credential_is_of_letters_and_digits_and_another_each_time() {
    let credential = credential();
    assert_eq!(credential.len(), 48);
    assert!(credential.chars().all(|it| it.is_ascii_alphanumeric()));
    assert_ne!(credential, super::credential());
}

#[test]
fn whoever_can_be_told_by_a_command_is_told_by_it() {
    let xobin = what_is_next("xobin");
    assert!(
        xobin.contains("`hooks webhooks register xobin --update-auth"),
        "{xobin}"
    );
    assert!(xobin.contains("`hooks secrets retire xobin`"), "{xobin}");
    assert!(!what_is_next("imocha").contains("webhooks register"));
}

#[test]
fn what_a_vendor_issues_is_not_rotated() {
    let error = ours("imocha-api").map(|_| ()).unwrap_err().to_string();
    assert!(
        error.contains("hooks secrets set imocha-api api_key"),
        "{error}"
    );
    assert_eq!(ours("xobin").map(|it| it.name).ok(), Some("xobin"));
}

#[test]
fn what_lets_the_vendor_in_is_renewed_and_what_is_off_stays_off() {
    for (name, fields, renewed) in [
        ("imocha", serde_json::json!({ "token": "a" }), vec!["token"]),
        (
            "testlify",
            serde_json::json!({ "token": "", "signing_secret": "b" }),
            vec!["token"],
        ),
        (
            "xobin",
            serde_json::json!({ "password": "a", "api_key": "" }),
            vec!["password"],
        ),
        (
            "xobin",
            serde_json::json!({ "password": "", "api_key": "b" }),
            vec!["api_key"],
        ),
        (
            "xobin",
            serde_json::json!({ "password": "a", "api_key": "b" }),
            vec!["password", "api_key"],
        ),
        ("xobin", serde_json::json!({}), vec!["password"]),
    ] {
        let source = ours(name).unwrap();
        assert_eq!(
            in_use(&source, fields.as_object().unwrap()),
            renewed,
            "{fields}"
        );
    }
}

/// A bundle whose functions nobody calls, so that they need not be built.
async fn bundle(binaries: &TempDir) -> Bundle {
    shared::tls::use_ring();
    let template = Path::new(env!("CARGO_MANIFEST_DIR")).join("../template.yaml");
    for name in [
        "imocha-webhook",
        "jobmojito-webhook",
        "testlify-webhook",
        "xobin-webhook",
        "worker",
    ] {
        std::fs::write(binaries.path().join(name), "").unwrap();
    }
    let mut options = Options::new(template, binaries.path());
    options.schedules = Schedules::Off;
    Bundle::start(options).await.unwrap()
}

fn args(name: &str, no_wait: bool) -> SecretsRotateArgs {
    SecretsRotateArgs {
        name: name.to_owned(),
        no_wait,
    }
}

/// The path that iMocha is given, by the version of the secret that is in force.
async fn path(deployment: &Deployment, secret: &Secret) -> String {
    let Secret::Inbound(source) = secret else {
        panic!("it is a source's")
    };
    let text = deployment.inbound_secret(source).await.unwrap();
    source.endpoints(&text).unwrap().remove(0).path
}

#[tokio::test]
async fn what_the_vendor_is_to_be_given_is_told_when_every_cache_knows_it_and_not_before() {
    let binaries = tempfile::tempdir().unwrap();
    let bundle = bundle(&binaries).await;
    let find = || Deployment::at(address(&bundle));
    let (deployment, imocha) = (find().await.unwrap(), Secret::named("imocha").unwrap());
    let before = path(&deployment, &imocha).await;
    let waited = RefCell::new(Vec::new());
    let pause = async |time: Duration| {
        // From the first moment on the new one is in force, and the old one beside it.
        if waited.borrow().is_empty() {
            let held = deployment
                .vault
                .read(&bundle.outputs()["ImochaSecretId"])
                .await;
            assert!(held.unwrap().previous.is_some());
            assert_ne!(path(&deployment, &imocha).await, before);
        }
        waited.borrow_mut().push(time);
    };
    let (_, endpoints) = rotated(find, &args("imocha", false), pause).await.unwrap();
    let whole: Duration = waited.borrow().iter().sum();
    assert_eq!(whole, KNOWN_AFTER);
    assert!(whole > CACHE_TIME, "{whole:?}");
    let [endpoint] = endpoints.as_slice() else {
        panic!("one way in")
    };
    assert!(endpoint.url.ends_with(&path(&deployment, &imocha).await));
}

#[tokio::test]
async fn whoever_does_not_wait_is_told_at_once() {
    let binaries = tempfile::tempdir().unwrap();
    let bundle = bundle(&binaries).await;
    let find = || Deployment::at(address(&bundle));
    let pause = async |_| panic!("it is not waited");
    let told = rotated(find, &args("xobin", true), pause).await;
    assert_eq!(told.unwrap().1.len(), 3);
}

#[tokio::test]
async fn a_rotation_that_is_refused_is_not_waited_for() {
    let binaries = tempfile::tempdir().unwrap();
    let bundle = bundle(&binaries).await;
    let find = || Deployment::at(address(&bundle));
    let pause = async |_| panic!("it is not waited");
    rotated(find, &args("imocha", true), pause).await.unwrap();
    let again = rotated(find, &args("imocha", false), pause).await;
    let error = again.map(|_| ()).unwrap_err().to_string();
    assert!(error.contains("hooks secrets retire imocha"), "{error}");
}
