//! What a vendor says, made fit to be kept and shown to an operator: short, without a secret of ours that it echoes, and
//! without characters that would drive a terminal. Never for a log.

use serde_json::Value;

/// What stands in a secret's place.
pub const MASK: &str = "***";
const MOST_CHARACTERS: usize = 500;
/// Fields that hold credentials, whatever is in them.
const CREDENTIALS: [&str; 4] = ["password", "apikey", "api_key", "authorization"];

/// The secrets that a vendor could echo.
#[derive(Clone, Default)]
pub struct Secrets(Vec<String>);

impl Secrets {
    /// These, and as JSON writes them.
    pub fn new(secrets: impl IntoIterator<Item = String>) -> Self {
        let mut all = Vec::new();
        for secret in secrets.into_iter().filter(|it| !it.is_empty()) {
            let escaped = Value::from(secret.as_str()).to_string();
            let escaped = escaped.trim_matches('"').to_owned();
            all.extend((escaped != secret).then_some(escaped));
            all.push(secret);
        }
        // The longest first: of one secret within another, nothing is left over.
        all.sort_by_key(|secret| std::cmp::Reverse(secret.len()));
        Self(all)
    }

    fn masked(&self, text: &str) -> String {
        let secrets = self.0.iter();
        secrets.fold(text.to_owned(), |text, secret| text.replace(secret, MASK))
    }
}

/// A text.
#[must_use]
pub fn text(text: &str, secrets: &Secrets) -> String {
    let masked = secrets.masked(text);
    let mut characters = masked.trim().chars();
    let mut quoted: String = characters
        .by_ref()
        .take(MOST_CHARACTERS)
        .map(tame)
        .collect();
    if characters.next().is_some() {
        quoted.push('…');
    }
    quoted
}

/// A JSON value, as JSON.
#[must_use]
pub fn json(value: &Value, secrets: &Secrets) -> String {
    text(&without_credentials(value, secrets).to_string(), secrets)
}

/// Masked before it is text, where a secret may be written in several ways.
fn without_credentials(value: &Value, secrets: &Secrets) -> Value {
    match value {
        Value::String(text) => secrets.masked(text).into(),
        Value::Array(values) => {
            let values = values.iter();
            values.map(|it| without_credentials(it, secrets)).collect()
        }
        Value::Object(fields) => {
            let fields = fields.iter().map(|(name, value)| {
                let value = match value {
                    Value::String(_) | Value::Number(_) if is_credential(name) => MASK.into(),
                    value => without_credentials(value, secrets),
                };
                (secrets.masked(name), value)
            });
            Value::Object(fields.collect())
        }
        Value::Null | Value::Bool(_) | Value::Number(_) => value.clone(),
    }
}

fn is_credential(name: &str) -> bool {
    CREDENTIALS.iter().any(|it| name.eq_ignore_ascii_case(it))
}

/// Control characters, and those that change the direction of what follows or cannot be seen.
fn tame(character: char) -> char {
    let unseen = matches!(character,
        '\u{200b}'..='\u{200f}' | '\u{2028}'..='\u{202e}' | '\u{2060}'..='\u{206f}' | '\u{feff}');
    if character.is_control() || unseen {
        char::REPLACEMENT_CHARACTER
    } else {
        character
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    fn secrets() -> Secrets {
        Secrets::new(["s3cr".into(), "s3cr\"et".into(), String::new()])
    }

    #[test]
    fn a_secret_is_masked_however_it_is_echoed() {
        for echo in [
            json!({ "error": "s3cr\"et is too weak" }),
            json!({ "error": { "of": ["x", "xobin:s3cr\"et"] } }),
            json!({ "s3cr\"et": 1 }),
            json!("s3cr"),
        ] {
            let quoted = json(&echo, &secrets());
            assert!(quoted.contains(MASK), "{quoted}");
            assert!(
                !quoted.contains("s3cr") && !quoted.contains("et"),
                "{quoted}"
            );
        }
        assert_eq!(
            text(r#"<b>s3cr\"et</b> s3cr"#, &secrets()),
            "<b>***</b> ***"
        );
    }

    #[test]
    fn a_field_for_a_credential_shows_nothing_but_whether_there_is_one() {
        let masked = json!({ "auth": { "basic": { "password": null, "hasPassword": true } } });
        assert_eq!(json(&masked, &secrets()), masked.to_string());
        let shown = json!({ "Password": "pa", "apikey": 7, "apiKey": { "header": "x" } });
        let expected = json!({ "Password": MASK, "apikey": MASK, "apiKey": { "header": "x" } });
        assert_eq!(json(&shown, &secrets()), expected.to_string());
    }

    #[test]
    fn what_is_long_is_cut_after_it_was_masked() {
        let long = format!("{}s3cr", "x".repeat(MOST_CHARACTERS - 2));
        let quoted = text(&long, &secrets());
        assert_eq!(quoted.chars().count(), MOST_CHARACTERS + 1);
        assert!(quoted.ends_with("x**…"), "{quoted}");
        assert_eq!(text("  short\n", &secrets()), "short");
    }

    #[test]
    fn nothing_drives_the_terminal() {
        let quoted = text("a\u{1b}[2Jb\u{202e}c\u{200b}d\re", &secrets());
        assert_eq!(quoted, "a\u{fffd}[2Jb\u{fffd}c\u{fffd}d\u{fffd}e");
        let quoted = json(&json!({ "error": "a\u{1b}\u{9b}b" }), &secrets());
        assert!(!quoted.contains(['\u{1b}', '\u{9b}']), "{quoted}");
    }
}
