//! Random identifiers and passwords.

use std::fmt::Write as _;

const LETTERS_AND_DIGITS: &[u8; 62] =
    b"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789";

/// `length` letters and digits, each as likely as the other.
#[must_use]
pub fn letters_and_digits(length: usize) -> String {
    let mut text = String::with_capacity(length);
    while text.len() < length {
        // 248 is the largest multiple of 62 that a byte holds: what is above would favour some letters.
        let usable = bytes::<64>().into_iter().filter(|byte| *byte < 248);
        let letters = usable.filter_map(|byte| LETTERS_AND_DIGITS.get(usize::from(byte % 62)));
        text.extend(
            letters
                .take(length - text.len())
                .map(|letter| char::from(*letter)),
        );
    }
    text
}

/// A version 4 UUID, which is what AWS uses for request and version ids.
#[must_use]
pub fn uuid() -> String {
    let mut bytes = bytes::<16>();
    let [.., version, _, variant, _, _, _, _, _, _, _] = &mut bytes;
    *version = (*version & 0x0f) | 0x40;
    *variant = (*variant & 0x3f) | 0x80;
    let mut text = String::with_capacity(36);
    for (position, byte) in bytes.iter().enumerate() {
        if matches!(position, 4 | 6 | 8 | 10) {
            text.push('-');
        }
        write!(text, "{byte:02x}").expect("writing to a String cannot fail");
    }
    text
}

/// `N` random bytes.
#[must_use]
pub fn bytes<const N: usize>() -> [u8; N] {
    let mut bytes = [0; N];
    getrandom::fill(&mut bytes).expect("the operating system has randomness");
    bytes
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn passwords_are_letters_and_digits_of_the_length_asked_for() {
        for length in [0, 1, 32, 200] {
            let password = letters_and_digits(length);
            assert_eq!(password.len(), length);
            assert!(
                password
                    .chars()
                    .all(|letter| letter.is_ascii_alphanumeric())
            );
        }
        assert_ne!(letters_and_digits(32), letters_and_digits(32));
    }

    #[test]
    fn a_uuid_has_its_version_and_variant_where_they_belong() {
        let uuid = uuid();
        let groups: Vec<usize> = uuid.split('-').map(str::len).collect();
        assert_eq!(groups, [8, 4, 4, 4, 12]);
        assert_eq!(uuid.chars().nth(14), Some('4'));
        assert!(matches!(uuid.chars().nth(19), Some('8' | '9' | 'a' | 'b')));
    }
}
