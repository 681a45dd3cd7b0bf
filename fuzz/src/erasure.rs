//! Who is named in a body, whatever that is wrapped in.

use shared::erasure::{self, Person};
use shared::person::HashKey;

/// A body. By whatever address is found in it somebody can be erased, and is found by that.
///
/// # Panics
/// If an address is none, or is not found again.
pub fn addresses(data: &[u8]) {
    for address in erasure::addresses(data, usize::MAX) {
        let person = Person::by_email(&address, &HashKey::default());
        let person = person.unwrap_or_else(|_| panic!("{address:?} is no address"));
        assert!(person.is_named_in(data), "{address:?} is not found again");
    }
}
