//! The Lambda function that receives this source's webhooks.

use testlify_webhook::Testlify;

#[tokio::main(flavor = "current_thread")]
async fn main() -> Result<(), shared::function::Error> {
    shared::function::run(Testlify).await
}
