//! Why a report was not had, by one way or by all, and what is to be done about it.

use super::ways::Way;
use crate::download::error::{DownloadError, Prospect};
use crate::download::link::LinkError;
use crate::vendors::VendorError;
use crate::vendors::error::{Advice, Waiting};
use shared::store::{Later, ReportOutcome};
use std::time::Duration;

/// When a report that is not ready is asked for again.
const NOT_READY: Duration = Duration::from_mins(5);
/// How often what is not there is looked for again: for about an hour, since what is made just now looks the same.
const MOST_LOOKS: u64 = 6;

/// Why one way did not lead to a report.
#[derive(Debug, thiserror::Error)]
pub(super) enum Miss {
    /// The vendor is still making it.
    #[error("it is not ready yet")]
    NotReady,
    /// The vendor cannot be asked.
    #[error("{0}")]
    Impossible(&'static str),
    /// The vendor's API failed.
    #[error(transparent)]
    Vendor(VendorError),
    /// The download failed.
    #[error(transparent)]
    Download(#[from] DownloadError),
}

impl From<LinkError> for Miss {
    fn from(error: LinkError) -> Self {
        Self::Download(error.into())
    }
}

impl From<VendorError> for Miss {
    fn from(error: VendorError) -> Self {
        match error {
            VendorError::Off => Self::Impossible("the vendor's API is off: its key is not set"),
            error => Self::Vendor(error),
        }
    }
}

impl Miss {
    fn prospect(&self) -> Prospect {
        match self {
            Self::NotReady => Prospect::Later(NOT_READY),
            Self::Impossible(_) => Prospect::NotThere,
            Self::Vendor(error) if error.advice() == Advice::GiveUp => Prospect::NotThere,
            Self::Vendor(error) => Prospect::Later(error.try_again_after()),
            Self::Download(error) => error.prospect(),
        }
    }

    fn host(&self) -> Option<&str> {
        match self {
            Self::Download(error) => error.host(),
            Self::NotReady | Self::Impossible(_) | Self::Vendor(_) => None,
        }
    }

    /// Whether it could not be looked at, for whatever reason but that it was not the time.
    fn has_failed(&self) -> bool {
        let later = matches!(self.prospect(), Prospect::Later(_));
        later && !matches!(self, Self::NotReady) && !self.is_a_turn()
    }

    /// Whether it could not be looked at, since the vendor or the host of the link did not answer as it should.
    fn is_unreachable(&self) -> bool {
        match self {
            Self::NotReady | Self::Impossible(_) => false,
            Self::Vendor(error) => error.is_no_answer(),
            Self::Download(error) => matches!(error.prospect(), Prospect::Later(_)),
        }
    }

    /// Whether it is only that the vendor's API is not to be called just now.
    const fn is_a_turn(&self) -> bool {
        matches!(self, Self::Vendor(VendorError::Waiting(_)))
    }

    /// Whether the vendor's API is to be left alone for now.
    pub(super) fn closes_the_api(&self) -> bool {
        match self {
            Self::Vendor(error) => error.advice() != Advice::GiveUp,
            Self::NotReady | Self::Impossible(_) | Self::Download(_) => false,
        }
    }
}

/// Why a report was not had.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Problem {
    /// In the item, for whoever may read it: with the host that is not on the list.
    pub(super) kept: String,
    /// In the log: with nothing that a vendor wrote.
    pub(super) logged: String,
}

impl Problem {
    pub(super) fn plain(text: &str) -> Self {
        Self {
            kept: text.to_owned(),
            logged: text.to_owned(),
        }
    }
}

/// What is to be done about a report that was not had.
#[derive(Debug, PartialEq, Eq)]
pub(super) enum Verdict {
    /// The same again, this much later.
    Later {
        /// How much.
        after: Duration,
        /// Whether it is only not there yet.
        why: Later,
        /// Whether somebody could not be reached, rather than that it is not there yet.
        unreachable: bool,
        /// Why.
        problem: Problem,
    },
    /// It will not be had.
    Never {
        /// What it came to.
        outcome: ReportOutcome,
        /// Why.
        problem: Problem,
        /// Whether there was one to be had.
        lost: bool,
    },
}

/// Why no way led to a report, way by way.
#[derive(Debug, Default)]
pub(super) struct Misses(Vec<(Way, Miss)>);

impl Misses {
    pub(super) fn note(&mut self, way: Way, miss: Miss) {
        self.0.push((way, miss));
    }

