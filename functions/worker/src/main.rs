//! The Lambda function that does the follow-up work.

use lambda_runtime::Error;
use std::sync::Arc;
use worker::download::names::SystemNames;

#[tokio::main(flavor = "current_thread")]
async fn main() -> Result<(), Error> {
    worker::function::run(Arc::new(SystemNames)).await
}
