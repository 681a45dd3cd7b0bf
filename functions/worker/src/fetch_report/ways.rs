//! The ways to a report, in the order in which they are tried: what costs the vendor's API nothing first.
//!
//! A link that has died is made anew through the API where there is one; one that is known to have died is tried last.

use super::miss::{Miss, Misses, Verdict};
use super::{Fetched, Wanted};
use crate::download::Place;
use crate::download::error::Prospect;
use crate::download::link::Rules;
use crate::vendors::{Resolution, VendorError};
use crate::{JobError, Worker};
use shared::error::causes;
use shared::event::Report;
use shared::store::{ReportItem, ReportOrigin};
use shared::timestamp::Timestamp;
use std::fmt;

/// A way to a report.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Way {
    /// The link that the event had.
    Event,
    /// A link that the vendor's API gives.
    ApiLink,
    /// The vendor's API, which may have the file itself.
    Api,
}

impl fmt::Display for Way {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str(match self {
            Self::Event => "the event's link",
            Self::ApiLink => "the API's link",
            Self::Api => "the API's file",
        })
    }
}

impl Way {
    fn of(source: &str, report: &ReportItem, now: Timestamp) -> Vec<Self> {
        let api: &[Self] = match source {
            "imocha" | "xobin" => &[Self::ApiLink, Self::Api],
            "jobmojito" => &[Self::ApiLink],
            _ => &[],
        };
        match report.link {
            Report::OnRequest => api.to_vec(),
            Report::Link { .. } if is_dead(report, now) => [api, &[Self::Event]].concat(),
            Report::Link { .. } => [&[Self::Event], api].concat(),
        }
    }

    fn is_of_the_api(self) -> bool {
        self != Self::Event
    }
}

/// Whether the link that the event had is known to lead to nothing any more.
fn is_dead(report: &ReportItem, now: Timestamp) -> bool {
    let Report::Link { valid_until, .. } = &report.link else {
        return false;
    };
    let ends = [*valid_until, report.link_died_at];
    ends.into_iter().flatten().any(|end| end <= now)
}

impl Worker {
    /// Has the report by the first way that leads to it. Where that would be the vendor's API and it is not the time to call it,
    /// the whole job waits, and a dead link is not followed again meanwhile.
    pub(super) async fn by_any_way(
        &self,
        wanted: &Wanted<'_>,
    ) -> Result<Result<Fetched, Verdict>, JobError> {
        let now = self.clock.now();
        let was_dead = is_dead(wanted.report, now);
        let mut misses = Misses::default();
        for way in Way::of(wanted.source, wanted.report, now) {
            let hopeless = way == Way::Event && was_dead && misses.waiting().is_some();
            if hopeless || way.is_of_the_api() && misses.api_is_closed() {
                continue;
            }
            match self.by(way, wanted).await {
                Ok(fetched) => return Ok(Ok(fetched)),
                Err(Miss::Download(error)) if error.prospect() == Prospect::Ours => {
                    return Err(error.into());
                }
                Err(miss) => {
                    log_miss(wanted.source, &miss);
                    misses.note(way, miss);
                }
            }
        }
        // It is not the time to call the vendor: the whole job waits, and that is no try.
        if let Some(waiting) = misses.waiting() {
            if misses.link_is_dead() && !was_dead {
                self.table.note_dead_link(wanted.report, now).await?;
            }
            return Err(JobError::Waiting(waiting));
        }
        Ok(Err(misses.verdict(wanted.report.tries)))
    }

    async fn by(&self, way: Way, wanted: &Wanted<'_>) -> Result<Fetched, Miss> {
        match way {
            Way::Event => self.by_event(wanted).await,
            Way::ApiLink => {
                let asked = self.vendors.report_link(wanted.source, wanted.attempt);
                self.by_resolution(wanted, asked.await?, None).await
            }
            Way::Api => {
                // Before the call: an answer that waits for a place would break off.
                let place = self.downloads.place().await;
                let asked = self.vendors.report_pdf(wanted.source, wanted.attempt);
                self.by_resolution(wanted, asked.await?, Some(place)).await
            }
        }
    }

    async fn by_event(&self, wanted: &Wanted<'_>) -> Result<Fetched, Miss> {
        let Report::Link { url, valid_until } = &wanted.report.link else {
            return Err(Miss::NotReady);
        };
        let link = OfferedLink {
            url: self.vendors.absolute(wanted.source, url)?,
            valid_until: *valid_until,
            origin: ReportOrigin::Event,
        };
        self.by_link(wanted, link, None).await
    }

    async fn by_resolution(
        &self,
        wanted: &Wanted<'_>,
        resolution: Resolution,
        place: Option<Place<'_>>,
    ) -> Result<Fetched, Miss> {
        match resolution {
            Resolution::Link { url, valid_until } => {
                let link = OfferedLink {
                    url,
                    valid_until,
                    origin: ReportOrigin::ApiLink,
                };
                self.by_link(wanted, link, place).await
            }
            Resolution::Pdf(body) => Ok(Fetched {
                pdf: self.place(place).await.save(body).await?,
                origin: ReportOrigin::Api,
                url: None,
                valid_until: None,
            }),
            Resolution::NotReady => Err(Miss::NotReady),
            Resolution::Impossible(why) => Err(Miss::Impossible(why)),
        }
    }

    async fn by_link(
        &self,
        wanted: &Wanted<'_>,
        link: OfferedLink,
        place: Option<Place<'_>>,
    ) -> Result<Fetched, Miss> {
        let hosts = self.reports.hosts.get(wanted.source);
        let rules = Rules {
            hosts: hosts.ok_or(Miss::Impossible("no report hosts are set for its vendor"))?,
            stand_ins: self.reports.stand_ins,
        };
        // Looked at before it waits for a place.
        let checked = rules.link(&link.url)?;
        Ok(Fetched {
            pdf: self.place(place).await.fetch(&checked, rules).await?,
            origin: link.origin,
            url: Some(checked.as_str().to_owned()),
            valid_until: link.valid_until,
        })
    }

    async fn place<'a>(&'a self, place: Option<Place<'a>>) -> Place<'a> {
        match place {
            Some(place) => place,
            None => self.downloads.place().await,
        }
    }
}

/// A link that nobody has looked at yet.
struct OfferedLink {
    url: String,
    valid_until: Option<Timestamp>,
    origin: ReportOrigin,
}

fn log_miss(vendor: &str, miss: &Miss) {
    match miss {
        Miss::NotReady | Miss::Impossible(_) | Miss::Vendor(VendorError::Waiting(_)) => {}
        Miss::Vendor(error) => error.log(vendor),
        Miss::Download(error) => {
            tracing::warn!(
                vendor,
                error = causes(error),
                "a report was not had by its link"
            );
        }
    }
}
