//! Downloads: a report, from where a vendor says that it is, to a file on this machine.
//!
//! No link from outside is trusted. It is https at a host of the vendor's list ([`link`]); every address of that host is public,
//! and the connection goes to one of those ([`names`], [`address`]); a redirect has to pass the same again. No key and no cookie
//! goes along, and no proxy of the environment is asked. What comes is a PDF and not too large ([`pdf`]), and goes to the disk
//! piece by piece. What is not done here: what link to follow, and what to do when it leads nowhere.

pub mod address;
pub mod body;
pub mod error;
pub mod hosts;
pub mod link;
pub mod names;
pub mod pdf;

use body::Body;
use error::DownloadError;
use link::{Link, Rules};
use names::{Guarded, Names, leads_inside};
use pdf::Pdf;
use reqwest::{Response, StatusCode, header, redirect};
use std::path::PathBuf;
use std::sync::Arc;
use std::time::Duration;
use tokio::sync::{OwnedSemaphorePermit, Semaphore};

/// How many reports lie on this machine's disk at a time, at most.
pub const AT_ONCE: usize = 3;
/// How many redirects are followed.
pub const MOST_REDIRECTS: usize = 3;
const CONNECT: Duration = Duration::from_secs(3);
/// Until an answer begins, and between any two pieces of it.
const PIECE: Duration = Duration::from_secs(10);

/// Where downloads go, and how large they may be.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct DownloadConfig {
    /// Where files lie while they are needed.
    pub directory: PathBuf,
    /// The largest report that is taken.
    pub most_bytes: u64,
}

/// All downloads of this process.
pub struct Downloads {
    http: reqwest::Client,
    config: DownloadConfig,
    places: Arc<Semaphore>,
}

/// A place for one report on the disk.
pub struct Place<'a> {
    downloads: &'a Downloads,
    permit: OwnedSemaphorePermit,
}

impl Downloads {
    /// With what knows hosts' addresses.
    pub fn new(config: DownloadConfig, names: Arc<dyn Names>) -> Result<Self, reqwest::Error> {
        Ok(Self {
            http: client(Guarded::public(names))?,
            config,
            places: Arc::new(Semaphore::new(AT_ONCE)),
        })
    }

    /// Waits for a place, so that there are never more than a few.
    pub async fn place(&self) -> Place<'_> {
        let permit = Arc::clone(&self.places).acquire_owned().await;
        Place {
            downloads: self,
            permit: permit.expect("the semaphore is never closed"),
        }
    }

    async fn follow(&self, link: &Link, rules: Rules<'_>) -> Result<Body, DownloadError> {
        let mut link = link.clone();
        for _ in 0..=MOST_REDIRECTS {
            let response = self.http.get(link.as_str()).send().await;
            let response = response.map_err(not_answered)?;
            let Some(location) = redirection(&response) else {
                return succeeded(response);
            };
            link = rules
                .redirected(&link, &location)
                .map_err(DownloadError::Redirect)?;
        }
        Err(DownloadError::Redirects(MOST_REDIRECTS))
    }
}

impl Place<'_> {
    /// Fetches what is behind a link.
    pub async fn fetch(self, link: &Link, rules: Rules<'_>) -> Result<Pdf, DownloadError> {
        let body = self.downloads.follow(link, rules).await?;
        self.save(body).await
    }

    /// Takes what was answered elsewhere.
    pub async fn save(self, body: Body) -> Result<Pdf, DownloadError> {
        let DownloadConfig {
            directory,
            most_bytes,
        } = &self.downloads.config;
        Pdf::save(body, directory, *most_bytes, self.permit).await
    }
}

/// The HTTP client of all downloads, which knows no address but what the guard gives it.
fn client(guard: Guarded) -> Result<reqwest::Client, reqwest::Error> {
    shared::tls::use_ring();
    reqwest::Client::builder()
        .connect_timeout(CONNECT)
        .read_timeout(PIECE)
        .redirect(redirect::Policy::none())
        .dns_resolver(Arc::new(guard))
        .no_proxy()
        .referer(false)
        .user_agent(concat!("assessment-webhooks/", env!("CARGO_PKG_VERSION")))
        .build()
}

/// Where an answer leads on to; one that does not say so is no redirect.
fn redirection(response: &Response) -> Option<String> {
    let redirects = matches!(response.status().as_u16(), 301 | 302 | 303 | 307 | 308);
    let location = response.headers().get(header::LOCATION)?.to_str().ok()?;
    redirects.then(|| location.to_owned())
}

fn succeeded(response: Response) -> Result<Body, DownloadError> {
    match response.status() {
        StatusCode::OK => Ok(Body::new(response)),
        StatusCode::NO_CONTENT => Err(DownloadError::Empty),
        status
            if status.is_server_error()
                || status == StatusCode::TOO_MANY_REQUESTS
                || status == StatusCode::REQUEST_TIMEOUT =>
        {
            Err(DownloadError::Busy {
                status,
                retry_after: crate::vendors::retry_after(&response),
            })
        }
        status => Err(DownloadError::Gone(status)),
    }
}

fn not_answered(error: reqwest::Error) -> DownloadError {
    if leads_inside(&error) {
        return DownloadError::Inside;
    }
    let error = error.without_url();
    if error.is_timeout() && !error.is_connect() {
        DownloadError::Slow(error)
    } else {
        DownloadError::Unreachable(error)
    }
}
