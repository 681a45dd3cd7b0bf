//! A secret text.

use serde::{Deserialize, Serialize};
use sha2::{Digest, Sha256};
use std::fmt;
use subtle::ConstantTimeEq;

/// A text that `Debug` does not show and that is compared in constant time.
#[derive(Clone, Default, Serialize, Deserialize)]
#[serde(transparent)]
pub struct SecretText(String);

impl SecretText {
    /// Whether there is nothing in it. An empty secret matches nothing.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    /// Whether it is what the caller presented, in a time that depends on neither.
    #[must_use]
    pub fn matches(&self, presented: &str) -> bool {
        // Digests are of one length, so that the lengths of the texts show in nothing.
        let same = Sha256::digest(&self.0).ct_eq(&Sha256::digest(presented));
        bool::from(same) && !self.is_empty()
    }

    /// The secret itself, for where it is to be used.
    #[must_use]
    pub fn expose(&self) -> &str {
        &self.0
    }
}

impl From<String> for SecretText {
    fn from(text: String) -> Self {
        Self(text)
    }
}

impl fmt::Debug for SecretText {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str("SecretText(redacted)")
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_the_whole_secret_matches_and_an_empty_one_never() {
        let secret = SecretText::from("correct".to_owned());
        assert!(secret.matches("correct"));
        for wrong in ["", "correc", "correct ", "Correct", "incorrect"] {
            assert!(!secret.matches(wrong), "{wrong}");
        }
        assert!(!SecretText::default().matches(""));
    }

    #[test]
    fn debug_shows_nothing() {
        let secret = SecretText::from("correct".to_owned());
        assert!(!format!("{secret:?}").contains("correct"));
    }
}
