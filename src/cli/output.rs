//! Answers as tables for people and as JSON or YAML for programs.

use super::{Exit, Failure, Output};
use serde::Serialize;
use std::io::Write;

/// Prints an answer: `table` for people, the value itself for programs.
pub fn print<T: Serialize>(form: Output, value: &T, table: impl FnOnce(&T) -> String) -> Result<(), Failure> {
    let text = match form {
        Output::Table => super::pages::as_called(&table(value)).into_owned(),
        Output::Json => serde_json::to_string_pretty(value).map_err(unprintable)? + "\n",
        Output::Yaml => yaml(value)?,
    };
    write(&text)
}

/// A value as YAML.
///
/// # Errors
/// A value that YAML cannot say.
pub fn yaml<T: Serialize>(value: &T) -> Result<String, Failure> {
    serde_saphyr::to_string(value).map_err(unprintable)
}

/// Writes to stdout; a reader that went away (`| head`) is no failure.
pub fn write(text: &str) -> Result<(), Failure> {
    let mut out = std::io::stdout().lock();
    match out.write_all(text.as_bytes()).and_then(|()| out.flush()) {
        Err(e) if e.kind() != std::io::ErrorKind::BrokenPipe => {
            Err(Failure::new(Exit::Unreachable, format!("stdout cannot be written: {e}")))
        }
        _ => Ok(()),
    }
}

fn unprintable(error: impl std::fmt::Display) -> Failure {
    Failure::new(Exit::No, format!("the answer cannot be written in this form: {error}; try -o table"))
}

/// A table with aligned columns, two blanks between them, no blanks at the ends of lines.
#[derive(Debug, Default)]
pub struct Table {
    rows: Vec<Vec<String>>,
}

impl Table {
    /// With these headings.
    pub fn new(headings: &[&str]) -> Self {
        Self { rows: vec![headings.iter().map(|h| (*h).to_owned()).collect()] }
    }

    /// One more row.
    pub fn row(&mut self, cells: Vec<String>) {
        self.rows.push(cells);
    }

    /// The text, one line a row.
    pub fn render(&self) -> String {
        let columns = self.rows.iter().map(Vec::len).max().unwrap_or(0);
        let width = |column: usize| self.rows.iter().filter_map(|r| r.get(column)).map(|c| c.chars().count()).max();
        let widths: Vec<usize> = (0..columns).map(|c| width(c).unwrap_or(0)).collect();
        let line = |row: &Vec<String>| {
            let cells = row.iter().zip(&widths).map(|(cell, width)| format!("{cell:<width$}"));
            format!("{}\n", cells.collect::<Vec<_>>().join("  ").trim_end())
        };
        self.rows.iter().map(line).collect()
    }
}

/// A number where there is one, `-` where there is none: missing is never zero.
pub fn or_dash<T: std::fmt::Display>(value: Option<T>) -> String {
    value.map_or_else(|| "-".to_owned(), |v| v.to_string())
}

/// A load with about three significant digits.
pub fn load(value: f64) -> String {
    match value.abs() {
        0.0 => "0".to_owned(),
        v if v >= 100.0 => format!("{value:.0}"),
        v if v >= 10.0 => format!("{value:.1}"),
        v if v >= 1.0 => format!("{value:.2}"),
        _ => format!("{value:.3}"),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn columns_are_aligned_and_lines_end_where_they_end() {
        let mut table = Table::new(&["NAME", "FLOOR"]);
        table.row(vec!["shop/checkout".to_owned(), or_dash(Some(3))]);
        table.row(vec!["a/ü".to_owned(), or_dash::<u32>(None)]);
        assert_eq!(table.render(), "NAME           FLOOR\nshop/checkout  3\na/ü            -\n");
    }

    #[test]
    fn loads_have_three_digits() {
        for (value, text) in [(0.0, "0"), (0.1234, "0.123"), (4.5678, "4.57"), (45.678, "45.7"), (12_345.6, "12346")] {
            assert_eq!(load(value), text);
        }
    }
}
