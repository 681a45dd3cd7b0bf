//! A deployed stack's address: its outputs, as CloudFormation has them. A stack that is not there is most often one in another region.

use super::Address;
use crate::exit::WrongUse;
use anyhow::Context;
use aws_sdk_cloudformation::error::{ProvideErrorMetadata, SdkError};
use shared::aws;
use shared::config::Environment;

/// What CloudFormation answers for a stack that it does not have. Nothing but the message tells it from a malformed name.
const ABSENT: (&str, &str) = ("ValidationError", "does not exist");

/// Reads the stack's outputs.
pub(super) async fn address(stack: &str, environment: &Environment) -> anyhow::Result<Address> {
    let endpoint_url = environment.endpoint_url()?;
    let sdk = aws::load(endpoint_url.as_deref()).await;
    // An empty variable is a region to the SDK.
    let region = sdk.region().map(ToString::to_string);
    let region = region.filter(|region| !region.is_empty()).ok_or_else(|| {
        WrongUse("no region is known: set AWS_REGION, or a region in your AWS profile".into())
    })?;
    let client = aws_sdk_cloudformation::Client::new(&sdk);
    let answer = client.describe_stacks().stack_name(stack).send().await;
    let answer = answer.map_err(|error| explained(error, stack, &region))?;
    let found = answer.stacks().first();
    let found = found.with_context(|| absent(stack, &region))?;
    let outputs = found
        .outputs()
        .iter()
        .filter_map(|it| Some((it.output_key()?.to_owned(), it.output_value()?.to_owned())));
    Ok(Address {
        endpoint_url,
        outputs: outputs.collect(),
    })
}

fn explained<E, R>(error: SdkError<E, R>, stack: &str, region: &str) -> anyhow::Error
where
    E: std::error::Error + ProvideErrorMetadata + Send + Sync + 'static,
    R: std::fmt::Debug + Send + Sync + 'static,
{
    if is_absent(error.code(), error.message()) {
        return anyhow::Error::msg(absent(stack, region));
    }
    let text = format!(
        "the stack {stack} cannot be read in {region}: check the credentials and what they may do"
    );
    anyhow::Error::new(error).context(text)
}

fn is_absent(code: Option<&str>, message: Option<&str>) -> bool {
    code == Some(ABSENT.0) && message.is_some_and(|text| text.contains(ABSENT.1))
}

fn absent(stack: &str, region: &str) -> String {
    format!(
        "there is no stack {stack} in {region}: check the name, and the region in AWS_REGION or your AWS profile"
    )
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_stack_that_is_not_there_is_told_from_one_that_cannot_be_read() {
        let there_is_none = Some("Stack with id hooks does not exist");
        assert!(is_absent(Some("ValidationError"), there_is_none));
        let denied = Some("User: … is not authorized to perform: cloudformation:DescribeStacks");
        assert!(!is_absent(Some("AccessDenied"), denied));
        let malformed = Some("1 validation error detected: Value 'a b' at 'stackName' failed");
        assert!(!is_absent(Some("ValidationError"), malformed));
        assert!(!is_absent(None, None));
    }
}
