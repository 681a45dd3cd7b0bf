//! Waiting until nothing happens any more, for as long as something does: a slow machine makes it longer, and is no failure.

use crate::stage::Stage;
use local::engine::Service;
use local::stand_ins::Imocha;
use serde_json::json;
use std::time::Duration;
use tokio::time::Instant;

const LOOK_AGAIN: Duration = Duration::from_millis(40);
/// It is quiet if it was at so many looks in a row: for longer than it takes until a message is received again that can be seen again,
/// which is in none of the counts meanwhile.
const QUIET_LOOKS: usize = 5;
/// If nothing happens for so long, nothing will: longer than a function may take.
const NOTHING_HAPPENS: Duration = Duration::from_mins(2);

/// What changes while something happens.
#[derive(Debug, PartialEq, Eq)]
struct Traces {
    /// Messages in the queue, those included that somebody is at.
    messages: u64,
    /// Callbacks that iMocha is about to make.
    callbacks: usize,
    /// Calls of the engines until now.
    calls: u64,
}

impl Traces {
    async fn of(stage: &Stage, imocha: Option<&Imocha>) -> Self {
        Self {
            messages: messages(stage).await,
            callbacks: imocha.map_or(0, Imocha::callbacks_under_way),
            calls: stage.bundle.calls().values().sum(),
        }
    }

    const fn are_quiet(&self) -> bool {
        self.messages == 0 && self.callbacks == 0
    }
}

/// Looks without a call that counts. What is held back for later is not waited for.
async fn messages(stage: &Stage) -> u64 {
    let names = [
        "ApproximateNumberOfMessages",
        "ApproximateNumberOfMessagesNotVisible",
    ];
    let input = json!({ "QueueUrl": stage.bundle.queue_url(), "AttributeNames": names });
    let answer = stage
        .bundle
        .observe(Service::Sqs, "GetQueueAttributes", &input);
    let answer = answer.await.unwrap();
    let number = |name: &str| answer["Attributes"][name].as_str()?.parse::<u64>().ok();
    names.iter().filter_map(|name| number(name)).sum()
}

/// Waits until the queue is worked off, and iMocha's where somebody stands in for it, and nobody calls anybody.
///
/// # Errors
///
/// They never are.
pub async fn until_quiet(stage: &Stage, imocha: Option<&Imocha>) -> Result<(), String> {
    let mut before = Traces::of(stage, imocha).await;
    let (mut quiet, mut since) = (0, Instant::now());
    while quiet < QUIET_LOOKS {
        tokio::time::sleep(LOOK_AGAIN).await;
        let now = Traces::of(stage, imocha).await;
        quiet = if now == before && now.are_quiet() {
            quiet + 1
        } else {
            0
        };
        if now != before {
            since = Instant::now();
        }
        if since.elapsed() > NOTHING_HAPPENS {
            return Err(format!("nothing happens any more: {now:?}"));
        }
        before = now;
    }
    Ok(())
}
