//! The Lambda function that receives this source's webhooks.

use jobmojito_webhook::Jobmojito;

#[tokio::main(flavor = "current_thread")]
async fn main() -> Result<(), shared::function::Error> {
    shared::function::run(Jobmojito).await
}
