//! Credentials: read from Secrets Manager, kept for five minutes, compared in constant time, shown to nobody.

mod secrets_manager;
mod text;

pub use secrets_manager::SecretsManager;
pub use text::SecretText;

use crate::clock::Clock;
use crate::timestamp::Timestamp;
use serde::de::DeserializeOwned;
use std::future::Future;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

/// How long a function believes what it read. `hooks secrets rotate` waits this long before it shows a new credential.
pub const CACHE_TIME: Duration = Duration::from_mins(5);

/// Which version of a secret.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Stage {
    /// `AWSCURRENT`.
    Current,
    /// `AWSPREVIOUS`.
    Previous,
}

impl Stage {
    /// The word in the log.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Current => "current",
            Self::Previous => "previous",
        }
    }
}

/// Where secrets are read.
pub trait SecretReader: Send + Sync {
    /// The text of a version, `None` if there is no such version.
    fn read(
        &self,
        id: &str,
        stage: Stage,
    ) -> impl Future<Output = Result<Option<String>, SecretError>> + Send;
}

/// A secret could not be had. Always tried again; none of the variants shows the secret.
#[derive(Debug, thiserror::Error)]
pub enum SecretError {
    /// Secrets Manager did not give it.
    #[error("the secret {id} cannot be read")]
    Unavailable {
        /// Which one.
        id: String,
        /// Why.
        #[source]
        cause: Box<dyn std::error::Error + Send + Sync>,
    },
    /// It has no current version.
    #[error("the secret {id} has no value: set it with `hooks secrets set`")]
    Missing {
        /// Which one.
        id: String,
    },
    /// It is not the JSON that is expected.
    #[error("the secret {id} is not of the expected shape (line {line}, column {column})")]
    Malformed {
        /// Which one.
        id: String,
        /// Where in its text.
        line: usize,
        /// Where in its text.
        column: usize,
    },
    /// It has the shape, and nothing in it.
    #[error("the secret {id} is empty: set it with `hooks secrets set`")]
    Empty {
        /// Which one.
        id: String,
    },
}

/// What a secret holds.
pub trait Credentials: DeserializeOwned + Clone + Send + Sync {
    /// Whether nothing could ever be authenticated by it.
    fn is_empty(&self) -> bool;
}

/// The versions of a secret that are good at the moment.
#[derive(Clone, Debug)]
pub struct Versions<C> {
    /// The newest.
    pub current: C,
    /// The one before, until it is retired.
    pub previous: Option<C>,
}

impl<C> Versions<C> {
    /// The newest, then the one before.
    pub fn iter(&self) -> impl Iterator<Item = (Stage, &C)> {
        let previous = self.previous.iter().map(|it| (Stage::Previous, it));
        std::iter::once((Stage::Current, &self.current)).chain(previous)
    }
}

/// One secret, read when it is needed and kept for [`CACHE_TIME`].
pub struct CachedSecret<R, C> {
    reader: R,
    id: String,
    clock: Clock,
    cached: Mutex<Option<Cached<C>>>,
}

struct Cached<C> {
    until: Timestamp,
    versions: Arc<Versions<C>>,
}

impl<R: SecretReader, C: Credentials> CachedSecret<R, C> {
    /// A secret that is not read yet.
    pub fn new(reader: R, id: String, clock: Clock) -> Self {
        Self {
            reader,
            id,
            clock,
            cached: Mutex::new(None),
        }
    }

    /// The versions that are good now.
    ///
    /// What was read more than [`CACHE_TIME`] ago is not believed any longer, even if it cannot be read anew: a retired
    /// credential must not come back to life because Secrets Manager is out of reach.
    pub async fn versions(&self) -> Result<Arc<Versions<C>>, SecretError> {
        if let Some(versions) = self.fresh() {
            return Ok(versions);
        }
        // One after the other: a rotation between the two makes the current version the previous one, and so it is read twice.
        // At the same time, the new version could be read without the one before it.
        let current = self.reader.read(&self.id, Stage::Current).await?;
        let previous = self.reader.read(&self.id, Stage::Previous).await?;
        let current = current.ok_or_else(|| SecretError::Missing {
            id: self.id.clone(),
        })?;
        let current: C = self.parse(&current)?;
        if current.is_empty() {
            return Err(SecretError::Empty {
                id: self.id.clone(),
            });
        }
        // A previous version that is of no use is no reason to refuse the current one.
        let previous = previous
            .and_then(|text| self.parse(&text).ok())
            .filter(|it: &C| !it.is_empty());
        let versions = Arc::new(Versions { current, previous });
        self.keep(Arc::clone(&versions));
        Ok(versions)
    }

    fn fresh(&self) -> Option<Arc<Versions<C>>> {
        let cached = self.cached.lock().unwrap_or_else(PoisonError::into_inner);
        let cached = cached
            .as_ref()
            .filter(|cached| self.clock.now() < cached.until)?;
        Some(Arc::clone(&cached.versions))
    }

    fn keep(&self, versions: Arc<Versions<C>>) {
        let until = self.clock.now().plus(CACHE_TIME);
        let mut cached = self.cached.lock().unwrap_or_else(PoisonError::into_inner);
        *cached = Some(Cached { until, versions });
    }

