//! What Xobin is registered with: the credential that it is to send with every call.

use crate::{BASIC_HEADER, Credentials};
use base64::engine::Engine;
use base64::prelude::BASE64_STANDARD;
use serde::{Deserialize, Serialize};
use shared::secrets::SecretText;
use std::fmt;

/// The sort of a credential, by Xobin's word for it.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum AuthType {
    /// A name and a password, of HTTP Basic.
    Basic,
    /// A key in a header.
    ApiKey,
}

impl AuthType {
    /// Both.
    pub const ALL: [Self; 2] = [Self::Basic, Self::ApiKey];

    /// Xobin's word for it.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Basic => "basic",
            Self::ApiKey => "apikey",
        }
    }

    /// The sort of this name.
    #[must_use]
    pub fn named(name: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|it| it.as_str() == name)
    }
}

impl fmt::Display for AuthType {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str(self.as_str())
    }
}

/// A whole credential.
#[derive(Clone, Debug)]
pub enum Auth {
    /// HTTP Basic.
    Basic {
        /// The name.
        username: SecretText,
        /// The password.
        password: SecretText,
    },
    /// A key in a header.
    ApiKey {
        /// The header's name.
        header: String,
        /// The key.
        key: SecretText,
    },
}

impl Auth {
    /// Of which sort it is.
    #[must_use]
    pub const fn sort(&self) -> AuthType {
        match self {
            Self::Basic { .. } => AuthType::Basic,
            Self::ApiKey { .. } => AuthType::ApiKey,
        }
    }

    /// The header that Xobin shows it in, and its value.
    #[must_use]
    pub fn header(&self) -> (String, String) {
        match self {
            Self::Basic { username, password } => {
                let text = format!("{}:{}", username.expose(), password.expose());
                let encoded = BASE64_STANDARD.encode(text);
                (BASIC_HEADER.to_owned(), format!("Basic {encoded}"))
            }
            Self::ApiKey { header, key } => (header.clone(), key.expose().to_owned()),
        }
    }
}

impl Credentials {
    /// The credential of this sort, if it is set. Without a sort it is the API key where there is one: that was set on purpose,
    /// where a name and a password are generated.
    #[must_use]
    pub fn auth(&self, sort: Option<AuthType>) -> Option<Auth> {
        match sort {
            Some(AuthType::Basic) => self.has_basic().then(|| Auth::Basic {
                username: self.username.clone(),
                password: self.password.clone(),
            }),
            Some(AuthType::ApiKey) => self.has_api_key().then(|| Auth::ApiKey {
                header: self.header().to_owned(),
                key: self.api_key.clone(),
            }),
            None => {
                let api_key = self.auth(Some(AuthType::ApiKey));
                api_key.or_else(|| self.auth(Some(AuthType::Basic)))
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn sort(secret: &str, wanted: Option<AuthType>) -> Option<AuthType> {
        let credentials: Credentials = serde_json::from_str(secret).unwrap();
        credentials.auth(wanted).map(|it| it.sort())
    }

    #[test]
    fn a_key_that_was_set_goes_before_a_password_that_was_generated() {
        use AuthType::{ApiKey, Basic};
        let basic = r#"{"username":"xobin","password":"p","header":"x-api-key","api_key":""}"#;
        let key = r#"{"api_key":"k"}"#;
        let both = r#"{"username":"xobin","password":"p","api_key":"k"}"#;
        for (secret, wanted, expected) in [
            (basic, None, Some(Basic)),
            (key, None, Some(ApiKey)),
            (both, None, Some(ApiKey)),
            (both, Some(Basic), Some(Basic)),
            (both, Some(ApiKey), Some(ApiKey)),
            (basic, Some(ApiKey), None),
            (key, Some(Basic), None),
            (r#"{"username":"xobin"}"#, None, None),
        ] {
            assert_eq!(sort(secret, wanted), expected, "{secret} {wanted:?}");
        }
    }

    #[test]
    fn a_sort_is_found_by_xobins_word_for_it() {
        for sort in AuthType::ALL {
            assert_eq!(AuthType::named(sort.as_str()), Some(sort));
            assert_eq!(serde_json::json!(sort), sort.as_str());
        }
        assert_eq!(AuthType::named("oauth"), None);
    }
}
