//! What vendors answer, for `fuzz/` at the project's root: the readers themselves stay private. Behind a feature and not behind
//! `cfg(fuzzing)`, so that every toolchain and the lints can see it; no function is built with it.

use super::answer::Answer;
use super::testlify::Links;
use super::{Resolution, ResultAnswer, VendorError};
use crate::download::link::{Link, LinkError, Rules};
use futures_util::FutureExt;
use reqwest::Response;
use shared::error::causes;
use shared::event::Event;

pub use super::imocha::fuzzing::imocha;
pub use super::jobmojito::fuzzing::jobmojito;
pub use super::xobin::fuzzing::xobin;

/// What was understood of an answer, by all who may read it.
#[derive(Debug, Default)]
pub struct Understood {
    /// What it says of an attempt, and the exact bytes that are kept of it.
    pub events: Vec<(Event, Vec<u8>)>,
    /// Where it says that a report is.
    pub links: Vec<String>,
    /// What the log would say of its errors.
    pub logged: Vec<String>,
    /// What an operator would read of it.
    pub shown: Vec<String>,
}

/// The status by itself, and what it means for the calls that come after it.
#[must_use]
pub fn envelope(response: Response) -> Understood {
    let mut understood = Understood::default();
    if let Some(answer) = understood.read(response) {
        understood.logged.push(answer.outcome().name().to_owned());
        understood.shown.push(answer.reason().to_string());
        let _ = understood.result(answer.success());
    }
    understood
}

/// Where a redirect from one link to another leads.
pub fn redirected(rules: Rules<'_>, from: &Link, location: &str) -> Result<Link, LinkError> {
    rules.redirected(from, location)
}

/// Where a link of Testlify's leads that may be relative to this base.
#[must_use]
pub fn under(base: &str, link: &str) -> Option<Result<String, LinkError>> {
    Some(Links::new(base).ok()?.absolute(link))
}

impl Understood {
    /// The answer. Its body is there already, so that nothing is waited for.
    pub(super) fn read(&mut self, response: Response) -> Option<Answer> {
        let read = Answer::read(response).now_or_never();
        self.result(read.expect("the body is in memory"))
    }

    pub(super) fn result<T>(&mut self, result: Result<T, VendorError>) -> Option<T> {
        match result {
            Ok(value) => Some(value),
            Err(error) => {
                let _ = (error.advice(), error.try_again_after());
                self.logged.push(causes(&error));
                None
            }
        }
    }

    pub(super) fn told(&mut self, told: Result<ResultAnswer, VendorError>) {
        match self.result(told) {
            Some(ResultAnswer::Known(result)) => {
                self.logged.push(format!("{result:?}"));
                let _ = result.differences(&result.event);
                self.events.push((result.event, result.body));
            }
            Some(ResultAnswer::NotYet | ResultAnswer::Unclear) | None => {}
        }
    }

    pub(super) fn linked(&mut self, linked: Result<Resolution, VendorError>) {
        match self.result(linked) {
            Some(Resolution::Link { url, .. }) => self.links.push(url),
            Some(Resolution::Pdf(_) | Resolution::NotReady | Resolution::Impossible(_)) | None => {}
        }
    }
}
