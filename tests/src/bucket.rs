//! The bucket, whole: what is in it, and what the table says of it.

use crate::stores::objects;
use sha2::{Digest, Sha256};
use shared::store::ReportItem;
use std::collections::BTreeSet;
use tests::stage::Stage;

/// The keys of all objects. Each has been written once.
pub async fn keys(stage: &Stage) -> BTreeSet<String> {
    let listed = objects(stage).await;
    let keys = listed.split("<Key>").skip(1);
    let keys: Vec<String> = keys
        .map(|rest| rest.split("</Key>").next().unwrap().to_owned())
        .collect();
    let different: BTreeSet<String> = keys.iter().cloned().collect();
    assert_eq!(different.len(), keys.len(), "a version too many: {keys:?}");
    different
}

/// The bytes of a report that is kept: those whose SHA-256 is noted. And its key.
pub async fn kept(stage: &Stage, report: &ReportItem) -> (String, Vec<u8>) {
    let what = format!("{}: {:?}", report.key, report.problem);
    let kept = report.kept.as_ref().unwrap_or_else(|| panic!("{what}"));
    let bundle = &stage.bundle;
    let bucket = &bundle.outputs()["BucketName"];
    let url = format!("{}/{bucket}/{}", bundle.endpoint_url(), kept.s3_key);
    let answer = stage.http.get(url).send().await.unwrap();
    assert_eq!(answer.status(), 200, "{what}");
    let bytes: Vec<u8> = answer.bytes().await.unwrap().into();
    assert_eq!(hex::encode(Sha256::digest(&bytes)), kept.sha256, "{what}");
    assert_eq!(bytes.len() as u64, kept.size_bytes, "{what}");
    (kept.s3_key.clone(), bytes)
}
