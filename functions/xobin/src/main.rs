//! The Lambda function that receives this source's webhooks.

use xobin_webhook::Xobin;

#[tokio::main(flavor = "current_thread")]
async fn main() -> Result<(), shared::function::Error> {
    shared::function::run(Xobin).await
}
