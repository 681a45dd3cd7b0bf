//! Turns: many small steps, one after the other, at most so many in a second, until somebody has enough.

use crate::command::tail::stopped;
use std::pin::Pin;
use std::time::Duration;
use tokio::time::{Interval, MissedTickBehavior, interval};

/// Whether the next step is to be made.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Turn {
    /// It is.
    Go,
    /// No more is: somebody has stopped it.
    Stop,
}

/// Gives turns.
pub struct Turns {
    pace: Interval,
    stopped: Pin<Box<dyn Future<Output = ()>>>,
}

impl Turns {
    /// At most so many in a second, until Ctrl-C.
    pub fn until_stopped(per_second: u32) -> Self {
        Self::until(per_second, async {
            // Where signals cannot be listened for, nobody stops it in order.
            if stopped().await.is_err() {
                std::future::pending::<()>().await;
            }
        })
    }

    fn until(per_second: u32, stopped: impl Future<Output = ()> + 'static) -> Self {
        let mut pace = interval(Duration::from_secs(1) / per_second.max(1));
        // What took long is not made up for by a burst.
        pace.set_missed_tick_behavior(MissedTickBehavior::Delay);
        Self {
            pace,
            stopped: Box::pin(stopped),
        }
    }

    /// Waits for the next turn.
    pub async fn next(&mut self) -> Turn {
        tokio::select! {
            biased;
            () = &mut self.stopped => Turn::Stop,
            _ = self.pace.tick() => Turn::Go,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::cell::Cell;
    use std::rc::Rc;

    #[tokio::test]
    async fn there_are_no_more_turns_in_a_second_than_were_asked_for() {
        let began = tokio::time::Instant::now();
        let mut turns = Turns::until(50, std::future::pending());
        for _ in 0..6 {
            assert_eq!(turns.next().await, Turn::Go);
        }
        // The first is at once.
        assert!(began.elapsed() >= Duration::from_millis(5 * 1000 / 50));
    }

    #[tokio::test]
    async fn there_are_turns_until_somebody_has_enough() {
        let enough = Rc::new(Cell::new(false));
        let wanted = Rc::clone(&enough);
        let mut turns = Turns::until(1000, async move {
            while !wanted.get() {
                tokio::task::yield_now().await;
            }
        });
        for _ in 0..3 {
            assert_eq!(turns.next().await, Turn::Go);
        }
        enough.set(true);
        assert_eq!(turns.next().await, Turn::Stop);
    }
}
