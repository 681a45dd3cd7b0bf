//! A change as it is shown: a line.

use crate::output::{or_dash, shown};
use crate::view;
use anyhow::{Context, bail};
use serde_json::Value;
use shared::event::Score;

/// A change as the bus delivered it. It may be of a newer version of this code, so that it is read leniently.
#[derive(Debug)]
pub struct Change(Value);

impl Change {
    /// Reads a message of the queue: EventBridge's envelope around the event.
    pub fn read(body: Option<&str>) -> anyhow::Result<Self> {
        let body = body.context("the message has no body")?;
        // The cause would quote what came.
        let Ok(mut envelope) = serde_json::from_str::<Value>(body) else {
            bail!("the message is not JSON");
        };
        match envelope.get_mut("detail").map(Value::take) {
            Some(detail @ Value::Object(_)) => Ok(Self(detail)),
            _ => bail!("the message is no event of EventBridge's"),
        }
    }

    /// The event, in one line.
    pub fn json(&self) -> String {
        self.0.to_string()
    }

    /// The source, the attempt, and its version.
    pub fn version(&self) -> Option<(&str, &str, u64)> {
        let version = self.0.pointer("/data/version")?.as_u64()?;
        Some((
            self.text("/data/source")?,
            self.text("/data/attempt")?,
            version,
        ))
    }

    fn text(&self, pointer: &str) -> Option<&str> {
        self.0.pointer(pointer)?.as_str()
    }

    fn score(&self) -> Option<String> {
        let number = |name: &str| self.0.pointer(&format!("/data/score/{name}"))?.as_f64();
        let score = Score {
            value: number("value"),
            maximum: number("maximum"),
            percent: number("percent"),
        };
        score.known().map(view::score)
    }

    /// How far the attempt is, or that nobody is to know.
    fn standing(&self) -> Option<&str> {
        let erased = self.0.pointer("/data/erased").and_then(Value::as_bool);
        match erased {
            Some(true) => Some("erased"),
            _ => self.text("/data/status"),
        }
    }

    fn cells(&self) -> [String; 7] {
        let version = self.0.pointer("/data/version").and_then(Value::as_u64);
        [
            or_dash(self.text("/time")),
            or_dash(self.text("/data/source")),
            or_dash(self.text("/data/attempt")),
            or_dash(self.standing()),
            or_dash(self.text("/data/decision")),
            or_dash(self.score()),
            or_dash(version),
        ]
    }
}

/// The columns. Nobody knows what is still to come, so that they begin as wide as most of it and grow where they must.
pub struct Columns([usize; 7]);

impl Default for Columns {
    fn default() -> Self {
        Self([24, 9, 12, 12, 8, 10, 1])
    }
}

impl Columns {
    /// What stands above.
    pub fn headings(&mut self) -> String {
        let names = [
            "time", "vendor", "attempt", "status", "decision", "score", "version",
        ];
        self.aligned(&names.map(str::to_owned))
    }

    /// A change's own line.
    pub fn row(&mut self, change: &Change) -> String {
        let cells = change.cells().map(|cell| shown(&cell));
        self.aligned(&cells)
    }

    fn aligned(&mut self, cells: &[String; 7]) -> String {
        let columns = cells.iter().zip(&mut self.0).map(|(cell, width)| {
            *width = (*width).max(cell.chars().count());
            format!("{cell:<width$}", width = *width)
        });
        let columns: Vec<String> = columns.collect();
        columns.join("  ").trim_end().to_owned()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    fn change(attempt: &str) -> Change {
        let detail = json!({
            "time": "2026-01-15T10:00:00.000Z",
            "data": {
                "source": "imocha", "attempt": attempt, "version": 3, "status": "completed",
                "score": { "value": 6.0, "maximum": 115.0 }, "of_tomorrow": true,
            },
        });
        Change::read(Some(&json!({ "detail": detail }).to_string())).unwrap()
    }

    #[test]
    fn lines_stand_below_their_headings_and_below_each_other() {
        let mut columns = Columns::default();
        let headings = columns.headings();
        let row = columns.row(&change("3314697"));
        assert_eq!(
            row,
            "2026-01-15T10:00:00.000Z  imocha     3314697       completed     –         6 of 115    3"
        );
        let column = |line: &str, word: &str| {
            let at = line.find(word).unwrap();
            line[..at].chars().count()
        };
        for (heading, word) in [
            ("vendor", "imocha"),
            ("status", "completed"),
            ("score", "6 of"),
        ] {
            assert_eq!(column(&headings, heading), column(&row, word));
        }
        let long = columns.row(&change(&"a".repeat(57)));
        let after = columns.row(&change("3314697"));
        assert_eq!(column(&long, "completed"), column(&after, "completed"));
    }

    #[test]
    fn a_vendors_text_does_not_drive_the_terminal() {
        let row = Columns::default().row(&change("\u{1b}[2J\n"));
        assert!(!row.contains(char::is_control), "{row:?}");
    }

    #[test]
    fn what_is_no_event_is_named_and_not_quoted() {
        for body in [
            None,
            Some("ada@example.com"),
            Some("{}"),
            Some(r#"{"detail":"ada"}"#),
        ] {
            let error = Change::read(body).unwrap_err();
            assert!(!format!("{error:?}").contains("ada"), "{error:?}");
        }
    }

    #[test]
    fn the_json_is_the_event_in_one_line_and_whole() {
        let json = change("a\nb").json();
        assert!(
            json.contains("of_tomorrow") && !json.contains('\n'),
            "{json}"
        );
    }
}
