//! Settings: the one place that reads the environment. A setting that is absent fails the start and is named.

use std::fmt;
use std::num::NonZeroU32;

type Lookup = dyn Fn(&str) -> Option<String> + Send + Sync;

/// Where settings are read.
pub struct Environment(Box<Lookup>);

impl fmt::Debug for Environment {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str("Environment")
    }
}

/// A setting that stops the start.
#[derive(Debug, thiserror::Error, PartialEq, Eq)]
pub enum ConfigError {
    /// It is not there, or empty.
    #[error(
        "the environment variable {0} is not set: deploy the template that belongs to this code, or run it with the settings in env.json"
    )]
    Absent(String),
    /// It is there, and not what it should be.
    #[error("the environment variable {name} is `{value}`, which is not {expected}")]
    Invalid {
        /// Which.
        name: String,
        /// What it says.
        value: String,
        /// What it should be.
        expected: &'static str,
    },
    /// `ENDPOINT_URL` is set where the real AWS is.
    #[error(
        "ENDPOINT_URL is set on AWS: it is for engines on one's own machine, so leave it empty"
    )]
    EndpointOnAws,
}

impl Environment {
    /// The process's own environment.
    #[must_use]
    #[expect(
        clippy::disallowed_methods,
        reason = "this is the one place that reads the environment"
    )]
    pub fn of_process() -> Self {
        Self::looked_up(|name| std::env::var(name).ok())
    }

    /// Settings given as they are, for tests and for tools that have them from elsewhere.
    #[must_use]
    pub fn of(settings: impl IntoIterator<Item = (String, String)>) -> Self {
        let settings: std::collections::HashMap<_, _> = settings.into_iter().collect();
        Self::looked_up(move |name| settings.get(name).cloned())
    }

    /// Settings from wherever `lookup` finds them, for who wants to know what is asked for.
    #[must_use]
    pub fn looked_up(lookup: impl Fn(&str) -> Option<String> + Send + Sync + 'static) -> Self {
        Self(Box::new(lookup))
    }

    /// A setting that may be absent. Empty is absent.
    #[must_use]
    pub fn optional(&self, name: &str) -> Option<String> {
        (self.0)(name).filter(|value| !value.is_empty())
    }

    /// A setting that must be there.
    pub fn required(&self, name: &str) -> Result<String, ConfigError> {
        self.optional(name)
            .ok_or_else(|| ConfigError::Absent(name.to_owned()))
    }

    /// A whole number from 0 on that must be there.
    pub fn whole_number(&self, name: &str) -> Result<u32, ConfigError> {
        let value = self.required(name)?;
        value.parse().map_err(|_| ConfigError::Invalid {
            name: name.to_owned(),
            value,
            expected: "a whole number from 0 on",
        })
    }

    /// A whole number from 1 on that must be there.
    pub fn positive_number(&self, name: &str) -> Result<NonZeroU32, ConfigError> {
        let value = self.required(name)?;
        value.parse().map_err(|_| ConfigError::Invalid {
            name: name.to_owned(),
            value,
            expected: "a whole number from 1 on",
        })
    }

    /// One address for all AWS services, for engines on one's own machine. Refused where the real AWS is.
    pub fn endpoint_url(&self) -> Result<Option<String>, ConfigError> {
        let Some(url) = self.optional("ENDPOINT_URL") else {
            return Ok(None);
        };
        if self.is_aws() {
            return Err(ConfigError::EndpointOnAws);
        }
        Ok(Some(url))
    }

    /// Whether this is the real Lambda. It sets `AWS_LAMBDA_INITIALIZATION_TYPE`; so may its emulator, to which `sam local`
    /// says `AWS_SAM_LOCAL`.
    #[must_use]
    pub fn is_aws(&self) -> bool {
        let on_lambda = self.optional("AWS_LAMBDA_INITIALIZATION_TYPE").is_some();
        on_lambda && self.optional("AWS_SAM_LOCAL").is_none()
    }
}