    fn parse(&self, text: &str) -> Result<C, SecretError> {
        // serde_json's own message may quote the secret.
        serde_json::from_str(text).map_err(|error| SecretError::Malformed {
            id: self.id.clone(),
            line: error.line(),
            column: error.column(),
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde::Deserialize;

    #[derive(Clone, Deserialize)]
    struct Token {
        token: SecretText,
    }

    impl Credentials for Token {
        fn is_empty(&self) -> bool {
            self.token.is_empty()
        }
    }

    /// The two versions; `Err` where Secrets Manager is out of reach.
    #[derive(Default)]
    struct Shelf(Mutex<(Option<&'static str>, Option<&'static str>, bool)>);

    impl SecretReader for Arc<Shelf> {
        async fn read(&self, id: &str, stage: Stage) -> Result<Option<String>, SecretError> {
            let shelf = self.0.lock().unwrap();
            if shelf.2 {
                return Err(SecretError::Unavailable {
                    id: id.into(),
                    cause: "out of reach".into(),
                });
            }
            let text = if stage == Stage::Current {
                shelf.0
            } else {
                shelf.1
            };
            Ok(text.map(str::to_owned))
        }
    }

    fn secret(shelf: &Arc<Shelf>, clock: &Clock) -> CachedSecret<Arc<Shelf>, Token> {
        CachedSecret::new(Arc::clone(shelf), "imocha".into(), clock.clone())
    }

    fn clock() -> Clock {
        Clock::stopped_at(Timestamp::parse("2026-01-15T10:00:00Z").unwrap())
    }

    #[tokio::test]
    async fn both_versions_pass_until_the_previous_is_retired_and_the_cache_knows() {
        let (shelf, clock) = (Arc::new(Shelf::default()), clock());
        *shelf.0.lock().unwrap() = (
            Some(r#"{"token":"new"}"#),
            Some(r#"{"token":"old"}"#),
            false,
        );
        let secret = secret(&shelf, &clock);
        let passes = |versions: &Versions<Token>, it: &str| {
            versions
                .iter()
                .any(|(_, version)| version.token.matches(it))
        };
        let versions = secret.versions().await.unwrap();
        assert!(
            passes(&versions, "new") && passes(&versions, "old") && !passes(&versions, "older")
        );

        shelf.0.lock().unwrap().1 = None;
        assert!(passes(&secret.versions().await.unwrap(), "old"));
        clock.advance(CACHE_TIME);
        assert!(!passes(&secret.versions().await.unwrap(), "old"));
    }

    #[tokio::test]
    async fn what_is_too_old_is_not_believed_when_it_cannot_be_read_anew() {
        let (shelf, clock) = (Arc::new(Shelf::default()), clock());
        *shelf.0.lock().unwrap() = (Some(r#"{"token":"t"}"#), None, false);
        let secret = secret(&shelf, &clock);
        secret.versions().await.unwrap();
        shelf.0.lock().unwrap().2 = true;
        assert!(secret.versions().await.is_ok());
        clock.advance(CACHE_TIME);
        assert!(matches!(
            secret.versions().await,
            Err(SecretError::Unavailable { .. })
        ));
        shelf.0.lock().unwrap().2 = false;
        assert!(secret.versions().await.is_ok());
    }

    /// Rotates the secret as soon as one version was read. Reading the current one takes longer.
    struct RotatedInBetween(Arc<Shelf>);

    impl SecretReader for RotatedInBetween {
        async fn read(&self, id: &str, stage: Stage) -> Result<Option<String>, SecretError> {
            if stage == Stage::Current {
                tokio::task::yield_now().await;
            }
            let read = self.0.read(id, stage).await;
            let mut shelf = self.0.0.lock().unwrap();
            if shelf.1.is_none() {
                *shelf = (Some(r#"{"token":"new"}"#), shelf.0, false);
            }
            read
        }
    }

    #[tokio::test]
    async fn a_rotation_between_the_two_reads_keeps_no_vendor_out() {
        let shelf = Arc::new(Shelf::default());
        shelf.0.lock().unwrap().0 = Some(r#"{"token":"old"}"#);
        let reader = RotatedInBetween(Arc::clone(&shelf));
        let secret = CachedSecret::<_, Token>::new(reader, "imocha".into(), clock());
        let versions = secret.versions().await.unwrap();
        assert!(
            versions
                .iter()
                .any(|(_, version)| version.token.matches("old"))
        );
    }

    #[tokio::test]
    async fn empty_missing_and_malformed_secrets_are_told_apart_and_not_quoted() {
        let (shelf, clock) = (Arc::new(Shelf::default()), clock());
        let secret = secret(&shelf, &clock);
        assert!(matches!(
            secret.versions().await,
            Err(SecretError::Missing { .. })
        ));
        shelf.0.lock().unwrap().0 = Some(r#"{"token":""}"#);
        assert!(matches!(
            secret.versions().await,
            Err(SecretError::Empty { .. })
        ));
        shelf.0.lock().unwrap().0 = Some(r#"{"token":5318008}"#);
        let error = secret.versions().await.map(|_| ()).unwrap_err();
        assert!(matches!(error, SecretError::Malformed { .. }));
        assert!(!error.to_string().contains("5318008"));
    }

    #[tokio::test]
    async fn a_previous_version_of_no_use_is_passed_over() {
        let (shelf, clock) = (Arc::new(Shelf::default()), clock());
        for previous in [r#"{"token":""}"#, "not json"] {
            *shelf.0.lock().unwrap() = (Some(r#"{"token":"t"}"#), Some(previous), false);
            let versions = secret(&shelf, &clock).versions().await.unwrap();
            assert!(versions.previous.is_none());
        }
    }
}
