//! Starting, killing and stopping.

use std::time::Duration;

use local::template::{Place, Template};
use local::{Bundle, BundleError, InvokeError, Schedules};
use serde_json::json;

use crate::support::{bundle, eventually, lives, options, post, processes, records, send};

#[tokio::test]
async fn no_process_is_left_after_a_stop() {
    let bundle = bundle().await;
    post(&bundle, "/echo/a", &json!({})).await;
    send(&bundle, "one").await;
    eventually("the worker runs", async || {
        !processes(&bundle, "Worker").is_empty()
    })
    .await;
    let all: Vec<u32> = bundle
        .functions()
        .into_iter()
        .flat_map(|it| it.processes)
        .collect();
    assert!(all.len() >= 2 && all.iter().all(|process| lives(*process)));
    let address = bundle.api_url().trim_start_matches("http://").to_owned();
    bundle.stop().await;
    assert!(!all.iter().any(|process| lives(*process)));
    assert!(
        tokio::net::TcpStream::connect(address).await.is_err(),
        "the port is free again"
    );
}

#[tokio::test]
async fn no_process_is_left_after_a_drop() {
    let bundle = bundle().await;
    post(&bundle, "/echo/a", &json!({})).await;
    let all = processes(&bundle, "Echo");
    assert!(!all.is_empty());
    drop(bundle);
    eventually("the process is gone", async || {
        !all.iter().any(|process| lives(*process))
    })
    .await;
}

#[tokio::test]
async fn killing_a_function_ends_what_it_is_doing() {
    let bundle = bundle().await;
    let order = json!({ "body": json!({ "do": "sleep" }).to_string() }).to_string();
    let invocation = bundle.invoke("Echo", order);
    let kill = async {
        eventually("it runs", async || !processes(&bundle, "Echo").is_empty()).await;
        let alive = processes(&bundle, "Echo");
        bundle.kill("Echo").await.unwrap();
        assert!(
            !alive.iter().any(|process| lives(*process)),
            "gone when kill returns"
        );
    };
    let (outcome, ()) = tokio::join!(invocation, kill);
    assert_eq!(outcome.unwrap_err(), InvokeError::Stopped);
    assert_eq!(
        post(&bundle, "/echo/a", &json!({})).await.0,
        200,
        "a new process serves the next"
    );
    assert_eq!(
        bundle.kill("Nobody").await,
        Err(InvokeError::Unknown("Nobody".to_owned()))
    );
    bundle.stop().await;
}

#[tokio::test]
async fn what_cannot_start_says_why() {
    let mut no_binaries = options();
    no_binaries.binaries = "/nowhere".into();
    let error = Bundle::start(no_binaries).await.unwrap_err();
    assert!(matches!(error, BundleError::NoBinary { .. }), "{error}");

    let mut unknown = options();
    unknown.secrets.insert("Sceret".to_owned(), json!({}));
    let error = Bundle::start(unknown).await.unwrap_err();
    assert!(matches!(error, BundleError::UnknownLogicalId(id) if id == "Sceret"));

    let taken = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
    let mut port_taken = options();
    port_taken.api_port = taken.local_addr().unwrap().port();
    let error = Bundle::start(port_taken).await.unwrap_err();
    assert!(matches!(error, BundleError::Port { .. }), "{error}");
}

/// With the test's function in the place of every binary, so that the template alone is on trial.
#[tokio::test]
async fn the_projects_own_template_runs() {
    let directory = tempfile::tempdir().unwrap();
    let mut options = options();
    let echo = options.binaries.join("echo");
    options.template = concat!(env!("CARGO_MANIFEST_DIR"), "/../template.yaml").into();
    options.binaries = directory.path().to_owned();
    let place = Place {
        stack: "s".to_owned(),
        endpoint_url: String::new(),
        api_url: String::new(),
    };
    let template = Template::read(&options.template, &options.parameters, &place).unwrap();
    for function in &template.functions {
        std::os::unix::fs::symlink(&echo, directory.path().join(&function.binary)).unwrap();
    }
    options.schedules = Schedules::AsWritten;
    // Whatever the machine does meanwhile, no message comes again.
    options.visibility_timeout = Some(Duration::from_mins(10));

    let bundle = Bundle::start(options).await.unwrap();
    let routes = template
        .functions
        .iter()
        .flat_map(|function| &function.routes);
    for route in routes {
        let path = route.path.replace(['{', '}'], "");
        assert_eq!(post(&bundle, &path, &json!({})).await.0, 200, "{path}");
    }
    assert_eq!(bundle.outputs()["ApiUrl"], bundle.api_url());
    assert_eq!(bundle.outputs()["TableName"], bundle.table_name());
    assert_eq!(
        bundle.outputs()["DeadLetterQueueUrl"],
        bundle.dead_letter_queue_url()
    );
    send(&bundle, "one").await;
    eventually("the worker has it", async || records(&bundle) == ["one 1"]).await;
    bundle.stop().await;
}
