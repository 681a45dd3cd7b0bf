//! What is registered at a vendor and what is to be, one item for each vendor: the request with its mark, what came of it, and
//! what the vendor has by now. Holds no credential.

use super::StoreError;
use super::due::{Later, Mark};
use super::item::{Item, json, text, time, word};
use super::table::{Attributes, Table};
use super::update::Update;
use crate::key::{ItemKey, REGISTRATION};
use crate::registration::{Registered, Wanted};
use crate::timestamp::Timestamp;
use serde::{Deserialize, Serialize};

/// What came of a request.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum RegistrationOutcome {
    /// The vendor was not asked yet.
    Requested,
    /// The vendor could not be asked, or was too busy: it is asked again.
    Waiting,
    /// The vendor has registered what was wanted. Final.
    Registered,
    /// The vendor has answered something else. Final.
    Refused,
    /// The vendor cannot be asked until a person acts. Final.
    Failed,
}

impl RegistrationOutcome {
    /// Whether nothing more comes of it.
    #[must_use]
    pub const fn is_final(self) -> bool {
        match self {
            Self::Requested | Self::Waiting => false,
            Self::Registered | Self::Refused | Self::Failed => true,
        }
    }
}

/// What is registered at a vendor, and what was last wanted to be.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Registration {
    /// What tells this request from others.
    pub request: String,
    /// What was wanted.
    pub wanted: Wanted,
    /// When.
    pub requested_at: Timestamp,
    /// What came of it.
    pub outcome: RegistrationOutcome,
    /// What the vendor said, or why it could not be asked.
    pub message: Option<String>,
    /// When the vendor was last asked.
    pub tried_at: Option<Timestamp>,
    /// When it is to be done, if it still is.
    pub due_at: Option<Timestamp>,
    /// What the vendor has.
    pub registered: Registered,
}

impl Registration {
    fn read(attributes: &Attributes) -> Result<Self, StoreError> {
        let item = Item(attributes);
        let registered = item.optional_text("registered");
        Ok(Self {
            request: item.text("request")?.to_owned(),
            wanted: item.json("wanted")?,
            requested_at: item.time("requested_at")?,
            outcome: item.word("outcome")?,
            message: item.optional_text("message").map(str::to_owned),
            tried_at: item.optional_time("tried_at"),
            due_at: Mark::due_at(attributes),
            registered: match registered {
                Some(_) => item.json("registered")?,
                None => Registered::default(),
            },
        })
    }
}

/// A call to the vendor that nobody else makes at the same time.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct RegistrationCall {
    vendor: String,
    request: String,
    until: Timestamp,
}

impl Table {
    /// Notes what a vendor is to have registered: the work is there before any message is. `false` if an earlier request is
    /// not done yet; with `replace`, it is given up, unless the vendor is being asked at this moment.
    pub async fn request_registration(
        &self,
        vendor: &str,
        request: &str,
        wanted: &Wanted,
        replace: bool,
        now: Timestamp,
    ) -> Result<bool, StoreError> {
        let key = ItemKey::of_vendor(vendor, REGISTRATION);
        let update = Update::of(&key)
            .set("request", text(request))
            .set("wanted", json(wanted))
            .set("requested_at", time(now))
            .set("outcome", word(&RegistrationOutcome::Requested))
            .remove("message")
            .remove("tried_at");
        let update = if replace {
            unless_being_called(update, now)
        } else {
            update.only_if("attribute_not_exists(due_shard)")
        };
        let update = Mark::first(key.shard(), now).set_on(update);
        Ok(self.update(update).await?.is_some())
    }

    /// What is known of registering at the vendor.
    pub async fn registration(&self, vendor: &str) -> Result<Option<Registration>, StoreError> {
        let key = ItemKey::of_vendor(vendor, REGISTRATION);
        let item = self.get(&key).await?;
        item.as_ref().map(Registration::read).transpose()
    }

    /// Notes that the vendor is about to be asked, and what may be in doubt from then on. `None` if there is nothing to ask:
    /// the request is done or replaced, or someone else asks until then.
    pub async fn begin_registering(
        &self,
        vendor: &str,
        request: &str,
        doubting: &Registered,
        now: Timestamp,
        until: Timestamp,
    ) -> Result<Option<RegistrationCall>, StoreError> {
        let key = ItemKey::of_vendor(vendor, REGISTRATION);
        let update = Update::of_existing(&key)
            .only_if("attribute_exists(due_shard)")
            .only_if_is("request", text(request))
            .set("calling_until", time(until))
            .set("tried_at", time(now))
            .set("registered", json(doubting));
        let begun = self.update(unless_being_called(update, now)).await?;
        Ok(begun.map(|_| RegistrationCall {
            vendor: vendor.to_owned(),
            request: request.to_owned(),
            until,
        }))
    }

    /// Notes what came of the call. `due_at` is when the vendor is asked again, `None` never. Nothing happens if the call took
    /// so long that it is no longer the only one.
    pub async fn note_registration(
        &self,
        call: &RegistrationCall,
        outcome: RegistrationOutcome,
        message: Option<&str>,
        registered: &Registered,
        due_at: Option<Timestamp>,
    ) -> Result<(), StoreError> {
        let key = ItemKey::of_vendor(&call.vendor, REGISTRATION);
        let update = Update::of_existing(&key)
            .only_if_is("request", text(&call.request))
            .only_if_is("calling_until", time(call.until))
            .remove("calling_until")
            .set("outcome", word(&outcome))
            .set_or_remove("message", message.map(text))
            .set("registered", json(registered));
        let update = match due_at {
            Some(due_at) => Mark::at(key.shard(), due_at).postpone_on(update, Later::Failed),
            None => Mark::clear_on(update),
        };
        self.update(update).await?;
        Ok(())
    }
}

fn unless_being_called(update: Update, now: Timestamp) -> Update {
    update
        .only_if("(attribute_not_exists(calling_until) OR calling_until <= :now)")
        .value(":now", time(now))
}
