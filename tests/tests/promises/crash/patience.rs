//! Letting sweeps run and time pass until nothing is left to do.

use super::time;
use local::stand_ins::Imocha;
use tests::quiet::until_quiet;
use tests::stage::Stage;

/// More sweeps than it takes until what fails each time is parked. What is not settled by then never will be.
const MOST_ROUNDS: usize = 40;

/// Lets messages and sweeps run until nothing is left to do.
pub async fn settle(stage: &Stage, imocha: &Imocha) -> Result<(), String> {
    for _ in 0..MOST_ROUNDS {
        until_quiet(stage, Some(imocha)).await?;
        if time::marked(stage).await.is_empty() {
            return Ok(());
        }
        time::pass(stage).await;
        stage.sweep().await;
    }
    let left = time::marked(stage).await;
    let left: Vec<String> = left.iter().map(ToString::to_string).collect();
    Err(format!(
        "not settled after {MOST_ROUNDS} sweeps: {}",
        left.join(", ")
    ))
}
