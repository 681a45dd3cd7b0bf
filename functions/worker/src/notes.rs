//! What is noted while a message is handled, for the one line that is written about it.
//!
//! Whoever sees something that counts notes it where it happens, however deep: the notes belong to the task, as a span does.
//! Outside of a message nothing is noted.

use shared::metrics::Metric;
use std::cell::RefCell;

/// What was counted, each metric once.
pub(crate) type Notes = Vec<(Metric, u64)>;

tokio::task_local! {
    static NOTES: RefCell<Notes>;
}

/// Adds this much to a metric.
pub(crate) fn add(metric: Metric, value: u64) {
    let outside_of_a_message = NOTES.try_with(|notes| {
        let mut notes = notes.borrow_mut();
        match notes.iter_mut().find(|(it, _)| *it == metric) {
            Some((_, sum)) => *sum += value,
            None => notes.push((metric, value)),
        }
    });
    outside_of_a_message.unwrap_or_default();
}

/// Does the work, and gives what was noted meanwhile.
pub(crate) async fn taken<F: Future>(work: F) -> (F::Output, Notes) {
    let noting = async {
        let output = work.await;
        (output, NOTES.with(RefCell::take))
    };
    NOTES.scope(RefCell::default(), noting).await
}

#[cfg(test)]
mod tests {
    use super::*;
    use tokio::task::yield_now;

    #[tokio::test]
    async fn what_is_noted_is_summed_up_for_each_piece_of_work() {
        let work = |value| async move {
            add(Metric::Parked, value);
            yield_now().await;
            add(Metric::Parked, value);
        };
        let (one, other) = tokio::join!(taken(work(1)), taken(work(10)));
        assert_eq!(one.1, [(Metric::Parked, 2)]);
        assert_eq!(other.1, [(Metric::Parked, 20)]);
    }

    #[tokio::test]
    async fn nothing_is_noted_outside() {
        add(Metric::Parked, 1);
        assert_eq!(taken(async {}).await.1, []);
    }
}
