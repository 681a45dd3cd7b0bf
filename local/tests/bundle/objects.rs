//! S3 on the endpoint: what has no `X-Amz-Target`.

use std::sync::Arc;

use futures_util::FutureExt as _;
use futures_util::future::BoxFuture;
use local::engine::Service;
use local::faults::{Call, ErrorAnswer, Fault, Faults};
use local::{Bundle, Options};
use reqwest::{Method, RequestBuilder};

use crate::support::{bundle, client, options};

const KEY: &str = "reports/imocha/1%252F/a%20b.pdf";

fn object(bundle: &Bundle, method: Method, key: &str) -> RequestBuilder {
    let bucket = &bundle.outputs()["BucketName"];
    let url = format!("{}/{bucket}/{key}", bundle.endpoint_url());
    client().request(method, url)
}

async fn put(bundle: &Bundle, body: &'static str) -> u16 {
    let request = object(bundle, Method::PUT, KEY).header("content-type", "application/pdf");
    request.body(body).send().await.unwrap().status().as_u16()
}

async fn get(bundle: &Bundle, key: &str) -> (u16, String) {
    let response = object(bundle, Method::GET, key).send().await.unwrap();
    (response.status().as_u16(), response.text().await.unwrap())
}

/// How many versions the bucket has in all.
async fn versions(bundle: &Bundle) -> usize {
    let (status, xml) = get(bundle, "?versions").await;
    assert_eq!(status, 200, "{xml}");
    xml.matches("<VersionId>").count()
}

#[tokio::test]
async fn the_templates_bucket_is_there_and_keeps_what_is_written_over() {
    let bundle = bundle().await;
    assert_eq!(bundle.outputs()["BucketName"], "local-bucket");
    assert_eq!(put(&bundle, "one").await, 200);
    assert_eq!(put(&bundle, "two").await, 200);
    assert_eq!(get(&bundle, KEY).await, (200, "two".to_owned()));
    assert_eq!(versions(&bundle).await, 2);
    let head = object(&bundle, Method::HEAD, KEY).send().await.unwrap();
    assert_eq!(head.headers()["content-type"], "application/pdf");
    assert_eq!(head.headers()["content-length"], "3");
    let counted = |operation: &str| bundle.calls()[&("s3".to_owned(), operation.to_owned())];
    assert_eq!(counted("PutObject"), 2);
    assert_eq!(counted("GetObject"), 1);
    bundle.stop().await;
}

#[tokio::test]
async fn of_two_that_write_what_must_not_be_there_one_does() {
    let bundle = bundle().await;
    let write = async || {
        let request = object(&bundle, Method::PUT, KEY).header("if-none-match", "*");
        request.body("once").send().await.unwrap().status().as_u16()
    };
    let mut statuses: Vec<u16> = futures_util::future::join_all((0..8).map(|_| write())).await;
    statuses.sort_unstable();
    assert_eq!(statuses, [&[200][..], &[412; 7]].concat());
    assert_eq!(versions(&bundle).await, 1);
    bundle.stop().await;
}

#[tokio::test]
async fn a_bucket_that_is_missing_is_said_to_be_so() {
    let bundle = bundle().await;
    let url = format!("{}/nobodys/key", bundle.endpoint_url());
    let answer = client().put(url).body("text").send().await.unwrap();
    assert_eq!(answer.status(), 404);
    let xml = answer.text().await.unwrap();
    assert!(xml.contains("<Code>NoSuchBucket</Code>"), "{xml}");
    bundle.stop().await;
}

struct NoUploads;

impl Faults for NoUploads {
    fn before<'a>(&'a self, call: &'a Call) -> BoxFuture<'a, Fault> {
        let uploads = (call.service, call.operation.as_str()) == (Service::S3, "PutObject");
        let fault = if uploads {
            Fault::Answer(ErrorAnswer::internal("on purpose"))
        } else {
            Fault::None
        };
        async { fault }.boxed()
    }
}

#[tokio::test]
async fn a_fault_is_said_in_s3s_own_words() {
    let mut options = options();
    options.faults = Some(Arc::new(NoUploads));
    let bundle = Bundle::start(options).await.unwrap();
    let request = object(&bundle, Method::PUT, KEY).body("text");
    let answer = request.send().await.unwrap();
    assert_eq!(answer.status(), 500);
    let xml = answer.text().await.unwrap();
    assert!(xml.contains("<Code>InternalServerError</Code>"), "{xml}");
    assert_eq!(get(&bundle, KEY).await.0, 404);
    bundle.stop().await;
}

#[tokio::test]
async fn a_data_directory_keeps_objects_and_their_versions() {
    let directory = tempfile::tempdir().unwrap();
    let kept = || -> Options {
        let mut options = options();
        options.data_directory = Some(directory.path().join("data"));
        options
    };
    let bundle = Bundle::start(kept()).await.unwrap();
    assert_eq!(put(&bundle, "one").await, 200);
    // As if it had been killed: nothing is written at the end.
    drop(bundle);

    let bundle = Bundle::start(kept()).await.unwrap();
    assert_eq!(get(&bundle, KEY).await, (200, "one".to_owned()));
    assert_eq!(put(&bundle, "two").await, 200);
    assert_eq!(versions(&bundle).await, 2);
    bundle.stop().await;
}
