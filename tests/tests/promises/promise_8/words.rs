//! What must be in no log: gathered from the payloads and the secrets by walking them, and not by hand.
//!
//! **The rule.** A text of a payload is looked for
//! - from 4 characters on, where its field is about a person or opens something: where the field's name holds `name`, `email`, `phone`,
//!   `mobile`, `address`, `link`, `url`, `token`, `key`, `city`, `state`, `country`, `ip` or `remark`;
//! - else from 8 characters on, if it is more than a single word of letters: those, such as `completed`, are the vendors' vocabulary,
//!   and what is logged of ours has the same words.
//!
//! Left out are ids (fields that end in `id` or `ids`), since attempts and assessments are named by them in keys, and times. Of the body's text itself,
//! each pair of a name and a value is looked for as JSON writes it, from 16 characters on; and each line of a file from 16 on.
//! Addresses are looked for besides in base64 and as links write them. All strings of all secrets are looked for, from 8 on but for names of headers.

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD_NO_PAD;
use serde_json::Value;
use shared::timestamp::Timestamp;
use std::collections::BTreeMap;

const OF_A_PERSON: [&str; 14] = [
    "name", "email", "phone", "mobile", "address", "link", "url", "token", "key", "city", "state",
    "country", "ip", "remark",
];
/// Too much of a long text need not be in one line.
const MOST_CHARACTERS: usize = 60;
const FROM_OF_A_PERSON: usize = 4;
const FROM: usize = 8;
const FROM_OF_A_PAIR: usize = 16;

/// What is looked for, and where it stands.
#[derive(Default)]
pub struct Words(BTreeMap<String, String>);

impl Words {
    /// How many there are.
    pub fn len(&self) -> usize {
        self.0.len()
    }

    /// All of them.
    pub fn iter(&self) -> impl Iterator<Item = &String> {
        self.0.keys()
    }

    /// Whether this is one of them.
    pub fn has(&self, word: &str) -> bool {
        self.0.contains_key(word)
    }

    /// What a payload says, and its own text.
    pub fn of_payload(&mut self, name: &str, body: &[u8]) {
        let text = String::from_utf8_lossy(body).into_owned();
        for line in text.lines().map(str::trim) {
            if line.chars().count() >= FROM_OF_A_PAIR {
                self.add(line, name);
            }
        }
        if let Ok(value) = serde_json::from_slice::<Value>(body) {
            self.walk(name, "", &value);
        }
    }

    /// All that is secret in a secret.
    pub fn of_secret(&mut self, name: &str, secret: &Value) {
        let fields = secret.as_object().into_iter().flatten();
        for (field, value) in fields.filter(|(field, _)| *field != "header") {
            let value = value.as_str().unwrap_or_default();
            if value.len() >= FROM {
                self.add(value, &format!("{field} of {name}"));
            }
        }
    }

    /// A text that is secret.
    pub fn add(&mut self, word: &str, place: &str) {
        let word: String = word.chars().take(MOST_CHARACTERS).collect();
        self.0.entry(word).or_insert_with(|| place.to_owned());
    }

    fn walk(&mut self, place: &str, field: &str, value: &Value) {
        match value {
            Value::Object(fields) => {
                for (name, value) in fields {
                    self.add_pair(place, name, value);
                    self.walk(place, name, value);
                }
            }
            Value::Array(values) => {
                for value in values {
                    self.walk(place, field, value);
                }
            }
            Value::String(text) if is_looked_for(field, text) => {
                self.add(text, &format!("{field} of {place}"));
                if text.contains('@') {
                    self.add(&STANDARD_NO_PAD.encode(text), place);
                    self.add(&text.replace('@', "%40"), place);
                    self.add(&text.to_uppercase(), place);
                }
            }
            _ => {}
        }
    }

    fn add_pair(&mut self, place: &str, name: &str, value: &Value) {
        let pair = format!("\"{name}\":{value}");
        if !value.is_object() && !value.is_array() && pair.chars().count() >= FROM_OF_A_PAIR {
            self.add(&pair, place);
        }
    }

    /// Those that are in this text, with where they come from and where they are.
    pub fn found_in(&self, text: &str) -> Vec<String> {
        // A line that quotes JSON escapes it.
        let plain = text.replace("\\\"", "\"").replace("\\/", "/");
        let found = self.0.iter().filter_map(|(word, place)| {
            let at = plain.find(word.as_str())?;
            let line = plain[..at].rfind('\n').map_or(0, |it| it + 1);
            let line: String = plain[line..].chars().take(300).collect();
            Some(format!("{word:?} ({place}) is in: {line}"))
        });
        found.collect()
    }
}

fn is_looked_for(field: &str, text: &str) -> bool {
    let lower = field.to_lowercase();
    let is_time = Timestamp::parse(text).is_ok();
    if lower.ends_with("id") || lower.ends_with("ids") || is_time {
        // Save iMocha's field for the address.
        return text.contains('@');
    }
    let characters = text.chars().count();
    if OF_A_PERSON.iter().any(|it| lower.contains(it)) {
        return characters >= FROM_OF_A_PERSON;
    }
    let is_a_word = text.chars().all(|it| it.is_ascii_alphabetic() || it == '_');
    characters >= FROM && !is_a_word
}
