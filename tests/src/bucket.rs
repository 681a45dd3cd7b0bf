//! The bucket, whole: what is in it, and what the table says of it.

use crate::stage::Stage;
use sha2::{Digest, Sha256};
use shared::store::ReportItem;
use std::collections::BTreeSet;

/// Every version of every object, as S3 lists them: a thousand at most.
pub async fn objects(stage: &Stage) -> String {
    let answer = stage.http.get(url(stage, "?versions")).send().await;
    let answer = answer.unwrap();
    assert_eq!(answer.status(), 200);
    answer.text().await.unwrap()
}

/// The keys of all objects. Each has been written once, and none was deleted.
pub async fn keys(stage: &Stage) -> BTreeSet<String> {
    let listed = objects(stage).await;
    let keys = listed.split("<Key>").skip(1);
    let keys: Vec<String> = keys
        .map(|rest| rest.split('<').next().unwrap().to_owned())
        .collect();
    let different: BTreeSet<String> = keys.iter().cloned().collect();
    assert_eq!(different.len(), keys.len(), "a version too many: {keys:?}");
    different
}

/// The bytes of a report that is kept: those whose SHA-256 is noted. And its key.
///
/// # Panics
///
/// It is not kept.
pub async fn kept(stage: &Stage, report: &ReportItem) -> (String, Vec<u8>) {
    let looked_for = look_for(stage, report).await;
    looked_for.unwrap_or_else(|problem| panic!("{problem}"))
}

/// The same of one that may not be kept.
///
/// # Errors
///
/// It is not noted to be kept, or not in the bucket as it is noted.
pub async fn look_for(stage: &Stage, report: &ReportItem) -> Result<(String, Vec<u8>), String> {
    let Some(kept) = &report.kept else {
        let (outcome, problem) = (report.outcome, &report.problem);
        let key = &report.key;
        return Err(format!("{key} is not kept: {outcome:?}, {problem:?}"));
    };
    let url = url(stage, &format!("/{}", kept.s3_key));
    let answer = stage.http.get(url).send().await.unwrap();
    let status = answer.status();
    let bytes: Vec<u8> = answer.bytes().await.unwrap().into();
    let is_as_noted =
        hex::encode(Sha256::digest(&bytes)) == kept.sha256 && bytes.len() as u64 == kept.size_bytes;
    if status != 200 || !is_as_noted {
        let key = &report.key;
        return Err(format!("{key} is not what is in the bucket: {status}"));
    }
    Ok((kept.s3_key.clone(), bytes))
}

/// Deletes every version of every object. The key of each.
pub async fn emptied(stage: &Stage) -> Vec<String> {
    let mut keys = Vec::new();
    loop {
        let listed = objects(stage).await;
        let before = keys.len();
        for (key, version) in versions(&listed) {
            let url = url(stage, &format!("/{key}?versionId={version}"));
            let delete = stage.http.delete(url).send().await.unwrap();
            assert!(delete.status().is_success(), "{key}: {}", delete.status());
            keys.push(key);
        }
        if keys.len() == before {
            return keys;
        }
    }
}

fn url(stage: &Stage, rest: &str) -> String {
    let bucket = &stage.bundle.outputs()["BucketName"];
    format!("{}/{bucket}{rest}", stage.bundle.endpoint_url())
}

/// The key and the id of each version.
fn versions(listed: &str) -> impl Iterator<Item = (String, String)> {
    listed.split("<Version>").skip(1).map(|version| {
        let text = |name: &str| {
            let (_, rest) = version.split_once(&format!("<{name}>")).unwrap();
            rest.split('<').next().unwrap().to_owned()
        };
        (text("Key"), text("VersionId"))
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_list_of_versions_is_read_and_delete_markers_are_none() {
        let listed = "<ListVersionsResult><Version><Key>a.pdf</Key><VersionId>1</VersionId></Version>\
            <DeleteMarker><Key>b.pdf</Key><VersionId>2</VersionId></DeleteMarker>\
            <Version><VersionId>3</VersionId><Key>c.pdf</Key></Version></ListVersionsResult>";
        let found: Vec<_> = versions(listed).collect();
        let pair = |key: &str, id: &str| (key.to_owned(), id.to_owned());
        assert_eq!(found, [pair("a.pdf", "1"), pair("c.pdf", "3")]);
    }
}
