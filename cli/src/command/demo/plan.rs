//! How much of what goes wrong at vendors is to happen: the seed says so, and the demo fails where it comes to something else.

use super::follow_ups::{Confirmed, ForeignIds, InVain, Reconciled, Registered};
use std::ops::Range;
use worker::job::MOST_IDS;
use xobin_webhook::KINDS;

const BULK: i64 = 250;

/// Attempts of iMocha, by their `TestInvitationId`s.
pub type Ids = Range<i64>;

/// What iMocha is to have done.
#[derive(Debug, PartialEq, Eq)]
pub struct Plan {
    /// It called us about these. All of them are asked for again.
    pub bulk: Ids,
    /// It lists these of the bulk as completed, too.
    pub known: Ids,
    /// It lists these, and its callbacks never came.
    pub missed: Ids,
    /// It lists these as cancelled.
    pub cancelled: Ids,
    /// And these as expired.
    pub expired: Ids,
    /// It does not have these.
    pub foreign: Ids,
    /// It is asked for this one in the same call.
    pub beside: Ids,
    /// It promises these, and never sends them.
    pub silent: Ids,
    /// Its API says something else of these than whoever called us.
    pub contradicted: Ids,
}

impl Plan {
    /// By this seed.
    pub fn of(seed: u64) -> Self {
        let mut random = fastrand::Rng::with_seed(seed);
        let mut few = |first: i64, most: i64| first..first + random.i64(1..=most);
        Self {
            bulk: 5_000_001..5_000_001 + BULK,
            known: few(5_000_001, 9),
            missed: few(5_100_001, 9),
            cancelled: few(5_200_001, 4),
            expired: few(5_300_001, 4),
            foreign: few(94_761, 3),
            beside: 5_400_001..5_400_002,
            silent: few(5_500_001, 2),
            contradicted: few(5_600_001, 3),
        }
    }

    /// How many calls are to be made for the bulk.
    pub fn bulk_calls(&self) -> usize {
        many(&self.bulk).div_ceil(MOST_IDS)
    }

    /// What comparing is to come to.
    pub fn reconciled(&self) -> Reconciled {
        let (known, missing) = (many(&self.known), many(&self.missed));
        let (cancelled, expired) = (many(&self.cancelled), many(&self.expired));
        Reconciled {
            listed: known + missing + cancelled + expired,
            known,
            missing,
            asked: missing,
            answered: missing,
            cancelled,
            expired,
        }
    }

    /// What asking for ids that are not ours is to come to: one call is refused, and one takes what is left.
    pub fn foreign(&self) -> ForeignIds {
        let (foreign, beside) = (many(&self.foreign), many(&self.beside));
        ForeignIds {
            ids_asked: foreign + beside,
            calls: 2,
            answered: beside,
            foreign,
        }
    }

    /// What asking in vain is to come to.
    pub fn unanswered(&self, ask_times: usize) -> InVain {
        let unanswered = many(&self.silent);
        InVain {
            unanswered,
            calls: unanswered * ask_times,
            results_read: unanswered,
        }
    }

    /// What asking for the results of so many finished attempts is to come to.
    pub fn confirmed(&self, finished: usize) -> Confirmed {
        let contradicted = many(&self.contradicted);
        Confirmed {
            confirmed: finished.saturating_sub(contradicted),
            contradicted,
        }
    }

    /// What registering is to come to.
    pub fn registered() -> Registered {
        Registered {
            webhooks: KINDS.len(),
            differences: 0,
            calls: KINDS.len(),
            accepted: KINDS.len(),
        }
    }
}

fn many(ids: &Ids) -> usize {
    ids.clone().count()
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::collections::BTreeSet;

    #[test]
    fn a_seed_always_says_the_same_and_another_one_something_else() {
        assert_eq!(Plan::of(1), Plan::of(1));
        let plans: Vec<Plan> = (0..20).map(Plan::of).collect();
        assert!(plans.iter().any(|plan| *plan != plans[0]));
    }

    #[test]
    fn no_attempt_has_two_parts_but_those_that_are_known() {
        for seed in 0..50 {
            let plan = Plan::of(seed);
            let parts = [
                &plan.bulk,
                &plan.missed,
                &plan.cancelled,
                &plan.expired,
                &plan.foreign,
                &plan.beside,
                &plan.silent,
                &plan.contradicted,
            ];
            assert!(parts.iter().all(|part| many(part) > 0));
            let all: Vec<i64> = parts.iter().flat_map(|part| (*part).clone()).collect();
            let once: BTreeSet<i64> = all.iter().copied().collect();
            assert_eq!(once.len(), all.len());
            assert!(plan.known.clone().all(|id| plan.bulk.contains(&id)));
            // Each is asked for in one call.
            assert!(many(&plan.missed) + many(&plan.foreign) < MOST_IDS);
        }
    }
}
