//! What addresses a host has, and whether all of them may be connected to.
//!
//! The HTTP client resolves names by `Guarded` alone, and connects to what that gives it: there is no second look-up in which
//! a name could have another address than the one that was checked.

use super::address::is_public;
use futures_util::future::BoxFuture;
use reqwest::dns::{Addrs, Name, Resolve, Resolving};
use std::error::Error;
use std::io;
use std::net::{IpAddr, SocketAddr};
use std::sync::Arc;

/// Who knows what addresses a host has.
pub trait Names: Send + Sync + 'static {
    /// All of them.
    fn addresses(&self, host: String) -> BoxFuture<'static, io::Result<Vec<IpAddr>>>;
}

/// The system's own resolver.
#[derive(Clone, Copy, Debug)]
pub struct SystemNames;

impl Names for SystemNames {
    fn addresses(&self, host: String) -> BoxFuture<'static, io::Result<Vec<IpAddr>>> {
        Box::pin(async move {
            let found = tokio::net::lookup_host((host, 0)).await?;
            Ok(found.map(|address| address.ip()).collect())
        })
    }
}

/// A host has an address that is nobody's on the internet.
#[derive(Clone, Copy, Debug, thiserror::Error)]
#[error("the host has an address that is not public")]
pub(super) struct NotPublic;

/// Gives the addresses of a host if all of them are public, else none.
pub(super) struct Guarded(pub Arc<dyn Names>);

impl Resolve for Guarded {
    fn resolve(&self, name: Name) -> Resolving {
        let found = self.0.addresses(name.as_str().to_owned());
        Box::pin(async move { Ok(checked(found.await?)?) })
    }
}

/// One that is not public spoils the others: no host that is meant to be reached has both.
fn checked(addresses: Vec<IpAddr>) -> Result<Addrs, NotPublic> {
    if !addresses.iter().copied().all(is_public) {
        return Err(NotPublic);
    }
    // Without a port, the one of the address that is asked for counts.
    let addresses = addresses.into_iter().map(|ip| SocketAddr::new(ip, 0));
    Ok(Box::new(addresses))
}

/// Whether a call failed because of where its host leads.
pub(super) fn leads_inside(error: &reqwest::Error) -> bool {
    let mut cause: Option<&(dyn Error + 'static)> = Some(error);
    while let Some(error) = cause {
        if error.is::<NotPublic>() {
            return true;
        }
        cause = error.source();
    }
    false
}
