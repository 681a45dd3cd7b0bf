//! What the functions' processes take of the machine, as Linux tells it below `/proc`.

use local::{Bundle, FunctionInfo};
use std::collections::{BTreeMap, BTreeSet};
use std::fs;
use std::time::Duration;

/// Of fewer bursts, a tenth is not even one.
const FEWEST_BURSTS: usize = 10;

/// By the functions' logical ids.
pub type Each<T> = BTreeMap<String, T>;

/// The memory, in bytes, that the largest process of each function has now.
#[must_use]
pub fn memory(bundle: &Bundle) -> Each<u64> {
    each(bundle, |processes| {
        processes.filter_map(resident).max().unwrap_or_default()
    })
}

/// The time for which each function's processes have been on a processor since they were started.
#[must_use]
pub fn busy(bundle: &Bundle) -> Each<Duration> {
    each(bundle, |processes| processes.filter_map(on_processor).sum())
}

/// The processes of each function, over a while.
#[derive(Debug, Default)]
pub struct Seen {
    alive: Each<BTreeSet<u32>>,
    /// How many of each function's were there and are not any more.
    pub ended: Each<usize>,
}

impl Seen {
    /// Looks which there are now.
    pub fn look(&mut self, bundle: &Bundle) {
        self.note(each(bundle, Iterator::collect));
    }

    fn note(&mut self, alive: Each<BTreeSet<u32>>) {
        for (function, now) in &alive {
            let before = self.alive.get(function);
            let ended = before.map_or(0, |before| before.difference(now).count());
            *self.ended.entry(function.clone()).or_default() += ended;
        }
        self.alive = alive;
    }

    /// How many of each function's there were when this last looked.
    #[must_use]
    pub fn alive(&self) -> Each<usize> {
        let alive = self.alive.iter();
        alive
            .map(|(name, processes)| (name.clone(), processes.len()))
            .collect()
    }
}

/// What of these there was after a tenth, and at the end; `None` if they are too few to be told apart.
#[must_use]
pub fn early_and_last<T>(of_each_burst: &[T]) -> Option<(&T, &T)> {
    let early = of_each_burst.len().div_ceil(10).checked_sub(1)?;
    let (early, last) = (of_each_burst.get(early)?, of_each_burst.last()?);
    (of_each_burst.len() >= FEWEST_BURSTS).then_some((early, last))
}

fn each<T>(bundle: &Bundle, of: impl Fn(std::vec::IntoIter<u32>) -> T) -> Each<T> {
    let functions = bundle.functions().into_iter();
    let of_one = |it: FunctionInfo| (it.logical_id, of(it.processes.into_iter()));
    functions.map(of_one).collect()
}

/// `None` if the process is gone.
fn resident(process: u32) -> Option<u64> {
    let status = fs::read_to_string(format!("/proc/{process}/status")).ok()?;
    let line = status
        .lines()
        .find_map(|line| line.strip_prefix("VmRSS:"))?;
    let kib: u64 = line.split_whitespace().next()?.parse().ok()?;
    Some(kib * 1024)
}

/// Of all its threads: the first number of each `schedstat` is in nanoseconds.
fn on_processor(process: u32) -> Option<Duration> {
    let threads = fs::read_dir(format!("/proc/{process}/task")).ok()?;
    let of_thread = |thread: fs::DirEntry| {
        let text = fs::read_to_string(thread.path().join("schedstat")).ok()?;
        text.split_whitespace().next()?.parse::<u64>().ok()
    };
    let nanoseconds = threads.filter_map(Result::ok).filter_map(of_thread).sum();
    Some(Duration::from_nanos(nanoseconds))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_tenth_is_over_after_the_burst_that_completes_it() {
        let of = |count: usize| {
            let bursts: Vec<usize> = (1..=count).collect();
            early_and_last(&bursts).map(|(early, last)| (*early, *last))
        };
        assert_eq!([of(0), of(1), of(9)], [None; 3]);
        assert_eq!(of(10), Some((1, 10)));
        assert_eq!(of(11), Some((2, 11)));
        assert_eq!(of(50), Some((5, 50)));
    }

    #[test]
    fn a_process_that_another_one_has_followed_has_ended() {
        let mut seen = Seen::default();
        for alive in [vec![1], vec![1, 2], vec![2, 3], vec![2, 3]] {
            seen.note(Each::from([("f".to_owned(), BTreeSet::from_iter(alive))]));
        }
        assert_eq!((seen.alive()["f"], seen.ended["f"]), (2, 1));
    }

    #[cfg(target_os = "linux")]
    #[test]
    fn a_process_tells_its_memory_and_its_time() {
        let this = std::process::id();
        assert!(resident(this).unwrap() > 100_000);
        let before = on_processor(this).unwrap();
        let mut sum = 0_u64;
        while on_processor(this).unwrap() < before + Duration::from_millis(20) {
            sum = std::hint::black_box(sum + 1);
        }
        assert_eq!(resident(u32::MAX), None);
        assert_eq!(on_processor(u32::MAX), None);
    }
}
