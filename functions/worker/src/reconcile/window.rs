//! Which part of a run's time is looked at next, and how it is made narrower.
//!
//! iMocha documents no paging, so that a list may be cut off without a word. A list of a hundred or more, which is all that its
//! other call takes at a time, is not trusted: its window is halved, down to a minute. A quiet account is looked at in weeks.

use crate::vendors::imocha::invites::InviteState;
use shared::store::Window;
use shared::timestamp::Timestamp;
use std::time::Duration;

const WIDEST: Duration = Duration::from_hours(7 * 24);
const NARROWEST: Duration = Duration::from_mins(1);
const SUSPICIOUS: usize = 100;

/// Whether a list of this length may have been cut off.
pub(super) const fn is_suspicious(listed: usize) -> bool {
    listed >= SUSPICIOUS
}

/// All that a run over this time has to look at; the last comes first.
#[must_use]
pub fn windows(from: Timestamp, to: Timestamp) -> Vec<Window> {
    let states = InviteState::ALL.into_iter().rev();
    states
        .map(|state| Window {
            state: state.as_str().to_owned(),
            from,
            to,
        })
        .collect()
}

/// What is looked at next, and what is left after it.
#[derive(Debug)]
pub(super) struct Part {
    pub window: Window,
    pub rest: Vec<Window>,
}

impl Part {
    /// At most a week of the last window. `None` if nothing is left.
    pub fn next(left: &[Window]) -> Option<Self> {
        let (last, before) = left.split_last()?;
        let mut rest = before.to_vec();
        let end = last.from.plus(WIDEST);
        let mut window = last.clone();
        if end < last.to {
            window.to = end;
            rest.push(Window {
                from: end,
                ..last.clone()
            });
        }
        Some(Self { window, rest })
    }

    /// What is left if this is looked at in two halves. `None` if it is as narrow as may be.
    pub fn halves(&self) -> Option<Vec<Window>> {
        let width_ms = self.window.to.unix_ms() - self.window.from.unix_ms();
        let width = Duration::from_millis(u64::try_from(width_ms).unwrap_or_default());
        if width <= NARROWEST {
            return None;
        }
        let half = Duration::from_secs((width / 2).as_secs().max(1));
        let middle = self.window.from.plus(half);
        let mut left = self.rest.clone();
        left.push(Window {
            from: middle,
            ..self.window.clone()
        });
        left.push(Window {
            to: middle,
            ..self.window.clone()
        });
        Some(left)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn at(hours: i64) -> Timestamp {
        Timestamp::from_unix_ms(1_768_471_200_000 + hours * 3_600_000).unwrap()
    }

    /// The windows that a run looks at, if it halves every one that is wider than `narrow`.
    fn looked_at(from: Timestamp, to: Timestamp, narrow: Duration) -> Vec<Window> {
        let (mut left, mut all) = (windows(from, to), Vec::new());
        while let Some(part) = Part::next(&left) {
            let wide = part.window.to > part.window.from.plus(narrow);
            left = if let Some(halves) = part.halves().filter(|_| wide) {
                halves
            } else {
                all.push(part.window);
                part.rest
            };
        }
        all
    }

    #[test]
    fn every_moment_is_looked_at_once_in_each_state_the_completed_first() {
        for narrow in [WIDEST, Duration::from_hours(5), NARROWEST] {
            let all = looked_at(at(0), at(24 * 16 + 1), narrow);
            assert_eq!(all[0].state, "completed");
            for state in InviteState::ALL {
                let of_state: Vec<_> = all.iter().filter(|it| it.state == state.as_str()).collect();
                assert_eq!(of_state[0].from, at(0));
                assert_eq!(of_state[of_state.len() - 1].to, at(24 * 16 + 1));
                assert!(of_state.windows(2).all(|two| two[0].to == two[1].from));
            }
        }
        assert_eq!(looked_at(at(0), at(24 * 14), WIDEST).len(), 6);
    }

    #[test]
    fn a_minute_is_not_halved_and_what_is_left_stays_little() {
        let mut left = windows(at(0), at(24 * 400));
        for _ in 0..40 {
            let part = Part::next(&left).unwrap();
            let Some(halves) = part.halves() else {
                break;
            };
            left = halves;
        }
        let part = Part::next(&left).unwrap();
        assert!(part.window.to <= part.window.from.plus(NARROWEST));
        assert!(left.len() < 20, "{}", left.len());
    }

    #[test]
    fn a_list_of_a_hundred_is_not_trusted() {
        assert!(!is_suspicious(99) && is_suspicious(100));
    }
}
