//! The dead letters about what is erased. Those of this project hold keys and nobody's name; what is none of them may hold anything.

use super::subject::Subject;
use crate::dead_letters::DeadLetters;
use crate::deployment::Deployment;
use std::collections::BTreeSet;
use worker::job::Message;

/// What becomes of those that are about it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Fate {
    /// They stay.
    Counted,
    /// They go.
    Deleted,
}

/// What a look at all of them came to.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Looked {
    /// So many are about this.
    pub about: usize,
    /// So many SQS says there are besides those that it gave: nobody knows what about.
    pub unseen: usize,
}

/// Looks at all of them. What is not about this stays.
pub async fn look(
    deployment: &Deployment,
    subject: &Subject,
    attempts: &BTreeSet<String>,
    fate: Fate,
) -> anyhow::Result<Looked> {
    let mut letters = DeadLetters::of(deployment).await?;
    let about = look_through(&mut letters, subject, attempts, fate).await;
    let unseen = letters.close().await.unseen;
    Ok(Looked {
        about: about?,
        unseen: usize::try_from(unseen)?,
    })
}

async fn look_through(
    letters: &mut DeadLetters<'_>,
    subject: &Subject,
    attempts: &BTreeSet<String>,
    fate: Fate,
) -> anyhow::Result<usize> {
    let mut about = 0;
    while let Some(letter) = letters.next().await? {
        if is_about(&letter.body, subject, attempts) {
            about += 1;
            if fate == Fate::Deleted {
                letters.delete(&letter).await?;
            }
        }
    }
    Ok(about)
}

/// One that asks a vendor for several attempts stays for the others' sake; the worker passes over those that are erased.
fn is_about(body: &str, subject: &Subject, attempts: &BTreeSet<String>) -> bool {
    if let Subject::Person(person) = subject
        && person.is_named_in(body.as_bytes())
    {
        return true;
    }
    let Ok(message) = Message::parse(Some(body)) else {
        return false;
    };
    let items = message.job.items();
    !items.is_empty() && items.iter().all(|item| attempts.contains(&item.pk))
}

#[cfg(test)]
mod tests {
    use super::*;
    use shared::erasure::Person;
    use shared::secrets::SecretText;

    fn about(body: &str) -> bool {
        let people = SecretText::from("k".to_owned()).into();
        let person = Person::by_email("ada@example.com", &people).unwrap();
        let attempts = BTreeSet::from(["imocha#attempt#7".to_owned()]);
        is_about(body, &Subject::Person(person), &attempts)
    }

    #[test]
    fn a_letter_about_the_attempt_or_with_the_address_is_found_and_no_other() {
        let fold = |pk: &str| format!(r#"{{"version":1,"job":"fold","pk":"{pk}","sk":"event#1"}}"#);
        assert!(about(&fold("imocha#attempt#7")));
        assert!(!about(&fold("imocha#attempt#77")));
        assert!(about("hello ADA@example.com"));
        assert!(!about("hello eve@example.com"));
        assert!(!about(r#"{"version":1,"job":"sweep"}"#));
        let ask = |ids: &str| format!(r#"{{"version":1,"job":"ask_imocha","ids":[{ids}]}}"#);
        assert!(about(&ask("7")));
        assert!(!about(&ask("7,8")));
    }
}
