//! Which personal data leaves with a change. None, unless the configuration names it.

use std::collections::BTreeSet;
use std::str::FromStr;

/// A field of a person that may be published.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum PersonalField {
    /// The vendor's id of the person.
    CandidateId,
    /// The id that the hiring company gave the person.
    ExternalId,
    /// The e-mail address.
    Email,
    /// The full name.
    Name,
}

/// What of a person is published.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct PersonalFields(BTreeSet<PersonalField>);

/// A text that does not name fields.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("not {EXPECTED}")]
pub struct UnknownPersonalField;

/// What names fields.
pub const EXPECTED: &str =
    "a comma-separated list of fields out of email, name, external_id and candidate_id";

impl PersonalFields {
    /// Whether this is one of them.
    #[must_use]
    pub fn contains(&self, field: PersonalField) -> bool {
        self.0.contains(&field)
    }
}

impl FromStr for PersonalFields {
    type Err = UnknownPersonalField;

    /// Reads a comma-separated list. An empty text names none.
    fn from_str(text: &str) -> Result<Self, UnknownPersonalField> {
        if text.trim().is_empty() {
            return Ok(Self::default());
        }
        let fields = text.split(',').map(|name| field(name.trim()));
        fields.collect::<Result<_, _>>().map(Self)
    }
}

fn field(name: &str) -> Result<PersonalField, UnknownPersonalField> {
    match name {
        "candidate_id" => Ok(PersonalField::CandidateId),
        "external_id" => Ok(PersonalField::ExternalId),
        "email" => Ok(PersonalField::Email),
        "name" => Ok(PersonalField::Name),
        _ => Err(UnknownPersonalField),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn fields_are_named_one_by_one() {
        let fields = |text: &str| text.parse::<PersonalFields>().map(|it| it.0.len());
        for (text, count) in [
            ("", 0),
            (" ", 0),
            ("email", 1),
            ("email,name", 2),
            ("name, external_id ,candidate_id,email", 4),
            ("email,email", 1),
        ] {
            assert_eq!(fields(text), Ok(count), "{text:?}");
        }
        for text in ["e-mail", "Email", "all", "*", "email,", ",", "email;name"] {
            assert_eq!(fields(text), Err(UnknownPersonalField), "{text:?}");
        }
    }
}
