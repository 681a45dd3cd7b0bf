//! The environment variables of a function's process: Lambda's own and the template's, and nothing of ours.

use std::collections::BTreeMap;
use std::net::SocketAddr;

use super::Settings;
use crate::random;
use crate::template::REGION;

/// All variables of one process.
///
/// `AWS_LAMBDA_INITIALIZATION_TYPE` is left out on purpose: it is how a function knows that it runs on AWS,
/// where it refuses an `ENDPOINT_URL`.
pub(super) fn of_process(
    settings: &Settings,
    runtime_api: SocketAddr,
    access_key: &str,
) -> BTreeMap<String, String> {
    let resource = &settings.resource;
    let directory = settings
        .executable
        .parent()
        .map(|parent| parent.display().to_string());
    let lambda = [
        ("AWS_LAMBDA_RUNTIME_API", runtime_api.to_string()),
        ("AWS_LAMBDA_FUNCTION_NAME", resource.name.clone()),
        ("AWS_LAMBDA_FUNCTION_VERSION", "$LATEST".to_owned()),
        (
            "AWS_LAMBDA_FUNCTION_MEMORY_SIZE",
            resource.memory_size_mb.to_string(),
        ),
        (
            "AWS_LAMBDA_LOG_GROUP_NAME",
            format!("/aws/lambda/{}", resource.name),
        ),
        (
            "AWS_LAMBDA_LOG_STREAM_NAME",
            format!("[$LATEST]{}", random::letters_and_digits(32)),
        ),
        ("AWS_REGION", REGION.to_owned()),
        ("AWS_DEFAULT_REGION", REGION.to_owned()),
        ("AWS_ACCESS_KEY_ID", access_key.to_owned()),
        ("AWS_SECRET_ACCESS_KEY", "local".to_owned()),
        ("_HANDLER", "bootstrap".to_owned()),
        ("LAMBDA_TASK_ROOT", directory.unwrap_or_default()),
        ("PATH", "/usr/local/bin:/usr/bin/:/bin:/opt/bin".to_owned()),
        ("LANG", "en_US.UTF-8".to_owned()),
        ("TZ", ":UTC".to_owned()),
        ("RUST_BACKTRACE", "1".to_owned()),
    ];
    let lambda = lambda
        .into_iter()
        .map(|(name, value)| (name.to_owned(), value));
    let mut variables: BTreeMap<String, String> = lambda.collect();
    variables.extend(resource.environment.clone());
    variables.extend(settings.environment.clone());
    variables
}
