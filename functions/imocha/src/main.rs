//! The Lambda function that receives this source's webhooks.

use imocha_webhook::Imocha;

#[tokio::main(flavor = "current_thread")]
async fn main() -> Result<(), shared::function::Error> {
    shared::function::run(Imocha).await
}
