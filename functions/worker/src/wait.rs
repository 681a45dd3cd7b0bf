//! A job that finds that a vendor may not be called yet is done at another time, which is no failure and no try.
//!
//! Nobody sleeps: the items are due again a minute after that time, and the same message is sent once more, held back until
//! then, as the fast path. What has to wait for longer than a message can be held back is left to the sweep.

use crate::job::Message;
use crate::vendors::error::Waiting;
use crate::{JobError, Worker};
use futures_util::{StreamExt, TryStreamExt, stream};
use shared::error::causes;
use shared::queue::LONGEST_DELAY;
use shared::store::FIRST_DUE;

/// How many items are written at a time.
const AT_ONCE: usize = 16;

impl Worker {
    /// Has the work of `message` done when its vendor may be called.
    pub(crate) async fn wait(&self, message: &Message, waiting: Waiting) -> Result<(), JobError> {
        let by_message = waiting.after <= LONGEST_DELAY;
        let due_at = if by_message {
            waiting.until.plus(FIRST_DUE)
        } else {
            waiting.until
        };
        let items = message.job.items();
        let marks = stream::iter(&items).map(|key| self.table.wait_until(key, due_at));
        let marks = marks.buffer_unordered(AT_ONCE).try_collect::<Vec<_>>();
        marks.await?;
        tracing::debug!(
            until = %waiting.until,
            why = waiting.why.name(),
            "the work waits"
        );
        if by_message {
            self.send_again(message, waiting).await;
        }
        Ok(())
    }

    /// What the queue does not take is due by itself.
    async fn send_again(&self, message: &Message, waiting: Waiting) {
        let sent = self.queue.send_later(message.body(), waiting.after).await;
        if let Err(error) = sent {
            tracing::warn!(
                correlation_id = message.correlation_id,
                error = causes(&error),
                "not enqueued: the work is due again later"
            );
        }
    }
}