    pub(super) fn api_is_closed(&self) -> bool {
        self.0.iter().any(|(_, miss)| miss.closes_the_api())
    }

    /// Until when the vendor's API is not called, if that is all that there is to wait for: whoever could not be reached by
    /// the link is not called again as soon as that.
    pub(super) fn waiting(&self) -> Option<Waiting> {
        let mut waiting = None;
        for (_, miss) in &self.0 {
            match miss {
                Miss::Vendor(VendorError::Waiting(until)) => waiting = Some(*until),
                miss if matches!(miss.prospect(), Prospect::Later(_)) => return None,
                _ => {}
            }
        }
        waiting
    }

    /// Whether the event's link was followed, and leads to nothing.
    pub(super) fn link_is_dead(&self) -> bool {
        let dead = |miss: &Miss| matches!(miss.prospect(), Prospect::NotThere | Prospect::Refused);
        self.0
            .iter()
            .any(|(way, miss)| *way == Way::Event && dead(miss))
    }

    /// Later, if any way may lead to it later. Else never, at once if nobody can be asked or the link is one that may not be
    /// followed; what is just not there is looked for a few times more. `tries` is how often it was looked for before.
    pub(super) fn verdict(self, tries: u64) -> Verdict {
        let problem = self.problem();
        let later = |prospect| match prospect {
            Prospect::Later(after) => Some(after),
            Prospect::NotThere | Prospect::Refused | Prospect::Ours => None,
        };
        let prospects = || {
            let ways = self.0.iter().filter(|(_, miss)| !miss.is_a_turn());
            ways.map(|(_, miss)| miss.prospect())
        };
        if let Some(after) = prospects().filter_map(later).min() {
            return Verdict::Later {
                after,
                why: if self.0.iter().any(|(_, miss)| miss.has_failed()) {
                    Later::Failed
                } else {
                    Later::NotYet
                },
                unreachable: self.0.iter().any(|(_, miss)| miss.is_unreachable()),
                problem,
            };
        }
        let absent = |miss: &Miss| {
            !matches!(miss, Miss::Impossible(_)) && miss.prospect() == Prospect::NotThere
        };
        if tries < MOST_LOOKS && self.0.iter().any(|(_, miss)| absent(miss)) {
            return Verdict::Later {
                after: NOT_READY,
                why: Later::NotYet,
                unreachable: false,
                problem,
            };
        }
        let refused = prospects().any(|prospect| prospect == Prospect::Refused);
        let impossible = |(_, miss): &(Way, Miss)| matches!(miss, Miss::Impossible(_));
        Verdict::Never {
            outcome: if refused {
                ReportOutcome::Refused
            } else {
                ReportOutcome::Unavailable
            },
            lost: !self.0.iter().all(impossible),
            problem,
        }
    }

