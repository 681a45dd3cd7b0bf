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

/// Which addresses may be connected to.
type Check = fn(IpAddr) -> bool;

/// Gives the addresses of a host if all of them may be connected to, else none.
pub(super) struct Guarded {
    names: Arc<dyn Names>,
    may_be_met: Check,
}

impl Guarded {
    /// Only those that are somebody's on the internet may.
    pub fn public(names: Arc<dyn Names>) -> Self {
        let may_be_met = is_public;
        Self { names, may_be_met }
    }
}

impl Resolve for Guarded {
    fn resolve(&self, name: Name) -> Resolving {
        let found = self.names.addresses(name.as_str().to_owned());
        let may_be_met = self.may_be_met;
        Box::pin(async move { Ok(checked(found.await?, may_be_met)?) })
    }
}

/// One that may not be spoils the others: no host that is meant to be reached has both.
fn checked(addresses: Vec<IpAddr>, may_be_met: Check) -> Result<Addrs, NotPublic> {
    if !addresses.iter().copied().all(may_be_met) {
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

#[cfg(test)]
mod tests {
    use super::super::client;
    use super::*;
    use std::collections::VecDeque;
    use std::sync::Mutex;
    use tokio::io::{AsyncReadExt, AsyncWriteExt};
    use tokio::net::TcpListener;

    const CHECKED: &str = "127.0.0.1";

    /// A host whose address is another one at each look.
    struct Rebinding(Mutex<VecDeque<&'static str>>);

    impl Names for Rebinding {
        fn addresses(&self, _: String) -> BoxFuture<'static, io::Result<Vec<IpAddr>>> {
            let next = self.0.lock().unwrap().pop_front();
            let next = next.ok_or_else(|| io::Error::other("a look too many"));
            Box::pin(async { Ok(vec![next?.parse().unwrap()]) })
        }
    }

    /// Answers the next call, and closes.
    async fn answer_one(listener: &TcpListener) {
        let (mut stream, _) = listener.accept().await.unwrap();
        let mut asked = [0; 1024];
        assert!(stream.read(&mut asked).await.unwrap() > 0);
        let answer = b"HTTP/1.1 204 No Content\r\nconnection: close\r\n\r\n";
        stream.write_all(answer).await.unwrap();
    }

    #[tokio::test]
    async fn the_connection_goes_to_the_address_that_was_checked_and_each_is_checked() {
        let listener = TcpListener::bind((CHECKED, 0)).await.unwrap();
        let port = listener.local_addr().unwrap().port();
        let url = format!("http://reports.example.com:{port}/1.pdf");
        let looks = Mutex::new([CHECKED, "127.0.0.2", CHECKED].into());
        let http = client(Guarded {
            names: Arc::new(Rebinding(looks)),
            may_be_met: |address| address.to_string() == CHECKED,
        })
        .unwrap();
        let call = || http.get(&url).send();
        let (called, ()) = tokio::join!(call(), answer_one(&listener));
        assert_eq!(called.unwrap().status(), 204, "one look, and no second one");
        let error = call().await.unwrap_err();
        assert!(leads_inside(&error), "{error:?}");
        let (called, ()) = tokio::join!(call(), answer_one(&listener));
        assert!(called.is_ok(), "{called:?}");
    }
}