/// What a receiver is told.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ReceiverConfig {
    /// `TABLE_NAME`.
    pub table_name: String,
    /// `QUEUE_URL`.
    pub queue_url: String,
    /// `SOURCE_SECRET_ID`.
    pub source_secret_id: String,
    /// `HASH_KEY_SECRET_ID`, for a source that hashes people.
    pub hash_key_secret_id: Option<String>,
    /// `METRICS_NAMESPACE`.
    pub metrics_namespace: String,
    /// `ENDPOINT_URL`.
    pub endpoint_url: Option<String>,
}

impl ReceiverConfig {
    /// Reads it.
    pub fn read(environment: &Environment, hashes_people: bool) -> Result<Self, ConfigError> {
        let hash_key_secret_id = hashes_people
            .then(|| environment.required("HASH_KEY_SECRET_ID"))
            .transpose()?;
        Ok(Self {
            table_name: environment.required("TABLE_NAME")?,
            queue_url: environment.required("QUEUE_URL")?,
            source_secret_id: environment.required("SOURCE_SECRET_ID")?,
            hash_key_secret_id,
            metrics_namespace: environment.required("METRICS_NAMESPACE")?,
            endpoint_url: environment.endpoint_url()?,
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn environment(settings: &[(&str, &str)]) -> Environment {
        Environment::of(
            settings
                .iter()
                .map(|(name, value)| ((*name).to_owned(), (*value).to_owned())),
        )
    }

    const WHOLE: [(&str, &str); 5] = [
        ("TABLE_NAME", "t"),
        ("QUEUE_URL", "http://127.0.0.1/q"),
        ("SOURCE_SECRET_ID", "s"),
        ("METRICS_NAMESPACE", "n"),
        ("HASH_KEY_SECRET_ID", "k"),
    ];

    #[test]
    fn an_absent_or_empty_setting_is_named() {
        for (name, _) in WHOLE {
            let without: Vec<_> = WHOLE.into_iter().filter(|(it, _)| *it != name).collect();
            let expected = Err(ConfigError::Absent(name.to_owned()));
            assert_eq!(ReceiverConfig::read(&environment(&without), true), expected);
            let empty = [without, vec![(name, "")]].concat();
            assert_eq!(ReceiverConfig::read(&environment(&empty), true), expected);
        }
        assert!(ReceiverConfig::read(&environment(&WHOLE), true).is_ok());
        assert!(ReceiverConfig::read(&environment(&WHOLE[..4]), false).is_ok());
    }

    #[test]
    fn engines_on_ones_own_machine_are_refused_on_aws() {
        let on_lambda = ("AWS_LAMBDA_INITIALIZATION_TYPE", "on-demand");
        let endpoint = ("ENDPOINT_URL", "http://127.0.0.1:1");
        assert_eq!(
            environment(&[endpoint, on_lambda]).endpoint_url(),
            Err(ConfigError::EndpointOnAws)
        );
        assert!(
            environment(&[endpoint, on_lambda, ("AWS_SAM_LOCAL", "true")])
                .endpoint_url()
                .is_ok()
        );
        assert_eq!(
            environment(&[("ENDPOINT_URL", ""), on_lambda]).endpoint_url(),
            Ok(None)
        );
    }

    #[test]
    fn a_number_that_is_none_is_shown() {
        for text in ["-1", "30.5", "many"] {
            let error = environment(&[("RETENTION_DAYS", text)])
                .whole_number("RETENTION_DAYS")
                .unwrap_err();
            assert!(error.to_string().contains(text), "{error}");
        }
        let rate = |text| environment(&[("RATE", text)]).positive_number("RATE");
        assert_eq!(rate("60").map(NonZeroU32::get), Ok(60));
        assert!(rate("0").unwrap_err().to_string().contains("from 1 on"));
    }
}
