//! Who calls the engines: each process of a function has an access key of its own, as each environment has on Lambda.
//!
//! So a fault can end the very process whose call it befalls. The key is no secret and opens nothing: the engines let in
//! whoever can reach them.

use std::collections::BTreeMap;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use http::{HeaderMap, header};
use tokio::sync::watch;

use crate::random;

/// How long a process that is killed may take to be gone: its caller is not to hang if nobody looks after it any more.
const GONE_WITHIN: Duration = Duration::from_secs(2);

/// The processes that live, by their access keys. Clones are the same.
#[derive(Debug, Clone, Default)]
pub struct Callers(Arc<Mutex<BTreeMap<String, Caller>>>);

#[derive(Debug)]
struct Caller {
    function: String,
    killed: watch::Sender<bool>,
}

/// A process's place among the callers; dropping it says that the process is gone.
#[derive(Debug)]
pub(crate) struct Place {
    pub(crate) access_key: String,
    killed: watch::Receiver<bool>,
    callers: Callers,
}

impl Callers {
    /// A place for a process of this function that is about to start.
    pub(crate) fn place(&self, function: &str) -> Place {
        let access_key = format!("LOCAL{}", random::letters_and_digits(15));
        let (killed, receiver) = watch::channel(false);
        let function = function.to_owned();
        self.locked()
            .insert(access_key.clone(), Caller { function, killed });
        Place {
            access_key,
            killed: receiver,
            callers: self.clone(),
        }
    }

    /// The access key that a call is signed with.
    pub(crate) fn access_key(headers: &HeaderMap) -> Option<String> {
        let signature = headers.get(header::AUTHORIZATION)?.to_str().ok()?;
        let (_, credential) = signature.split_once("Credential=")?;
        let (access_key, _) = credential.split_once('/')?;
        Some(access_key.to_owned())
    }

    /// The function whose process has this key.
    pub(crate) fn function(&self, access_key: &str) -> Option<String> {
        let callers = self.locked();
        callers.get(access_key).map(|it| it.function.clone())
    }

    /// Kills the process with this key, if there is one, and returns when it is gone.
    pub(crate) async fn kill(&self, access_key: Option<&str>) {
        let told = {
            let callers = self.locked();
            let caller = access_key.and_then(|it| callers.get(it));
            caller.map(|it| it.killed.clone())
        };
        if let Some(killed) = told {
            end(killed).await;
        }
    }

    /// Kills all processes of a function, busy ones at once, and returns when they are gone: where nothing tells which of
    /// them calls.
    pub async fn kill_all_of(&self, function: &str) {
        let told: Vec<watch::Sender<bool>> = {
            let callers = self.locked();
            let of_function = callers.values().filter(|it| it.function == function);
            of_function.map(|it| it.killed.clone()).collect()
        };
        futures_util::future::join_all(told.into_iter().map(end)).await;
    }

    fn locked(&self) -> MutexGuard<'_, BTreeMap<String, Caller>> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

async fn end(killed: watch::Sender<bool>) {
    killed.send_replace(true);
    // An idle process notices at its next invocation.
    let _ = tokio::time::timeout(GONE_WITHIN, killed.closed()).await;
}

impl Place {
    /// Whether the process is to end.
    pub(crate) fn is_killed(&self) -> bool {
        *self.killed.borrow()
    }

    /// Resolves once the process is to end.
    pub(crate) async fn killed(&mut self) {
        if self.killed.wait_for(|killed| *killed).await.is_err() {
            // Nobody can kill it any more.
            std::future::pending::<()>().await;
        }
    }
}

impl Drop for Place {
    fn drop(&mut self) {
        self.callers.locked().remove(&self.access_key);
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use http::HeaderValue;

    fn signed(text: &str) -> HeaderMap {
        let value = HeaderValue::from_str(text).unwrap();
        HeaderMap::from_iter([(header::AUTHORIZATION, value)])
    }

    #[test]
    fn a_call_says_by_its_signature_who_makes_it() {
        let callers = Callers::default();
        let place = callers.place("WorkerFunction");
        let signature = format!(
            "AWS4-HMAC-SHA256 Credential={}/20260101/eu-west-1/sqs/aws4_request, SignedHeaders=host, Signature=0",
            place.access_key
        );
        let access_key = Callers::access_key(&signed(&signature)).unwrap();
        let function = || callers.function(&access_key);
        assert_eq!(function().as_deref(), Some("WorkerFunction"));
        drop(place);
        assert_eq!(function(), None);
        assert_eq!(Callers::access_key(&signed("Basic abc")), None);
        assert_eq!(Callers::access_key(&HeaderMap::new()), None);
    }

    #[tokio::test]
    async fn the_process_that_is_named_is_told_and_no_other() {
        let callers = Callers::default();
        let (mut one, other) = (callers.place("F"), callers.place("F"));
        let key = one.access_key.clone();
        let kill = async { callers.kill(Some(&key)).await };
        let end = async move { one.killed().await };
        futures_util::future::join(kill, end).await;
        assert!(!other.is_killed());
        callers.kill(Some("unknown")).await;
        callers.kill(None).await;
        assert!(!other.is_killed());
    }
}
