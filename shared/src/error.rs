//! Errors, as they are shown: each says its own layer's part, and whoever handles one shows the whole chain.

use std::error::Error;

/// An error with all its causes, outermost first, as the one place that handles it logs it.
#[must_use]
pub fn causes(error: &(dyn Error + 'static)) -> String {
    let mut texts = vec![error.to_string()];
    let mut cause = error.source();
    while let Some(error) = cause {
        texts.push(error.to_string());
        cause = error.source();
    }
    texts.join(": ")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[derive(Debug, thiserror::Error)]
    #[error("outside")]
    struct Outer(#[source] std::io::Error);

    #[test]
    fn the_whole_chain_is_shown_outermost_first() {
        let error = Outer(std::io::Error::other("inside"));
        assert_eq!(causes(&error), "outside: inside");
    }
}
