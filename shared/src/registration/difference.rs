//! Where what is registered is no longer what is deployed.

use super::{AUTH, Credential, Registered, Webhook};
use serde::Serialize;
use std::collections::BTreeMap;

/// What is deployed now.
#[derive(Clone, Debug, Default)]
pub struct Deployed {
    /// The URL of each kind of event, by the vendor's word for the kind.
    pub urls: BTreeMap<String, String>,
    /// The credentials of the current version of the inbound secret.
    pub current: Vec<Credential>,
    /// Those of the version before, until it is retired.
    pub previous: Vec<Credential>,
}

/// Something that is registered otherwise than it is deployed. No variant shows a credential.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
#[serde(tag = "difference", rename_all = "snake_case")]
pub enum Difference {
    /// Nothing of this kind was ever registered.
    NotRegistered {
        /// The kind, or [`AUTH`].
        of: String,
    },
    /// The vendor calls another URL.
    OtherUrl {
        /// The kind.
        of: String,
        /// The one that it calls.
        registered: String,
        /// The one that there is.
        deployed: String,
    },
    /// The vendor does not call.
    Disabled {
        /// The kind.
        of: String,
    },
    /// The vendor shows another credential than the current one.
    OtherCredential {
        /// [`AUTH`].
        of: String,
        /// Whether it is still believed, which it is until it is retired.
        accepted: bool,
    },
    /// What existed at the vendor before may still have what was registered before.
    OlderElsewhere {
        /// The kind, or [`AUTH`].
        of: String,
    },
    /// A call that may have changed it was not answered.
    InDoubt {
        /// The kind, or [`AUTH`].
        of: String,
    },
}

impl Difference {
    /// The kind that it is about, or [`AUTH`].
    #[must_use]
    pub fn of(&self) -> &str {
        match self {
            Self::NotRegistered { of }
            | Self::OtherUrl { of, .. }
            | Self::Disabled { of }
            | Self::OtherCredential { of, .. }
            | Self::OlderElsewhere { of }
            | Self::InDoubt { of } => of,
        }
    }

    /// Whether what exists at the vendor already has to be changed too, to end it.
    #[must_use]
    pub const fn is_elsewhere(&self) -> bool {
        match self {
            Self::OtherUrl { .. }
            | Self::Disabled { .. }
            | Self::OtherCredential { .. }
            | Self::OlderElsewhere { .. } => true,
            Self::NotRegistered { .. } | Self::InDoubt { .. } => false,
        }
    }
}

impl Registered {
    /// All differences, kind by kind, the credential's last. None: it is registered as it is deployed.
    #[must_use]
    pub fn differences(&self, deployed: &Deployed) -> Vec<Difference> {
        let kinds = deployed.urls.iter();
        let kinds = kinds.flat_map(|(kind, url)| self.differences_of_kind(kind, url));
        kinds.chain(self.differences_of_auth(deployed)).collect()
    }

    fn differences_of_kind(&self, kind: &str, url: &str) -> Vec<Difference> {
        let Some(entry) = self.webhooks.get(kind) else {
            let of = kind.to_owned();
            let unknown = Difference::NotRegistered { of };
            return vec![self.doubt(kind).unwrap_or(unknown)];
        };
        let own = of_webhook(kind, &entry.value, url);
        let is_older = entry.value.enabled && entry.older_elsewhere;
        let older = older_elsewhere(kind, is_older);
        own.into_iter()
            .chain(older)
            .chain(self.doubt(kind))
            .collect()
    }

    fn differences_of_auth(&self, deployed: &Deployed) -> Vec<Difference> {
        let of = || AUTH.to_owned();
        let Some(entry) = &self.auth else {
            let unknown = Difference::NotRegistered { of: of() };
            return vec![self.doubt(AUTH).unwrap_or(unknown)];
        };
        let is_other = !deployed.current.contains(&entry.value);
        let other = is_other.then(|| Difference::OtherCredential {
            of: of(),
            accepted: deployed.previous.contains(&entry.value),
        });
        let older = older_elsewhere(AUTH, entry.older_elsewhere);
        let doubt = self.doubt(AUTH);
        other.into_iter().chain(older).chain(doubt).collect()
    }

    fn doubt(&self, name: &str) -> Option<Difference> {
        let in_doubt = self.in_doubt.contains(name);
        in_doubt.then(|| Difference::InDoubt {
            of: name.to_owned(),
        })
    }
}

/// Of a kind that is off, it does not matter which URL nothing comes to.
fn of_webhook(kind: &str, webhook: &Webhook, url: &str) -> Option<Difference> {
    let of = kind.to_owned();
    if !webhook.enabled {
        return Some(Difference::Disabled { of });
    }
    (webhook.url != url).then(|| Difference::OtherUrl {
        of,
        registered: webhook.url.clone(),
        deployed: url.to_owned(),
    })
}

fn older_elsewhere(name: &str, is_so: bool) -> Option<Difference> {
    is_so.then(|| Difference::OlderElsewhere {
        of: name.to_owned(),
    })
}
