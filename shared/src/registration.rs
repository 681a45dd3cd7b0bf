//! What a vendor has registered of ours: which URLs it calls, and with which credential; and where that is no longer what is
//! deployed.
//!
//! Pure. What is known is what our own calls said, not what the vendor holds: nobody can read that back. A call whose answer
//! is not known leaves what it may have changed *in doubt*, so that nothing is called right which may not be.

mod difference;
#[cfg(test)]
mod tests;

pub use difference::{Deployed, Difference};

use crate::timestamp::Timestamp;
use serde::{Deserialize, Serialize};
use std::collections::{BTreeMap, BTreeSet};

/// What the credential is called among the things that are in doubt or older elsewhere. No kind of webhook has this name.
pub const AUTH: &str = "auth";

/// Where the vendor calls us for one kind of event, and whether it does.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Webhook {
    /// Whether it calls.
    pub enabled: bool,
    /// Where.
    pub url: String,
}

/// What a vendor is to have registered. Holds no credential.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Wanted {
    /// By the vendor's word for the kind of event. Kinds that are not among them stay as they are.
    pub webhooks: BTreeMap<String, Webhook>,
    /// Which sort of credential, by the vendor's word for it; `None` is the one that `hooks endpoints` shows.
    pub auth: Option<String>,
    /// Whether what exists at the vendor already is changed too, or only what is made from now on.
    pub update_all: bool,
    /// Whether a credential that the vendor holds is replaced.
    pub update_auth: bool,
}

/// A credential without itself.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Credential {
    /// Of which sort, by the vendor's word for it.
    pub sort: String,
    /// Its keyed hash.
    pub fingerprint: String,
}

/// Something that is registered.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Entry<T> {
    /// What.
    #[serde(flatten)]
    pub value: T,
    /// When it was last registered.
    pub at: Timestamp,
    /// Whether what existed at the vendor before may still have what was registered before this.
    #[serde(default)]
    pub older_elsewhere: bool,
}

impl<T: PartialEq> Entry<T> {
    fn after(earlier: Option<Self>, value: T, everywhere: bool, at: Timestamp) -> Self {
        let older = earlier.is_some_and(|it| it.older_elsewhere || it.value != value);
        Self {
            value,
            at,
            older_elsewhere: older && !everywhere,
        }
    }
}

/// What is registered at a vendor, as far as our own calls tell.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Registered {
    /// By the vendor's word for the kind of event.
    #[serde(default)]
    pub webhooks: BTreeMap<String, Entry<Webhook>>,
    /// What the vendor shows us with each call.
    #[serde(default)]
    pub auth: Option<Entry<Credential>>,
    /// What a call may have changed whose answer is not known: kinds of events, and [`AUTH`].
    #[serde(default)]
    pub in_doubt: BTreeSet<String>,
}

impl Registered {
    /// The same before a call is made whose answer may never be known.
    #[must_use]
    pub fn doubting(&self, wanted: &Wanted) -> Self {
        let mut doubting = self.clone();
        doubting.in_doubt.extend(self.touched(wanted));
        doubting
    }

    /// What is registered once the vendor has said that it did what was wanted.
    #[must_use]
    pub fn with(mut self, wanted: &Wanted, credential: Credential, at: Timestamp) -> Self {
        for name in self.touched(wanted) {
            self.in_doubt.remove(&name);
        }
        for (kind, webhook) in &wanted.webhooks {
            let earlier = self.webhooks.remove(kind);
            let entry = Entry::after(earlier, webhook.clone(), wanted.update_all, at);
            self.webhooks.insert(kind.clone(), entry);
        }
        self.auth = match self.auth {
            // The vendor keeps the one that it has.
            Some(earlier) if !wanted.update_auth => Some(earlier),
            earlier => Some(Entry::after(earlier, credential, wanted.update_all, at)),
        };
        self
    }

    /// The names of what a call changes.
    fn touched(&self, wanted: &Wanted) -> Vec<String> {
        let auth = wanted.update_auth || self.auth.is_none();
        let kinds = wanted.webhooks.keys().cloned();
        kinds.chain(auth.then(|| AUTH.to_owned())).collect()
    }
}
