//! How the command ends.

use shared::error::causes;
use std::process::ExitCode;

const FAILED: u8 = 1;
const WRONG_USE: u8 = 2;

/// The command was used wrongly: the text says what to do instead.
#[derive(Debug, thiserror::Error)]
#[error("{0}")]
pub struct WrongUse(pub String);

/// Prints an error, if there is one, and gives the process's exit code.
pub fn code(result: anyhow::Result<()>) -> ExitCode {
    let Err(error) = result else {
        return ExitCode::SUCCESS;
    };
    eprintln!("hooks: {}", causes(error.as_ref()));
    if error.is::<WrongUse>() {
        WRONG_USE.into()
    } else {
        FAILED.into()
    }
}
