//! What is printed: tables for people, JSON for programs.

use serde::Serialize;
use std::io::{self, Write};

/// Prints a value as JSON.
pub fn json(value: &impl Serialize) -> anyhow::Result<()> {
    let text = serde_json::to_string_pretty(value)?;
    line(&text)
}

/// Prints one line. That the reader went away, as `head` does, is no error of ours.
pub fn line(text: &str) -> anyhow::Result<()> {
    match writeln!(io::stdout().lock(), "{text}") {
        Err(error) if error.kind() == io::ErrorKind::BrokenPipe => Ok(()),
        result => Ok(result?),
    }
}

/// Whether somebody still reads what is printed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Reader {
    /// As far as is known.
    There,
    /// `head` has had enough, or the terminal is gone.
    Gone,
}

/// Prints one line at once, for who waits for it.
pub fn line_for(text: &str) -> anyhow::Result<Reader> {
    let mut output = io::stdout().lock();
    match writeln!(output, "{text}").and_then(|()| output.flush()) {
        Ok(()) => Ok(Reader::There),
        Err(error) if error.kind() == io::ErrorKind::BrokenPipe => Ok(Reader::Gone),
        Err(error) => Err(error.into()),
    }
}

/// Prints rows under headings, columns as wide as they need to be.
pub fn table<const N: usize>(headings: [&str; N], rows: &[[String; N]]) -> anyhow::Result<()> {
    for text in aligned(headings, rows) {
        line(&text)?;
    }
    Ok(())
}

fn aligned<const N: usize>(headings: [&str; N], rows: &[[String; N]]) -> Vec<String> {
    let headings = headings.map(str::to_owned);
    let all: Vec<[String; N]> = std::iter::once(headings)
        .chain(rows.iter().map(|row| row.clone().map(|cell| shown(&cell))))
        .collect();
    let width = |column: usize| {
        all.iter()
            .filter_map(|row| row.get(column))
            .map(|cell| cell.chars().count())
            .max()
    };
    let widths: Vec<usize> = (0..N).map(|column| width(column).unwrap_or(0)).collect();
    all.iter().map(|row| aligned_row(row, &widths)).collect()
}

fn aligned_row(row: &[String], widths: &[usize]) -> String {
    let cells = row
        .iter()
        .zip(widths)
        .map(|(cell, width)| format!("{cell:<width$}"));
    cells.collect::<Vec<_>>().join("  ").trim_end().to_owned()
}

/// A vendor's text may hold control characters, which would drive the terminal.
pub fn shown(text: &str) -> String {
    text.chars()
        .map(|character| {
            if character.is_control() {
                '\u{fffd}'
            } else {
                character
            }
        })
        .collect()
}

/// What stands where there is nothing to say.
pub fn or_dash(text: Option<impl ToString>) -> String {
    text.map_or_else(|| "–".to_owned(), |text| text.to_string())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn columns_are_as_wide_as_they_need_to_be() {
        let rows = [
            ["a".to_owned(), "1".to_owned()],
            ["äöü".to_owned(), "22".to_owned()],
        ];
        assert_eq!(
            aligned(["x", "number"], &rows),
            ["x    number", "a    1", "äöü  22"]
        );
    }

    #[test]
    fn a_vendors_text_does_not_drive_the_terminal() {
        let rows = [["\u{1b}[2Jgone\n".to_owned()]];
        assert_eq!(aligned(["x"], &rows)[1], "\u{fffd}[2Jgone\u{fffd}");
    }
}