    fn problem(&self) -> Problem {
        if self.0.is_empty() {
            return Problem::plain("the vendor documents no call that gives a report");
        }
        let each =
            |say: fn(&(Way, Miss)) -> String| self.0.iter().map(say).collect::<Vec<_>>().join("; ");
        Problem {
            kept: each(|(way, miss)| match miss.host() {
                Some(host) => format!("{way}: {miss}: {host}"),
                None => format!("{way}: {miss}"),
            }),
            logged: each(|(way, miss)| format!("{way}: {miss}")),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use reqwest::StatusCode;

    fn busy(seconds: u64) -> Miss {
        let retry_after = Some(Duration::from_secs(seconds));
        let status = StatusCode::SERVICE_UNAVAILABLE;
        VendorError::Busy {
            status,
            retry_after,
        }
        .into()
    }

    fn gone() -> Miss {
        DownloadError::Gone(StatusCode::NOT_FOUND).into()
    }

    fn verdict(misses: Vec<Miss>, tries: u64) -> Verdict {
        let ways = [Way::Event, Way::ApiLink, Way::Api];
        Misses(ways.into_iter().zip(misses).collect()).verdict(tries)
    }

    fn after(misses: Vec<Miss>) -> Option<u64> {
        match verdict(misses, 100) {
            Verdict::Later { after, .. } => Some(after.as_secs()),
            Verdict::Never { .. } => None,
        }
    }

    fn never(misses: Vec<Miss>) -> (ReportOutcome, bool) {
        match verdict(misses, 100) {
            Verdict::Never { outcome, lost, .. } => (outcome, lost),
            later @ Verdict::Later { .. } => panic!("{later:?}"),
        }
    }

    #[test]
    fn it_is_looked_for_again_as_soon_as_any_way_may_lead_to_it() {
        assert_eq!(after(vec![gone(), Miss::NotReady]), Some(300));
        assert_eq!(after(vec![busy(900), Miss::NotReady]), Some(300));
        assert_eq!(after(vec![Miss::NotReady, busy(7)]), Some(7));
        assert_eq!(after(vec![LinkError::NotHttps.into(), busy(7)]), Some(7));
        assert_eq!(after(vec![gone()]), None);
    }

    #[test]
    fn what_is_not_there_is_looked_for_a_few_times_and_then_lost() {
        for tries in 0..MOST_LOOKS {
            let verdict = verdict(vec![gone()], tries);
            assert!(matches!(
                verdict,
                Verdict::Later {
                    after: NOT_READY,
                    ..
                }
            ));
        }
        let unavailable = ReportOutcome::Unavailable;
        assert_eq!(never(vec![gone()]), (unavailable, true));
        assert_eq!(
            never(vec![DownloadError::NoPdf.into()]),
            (unavailable, true)
        );
        let no = VendorError::TooLarge;
        assert_eq!(never(vec![gone(), no.into()]), (unavailable, true));
    }

    #[test]
    fn what_may_not_be_followed_is_refused_at_once_and_lost() {
        let problem = "the event's link: it is not https; the API's link: the vendor's API is off: its key is not set";
        let misses = vec![LinkError::NotHttps.into(), VendorError::Off.into()];
        let refused = Verdict::Never {
            outcome: ReportOutcome::Refused,
            problem: Problem::plain(problem),
            lost: true,
        };
        assert_eq!(verdict(misses, 0), refused);
    }

    #[test]
    fn the_host_that_is_missing_is_kept_and_not_logged() {
        let host = || LinkError::Host("files.example.com".into());
        for miss in [host().into(), DownloadError::Redirect(host()).into()] {
            let Verdict::Never { problem, .. } = verdict(vec![miss], 0) else {
                panic!("it is refused at once");
            };
            assert!(problem.kept.contains("files.example.com"), "{problem:?}");
            assert!(!problem.logged.contains("example"), "{problem:?}");
        }
    }

    #[test]
    fn where_nobody_can_be_asked_nothing_is_lost() {
        let unavailable = (ReportOutcome::Unavailable, false);
        assert_eq!(never(vec![VendorError::Off.into()]), unavailable);
        assert_eq!(never(vec![]), unavailable);
        let off = vec![VendorError::Off.into(), VendorError::Off.into()];
        assert!(matches!(
            verdict(off, 0),
            Verdict::Never { lost: false, .. }
        ));
    }

    #[test]
    fn whoever_could_not_be_reached_is_told_from_what_is_not_there_and_from_a_bad_key() {
        let told = |misses| match verdict(misses, 0) {
            Verdict::Later {
                why, unreachable, ..
            } => (why, unreachable),
            never @ Verdict::Never { .. } => panic!("{never:?}"),
        };
        let refused = || VendorError::KeyRefused(StatusCode::UNAUTHORIZED).into();
        for misses in [
            vec![busy(7)],
            vec![gone(), busy(7)],
            vec![busy(7), Miss::NotReady],
            vec![refused(), busy(7)],
        ] {
            assert_eq!(told(misses), (Later::Failed, true));
        }
        for misses in [
            vec![Miss::NotReady],
            vec![gone(), Miss::NotReady],
            vec![gone()],
        ] {
            assert_eq!(told(misses), (Later::NotYet, false));
        }
        assert_eq!(told(vec![refused()]), (Later::Failed, false));
    }
}
